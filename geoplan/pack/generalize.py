"""Rings on the grid of a zoom with fewer vertices, in a time that their number bounds; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

_STRETCH = 1024
"""Vertices that are simplified at a time: a step looks at all of them, and there are as many steps at worst."""


@njit(cache=True, nogil=True)
def thin_rings(vertices: NDArray[np.int64], units: NDArray[np.int64], tolerance: float) -> NDArray[np.bool_]:
    """Which vertices of closed rings stay, so that none of the others is further than `tolerance` from what stays.

    Parameters
    ----------
    vertices
        Offsets (r + 1) of the rings in `units` (v, 2).

    Returns
    -------
    bool (v)
        Douglas and Peucker's choice in each stretch of a ring; a ring that would collapse stays as it is.
    """
    kept = np.zeros(len(units), np.bool_)
    sections = np.empty((_STRETCH + 1, 2), np.int64)
    for ring in range(len(vertices) - 1):
        start, last = vertices[ring], vertices[ring + 1] - 1
        first = start
        while first < last:
            end = min(first + _STRETCH, last)
            _thin(units, first, end, tolerance * tolerance, kept, sections)
            first = end
        if kept[start : last + 1].sum() < 4:
            kept[start : last + 1] = True
    return kept


@njit(cache=True, nogil=True)
def _thin(
    units: NDArray[np.int64],
    first: int,
    end: int,
    limit: float,
    kept: NDArray[np.bool_],
    sections: NDArray[np.int64],
) -> None:
    """Mark the vertices of one stretch that stay; `limit` is a squared distance."""
    kept[first] = kept[end] = True
    sections[0, 0], sections[0, 1] = first, end
    count = 1
    while count:
        count -= 1
        a, b = sections[count, 0], sections[count, 1]
        furthest, at = limit, -1
        for k in range(a + 1, b):
            distance = _squared(units, a, b, k)
            if distance > furthest:
                furthest, at = distance, k
        if at >= 0:
            kept[at] = True
            sections[count, 0], sections[count, 1] = a, at
            sections[count + 1, 0], sections[count + 1, 1] = at, b
            count += 2


@njit(cache=True, nogil=True)
def _squared(units: NDArray[np.int64], a: int, b: int, k: int) -> float:
    """Squared distance of vertex k from the segment between a and b."""
    x, y = float(units[k, 0] - units[a, 0]), float(units[k, 1] - units[a, 1])
    dx, dy = float(units[b, 0] - units[a, 0]), float(units[b, 1] - units[a, 1])
    length = dx * dx + dy * dy
    if length > 0.0:
        along = min(max((x * dx + y * dy) / length, 0.0), 1.0)
        x, y = x - along * dx, y - along * dy
    return x * x + y * y
