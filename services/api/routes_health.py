"""Whether the service can answer."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from services.api.parameters import only
from services.api.responses import JSON, NEVER
from services.api.state import CurrentSnapshot

router = APIRouter(tags=["service"])


@router.get("/healthz", dependencies=[only()])
def get_health(snapshot: CurrentSnapshot) -> Response:
    """Version of the build that is served; 503 when there is none."""
    return JSON({"status": "ok", "build": {"version": snapshot.build.version}}, cache=NEVER)
