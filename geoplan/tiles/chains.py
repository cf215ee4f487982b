"""Cutting rings at a window: the pieces of their outlines that run through it, from border to border.

The window counts as open: what only touches its border, or runs along it, is no part of a piece. Where a
piece enters or leaves, the border point is rounded to a whole unit; its exact place along the border and
the direction of the edge there are kept, for they decide in what order the pieces are joined.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.tiles.compiled import inner, int64
from geoplan.tiles.frame import Frame
from geoplan.tiles.shape import CHAIN_VERTICES, CHAINS, DONE, GROW, unit_x, unit_y

WEST, EAST, SOUTH, NORTH = 1, 2, 4, 8
"""Bits for the sides that a vertex lies beyond, or on."""
AWAY, CUT, INNER = 0, 1, 2
"""What a ring is to the window: it has no piece in it, has some, or lies strictly inside."""


_VERTEX = np.dtype([("x", np.int64), ("y", np.int64)])
_PIECE = np.dtype(
    [(name, np.int64) for name in ("start", "ring", "follower", "direct", "seen", "loop_first", "loop_last")]
)
_END = np.dtype(
    [("place", np.float64), ("dx", np.float64), ("dy", np.float64), ("exact", np.int64), ("order", np.int64)]
)


class Chains(NamedTuple):
    """Pieces of rings.

    Attributes
    ----------
    counts
        `geoplan.tiles.shape.Shape.counts`.
    vertices
        Records ``x``, ``y`` in units; the first and the last of a piece are on the border.
    pieces
        Records: ``start``, the piece's first vertex (it ends where the next begins); ``ring``, where it comes from;
        ``follower``, the piece that follows it; ``direct``, 1 where it follows at once; ``seen``,
        whether it is in a ring already. And, for the k-th ring strictly inside the window, its vertices:
        ``loop_first`` to ``loop_last``.
    ends
        Records: the beginning (``2 c``) and the end (``2 c + 1``) of piece ``c``: ``place`` along the border,
        counter-clockwise from the south-west corner; ``dx``, ``dy``, the direction from there into the window;
        ``exact``, 1 where a vertex of the ring lies there. And ``order``: the k-th end along the border.
    """

    counts: NDArray[np.int64]
    vertices: NDArray[Any]
    pieces: NDArray[Any]
    ends: NDArray[Any]


def new_chains(counts: NDArray[np.int64], vertices: int, pieces: int) -> Chains:
    """Working memory for so many vertices, and pieces."""
    return Chains(counts, np.empty(vertices, _VERTEX), np.zeros(pieces + 1, _PIECE), np.empty(2 * pieces, _END))


@inner
def sides(x: int, y: int, frame: Frame) -> int:
    """Bits of the sides that a vertex lies beyond or on; 0 strictly inside."""
    return (x <= frame.west) * WEST + (x >= frame.east) * EAST + (y <= frame.south) * SOUTH + (y >= frame.north) * NORTH


@inner
def _first_outside(positions: NDArray[np.int32], first: int, last: int, frame: Frame) -> int:
    """First vertex not strictly inside, or `last`."""
    for i in range(first, last):
        if sides(unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame), frame) != 0:
            return i
    return last


@inner
def _skip(positions: NDArray[np.int32], i: int, last: int, frame: Frame, side: int) -> int:
    """Last vertex of the run from `i` that stays beyond a side."""
    if side & WEST:
        while i < last and unit_x(positions[i + 1, 0], frame) <= frame.west:
            i += 1
    elif side & EAST:
        while i < last and unit_x(positions[i + 1, 0], frame) >= frame.east:
            i += 1
    elif side & SOUTH:
        while i < last and unit_y(positions[i + 1, 1], frame) <= frame.south:
            i += 1
    else:
        while i < last and unit_y(positions[i + 1, 1], frame) >= frame.north:
            i += 1
    return i


@inner
def _cross(a: tuple[int, int], b: tuple[int, int], beyond: int, frame: Frame) -> tuple[float, int]:
    """Where the edge from `a`, beyond some sides, to `b`, beyond none of them, crosses the last of these sides.

    Returns the fraction of the edge, and the side.
    """
    best = -1.0
    at = 0
    dx, dy = float(b[0] - a[0]), float(b[1] - a[1])
    if beyond & WEST:
        best, at = (frame.west - a[0]) / dx, WEST
    if beyond & EAST:
        best, at = (frame.east - a[0]) / dx, EAST
    if beyond & SOUTH and (frame.south - a[1]) / dy > best:
        best, at = (frame.south - a[1]) / dy, SOUTH
    if beyond & NORTH and (frame.north - a[1]) / dy > best:
        best, at = (frame.north - a[1]) / dy, NORTH
    return best, at


@inner
def on_side(a: tuple[int, int], b: tuple[int, int], side: int, frame: Frame) -> tuple[float, float]:
    """Point of an edge on a side of the window; the same for both directions of the edge."""
    if b[0] < a[0] or (b[0] == a[0] and b[1] < a[1]):
        a, b = b, a
    if side == WEST or side == EAST:  # noqa: PLR1714, SIM109 - compiles faster
        x = float(frame.west if side == WEST else frame.east)
        y = a[1] + (x - a[0]) * (float(b[1] - a[1]) / float(b[0] - a[0]))
        return x, min(max(y, float(frame.south)), float(frame.north))
    y = float(frame.south if side == SOUTH else frame.north)
    x = a[0] + (y - a[1]) * (float(b[0] - a[0]) / float(b[1] - a[1]))
    return min(max(x, float(frame.west)), float(frame.east)), y


@inner
def _along(x: float, y: float, side: int, frame: Frame) -> float:
    """Place of a border point along the border, counter-clockwise from the south-west corner."""
    width, height = float(frame.east - frame.west), float(frame.north - frame.south)
    if side == SOUTH:
        return x - frame.west
    if side == EAST:
        return width + (y - frame.south)
    if side == NORTH:
        return width + height + (frame.east - x)
    return 2.0 * width + height + (frame.north - y) if y > frame.south else 0.0


@inner
def _border_end(a: tuple[int, int], b: tuple[int, int], side: int, end: int, frame: Frame, chains: Chains) -> None:
    """Put down where a piece meets the border: the edge comes from `a`, on or beyond a side, and runs to `b`."""
    n = chains.counts[CHAIN_VERTICES]
    fixed = (
        frame.west if side == WEST else frame.east if side == EAST else frame.south if side == SOUTH else frame.north
    )
    on = (a[0] if side == WEST or side == EAST else a[1]) == fixed  # noqa: PLR1714, SIM109 - compiles faster
    x, y = (float(a[0]), float(a[1])) if on else on_side(a, b, side, frame)
    chains.vertices[n].x = int64(np.floor(x + 0.5))
    chains.vertices[n].y = int64(np.floor(y + 0.5))
    chains.counts[CHAIN_VERTICES] = n + 1
    chains.ends[end].exact = 1 if on else 0
    chains.ends[end].place = _along(x, y, side, frame)
    chains.ends[end].dx = float(b[0] - a[0])
    chains.ends[end].dy = float(b[1] - a[1])


@inner
def _edge(a: tuple[int, int], b: tuple[int, int], beyond_a: int, beyond_b: int, frame: Frame, chains: Chains) -> bool:
    """Begin or end a piece with an edge that crosses the border; returns whether one has ended."""
    enter, enter_side = 0.0, 0
    leave, leave_side = 1.0, 0
    if beyond_a:
        enter, enter_side = _cross(a, b, beyond_a, frame)
    if beyond_b:
        back, leave_side = _cross(b, a, beyond_b, frame)
        leave = 1.0 - back
    if enter >= leave:
        return False
    chain = chains.counts[CHAINS]
    if beyond_a:
        _border_end(a, b, enter_side, 2 * chain, frame, chains)
    if beyond_b:
        _border_end(b, a, leave_side, 2 * chain + 1, frame, chains)
        return True
    n = chains.counts[CHAIN_VERTICES]
    chains.vertices[n].x = b[0]
    chains.vertices[n].y = b[1]
    chains.counts[CHAIN_VERTICES] = n + 1
    return False


@inner
def _walk(positions: NDArray[np.int32], first: int, last: int, ring: int, frame: Frame, chains: Chains) -> int:
    """Follow the edges between the vertices `first` and `last` of a ring."""
    i = first
    a = (unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame))
    beyond = sides(a[0], a[1], frame)
    counts = chains.counts
    while i < last:
        if beyond:
            i = _skip(positions, i, last, frame, beyond)
            if i == last:
                return DONE
            a = (unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame))
            beyond = sides(a[0], a[1], frame)
        i += 1
        b = (unit_x(positions[i, 0], frame), unit_y(positions[i, 1], frame))
        beyond_b = sides(b[0], b[1], frame)
        if counts[CHAIN_VERTICES] + 4 > len(chains.vertices) or counts[CHAINS] + 2 > len(chains.pieces):
            return GROW
        if beyond | beyond_b == 0:
            if a[0] != b[0] or a[1] != b[1]:
                n = counts[CHAIN_VERTICES]
                chains.vertices[n].x = b[0]
                chains.vertices[n].y = b[1]
                counts[CHAIN_VERTICES] = n + 1
        elif beyond & beyond_b == 0 and _edge(a, b, beyond, beyond_b, frame, chains):
            chain = counts[CHAINS]
            chains.pieces[chain].ring = ring
            chains.pieces[chain + 1].start = counts[CHAIN_VERTICES]
            counts[CHAINS] = chain + 1
        a = b
        beyond = beyond_b
    return DONE


@inner
def cut_ring(
    positions: NDArray[np.int32], first: int, last: int, ring: int, frame: Frame, chains: Chains
) -> tuple[int, int]:
    """Collect the pieces of the closed ring of vertices ``first:last``; the status, and `AWAY`, `CUT` or `INNER`."""
    begin = _first_outside(positions, first, last - 1, frame)
    if begin == last - 1:
        return DONE, INNER
    before = chains.counts[CHAINS]
    status = _walk(positions, begin, last - 1, ring, frame, chains)
    if status == DONE and begin > first:
        status = _walk(positions, first, begin, ring, frame, chains)
    return status, CUT if chains.counts[CHAINS] > before else AWAY


@inner
def covers_centre(positions: NDArray[np.int32], first: int, last: int, frame: Frame) -> bool:
    """Whether a ring that has no piece in the window has the window's centre inside."""
    cx, cy = (frame.west + frame.east) * 0.5, (frame.south + frame.north) * 0.5
    odd = False
    ay = float(unit_y(positions[first, 1], frame))
    for i in range(first, last - 1):
        by = float(unit_y(positions[i + 1, 1], frame))
        if (ay > cy) != (by > cy):
            ax, bx = float(unit_x(positions[i, 0], frame)), float(unit_x(positions[i + 1, 0], frame))
            if ax + (cy - ay) / (by - ay) * (bx - ax) < cx:
                odd = not odd
        ay = by
    return odd
