"""What the shapes of a dissolved level say of the features they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.columns import ARROW_TYPES, ColumnSpec
from geoplan.pack.part import Column
from geoplan.pack.raw import release_pages

Statistic = Literal["sum", "mean", "min", "max", "first-if-equal", "count"]
_UNSET, _MIXED = -2, -3
_BLOCK = 1 << 20
_COMMON = 0.5
"""A column that has one value in each of at least so many shapes is kept."""
NUMERIC = frozenset({"integer", "number"})


class Attributes(NamedTuple):
    """Columns of a level, and the names of source columns that it has nothing of."""

    specs: list[ColumnSpec]
    values: list[pa.Array]
    dropped: list[str]


class Counted(NamedTuple):
    """Rows of a part and the shape each is counted with (-1: none), and how many shapes there are."""

    owners: NDArray[np.int32]
    shapes: int


def common_values(column: Column, counted: Counted) -> tuple[pa.Array, float] | None:
    """The value that all rows of a shape have, missing where they differ, and in which part of the shapes they agree.

    None for a column without codes, whose values are as good as all different.
    """
    if column.codes is None:
        return None
    found = np.full(counted.shapes, _UNSET, np.int64)
    for rows in _blocks(len(column.codes)):
        _common(column.codes[rows].astype(np.int64), counted.owners[rows], found)
    release_pages(column.codes)
    # Shapes in which no row has a value agree about that; shapes without rows say nothing.
    agreed = float((found >= 0).sum() / max((found != _UNSET).sum(), 1))
    missing = (found < 0) | (found >= len(column.values))
    if missing.all():
        return pa.nulls(counted.shapes, column.values.type), 0.0
    return column.values.take(pa.array(np.where(missing, 0, found), mask=missing)), agreed


def number_of(name: str, column: Column, statistic: Statistic, counted: Counted) -> tuple[ColumnSpec, pa.Array]:
    """One statistic of a column's values in each shape; missing where no row has a value."""
    spec = ColumnSpec(name, "integer" if statistic == "count" else "number", in_tiles=column.in_tiles)
    whole = column.type == "integer"
    if whole and statistic != "mean":
        spec = ColumnSpec(name, "integer", in_tiles=column.in_tiles)
    if statistic == "count":
        return spec, pa.array(_counted(counted, lambda rows: _there(column, rows)))
    sums: NDArray[Any] = np.zeros(counted.shapes, np.int64 if whole else np.float64)
    low: NDArray[Any] = np.zeros_like(sums)
    high: NDArray[Any] = np.zeros_like(sums)
    counts = np.zeros(counted.shapes, np.int64)
    for rows in _blocks(len(counted.owners)):
        _gather(_numbers(column, rows), _there(column, rows), counted.owners[rows], sums, low, high, counts)
    found = {"sum": sums, "min": low, "max": high, "mean": sums / np.maximum(counts, 1)}[statistic]
    return spec, pa.array(found, ARROW_TYPES[str(spec.type)], mask=counts == 0)


def sizes(counted: Counted) -> NDArray[np.int64]:
    """How many rows each shape stands for."""
    return _counted(counted, lambda _: True)


def shares(groups: NDArray[np.int32], own: NDArray[np.int32], counted: Counted) -> NDArray[np.float64]:
    """Which part of each shape's rows is of the group that it is drawn as; 1 where it has no rows."""
    total = sizes(counted)
    # A row without a shape counts nowhere, whatever group is found for it.
    matching = _counted(counted, lambda rows: groups[counted.owners[rows]] == own[rows]) if len(groups) else total
    found: NDArray[np.float64] = np.where(total > 0, matching / np.maximum(total, 1), 1.0)
    return found


def _counted(counted: Counted, chosen: Callable[[slice], Any]) -> NDArray[np.int64]:
    """How many of each shape's rows are chosen."""
    found = np.zeros(counted.shapes, np.int64)
    for rows in _blocks(len(counted.owners)):
        owners = counted.owners[rows]
        found += np.bincount(owners[(owners >= 0) & chosen(rows)], minlength=counted.shapes)
    return found


def _blocks(rows: int) -> Iterator[slice]:
    """Rows in blocks: what is made of a block is as wide as the arithmetic needs, all rows of it would not fit."""
    return (slice(start, start + _BLOCK) for start in range(0, rows, _BLOCK))


def is_common(agreed: float) -> bool:
    """Whether a column agrees often enough to be kept."""
    return agreed >= _COMMON


def _there(column: Column, rows: slice) -> NDArray[np.bool_]:
    """Which rows have a value."""
    if column.codes is None:
        return np.asarray(_values(column, rows).is_valid().to_numpy(zero_copy_only=False))
    return np.asarray(column.codes[rows] < len(column.values))


def _numbers(column: Column, rows: slice) -> NDArray[Any]:
    """Values of a numeric column by row, 0 where they are missing."""
    dtype = np.int64 if column.type == "integer" else np.float64
    if column.codes is None:
        return np.asarray(_values(column, rows).fill_null(0).to_numpy(zero_copy_only=False).astype(dtype))
    listed = np.append(column.values.to_numpy(zero_copy_only=False).astype(dtype), dtype(0))
    return np.asarray(listed[column.codes[rows]])


def _values(column: Column, rows: slice) -> pa.Array:
    return column.values.slice(rows.start, rows.stop - rows.start)


@njit(cache=True, nogil=True)
def _common(codes: NDArray[np.int64], owners: NDArray[np.int32], found: NDArray[np.int64]) -> None:
    for row in range(len(codes)):
        owner = owners[row]
        if owner < 0:
            continue
        if found[owner] == _UNSET:
            found[owner] = codes[row]
        elif found[owner] != codes[row]:
            found[owner] = _MIXED


@njit(cache=True, nogil=True)
def _gather(
    values: NDArray[Any],
    there: NDArray[np.bool_],
    owners: NDArray[np.int32],
    sums: NDArray[Any],
    low: NDArray[Any],
    high: NDArray[Any],
    counts: NDArray[np.int64],
) -> None:
    for row in range(len(values)):
        owner = owners[row]
        if owner < 0 or not there[row]:
            continue
        value = values[row]
        sums[owner] += value
        if counts[owner] == 0:
            low[owner], high[owner] = value, value
        low[owner], high[owner] = min(low[owner], value), max(high[owner], value)
        counts[owner] += 1
