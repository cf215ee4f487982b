"""Exact questions about two segments on the integer grid, by the numbers of their first vertices; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

INVALID, VALID, DOUBTFUL = 0, 1, 2
"""Verdicts; a doubtful shape is one that GEOS has to judge."""


@njit(cache=True, nogil=True)
def turns_back(units: NDArray[np.int64], i: int, j: int) -> bool:
    """Whether segment j, which follows i, runs back along it."""
    ax, ay = units[i + 1, 0] - units[i, 0], units[i + 1, 1] - units[i, 1]
    bx, by = units[j + 1, 0] - units[j, 0], units[j + 1, 1] - units[j, 1]
    return bool(ax * by == ay * bx and ax * bx + ay * by < 0)


@njit(cache=True, nogil=True)
def side_of(units: NDArray[np.int64], i: int, k: int) -> int:
    """On which side of segment i vertex k lies."""
    ax, ay = units[i + 1, 0] - units[i, 0], units[i + 1, 1] - units[i, 1]
    turn = ax * (units[k, 1] - units[i, 1]) - ay * (units[k, 0] - units[i, 0])
    return int(np.sign(turn))


@njit(cache=True, nogil=True)
def crossing(units: NDArray[np.int64], i: int, j: int, touching: int) -> int:
    """Invalid when two segments with meeting boxes cross, `touching` when they touch or lie upon one another."""
    begin, end = side_of(units, i, j), side_of(units, i, j + 1)
    if begin * end > 0:
        return VALID
    from_side, to_side = side_of(units, j, i), side_of(units, j, i + 1)
    if from_side * to_side > 0:
        return VALID
    if begin * end < 0 and from_side * to_side < 0:
        return INVALID
    return touching


@njit(cache=True, nogil=True)
def box_gap(boxes: NDArray[np.int64], i: int, j: int) -> float:
    """Squared distance of two boxes."""
    x = max(boxes[j, 0] - boxes[i, 2], 0)  # ordered by their least x
    y = max(boxes[j, 1] - boxes[i, 3], boxes[i, 1] - boxes[j, 3], 0)
    return float(x) * float(x) + float(y) * float(y)


@njit(cache=True, nogil=True)
def apart(units: NDArray[np.int64], i: int, j: int) -> float:
    """Squared distance of segment i from those ends of segment j that are not its own."""
    return min(_distance(units, i, j), _distance(units, i, j + 1))


@njit(cache=True, nogil=True)
def _distance(units: NDArray[np.int64], i: int, k: int) -> float:
    """Squared distance of vertex k from segment i; infinite when it is an end of it."""
    ax, ay = float(units[i + 1, 0] - units[i, 0]), float(units[i + 1, 1] - units[i, 1])
    bx, by = float(units[k, 0] - units[i, 0]), float(units[k, 1] - units[i, 1])
    cx, cy = bx - ax, by - ay
    if (bx == 0.0 and by == 0.0) or (cx == 0.0 and cy == 0.0):
        return np.inf
    along = ax * bx + ay * by
    length = ax * ax + ay * ay
    if along <= 0.0:
        return bx * bx + by * by
    if along >= length:
        return cx * cx + cy * cy
    across = ax * by - ay * bx
    return across * across / length
