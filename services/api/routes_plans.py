"""The plans behind the layers, and their sentences where the user keeps a copy.

Text comes from the user's own copy alone, and only if its bytes are the registered ones. It is never stored on the
way: plan texts are not the project's to hand on.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from geoplan.documents import PlanDocument
from geoplan.documents.citing import CitedText, TextLine, cited_text, open_copy
from geoplan.documents.library import find_copy
from geoplan.documents.outline import Outline
from geoplan.errors import DocumentError, QueryError
from geoplan.settings import Settings
from services.api.errors import NoCopyError
from services.api.parameters import only
from services.api.responses import JSON, NEVER
from services.api.state import CurrentSnapshot, Snapshot

router = APIRouter(tags=["plans"])

MAX_NUMBER = 10_000_000
PlanId = Annotated[str, Path(max_length=100)]
Offset = Annotated[int | None, Query(ge=0, le=MAX_NUMBER)]
_SHOWN = ("id", "title", "title_inferred", "issuer", "number", "date", "area", "lines")


@router.get("/plans", dependencies=[only()])
def list_plans(request: Request, snapshot: CurrentSnapshot) -> Response:
    """The plans behind the layers; ``copy`` says whether its text is at hand."""
    return JSON({"plans": [_described(request, plan) for plan in snapshot.plans]}, cache=NEVER)


@router.get("/plans/{plan_id}", dependencies=[only()])
def get_plan(plan_id: PlanId, request: Request, snapshot: CurrentSnapshot) -> Response:
    """One plan, with the numbers of its chapters and sections by line."""
    plan = _plan(snapshot, plan_id)
    outline = snapshot.outlines.get(plan_id, Outline())
    rows = [{"line": line, "chapter": place} for line, place in zip(outline.lines, outline.places, strict=True)]
    return JSON(_described(request, plan) | {"outline": rows}, cache=NEVER)


@router.get("/plans/{plan_id}/lines/{line}", dependencies=[only("start", "end")])
def get_line(
    plan_id: PlanId,
    line: Annotated[int, Path(ge=1, le=MAX_NUMBER)],
    request: Request,
    snapshot: CurrentSnapshot,
    start: Offset = None,
    end: Offset = None,
) -> Response:
    """A line of a plan with its span in a part of its own, the lines around it and the headings above it.

    404 when the plan is not known, the copy not there, or the plan has no such line.
    """
    plan = _plan(snapshot, plan_id)
    if (start is None) != (end is None) or (start is not None and end is not None and start >= end):
        raise QueryError("start and end are the characters [start, end) of the line; give both, start below end")
    try:
        document = open_copy(_settings(request), PlanDocument(**plan)) if "sha256" in plan else None
    except DocumentError as error:
        raise NoCopyError(f"the copy of {plan_id!r} cannot be read: {error}") from None
    if document is None:
        raise NoCopyError(f"there is no copy of the plan {plan_id!r} here; add one with `geoplan plans add FILE`")
    try:
        cited = cited_text(document, line, None if start is None or end is None else (start, end))
    except DocumentError as error:
        raise NoCopyError(str(error)) from None
    chapter = snapshot.outlines.get(plan_id, Outline()).at(line)
    return JSON(_described(request, plan) | {"chapter": chapter} | _content(cited), cache=NEVER)


def _plan(snapshot: Snapshot, plan_id: str) -> dict[str, Any]:
    plan = next((plan for plan in snapshot.plans if plan["id"] == plan_id), None)
    if plan is None:
        raise NoCopyError(f"there is no plan {plan_id!r}; GET /plans lists them")
    return plan


def _described(request: Request, plan: dict[str, Any]) -> dict[str, Any]:
    described = {key: plan[key] for key in _SHOWN if key in plan}
    return described | {"copy": find_copy(_settings(request), plan.get("sha256", "")) is not None}


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _content(cited: CitedText) -> dict[str, Any]:
    return {
        "line": cited.line,
        "headings": [{"line": heading.line, "text": heading.text[:200]} for heading in cited.headings],
        "cell": list(cited.cell),
        "above": [_line(line) for line in cited.above],
        "before": cited.before,
        "marked": cited.marked,
        "after": cited.after,
        "cut_before": cited.cut_before,
        "cut_after": cited.cut_after,
        "below": [_line(line) for line in cited.below],
    }


def _line(line: TextLine) -> dict[str, Any]:
    return {"line": line.line, "text": line.text, "cut": line.cut}
