"""How a conjunction of conditions is answered: which index gives the candidates, and what is left to check on them.

Conditions on columns with codes become tables of their distinct values; their exact counts come from the ends of
the index, or from the counted pairs of two columns, without a look at the rows. Comparisons on a plain column are
spans of its order. Boxes are searched in the R-tree. What is left is worked out on the candidates, a batch at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import Column, Part
from geoplan.query.columns import run, values_of
from geoplan.query.compiler import NOT_KNOWN, TRUE
from geoplan.query.evaluate import Truths, truths
from geoplan.query.expressions import (
    SHAPE_COLUMN,
    All,
    Compare,
    Constant,
    IsNull,
    Literal,
    Not,
    Predicate,
    Property,
    Spatial,
    columns_of,
)  # fmt: skip
from geoplan.query.scopes import DistinctScope, met, place_of, spans
from geoplan.query.shapes import Box

Rows = NDArray[np.int64]
Places = list[tuple[int, int]]


@dataclass(slots=True)
class Plan:
    """Conditions that all have to be met, by the way they are answered.

    Attributes
    ----------
    part
        The part.
    tables
        For a column with codes (by its place among the part's): 2 where a distinct value will do.
    ranges
        For a plain column (by its place): spans of its order, and the conditions they stand for.
    boxes
        Boxes in degrees that the shapes must meet, and whether features without a shape will do as well.
    windows
        Boxes that surely hold all that meets the conditions in `rest`.
    rows
        Rows to choose from, or None for all.
    rest
        What is checked on the candidates.
    never
        No feature can meet all.
    """

    part: Part
    tables: dict[int, Truths] = field(default_factory=dict)
    ranges: dict[int, tuple[Places, list[Predicate]]] = field(default_factory=dict)
    boxes: list[tuple[Box, bool]] = field(default_factory=list)
    windows: list[Box] = field(default_factory=list)
    rows: Rows | None = None
    rest: list[Predicate] = field(default_factory=list)
    never: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is no condition at all."""
        some = self.tables or self.ranges or self.boxes or self.rest or self.never
        return not some and self.rows is None


def add(plan: Plan, node: Predicate) -> None:
    """Join a condition to a plan; raises `QueryError` where the part lacks a property."""
    if isinstance(node, All):
        for arg in node.args:
            add(plan, arg)
    elif isinstance(node, Constant):
        plan.never |= node.value != TRUE
    elif isinstance(node, Spatial):
        _add_spatial(plan, node)
    else:
        names = columns_of(node)
        if len(names) == 1 and SHAPE_COLUMN not in names:
            _add_single(plan, node, place_of(plan.part, next(iter(names))))
        else:
            plan.rest.append(node)


def _add_single(plan: Plan, node: Predicate, place: int) -> None:
    """Join a condition on one column."""
    column = plan.part.columns[place]
    if column.codes is not None:
        require(plan, place, np.ascontiguousarray(truths(node, DistinctScope(column)), np.int8))
        return
    places = _missing_places(node, column)
    places = spans(node, column) if places is None else places
    if places is None:
        plan.rest.append(node)
        return
    _narrow(plan, place, places, node)


def _narrow(plan: Plan, place: int, places: Places, node: Predicate) -> None:
    before, nodes = plan.ranges.get(place, (None, ()))
    if before is not None:
        places = met([before, places], len(plan.part.columns[place].order)) or []
    plan.ranges[place] = (places, [*nodes, node])


def add_equal(plan: Plan, place: int, kind: str, value: Any) -> None:
    """Join the condition that the column at a place has a value: as `add` does, with one look at the index."""
    column = plan.part.columns[place]
    start, stop = run(column, value)
    if column.codes is None:
        node = Compare("=", Property(kind, column.name), Literal(kind, value))
        _narrow(plan, place, [(start, stop)] if start < stop else [], node)
        return
    table = np.zeros(len(column.values) + 1, np.int8)
    table[start:stop] = TRUE
    table[-1] = NOT_KNOWN
    require(plan, place, table)


def require(plan: Plan, place: int, table: Truths) -> None:
    """Join a table of the distinct values of the column at a place."""
    before = plan.tables.get(place)
    plan.tables[place] = table if before is None else np.minimum(before, table)


def _missing_places(node: Predicate, column: Column) -> Places | None:
    present = values_of(column).present
    match node:
        case IsNull(Property()):
            return [(present, len(column.order))]
        case Not(IsNull(Property())):
            return [(0, present)]
    return None


def _add_spatial(plan: Plan, node: Spatial) -> None:
    if node.op == "intersects" and node.box is not None:
        plan.boxes.append((node.box, False))
        return
    plan.rest.append(node)
    if node.op != "disjoint" and node.shape is not None and not node.shape.is_empty:
        plan.windows.append(node.box or tuple(node.shape.bounds))
