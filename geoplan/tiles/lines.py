"""Clipping lines and points at the buffered window of a tile. What runs along its border is kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.tiles.chains import EAST, NORTH, SOUTH, WEST, on_side
from geoplan.tiles.compiled import inner, int64
from geoplan.tiles.frame import Frame
from geoplan.tiles.shape import DONE, GROW, VERTICES, Shape, has_room, put_ring, unit_x, unit_y, within


@inner
def _beyond(x: int, y: int, frame: Frame) -> int:
    """Bits of the sides that a vertex lies beyond."""
    return (x < frame.west) * WEST + (x > frame.east) * EAST + (y < frame.south) * SOUTH + (y > frame.north) * NORTH


@inner
def _enter(a: tuple[int, int], b: tuple[int, int], beyond: int, frame: Frame) -> tuple[float, int]:
    """Fraction of the edge from `a` at which it has passed all the sides that `a` is beyond, and the last of them."""
    best, at = 0.0, 0
    dx, dy = float(b[0] - a[0]), float(b[1] - a[1])
    if beyond & (WEST | EAST):
        at = WEST if beyond & WEST else EAST
        best = ((frame.west if at == WEST else frame.east) - a[0]) / dx
    if beyond & (SOUTH | NORTH):
        side = SOUTH if beyond & SOUTH else NORTH
        fraction = ((frame.south if side == SOUTH else frame.north) - a[1]) / dy
        if fraction > best:
            best, at = fraction, side
    return best, at


@inner
def _put(shape: Shape, first: int, n: int, x: float, y: float) -> int:
    """Add a vertex, rounded, unless it repeats the last."""
    ux, uy = int64(np.floor(x + 0.5)), int64(np.floor(y + 0.5))
    v = shape.vertices
    if n > first and v[n - 1].x == ux and v[n - 1].y == uy:
        return n
    v[n].x = ux
    v[n].y = uy
    v[n].border = 0
    return n + 1


@inner
def _clip_line(positions: NDArray[np.int32], begin: int, end: int, frame: Frame, shape: Shape) -> int:
    """Add the pieces of a line of vertices ``begin:end``."""
    first = shape.counts[VERTICES]
    n = first
    a = (unit_x(positions[begin, 0], frame), unit_y(positions[begin, 1], frame))
    beyond_a = _beyond(a[0], a[1], frame)
    for i in range(begin + 1, end):
        if not has_room(shape, n - first + 4):
            return GROW
        b = (unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame))
        beyond_b = _beyond(b[0], b[1], frame)
        if beyond_a & beyond_b == 0:
            enter, enter_side = _enter(a, b, beyond_a, frame)
            back, leave_side = _enter(b, a, beyond_b, frame)
            if enter <= 1.0 - back:
                x, y = on_side(a, b, enter_side, frame) if beyond_a else (float(a[0]), float(a[1]))
                n = _put(shape, first, n, x, y)
                x, y = on_side(a, b, leave_side, frame) if beyond_b else (float(b[0]), float(b[1]))
                n = _put(shape, first, n, x, y)
        if beyond_b:
            if n - first > 1:
                put_ring(shape, first, n, 0, 1)
            first = shape.counts[VERTICES]
            n = first
        a = b
        beyond_a = beyond_b
    if n - first > 1:
        put_ring(shape, first, n, 0, 1)
    return DONE


@inner
def clip_lines(
    positions: NDArray[np.int32],
    rings: NDArray[np.int32],
    vertices: NDArray[np.int32],
    first: int,
    last: int,
    frame: Frame,
    shape: Shape,
) -> int:
    """What a window leaves of the lines ``first:last``: one ring of the shape a piece."""
    for member in range(first, last):
        ring = rings[member]
        if _clip_line(positions, vertices[ring], vertices[ring + 1], frame, shape) == GROW:
            return GROW
    return DONE


@inner
def clip_points(
    positions: NDArray[np.int32],
    rings: NDArray[np.int32],
    vertices: NDArray[np.int32],
    first: int,
    last: int,
    frame: Frame,
    shape: Shape,
) -> int:
    """The points ``first:last`` that lie in a window: one ring of the shape holds them all."""
    n = shape.counts[VERTICES]
    begin = n
    if not has_room(shape, last - first):
        return GROW
    for member in range(first, last):
        v = vertices[rings[member]]
        x, y = unit_x(positions[v, 0], frame), unit_y(positions[v, 1], frame)
        if within(x, y, frame):
            shape.vertices[n].x = x
            shape.vertices[n].y = y
            n += 1
    if n > begin:
        put_ring(shape, begin, n, 0, 1)
    return DONE
