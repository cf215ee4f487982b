"""Drafts and decisions for the tests of the review."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from geoplan.documents.review import Action, Decision, DraftFact
from geoplan.documents.review.cells import FactCells, FigureCells, cells_of_record
from geoplan.documents.review.decisions import anchor_of

START = datetime(2026, 1, 1, tzinfo=UTC)
UTC_TIME = "2026-01-01T00:00:00+00:00"
COUNTIES = ("甲县", "乙县", "丙县")


def draft(line: int = 3, span: str = "0..9", number: int = 1, confidence: float = 0.8, **changes: Any) -> DraftFact:
    """A draft: 粮田 of 3万亩 in 甲县, or what `changes` say; `value` is that of its one figure, "" for none."""
    value = changes.pop("value", "3")
    figures = (FigureCells(measure="area", value=value, unit="万亩", line=str(line), span=span),) if value else ()
    fields = {"kind": "base", "theme": "grain", "name": "粮田", "places": "甲县", "status": "target"} | changes
    cells = FactCells(id=f"plan-{line}-{number:02d}", line=str(line), span=span, figures=figures, **fields)
    return DraftFact(cells, confidence)


def decide(action: str, on: DraftFact, minute: int = 0, **values: Any) -> Decision:
    seen = None if action in ("undo", "add") else on.cells
    at = (START + timedelta(minutes=minute)).isoformat()
    return Decision(at=at, action=Action(action), anchor=on.anchor, set=values, seen=seen)


def added(cells: FactCells, minute: int = 0) -> Decision:
    values = {name: value for name, value in cells.filled().items() if name != "id"}
    at = (START + timedelta(minutes=minute)).isoformat()
    return Decision(at=at, action=Action.ADD, anchor=anchor_of(cells), set=values)


def redraft(records: list[Any]) -> list[DraftFact]:
    return [DraftFact(cells_of_record(record), 1.0) for record in records]


def codes(problems: list[Any]) -> list[str]:
    return [problem.code for problem in problems]
