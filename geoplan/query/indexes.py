"""Compiled loops over the indexes of columns and of ids: places of values, rows of codes, first pages by id."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.compiled import compiled
from geoplan.query.kernels import Rows, Whole


@compiled
def bound_number(values: NDArray[Any], order: NDArray[np.uint32], count: int, target: Any, right: bool) -> int:  # noqa: FBT001
    """How many of the first `count` of ``values[order]``, ascending, are less than `target` (`right`: or equal)."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        value = values[order[middle]]
        if value < target or (right and value == target):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _text_order(text: NDArray[np.uint8], start: Whole, stop: Whole, key: NDArray[np.uint8]) -> Any:
    """Negative, zero or positive: ``text[start:stop]`` is before, at or after `key` in byte order."""
    for index in range(min(stop - start, len(key))):
        difference = np.int64(text[start + index]) - np.int64(key[index])
        if difference != 0:
            return difference
    return stop - start - len(key)


@compiled
def bound_text(offsets: Any, text: Any, order: Any, count: int, key: Any, right: bool) -> int:  # noqa: FBT001
    """As `bound_number`, for texts: row ``i`` is ``text[offsets[i]:offsets[i + 1]]``."""
    low, high = 0, count
    while low < high:
        middle = (low + high) >> 1
        row = order[middle]
        sign = _text_order(text, offsets[row], offsets[row + 1], key)
        if sign < 0 or (right and sign == 0):
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def run_of_number(values: NDArray[Any], order: NDArray[np.uint32], count: int, target: Any) -> tuple[int, int]:
    """Where among the first `count` of ``values[order]``, ascending, those equal to `target` begin and end."""
    start = bound_number(values, order, count, target, False)  # noqa: FBT003 - compiled
    stop, step = start, 1
    # Mostly there are few: from the first on in growing steps, then halving.
    while stop + step <= count and values[order[stop + step - 1]] == target:
        stop += step
        step *= 2
    while step > 0:
        if stop + step <= count and values[order[stop + step - 1]] == target:
            stop += step
        step >>= 1
    return start, stop


@compiled
def run_of_text(offsets: Any, text: Any, order: Any, count: int, key: Any) -> tuple[int, int]:
    """As `run_of_number`, for texts."""
    start = bound_text(offsets, text, order, count, key, False)  # noqa: FBT003 - compiled
    stop, step = start, 1
    while stop + step <= count and _is_text(offsets, text, order[stop + step - 1], key):
        stop += step
        step *= 2
    while step > 0:
        if stop + step <= count and _is_text(offsets, text, order[stop + step - 1], key):
            stop += step
        step >>= 1
    return start, stop


@compiled
def _is_text(offsets: Any, text: Any, row: Whole, key: Any) -> Any:
    return _text_order(text, offsets[row], offsets[row + 1], key) == 0


@compiled
def bound_ids(ids: NDArray[np.int64], order: NDArray[np.uint32], target: int) -> int:
    """How many of ``ids[order]``, ascending, are less than `target`."""
    low, high = 0, len(order)
    while low < high:
        middle = (low + high) >> 1
        if ids[order[middle]] < target:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _has_codes(cells: Any, row: Whole, terms: Any, tables: Any) -> bool:
    """Whether a row meets all coded conditions; `terms` (k, 3): cell, first fragment, place in `tables`."""
    for index in range(len(terms)):
        code = np.int64(cells[row, terms[index, 0]]) - terms[index, 1]
        if tables[terms[index, 2] + code] != 2:
            return False
    return True


@compiled
def filter_codes(cells: Any, rows: Rows, terms: Any, tables: Any) -> Rows:
    """The rows that meet all coded conditions."""
    found = np.empty(len(rows), np.int64)
    count = 0
    for row in rows:
        if _has_codes(cells, row, terms, tables):
            found[count] = row
            count += 1
    return found[:count]


@compiled
def count_codes(cells: Any, rows: Any, terms: Any, tables: Any) -> int:
    """How many of the rows meet all coded conditions."""
    count = 0
    for row in rows:
        if _has_codes(cells, row, terms, tables):
            count += 1
    return count


@compiled
def first_with_codes(cells: Any, order: Any, start: Whole, stop: Whole, terms: Any, tables: Any, limit: int) -> Rows:
    """The first `limit` rows of ``order[start:stop]`` that meet all coded conditions; and how far it was read, last."""
    found = np.empty(limit + 1, np.int64)
    count = 0
    place = start
    while place < stop and count < limit:
        row = np.int64(order[place])
        if _has_codes(cells, row, terms, tables):
            found[count] = row
            count += 1
        place += 1
    found[count] = place
    return found[: count + 1]


@compiled
def first_of_code(cells: Any, ids: Any, order: Any, span: Any, after: int, terms: Any, tables: Any, limit: int) -> Rows:
    """The first `limit` rows of ``order[start:stop]``, which are of one code and so by id, after an id."""
    start, stop = span
    first = start + bound_ids(ids, order[start:stop], after + 1)
    return first_with_codes(cells, order, first, stop, terms, tables, limit)[:-1]


@compiled
def gather_postings(order: Any, starts: Any, table: Any, total: int) -> Rows:
    """All rows whose code is wanted (2 in `table`), code by code."""
    found = np.empty(total, np.int64)
    count = 0
    for code in range(len(table)):
        if table[code] == 2:
            for place in range(starts[code], starts[code + 1]):
                found[count] = order[place]
                count += 1
    return found[:count]


@compiled
def smallest_ids(ids: NDArray[np.int64], rows: Rows, after: int, limit: int) -> Rows:
    """The rows of the `limit` smallest ids greater than `after`, ascending by id."""
    heap = np.empty(limit, np.int64)  # the greatest id kept is at the top
    kept = np.empty(limit, np.int64)
    count = 0
    for row in rows:
        key = ids[row]
        if key <= after or (count == limit and key >= heap[0]):
            continue
        if count < limit:
            place = count
            count += 1
            while place > 0 and heap[(place - 1) >> 1] < key:
                heap[place], kept[place] = heap[(place - 1) >> 1], kept[(place - 1) >> 1]
                place = (place - 1) >> 1
        else:
            place = 0
            while True:
                child = 2 * place + 1
                if child >= count:
                    break
                if child + 1 < count and heap[child + 1] > heap[child]:
                    child += 1
                if heap[child] <= key:
                    break
                heap[place], kept[place] = heap[child], kept[child]
                place = child
        heap[place], kept[place] = key, row
    return kept[:count][np.argsort(heap[:count])]
