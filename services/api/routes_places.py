"""Names of places."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from geoplan.query import find_places
from services.api.parameters import only
from services.api.responses import JSON
from services.api.state import CurrentSnapshot

router = APIRouter(tags=["places"])

MAX_NAME = 100


@router.get("/places", dependencies=[only("q", "within", "limit")])
def list_places(
    snapshot: CurrentSnapshot,
    q: Annotated[str, Query(min_length=1, max_length=MAX_NAME, description="Name or code, or its beginning.")],
    within: Annotated[str | None, Query(max_length=MAX_NAME, description="Division to look in.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> Response:
    """What a name means: ``unique``, ``ambiguous``, or ``unknown`` with suggestions."""
    places = find_places(snapshot.gazetteer, q, within=within, near=snapshot.areas, limit=limit)
    return JSON(
        {
            "status": places.status.value,
            "candidates": [
                {
                    "name": place.name,
                    "code": place.code,
                    "level": place.level.value,
                    "parent": place.parent,
                    "as_of": place.as_of,
                    "via": place.via,
                    "bounds": list(bounds) if (bounds := snapshot.bounds_of(place)) else None,
                }
                for place in places.candidates
            ],
        }
    )
