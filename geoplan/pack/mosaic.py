"""Small polygons as a mosaic of square cells, whose outlines leave no gap at any zoom; compiled.

A tile is sampled on a grid; a cell takes the group that most of its samples lie in; cells of a group that
share an edge are one shape. Outlines run along the cells, so that neighbours have the same edge by construction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.rings import Nested

_EAST, _SOUTH, _WEST, _NORTH = 0, 1, 2, 3  # y grows to the south: a turn to the right adds one
_POLYGON = 3


@njit(cache=True, nogil=True)
def anchors_of(shapes: Nested, anchors: NDArray[np.int32]) -> None:
    """A position inside each polygon (n, 2): in the middle of the first stretch of its box's middle row."""
    for row in range(len(shapes.kinds)):
        low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
        start, stop = shapes.vertices[low], shapes.vertices[high]
        if stop == start:
            continue
        top = bottom = np.int64(shapes.positions[start, 1])
        for v in range(start, stop):
            top = min(top, np.int64(shapes.positions[v, 1]))
            bottom = max(bottom, np.int64(shapes.positions[v, 1]))
        y = (top + bottom) // 2
        first, second = _crossings(shapes, low, high, float(y) + 0.5)
        anchors[row, 0] = shapes.positions[start, 0] if second == np.inf else np.int64((first + second) / 2)
        anchors[row, 1] = shapes.positions[start, 1] if second == np.inf else y


@njit(cache=True, nogil=True)
def _crossings(shapes: Nested, low: int, high: int, y: float) -> tuple[float, float]:
    """The two westernmost places where rings cross a row."""
    first = second = np.inf
    for ring in range(low, high):
        for v in range(shapes.vertices[ring], shapes.vertices[ring + 1] - 1):
            y0, y1 = float(shapes.positions[v, 1]), float(shapes.positions[v + 1, 1])
            if (y0 > y) != (y1 > y):
                x0, x1 = float(shapes.positions[v, 0]), float(shapes.positions[v + 1, 0])
                x = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
                if x < first:
                    first, second = x, first
                elif x < second:
                    second = x
    return first, second


@njit(cache=True, nogil=True)
def count_tiles(boxes: NDArray[np.int32], rows: NDArray[np.int32], shift: int) -> int:
    """How many pairs of a row and a tile of 2^shift a side its box meets there are."""
    count = 0
    for row in rows:
        west, north = _tile(boxes[row, 0], shift), _tile(boxes[row, 1], shift)
        count += (_tile(boxes[row, 2], shift) - west + 1) * (_tile(boxes[row, 3], shift) - north + 1)
    return count


@njit(cache=True, nogil=True)
def pair_tiles(
    boxes: NDArray[np.int32], rows: NDArray[np.int32], shift: int, keys: NDArray[np.int64], paired: NDArray[np.int32]
) -> None:
    """Write these pairs: ``y << 32 | x`` of the tile, and the row."""
    at = 0
    for row in rows:
        for y in range(_tile(boxes[row, 1], shift), _tile(boxes[row, 3], shift) + 1):
            for x in range(_tile(boxes[row, 0], shift), _tile(boxes[row, 2], shift) + 1):
                keys[at] = np.int64(y) << 32 | np.int64(x)
                paired[at] = row
                at += 1


@njit(cache=True, nogil=True)
def extent(boxes: NDArray[np.int32], rows: NDArray[np.int32]) -> tuple[int, int, int, int]:
    """The box of the boxes of some rows (at least one)."""
    west, north, east, south = boxes[rows[0]]
    for row in rows:
        west, north = min(west, boxes[row, 0]), min(north, boxes[row, 1])
        east, south = max(east, boxes[row, 2]), max(south, boxes[row, 3])
    return int(west), int(north), int(east), int(south)


@njit(cache=True, nogil=True)
def anchored(
    anchors: NDArray[np.int32], rows: NDArray[np.int32], origin: tuple[int, int], side: int
) -> NDArray[np.int32]:
    """Those rows whose anchor lies in a square."""
    found = np.empty(len(rows), np.int32)
    count = 0
    for row in rows:
        x, y = np.int64(anchors[row, 0]) - origin[0], np.int64(anchors[row, 1]) - origin[1]
        if 0 <= x < side and 0 <= y < side:
            found[count] = row
            count += 1
    return found[:count].copy()


@njit(cache=True, nogil=True)
def anchor_cells(
    anchors: NDArray[np.int32], groups: NDArray[np.int32], rows: NDArray[np.int32], corner: tuple[int, int], cell: int
) -> NDArray[np.int32]:
    """Column and row of the cell of each row's anchor, and its group (n, 3)."""
    found = np.empty((len(rows), 3), np.int32)
    for k in range(len(rows)):
        row = rows[k]
        found[k, 0] = (np.int64(anchors[row, 0]) - corner[0]) // cell
        found[k, 1] = (np.int64(anchors[row, 1]) - corner[1]) // cell
        found[k, 2] = groups[row]
    return found


@njit(cache=True, nogil=True)
def _tile(position: int, shift: int) -> int:
    return int((np.int64(position) + 2147483648) >> shift)


@njit(cache=True, nogil=True)
def sample(
    shapes: Nested, rows: NDArray[np.int32], corner: tuple[int, int], step: int, owners: NDArray[np.int32]
) -> None:
    """Write into `owners` (h, w) which shape the middle of each sample lies in, the last of several.

    `corner` is the position of the north-west corner of the samples, `step` their distance.
    """
    height, width = owners.shape
    flags = np.zeros((height, width + 1), np.bool_)
    for row in rows:
        low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
        top, bottom, left, right = height, -1, width, -1
        for ring in range(low, high):
            for v in range(shapes.vertices[ring], shapes.vertices[ring + 1] - 1):
                box = _flag_edge(shapes.positions, v, corner, step, flags)
                top, bottom = min(top, box[0]), max(bottom, box[1])
                left, right = min(left, box[2]), max(right, box[3])
        for j in range(top, bottom + 1):
            inside = False
            for i in range(left, min(right, width) + 1):
                inside ^= flags[j, i]
                flags[j, i] = False
                if inside and i < width:
                    owners[j, i] = row


@njit(cache=True, nogil=True)
def _flag_edge(
    positions: NDArray[np.int32], v: int, corner: tuple[int, int], step: int, flags: NDArray[np.bool_]
) -> tuple[int, int, int, int]:
    """Toggle the first sample east of an edge in each row that it crosses; the rows and columns that were touched.

    An edge is taken from its northern end, whichever way the ring runs, so that two neighbours cross their common
    edge at the same places.
    """
    height, width = flags.shape[0], flags.shape[1] - 1
    a, b = (v, v + 1) if positions[v, 1] <= positions[v + 1, 1] else (v + 1, v)
    y0, y1 = np.int64(positions[a, 1]) - corner[1], np.int64(positions[b, 1]) - corner[1]
    half = step // 2
    first = max(int((y0 - half + step - 1) // step), 0)
    last = min(int((y1 - half + step - 1) // step) - 1, height - 1)
    if first > last:
        return height, -1, width, -1
    x0, x1 = float(np.int64(positions[a, 0]) - corner[0]), float(np.int64(positions[b, 0]) - corner[0])
    slope = (x1 - x0) / float(y1 - y0)
    left = width
    right = 0
    for j in range(first, last + 1):
        x = x0 + slope * float(j * step + half - y0)
        i = min(max(int(np.ceil((x - half) / step)), 0), width)
        flags[j, i] ^= True
        left, right = min(left, i), max(right, i)
    return first, last, left, right


@njit(cache=True, nogil=True)
def vote(
    owners: NDArray[np.int32], groups: NDArray[np.int32], size: int, kept: NDArray[np.int32], most: int
) -> NDArray[np.int32]:
    """Group of each cell of `size` x `size` samples; -1 where less than half of it is covered.

    `kept` (k, 3) are the cells (column, row) of the polygons, and their groups: one whose cell is empty is moved to
    a covered cell beside it, or makes its cell one of its own group. `most` is the number of groups.
    """
    height, width = owners.shape[0] // size, owners.shape[1] // size
    cells = np.full((height, width), -1, np.int32)
    votes = np.zeros(most, np.int32)
    for j in range(height):
        for i in range(width):
            cells[j, i] = _winner(owners[j * size : j * size + size, i * size : i * size + size], groups, votes)
    covered_cells = cells.copy()
    for k in range(len(kept)):
        if covered_cells[kept[k, 1], kept[k, 0]] < 0 and not _move(covered_cells, kept[k]):
            cells[kept[k, 1], kept[k, 0]] = kept[k, 2]
    return cells


@njit(cache=True, nogil=True)
def _winner(owners: NDArray[np.int32], groups: NDArray[np.int32], votes: NDArray[np.int32]) -> int:
    """The group of most samples, the first of several; -1 where less than half of them are covered."""
    covered = 0
    best = -1
    for owner in owners.flat:
        if owner >= 0:
            group = groups[owner]
            votes[group] += 1
            covered += 1
            if best < 0 or votes[group] > votes[best]:
                best = group
    for owner in owners.flat:
        if owner >= 0:
            votes[groups[owner]] = 0
    return best if 2 * covered >= owners.size else -1


@njit(cache=True, nogil=True)
def _move(cells: NDArray[np.int32], kept: NDArray[np.int32]) -> bool:
    """Move a position in an empty cell to a covered one beside it, of its own group where there is one."""
    found = -1
    x, y = kept[0], kept[1]
    for j in range(y - 1, y + 2):
        for i in range(x - 1, x + 2):
            group = _at(cells, i, j)
            if group >= 0 and (found < 0 or (found != kept[2] and group == kept[2])):
                found = group
                kept[0], kept[1] = i, j
    return found >= 0


@njit(cache=True, nogil=True)
def label(cells: NDArray[np.int32]) -> tuple[NDArray[np.int32], int]:
    """Number the connected cells (by edges) of one group from 0 in reading order; -1 stays."""
    height, width = cells.shape
    parents = np.arange(height * width)
    for j in range(height):
        for i in range(width):
            if cells[j, i] < 0:
                continue
            if i and cells[j, i - 1] == cells[j, i]:
                _unite(parents, j * width + i, j * width + i - 1)
            if j and cells[j - 1, i] == cells[j, i]:
                _unite(parents, j * width + i, (j - 1) * width + i)
    labels = np.full((height, width), -1, np.int32)
    numbers = np.full(height * width, -1, np.int32)
    count = 0
    for j in range(height):
        for i in range(width):
            if cells[j, i] >= 0:
                root = _root(parents, j * width + i)
                if numbers[root] < 0:
                    numbers[root] = count
                    count += 1
                labels[j, i] = numbers[root]
    return labels, count


@njit(cache=True, nogil=True)
def _root(parents: NDArray[np.int64], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at


@njit(cache=True, nogil=True)
def _unite(parents: NDArray[np.int64], a: int, b: int) -> None:
    a, b = _root(parents, a), _root(parents, b)
    parents[max(a, b)] = min(a, b)


@njit(cache=True, nogil=True)
def count_corners(labels: NDArray[np.int32]) -> int:
    """At least as many corners as the outlines have, closing ones included."""
    height, width = labels.shape
    corners = 0
    for j in range(height + 1):
        for i in range(width + 1):
            a, b = _at(labels, i - 1, j - 1), _at(labels, i, j - 1)
            c, d = _at(labels, i - 1, j), _at(labels, i, j)
            if not ((a == b and c == d) or (a == c and b == d)):
                # Each shape that meets here turns once, at most; a ring has four corners and closes with a fifth.
                corners += (a >= 0) + (b >= 0) + (c >= 0) + (d >= 0)
    return corners


@njit(cache=True, nogil=True)
def _at(labels: NDArray[np.int32], i: int, j: int) -> int:
    height, width = labels.shape
    return labels[j, i] if 0 <= i < width and 0 <= j < height else -1


class Outlines(NamedTuple):
    """Closed rings of corners (v, 2), in cells from the north-west: offsets (r + 1), shape (r), outer ring or hole."""

    corners: NDArray[np.int32]
    offsets: NDArray[np.int32]
    owner: NDArray[np.int32]
    shell: NDArray[np.bool_]


class _Walk(NamedTuple):
    """North edges that were walked along, the place of each corner in the path (-1: not in it), and the path."""

    seen: NDArray[np.bool_]
    places: NDArray[np.int32]
    path: NDArray[np.int32]


@njit(cache=True, nogil=True)
def trace(labels: NDArray[np.int32], corners: int) -> Outlines:
    """Outlines of the numbered cells, clockwise on a map around the cells; `corners` as counted.

    No ring touches itself: one that would is divided there, into an outline and a hole.
    """
    height, width = labels.shape
    most = corners // 4 + 2
    outlines = Outlines(
        np.empty((corners + most, 2), np.int32),
        np.zeros(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.bool_),
    )
    walk = _Walk(
        np.zeros((height, width), np.bool_),
        np.full((height + 1, width + 1), -1, np.int32),
        np.empty((corners + 1, 2), np.int32),
    )
    rings = 0
    for j in range(height):
        for i in range(width):
            if labels[j, i] >= 0 and not walk.seen[j, i] and _at(labels, i, j - 1) != labels[j, i]:
                rings = _follow(labels, i, j, walk, outlines, rings)
    end = outlines.offsets[rings]
    return Outlines(
        outlines.corners[:end], outlines.offsets[: rings + 1], outlines.owner[:rings], outlines.shell[:rings]
    )


@njit(cache=True, nogil=True)
def _follow(labels: NDArray[np.int32], i: int, j: int, walk: _Walk, outlines: Outlines, rings: int) -> int:
    """Follow an outline from the west end of the north edge of a cell, its cells to the right."""
    own = labels[j, i]
    places, path = walk.places, walk.path
    x, y, heading = i, j, _EAST
    path[0, 0], path[0, 1] = x, y
    places[y, x] = 0
    length = 1
    while True:
        if heading == _EAST:
            walk.seen[y, x] = True
        x += (heading == _EAST) - (heading == _WEST)
        y += (heading == _SOUTH) - (heading == _NORTH)
        turned = _turned(labels, x, y, heading, own)
        if turned == heading:
            continue
        heading = turned
        if places[y, x] < 0:
            path[length, 0], path[length, 1] = x, y
            places[y, x] = length
            length += 1
            continue
        # Here the outline meets itself: what lies between is a ring of its own.
        first = places[y, x]
        outlines.owner[rings] = own
        rings = _close(path[first:length], outlines, rings)
        for k in range(first + 1, length):
            places[path[k, 1], path[k, 0]] = -1
        length = first + 1
        if x == i and y == j and heading == _EAST:
            places[y, x] = -1
            return rings


@njit(cache=True, nogil=True)
def _turned(labels: NDArray[np.int32], x: int, y: int, heading: int, own: int) -> int:
    """Heading after a corner: around the cell to the right, or away from one ahead to the left."""
    # The cells around the corner: north-west, north-east, south-east, south-west.
    if heading == _EAST:
        right, left = _at(labels, x, y), _at(labels, x, y - 1)
    elif heading == _SOUTH:
        right, left = _at(labels, x - 1, y), _at(labels, x, y)
    elif heading == _WEST:
        right, left = _at(labels, x - 1, y - 1), _at(labels, x - 1, y)
    else:
        right, left = _at(labels, x, y - 1), _at(labels, x - 1, y - 1)
    if right != own:
        return (heading + 1) & 3
    return heading if left != own else (heading + 3) & 3


@njit(cache=True, nogil=True)
def _close(path: NDArray[np.int32], outlines: Outlines, rings: int) -> int:
    """Write a path as a closed ring."""
    at = outlines.offsets[rings]
    doubled = 0
    for k in range(len(path)):
        following = k + 1 if k + 1 < len(path) else 0
        doubled += path[k, 0] * path[following, 1] - path[following, 0] * path[k, 1]
        outlines.corners[at, 0], outlines.corners[at, 1] = path[k, 0], path[k, 1]
        at += 1
    outlines.corners[at, 0], outlines.corners[at, 1] = path[0, 0], path[0, 1]
    outlines.offsets[rings + 1] = at + 1
    outlines.shell[rings] = doubled > 0
    return rings + 1
