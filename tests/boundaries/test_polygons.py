"""Province, city and county polygons: complete, without gap or overlap; and how a file is read."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geoplan.boundaries.polygons import COLUMNS, fix_parents, read_polygons, replace_divisions
from geoplan.boundaries.sources import Source, SourceFile
from geoplan.crs import EQUAL_AREA, STORAGE, area_m2
from geoplan.errors import CRSError, SourceError
from geoplan.layers.store import Build, read_boundaries
from geoplan.terms import Level

SHANXI = "14"


def shanxi(build: Build, level: str) -> gpd.GeoDataFrame:
    frame = read_boundaries(build, level)
    return frame[frame["code"].str.startswith(SHANXI)].reset_index(drop=True)


@pytest.fixture(scope="module")
def counties(build: Build) -> gpd.GeoDataFrame:
    return shanxi(build, "counties")


@pytest.fixture(scope="module")
def cities(build: Build) -> gpd.GeoDataFrame:
    return shanxi(build, "cities")


def in_metres(frame: gpd.GeoDataFrame) -> np.ndarray:
    return np.asarray(frame.geometry.to_crs(EQUAL_AREA).array)


def test_shanxi_has_117_counties_in_11_cities(counties: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> None:
    assert len(counties) == counties["code"].nunique() == 117
    assert len(cities) == cities["code"].nunique() == 11
    assert set(counties["parent"]) == set(cities["code"])
    assert set(cities["parent"]) == {"140000"}
    names = dict(zip(counties["code"], counties["name"], strict=True))
    changed = {
        "140213": "平城区", "140214": "云冈区", "140215": "云州区", "140403": "潞州区", "140404": "上党区",
        "140405": "屯留区", "140406": "潞城区", "140681": "怀仁市", "140703": "太谷区",
    }  # fmt: skip
    assert {code: names[code] for code in changed} == changed


def test_every_row_says_where_it_is_from(counties: gpd.GeoDataFrame) -> None:
    assert list(counties.columns) == COLUMNS
    assert counties.crs.to_epsg() == 4490
    for column, value in (
        ("level", "county"), ("geometry_source", "generalised"), ("source", "tianditu"), ("as_of", "2024"),
        ("datum", "CGCS2000"),
    ):  # fmt: skip
        assert set(counties[column]) == {value}
    assert list(counties["code"]) == sorted(counties["code"])


def test_counties_have_no_gap_and_no_overlap(build: Build, counties: gpd.GeoDataFrame) -> None:
    shapes = in_metres(counties)
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes)
    # 0 m2: no two interiors meet ...
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = a < b
    overlap = shapely.area(shapely.intersection(shapes[a[pairs]], shapes[b[pairs]]))
    assert len(overlap) > 300
    assert overlap.sum() == 0
    # ... the union is as large as the parts ...
    union = shapely.union_all(shapes)
    assert abs(union.area - shapely.area(shapes).sum()) < 0.01
    # ... has no hole, and is the province.
    assert sum(len(part.interiors) for part in shapely.get_parts(union)) == 0
    (province,) = in_metres(shanxi(build, "provinces"))
    assert shapely.symmetric_difference(union, province).area == 0


def test_counties_fill_their_cities(counties: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> None:
    shapes, parents = in_metres(counties), counties["parent"].to_numpy()
    for code, city in zip(cities["code"], in_metres(cities), strict=True):
        union = shapely.union_all(shapes[parents == code])
        assert shapely.symmetric_difference(union, city).area == 0, code


def test_areas_are_near_the_published_ones(cities: gpd.GeoDataFrame) -> None:
    published = {
        "太原市": 6909, "大同市": 14056, "阳泉市": 4559, "长治市": 13954, "晋城市": 9425, "朔州市": 10626,
        "晋中市": 16391, "运城市": 14183, "忻州市": 25154, "临汾市": 20301, "吕梁市": 21140,
    }  # fmt: skip
    for name, area in zip(cities["name"], area_m2(cities.geometry) / 1e6, strict=True):
        assert area == pytest.approx(published[name], rel=0.004), name


def test_real_holes_and_centroids_outside_are_kept(counties: gpd.GeoDataFrame) -> None:
    shapes = dict(zip(counties["code"], counties.geometry, strict=True))
    for inner, outer in (("140502", "140525"), ("140302", "140311")):
        assert not shapes[outer].contains(shapes[inner].representative_point())
        assert shapely.convex_hull(shapes[outer]).contains(shapes[inner])
    outside = [code for code, shape in shapes.items() if not shape.contains(shape.centroid)]
    assert outside == ["140303", "140525"]


def test_the_country_is_valid_at_every_level(build: Build) -> None:
    for level, least in (("provinces", 34), ("cities", 330), ("counties", 2800)):
        frame = read_boundaries(build, level)
        assert len(frame) >= least
        assert frame["code"].is_unique
        assert frame.geometry.is_valid.all()


# --- reading a file

SOURCE = Source(
    id="made", title="t", publisher="p", registry="npm", package="m", version="1", as_of="2025", datum="CGCS2000",
    licence="l", notice="n", files=(SourceFile(role="county", path="x", sha256="0"),),
)  # fmt: skip


def geojson(folder: Path, rows: list[tuple[str | None, str, shapely.Geometry]], crs: str = STORAGE) -> Path:
    path = folder / "made.gpkg"
    codes, names, shapes = zip(*rows, strict=True)
    gpd.GeoDataFrame({"gb": codes, "name": names}, geometry=list(shapes), crs=crs).to_file(path)
    return path


def test_rows_are_sorted_prefixes_come_off_and_lines_are_left_out(tmp_path: Path) -> None:
    rows: list[tuple[str | None, str, shapely.Geometry]] = [
        ("156140322", "盂县", shapely.box(1, 0, 2, 1)),
        (None, "境界线", shapely.box(5, 5, 6, 6)),
        ("", "境界线", shapely.box(7, 5, 8, 6)),
        ("156140321", "平定县", shapely.box(0, 0, 1, 1)),
        ("156140321", "平定县", shapely.box(0, 2, 1, 3)),
    ]
    frame = read_polygons(geojson(tmp_path, rows), Level.COUNTY, SOURCE)
    assert list(frame["code"]) == ["140321", "140322"]
    assert list(frame["parent"]) == ["140300", "140300"]
    assert list(frame.index) == [0, 1]
    assert shapely.get_num_geometries(frame.geometry[0]) == 2


@pytest.mark.parametrize(
    ("level", "code", "parent"),
    [(Level.PROVINCE, "140000", ""), (Level.CITY, "140300", "140000"), (Level.COUNTY, "140321", "140300")],
)
def test_the_parent_is_one_level_up(tmp_path: Path, level: Level, code: str, parent: str) -> None:
    path = geojson(tmp_path, [(f"156{code}", "某", shapely.box(0, 0, 1, 1))])
    frame = read_polygons(path, level, SOURCE)
    assert (frame["code"][0], frame["parent"][0], frame["level"][0]) == (code, parent, level.value)


def test_a_ring_that_touches_itself_becomes_valid_with_the_same_area(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (2, 0), (1, 1), (2, 2), (0, 2), (1, 1)])
    assert not bow.is_valid
    frame = read_polygons(geojson(tmp_path, [("156140321", "某", bow)]), Level.COUNTY, SOURCE)
    assert frame.geometry.is_valid.all()
    assert shapely.area(frame.geometry[0]) == pytest.approx(2.0)


def test_another_crs_is_refused(tmp_path: Path) -> None:
    path = geojson(tmp_path, [("156140321", "某", shapely.box(0, 0, 1, 1))], crs="EPSG:4326")
    with pytest.raises(CRSError, match="EPSG:4490 is required"):
        read_polygons(path, Level.COUNTY, SOURCE)


def test_an_unreadable_code_names_file_and_value(tmp_path: Path) -> None:
    path = geojson(tmp_path, [("平定", "某", shapely.box(0, 0, 1, 1))])
    with pytest.raises(SourceError, match=r"made\.gpkg: not a division code: '平定'"):
        read_polygons(path, Level.COUNTY, SOURCE)


def frame_of(*rows: tuple[str, str, str]) -> gpd.GeoDataFrame:
    codes, parents, origins = zip(*rows, strict=True)
    values = {column: [""] * len(rows) for column in COLUMNS[:-1]}
    values |= {"code": list(codes), "parent": list(parents), "source": list(origins)}
    shapes = [shapely.box(i, 0, i + 1, 1) for i in range(len(rows))]
    return gpd.GeoDataFrame(values, geometry=shapes, crs=STORAGE)


def test_counties_of_no_city_belong_to_the_province() -> None:
    counties = frame_of(("140321", "140300", "a"), ("500105", "500100", "a"))
    fixed = fix_parents(counties, frame_of(("140300", "140000", "a")))
    assert list(fixed["parent"]) == ["140300", "500000"]
    assert list(counties["parent"]) == ["140300", "500100"]


def test_imported_divisions_take_the_place_of_embedded_ones() -> None:
    base = frame_of(("140321", "140300", "a"), ("140322", "140300", "a"))
    joined = replace_divisions(base, frame_of(("140322", "140300", "b"), ("140302", "140300", "b")))
    assert list(zip(joined["code"], joined["source"], strict=True)) == [
        ("140302", "b"), ("140321", "a"), ("140322", "b"),
    ]  # fmt: skip
    assert joined.crs.to_epsg() == 4490
    assert replace_divisions(base, None) is base
    assert replace_divisions(base, base.iloc[:0]) is base
