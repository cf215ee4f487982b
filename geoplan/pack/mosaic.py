"""Small polygons as a mosaic of square cells, whose outlines leave no gap at any zoom; compiled.

A tile is sampled on a grid; a cell takes the group that most of its samples lie in; cells of a group that
share an edge are one shape. Outlines run along the cells, so that neighbours have the same edge by construction.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.outlines import cell_at
from geoplan.pack.rings import Nested


@njit(cache=True, nogil=True)
def anchors_of(shapes: Nested, start: int, stop: int, anchors: NDArray[np.int32]) -> None:
    """A position inside each polygon from row start to stop: the middle of the first stretch of its box's middle row.

    They are written into their rows of `anchors` (n, 2).
    """
    for row in range(start, stop):
        low, high = shapes.rings[shapes.members[row]], shapes.rings[shapes.members[row + 1]]
        begin, end = shapes.vertices[low], shapes.vertices[high]
        if begin == end:
            continue
        top = bottom = np.int64(shapes.positions[begin, 1])
        for v in range(begin, end):
            top = min(top, np.int64(shapes.positions[v, 1]))
            bottom = max(bottom, np.int64(shapes.positions[v, 1]))
        y = (top + bottom) // 2
        first, second = _crossings(shapes, low, high, float(y) + 0.5)
        anchors[row, 0] = shapes.positions[begin, 0] if second == np.inf else np.int64((first + second) / 2)
        anchors[row, 1] = shapes.positions[begin, 1] if second == np.inf else y


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
def count_runs(boxes: NDArray[np.int32], rows: NDArray[np.int32], shift: int) -> int:
    """How many runs `tile_runs` finds."""
    count = 0
    last = -1
    for row in rows:
        key, west, north, east, south = _tiles(boxes, row, shift)
        count += (key != last) + (east - west + 1) * (south - north + 1) - 1
        last = key
    return count


@njit(cache=True, nogil=True)
def tile_runs(
    boxes: NDArray[np.int32],
    rows: NDArray[np.int32],
    shift: int,
    keys: NDArray[np.int64],
    runs: NDArray[np.int32],
) -> None:
    """Rows by the tiles of 2^shift a side that their boxes meet, as runs of places in `rows`.

    Along the Hilbert curve most neighbours have their middles in one tile: they are one run (first place, place
    behind the last). A row has a run of its own for each further tile that its box meets. `keys` are ``y << 32 | x``.
    """
    at = -1
    current = -1
    last = -1
    for place in range(len(rows)):
        key, west, north, east, south = _tiles(boxes, rows[place], shift)
        if key != last:
            at += 1
            current = at
            keys[at] = key
            last = key
            runs[at, 0] = place
        runs[current, 1] = place + 1
        for y in range(north, south + 1):
            for x in range(west, east + 1):
                other = np.int64(y) << 32 | np.int64(x)
                if other != key:
                    at += 1
                    keys[at] = other
                    runs[at, 0], runs[at, 1] = place, place + 1


@njit(cache=True, nogil=True)
def rows_of(rows: NDArray[np.int32], runs: NDArray[np.int32]) -> NDArray[np.int32]:
    """The rows at the places of some runs, ascending."""
    found = np.empty((runs[:, 1] - runs[:, 0]).sum(), np.int32)
    at = 0
    for k in range(len(runs)):
        for place in range(runs[k, 0], runs[k, 1]):
            found[at] = rows[place]
            at += 1
    if len(runs) > 1:
        found.sort()
    return found


@njit(cache=True, nogil=True)
def _tiles(boxes: NDArray[np.int32], row: int, shift: int) -> tuple[int, int, int, int, int]:
    """Key of the tile with the middle of a box, and the first and last columns and rows of those that the box meets."""
    west, north = np.int64(boxes[row, 0]), np.int64(boxes[row, 1])
    east, south = np.int64(boxes[row, 2]), np.int64(boxes[row, 3])
    key = _tile(int(north + south) >> 1, shift) << 32 | _tile(int(west + east) >> 1, shift)
    return key, _tile(int(west), shift), _tile(int(north), shift), _tile(int(east), shift), _tile(int(south), shift)


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
def stretch(shapes: Nested, rows: NDArray[np.int32], first: int, most: int) -> tuple[int, int, int]:
    """Rows from place `first` on that have at most so many vertices together (one row at least); rows ascend.

    Returns the place behind them, and between which positions their vertices lie.
    """
    begin = shapes.vertices[shapes.rings[shapes.members[rows[first]]]]
    at, end, count = first, begin, 0
    while at < len(rows):
        start = shapes.vertices[shapes.rings[shapes.members[rows[at]]]]
        stop = shapes.vertices[shapes.rings[shapes.members[rows[at] + 1]]]
        count += stop - start
        if at > first and count > most:
            break
        at, end = at + 1, stop
    return at, begin, end


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
            group = cell_at(cells, i, j)
            if group >= 0 and (found < 0 or (found != kept[2] and group == kept[2])):
                found = group
                kept[0], kept[1] = i, j
    return found >= 0
