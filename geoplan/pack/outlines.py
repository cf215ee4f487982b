"""Connected cells of a grid as polygons, whose outlines neighbours share by construction; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

_EAST, _SOUTH, _WEST, _NORTH = 0, 1, 2, 3  # y grows to the south: a turn to the right adds one


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
            a, b = cell_at(labels, i - 1, j - 1), cell_at(labels, i, j - 1)
            c, d = cell_at(labels, i - 1, j), cell_at(labels, i, j)
            if not ((a == b and c == d) or (a == c and b == d)):
                # Each shape that meets here turns once, at most; a ring has four corners and closes with a fifth.
                corners += (a >= 0) + (b >= 0) + (c >= 0) + (d >= 0)
    return corners


@njit(cache=True, nogil=True)
def cell_at(labels: NDArray[np.int32], i: int, j: int) -> int:
    """What a cell holds; -1 outside the grid."""
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
            if labels[j, i] >= 0 and not walk.seen[j, i] and cell_at(labels, i, j - 1) != labels[j, i]:
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
        right, left = cell_at(labels, x, y), cell_at(labels, x, y - 1)
    elif heading == _SOUTH:
        right, left = cell_at(labels, x - 1, y), cell_at(labels, x, y)
    elif heading == _WEST:
        right, left = cell_at(labels, x - 1, y - 1), cell_at(labels, x - 1, y)
    else:
        right, left = cell_at(labels, x, y - 1), cell_at(labels, x - 1, y - 1)
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
