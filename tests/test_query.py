"""Spatial queries: each condition, what schematic shapes may answer, stable pages, refusals."""

from __future__ import annotations

from datetime import date
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from geoplan.crs import STORAGE, WEB_MERCATOR, Bounds
from geoplan.errors import CRSError, QueryError
from geoplan.layers.geojson import geojson_features
from geoplan.query import (
    LonLat,
    UnknownFeatureError,
    division_area,
    find_feature,
    parse_bbox,
    parse_point,
    select_features,
)


@pytest.fixture(scope="module")
def frame() -> gpd.GeoDataFrame:
    """Two counties side by side, a township in the first, shapes without codes, and an unplaced fact.

    Columns: fid, code, source, shape. The rows are not in the order of fid.
    """
    rows: list[tuple[int, str | None, str, Any]] = [
        (4, None, "approximate", Point(112.5, 37.5)),
        (1, "140321", "official", box(112, 37, 113, 38)),
        (2, "140322", "official", box(113, 37, 114, 38)),
        (3, "140321107", "generalised", box(112.2, 37.2, 112.8, 37.8)),
        (5, None, "schematic", box(112.4, 37.4, 112.6, 37.6)),
        (6, None, "approximate", LineString([(112.5, 37.5), (113.5, 37.5)])),
        (7, "140321", "none", None),
        (8, "140400", "schematic", box(112, 37, 114, 38)),
    ]
    fids, codes, sources, shapes = zip(*rows, strict=True)
    data = {"fid": fids, "division_code": codes, "geometry_source": sources}
    return gpd.GeoDataFrame(data, geometry=list(shapes), crs=STORAGE)


def fids(frame: gpd.GeoDataFrame, **conditions: Any) -> list[int]:
    return list(select_features(frame, **conditions).frame["fid"])


def test_no_condition_selects_everything_in_order(frame: gpd.GeoDataFrame) -> None:
    answer = select_features(frame)
    assert list(answer.frame["fid"]) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (answer.matched, answer.excluded_schematic) == (8, 0)


def test_a_box_shows_schematic_shapes_too(frame: gpd.GeoDataFrame) -> None:
    assert fids(frame, bbox=Bounds(112.55, 37.55, 112.56, 37.56)) == [1, 3, 5, 8]
    assert fids(frame, bbox=Bounds(0, 0, 1, 1)) == []


def test_schematic_shapes_answer_no_point_query_and_are_counted(frame: gpd.GeoDataFrame) -> None:
    answer = select_features(frame, point=LonLat(112.55, 37.55))
    assert list(answer.frame["fid"]) == [1, 3]
    assert (answer.matched, answer.excluded_schematic) == (2, 2)


def test_a_point_on_a_common_border_is_in_both(frame: gpd.GeoDataFrame) -> None:
    assert fids(frame, point=LonLat(113, 37.1)) == [1, 2]


def test_within_takes_codes_first_and_shapes_only_without_a_code(frame: gpd.GeoDataFrame) -> None:
    assert fids(frame, within="140321") == [1, 3, 7]
    answer = select_features(frame, within="140321", within_area=box(112, 37, 113, 38))
    assert list(answer.frame["fid"]) == [1, 3, 4, 7]
    assert answer.excluded_schematic == 1
    assert fids(frame, within="140321", within_area=box(111, 36, 115, 39)) == [1, 3, 4, 6, 7]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("140000", [1, 2, 3, 7, 8]),
        ("140300", [1, 2, 3, 7]),
        ("140322", [2]),
        ("140321107", [3]),
        ("150000", []),
        (["140322", "140321107"], [2, 3]),
    ],
)
def test_within_every_level(frame: gpd.GeoDataFrame, code: str | list[str], expected: list[int]) -> None:
    assert fids(frame, within=code) == expected


def test_conditions_are_joined_by_and(frame: gpd.GeoDataFrame) -> None:
    assert fids(frame, within="140321", point=LonLat(112.55, 37.55)) == [1, 3]
    assert fids(frame, within="140322", bbox=Bounds(112, 37, 112.5, 38)) == []
    answer = select_features(frame, within="140322", point=LonLat(113.5, 37.5))
    assert (list(answer.frame["fid"]), answer.excluded_schematic) == ([2], 0)


@given(limit=st.integers(0, 10), offset=st.integers(0, 10))
def test_pages_are_slices_of_one_order(frame: gpd.GeoDataFrame, limit: int, offset: int) -> None:
    answer = select_features(frame, limit=limit, offset=offset)
    assert list(answer.frame["fid"]) == list(range(1, 9))[offset : offset + limit]
    assert answer.matched == 8


def test_the_frame_is_not_changed(frame: gpd.GeoDataFrame) -> None:
    before = frame.copy(deep=True)
    select_features(frame, bbox=Bounds(112, 37, 113, 38), within="140321", within_area=box(112, 37, 113, 38))
    geojson_features(frame)
    pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(before))


def test_an_empty_layer_answers(frame: gpd.GeoDataFrame) -> None:
    answer = select_features(frame.iloc[:0], bbox=Bounds(112, 37, 113, 38), within="140321", point=LonLat(112, 37))
    assert (len(answer.frame), answer.matched, answer.excluded_schematic) == (0, 0, 0)


def test_refusals(frame: gpd.GeoDataFrame) -> None:
    with pytest.raises(QueryError, match="within"):
        select_features(frame, within="14x")
    with pytest.raises(QueryError, match="negative"):
        select_features(frame, offset=-1)
    with pytest.raises(CRSError):
        select_features(frame.to_crs(WEB_MERCATOR))


def test_the_area_of_a_division_is_never_schematic() -> None:
    def boundaries(code: str, source: str) -> gpd.GeoDataFrame:
        return gpd.GeoDataFrame({"code": [code], "geometry_source": [source]}, geometry=[box(0, 0, 1, 1)], crs=STORAGE)

    frames = [boundaries("140321", "generalised"), boundaries("140321001", "schematic")]
    assert division_area(frames, "140321") == box(0, 0, 1, 1)
    assert division_area(frames, "140321001") is None
    assert division_area(frames, "140322") is None


def test_find_feature(frame: gpd.GeoDataFrame) -> None:
    assert list(find_feature(frame, 6)["fid"]) == [6]
    with pytest.raises(UnknownFeatureError, match="99"):
        find_feature(frame, 99)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3", "4 numbers"),
        ("1,2,3,4,5,6", "4 numbers"),
        ("nan,0,1,1", "4 numbers"),
        ("0,0,inf,1", "4 numbers"),
        ("a,b,c,d", "4 numbers"),
        ("", "4 numbers"),
        ("170,10,-170,20", "antimeridian"),
        ("0,20,1,10", "south"),
        ("0,0,181,1", "longitude"),
        ("37,112,38,113", "longitude comes first"),
    ],
)
def test_boxes_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        parse_bbox(text)


def test_boxes_and_points_that_are_read() -> None:
    assert parse_bbox("110.2, 34.5,114.6,40.8") == Bounds(110.2, 34.5, 114.6, 40.8)
    assert parse_bbox("1,1,1,1") == Bounds(1, 1, 1, 1)
    assert parse_point("112.5,37.8") == LonLat(112.5, 37.8)
    for text in ("37.8,112.5", "1", "1,2,3", "NaN,NaN"):
        with pytest.raises(QueryError, match="point"):
            parse_point(text)


def test_features_are_plain_values() -> None:
    clockwise = Polygon([(0, 0), (0, 1), (1, 1), (1, 0)], [[(0.2, 0.2), (0.4, 0.2), (0.4, 0.4), (0.2, 0.4)]])
    frame = gpd.GeoDataFrame(
        {
            "fid": np.array([7, 8]),
            "name": ["<script>", None],
            "value": [1.5, np.nan],
            "since": [date(2021, 1, 1), pd.NaT],
            "places": [np.array(["a", "b"], dtype=object), None],
            "quantities": [[{"value": np.float64("nan"), "n": np.int64(2)}], []],
        },
        geometry=[clockwise, None],
        crs=STORAGE,
    )
    first, second = geojson_features(frame)
    assert (first["type"], first["id"]) == ("Feature", 7)
    assert first["properties"] == {
        "fid": 7,
        "name": "<script>",
        "value": 1.5,
        "since": "2021-01-01",
        "places": ["a", "b"],
        "quantities": [{"value": None, "n": 2}],
    }
    outer, inner = first["geometry"]["coordinates"]
    assert Polygon(outer).exterior.is_ccw
    assert not Polygon(inner).exterior.is_ccw
    assert second["geometry"] is None
    assert second["properties"] == {
        "fid": 8,
        "name": None,
        "value": None,
        "since": None,
        "places": None,
        "quantities": [],
    }
