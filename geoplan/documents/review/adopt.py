"""Decisions from records that exist already: what a reviewer would decide to make these records of a draft.

A table that was typed or corrected elsewhere is taken over without deciding on every draft again: a draft that says the
same needs no decision, one that says it differently is corrected, one that no record states is rejected, and a record
that no draft states is added. Ids are kept as they are in the records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from rapidfuzz import fuzz

from geoplan.documents.review.cells import FACT_FIELDS, FactCells, FigureCells, cells_of_record
from geoplan.documents.review.decisions import Action, Anchor, Decision, anchor_of, place_names
from geoplan.documents.review.matching import DraftFact
from geoplan.records import PlanRecord
from geoplan.records.cells import parse_span

LABELS = frozenset({"id", "name", "theme", "note", "line", "span", "part_of", "seq", "duplicate_of"})
"""Fields whose correction changes the label, the cited words or the order, and nothing that is promised."""
_LEAST = 2.0


def adopt_records(drafts: Sequence[DraftFact], records: Sequence[PlanRecord], at: str, by: str = "") -> list[Decision]:
    """Decisions that make `records` of `drafts`, in the order of the plan; deterministic.

    Parameters
    ----------
    at
        Time of the decisions, ISO 8601 with its zone.
    """
    wanted = [cells_of_record(record) for record in records]
    pairs = _pair(drafts, wanted)
    taken = set(pairs.values())
    decisions = []
    for index, draft in enumerate(drafts):
        anchor = anchor_of(draft.cells)
        if index not in pairs:
            decisions.append(Decision(at=at, by=by, action=Action.REJECT, anchor=anchor))
        elif changes := _changes(draft.cells, wanted[pairs[index]]):
            decisions.append(Decision(at=at, by=by, action=Action.CORRECT, anchor=anchor, set=changes))
    for index, cells in enumerate(wanted):
        if index not in taken:
            whole = cells.filled()
            decisions.append(Decision(at=at, by=by, action=Action.ADD, anchor=anchor_of(cells), set=whole))
    return sorted(decisions, key=lambda decision: _order(decision.anchor))


def is_label_only(decision: Decision) -> bool:
    """Whether a correction changes no place, figure, kind, status or period."""
    return decision.action is Action.CORRECT and set(decision.set) <= LABELS


def _order(anchor: Anchor) -> tuple[int, int, int, str]:
    return anchor.line, anchor.start, anchor.end, anchor.name


def _changes(draft: FactCells, wanted: FactCells) -> dict[str, Any]:
    """Fields of the record that the draft has otherwise; all figures once one of them differs.

    Cited words that overlap are the same citation, and where a record leaves open whether a figure is new or reached,
    for all or for each, the draft's reading stands: neither needs a decision.
    """
    changed: dict[str, Any] = {}
    for name in ("id", *FACT_FIELDS):
        # References name other facts by ids that the review may give anew: they are always written out.
        is_reference = name in {"part_of", "duplicate_of"} and getattr(wanted, name)
        if getattr(draft, name) != getattr(wanted, name) or is_reference:
            changed[name] = getattr(wanted, name)
    if draft.line == wanted.line and _overlap(draft.span, wanted.span):
        changed.pop("span", None)
    figures = _figures(draft, wanted)
    if figures != draft.figures:
        changed["figures"] = [{key: text for key, text in figure if text} for figure in figures]
    return changed


def _figures(draft: FactCells, wanted: FactCells) -> tuple[FigureCells, ...]:
    """The record's figures, with the draft's cells where these only add to them."""
    free = list(draft.figures)
    found = []
    for figure in wanted.figures:
        same = next((other for other in free if _says_the_same(other, figure, wanted)), None)
        if same is not None:
            free.remove(same)
        found.append(same or figure)
    order = [figure for figure in draft.figures if figure in found]
    return draft.figures if len(order) == len(found) == len(draft.figures) else tuple(found)


def _says_the_same(one: FigureCells, other: FigureCells, wanted: FactCells) -> bool:
    exact = all(
        getattr(one, name) == getattr(other, name) for name in ("measure", "value", "unit", "qualifier", "line")
    )
    added = all(getattr(other, name) in {"", getattr(one, name)} for name in ("change", "per"))
    # A figure without a time of its own has the fact's, and that is the record's once it is corrected.
    timed = all(
        (getattr(one, name) or getattr(wanted, name)) == (getattr(other, name) or getattr(wanted, name))
        for name in ("status", "period")
    )
    return exact and added and timed and _overlap(one.span, other.span)


def _overlap(one: str, other: str) -> bool:
    (a, b), (c, d) = parse_span(one), parse_span(other)
    return min(b, d) > max(a, c)


def _pair(drafts: Sequence[DraftFact], wanted: Sequence[FactCells]) -> dict[int, int]:
    """Index of the record by index of the draft: the likest pairs of one line first."""
    by_line: dict[str, list[int]] = defaultdict(list)
    for index, cells in enumerate(wanted):
        for line in _lines(cells):
            by_line[line].append(index)
    scored = [
        (-score, i, j)
        for i, draft in enumerate(drafts)
        for j in sorted({j for line in _lines(draft.cells) for j in by_line[line]})
        if (score := _likeness(draft.cells, wanted[j])) >= _LEAST
    ]
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in sorted(scored):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _lines(cells: FactCells) -> Iterator[str]:
    yield from dict.fromkeys([cells.line, *(figure.line for figure in cells.figures)])


def _likeness(one: FactCells, other: FactCells) -> float:
    """How much two facts say the same: figures first, then places, words cited, kind and name."""
    figures = {(f.line, f.value, f.unit) for f in one.figures} & {(f.line, f.value, f.unit) for f in other.figures}
    here, there = set(place_names(one)), set(place_names(other))
    places = len(here & there) / max(len(here | there), 1)
    a, b = anchor_of(one), anchor_of(other)
    overlap = min(a.end, b.end) - max(a.start, b.start) if a.line == b.line else 0
    words = max(overlap, 0) / max(min(a.end - a.start, b.end - b.start), 1)
    name = fuzz.ratio(one.name, other.name) / 100
    return 2 * min(len(figures), 2) + places + words + 0.5 * (one.kind == other.kind) + 0.5 * name
