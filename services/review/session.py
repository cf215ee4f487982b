"""One review: a draft file, the decisions beside it, and the plan's text if it is at hand.

Both files are read again when they change: another run of the extractor, or another reviewer, may write them.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from geoplan.documents.outline import Outline
from geoplan.documents.review.cells import FIGURE_FIELDS, FactCells, Fault, faults, in_vocabulary
from geoplan.documents.review.context import PlanText
from geoplan.documents.review.decisions import (
    Action,
    Anchor,
    Decision,
    DecisionFile,
    anchor_of,
    append_decisions,
    decisions_path,
    next_time,
    read_decisions,
    standing,
)
from geoplan.documents.review.matching import DraftFact, Match, match_decisions
from geoplan.documents.review.store import DraftFile, read_drafts, states
from geoplan.errors import Problem
from geoplan.provenance import sha256_parts
from services.review.places import DraftPlaces

_STATES = {Action.ACCEPT: "accepted", Action.CORRECT: "corrected", Action.REJECT: "rejected", Action.ADD: "accepted"}


class RefusedError(Exception):
    """A decision that is not taken: status, what is wrong, and the fields it is about."""

    def __init__(self, status: HTTPStatus, detail: str, fields: list[Fault] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.fields = fields or []


class Item(NamedTuple):
    """A draft with the decision on it; `now` are its cells with that decision."""

    draft: DraftFact
    decision: Decision | None
    is_stale: bool
    now: FactCells

    @property
    def state(self) -> str:
        """accepted, corrected, rejected or undecided."""
        if self.decision is None or self.is_stale:
            return "undecided"
        return _STATES[self.decision.action]

    @property
    def version(self) -> str:
        """Changes with what the draft says."""
        return sha256_parts(self.draft.cells.model_dump_json())[:16]


class Loaded(NamedTuple):
    """What the two files held when they were read."""

    items: dict[str, Item]
    decisions: list[Decision]
    match: Match
    counts: dict[str, int]
    problems: list[Problem]


class ReviewSession:
    """The review of one draft file. Safe between threads.

    Parameters
    ----------
    text
        Lines of the plan; None when they are not at hand.
    places
        Where places lie; None without a build.
    by
        Name of the reviewer that decisions carry; may be empty.
    outline
        Numbers of chapters and sections by line.
    """

    def __init__(
        self,
        draft_path: Path,
        text: PlanText | None = None,
        places: DraftPlaces | None = None,
        by: str = "",
        outline: Outline | None = None,
    ) -> None:
        self.draft_path = draft_path
        self.path = decisions_path(draft_path)
        self.text = text
        self.places = places
        self.by = by
        self.outline = outline or Outline()
        self._lock = threading.RLock()
        self._stamp: tuple[object, ...] = ()
        self._drafts: tuple[tuple[object, ...], DraftFile] | None = None
        self._kept: tuple[tuple[object, ...], DecisionFile] | None = None
        self._loaded: Loaded | None = None

    def current(self) -> Loaded:
        """Drafts and decisions as they are now."""
        with self._lock:
            drafted, decided = _stamp(self.draft_path), _stamp(self.path)
            if self._loaded is None or (drafted, decided) != self._stamp:
                if self._drafts is None or self._drafts[0] != drafted:
                    self._drafts = drafted, read_drafts(self.draft_path)
                if self._kept is None or self._kept[0] != decided:
                    self._kept = decided, read_decisions(self.path)
                self._loaded = _load(self._drafts[1], self._kept[1])
                self._stamp = drafted, decided
            return self._loaded

    def _append(self, loaded: Loaded, decision: Decision) -> None:
        """Write a decision; the file need not be read again when nobody else has written to it."""
        before = _stamp(self.path)
        append_decisions(self.path, [decision])
        if self._kept is not None and self._kept[0] == before:
            kept = DecisionFile([*loaded.decisions, decision], self._kept[1].problems)
            self._kept = _stamp(self.path), kept

    def decide(
        self, action: Action, draft_id: str, version: str, values: Mapping[str, Any], note: str = ""
    ) -> Decision:
        """Check a decision, write it to the file, and return it.

        Raises
        ------
        RefusedError
            If the draft is not there or has changed, or a field is wrong.
        """
        with self._lock:
            loaded = self.current()
            if action is Action.ADD:
                anchor, decision_set, seen = self._added(loaded, values)
            else:
                item = loaded.items.get(draft_id)
                if item is None:
                    raise RefusedError(HTTPStatus.NOT_FOUND, f"there is no draft {draft_id[:100]!r} any more.")
                if version != item.version:
                    raise RefusedError(HTTPStatus.CONFLICT, "the draft has been extracted anew; look at it again.")
                # A fact that was decided before keeps its anchor, so that the decisions on it stay one thread.
                anchor = item.decision.anchor if item.decision is not None else item.draft.anchor
                action, decision_set, seen = self._decided(action, item, values)
            try:
                decision = Decision(
                    at=next_time(datetime.now(UTC), loaded.decisions), action=action, anchor=anchor,
                    set=decision_set, seen=seen, by=self.by, note=note,
                )  # fmt: skip
            except ValidationError as error:
                first = error.errors(include_url=False, include_context=False, include_input=False)[0]
                raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(first["msg"])[:300]) from None
            self._append(loaded, decision)
            return decision

    def _decided(
        self, action: Action, item: Item, values: Mapping[str, Any]
    ) -> tuple[Action, dict[str, Any], FactCells | None]:
        cells = item.draft.cells
        if action is Action.UNDO:
            if item.decision is None:
                raise RefusedError(HTTPStatus.CONFLICT, "there is no decision to take back.")
            return action, {}, None
        if action is Action.REJECT:
            return action, {}, cells
        wanted = self._checked(_with_values(cells, values if action is Action.CORRECT else {}))
        before, after = cells.model_dump(mode="json"), wanted.model_dump(mode="json")
        changed = {name: after[name] for name in after if after[name] != before[name] and name != "id"}
        if "figures" in changed:
            changed["figures"] = wanted.filled().get("figures", [])
        return (Action.CORRECT if changed else Action.ACCEPT), changed, cells

    def _added(self, loaded: Loaded, values: Mapping[str, Any]) -> tuple[Anchor, dict[str, Any], None]:
        first = next(iter(loaded.items.values()), None)
        plan = first.draft.id.partition("-")[0] if first else "plan"
        cells = _with_values(FactCells(), values)
        line = cells.line if cells.line.isdecimal() else "0"
        cells = self._checked(cells.changed({"id": f"{plan}-{int(line)}-00"}))
        return anchor_of(cells), {name: value for name, value in cells.filled().items() if name != "id"}, None

    def _checked(self, cells: FactCells) -> FactCells:
        """The cells if all are right."""
        wrong = faults(cells)
        if self.places is not None and not any(fault.field == "places" for fault in wrong):
            told = self.places.fault(cells.places)
            wrong += [Fault("places", told)] if told else []
        if self.text is not None and not wrong and not self.text.holds(cells):
            wrong = [Fault("span", "the plan's text has no such characters.")]
        if wrong:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{len(wrong)} fields are wrong.", wrong)
        return cells


def _with_values(cells: FactCells, values: Mapping[str, Any]) -> FactCells:
    """`cells` with the values of a form; a figure that names no line stands where the fact does."""
    try:
        changed = cells.changed({name: value for name, value in values.items() if name != "id"})
    except ValidationError as error:
        wrong = []
        for item in error.errors(include_url=False, include_context=False, include_input=False):
            at = [part for part in item["loc"] if part != "figures"]
            number = at[0] if at and isinstance(at[0], int) else None
            wrong.append(Fault(str(at[-1])[:40] if at else "figures", str(item["msg"])[:200], number))
        raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"{len(wrong)} fields are wrong.", wrong) from None
    figures = [
        {**{name: getattr(figure, name) for name in FIGURE_FIELDS}, "line": figure.line or changed.line,
         "span": figure.span or changed.span}
        for figure in changed.figures
    ]  # fmt: skip
    return in_vocabulary(changed.changed({"figures": figures}))


def _load(file: DraftFile, kept: DecisionFile) -> Loaded:
    match = match_decisions(file.drafts, kept.decisions)
    items: dict[str, Item] = {}
    for index, draft in enumerate(file.drafts):
        decision = match.decided.get(index) or match.stale.get(index)
        confirmed = decision.result() if decision is not None else None
        now = draft.cells if confirmed is None else confirmed.model_copy(update={"id": draft.id})
        items[draft.id] = Item(draft, decision, index in match.stale, now)
    counts = states(file.drafts, match)
    counts |= {
        "total": len(file.drafts),
        "added": sum(one.action is Action.ADD for one in standing(kept.decisions)),
        "lost": len(match.lost),
    }
    return Loaded(items, kept.decisions, match, counts, [*file.problems, *kept.problems])


def _stamp(path: Path) -> tuple[object, ...]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
