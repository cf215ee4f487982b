"""A plan carried out: exact counts, the first page by id, all matching rows, or a mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import Column, Part
from geoplan.query.boxes import GridBox, box_candidates, box_found, kernel_shapes, meeting, shapeless
from geoplan.query.compiler import TRUE
from geoplan.query.evaluate import Truths, truths
from geoplan.query.expressions import SHAPE_COLUMN, Predicate, columns_of
from geoplan.query.indexes import (
    bound_ids,
    count_codes,
    filter_codes,
    first_of_code,
    first_with_codes,
    gather_postings,
    smallest_ids,
)
from geoplan.query.kernels import first_in_box
from geoplan.query.plan import Places, Plan, Rows
from geoplan.query.scopes import PairScope, RowScope, place_of
from geoplan.query.shapes import Box

_BATCH = 1 << 16
_FEW = 20_000
"""Candidates of a box up to which they are collected at once."""
_SORTED = 4096
"""So many rows are sorted as fast as the smallest are picked from them."""


def count(plan: Plan) -> int:
    """How many features meet all conditions."""
    if plan.never:
        return 0
    found = _counted(plan)
    return len(matching(plan)) if found is None else found


def _counted(plan: Plan) -> int | None:
    """The count, where it is known without the rows: conditions of one sort only."""
    if plan.rows is not None:
        return None
    sorts = [bool(sort) for sort in (plan.tables, plan.ranges, plan.boxes, plan.rest)]
    if sorts in ([True, False, False, False], [False] * 4):
        return count_tables(plan)
    if sorts == [False, True, False, False] and len(plan.ranges) == 1:
        ((places, _),) = plan.ranges.values()
        return spanned(places)
    if sorts == [False, False, True, False] and len(plan.boxes) == 1:
        ((box, or_missing),) = plan.boxes
        return box_found(plan.part, box, 0)[1] + (shapeless(plan.part) if or_missing else 0)
    if sorts == [False, False, False, True] and len(plan.rest) == 1:
        found = _pair_truths(plan.part, plan.rest[0])
        return None if found is None else int(found[1][found[0] == TRUE].sum())
    return None


def count_tables(plan: Plan) -> int:
    """The count where all conditions are on columns with codes."""
    part = plan.part
    places = sorted(plan.tables)
    if not places:
        return len(part)
    if len(places) == 1:
        return posted(part.columns[places[0]], plan.tables[places[0]])
    if len(places) == 2 and (pairs := part.pairs.get((places[0], places[1]))) is not None:
        left, right = (plan.tables[place] == TRUE for place in places)
        return int(left @ pairs @ right)
    place = min(places, key=lambda one: posted(part.columns[one], plan.tables[one]))
    terms, tables = coded_terms(plan, without=place)
    return int(count_codes(part.cells, postings(part.columns[place], plan.tables[place]), terms, tables))


def posted(column: Column, table: Truths) -> int:
    """How many rows have one of the wanted values."""
    assert column.starts is not None
    wanted = np.flatnonzero(table == TRUE)
    return int((column.starts[wanted + 1] - column.starts[wanted]).sum())


def spanned(places: Places) -> int:
    """How many rows lie in spans of an order."""
    return sum(stop - start for start, stop in places)


def _single(plan: Plan, place: int) -> tuple[int, int] | None:
    """Where the rows begin and end that have the one wanted value of a column; None when several are wanted."""
    wanted = np.flatnonzero(plan.tables[place] == TRUE)
    starts = plan.part.columns[place].starts
    assert starts is not None
    return (int(starts[wanted[0]]), int(starts[wanted[0] + 1])) if len(wanted) == 1 else None


def postings(column: Column, table: Truths) -> Rows:
    """The rows that have one of the wanted values."""
    return gather_postings(column.order, column.starts, table, posted(column, table))


def coded_terms(plan: Plan, without: int | None = None) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """The tables of a plan as the kernels take them."""
    terms, tables, at = [], [np.zeros(0, np.int8)], 0
    for place, table in plan.tables.items():
        if place != without:
            column = plan.part.columns[place]
            terms.append((column.cell, column.first_fragment, at))
            tables.append(table)
            at += len(table)
    return np.array(terms, np.int64).reshape(-1, 3), np.concatenate(tables)


def matching(plan: Plan) -> Rows:
    """All rows that meet all conditions, in no certain order."""
    if plan.never:
        return np.zeros(0, np.int64)
    part = plan.part
    access, rows = _candidates(plan)
    without = access if isinstance(access, int) else None
    if plan.tables.keys() - {without}:
        rows = filter_codes(part.cells, rows, *coded_terms(plan, without=without))
    for term in plan.boxes:
        if term is not access:
            rows = _boxed(part, rows, term[0], or_missing=term[1])
    rest = [*plan.rest, *(node for places, nodes in plan.ranges.values() if places is not access for node in nodes)]
    return checked(part, rows, rest)


def _boxed(part: Part, rows: Rows, box: Box, *, or_missing: bool) -> Rows:
    found = meeting(part, rows, box)
    if not or_missing:
        return found
    return np.concatenate([found, rows[part.geometry.kinds[rows] & 3 == 0]])


def checked(part: Part, rows: Rows, rest: Sequence[Predicate]) -> Rows:
    """The rows for which all of the rest is true."""
    for node in rest:
        kept = [
            batch[truths(node, RowScope(part, batch, len(rows))) == TRUE]
            for batch in (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
        ]
        rows = np.concatenate(kept) if kept else rows
    return rows


def _candidates(plan: Plan) -> tuple[object, Rows]:
    """The rows of the condition that leaves the fewest, and which it is."""
    part = plan.part
    if plan.rows is not None:
        return None, plan.rows
    access = _rarest(plan)
    if access is None:
        return None, np.arange(len(part))
    if isinstance(access, int):
        return access, postings(part.columns[access], plan.tables[access])
    if isinstance(access, tuple):
        box, or_missing = access if len(access) == 2 else (access, False)
        return access, _rows_in_box(part, box, or_missing=or_missing)
    place = next(place for place, (places, _) in plan.ranges.items() if places is access)
    order = part.columns[place].order
    found = [order[start:stop].astype(np.int64) for start, stop in plan.ranges[place][0]]
    return access, found[0] if len(found) == 1 else np.concatenate([np.zeros(0, np.int64), *found])


def _rarest(plan: Plan) -> object:
    """The condition that leaves the fewest rows, as its place, its span or its box; None where there is none."""
    part = plan.part
    conditions: list[object] = [*plan.tables, *(places for places, _ in plan.ranges.values())]
    conditions += plan.boxes
    conditions += plan.windows
    if len(conditions) <= 1:
        return conditions[0] if conditions else None
    return min(conditions, key=lambda condition: _cost(part, plan, condition))


def _cost(part: Part, plan: Plan, condition: Any) -> int:
    """How many rows meet a condition."""
    if isinstance(condition, int):
        return posted(part.columns[condition], plan.tables[condition])
    if isinstance(condition, list):
        return spanned(condition)
    return box_found(part, condition[0] if len(condition) == 2 else condition, 0)[1]


def _rows_in_box(part: Part, box: Box, *, or_missing: bool) -> Rows:
    rows, _ = box_found(part, box, len(part))
    return np.concatenate([rows, np.arange(len(part) - shapeless(part), len(part))]) if or_missing else rows


def first_by_id(part: Part, rows: Rows, after: int, limit: int) -> Rows:
    """Of some rows those of the `limit` smallest ids greater than `after`, by id."""
    if len(rows) > _SORTED:
        return smallest_ids(part.ids, rows, after, limit)
    ids = part.ids[rows]
    if after >= 0:
        later = ids > after
        rows, ids = rows[later], ids[later]
    return rows[ids.argsort()[:limit]]


def first(plan: Plan, after: int, limit: int) -> tuple[Rows, int]:
    """The rows of the `limit` smallest ids greater than `after`, by id, and how many features match in all."""
    if plan.never:
        return np.zeros(0, np.int64), 0
    part = plan.part
    only = plan.rows is None and not plan.ranges and not plan.rest
    if only and not plan.boxes:
        return _first_of_tables(plan, after, limit)
    if only and not plan.tables and len(plan.boxes) == 1:
        return _first_in_box(plan, after, limit)
    total = _counted(plan) if plan.rest else None
    if total is not None:
        return _first_by_batches(plan, after, limit), total
    rows = matching(plan)
    return first_by_id(part, rows, after, limit), len(rows)


def _first_by_batches(plan: Plan, after: int, limit: int) -> Rows:
    """By going through the ids, batch by batch."""
    part = plan.part
    start = bound_ids(part.ids, part.ids_order, after + 1)
    kept, size, found = [np.zeros(0, np.int64)], max(4 * limit, 256), 0
    while start < len(part) and found < limit:
        rows = part.ids_order[start : start + size].astype(np.int64)
        kept.append(checked(part, rows, plan.rest)[: limit - found])
        found += len(kept[-1])
        start += size
        size = min(2 * size, _BATCH)
    return np.concatenate(kept)


def _first_of_tables(plan: Plan, after: int, limit: int) -> tuple[Rows, int]:
    """By going through the ids where many match, or through the rarest value's rows where few do."""
    part = plan.part
    total = count_tables(plan)
    start = bound_ids(part.ids, part.ids_order, after + 1)
    if total == 0 or limit == 0:
        return np.zeros(0, np.int64), total
    sizes = {place: posted(part.columns[place], table) for place, table in plan.tables.items()}
    rarest = min(sizes, key=lambda one: sizes[one]) if sizes else None
    single = min((place for place in sizes if _single(plan, place) is not None), key=sizes.__getitem__, default=None)
    if single is not None:
        span = _single(plan, single)
        terms, tables = coded_terms(plan, without=single)
        return first_of_code(part.cells, part.ids, part.columns[single].order, span, after, terms, tables, limit), total
    # Read as many rows as the index would give, and no more: with few matches the index is the shorter way.
    budget = len(part) if rarest is None else sizes[rarest]
    stop = min(start + max(budget, limit), len(part))
    if rarest is not None and total and len(part) // total * limit > budget:
        stop = start
    found = first_with_codes(part.cells, part.ids_order, start, stop, *coded_terms(plan), limit)
    rows, place = found[:-1], int(found[-1])
    if len(rows) == limit or place == len(part) or rarest is None:
        return rows, total
    candidates = postings(part.columns[rarest], plan.tables[rarest])
    others = filter_codes(part.cells, candidates, *coded_terms(plan, without=rarest))
    return first_by_id(part, others, after, limit), total


def _first_in_box(plan: Plan, after: int, limit: int) -> tuple[Rows, int]:
    part = plan.part
    ((box, or_missing),) = plan.boxes
    if box[0] > box[2] or (or_missing and shapeless(part)):
        rows = _rows_in_box(part, box, or_missing=or_missing)
        return first_by_id(part, rows, after, limit), len(rows)
    rows, total = box_candidates(part, box, _FEW)
    if total <= _FEW:
        return first_by_id(part, rows, after, limit), total
    (window,) = GridBox.around(box)
    start = bound_ids(part.ids, part.ids_order, after + 1)
    stop = min(start + total, len(part))
    found = first_in_box(part.tree.boxes, kernel_shapes(part), part.ids_order, (start, stop), tuple(window), limit)
    if len(found) - 1 == limit or found[-1] == len(part):
        return found[:-1], total
    return first_by_id(part, box_candidates(part, box, total)[0], after, limit), total


def effort(plan: Plan, limit: int) -> int:
    """About how many features are looked at for a page of `limit` and the count, judged by the indexes alone.

    A search in the tree counts nothing: it is bounded by what it finds.
    """
    part = plan.part
    indexed = plan.tables or plan.ranges or plan.rest or plan.rows is not None
    if plan.never or not indexed:
        return 0
    sizes = [len(part)] if plan.rows is None else [len(plan.rows)]
    sizes += [posted(part.columns[place], table) for place, table in plan.tables.items()]
    sizes += [spanned(places) for places, _ in plan.ranges.values()]
    if plan.rest or plan.ranges or plan.rows is not None or len(plan.tables) > 2 or plan.boxes:
        return min(sizes)
    if len(plan.tables) == 2 and tuple(sorted(plan.tables)) not in part.pairs:
        return min(sizes)
    return min(*sizes, len(part) // max(count_tables(plan), 1) * limit)


def mask(plan: Plan) -> NDArray[np.bool_]:
    """For each row whether it meets all conditions."""
    part = plan.part
    found = np.zeros(len(part), bool)
    if plan.never:
        return found
    if plan.rows is None and not (plan.ranges or plan.rest or plan.boxes):
        found[:] = True
        for place, table in plan.tables.items():
            found &= (table == TRUE)[part.columns[place].codes]
        return found
    found[matching(plan)] = True
    return found


def _pair_truths(part: Part, node: Predicate) -> tuple[Truths, NDArray[np.int64]] | None:
    """The outcome for all combinations of the two columns with codes that a predicate depends on, and their counts."""
    names = columns_of(node)
    if len(names) != 2 or SHAPE_COLUMN in names:
        return None
    first_place, second_place = sorted(place_of(part, name) for name in names)
    pairs = part.pairs.get((first_place, second_place))
    if pairs is None:
        return None
    scope = PairScope(part.columns[first_place], part.columns[second_place])
    return truths(node, scope).reshape(pairs.shape), pairs
