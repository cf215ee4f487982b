"""What expressions are worked out on: rows of a part, the distinct values of a column, combinations of two columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Column, Part
from geoplan.query.boxes import GridBox, meeting, overlapping
from geoplan.query.columns import Vector, bound, run, take, values_of
from geoplan.query.compiler import FALSE, NOT_KNOWN, TRUE
from geoplan.query.evaluate import Truths, related, truths
from geoplan.query.expressions import (
    SHAPE_COLUMN,
    All,
    AnyOf,
    Compare,
    In,
    IsNull,
    Like,
    Literal,
    Not,
    Predicate,
    Property,
    Spatial,
    columns_of,
)
from geoplan.query.shapes import shapes_of

MOST_SLOW = 2_000_000
"""Texts or lists of a property with no index that one question looks at, one by one."""


def column_of(part: Part, name: str) -> Column:
    """The column of a name; raises `QueryError` when this part does not have it."""
    return part.columns[place_of(part, name)]


def place_of(part: Part, name: str) -> int:
    """The place of a column; raises `QueryError` when this part does not have it."""
    for place, column in enumerate(part.columns):
        if column.name == name:
            return place
    raise QueryError(f"the property {name!r} is not kept at these zooms; ask from zoom {part.max_zoom + 1} on.")


class DistinctScope:
    """The distinct values of a column with codes, the missing one last."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self.size = len(column.values) + 1

    def vector(self, name: str) -> Vector:
        """Values of the column."""
        del name
        found = values_of(self._column).vector
        assert found is not None
        return found

    def shapeless(self) -> NDArray[np.bool_]:
        """Never asked."""
        raise AssertionError

    def relate(self, node: Spatial) -> Truths:
        """Never asked."""
        raise AssertionError(node)

    def known(self, node: Predicate) -> Truths | None:
        """Comparisons with literals, by their places among the ascending values."""
        places = spans(node, self._column)
        if places is None:
            return None
        found = np.zeros(self.size, np.int8)
        for start, stop in places:
            found[start:stop] = TRUE
        found[-1] = FALSE if isinstance(node, IsNull) else NOT_KNOWN
        return found


class PairScope:
    """All combinations of the distinct values of two columns with codes."""

    def __init__(self, first: Column, second: Column) -> None:
        self._columns = (first, second)
        self._sizes = (len(first.values) + 1, len(second.values) + 1)
        self.size = self._sizes[0] * self._sizes[1]

    def vector(self, name: str) -> Vector:
        """Values of a column, for each combination."""
        values, missing = self._spread(name, *_vector(self._columns[name == self._columns[1].name]))
        return values, missing

    def _spread(self, name: str, *arrays: NDArray[Any]) -> Any:
        if name == self._columns[0].name:
            return tuple(np.repeat(array, self._sizes[1]) for array in arrays)
        return tuple(np.tile(array, self._sizes[0]) for array in arrays)

    def shapeless(self) -> NDArray[np.bool_]:
        """Never asked."""
        raise AssertionError

    def relate(self, node: Spatial) -> Truths:
        """Never asked."""
        raise AssertionError(node)

    def known(self, node: Predicate) -> Truths | None:
        """What depends on one column is worked out on its values."""
        names = columns_of(node)
        if len(names) != 1:
            return None
        (name,) = names
        column = self._columns[name == self._columns[1].name]
        (found,) = self._spread(name, truths(node, DistinctScope(column)))
        return np.asarray(found, np.int8)


def _vector(column: Column) -> Vector:
    found = values_of(column).vector
    assert found is not None
    return found


class RowScope:
    """Rows of a part; `of` tells how many rows the question looks at in all."""

    def __init__(self, part: Part, rows: NDArray[np.int64], of: int = 0) -> None:
        self._part = part
        self._rows = rows
        self.size = len(rows)
        self._of = of

    def vector(self, name: str) -> Vector:
        """Values of a column; raises `QueryError` where too many would have to be looked at one by one."""
        column = column_of(self._part, name)
        if column.codes is None and column.type in ("string", "json") and self._of > MOST_SLOW:
            raise QueryError(
                f"filter: {self._of} values of {name!r} would have to be read one by one (at most {MOST_SLOW}); "
                "add a box or a condition on another property."
            )
        return take(column, self._rows)

    def shapeless(self) -> NDArray[np.bool_]:
        """Where there is no geometry."""
        return np.asarray(self._part.geometry.kinds[self._rows] & 3 == 0)

    def known(self, node: Predicate) -> Truths | None:
        """What depends on one column with codes is worked out on its values."""
        names = columns_of(node)
        if len(names) != 1 or SHAPE_COLUMN in names:
            return None
        column = column_of(self._part, next(iter(names)))
        if column.codes is None:
            return None
        return np.asarray(truths(node, DistinctScope(column))[column.codes[self._rows]], np.int8)

    def relate(self, node: Spatial) -> Truths:
        """A relation of the geometries to a shape: exact for those whose boxes meet the shape's."""
        found = np.where(self.shapeless(), NOT_KNOWN, TRUE if node.op == "disjoint" else FALSE).astype(np.int8)
        if node.shape is None:
            return related(node, shapes_of(self._part, self._rows))
        if shapely.is_empty(node.shape):
            return found
        window = GridBox.around(node.box or tuple(shapely.bounds(node.shape).tolist()))
        if node.box is not None and node.op in ("intersects", "disjoint"):
            met = np.isin(self._rows, meeting(self._part, self._rows, node.box))
            found[met] = FALSE if node.op == "disjoint" else TRUE
            return found
        near = overlapping(self._part, self._rows, window)
        found[near] = related(node, shapes_of(self._part, self._rows[near]))
        return found


def spans(node: Predicate, column: Column) -> list[tuple[int, int]] | None:
    """Where among the ascending values of a column (not the missing ones) the predicate is true.

    Of a plain column the places are those of `Column.order`. None for a predicate that is no comparison of the
    column with literals.
    """
    match node:
        case Compare(op, Property(), Literal(_, value)) if column.type != "json":
            return _compare_spans(op, value, column)
        case In(Property(), choices) if all(isinstance(one, Literal) for one in choices):
            places = {run(column, one.value) for one in choices if isinstance(one, Literal)}
            return _joined(list(places))
        case Like(Property(), Literal(_, pattern)) if column.type == "string":
            return _prefix_spans(pattern, column)
    return _joined_spans(node, column)


def _joined_spans(node: Predicate, column: Column) -> list[tuple[int, int]] | None:
    match node:
        case Not(arg):
            inner = None if isinstance(arg, IsNull) else spans(arg, column)
            return None if inner is None else _complement(inner, values_of(column).present)
        case All(args):
            return met([spans(arg, column) for arg in args], values_of(column).present)
        case AnyOf(args):
            every = [spans(arg, column) for arg in args]
            return None if None in every else _joined([one for inner in every for one in inner or ()])
    return None


def _prefix_spans(pattern: str, column: Column) -> list[tuple[int, int]] | None:
    """Texts that begin alike stand together; None for any other pattern."""
    prefix = pattern.removesuffix("%")
    if prefix == pattern or any(sign in prefix for sign in "%_\\"):
        return None
    # No text that begins so comes after the last character of all.
    last = bound(column, prefix + chr(0x10FFFF), right=True)
    return _joined([(bound(column, prefix, right=False), last)])


def _compare_spans(op: str, value: Any, column: Column) -> list[tuple[int, int]]:
    present = values_of(column).present
    if op == "=":
        start, stop = run(column, value)
    elif op in ("<", "<="):
        start, stop = 0, bound(column, value, right=op == "<=")
    else:
        start, stop = bound(column, value, right=op == ">"), present
    return [(start, stop)] if start < stop else []


def _joined(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without overlap, ascending."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(places):
        if start >= stop:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(stop, found[-1][1]))
        else:
            found.append((start, stop))
    return found


def _complement(places: list[tuple[int, int]], present: int) -> list[tuple[int, int]]:
    edges = [0, *(edge for span in places for edge in span), present]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if start < stop]


def met(every: list[list[tuple[int, int]] | None], present: int) -> list[tuple[int, int]] | None:
    """What all have in common: the complement of the union of the complements."""
    if None in every:
        return None
    outside = [one for inner in every for one in _complement(inner or [], present)]
    return _complement(_joined(outside), present)
