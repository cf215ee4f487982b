"""Schematic township cells: they fill their county, nest, hold their anchor, and come out the same."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from geoplan.boundaries.anchors import read_points, township_anchors
from geoplan.boundaries.polygons import COLUMNS
from geoplan.boundaries.schematic import partition, partition_counties
from geoplan.boundaries.sources import load_sources, verified_path
from geoplan.crs import EQUAL_AREA, STORAGE
from geoplan.layers.store import Build, read_boundaries
from geoplan.settings import Settings

pytestmark = pytest.mark.xdist_group("schematic")


@pytest.fixture(scope="module")
def counties(build: Build) -> gpd.GeoDataFrame:
    frame = read_boundaries(build, "counties")
    return frame[frame["code"].str.startswith("14")].reset_index(drop=True)


@pytest.fixture(scope="module")
def townships(build: Build) -> pd.DataFrame:
    names = pd.read_parquet(build.path / "gazetteer" / "names.parquet")
    return names[names["level"].eq("township") & names["code"].str.startswith("14")]


@pytest.fixture(scope="module")
def anchors(settings: Settings, counties: gpd.GeoDataFrame, townships: pd.DataFrame) -> gpd.GeoDataFrame:
    path = verified_path(load_sources(settings.boundaries_dir)["geonames"], "points", settings.boundaries_dir)
    return township_anchors(townships, counties, read_points(path))


@pytest.fixture(scope="module")
def cells(counties: gpd.GeoDataFrame, townships: pd.DataFrame, anchors: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    # The order of the rows must not matter: they come shuffled.
    return partition_counties(counties, townships.sample(frac=1, random_state=1), anchors)


def in_metres(frame: gpd.GeoDataFrame) -> np.ndarray:
    return np.asarray(frame.geometry.to_crs(EQUAL_AREA).array)


# --- the whole province


def test_one_cell_a_township(cells: gpd.GeoDataFrame, townships: pd.DataFrame) -> None:
    assert len(cells) == 1283
    wanted = townships.sort_values("code")
    for column in ("code", "name", "parent", "as_of"):
        assert list(cells[column]) == list(wanted[column])
    assert list(cells.columns) == [*COLUMNS, "anchored"]
    assert cells.crs.to_epsg() == 4490


def test_every_cell_says_that_it_is_schematic(cells: gpd.GeoDataFrame, build: Build) -> None:
    for frame in (cells, read_boundaries(build, "townships")):
        assert set(frame["geometry_source"]) == {"schematic"}
        assert set(frame["source"]) == {"schematic"}
        assert set(frame["level"]) == {"township"}


def test_two_runs_give_the_same_bytes(cells: gpd.GeoDataFrame, build: Build) -> None:
    built = read_boundaries(build, "townships")
    built = built[built["code"].isin(cells["code"])].reset_index(drop=True)
    assert len(built) == 1283
    assert list(built["code"]) == list(cells["code"])
    assert list(built.geometry.to_wkb()) == list(cells.geometry.to_wkb())
    assert list(built["anchored"]) == list(cells["anchored"])


def test_the_cells_of_every_county_are_the_county(cells: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> None:
    shapes, parents = in_metres(cells), cells["parent"].to_numpy()
    for code, county in zip(counties["code"], in_metres(counties), strict=True):
        own = shapes[parents == code]
        assert len(own)
        union = shapely.union_all(own)
        assert shapely.symmetric_difference(union, county).area < 1, code
        assert abs(shapely.area(own).sum() - county.area) < 1, code
        assert shapely.area(shapely.difference(own, county)).max() < 1, code


def test_the_province_is_one_coverage(cells: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> None:
    for shapes in (np.asarray(cells.geometry.array), in_metres(cells)):
        assert shapely.is_valid(shapes).all()
        assert shapely.coverage_is_valid(shapes)
    assert shapely.area(in_metres(cells)).min() > 0
    assert shapely.area(in_metres(cells)).sum() == pytest.approx(shapely.area(in_metres(counties)).sum(), abs=1)


def test_anchors_lie_in_their_own_cell_and_no_other(cells: gpd.GeoDataFrame, anchors: gpd.GeoDataFrame) -> None:
    assert set(cells.loc[cells["anchored"], "code"]) == set(anchors["code"])
    shapes = cells.set_index("code").geometry
    tree = shapely.STRtree(shapes.array)
    for code, point in zip(anchors["code"], anchors.geometry, strict=True):
        assert list(shapes.index[tree.query(point, predicate="intersects")]) == [code]


def test_cells_are_in_one_piece_wherever_the_county_is(cells: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> None:
    whole = counties.loc[counties.geometry.count_geometries().eq(1), "code"]
    pieces = cells.loc[cells["parent"].isin(whole)].geometry.count_geometries()
    assert pieces.max() == 1


# --- shapes made here

PLANE = shapely.box(112, 37, 113, 38)
RING = shapely.difference(PLANE, shapely.box(112.3, 37.3, 112.7, 37.7))
U = shapely.Polygon(
    [(112, 37), (113, 37), (113, 38), (112.8, 38), (112.8, 37.2), (112.2, 37.2), (112.2, 38), (112, 38)]
)
TWO = shapely.MultiPolygon([PLANE, shapely.box(113.5, 37, 113.8, 37.3)])


def codes(count: int) -> list[str]:
    return [f"140321{i:03d}" for i in range(100, 100 + count)]


@pytest.mark.parametrize("shape", [PLANE, RING, U, TWO], ids=["box", "ring", "u", "exclave"])
@pytest.mark.parametrize("count", [1, 2, 5, 27])
def test_any_shape_is_filled(shape: shapely.Geometry, count: int) -> None:
    cells = partition(shape, codes(count), {})
    assert len(cells) == count
    assert all(isinstance(cell, shapely.MultiPolygon) and cell.area > 0 for cell in cells)
    assert shapely.coverage_is_valid(np.array(cells))
    assert shapely.union_all(cells).symmetric_difference(shape).area < 1e-12
    # In another projection as well: no cell ends in the middle of an edge of the outline.
    flat = gpd.GeoSeries([*cells, shape], crs=STORAGE).to_crs(EQUAL_AREA)
    assert shapely.union_all(flat[:-1].array).symmetric_difference(flat.iloc[-1]).area < 1


def test_free_seeds_are_spread_evenly() -> None:
    areas = [cell.area for cell in partition(PLANE, codes(12), {})]
    assert max(areas) < 2 * min(areas)


def test_a_cell_is_what_is_nearest_to_its_anchor() -> None:
    known = dict(zip(codes(3), [(112.1, 37.1), (112.9, 37.1), (112.5, 37.9)], strict=True))
    cells = partition(shapely.segmentize(PLANE, 0.01), codes(3), known)
    shrink = np.array([np.cos(np.radians(37.5)), 1.0])
    seeds = np.array(list(known.values())) * shrink
    # The ends of a cell's edges move to vertices of the outline: nearness decides where it is clear.
    for x, y in np.random.default_rng(1).uniform((112, 37), (113, 38), (200, 2)):
        distances = np.sqrt(((np.array([x, y]) * shrink - seeds) ** 2).sum(axis=1))
        nearest, second = np.sort(distances)[:2]
        if second - nearest > 0.02:
            assert cells[int(np.argmin(distances))].contains(shapely.Point(x, y)), (x, y)


@given(
    st.integers(1, 9),
    st.lists(st.tuples(st.integers(1, 19), st.integers(1, 19)), max_size=5, unique=True),
)
@hypothesis_settings(max_examples=25, deadline=None)
def test_cells_fill_the_shape_and_hold_their_anchors(free: int, places: list[tuple[int, int]]) -> None:
    outline = shapely.Polygon([(112, 37), (112.4, 36.9), (113.1, 37.05), (113, 38), (112.6, 38.1), (111.9, 37.8)])
    points = [(112 + x / 20, 37.1 + y / 25) for x, y in places]
    known = {
        code: point
        for code, point in zip(codes(len(points)), points, strict=True)
        if outline.contains(shapely.Point(point))
    }
    names = codes(len(points) + free)
    names = [code for code in names if code in known or code not in codes(len(points))]
    cells = partition(outline, names, known)
    assert shapely.coverage_is_valid(np.array(cells))
    assert shapely.union_all(cells).symmetric_difference(outline).area < 1e-12
    for code, cell in zip(names, cells, strict=True):
        assert cell.area > 0
        if code in known:
            assert cell.contains(shapely.Point(known[code]))
    again = partition(outline, names, known)
    assert [cell.wkb for cell in again] == [cell.wkb for cell in cells]


def test_townships_of_counties_that_are_not_drawn_are_left_out(
    counties: gpd.GeoDataFrame, townships: pd.DataFrame, anchors: gpd.GeoDataFrame
) -> None:
    one = counties[counties["code"].eq("140321")]
    some = townships[townships["parent"].isin(["140321", "140322"])]
    assert set(partition_counties(one, some, anchors)["parent"]) == {"140321"}
    none = partition_counties(one, some[some["parent"].eq("140322")], anchors)
    assert (len(none), list(none.columns)) == (0, [*COLUMNS, "anchored"])
