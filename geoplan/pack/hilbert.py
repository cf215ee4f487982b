"""Places along the Hilbert curve: what lies together on the map lies together in the file.

The curve fills the grid of `geoplan.pack.mercator`, so that the key of a feature depends on nothing but the feature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_PLACE = np.uint64(2**64 - 1)
"""Key of a feature without a shape: behind all others."""


def hilbert_keys(boxes: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Key (uint64) of the centre of each box (n, 4) of the grid; `NO_PLACE` for an empty one."""
    keys = np.empty(len(boxes), np.uint64)
    _keys(boxes, keys)
    return keys


@njit(cache=True, nogil=True)
def _keys(boxes: Any, keys: Any) -> None:
    """Distance along the curve, bit by bit: each quarter of a square is the curve again, turned."""
    half = np.int64(2147483648)
    for i in range(len(boxes)):
        if boxes[i, 0] > boxes[i, 2]:
            keys[i] = NO_PLACE
            continue
        x = ((np.int64(boxes[i, 0]) + np.int64(boxes[i, 2])) >> 1) + half
        y = ((np.int64(boxes[i, 1]) + np.int64(boxes[i, 3])) >> 1) + half
        key = np.uint64(0)
        for bit in range(31, -1, -1):
            right, lower = (x >> bit) & 1, (y >> bit) & 1
            key = (key << np.uint64(2)) | np.uint64((3 * right) ^ lower)
            if lower == 0:
                if right == 1:
                    x, y = ~x, ~y
                x, y = y, x
        keys[i] = key
