"""Rows by ascending value: the index of a column, and how often two columns' values meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

LARGEST_PAIR = 65_536
"""Combinations of two columns that are counted at most (512 KiB)."""
LARGEST_PAIRS = 4_194_304
"""Combinations of all pairs of columns together (32 MiB)."""


def order_codes(codes: NDArray[Any], distinct: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Rows by ascending code, then row; and where each code begins among them (distinct + 2)."""
    order = np.argsort(codes, kind="stable").astype(np.uint32)
    starts = np.zeros(distinct + 2, np.int64)
    np.cumsum(np.bincount(codes, minlength=distinct + 1), out=starts[1:])
    return order, starts


def order_values(values: pa.Array) -> NDArray[np.uint32]:
    """Rows by ascending value, then row; missing ones last."""
    indices = pc.array_sort_indices(values, order="ascending", null_placement="at_end")
    return np.asarray(indices.to_numpy(), np.uint32)


def counted_pairs(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of columns to count, given their numbers of codes (0: none): the smallest ones, within the bounds."""
    places = [place for place, size in enumerate(sizes) if size]
    pairs = [(sizes[a] * sizes[b], a, b) for a in places for b in places if a < b]
    found, total = [], 0
    for cells, a, b in sorted(pairs):
        total += cells
        if cells > LARGEST_PAIR or total > LARGEST_PAIRS:
            break
        found.append((a, b))
    return sorted(found)


def count_pair(first: NDArray[Any], second: NDArray[Any], sizes: tuple[int, int]) -> NDArray[np.int64]:
    """How many rows have each pair of codes, as a table of `sizes`."""
    places = first.astype(np.int64) * sizes[1] + second
    return np.bincount(places, minlength=sizes[0] * sizes[1]).astype(np.int64).reshape(sizes)
