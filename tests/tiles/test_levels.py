"""Simplification for low zooms: common edges stay common, nothing becomes invalid."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, Point, Polygon, box

from geoplan.tiles.levels import FULL_DETAIL_ZOOM, build_level, simplify


def wavy_pair(seed: int) -> list[Polygon]:
    """Two polygons, 1000 m high, that share a ragged edge of a hundred vertices."""
    x = 500 + np.random.default_rng(seed).uniform(-20, 20, 101)
    edge = list(zip(x, np.linspace(0, 1000, 101), strict=True))
    return [Polygon([(0, 1000), (0, 0), *edge]), Polygon([(1000, 0), (1000, 1000), *reversed(edge)])]


@given(st.integers(0, 2**31), st.floats(5, 200))
@settings(max_examples=30, deadline=None)
def test_neighbours_keep_their_common_edge(seed: int, tolerance: float) -> None:
    left, right = simplify(np.array(wavy_pair(seed), dtype=object), tolerance)
    assert left.intersection(right).area == pytest.approx(0, abs=1e-6)
    assert left.union(right).area == pytest.approx(left.area + right.area)
    assert shapely.coverage_is_valid([left, right])
    assert left.area + right.area == pytest.approx(1e6, rel=1e-9)


def test_repeated_shapes_do_not_spoil_the_coverage() -> None:
    left, right = wavy_pair(1)
    simple = simplify(np.array([left, right, left, Point(3, 3)], dtype=object), 50)
    assert shapely.coverage_is_valid(simple[:2])
    assert simple[0].equals_exact(simple[2])
    assert len(simple[0].exterior.coords) < len(left.exterior.coords)
    assert simple[3] == Point(3, 3)


def test_overlapping_polygons_are_simplified_one_by_one() -> None:
    ragged, _ = wavy_pair(2)
    simple = simplify(np.array([ragged, box(0, 0, 900, 900), LineString([(0, 0), (5, 1), (10, 0)])], dtype=object), 50)
    assert len(simple[0].exterior.coords) < len(ragged.exterior.coords)
    assert simple[1].equals(box(0, 0, 900, 900))
    assert list(simple[2].coords) == [(0, 0), (10, 0)]


def test_one_faulty_neighbour_does_not_spoil_the_others() -> None:
    left, right = wavy_pair(4)
    faulty = box(990, 400, 1200, 600)
    simple = simplify(np.array([left, right, box(-1000, 0, 0, 1000), faulty], dtype=object), 50)
    assert left.exterior.coords[0] == (0, 1000)
    assert simple[0].intersection(simple[2]).area == 0
    assert len(simple[0].exterior.coords) < len(left.exterior.coords)
    assert simple[3].equals(faulty)
    assert shapely.is_valid(simple).all()


def test_full_detail_from_the_last_zoom_on() -> None:
    shapes = np.array(wavy_pair(3), dtype=object)
    assert build_level(shapes, FULL_DETAIL_ZOOM).geometries is shapes
    assert build_level(np.array([], dtype=object), 3).tree.query(box(0, 0, 1, 1)).size == 0
