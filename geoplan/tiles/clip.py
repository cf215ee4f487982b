"""Clipping polygons, lines and points at the buffered window of a tile, on its units, keeping their topology.

A polygon's pieces of outline (`geoplan.tiles.chains`) are joined by walking the window's border: from the
end of a piece counter-clockwise to the beginning of the next, for the inside lies to the left of both.
This gives a polygon cut into several its several outer rings, without edges that bridge them. It is the
clip at a window smaller by an infinitely small width, whose border no vertex lies on: so places are
compared exactly, then by the direction in which the pieces leave.

The shape is valid on these units before; only the edges that end on the border have moved, by less than a
unit. `sound` looks whether one of them has met another part. What cannot be told for certain is left to GEOS.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.tiles.chains import AWAY, INNER, Chains, covers_centre, cut_ring
from geoplan.tiles.compiled import inner, int64
from geoplan.tiles.frame import Frame
from geoplan.tiles.shape import (
    CHAIN_VERTICES,
    CHAINS,
    DONE,
    GROW,
    LOOPS,
    REPAIR,
    RINGS,
    VERTICES,
    Shape,
    add_polygon,
    add_ring,
    close_ring,
    has_room,
    inside_ring,
    ring_within,
)

_NEAR = 1e-5
"""Places closer than this, in units, are not told apart; they are exact to a few 1e-6 for the longest edges."""
_CLOSED = 2.0
"""A gap that rounding has closed is shorter than this."""
_MOST_EFFORT = 4_000_000
"""So many comparisons at most; beyond that GEOS, with its indexes, is faster."""


@inner
def _before(i: int, j: int, chains: Chains) -> bool:
    """Whether end `i` comes before end `j` along the border, just inside it."""
    a, b = chains.ends[i], chains.ends[j]
    if a.place != b.place:
        return bool(a.place < b.place)
    return bool(a.dx * b.dy - a.dy * b.dx < 0.0)


@inner
def _apart(i: int, j: int, gap: float, chains: Chains) -> bool:
    """Whether the order of two neighbouring ends is certain."""
    if gap > _NEAR:
        return True
    a, b = chains.ends[i], chains.ends[j]
    if gap != 0.0 or a.exact + b.exact < 2:
        return False
    return bool(abs(a.dx * b.dy - a.dy * b.dx) > 1e-12 * (abs(a.dx) + abs(a.dy)) * (abs(b.dx) + abs(b.dy)))


@inner
def _sort(chains: Chains) -> None:
    """Put the ends in their order along the border (Shell's method: few of them, or many, nothing to allocate)."""
    m = 2 * chains.counts[CHAINS]
    ends = chains.ends
    for k in range(m):
        ends[k].order = k
    gap = 1
    while 3 * gap + 1 < m:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, m):
            end = ends[k].order
            at = k
            while at >= gap and _before(end, ends[at - gap].order, chains):
                ends[at].order = ends[at - gap].order
                at -= gap
            ends[at].order = end
        gap //= 3


@inner
def _vertex_of(end: int, chains: Chains) -> int:
    """The vertex of a beginning or an end of a piece."""
    chain = end >> 1
    return int64(chains.pieces[chain + 1].start - 1 if end & 1 else chains.pieces[chain].start)


@inner
def _link(around: float, chains: Chains) -> int:
    """Find which piece follows which; `REPAIR` when that is not certain."""
    m = 2 * chains.counts[CHAINS]
    ends, pieces = chains.ends, chains.pieces
    for k in range(m):
        i = ends[k].order
        j = ends[k + 1].order if k + 1 < m else ends[0].order
        gap = ends[j].place - ends[i].place + (0.0 if k + 1 < m else around)
        if (i ^ j) & 1 == 0 or not _apart(i, j, gap, chains):
            return REPAIR
        if i & 1:
            pieces[i >> 1].follower = j >> 1
            pieces[i >> 1].direct = 0
    return _part(around, chains)


@inner
def _part(around: float, chains: Chains) -> int:
    """Where the gap between the beginning of a piece and the end of another has closed, part the ring that has both.

    It would touch itself there. Two rings may touch in a point.
    """
    m = 2 * chains.counts[CHAINS]
    ends, v, pieces = chains.ends, chains.vertices, chains.pieces
    for k in range(m):
        i = ends[k].order
        if i & 1:
            continue
        j = ends[k + 1].order if k + 1 < m else ends[0].order
        gap = ends[j].place - ends[i].place + (0.0 if k + 1 < m else around)
        a, b = _vertex_of(i, chains), _vertex_of(j, chains)
        if gap > _CLOSED or v[a].x != v[b].x or v[a].y != v[b].y:
            continue
        begin, end = i >> 1, j >> 1
        last = end
        at = begin
        while at != end and pieces[at].follower != begin:
            at = pieces[at].follower
        if at != end:
            continue
        while pieces[last].follower != begin:
            last = pieces[last].follower
        if last == end:
            # All that follows is the border: the piece is a hole in the window.
            return REPAIR
        pieces[last].follower = pieces[end].follower
        pieces[end].follower = begin
        pieces[last].direct = pieces[end].direct
        pieces[end].direct = 1
    return DONE


@inner
def _put(shape: Shape, first: int, n: int, x: int, y: int) -> int:
    """Add a border vertex to the ring that begins at `first`, unless it repeats the last."""
    v = shape.vertices
    if n > first and v[n - 1].x == x and v[n - 1].y == y:
        v[n - 1].border = 1
        return n
    v[n].x = x
    v[n].y = y
    v[n].border = 1
    return n + 1


@inner
def _put_corners(shape: Shape, first: int, n: int, frame: Frame, begin: float, end: float) -> int:
    """Add the window's corners between two places along the border; the second may be beyond a whole turn."""
    width, height = float(frame.east - frame.west), float(frame.north - frame.south)
    for turn in range(2):
        base = turn * 2.0 * (width + height)
        if begin < base < end:
            n = _put(shape, first, n, frame.west, frame.south)
        if begin < base + width < end:
            n = _put(shape, first, n, frame.east, frame.south)
        if begin < base + width + height < end:
            n = _put(shape, first, n, frame.east, frame.north)
        if begin < base + 2.0 * width + height < end:
            n = _put(shape, first, n, frame.west, frame.north)
    return n


@inner
def _put_chain(shape: Shape, first: int, n: int, chain: int, chains: Chains) -> int:
    """Add the vertices of a piece."""
    begin, end = chains.pieces[chain].start, chains.pieces[chain + 1].start
    v, w = shape.vertices, chains.vertices
    n = _put(shape, first, n, w[begin].x, w[begin].y)
    for i in range(begin + 1, end - 1):
        v[n].x = w[i].x
        v[n].y = w[i].y
        v[n].border = 0
        n += 1
    return _put(shape, first, n, w[end - 1].x, w[end - 1].y)


@inner
def _trace(begin: int, around: float, frame: Frame, shape: Shape, chains: Chains) -> int:
    """Make one ring of the pieces that follow each other from `begin`: a hole where it runs clockwise."""
    first = shape.counts[VERTICES]
    n = first
    chain = begin
    while True:
        room = chains.pieces[chain + 1].start - chains.pieces[chain].start + 10
        if not has_room(shape, n - first + room):
            return GROW
        if chains.pieces[chain].ring != chains.pieces[begin].ring:
            # Outlines of a shell and a hole that touch would now be one ring that touches itself.
            return REPAIR
        chains.pieces[chain].seen = 1
        n = _put_chain(shape, first, n, chain, chains)
        following = chains.pieces[chain].follower
        leave, enter = chains.ends[2 * chain + 1].place, chains.ends[2 * following].place
        if _before(2 * following, 2 * chain + 1, chains):
            enter += around
        if chains.pieces[chain].direct == 0:
            n = _put_corners(shape, first, n, frame, leave, enter)
        chain = following
        if chain == begin:
            break
    rings = shape.counts[RINGS]
    status = close_ring(shape, first, n, 0)
    if status == DONE and shape.rings[rings].turn < 0:
        shape.rings[rings].hole = 1
    return status


@inner
def _join(frame: Frame, shape: Shape, chains: Chains) -> int:
    """Make outer rings of all pieces."""
    around = 2.0 * float(frame.east - frame.west + frame.north - frame.south)
    _sort(chains)
    status = _link(around, chains)
    if status != DONE:
        return status
    n = chains.counts[CHAINS]
    for chain in range(n):
        chains.pieces[chain].seen = 0
    for chain in range(n):
        if chains.pieces[chain].seen == 0:
            status = _trace(chain, around, frame, shape, chains)
            if status >= GROW:
                return status
    return DONE


@inner
def _window(frame: Frame, shape: Shape) -> int:
    """The window itself as a ring."""
    first = shape.counts[VERTICES]
    if not has_room(shape, 8):
        return GROW
    n = _put(shape, first, first, frame.west, frame.south)
    n = _put(shape, first, n, frame.east, frame.south)
    n = _put(shape, first, n, frame.east, frame.north)
    n = _put(shape, first, n, frame.west, frame.north)
    return close_ring(shape, first, n, 0)


@inner
def _lies_in(shape: Shape, shell: int, hole: int) -> int:
    """1 when a hole lies in a shell (which it may touch), 0 when it does not, -1 when that cannot be told."""
    v = shape.vertices
    for i in range(shape.rings[hole].start, shape.rings[hole + 1].start):
        side = inside_ring(shape, shell, v[i].x, v[i].y)
        if side >= 0:
            return side
    return -1


@inner
def _place_holes(outer: int, shape: Shape) -> int:
    """Put the rings of a member, those from `outer` on, in their order: each hole behind the shell that it lies in."""
    rings = shape.rings
    last = shape.counts[RINGS]
    holes = 0
    for ring in range(outer, last):
        holes += rings[ring].hole
    if holes == 0:
        return DONE
    if holes * (rings[last].start - rings[outer].start) > _MOST_EFFORT:
        return REPAIR
    at = outer
    for shell in range(outer, last):
        if rings[shell].hole == 1:
            continue
        rings[at].sequence = shell
        at += 1
        for hole in range(outer, last):
            side = _lies_in(shape, shell, hole) if rings[hole].hole == 1 else 0
            if side < 0:
                return REPAIR
            if side > 0:
                rings[at].sequence = hole
                at += 1
    return DONE if at == last else REPAIR


@inner
def _add_loops(positions: NDArray[np.int32], frame: Frame, shape: Shape, chains: Chains) -> int:
    """Add the holes strictly inside the window."""
    for loop in range(shape.counts[LOOPS]):
        first, last = chains.pieces[loop].loop_first, chains.pieces[loop].loop_last
        status = add_ring(positions, first, last, frame, shape, 1)
        if status >= GROW:
            return status
    return DONE


@inner
def _clip_polygon(
    positions: NDArray[np.int32],
    vertices: NDArray[np.int32],
    first: int,
    last: int,
    frame: Frame,
    shape: Shape,
    chains: Chains,
) -> int:
    """Add what a window leaves of the polygon of rings ``first:last``."""
    counts = shape.counts
    if ring_within(positions, int64(vertices[first]), int64(vertices[first + 1]), frame):
        return add_polygon(positions, vertices, first, last, frame, shape)
    counts[CHAINS] = 0
    counts[CHAIN_VERTICES] = 0
    counts[LOOPS] = 0
    for ring in range(first, last):
        begin, end = int64(vertices[ring]), int64(vertices[ring + 1])
        status, relation = cut_ring(positions, begin, end, ring, frame, chains)
        if status != DONE:
            return status
        if relation == INNER:
            if counts[LOOPS] >= len(chains.pieces):
                return GROW
            chains.pieces[counts[LOOPS]].loop_first = begin
            chains.pieces[counts[LOOPS]].loop_last = end
            counts[LOOPS] += 1
        elif relation == AWAY and covers_centre(positions, begin, end, frame) != (ring == first):
            return DONE
    outer = counts[RINGS]
    status = _join(frame, shape, chains) if counts[CHAINS] else _window(frame, shape)
    if status < GROW:
        status = _add_loops(positions, frame, shape, chains)
    return status if status >= GROW else _place_holes(outer, shape)


@inner
def clip_polygons(
    positions: NDArray[np.int32],
    rings: NDArray[np.int32],
    vertices: NDArray[np.int32],
    first: int,
    last: int,
    frame: Frame,
    shape: Shape,
    chains: Chains,
) -> int:
    """What a window leaves of the polygons ``first:last``: rings, in `sequence` shells and their holes.

    Returns
    -------
    int
        `DONE` (with any number of rings), `GROW` or `REPAIR`; after the latter two the shape is not usable.
    """
    for member in range(first, last):
        status = _clip_polygon(positions, vertices, rings[member], rings[member + 1], frame, shape, chains)
        if status >= GROW:
            return status
    return DONE
