"""Rows by ascending value: the index of a column, and how often two columns' values meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.fragments import text_buffers

_LONGEST = 64
"""Longer texts (bytes) are compared, not sorted digit by digit."""
_DIGIT_BITS = 11
_DIGITS = 1 << _DIGIT_BITS
LARGEST_PAIR = 65_536
"""Combinations of two columns that are counted at most (512 KiB)."""
LARGEST_PAIRS = 4_194_304
"""Combinations of all pairs of columns together (32 MiB)."""


def order_codes(
    codes: NDArray[Any], distinct: int, by_id: NDArray[np.uint32]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Rows by ascending code, then id (`by_id`: rows by id); and where each code begins among them (distinct + 2)."""
    order = by_id[np.argsort(codes[by_id], kind="stable")]
    starts = np.zeros(distinct + 2, np.int64)
    np.cumsum(np.bincount(codes, minlength=distinct + 1), out=starts[1:])
    return order, starts


def order_values(values: pa.Array) -> NDArray[np.uint32]:
    """Rows by ascending value, then row; missing ones last."""
    missing = np.asarray(pc.is_null(values).to_numpy(zero_copy_only=False), np.bool_)
    present, absent = (np.flatnonzero(mask).astype(np.uint32) for mask in (~missing, missing))
    if pa.types.is_large_string(values.type):
        order = _order_texts(values, present)
    else:
        order = _radix(_sortable(values)[present], present)
    return np.concatenate([order, absent])


def _sortable(values: pa.Array) -> NDArray[np.uint64]:
    """Unsigned numbers in the order of the values."""
    sign = np.uint64(1 << 63)
    if pa.types.is_floating(values.type):
        bits = np.asarray(pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False), np.float64).view(np.uint64)
        return np.where(bits & sign != 0, ~bits, bits | sign)
    whole = values.cast(pa.int32()) if pa.types.is_date32(values.type) else values
    whole = pc.fill_null(whole.cast(pa.int64()), 0)
    return np.asarray(whole.to_numpy(zero_copy_only=False), np.int64).view(np.uint64) ^ sign


def _order_texts(values: pa.Array, rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Rows by the bytes of their texts, eight at a time from the last ones to the first."""
    offsets, content = text_buffers(values)
    longest = int(np.max(np.diff(offsets), initial=0))
    if longest > _LONGEST:
        indices = pc.array_sort_indices(values, order="ascending", null_placement="at_end")
        return np.asarray(indices.to_numpy()[: len(rows)], np.uint32)
    words = np.empty(len(rows), np.uint64)
    # Bytes that are not there count as zero; of texts that differ only in zeros the shorter one is first.
    order = _radix(np.diff(offsets)[rows].astype(np.uint64), rows)
    for first in range((longest - 1) // 8 * 8, -1, -8):
        _words(offsets, content, order, first, words)
        order = _radix(words, order)
    return np.asarray(order, np.uint32)


@njit(cache=True, nogil=True)
def _words(offsets: Any, content: Any, rows: Any, first: Any, words: Any) -> None:
    """Eight bytes of each row's text, from byte `first` on, as a number."""
    for k in range(len(rows)):
        start, stop = offsets[rows[k]] + first, offsets[rows[k] + 1]
        word = np.uint64(0)
        for place in range(start, start + 8):
            byte = np.uint64(content[place]) if place < stop else np.uint64(0)
            word = (word << np.uint64(8)) | byte
        words[k] = word


@njit(cache=True, nogil=True)
def _radix(keys: Any, rows: Any) -> Any:
    """`rows` by ascending key, those of equal keys as they were (least significant digits first)."""
    n = len(rows)
    keys, rows = keys.copy(), rows.copy()
    other_keys, other_rows = np.empty_like(keys), np.empty_like(rows)
    counts = np.empty(_DIGITS, np.int64)
    mask = np.uint64(_DIGITS - 1)
    for digit in range(6):
        shift = np.uint64(_DIGIT_BITS * digit)
        counts[:] = 0
        for k in range(n):
            counts[(keys[k] >> shift) & mask] += 1
        if n == 0 or counts[(keys[0] >> shift) & mask] == n:
            continue
        total = 0
        for place in range(_DIGITS):
            total, counts[place] = total + counts[place], total
        for k in range(n):
            place = (keys[k] >> shift) & mask
            other_keys[counts[place]], other_rows[counts[place]] = keys[k], rows[k]
            counts[place] += 1
        keys, other_keys = other_keys, keys
        rows, other_rows = other_rows, rows
    return rows


def counted_pairs(sizes: Sequence[int], rows: int) -> list[tuple[int, int]]:
    """Pairs of columns to count, given their numbers of codes (0: none): the smallest ones, within the bounds.

    A table with more combinations than an eighth of the rows saves nothing: looking at the rows is as fast.
    """
    places = [place for place, size in enumerate(sizes) if size]
    pairs = [(sizes[a] * sizes[b], a, b) for a in places for b in places if a < b]
    found, total = [], 0
    for cells, a, b in sorted(pairs):
        total += cells
        if cells > min(LARGEST_PAIR, rows // 8) or total > LARGEST_PAIRS:
            break
        found.append((a, b))
    return sorted(found)


def count_pair(first: NDArray[Any], second: NDArray[Any], sizes: tuple[int, int]) -> NDArray[np.int64]:
    """How many rows have each pair of codes, as a table of `sizes`."""
    places = first.astype(np.int64) * sizes[1] + second
    return np.bincount(places, minlength=sizes[0] * sizes[1]).astype(np.int64).reshape(sizes)
