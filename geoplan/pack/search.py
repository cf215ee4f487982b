"""Search of a part's packed R-tree: which features' boxes meet a box. Compiled; no recursion, no Python objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.part import NODE_SIZE, Tree

Box = tuple[int, int, int, int]
"""West, north, east, south on the grid (min x, min y, max x, max y), all four inclusive."""

_LOW, _HIGH = -(2**31), 2**31 - 1
_FIRST_ROOM = 1024


def search(tree: Tree, box: Box) -> NDArray[np.uint32]:
    """Features whose boxes meet a box, touching included.

    Parameters
    ----------
    tree
        The tree of a part.
    box
        min x, min y, max x, max y on the grid of `geoplan.pack.mercator`. Bounds beyond the grid are allowed.

    Returns
    -------
    uint32 (k)
        Rows, ascending; none for a box whose min is greater than its max, and never a feature without a shape.
    """
    arrays = _readable(tree)
    west, north, east, south = _clamped(box)
    rows = np.empty(_FIRST_ROOM, np.uint32)
    found: int = _search(*arrays, west, north, east, south, rows)
    if found > len(rows):
        rows = np.empty(found, np.uint32)
        _search(*arrays, west, north, east, south, rows)
    return rows[:found]


def count(tree: Tree, box: Box) -> int:
    """How many features `search` would find."""
    found: int = _search(*_readable(tree), *_clamped(box), np.empty(0, np.uint32))
    return found


def warm() -> None:
    """Compile what this module calls, or read it from the cache."""
    nothing = np.zeros((0, 4), np.int32)
    count(Tree(nothing, nothing, np.zeros(1, np.int64)), (0, 0, 0, 0))


def _readable(tree: Tree) -> tuple[Any, Any, Any]:
    """The arrays as the compiled function knows them: read-only, whether mapped from a file or not."""
    return tuple(read_only(array) for array in (tree.boxes, tree.nodes, tree.starts))  # type: ignore[return-value]


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """A contiguous view that cannot be written to, so that compiled functions meet one type only."""
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _clamped(box: Box) -> Box:
    west, north, east, south = (min(max(int(bound), _LOW), _HIGH) for bound in box)
    outside = box[2] < _LOW or box[3] < _LOW or box[0] > _HIGH or box[1] > _HIGH
    return (1, 1, 0, 0) if outside else (west, north, east, south)


@njit(cache=True, nogil=True)
def _meets(boxes: NDArray[np.int32], i: int, west: int, north: int, east: int, south: int) -> bool:
    return bool(boxes[i, 0] <= east and boxes[i, 2] >= west and boxes[i, 1] <= south and boxes[i, 3] >= north)


@njit(cache=True, nogil=True)
def _search(
    boxes: NDArray[np.int32],
    nodes: NDArray[np.int32],
    starts: NDArray[np.int64],
    west: int,
    north: int,
    east: int,
    south: int,
    rows: NDArray[np.uint32],
) -> int:
    """Write rows as far as there is room; returns how many there are.

    Goes through the tree depth first: `at[k]` is the next node of level ``k`` to look at, `ends[k]` the first
    one that is not a child of the node above.
    """
    top = len(starts) - 2
    found = 0
    if top < 0 or west > east or north > south:
        return found
    at = np.zeros(top + 1, np.int64)
    ends = np.zeros(top + 1, np.int64)
    ends[top] = starts[top + 1] - starts[top]
    level = top
    while level <= top:
        node = at[level]
        if node >= ends[level]:
            level += 1
            continue
        at[level] = node + 1
        if not _meets(nodes, starts[level] + node, west, north, east, south):
            continue
        first = node * NODE_SIZE
        if level > 0:
            level -= 1
            at[level] = first
            ends[level] = min(first + NODE_SIZE, starts[level + 1] - starts[level])
            continue
        for row in range(first, min(first + NODE_SIZE, len(boxes))):
            # A feature without a shape has min > max.
            if _meets(boxes, row, west, north, east, south) and boxes[row, 0] <= boxes[row, 2]:
                if found < len(rows):
                    rows[found] = row
                found += 1
    return found
