"""Exact tests of polygons on the integer grid of a zoom, compiled.

Positions are whole numbers, so that every question of a sign is answered exactly in int64: a shape
spans less than 2^30 units, a product of two differences less than 2^60. A shape that is wider (5,000 km
at the exact zoom) counts as invalid: a repaired copy is always right.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.mercator import EXACT_ZOOM
from geoplan.pack.segments import DOUBTFUL, INVALID, VALID, apart, box_gap, crossing, side_of, turns_back

_WIDEST = 2**29
_MOST_RINGS = 2000
_EFFORT = 400  # pairs of segments looked at, for each segment; beyond GEOS's index is faster
_FEW = 48  # so many are sorted by insertion
_ALL = 0xFFFFFFFF
_LINE, _POLYGON = 2, 3


class Nested(NamedTuple):
    """The arrays of `geoplan.pack.part.Geometry` that the tests read."""

    kinds: NDArray[np.uint8]
    members: NDArray[np.int32]
    rings: NDArray[np.int32]
    vertices: NDArray[np.int32]
    positions: NDArray[np.int32]


class _Scratch(NamedTuple):
    """Working arrays for one feature, by vertex (a segment has the number of its first vertex) and by ring."""

    units: NDArray[np.int64]  # (v, 2): rounded, from the feature's first vertex
    ring_of: NDArray[np.int64]
    place: NDArray[np.int64]  # place of the segment in its ring; -1: it has vanished
    order: NDArray[np.int64]  # segments by their least x
    least: NDArray[np.int64]  # their keys
    live: NDArray[np.int64]  # those left at the zoom
    boxes: NDArray[np.int64]  # (live, 4)
    left: NDArray[np.int64]  # segments left of a ring
    ring_boxes: NDArray[np.int64]  # (ring, 4)


@njit(cache=True, nogil=True)
def judge(shapes: Nested, first: int, last: int, mask: NDArray[np.uint32], doubtful: NDArray[np.uint32]) -> None:
    """Set bit ``z`` of `mask` (`doubtful`) where a shape is valid (cannot be judged here) at zooms first to last."""
    vertices = 0
    rings = 0
    for row in range(len(shapes.kinds)):
        low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
        rings = max(rings, high - low)
        vertices = max(vertices, shapes.vertices[high] - shapes.vertices[low])
    scratch = _scratch(vertices, rings)
    for row in range(len(shapes.kinds)):
        kind = shapes.kinds[row] & 3
        if kind == _POLYGON:
            _judge_polygon(shapes, row, first, last, mask, doubtful, scratch)
        elif kind == _LINE:
            mask[row] = _line_zooms(shapes, row, first, last)
        else:
            mask[row] = _ALL


@njit(cache=True, nogil=True)
def _scratch(vertices: int, rings: int) -> _Scratch:
    return _Scratch(
        np.empty((vertices + 1, 2), np.int64),
        np.empty(vertices + 1, np.int64),
        np.empty(vertices + 1, np.int64),
        np.empty(vertices + 1, np.int64),
        np.empty(vertices + 1, np.int64),
        np.empty(vertices + 1, np.int64),
        np.empty((vertices + 1, 4), np.int64),
        np.empty(rings + 1, np.int64),
        np.empty((rings + 1, 4), np.int64),
    )


@njit(cache=True, nogil=True)
def rounded(position: int, shift: int) -> int:
    """A position in units of 2^shift: half a unit added, then shifted down."""
    if shift == 0:
        return int(position)
    return (int(position) + (1 << (shift - 1))) >> shift


@njit(cache=True, nogil=True)
def shift_of(zoom: int) -> int:
    """By how many bits a position of the grid is shifted at a zoom."""
    return max(EXACT_ZOOM - zoom, 0)


@njit(cache=True, nogil=True)
def _line_zooms(shapes: Nested, row: int, first: int, last: int) -> int:
    """All bits, without those of the zooms at which all members of a line vanish."""
    bits = np.uint32(_ALL)
    for zoom in range(first, last + 1):
        shift = shift_of(zoom)
        if not _line_lives(shapes, row, shift):
            bits &= ~(np.uint32(1) << np.uint32(zoom))
    return int(bits)


@njit(cache=True, nogil=True)
def _line_lives(shapes: Nested, row: int, shift: int) -> bool:
    for ring in range(shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]):
        start = shapes.vertices[ring]
        for v in range(start + 1, shapes.vertices[ring + 1]):
            for axis in range(2):
                if rounded(shapes.positions[v, axis], shift) != rounded(shapes.positions[start, axis], shift):
                    return True
    return False


@njit(cache=True, nogil=True)
def _judge_polygon(
    shapes: Nested,
    row: int,
    first: int,
    last: int,
    mask: NDArray[np.uint32],
    doubtful: NDArray[np.uint32],
    scratch: _Scratch,
) -> None:
    segments = _sort_segments(shapes, row, scratch)
    verdict = INVALID
    reach = -1.0
    # From the finest zoom down: beyond the exact one the units are the grid's own, so that one verdict serves.
    for zoom in range(last, first - 1, -1):
        shift = shift_of(zoom)
        if zoom == last or shift > 0:
            if zoom < last and float(np.int64(1) << shift) < reach:
                verdict = VALID
            else:
                verdict = _verdict(shapes, row, shift, segments, scratch)
        if zoom == last and verdict == VALID and segments <= _FEW:
            rings = shapes.rings[shapes.members[row + 1]] - shapes.rings[shapes.members[row]]
            reach = _reach(scratch.left[:rings].sum(), scratch) * float(np.int64(1) << shift)
        bit = np.uint32(1) << np.uint32(zoom)
        if verdict == VALID:
            mask[row] |= bit
        elif verdict == DOUBTFUL:
            doubtful[row] |= bit


@njit(cache=True, nogil=True)
def _sort_segments(shapes: Nested, row: int, scratch: _Scratch) -> int:
    """Order the feature's segments by their least x: rounding keeps that order, so that it serves all zooms."""
    low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
    origin = shapes.vertices[low]
    count = 0
    for ring in range(low, high):
        for v in range(shapes.vertices[ring], shapes.vertices[ring + 1] - 1):
            scratch.ring_of[v - origin] = ring - low
            scratch.least[count] = min(shapes.positions[v, 0], shapes.positions[v + 1, 0])
            scratch.order[count] = v - origin
            count += 1
    if count > _FEW:
        by_least = np.argsort(scratch.least[:count])
        scratch.live[:count] = scratch.order[:count]
        for i in range(count):
            scratch.order[i] = scratch.live[by_least[i]]
        return count
    for i in range(1, count):
        key, segment = scratch.least[i], scratch.order[i]
        j = i - 1
        while j >= 0 and scratch.least[j] > key:
            scratch.least[j + 1] = scratch.least[j]
            scratch.order[j + 1] = scratch.order[j]
            j -= 1
        scratch.least[j + 1] = key
        scratch.order[j + 1] = segment
    return count


@njit(cache=True, nogil=True)
def _verdict(shapes: Nested, row: int, shift: int, segments: int, scratch: _Scratch) -> int:
    low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
    origin = shapes.vertices[low]
    if high == low or segments == 0:
        return INVALID
    for member in range(shapes.members[row], shapes.members[row + 1]):
        shell = shapes.rings[member]
        for ring in range(shell, shapes.rings[member + 1]):
            state = _round_ring(shapes, ring, low, origin, shift, scratch, ring == shell)
            if state != VALID:
                return INVALID
    live = _live_boxes(segments, scratch)
    verdict = _contacts(live, segments, scratch)
    if verdict == VALID and high - low > 1:
        if high - low > _MOST_RINGS:
            return DOUBTFUL
        return _nesting(shapes, row, scratch)
    return verdict


@njit(cache=True, nogil=True)
def _round_ring(
    shapes: Nested,
    ring: int,
    low: int,
    origin: int,
    shift: int,
    scratch: _Scratch,
    is_shell: bool,  # noqa: FBT001
) -> int:
    """Round a ring and number its segments; invalid when it collapses or turns the wrong way round."""
    start, stop = shapes.vertices[ring], shapes.vertices[ring + 1]
    base_x = rounded(shapes.positions[origin, 0], shift)
    base_y = rounded(shapes.positions[origin, 1], shift)
    units, box = scratch.units, scratch.ring_boxes[ring - low]
    left = 0
    doubled = np.int64(0)
    for v in range(start, stop):
        k = v - origin
        x = rounded(shapes.positions[v, 0], shift) - base_x
        y = rounded(shapes.positions[v, 1], shift) - base_y
        units[k, 0] = x
        units[k, 1] = y
        if v == start:
            box[0], box[1], box[2], box[3] = x, y, x, y
            continue
        box[0], box[1], box[2], box[3] = min(box[0], x), min(box[1], y), max(box[2], x), max(box[3], y)
        scratch.place[k - 1] = -1
        if x != units[k - 1, 0] or y != units[k - 1, 1]:
            scratch.place[k - 1] = left
            left += 1
            doubled += units[k - 1, 0] * y - x * units[k - 1, 1]
    if max(-box[0], box[2], -box[1], box[3]) >= _WIDEST:
        return INVALID
    scratch.left[ring - low] = left
    first, end = start - origin, stop - 1 - origin
    if left < 3 or units[first, 0] != units[end, 0] or units[first, 1] != units[end, 1]:
        return INVALID
    # y grows to the south: a ring that is counter-clockwise in degrees has a negative area here.
    return VALID if (doubled < 0) == is_shell and doubled != 0 else INVALID


@njit(cache=True, nogil=True)
def _live_boxes(segments: int, scratch: _Scratch) -> int:
    """Boxes of the segments that are left, in the order of their least x."""
    units, boxes = scratch.units, scratch.boxes
    live = 0
    for i in range(segments):
        k = scratch.order[i]
        if scratch.place[k] < 0:
            continue
        scratch.live[live] = k
        boxes[live, 0] = min(units[k, 0], units[k + 1, 0])
        boxes[live, 1] = min(units[k, 1], units[k + 1, 1])
        boxes[live, 2] = max(units[k, 0], units[k + 1, 0])
        boxes[live, 3] = max(units[k, 1], units[k + 1, 1])
        live += 1
    return live


@njit(cache=True, nogil=True)
def _contacts(live: int, segments: int, scratch: _Scratch) -> int:
    """Whether segments meet that must not; doubtful where two rings touch."""
    boxes = scratch.boxes
    effort = _EFFORT * segments + 10_000
    verdict = VALID
    for i in range(live):
        right, top, bottom = boxes[i, 2], boxes[i, 1], boxes[i, 3]
        j = i + 1
        while j < live and boxes[j, 0] <= right:
            if boxes[j, 1] <= bottom and boxes[j, 3] >= top:
                meeting = _meeting(scratch, scratch.live[i], scratch.live[j])
                if meeting == INVALID:
                    return INVALID
                if meeting == DOUBTFUL:
                    verdict = DOUBTFUL
            j += 1
        effort -= j - i
        if effort < 0:
            return DOUBTFUL
    return verdict


@njit(cache=True, nogil=True)
def _meeting(scratch: _Scratch, i: int, j: int) -> int:
    """Whether two segments, by their first vertices, may lie as they do."""
    if scratch.ring_of[i] != scratch.ring_of[j]:
        return crossing(scratch.units, i, j, DOUBTFUL)
    left = scratch.left[scratch.ring_of[i]]
    at, to = scratch.place[i], scratch.place[j]
    if at + 1 == to or (to == 0 and at == left - 1):
        return INVALID if turns_back(scratch.units, i, j) else VALID
    if to + 1 == at or (at == 0 and to == left - 1):
        return INVALID if turns_back(scratch.units, j, i) else VALID
    return crossing(scratch.units, i, j, INVALID)


@njit(cache=True, nogil=True)
def _reach(live: int, scratch: _Scratch) -> float:
    """The unit up to which rounding cannot make a valid shape invalid, in the units it is rounded to now.

    A position moves by at most half a diagonal of either unit, so two parts that are further apart than
    sqrt(2) (unit + 1) never meet.
    """
    units = scratch.units
    least = np.inf
    for i in range(live):
        a = scratch.live[i]
        for j in range(i + 1, live):
            b = scratch.live[j]
            if box_gap(scratch.boxes, i, j) < least:
                least = min(least, apart(units, a, b), apart(units, b, a))
    return float(np.sqrt(least / 2.0) * 0.999 - 1.0)


@njit(cache=True, nogil=True)
def _nesting(shapes: Nested, row: int, scratch: _Scratch) -> int:
    """Whether rings that do not meet lie in one another as shells and holes must."""
    low = shapes.rings[shapes.members[row]]
    for member in range(shapes.members[row], shapes.members[row + 1]):
        shell = shapes.rings[member]
        for hole in range(shell + 1, shapes.rings[member + 1]):
            if not _inside(shapes, shell, hole, low, scratch):
                return INVALID
            for other in range(shell + 1, shapes.rings[member + 1]):
                if other != hole and _inside(shapes, other, hole, low, scratch):
                    return INVALID
        for other_member in range(shapes.members[row], shapes.members[row + 1]):
            depth = 0
            for ring in range(shapes.rings[other_member], shapes.rings[other_member + 1]):
                if other_member != member and _inside(shapes, ring, shell, low, scratch):
                    depth += 1
            if depth & 1:
                return INVALID
    return VALID


@njit(cache=True, nogil=True)
def _inside(shapes: Nested, outer: int, inner: int, low: int, scratch: _Scratch) -> bool:
    """Whether a ring that does not meet another lies inside it."""
    box, of = scratch.ring_boxes[inner - low], scratch.ring_boxes[outer - low]
    if box[0] < of[0] or box[1] < of[1] or box[2] > of[2] or box[3] > of[3]:
        return False
    units = scratch.units
    origin = shapes.vertices[low]
    k = shapes.vertices[inner] - origin
    y = units[k, 1]
    odd = False
    for s in range(shapes.vertices[outer] - origin, shapes.vertices[outer + 1] - 1 - origin):
        rising = units[s + 1, 1] > y
        if (units[s, 1] > y) != rising and (side_of(units, s, k) > 0) == rising:
            odd = not odd
    return odd
