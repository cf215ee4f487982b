"""Decisions on drafted facts, and the append-only file beside the draft that keeps them.

``<draft>.decisions.jsonl`` has one JSON object a line. A decision names the draft by its place in the plan's text
(`Anchor`), never by its id, so that it holds for the drafts of a better extractor. The latest decision on an anchor
wins; an ``undo`` takes the one before it back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from geoplan.documents.review.cells import FACT_FIELDS, FactCells
from geoplan.errors import DocumentError, Problem
from geoplan.records import PlaceRef
from geoplan.records.cells import parse_span, place_items

MAX_BYTES = 64 << 20
_SETTABLE = frozenset({"id", *FACT_FIELDS, "figures"})
_Short = Annotated[str, StringConstraints(max_length=300, strip_whitespace=True)]


class Action(StrEnum):
    """What a reviewer decides."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"
    ADD = "add"
    """A fact that no draft has."""
    UNDO = "undo"
    """The decision before it on the same anchor is taken back."""


class Anchor(BaseModel):
    """Where a fact stands and what it is about: enough to find it again among other drafts of the same text.

    Attributes
    ----------
    line, start, end
        Characters ``[start, end)`` of a line of the plan; lines are counted from 1.
    places
        Names of its places (the last of each path, without marks), or its region.
    name, figures
        Tell apart facts that one statement makes of the same places; figures as ``measure value unit``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    line: int = Field(ge=1)
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    kind: str = ""
    places: tuple[str, ...] = ()
    name: str = ""
    figures: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start >= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")
        return self


class Decision(BaseModel):
    """One decision.

    Attributes
    ----------
    at
        When it was made, ISO 8601 in UTC.
    set
        The changed fields; for ``add`` all of the fact. ``figures`` holds all figures once one of them changes.
    seen
        The draft's cells as the reviewer saw them. What was confirmed is kept even when no draft states it again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: str
    action: Action
    anchor: Anchor
    set: dict[str, Any] = Field(default_factory=dict)
    seen: FactCells | None = None
    by: _Short = ""
    note: _Short = ""

    @field_validator("at")
    @classmethod
    def _utc(cls, text: str) -> str:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError("the time has no zone; write it in UTC (…+00:00)")
        return moment.astimezone(UTC).isoformat(timespec="microseconds")

    @model_validator(mode="after")
    def _fields(self) -> Self:
        unknown = sorted(set(self.set) - _SETTABLE)
        if unknown:
            raise ValueError(f"these are no fields of a fact: {', '.join(unknown)[:200]}")
        if self.set and self.action not in (Action.CORRECT, Action.ADD):
            raise ValueError(f"'{self.action}' changes no field")
        result = self.result()
        if result is not None:
            anchor_of(result)  # line and span must be right: a fact that cannot be found again is not kept
        return self

    def result(self) -> FactCells | None:
        """The fact as it was confirmed; None for a decision that confirms none, or that kept no draft."""
        if self.action in (Action.REJECT, Action.UNDO):
            return None
        if self.action is Action.ADD:
            return FactCells().changed(self.set)
        if self.seen is None or not self.set:
            return self.seen
        return self.seen.changed(self.set)


class DecisionFile(NamedTuple):
    """The decisions of a file in their order, and the lines that are none."""

    decisions: list[Decision]
    problems: list[Problem]


def anchor_of(cells: FactCells) -> Anchor:
    """The anchor of a fact whose line and span are right; raises `ValueError` otherwise."""
    start, end = parse_span(cells.span)
    figures = tuple(f"{f.measure} {f.value} {f.unit}" for f in cells.figures)
    return Anchor(
        line=int(cells.line), start=start, end=end, kind=cells.kind, places=place_names(cells),
        name=cells.name, figures=figures,
    )  # fmt: skip


def place_names(cells: FactCells) -> tuple[str, ...]:
    """Names of a fact's places, or its region, sorted."""
    found = set()
    for item in place_items(cells.places):
        try:
            found.add(PlaceRef.parse(item).name)
        except ValueError:
            found.add(item)
    return tuple(sorted(found or filter(None, [cells.region])))


def decisions_path(draft: Path) -> Path:
    """The file of the decisions on a draft: beside it, with its name."""
    return draft.with_name(f"{draft.stem}.decisions.jsonl")


def read_decisions(path: Path) -> DecisionFile:
    """Decisions of a file; a line that is none (one cut off by a crash) becomes a `Problem` and is passed over.

    Raises
    ------
    DocumentError
        If the file is too large to be one of decisions.
    """
    if not path.exists():
        return DecisionFile([], [])
    if path.stat().st_size > MAX_BYTES:
        raise DocumentError(f"{path.name}: larger than {MAX_BYTES >> 20} MB; this is no file of decisions.")
    decisions: list[Decision] = []
    problems: list[Problem] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            decisions.append(Decision.model_validate(json.loads(line.decode("utf-8"))))
        except (ValueError, RecursionError) as error:
            is_torn = number == len(lines)
            problems.append(_torn(path, number) if is_torn else _unreadable(path, number, error))
    return DecisionFile(decisions, problems)


def append_decisions(path: Path, decisions: Sequence[Decision]) -> None:
    """Add decisions at the end of a file and wait until they are on the disk.

    Raises
    ------
    OSError
        If they could not be written whole; what was there before is as it was.
    """
    data = b"".join(encode(decision) for decision in decisions)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o644)
    with os.fdopen(handle, "r+b", buffering=0) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(size - 1)
            # What a crash cut off stays a line of its own.
            data = data if stream.read(1) == b"\n" else b"\n" + data
        if stream.write(data) != len(data):
            raise OSError(f"{path.name}: the disk is full; the decision is not kept")
        stream.flush()
        os.fsync(stream.fileno())


def encode(decision: Decision) -> bytes:
    """The line of a decision: UTF-8, what is empty left out."""
    value: dict[str, Any] = {
        "at": decision.at, "action": decision.action.value,
        "anchor": decision.anchor.model_dump(mode="json", exclude_defaults=True),
    }  # fmt: skip
    if decision.set:
        value["set"] = decision.set
    if decision.seen is not None:
        value["seen"] = decision.seen.filled()
    value |= {name: text for name in ("by", "note") if (text := getattr(decision, name))}
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def next_time(now: datetime, decisions: Iterable[Decision]) -> str:
    """The time of a new decision: now, or just after the latest one where the clock was set back."""
    latest = max((decision.at for decision in decisions), default="")
    moment = now.astimezone(UTC)
    if latest and moment <= (last := datetime.fromisoformat(latest)):
        moment = last + timedelta(microseconds=1)
    return moment.isoformat(timespec="microseconds")


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """The decision that stands on each anchor, ordered by anchor; none where all were undone."""
    stacks: dict[Anchor, list[Decision]] = {}
    for decision in sorted(decisions, key=lambda one: one.at):
        stack = stacks.setdefault(decision.anchor, [])
        if decision.action is not Action.UNDO:
            stack.append(decision)
        elif stack:
            stack.pop()
    return [stack[-1] for _, stack in sorted(stacks.items(), key=lambda item: _order(item[0])) if stack]


def _order(anchor: Anchor) -> tuple[object, ...]:
    return (anchor.line, anchor.start, anchor.end, anchor.kind, anchor.places, anchor.name, anchor.figures)


def _torn(path: Path, number: int) -> Problem:
    message = "the last line is cut off, as by a crash; the decision it began is not kept."
    return Problem("torn-decision", message, path.name, number, "", "Decide on that draft again.")


def _unreadable(path: Path, number: int, error: Exception) -> Problem:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        text = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        text = "not a line of JSON"
    return Problem("bad-decision", f"{text[:300]}; the line is passed over.", path.name, number)
