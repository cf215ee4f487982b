"""Tiles of layers: what they hold, in which order, with which options; and what is refused."""

from __future__ import annotations

import gc
import json
import weakref
from itertools import pairwise
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.tiles import arrays
from geoplan.tiles.encode import TileLayer, encode_geojson, encode_mvt
from geoplan.tiles.grid import EXTENT, Tile, children, tile_of
from tests.tiles.parts import geojson_tile, part_of, vector_tile

WORLD = Tile(0, 0, 0)
HOME = tile_of(112.5, 37.5, 7)


@pytest.fixture
def mixed() -> Part:
    """A polygon, a line, a point and a fact without a place."""
    return part_of(
        [box(112, 37, 113, 38), LineString([(112, 37), (113, 38)]), Point(112.5, 37.5), None],
        code=["140100", None, "140300", None],
        value=[12.5, None, 1.0, 2.0],
        whole=[4, None, -7, 8],
        yes=[True, False, None, None],
        plain=[f'第{i}号 "x"' for i in range(4)],
    )


def ids(part: Part, tile: Tile, **options: Any) -> list[int]:
    return [feature["id"] for feature in vector_tile(part, tile, **options)]


def test_missing_values_have_no_key(mixed: Part) -> None:
    for read in (vector_tile, geojson_tile):
        features = {feature["id"]: feature["properties"] for feature in read(mixed, HOME)}
        assert features == {
            10: {"name": "f0", "code": "140100", "value": 12.5, "whole": 4, "yes": True, "plain": '第0号 "x"'},
            11: {"name": "f1", "yes": False, "plain": '第1号 "x"'},
            12: {"name": "f2", "code": "140300", "value": 1.0, "whole": -7, "plain": '第2号 "x"'},
        }


def test_columns_and_rows_are_chosen(mixed: Part) -> None:
    for read in (vector_tile, geojson_tile):
        features = read(mixed, HOME, columns=("value", "code"))
        assert features[0]["properties"] == {"code": "140100", "value": 12.5}
        assert features[1]["properties"] == {}
        rows = np.isin(mixed.ids, [10, 12])
        assert [feature["id"] for feature in read(mixed, HOME, rows=rows)] == [10, 12]
        assert read(mixed, HOME, columns=())[0]["properties"] == {}


def test_an_empty_tile_has_no_bytes(mixed: Part) -> None:
    nowhere = tile_of(-60, -20, 9)
    assert encode_mvt([TileLayer("a", mixed)], nowhere) == b""
    assert json.loads(encode_geojson([TileLayer("a", mixed)], nowhere)) == {"type": "FeatureCollection", "features": []}
    assert encode_mvt([TileLayer("a", part_of([None, None]))], WORLD) == b""
    assert encode_mvt([TileLayer("a", part_of([]))], WORLD) == encode_mvt([], WORLD) == b""


def test_several_layers_make_one_tile(mixed: Part) -> None:
    layers = [TileLayer("a", mixed), TileLayer("empty", part_of([])), TileLayer("b", mixed, ("name",))]
    decoded = mapbox_vector_tile.decode(encode_mvt(layers, HOME))
    assert {name: (len(layer["features"]), layer["extent"], layer["version"]) for name, layer in decoded.items()} == {
        "a": (3, 4096, 2),
        "b": (3, 4096, 2),
    }
    assert decoded["b"]["features"][0]["properties"] == {"name": "f0"}
    assert [f["id"] for f in json.loads(encode_geojson(layers, HOME))["features"]] == [10, 11, 12, 10, 11, 12]


def test_features_keep_the_order_of_drawing() -> None:
    shapes = [Point(112.5 + 0.001 * (i * 7 % 50), 37.5) for i in range(50)]
    assert ids(part_of(shapes), HOME) == list(range(10, 60))


def test_the_same_tile_has_the_same_bytes_each_time(mixed: Part) -> None:
    layer = TileLayer("a", mixed)
    first = encode_mvt([layer], HOME), encode_geojson([layer], HOME)
    encode_mvt([layer], tile_of(112.5, 37.5, 3))
    assert (encode_mvt([layer], HOME), encode_geojson([layer], HOME)) == first


def test_outer_rings_are_clockwise_on_the_screen() -> None:
    """MVT 2.1, 4.3.4.4: positive area by the surveyor's formula with y downwards; holes negative."""
    holed = box(112.8, 37, 113.8, 38).difference(box(113.2, 37.4, 113.4, 37.6))
    (feature,) = vector_tile(part_of([holed]), HOME)
    rings = [feature["geometry"].exterior, *feature["geometry"].interiors]
    areas = [sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring.coords)) for ring in rings]
    assert areas[0] > 0 > areas[1]


def test_what_collapses_is_in_neither_tile() -> None:
    part = part_of([box(112, 37, 112.0001, 37.0001), Point(112, 37), LineString([(112, 37), (112.0001, 37)])])
    for read in (vector_tile, geojson_tile):
        assert [feature["id"] for feature in read(part, tile_of(112, 37, 3))] == [11]
        assert [feature["id"] for feature in read(part, tile_of(112, 37, 16))] == [10, 11, 12]


def test_positions_are_whole_in_the_deepest_zoom() -> None:
    tile = tile_of(112, 37, 22)
    part = part_of([box(112, 37, 112.00001, 37.00001)])
    (feature,) = vector_tile(part, tile)
    assert feature["geometry"].is_valid
    assert len(geojson_tile(part, tile)) == 1


def test_the_whole_world_is_cut_to_the_grid() -> None:
    for read in (vector_tile, geojson_tile):
        (feature,) = read(part_of([box(-180, -90, 180, 90)]), WORLD)
        assert feature["geometry"].is_valid
    (feature,) = vector_tile(part_of([box(-180, -90, 180, 90)]), WORLD)
    assert feature["geometry"].bounds == (0, 0, EXTENT, EXTENT)


def test_full_detail_where_nothing_is_cut() -> None:
    (feature,) = geojson_tile(part_of([Point(112.123456789, 37.987654321)]), tile_of(112.12, 37.98, 10))
    assert feature["geometry"] == Point(112.1234568, 37.9876543)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(110, 114), st.floats(34, 40)), min_size=1, max_size=30), st.integers(0, 21))
def test_children_hold_exactly_their_parents_points(points: list[tuple[float, float]], z: int) -> None:
    part = part_of([Point(p) for p in points])
    tile = tile_of(*points[0], z)
    own = {10 + i for i, p in enumerate(points) if tile_of(*p, z) == tile}
    below = set().union(*(ids(part, child) for child in children(tile)))
    assert own <= set(ids(part, tile))
    assert own <= below <= set(ids(part, tile))


def test_more_values_and_bytes_than_the_first_room() -> None:
    n = 30_000
    points = [Point(112 + i % 200 * 1e-4, 37 + i // 200 * 1e-4) for i in range(n)]
    part = part_of(points, text=[f"{i}" * 20 for i in range(n)])
    features = vector_tile(part, tile_of(112, 37, 9))
    assert [feature["properties"]["text"] for feature in features] == [f"{i}" * 20 for i in range(n)]
    assert len(geojson_tile(part, tile_of(112, 37, 9))) == n


@pytest.mark.parametrize(
    "options", [{"extent": 1000}, {"extent": 128}, {"extent": 16384}, {"buffer": -1}, {"buffer": 513}]
)
def test_other_options_are_refused(mixed: Part, options: dict[str, int]) -> None:
    with pytest.raises(QueryError, match=next(iter(options))):
        encode_mvt([TileLayer("a", mixed)], WORLD, **options)


def test_unknown_columns_and_repeated_layers_are_refused(mixed: Part) -> None:
    with pytest.raises(QueryError, match="'nothing'"):
        encode_mvt([TileLayer("a", mixed, ("nothing",))], HOME)
    with pytest.raises(QueryError, match="different names"):
        encode_mvt([TileLayer("a", mixed), TileLayer("a", mixed)], HOME)


def test_nothing_is_kept_of_a_part_that_is_gone() -> None:
    part = part_of([Point(112, 37)])
    vector_tile(part, WORLD)
    gone = weakref.ref(part.geometry.mercator)
    key = id(part.ids_order)
    assert key in arrays._prepared
    del part
    gc.collect()
    assert key not in arrays._prepared
    assert gone() is None


def test_a_polygon_whose_repair_leaves_nothing_is_left_out() -> None:
    sliver = Polygon([(112, 37), (113, 37.0000003), (113, 37.0000006)])
    assert shapely.is_valid(sliver)
    part = part_of([sliver])
    for z in (0, 5, 9, 12):
        tile = tile_of(112.5, 37, z)
        assert len(vector_tile(part, tile)) == len(geojson_tile(part, tile))
