"""The routes of the review: session, drafts, one draft with its sentence, places, decisions."""

from __future__ import annotations

from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from geoplan.documents.review.cells import Fault, faults
from geoplan.documents.review.context import ShownLine, shown_lines
from geoplan.documents.review.decisions import Action, Decision
from geoplan.documents.review.matching import differs
from geoplan.records.cells import parse_span
from geoplan.terms import LABELS, THEMES, Change, GeometrySource, Kind, Measure, Per, Precision, Qualifier, Status
from services.api.errors import Problem
from services.api.parameters import only
from services.api.responses import JSON, NEVER, GeoJSON
from services.review.session import Item, RefusedError, ReviewSession

router = APIRouter(prefix="/review", tags=["review"])

MAX_BODY = 64 << 10
MAX_LIMIT = 500
_SHOWN_PROBLEMS = 200
_FAMILIES: dict[str, type[StrEnum]] = {
    "kinds": Kind, "status": Status, "measure": Measure, "qualifier": Qualifier, "change": Change, "per": Per,
    "precision": Precision, "geometry_source": GeometrySource,
}  # fmt: skip


class DecisionRequest(BaseModel):
    """What the page sends: the draft as it was shown (by its version), the action, and the changed fields."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    draft: str = Field(default="", max_length=200)
    version: str = Field(default="", max_length=64)
    set: dict[str, Any] = Field(default_factory=dict, max_length=40)
    note: str = Field(default="", max_length=300)


def _session(request: Request) -> ReviewSession:
    session: ReviewSession = request.app.state.review
    return session


Session = Annotated[ReviewSession, Depends(_session)]


@router.get("/session", dependencies=[only()])
def get_session(session: Session) -> Response:
    """What is reviewed, how far it is, and the words for the codes."""
    loaded = session.current()
    misfits = 0
    if session.text is not None:
        misfits = sum(not session.text.holds(item.draft.cells) for item in loaded.items.values())
    return JSON(
        {
            "draft": session.draft_path.name,
            "decisions": session.path.name,
            "has_text": session.text is not None,
            "has_build": session.places is not None,
            "area": session.places.area if session.places else "",
            "misfits": misfits,
            "counts": loaded.counts,
            "problems": [str(problem) for problem in loaded.problems[:_SHOWN_PROBLEMS]],
            "kinds": sorted({item.now.kind for item in loaded.items.values()}),
            "terms": _terms(),
        },
        cache=NEVER,
    )


@router.get("/drafts", dependencies=[only("state", "kind", "q", "order", "limit", "offset")])
def list_drafts(
    session: Session,
    state: Literal["all", "undecided", "accepted", "corrected", "rejected"] = "all",
    kind: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=100, description="Words of name, places, id or statement.")] = "",
    order: Literal["line", "confidence"] = "line",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 100,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """Drafts in the order of the plan, or the least certain first."""
    loaded = session.current()
    found = [
        item
        for item in loaded.items.values()
        if state in ("all", item.state) and kind in ("", item.now.kind) and _has_words(session, item, q.strip())
    ]
    if order == "confidence":
        found.sort(key=lambda item: item.draft.confidence)
    page = [_summary(item) for item in found[offset : offset + limit]]
    return JSON({"matched": len(found), "offset": offset, "items": page, "counts": loaded.counts}, cache=NEVER)


@router.get("/drafts/{draft_id}", dependencies=[only()])
def get_draft(session: Session, draft_id: str) -> Response:
    """One draft with the lines around it; what is marked is told by characters (code points) of each shown text."""
    item = session.current().items.get(draft_id)
    if item is None:
        return Problem(HTTPStatus.NOT_FOUND, "There is no such draft.")
    return JSON(_detail(session, item), cache=NEVER)


@router.get("/places", dependencies=[only("places")])
def get_places(session: Session, places: Annotated[str, Query(max_length=4000)] = "") -> Response:
    """The places of a cell as GeoJSON; those that are not drawn have no geometry."""
    if session.places is None:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "There is no build to draw from. Run `geoplan build`.")
    return GeoJSON(session.places.collection(places), cache=NEVER)


@router.post("/decisions", dependencies=[only()])
async def post_decision(request: Request, session: Session) -> Response:
    """Take a decision; 422 tells every wrong field."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A decision has at most {MAX_BODY >> 10} KB.")
    try:
        asked = DecisionRequest.model_validate(orjson.loads(bytes(body)))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return Problem(HTTPStatus.BAD_REQUEST, f"{'.'.join(map(str, first['loc']))[:100]}: {first['msg'][:200]}")
    except ValueError:
        return Problem(HTTPStatus.BAD_REQUEST, "The body is not JSON.")
    try:
        decision = await run_in_threadpool(
            session.decide, asked.action, asked.draft, asked.version, asked.set, asked.note
        )
    except RefusedError as refused:
        return _refusal(refused)
    loaded = await run_in_threadpool(session.current)
    item = loaded.items.get(asked.draft)
    answer = {
        "decision": _decision(decision),
        "counts": loaded.counts,
        "item": _summary(item) if item else None,
        "draft": await run_in_threadpool(_detail, session, item) if item else None,
    }
    return JSON(answer, cache=NEVER)


def _refusal(refused: RefusedError) -> Response:
    body = {
        "type": "about:blank", "title": refused.status.phrase, "status": int(refused.status),
        "detail": refused.detail, "errors": [_fault(fault) for fault in refused.fields],
    }  # fmt: skip
    response = JSON(body, cache=NEVER, media_type=Problem.media_type)
    response.status_code = int(refused.status)
    return response


def _summary(item: Item) -> dict[str, Any]:
    now = item.now
    return {
        "id": item.draft.id, "name": now.name, "kind": now.kind, "theme": now.theme,
        "places": now.places or now.region, "line": int(item.draft.cells.line),
        "confidence": item.draft.confidence, "state": item.state, "stale": item.is_stale,
    }  # fmt: skip


def _detail(session: ReviewSession, item: Item) -> dict[str, Any]:
    cells = item.draft.cells
    text = session.text
    span = parse_span(cells.span)
    decided = item.decision is not None and not item.is_stale
    return {
        **_summary(item),
        "version": item.version,
        "reasons": list(item.draft.reasons),
        "drafted": cells.model_dump(mode="json"),
        "now": item.now.model_dump(mode="json"),
        "decision": _decision(item.decision) if item.decision else None,
        "changed_since": list(differs(item.decision, cells)) if item.decision else [],
        "faults": [] if decided else [_fault(fault) for fault in faults(item.now)],
        "start": span.start,
        "end": span.end,
        "headings": _headings(session, int(cells.line)),
        "lines": [_line(line) for line in (shown_lines(text, cells) if text else ())],
    }


def _headings(session: ReviewSession, line: int) -> list[dict[str, Any]]:
    """Headings above a line; without the text their numbers only."""
    if session.text is None:
        return [{"text": part, "box": False} for part in session.outline.at(line).split()]
    return [{"text": heading.text, "box": heading.box} for heading in session.text.headings_of(line)]


def _line(line: ShownLine) -> dict[str, Any]:
    marks = [{"start": mark.start, "end": mark.end, "role": mark.role} for mark in line.marks]
    return {"number": line.number, "text": line.text, "offset": line.offset, "cut": line.cut, "marks": marks}


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "at": decision.at, "action": decision.action.value, "by": decision.by, "note": decision.note,
        "fields": sorted(decision.set),
    }  # fmt: skip


def _fault(fault: Fault) -> dict[str, Any]:
    return {"field": fault.field, "figure": fault.figure, "message": fault.message}


def _has_words(session: ReviewSession, item: Item, words: str) -> bool:
    if not words:
        return True
    now = item.now
    if words in item.draft.id or any(words in part for part in (now.name, now.places, now.region, now.note)):
        return True
    cells = item.draft.cells
    if session.text is None or not session.text.holds(cells):
        return False
    span = parse_span(cells.span)
    return words in session.text.lines[int(cells.line) - 1][span.start : span.end]


def _terms() -> dict[str, dict[str, dict[str, str]]]:
    families = {name: {term.value: LABELS[term] for term in family} for name, family in _FAMILIES.items()}
    return {
        name: {code: {"zh": label.zh, "en": label.en} for code, label in labels.items()}
        for name, labels in {"themes": THEMES, **families}.items()
    }
