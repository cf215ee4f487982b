"""Vector tiles and GeoJSON tiles: what they hold, valid geometry, and that both hold the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box
from shapely.geometry import shape

from geoplan.crs import STORAGE, WEB_MERCATOR, transformer
from geoplan.errors import CRSError
from geoplan.tiles import Tile, TileIndex, encode_mvt, geojson_tile
from geoplan.tiles.grid import BUFFER, EXTENT, children, mercator_bounds, tile_of, unit_m
from geoplan.tiles.levels import FULL_DETAIL_ZOOM, SIMPLIFY_UNITS

MakeLayer = Callable[..., gpd.GeoDataFrame]
WORLD = Tile(0, 0, 0)


def decoded(index: TileIndex, tile: Tile) -> list[dict[str, Any]]:
    data = encode_mvt(index, tile, "layer")
    features: list[dict[str, Any]] = mapbox_vector_tile.decode(data)["layer"]["features"] if data else []
    return features


def fids(index: TileIndex, tile: Tile) -> set[int]:
    return {piece.fid for piece in index.pieces(tile)}


def mercator(geometry: Any) -> Any:
    return gpd.GeoSeries([geometry], crs=STORAGE).to_crs(WEB_MERCATOR)[0]


def shapes_around(tile: Tile) -> st.SearchStrategy[Any]:
    """Points, lines, boxes and stars, sized and placed in tile units, in EPSG:4490 degrees."""
    unit, (left, bottom, _, _) = unit_m(tile.z), mercator_bounds(tile)
    to_degrees = transformer(WEB_MERCATOR, STORAGE)
    place = st.integers(-300, EXTENT + 300)
    size = st.integers(40, 3000)

    def geometry(kind: str, x: int, y: int, w: int, h: int) -> Any:
        outline = {
            "point": Point(x, y),
            "line": LineString([(x, y), (x + w, y + h), (x + w, y)]),
            "box": box(x, y, x + w, y + h),
            "star": Polygon([(x, y), (x + w, y + h / 8), (x + w / 2, y + h), (x + w / 4, y + h / 4)]),
            "ring": box(x, y, x + w, y + h).difference(box(x + w / 4, y + h / 4, x + w / 2, y + h / 2)),
        }[kind]
        return shapely.transform(
            outline,
            lambda xy: np.column_stack(to_degrees.transform(left + xy[:, 0] * unit, bottom + xy[:, 1] * unit)),
        )

    kinds = st.sampled_from(["point", "line", "box", "star", "ring"])
    return st.builds(geometry, kinds, place, place, size, size)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Tile, list[Any]]:
    """A tile over Shanxi at some zoom, and shapes in and around it."""
    tile = tile_of(draw(st.floats(110, 114)), draw(st.floats(34, 40)), draw(st.sampled_from([6, 9, 12, 14, 17])))
    return tile, draw(st.lists(shapes_around(tile), min_size=1, max_size=8))


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_a_feature_is_in_a_tile_iff_it_meets_the_buffered_tile(
    make_layer: MakeLayer, scene: tuple[Tile, list[Any]]
) -> None:
    tile, geometries = scene
    present = fids(TileIndex(make_layer(geometries)), tile)
    slack = (2 + (SIMPLIFY_UNITS * 4 if tile.z < FULL_DETAIL_ZOOM else 0)) * unit_m(tile.z)
    window = box(*mercator_bounds(tile, buffer=BUFFER))
    for fid, geometry in enumerate(map(mercator, geometries), start=10):
        if fid in present:
            assert geometry.distance(window) <= slack
        inner = geometry.intersection(window.buffer(-slack, join_style="mitre"))
        thick = inner.buffer(-slack) if geometry.area else inner
        if not thick.is_empty and (geometry.length == 0 or geometry.area or thick.length > 4 * slack):
            assert fid in present


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_both_encodings_hold_the_same_features(make_layer: MakeLayer, scene: tuple[Tile, list[Any]]) -> None:
    tile, geometries = scene
    values = [i * 1.5 for i in range(len(geometries))]
    index = TileIndex(make_layer(geometries, value=values))
    vector, plain = decoded(index, tile), geojson_tile(index, tile)["features"]
    assert [f["id"] for f in vector] == [f["id"] for f in plain] == sorted(fids(index, tile))
    assert [f["properties"] for f in vector] == [f["properties"] for f in plain]
    assert all(f["properties"]["value"] == values[f["id"] - 10] for f in vector)
    kind = {"MultiPolygon": "Polygon", "MultiLineString": "LineString", "MultiPoint": "Point"}
    for a, b in zip(vector, plain, strict=True):
        types = [f["geometry"]["type"] for f in (a, b)]
        assert len({kind.get(t, t) for t in types}) == 1


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_geometry_is_valid_whole_units_and_near_the_tile(make_layer: MakeLayer, scene: tuple[Tile, list[Any]]) -> None:
    tile, geometries = scene
    index = TileIndex(make_layer(geometries))
    for feature in decoded(index, tile):
        geometry = shape(feature["geometry"])
        assert geometry.is_valid
        assert not geometry.is_empty
        coordinates = shapely.get_coordinates(geometry)
        assert (coordinates >= -BUFFER).all()
        assert (coordinates <= EXTENT + BUFFER).all()
    for feature in geojson_tile(index, tile)["features"]:
        geometry = shape(feature["geometry"])
        assert geometry.is_valid
        assert not geometry.is_empty
        if isinstance(geometry, Polygon):
            assert geometry.exterior.is_ccw
            assert not any(ring.is_ccw for ring in geometry.interiors)


@settings(max_examples=60, deadline=None)
@given(scene=scenes())
def test_children_hold_what_their_parent_holds(make_layer: MakeLayer, scene: tuple[Tile, list[Any]]) -> None:
    """Of the features well inside the tile's own square (a child's buffer is narrower than its parent's)."""
    tile, geometries = scene
    frame = make_layer(geometries)
    index = TileIndex(frame)
    slack = 6 * SIMPLIFY_UNITS * unit_m(tile.z)
    core = box(*mercator_bounds(tile)).buffer(-slack, join_style="mitre")
    shapes = {fid: mercator(g) for fid, g in zip(frame["fid"], geometries, strict=True)}
    well_inside = {fid: g.intersection(core) for fid, g in shapes.items() if core.covers(g.centroid)}
    inside = {fid for fid, g in well_inside.items() if not shapes[fid].area or not g.buffer(-slack).is_empty}
    below = set().union(*(fids(index, child) for child in children(tile)))
    assert below & inside == fids(index, tile) & inside


@given(
    st.lists(st.tuples(st.floats(110, 114), st.floats(34, 40)), min_size=1, max_size=30),
    st.integers(0, 21),
)
@settings(max_examples=60, deadline=None)
def test_children_hold_exactly_their_parents_points(
    make_layer: MakeLayer, points: list[tuple[float, float]], z: int
) -> None:
    index = TileIndex(make_layer([Point(p) for p in points]))
    tile = tile_of(*points[0], z)
    own = {10 + i for i, p in enumerate(points) if tile_of(*p, z) == tile}
    below = set().union(*(fids(index, child) for child in children(tile)))
    assert own <= fids(index, tile)
    assert own <= below <= fids(index, tile)


def test_properties_are_compact_and_missing_ones_left_out(mixed: gpd.GeoDataFrame) -> None:
    index = TileIndex(mixed)
    features = {f["id"]: f["properties"] for f in decoded(index, tile_of(112.5, 37.5, 8))}
    assert features[10] == {
        "fid": 10,
        "name": "f0",
        "division_code": "140100",
        "class": -1,
        "line": 4,
        "value": 12.5,
        "unit": "km2",
    }
    assert features[11] == {"fid": 11, "name": "f1", "class": -1}
    assert 13 not in features


def test_an_empty_tile_has_no_bytes(mixed: gpd.GeoDataFrame) -> None:
    index = TileIndex(mixed)
    assert encode_mvt(index, tile_of(-60, -20, 9), "layer") == b""
    assert geojson_tile(index, tile_of(-60, -20, 9)) == {"type": "FeatureCollection", "features": []}


def test_a_layer_without_any_geometry_has_empty_tiles(make_layer: MakeLayer) -> None:
    index = TileIndex(make_layer([None, None]))
    assert encode_mvt(index, WORLD, "layer") == b""
    assert geojson_tile(TileIndex(make_layer([])), Tile(5, 3, 3))["features"] == []


def test_features_keep_the_order_of_drawing(mixed: gpd.GeoDataFrame) -> None:
    tile = tile_of(112.5, 37.5, 7)
    turned = mixed.iloc[::-1]
    assert [f["id"] for f in decoded(TileIndex(turned), tile)] == [12, 11, 10]
    assert [f["id"] for f in geojson_tile(TileIndex(turned), tile)["features"]] == [12, 11, 10]


def test_the_same_frame_gives_the_same_bytes(mixed: gpd.GeoDataFrame) -> None:
    tile = tile_of(112.5, 37.5, 7)
    assert encode_mvt(TileIndex(mixed), tile, "layer") == encode_mvt(TileIndex(mixed.copy()), tile, "layer")


def test_outer_rings_are_clockwise_on_the_screen(mixed: gpd.GeoDataFrame) -> None:
    """MVT 2.1, 4.3.4.4: positive area by the surveyor's formula with y downwards."""
    data = encode_mvt(TileIndex(mixed), tile_of(112.5, 37.5, 5), "layer")
    layer = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["layer"]
    polygon = next(f for f in layer["features"] if f["id"] == 10)
    ring = polygon["geometry"]["coordinates"][0]
    assert sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) > 0


def test_a_bow_tie_is_repaired(make_layer: MakeLayer) -> None:
    bow_tie = Polygon([(112, 37), (113, 38), (113, 37), (112, 38)])
    index = TileIndex(make_layer([bow_tie]))
    for z in (5, 10):
        (feature,) = decoded(index, tile_of(112.3, 37.5, z))
        assert shape(feature["geometry"]).is_valid


def test_what_collapses_on_the_grid_is_dropped_from_both(make_layer: MakeLayer) -> None:
    index = TileIndex(make_layer([box(112, 37, 112.0001, 37.0001), Point(112, 37)]))
    assert fids(index, tile_of(112, 37, 3)) == {11}
    assert [f["id"] for f in geojson_tile(index, tile_of(112, 37, 3))["features"]] == [11]
    assert fids(index, tile_of(112, 37, 16)) == {10, 11}


def test_a_polygon_below_the_rounding_of_degrees_stays(make_layer: MakeLayer) -> None:
    tiny = box(112, 37, 112 + 6e-8, 37 + 6e-8)
    tile = tile_of(112, 37, 22)
    index = TileIndex(make_layer([tiny]))
    assert len(decoded(index, tile)) == len(geojson_tile(index, tile)["features"]) == 1


def test_coordinates_are_rounded_to_seven_decimals(make_layer: MakeLayer) -> None:
    index = TileIndex(make_layer([Point(112.123456789, 37.987654321)]))
    (feature,) = geojson_tile(index, tile_of(112.12, 37.98, 10))["features"]
    assert feature["geometry"]["coordinates"] == (112.1234568, 37.9876543)


def test_poles_and_the_whole_world_are_cut_to_the_grid(make_layer: MakeLayer) -> None:
    index = TileIndex(make_layer([box(-180, -90, 180, 90), Point(0, 90)]))
    (feature,) = decoded(index, WORLD)
    assert shape(feature["geometry"]).bounds == (0, 0, EXTENT, EXTENT)


def test_touching_the_window_alone_is_not_enough(make_layer: MakeLayer) -> None:
    tile = tile_of(112.5, 37.5, 14)
    window = mercator_bounds(tile, buffer=BUFFER)
    to_degrees = transformer(WEB_MERCATOR, STORAGE)
    west, south = to_degrees.transform(window.left - 500, window.bottom)
    east, north = to_degrees.transform(window.left, window.top)
    assert fids(TileIndex(make_layer([box(west, south, east, north)])), tile) == set()


def test_another_crs_is_refused(mixed: gpd.GeoDataFrame) -> None:
    with pytest.raises(CRSError):
        TileIndex(mixed.to_crs(WEB_MERCATOR))
