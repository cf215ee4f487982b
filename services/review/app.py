"""The application of a review; `geoplan review` runs it on 127.0.0.1."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import Response

import geoplan
from geoplan.documents.outline import Outline
from geoplan.documents.review.context import PlanText
from geoplan.errors import BuildError, DocumentError, RecordError
from geoplan.layers.store import Build
from services.api import errors, routes_layers, routes_places, routes_tiles
from services.api.errors import CatchErrors, Problem
from services.api.http_cache import HttpCache
from services.api.responses import REVALIDATE
from services.api.security import Security
from services.api.state import Snapshot
from services.api.static import file_response, static_router
from services.review import routes
from services.review.guard import Guard
from services.review.places import DraftPlaces
from services.review.session import ReviewSession


class _OneBuild:
    """The build that was current when the review began: places do not move under the reviewer."""

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._snapshot = snapshot

    def current(self) -> Snapshot:
        """Its snapshot; raises `BuildError` when there is none."""
        if self._snapshot is None:
            raise BuildError("nothing is built yet; run `geoplan build`.")
        return self._snapshot


def create_review_app(
    draft_path: Path,
    text: PlanText | None,
    build: Build | None,
    token: str,
    *,
    viewer_dir: Path,
    area: str = "",
    by: str = "",
    outline: Outline | None = None,
) -> FastAPI:
    """The application for one draft file.

    Parameters
    ----------
    draft_path
        The draft; the decisions are kept beside it.
    text
        The plan's lines and headings; None shows line numbers only.
    build
        The build whose boundaries are drawn; None draws nothing.
    token
        What the page must send; long and random.
    area
        Path of the division that the plan is made for.
    by
        Name of the reviewer, kept with every decision; may be empty.
    outline
        Numbers of chapters and sections by line, shown where the text is not at hand.
    """
    app = FastAPI(
        title="geoplan review",
        version=geoplan.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(Security), Middleware(Guard, token=token), Middleware(HttpCache), Middleware(CatchErrors),
        ],
    )  # fmt: skip
    snapshot = Snapshot(build) if build is not None else None
    app.state.builds = _OneBuild(snapshot)
    places = DraftPlaces(snapshot, area) if snapshot is not None else None
    app.state.prepare = places.prepare if places is not None else lambda: None
    app.state.review = ReviewSession(draft_path, text, places, by, outline)
    errors.install(app)
    app.add_exception_handler(RecordError, _on_unreadable)
    app.add_exception_handler(DocumentError, _on_unreadable)

    @app.get("/")
    def get_page() -> Response:
        return file_response(viewer_dir, "review.html", REVALIDATE)

    for module in (routes, routes_layers, routes_tiles, routes_places):
        app.include_router(module.router)
    app.include_router(static_router(viewer_dir))
    return app


def _on_unreadable(_request: Request, error: Exception) -> Response:
    """The draft or its decisions were moved or spoiled while the review was open; the reviewer owns both files."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
