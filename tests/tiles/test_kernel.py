"""The compiled kernels against the plain reference, on shapes made to be difficult."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiPoint, MultiPolygon, Point, Polygon, box

from geoplan.pack.geometry import bounding_boxes, shapes_of, to_geometry
from geoplan.pack.part import Validity, empty_geometry
from geoplan.pack.tree import build_tree
from geoplan.tiles.encode import TileLayer
from geoplan.tiles.grid import BUFFER, EXTENT, Tile
from geoplan.tiles.reference import reference_features
from tests.tiles.parts import geojson_tile, in_tile, part_of, vector_tile

TILE = Tile(14, 13299, 6339)
LOW, HIGH = -BUFFER, EXTENT + BUFFER
LIMITS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

# Places on, beside and far from the window's border.
coordinate = st.one_of(
    st.integers(-400, 4500),
    st.sampled_from([LOW, HIGH, LOW - 1, LOW + 1, HIGH - 1, HIGH + 1, 0, 2000]),
    st.integers(-30000, 30000),
)
position = st.tuples(coordinate, coordinate)


def valid(polygon: Any) -> Any:
    """The polygons of what a random outline may be repaired to."""
    fixed = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    parts = [p for p in shapely.get_parts(shapely.get_parts(fixed)) if p.geom_type == "Polygon"]
    whole = shapely.set_precision(MultiPolygon(parts), 1.0)
    return None if whole.is_empty else whole


@st.composite
def outlines(draw: st.DrawFn) -> Any:
    """Concave polygons, with holes, several parts, slivers, larger than the tile, along its border."""
    kind = draw(st.sampled_from(["random", "comb", "frame", "sliver", "star"]))
    if kind == "random":
        return valid(Polygon(draw(st.lists(position, min_size=3, max_size=12))))
    x, y = draw(position)
    width, height = draw(st.integers(2, 9000)), draw(st.integers(2, 9000))
    if kind == "comb":
        teeth = draw(st.integers(2, 8))
        top = [(x + width * i / (2 * teeth), y + (height if i % 2 else 0)) for i in range(2 * teeth + 1)]
        depth = draw(st.sampled_from([LOW - 300, LOW, y - 10, y - 5000]))
        return valid(Polygon([*top, (x + width, min(depth, y - 1)), (x, min(depth, y - 1))]))
    if kind == "frame":
        hole = box(x + width * 0.2, y + height * 0.2, x + width * 0.7, y + height * 0.9)
        return valid(box(x, y, x + width, y + height).difference(hole))
    if kind == "sliver":
        return valid(Polygon([(x, y), (x + width, y + height), (x + width + 1, y + height)]))
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = np.where(np.arange(24) % 2, width, width * draw(st.floats(0.05, 0.9)))
    return valid(Polygon(np.column_stack([x + radius * np.cos(angles), y + radius * np.sin(angles)])))


def assert_same(found: Any, expected: Any) -> None:
    """The same integer shape, or (a cut point on half a unit may be rounded either way) one a unit away at most."""
    if found.equals(expected):
        return
    assert found.hausdorff_distance(expected) <= 1.5


def compare(part: Any, tile: Tile, **options: Any) -> None:
    found = vector_tile(part, tile, **options)
    names = {key: options.pop(key, None) for key in ("columns", "rows")}
    expected = reference_features(TileLayer("layer", part, **names), tile, **options)
    assert [f["id"] for f in found] == [f.id for f in expected]
    assert [f["properties"] for f in found] == [f.properties for f in expected]
    for a, b in zip(found, expected, strict=True):
        assert a["geometry"].is_valid, shapely.is_valid_reason(a["geometry"])
        assert_same(a["geometry"], b.geometry)


@LIMITS
@given(st.lists(outlines(), min_size=1, max_size=5))
def test_polygons_are_those_of_the_reference(shapes: list[Any]) -> None:
    part = part_of([s and in_tile(s, TILE) for s in shapes])
    compare(part, TILE)


@LIMITS
@given(st.lists(outlines(), min_size=1, max_size=3), st.sampled_from([256, 1024, 8192]), st.integers(0, 512))
def test_other_extents_and_buffers(shapes: list[Any], extent: int, buffer: int) -> None:
    part = part_of([s and in_tile(s, TILE) for s in shapes])
    compare(part, TILE, extent=extent, buffer=buffer)


@LIMITS
@given(st.lists(st.lists(position, min_size=2, max_size=9), min_size=1, max_size=4))
def test_lines_and_points_are_those_of_the_reference(lines: list[list[tuple[int, int]]]) -> None:
    shapes: list[Any] = [LineString(line) for line in lines]
    shapes += [MultiPoint(line) for line in lines] + [Point(line[0]) for line in lines]
    compare(part_of([in_tile(s, TILE) for s in shapes]), TILE)


@LIMITS
@given(
    st.lists(outlines(), min_size=1, max_size=4),
    st.sampled_from([TILE, Tile(9, 415, 198), Tile(17, 106392, 50712), Tile(22, 3404544, 1622784)]),
)
def test_both_encodings_hold_the_same_features(shapes: list[Any], tile: Tile) -> None:
    placed = [s and shapely.transform(in_tile(s, tile), lambda xy: np.round(xy, 7)) for s in shapes]
    # A pack holds shapes that are valid in whole 1e-7 degrees.
    placed = [s if s is not None and s.is_valid else None for s in placed]
    part = part_of(placed, value=[1.5 * i if i else None for i in range(len(shapes))])
    vector, plain = vector_tile(part, tile), geojson_tile(part, tile)
    assert [f["id"] for f in vector] == [f["id"] for f in plain]
    assert [f["properties"] for f in vector] == [f["properties"] for f in plain]
    for a, b in zip(vector, plain, strict=True):
        assert a["geometry"].is_valid
        assert b["geometry"].is_valid
        for polygon in shapely.get_parts(b["geometry"]):
            assert polygon.exterior.is_ccw
            assert not any(hole.is_ccw for hole in polygon.interiors)


CASES = {
    "covers the tile": box(-9000, -9000, 9000, 9000),
    "the window itself": box(LOW, LOW, HIGH, HIGH),
    "touches the border from outside": box(LOW - 500, 0, LOW, 900),
    "runs along the border inside": box(LOW, 100, LOW + 50, 900),
    "a corner of the window": box(LOW - 10, LOW - 10, LOW + 10, LOW + 10),
    "a hole that holds the window": box(-9000, -9000, 9000, 9000).difference(box(-500, -500, 5000, 5000)),
    "a hole cut by a side": box(-9000, -9000, 9000, 9000).difference(box(4000, 1000, 5000, 2000)),
    "a hole along the border": box(-9000, -9000, 9000, 9000).difference(box(LOW, 1000, 900, 2000)),
    "a hole that touches the border": Polygon(
        box(-9000, -9000, 9000, 9000).exterior, [[(LOW, 500), (300, 400), (300, 600)]]
    ),
    "a notch whose tip touches the border": Polygon(
        [
            (LOW - 500, 0),
            (1000, 0),
            (1000, 3000),
            (LOW - 500, 3000),
            (LOW - 500, 2000),
            (800, 2000),
            (LOW, 1500),
            (800, 1000),
            (LOW - 500, 1000),
        ]
    ),
    "two legs": Polygon(
        [(1000, 3000), (1000, 5000), (2000, 5000), (2000, 3500), (3000, 3500), (3000, 5000), (3500, 5000), (3500, 3000)]
    ),
    "legs without the body": Polygon(
        [(1000, 4000), (1000, 5000), (3500, 5000), (3500, 4000), (3000, 4000), (3000, 4800), (2000, 4800), (2000, 4000)]
    ),
    "islands with an enclave cut in two": MultiPolygon(
        [box(-1000, 1000, 3000, 3000).difference(box(-500, 1500, 2000, 2000)), box(-300, 1600, 1000, 1900)]
    ),
    "a hole touching the shell at a vertex, both cut": Polygon(
        [(-2000, 0), (2000, 0), (2000, 3000), (-2000, 3000)], [[(-1500, 1000), (2000, 1500), (-1500, 2000)]]
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cases(name: str) -> None:
    shape = CASES[name]
    assert shape.is_valid
    for turned in (
        shape,
        shapely.transform(shape, lambda xy: EXTENT - xy),
        shapely.transform(shape, lambda xy: xy[:, ::-1]),
    ):
        compare(part_of([in_tile(turned, TILE)]), TILE)


def test_touching_the_window_alone_is_not_enough() -> None:
    part = part_of([in_tile(CASES["touches the border from outside"], TILE)])
    assert vector_tile(part, TILE) == []
    assert geojson_tile(part, TILE) == []


def test_no_edge_bridges_the_pieces() -> None:
    (feature,) = vector_tile(part_of([in_tile(CASES["legs without the body"], TILE)]), TILE)
    assert len(feature["geometry"].geoms) == 2


def test_a_polygon_of_a_million_vertices() -> None:
    tile, edge = Tile(9, 415, 198), Tile(9, 415 + 14, 198)
    angles = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    radius = 60000 + 900 * np.sin(angles * 500)
    ring = np.rint(np.column_stack([2000 + radius * np.cos(angles), 2000 + radius * np.sin(angles)]))
    assert shapely.is_valid(Polygon(ring))
    # Repairing it for twenty zooms is not what is tested.
    sound = Validity(np.full(1, 2**32 - 1, np.uint32), np.zeros(0, np.uint64), empty_geometry())
    small = part_of([box(112, 37, 113, 38)])
    geometry = to_geometry(shapes_of(np.array([in_tile(Polygon(ring), tile)], dtype=object)))
    part = replace(small, geometry=geometry, tree=build_tree(bounding_boxes(geometry)), validity=sound)
    assert part.geometry.vertices[-1] == 1_000_001
    (feature,) = vector_tile(part, tile)
    assert feature["geometry"].equals(box(LOW, LOW, HIGH, HIGH))
    compare(part, edge)
    assert [f["id"] for f in vector_tile(part, edge)] == [f["id"] for f in geojson_tile(part, edge)] == [10]
