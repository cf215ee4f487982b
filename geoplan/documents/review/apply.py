"""The records that drafts and decisions make together.

What a person confirmed is kept as it was confirmed: the fields of an accepted or corrected draft are those that the
reviewer saw, with the changes made. Where the present draft says something else, or is not there any more, a
`Problem` tells it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from geoplan.documents.review.cells import FactCells, faults, record_of
from geoplan.documents.review.decisions import Action, Decision
from geoplan.documents.review.matching import DraftFact, Match, differs, match_decisions
from geoplan.errors import Problem
from geoplan.records import PlanRecord


class Reviewed(NamedTuple):
    """What a review has made of the drafts.

    `records` are confirmed, ordered by line and id; `undecided` drafts have no decision, or one that does not fit
    them any more; `problems` tell every decision that could not be carried over as it was.
    """

    records: list[PlanRecord]
    undecided: list[DraftFact]
    problems: list[Problem]


class _Confirmed(NamedTuple):
    """A confirmed fact, the id that the drafts know it by, and whether its id was given by the reviewer."""

    old: str
    cells: FactCells
    is_given: bool


class _Ids:
    """Ids in use; another fact gets the next free number of its line."""

    def __init__(self, plan: str, used: Iterable[str]) -> None:
        self.plan = plan
        self._used = set(used)
        self._last: Counter[int] = Counter()

    def fit(self, wanted: str, line: int) -> str:
        """`wanted` if it numbers a fact of that line and is free, else the next free id of the line."""
        if not line:
            return wanted
        head = wanted.rpartition("-")[0]
        if head == f"{self.plan}-{line}" and wanted not in self._used:
            self._used.add(wanted)
            return wanted
        while True:
            self._last[line] += 1
            made = f"{self.plan}-{line}-{self._last[line]:02d}"
            if made not in self._used:
                self._used.add(made)
                return made


def apply_decisions(drafts: Sequence[DraftFact], decisions: Sequence[Decision]) -> Reviewed:
    """Apply decisions to drafts.

    Every draft is accepted, corrected, rejected or undecided; none vanishes. Drafts made of the records again give,
    with the same decisions, the same records.
    """
    match = match_decisions(drafts, decisions)
    plan = _plan_of(drafts, decisions)
    waiting = [draft.id for index, draft in enumerate(drafts) if index not in match.decided]
    ids = _Ids(plan, waiting)
    problems: list[Problem] = []
    confirmed: list[_Confirmed] = []
    for index, decision in match.decided.items():
        draft = drafts[index]
        if decision.action is Action.REJECT:
            continue
        cells = _confirmed(decision, draft.cells)
        given = str(decision.set.get("id", ""))
        confirmed.append(_Confirmed(draft.id, cells.changed({"id": given or draft.id}), is_given=bool(given)))
        if changed := differs(decision, draft.cells):
            problems.append(_changed(decision, draft, changed))
    for index, decision in match.stale.items():
        problems.append(_stale(decision, drafts[index]))
    for decision in (*match.lost, *match.added):
        cells_or_none = decision.result()
        if decision.action is not Action.ADD:
            problems.append(_lost(decision, is_kept=cells_or_none is not None))
        if cells_or_none is not None:
            confirmed.append(_Confirmed(cells_or_none.id, cells_or_none, is_given="id" in decision.set))
    # An id that a reviewer gave stands; those of the drafts, which every extraction counts anew, come after.
    made = [
        (one.old, one.cells.changed({"id": ids.fit(one.cells.id, _line(one.cells))}))
        for one in sorted(confirmed, key=lambda one: not one.is_given)
    ]
    records, faulty = _records(made)
    return Reviewed(records, undecided_of(drafts, match), problems + faulty)


def undecided_of(drafts: Sequence[DraftFact], match: Match) -> list[DraftFact]:
    """Drafts that wait for a decision."""
    return [draft for index, draft in enumerate(drafts) if index not in match.decided]


def settle_references(records: Sequence[PlanRecord]) -> tuple[list[PlanRecord], list[Problem]]:
    """Records without references to facts that are not among them (rejected, dropped), and what was taken out."""
    known = {record.id for record in records}
    settled: list[PlanRecord] = []
    problems: list[Problem] = []
    for record in records:
        # A reference to a fact of another plan is not this review's to judge.
        own = f"{record.plan}-"
        lost = {
            name: ""
            for name in ("part_of", "duplicate_of")
            if (reference := getattr(record, name)).startswith(own) and reference not in known
        }
        for name in lost:
            message = f"{record.id}: {name} names {getattr(record, name)}, which is not kept; the cell is emptied."
            problems.append(Problem("lost-reference", message))
        settled.append(record.model_copy(update=lost) if lost else record)
    return settled, problems


def _plan_of(drafts: Sequence[DraftFact], decisions: Sequence[Decision]) -> str:
    """Id of the plan: that of the drafts, else the one that most decisions were made on."""
    ids = [draft.id for draft in drafts[:1]]
    if not ids:
        seen = (decision.seen.id for decision in decisions if decision.seen is not None)
        ids = [name for name, _ in sorted(Counter(seen).most_common(), key=lambda item: (-item[1], item[0]))]
    return ids[0].partition("-")[0] if ids else "plan"


def _confirmed(decision: Decision, draft: FactCells) -> FactCells:
    """What the reviewer confirmed; references to other facts are the present draft's, whose ids are in use."""
    if decision.seen is None and decision.action is not Action.ADD:
        return draft.changed(decision.set)
    result = decision.result() or draft
    references = {name: getattr(draft, name) for name in ("part_of", "duplicate_of") if name not in decision.set}
    return result.changed(references)


def _line(cells: FactCells) -> int:
    return int(cells.line) if cells.line.isdecimal() else 0


def _records(made: Sequence[tuple[str, FactCells]]) -> tuple[list[PlanRecord], list[Problem]]:
    """The records of confirmed facts, their references brought to the new ids; a wrong cell becomes a `Problem`."""
    renamed = {old: cells.id for old, cells in made if old and old != cells.id}
    kept = {cells.id for _, cells in made}
    records: list[PlanRecord] = []
    problems: list[Problem] = []
    for _, cells in made:
        moved = {
            name: renamed[old]
            for name in ("part_of", "duplicate_of")
            if (old := getattr(cells, name)) in renamed and old not in kept
        }
        whole = cells.changed(moved) if moved else cells
        wrong = faults(whole)
        problems += [
            Problem("bad-decision", f"{whole.id}: {fault.message}", column=fault.field, remedy="Correct it again.")
            for fault in wrong
        ]
        if not wrong:
            records.append(record_of(whole))
    return sorted(records, key=lambda one: (one.citation.line, one.citation.start, one.id)), problems


def _where(decision: Decision) -> str:
    anchor = decision.anchor
    name = f" ({anchor.name})" if anchor.name else ""
    return f"line {anchor.line}, span {anchor.start}..{anchor.end}{name}"


def _changed(decision: Decision, draft: DraftFact, fields: tuple[str, ...]) -> Problem:
    message = f"{draft.id} was confirmed on {decision.at[:10]}, and the draft now differs in {', '.join(fields)}."
    return Problem("draft-changed", message, row=draft.row, remedy="What was confirmed is kept; look at it again.")


def _stale(decision: Decision, draft: DraftFact) -> Problem:
    changed = ", ".join(differs(decision, draft.cells))
    message = f"{draft.id} was rejected on {decision.at[:10]}, and the draft now differs in {changed}."
    return Problem("stale-rejection", message, row=draft.row, remedy="It is undecided again.")


def _lost(decision: Decision, *, is_kept: bool) -> Problem:
    message = (
        f"no draft states {_where(decision)} any more, which was decided on {decision.at[:10]} ({decision.action})."
    )
    if decision.action is Action.REJECT:
        return Problem("lost-draft", message, remedy="Nothing is to be done.")
    remedy = "The confirmed fact is kept." if is_kept else "The decision kept no copy of it; add the fact by hand."
    return Problem("lost-draft", message, remedy=remedy)
