"""Tiles of the grid of degrees: read back by another decoder and compared with GEOS on the shapes themselves."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
import shapely.affinity
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geoplan.errors import QueryError
from geoplan.pack.columns import MOST_CODES
from geoplan.pack.part import Part
from geoplan.tiles.degrees import degree_geojson, degree_grid, degree_mvt, degree_window
from geoplan.tiles.encode import TileLayer
from geoplan.tiles.grid import EXTENT, Tile
from tests.tiles.parts import part_of

UNIT = 1e-7
"""Degrees: what positions are rounded to."""


def span(level: int) -> float:
    return 360.0 / (1 << level)


def tile_at(longitude: float, latitude: float, level: int) -> Tile:
    """The tile that holds a position."""
    return Tile(level, int((longitude + 180) / span(level)), int((90 - latitude) / span(level)))


def units(geometry: BaseGeometry, tile: Tile, extent: int = EXTENT) -> BaseGeometry:
    """A geometry in degrees in units of a tile, y to the south."""
    origin = np.array([tile.x * span(tile.z) - 180, 90 - tile.y * span(tile.z)])
    return shapely.transform(geometry, lambda xy: (xy - origin) * [1, -1] / span(tile.z) * extent)


def window(buffer: int = 64, extent: int = EXTENT) -> Polygon:
    return box(-buffer, -buffer, extent + buffer, extent + buffer)


def vector(part: Part, tile: Tile, **options: Any) -> dict[int, dict[str, Any]]:
    """Features of the vector tile by id."""
    data = degree_mvt(
        [TileLayer("layer", part, options.pop("columns", None), options.pop("rows", None))], tile, **options
    )
    if not data:
        return {}
    found = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["layer"]
    assert found["extent"] == options.get("extent", EXTENT)
    return {one["id"]: {**one, "geometry": shape(one["geometry"])} for one in found["features"]}


def plain(part: Part, tile: Tile, **options: Any) -> dict[int, dict[str, Any]]:
    """Features of the GeoJSON tile by id."""
    layer = TileLayer("layer", part, options.pop("columns", None), options.pop("rows", None))
    found = json.loads(degree_geojson([layer], tile, **options))
    assert found["type"] == "FeatureCollection"
    return {one["id"]: {**one, "geometry": shape(one["geometry"])} for one in found["features"]}


def rings(geometry: BaseGeometry) -> list[tuple[list[Any], bool]]:
    """Rings of polygons, and whether they are holes."""
    return [
        (list(ring.coords), place > 0)
        for polygon in getattr(geometry, "geoms", [geometry])
        for place, ring in enumerate([polygon.exterior, *polygon.interiors])
    ]


def doubled_area(ring: list[Any]) -> float:
    return float(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)))


def stars(count: int, seed: int, around: tuple[float, float], reach: float) -> list[Polygon]:
    """Polygons of many corners, some narrow, of all sizes up to a reach in degrees."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        n = int(random.integers(3, 40))
        angles = np.sort(random.uniform(0, 2 * np.pi, n))
        radii = reach * random.uniform(0.02, 1) * random.uniform(0.1, 1, n)
        centre = np.array(around) + random.uniform(-reach, reach, 2)
        star = Polygon(centre + np.column_stack([np.cos(angles), np.sin(angles)]) * radii[:, None])
        if star.is_valid:
            found.append(star)
    return found


MIXED: list[BaseGeometry | None] = [
    box(112, 37, 113, 38).difference(box(112.5, 37.5, 112.6, 37.6)),
    LineString([(112, 37), (113, 38)]),
    Point(112.5, 37.5),
    None,
]


@pytest.fixture
def mixed() -> Part:
    return part_of(MIXED, code=["140100", None, "140300", None], value=[12.5, None, 1.0, 2.0], plain=list("abcd"))


def test_positions_are_linear_in_longitude_and_latitude() -> None:
    degrees = np.array([[-180, 90], [0, 0], [180, -90], [112.5, 37.5]]) * 1e7
    found = degree_grid(degrees.astype(np.int32)).tolist()
    assert found[:3] == [[-(2**31), -(2**31)], [0, -(2**30)], [2**31 - 1, 0]]
    assert found[3] == [int(112.5 / 360 * 2**32), int(52.5 / 360 * 2**32) - 2**31]
    # A unit of the pack is 1.19 of the grid; halfway and beyond goes up.
    assert degree_grid(np.array([[1, 0], [2, 0], [3, 0], [-3, 0]], np.int32))[:, 0].tolist() == [1, 2, 4, -4]


def test_the_first_level_has_two_tiles_of_half_the_world() -> None:
    part = part_of([Point(-90, 45), Point(90, -45), Point(179.9999999, -90), Point(-180, 90)])
    west, east = vector(part, Tile(1, 0, 0), buffer=0), vector(part, Tile(1, 1, 0), buffer=0)
    assert {id_: one["geometry"] for id_, one in west.items()} == {10: Point(2048, 1024), 13: Point(0, 0)}
    assert {id_: one["geometry"] for id_, one in east.items()} == {11: Point(2048, 3072), 12: Point(4096, 4096)}


@pytest.mark.parametrize("level", [5, 8, 11])
def test_both_forms_hold_ids_and_values(mixed: Part, level: int) -> None:
    tile = tile_at(112.55, 37.55, level)
    for read in (vector, plain):
        found = {id_: one["properties"] for id_, one in read(mixed, tile, buffer=512).items()}
        expected = {
            10: {"name": "f0", "code": "140100", "value": 12.5, "plain": "a"},
            11: {"name": "f1", "plain": "b"},
            12: {"name": "f2", "code": "140300", "value": 1.0, "plain": "c"},
        }
        inside = [id_ for id_, one in zip((10, 11, 12), MIXED, strict=False)
                  if one is not None and units(one, tile).intersects(window(512))]  # fmt: skip
        assert found == {id_: expected[id_] for id_ in inside}
        assert 10 in found


def test_a_value_of_each_row_stays_with_its_row() -> None:
    """Columns with more values than codes have a fragment for each row."""
    n = MOST_CODES + 100
    points: Any = shapely.points(np.column_stack([np.linspace(110, 115, n), np.full(n, 37.5)]))
    part = part_of(list(points), number=[f"n{i}" for i in range(n)], few=[i % 3 for i in range(n)])
    assert part.column("number").codes is None
    for read in (vector, plain):
        found = read(part, tile_at(112.5, 37.5, 11))
        assert len(found) > 100
        for id_, one in found.items():
            i = id_ - 10
            assert one["properties"] == {"name": f"f{i}", "number": f"n{i}", "few": i % 3}


def test_columns_and_rows_are_chosen(mixed: Part) -> None:
    tile = tile_at(112.5, 37.5, 7)
    for read in (vector, plain):
        found = read(mixed, tile, columns=("value", "plain"), rows=np.isin(mixed.ids, [10, 11]))
        assert {id_: one["properties"] for id_, one in found.items()} == {
            10: {"value": 12.5, "plain": "a"},
            11: {"plain": "b"},
        }
        assert read(mixed, tile, columns=())[10]["properties"] == {}
    with pytest.raises(QueryError):
        vector(mixed, tile, columns=("nothing",))


def test_nothing_is_no_bytes(mixed: Part) -> None:
    assert degree_mvt([TileLayer("a", mixed)], Tile(8, 0, 0)) == b""
    assert degree_mvt([], Tile(8, 0, 0)) == b""
    assert json.loads(degree_geojson([TileLayer("a", mixed)], Tile(8, 0, 0)))["features"] == []
    for options in ({"extent": 300}, {"buffer": 513}):
        with pytest.raises(QueryError):
            degree_mvt([TileLayer("a", mixed)], Tile(8, 0, 0), **options)


def test_features_keep_the_order_of_drawing() -> None:
    part = part_of([Point(112.5 + 0.001 * (i * 7 % 50), 37.5) for i in range(50)])
    for read in (vector, plain):
        assert list(read(part, tile_at(112.5, 37.5, 8))) == list(range(10, 60))


@pytest.mark.parametrize("extent", [256, 4096, 8192])
@pytest.mark.parametrize("level", [1, 4, 8, 10, 13, 20])
def test_polygons_are_what_geos_leaves_of_them(level: int, extent: int) -> None:
    """Their areas but for what rounding moves: valid, closed, turned as MVT 2.1 asks."""
    reach = span(level) * 0.6
    around = (112.3, 37.4)
    shapes = stars(60, level, around, min(reach, 30))
    tile = tile_at(*around, level)
    found = vector(part_of(shapes), tile, extent=extent)
    # Rounding to units moves an outline by 0.71 of them, and once more where it is cut; positions are 1e-7 degrees.
    moved = 1.5 + 1.5 * UNIT / (span(level) / extent)
    for id_, one in enumerate(shapes, 10):
        whole = units(one, tile, extent)
        least = whole.buffer(-moved).intersection(window(extent=extent).buffer(-1))
        if id_ not in found:
            assert least.is_empty, id_
            continue
        got = found[id_]["geometry"]
        assert got.is_valid, shapely.is_valid_reason(got)
        assert whole.buffer(moved).covers(got)
        assert window(extent=extent).covers(got)
        assert least.difference(got.buffer(1e-6)).is_empty
        for ring, hole in rings(got):
            assert ring[0] == ring[-1]
            assert (doubled_area(ring) < 0) is hole
    assert found


@pytest.mark.parametrize("level", [4, 8, 13, 20])
def test_geojson_holds_the_features_of_the_vector_tile(level: int) -> None:
    around = (112.3, 37.4)
    reach = min(span(level) * 0.6, 30)
    shapes = [
        *stars(40, level, around, reach),
        *[Point(112.3 + dx * reach, 37.4) for dx in (-0.9, 0, 0.9)],
        LineString([(112.3 - reach, 37.4 - reach), (112.3 + reach, 37.4 + reach)]),
    ]
    tile = tile_at(*around, level)
    part = part_of(shapes)
    coarse, found = vector(part, tile), plain(part, tile)
    assert list(coarse) == list(found)
    assert [coarse[id_]["properties"] for id_ in coarse] == [found[id_]["properties"] for id_ in found]
    unit = span(level) / EXTENT
    for id_, one in found.items():
        geometry = one["geometry"]
        assert geometry.is_valid
        exact = shapes[id_ - 10]
        assert exact.buffer(unit + 4 * UNIT).covers(geometry)
        least = units(exact, tile).buffer(-1.5).intersection(window().buffer(-1))
        assert least.difference(units(geometry, tile).buffer(0.01 + 4 * UNIT / unit)).is_empty
        if units(exact, tile).within(window().buffer(-1)):
            assert shapely.hausdorff_distance(geometry, exact) < 2 * UNIT
        if geometry.geom_type in {"Polygon", "MultiPolygon"}:
            # RFC 7946: counter-clockwise with latitudes upwards.
            assert all((doubled_area(ring) < 0) is hole for ring, hole in rings(shapely.transform(
                geometry, lambda xy: np.rint((xy - [112.3, 37.4]) / UNIT)
            )))  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-180, 180), st.floats(-90, 90), st.integers(0, 2), st.floats(0.001, 20)),
        min_size=1, max_size=12,
    ),
    st.integers(1, 20),
    st.integers(0, 3),
)  # fmt: skip
def test_a_feature_is_in_each_tile_that_it_touches(
    drawn: list[tuple[float, float, int, float]], level: int, corner: int
) -> None:
    """Points and lines touch where they are; polygons where a piece of some width lies in the tile."""
    shapes: list[BaseGeometry] = []
    for x, y, kind, size in drawn:
        x2, y2 = min(x + size, 180), min(y + size / 2, 90)
        made: BaseGeometry = Point(x, y)
        if kind == 1 and (x2, y2) != (x, y):
            made = LineString([(x, y), (x2, y2)])
        elif kind == 2 and x2 - x > 1e-5 and y2 - y > 1e-5:
            made = MultiPolygon([box(x, y, x2, y2)]) if corner else box(x, y, x2, y2)
        shapes.append(made)
    part = part_of(shapes)
    x, y = shapely.get_coordinates(shapes[0])[corner % len(shapely.get_coordinates(shapes[0]))]
    tile = tile_at(min(x, 179.9999), max(min(y, 90.0), -89.9999), level)
    coarse, fine = vector(part, tile), plain(part, tile)
    assert list(coarse) == list(fine)
    for id_, one in enumerate(shapes, 10):
        moved = units(one, tile)
        if one.geom_type == "Point":
            well, may = window().buffer(-0.7).covers(moved), window().buffer(0.7).covers(moved)
        else:
            inner = moved.intersection(window()).buffer(-1.6 if one.geom_type != "LineString" else 0)
            well, may = not inner.is_empty and (one.geom_type != "LineString" or inner.length > 3), True
            may = moved.distance(window()) < 1.5
        assert id_ in coarse or not well
        assert id_ not in coarse or may


def test_a_shape_across_the_whole_world_fills_every_tile() -> None:
    part = part_of([box(-180, -90, 180, 90)])
    for tile in (Tile(1, 1, 0), Tile(2, 3, 1), Tile(5, 7, 3), Tile(20, 851968, 152917)):
        whole = units(box(-180, -90, 180, 90), tile).intersection(window())
        got = vector(part, tile)[10]["geometry"]
        assert got.is_valid
        assert got.symmetric_difference(whole).area < 1e-5 * whole.area + 4 * whole.length
        assert plain(part, tile)[10]["geometry"].is_valid


def test_neighbours_leave_no_gap() -> None:
    """What two tiles show of a polygon meets at their border."""
    star = stars(1, 3, (112.5, 37.5), 0.8)[0]
    part = part_of([star])
    parts = []
    for dx in (0, 1):
        for dy in (0, 1):
            tile = Tile(8, tile_at(112.5, 37.5, 8).x - 1 + dx, tile_at(112.5, 37.5, 8).y + dy - 1)
            found = vector(part, tile, buffer=0)
            if found:
                parts.append(shapely.affinity.translate(found[10]["geometry"], dx * 4096, dy * 4096))
    together = shapely.union_all(parts)
    origin = Tile(8, tile_at(112.5, 37.5, 8).x - 1, tile_at(112.5, 37.5, 8).y - 1)
    exact = units(star, origin).intersection(box(0, 0, 8192, 8192))
    assert together.symmetric_difference(exact).area < exact.length


def test_what_collapses_is_in_neither_form() -> None:
    part = part_of([box(112, 37, 112.0001, 37.0001), Point(112, 37), LineString([(112, 37), (112.0001, 37)])])
    for read in (vector, plain):
        assert list(read(part, tile_at(112, 37, 3))) == [11]
        assert list(read(part, tile_at(112, 37, 16))) == [10, 11, 12]


def test_the_window_in_degrees_holds_the_tile_and_its_buffer() -> None:
    for tile in (Tile(1, 0, 0), Tile(8, 207, 36), Tile(20, 851968, 152917)):
        found = degree_window(tile)
        side = span(tile.z)
        west, north = tile.x * side - 180, 90 - tile.y * side
        margin = side * 64 / 4096
        assert found.west <= max(west - margin, -180)
        assert found.east >= min(west + side + margin, 180)
        assert found.south <= max(north - side - margin, -90)
        assert found.north >= min(north + margin, 90)
        assert found.east - found.west < side * 1.04 + 1e-6
