"""Rings with fewer vertices: none is moved, none that is left out was far away, no ring collapses."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoplan.pack.generalize import thin_rings

Units = NDArray[np.int64]


def offsets(*lengths: int) -> Units:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def closed(positions: list[tuple[int, int]]) -> Units:
    return np.array([*positions, positions[0]], np.int64)


_rings = st.lists(st.tuples(st.integers(-40, 40), st.integers(-40, 40)), min_size=3, max_size=60).map(closed)


@given(st.lists(_rings, min_size=1, max_size=3), st.sampled_from([0.0, 1.0, 2.0, 7.0]))
def test_what_is_left_out_was_near(rings: list[Units], tolerance: float) -> None:
    bounds = offsets(*(len(ring) for ring in rings))
    kept = thin_rings(bounds, np.concatenate(rings), tolerance)
    assert kept.dtype == bool
    for ring, start in zip(rings, bounds, strict=False):
        mine = kept[start : start + len(ring)]
        assert mine[0]
        assert mine[-1]
        assert mine.sum() >= 4
        line = shapely.LineString(ring[mine])
        assert shapely.distance(line, shapely.points(ring)).max() <= tolerance + 1e-9


def test_a_straight_edge_keeps_its_ends() -> None:
    side = [(k, 0) for k in range(100)] + [(100, 0), (100, 100), (0, 100)]
    kept = thin_rings(offsets(104), closed(side), 0.5)
    assert np.flatnonzero(kept).tolist() == [0, 100, 101, 102, 103]


def test_a_ring_smaller_than_the_tolerance_stays() -> None:
    ring = closed([(0, 0), (1, 0), (1, 1), (0, 1)])
    assert thin_rings(offsets(5), ring, 50.0).all()


def test_teeth_that_grow_do_not_cost_their_square() -> None:
    # The furthest vertex is always the last but one: the worst case for Douglas and Peucker.
    n = 300_000
    teeth = np.column_stack([np.arange(n), np.where(np.arange(n) % 2, 1, -1) * np.arange(n)])
    ring = np.concatenate([teeth, [[n, 5 * n], teeth[0]]]).astype(np.int64)
    kept = thin_rings(offsets(len(ring)), ring, 2.0)
    assert kept.sum() > 0.99 * n
