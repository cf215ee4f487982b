"""Working memory for one feature's shape in a tile: rings of whole units, and how whole rings are put there."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.tiles.compiled import inner, int64
from geoplan.tiles.frame import Frame

DONE, NOTHING, GROW, REPAIR = range(4)
"""What a step ended with: all well; nothing is left; a working array is too small; the shape is for GEOS."""
RINGS, VERTICES, CHAINS, CHAIN_VERTICES, LOOPS, KIND = range(6)
"""Places in `Shape.counts`."""

# Few arrays of records compile several times faster than many plain arrays.
_VERTEX = np.dtype([("x", np.int64), ("y", np.int64), ("border", np.int64)])
_RING = np.dtype([("start", np.int64), ("hole", np.int64), ("turn", np.int64), ("sequence", np.int64)])


class Shape(NamedTuple):
    """Arrays that one feature after the other is worked out in.

    Attributes
    ----------
    counts
        int64: how much of the arrays is in use (`RINGS`, `VERTICES`, ...), and the kind of the shape.
    vertices
        Records: ``x``, ``y`` in units of the tile, y to the north; ``border`` is 1 for a vertex that cutting
        has made. Rings come without the closing vertex.
    rings
        Records: ``start``, the ring's first vertex (it ends where the next begins); ``hole``, 1 for a hole of the
        shell before it in the order of output; ``turn``, 1 where it runs counter-clockwise, else -1; and
        ``sequence``: the k-th in the order of output is ring ``rings[k].sequence``.
    """

    counts: NDArray[np.int64]
    vertices: NDArray[Any]
    rings: NDArray[Any]


def new_shape(vertices: int, rings: int) -> Shape:
    """Working memory for so many vertices and rings."""
    return Shape(np.zeros(8, np.int64), np.empty(vertices, _VERTEX), np.zeros(rings + 1, _RING))


@inner
def has_room(shape: Shape, vertices: int) -> bool:
    """Whether there is room for so many vertices more, and a ring."""
    counts = shape.counts
    return bool(counts[VERTICES] + vertices <= len(shape.vertices) and counts[RINGS] + 2 <= len(shape.rings))


@inner
def unit_x(position: int, frame: Frame) -> int:
    """Unit of a position's x."""
    return ((int64(position) - frame.x) >> frame.shift) << frame.lift


@inner
def unit_y(position: int, frame: Frame) -> int:
    """Unit of a position's y, to the north."""
    return frame.flip * (((int64(position) - frame.y) >> frame.shift) << frame.lift)


@inner
def within(x: int, y: int, frame: Frame) -> bool:
    """Whether a vertex lies in the window or on its border."""
    return frame.west <= x <= frame.east and frame.south <= y <= frame.north


@inner
def ring_within(positions: NDArray[np.int32], first: int, last: int, frame: Frame) -> bool:
    """Whether all vertices of a ring lie in the window or on its border."""
    for i in range(first, last):
        if not within(unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame), frame):
            return False
    return True


@inner
def signed_area(shape: Shape, first: int, last: int) -> float:
    """Twice the area of a ring, positive where it runs counter-clockwise (y to the north)."""
    area = 0.0
    v = shape.vertices
    x0, y0 = v[first].x, v[first].y
    ax, ay = 0.0, 0.0
    for i in range(first + 1, last):
        bx, by = float(v[i].x - x0), float(v[i].y - y0)
        area += ax * by - bx * ay
        ax, ay = bx, by
    return area


@inner
def put_ring(shape: Shape, first: int, last: int, hole: int, turn: int) -> None:
    """Take the vertices ``first:last`` as a ring."""
    ring = shape.counts[RINGS]
    shape.rings[ring].start = first
    shape.rings[ring].hole = hole
    shape.rings[ring].turn = turn
    shape.rings[ring].sequence = ring
    shape.rings[ring + 1].start = last
    shape.counts[RINGS] = ring + 1
    shape.counts[VERTICES] = last


@inner
def close_ring(shape: Shape, first: int, n: int, hole: int) -> int:
    """Take the vertices ``first:n`` as a ring, unless they have collapsed (`NOTHING`)."""
    v = shape.vertices
    shape.counts[VERTICES] = first
    while n > first + 1 and v[n - 1].x == v[first].x and v[n - 1].y == v[first].y:
        n -= 1
    if n - first < 3:
        return NOTHING
    area = signed_area(shape, first, n)
    if area == 0.0:
        return REPAIR if n - first > 3 else NOTHING
    put_ring(shape, first, n, hole, 1 if area > 0.0 else -1)
    return DONE


@inner
def add_ring(positions: NDArray[np.int32], first: int, last: int, frame: Frame, shape: Shape, hole: int) -> int:
    """Add a whole closed ring, rounded, without repeated vertices; `NOTHING` when it has collapsed."""
    start = shape.counts[VERTICES]
    n = start
    v = shape.vertices
    if not has_room(shape, last - first):
        return GROW
    for i in range(first, last - 1):
        ux = unit_x(positions[i, 0], frame)
        uy = unit_y(positions[i, 1], frame)
        if n > start and ux == v[n - 1].x and uy == v[n - 1].y:
            continue
        v[n].x = ux
        v[n].y = uy
        v[n].border = 0
        n += 1
    return close_ring(shape, start, n, hole)


@inner
def add_polygon(
    positions: NDArray[np.int32],
    vertices: NDArray[np.int32],
    first: int,
    last: int,
    frame: Frame,
    shape: Shape,
) -> int:
    """Add all rings ``first:last`` of a polygon whole; one whose outer ring collapses is left out."""
    for ring in range(first, last):
        hole = 1 if ring > first else 0
        begin, end = int64(vertices[ring]), int64(vertices[ring + 1])
        status = add_ring(positions, begin, end, frame, shape, hole)
        if status >= GROW:
            return status
        if status == NOTHING and ring == first:
            return DONE
    return DONE


@inner
def inside_ring(shape: Shape, ring: int, px: int, py: int) -> int:
    """1 when a point lies inside a ring of the shape, 0 outside, -1 on its outline."""
    v = shape.vertices
    odd = 0
    last = shape.rings[ring + 1].start
    bx, by = v[last - 1].x, v[last - 1].y
    for i in range(shape.rings[ring].start, last):
        ax, ay = v[i].x, v[i].y
        if (ay > py) != (by > py):
            side = float(bx - ax) * float(py - ay) - float(px - ax) * float(by - ay)
            if side == 0.0:
                return -1
            if (side > 0.0) == (by > ay):
                odd ^= 1
        elif ay == py and (ax == px or (by == py and min(ax, bx) <= px <= max(ax, bx))):
            return -1
        bx, by = ax, ay
    return odd
