"""Draft files, and the reviewed record file that is made of one.

A draft file has the columns of a record file and two more: ``confidence`` (0 to 1) and ``reasons`` (``;`` between
them). Rows whose cells are wrong are drafts like others: a reviewer corrects them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from geoplan.documents.facts.output import DRAFT_COLUMNS
from geoplan.documents.review.apply import Reviewed, apply_decisions, settle_references
from geoplan.documents.review.cells import FactCells, cells_of_rows, faults, record_of
from geoplan.documents.review.decisions import Action, Decision, anchor_of, standing
from geoplan.documents.review.matching import DraftFact, Match
from geoplan.errors import Problem, RecordError
from geoplan.records import PlanRecord, write_records
from geoplan.records.model import ID
from geoplan.records.sheet import Row, group_rows, read_sheet
from geoplan.records.table import FACT_COLUMNS

LEAST_CONFIDENCE = 0.5
"""Undecided drafts below it are left out of the records, unless asked for."""
_CONFIDENCE = re.compile(r"0(\.[0-9]{1,6})?|1(\.0{1,6})?")

Undecided = Literal["keep", "drop"]


class DraftFile(NamedTuple):
    """The drafts of a file in their order, and the rows that cannot be read."""

    drafts: list[DraftFact]
    problems: list[Problem]


class ReviewSummary(NamedTuple):
    """What came of a review: the records, the decisions by action, and the drafts left out.

    `unchecked` counts the records that no decision confirmed.
    """

    records: list[PlanRecord]
    drafts: int
    decisions: dict[Action, int]
    undone: int
    unchecked: int
    dropped: int
    problems: list[Problem]


def read_drafts(path: Path) -> DraftFile:
    """Drafts of one file.

    A row without line and span, or with the id of another fact, cannot be found in the text or told apart: it
    becomes a `Problem`. Other wrong cells are left for the review.

    Raises
    ------
    RecordError
        If the file is no UTF-8 CSV with the columns of a draft.
    """
    drafts: list[DraftFact] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    plan = ""
    for group in group_rows(_read_rows(path), FACT_COLUMNS):
        number, rows = group[0][0], [row for _, row in group]
        draft, told = _draft(path, number, rows)
        plan = plan or rows[0]["id"].partition("-")[0]
        if draft is not None and draft.id in seen:
            message = f"the id {draft.id!r} stands in a row above already."
            told = Problem("duplicate-id", message, path.name, number, "id", "Extract the plan again.")
        elif draft is not None and draft.id.partition("-")[0] != plan:
            message = f"the id {draft.id!r} is of another plan than {plan!r}."
            told = Problem("other-plan", message, path.name, number, "id", "Review one plan at a time.")
        if told is not None:
            problems.append(told)
        elif draft is not None:
            seen.add(draft.id)
            drafts.append(draft)
    return DraftFile(drafts, problems)


def summarise(
    drafts: Sequence[DraftFact], decisions: Sequence[Decision], undecided: Undecided | None = None
) -> ReviewSummary:
    """The records of a reviewed draft.

    Parameters
    ----------
    undecided
        Whether drafts without a decision are kept; None keeps those whose confidence is at least
        `LEAST_CONFIDENCE`.
    """
    reviewed = apply_decisions(drafts, decisions)
    kept, problems = _kept(reviewed, undecided)
    records = sorted([*reviewed.records, *kept], key=lambda one: (one.citation.line, one.citation.start, one.id))
    records, lost = settle_references(records)
    stand = standing(decisions)
    made = [decision for decision in decisions if decision.action is not Action.UNDO]
    return ReviewSummary(
        records,
        len(drafts),
        {action: count for action in Action if (count := Counter(one.action for one in stand)[action])},
        len(made) - len(stand),
        len(kept),
        len(reviewed.undecided) - len(kept),
        [*reviewed.problems, *problems, *lost],
    )


def record_file(records: Sequence[PlanRecord]) -> bytes:
    """Bytes of a record file, with the byte order mark that spreadsheets want."""
    return write_records(records).encode("utf-8-sig")


def states(drafts: Sequence[DraftFact], match: Match) -> dict[str, int]:
    """How many drafts are accepted, corrected, rejected and undecided; together they are all drafts."""
    decided = Counter(decision.action for decision in match.decided.values())
    # A fact that was added by hand and has been drafted since is one that is accepted.
    found = {
        "accepted": decided[Action.ACCEPT] + decided[Action.ADD],
        "corrected": decided[Action.CORRECT],
        "rejected": decided[Action.REJECT],
    }
    return found | {"undecided": len(drafts) - sum(found.values())}


def _kept(reviewed: Reviewed, undecided: Undecided | None) -> tuple[list[PlanRecord], list[Problem]]:
    records: list[PlanRecord] = []
    problems: list[Problem] = []
    for draft in reviewed.undecided:
        if undecided == "drop" or (undecided is None and draft.confidence < LEAST_CONFIDENCE):
            continue
        wrong = faults(draft.cells)
        problems += [
            Problem("bad-cell", f"{draft.id}: {one.message}", "", draft.row, one.field, "Correct or reject it.")
            for one in wrong
        ]
        if not wrong:
            records.append(record_of(draft.cells))
    return records, problems


def _draft(path: Path, number: int, rows: list[Row]) -> tuple[DraftFact | None, Problem | None]:
    first = rows[0]
    try:
        cells = cells_of_rows(rows)
        anchor_of(cells)
        cells = _with_id(cells)
    except ValueError as error:
        message = f"the row cannot be placed in the text ({str(error).splitlines()[0][:200]})."
        return None, Problem("bad-row", message, path.name, number, "span", "Extract the plan again.")
    confidence = float(first["confidence"]) if _CONFIDENCE.fullmatch(first["confidence"]) else 0.0
    reasons = tuple(part for item in first["reasons"].split(";") if (part := item.strip()))
    return DraftFact(cells, confidence, reasons, number), None


def _with_id(cells: FactCells) -> FactCells:
    if not ID.fullmatch(cells.id) or int(cells.id.split("-")[1]) != int(cells.line):
        raise ValueError(f"{cells.id!r} is no id of line {cells.line}")
    return cells


def _read_rows(path: Path) -> list[tuple[int, Row]]:
    if path.is_file():
        with path.open("rb") as stream:
            is_json = stream.read(4).removeprefix(b"\xef\xbb\xbf").startswith(b"{")
        if is_json:
            raise RecordError(f"{path.name}: JSON lines, not CSV. Extract the plan with --format csv to review it.")
    return read_sheet(path, DRAFT_COLUMNS, what="draft", remedy="`geoplan extract --format csv` writes one.")
