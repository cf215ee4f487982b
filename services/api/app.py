"""The application. Run it with ``uvicorn --factory services.api.app:create``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.middleware import Middleware

import geoplan
from geoplan.settings import Settings, find_settings
from services.api import errors, routes_health, routes_layers, routes_places, routes_plans, routes_tiles
from services.api.errors import CatchErrors, Problem
from services.api.http_cache import HttpCache
from services.api.security import Security
from services.api.state import Builds
from services.api.static import static_router


def create_app(settings: Settings) -> FastAPI:
    """The application over the builds in ``settings.build_dir``.

    Nothing is read before the first request; without a build every data route answers 503.

    Parameters
    ----------
    settings
        Where the builds and the web page are.
    """
    app = FastAPI(
        title="geoplan",
        version=geoplan.__version__,
        description="Administrative boundaries joined with what plans promise: layers, features, tiles, places.",
        openapi_url="/api",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # The outermost first.
        middleware=[Middleware(Security), Middleware(HttpCache), Middleware(CatchErrors)],
    )
    app.state.builds = Builds(settings.build_dir)
    app.state.settings = settings
    errors.install(app)
    for module in (routes_layers, routes_tiles, routes_places, routes_plans, routes_health):
        app.include_router(module.router)
    app.include_router(static_router(settings.viewer_dir))
    _describe_errors(app)
    return app


def create() -> FastAPI:
    """The application for the environment and the working folder (uvicorn's factory).

    Raises
    ------
    SettingsError
        If they name no project.
    """
    return create_app(find_settings(os.environ, Path.cwd()))


def _describe_errors(app: FastAPI) -> None:
    """Make the OpenAPI document name the errors this service sends, not FastAPI's own 422."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = {
                    "description": "Problem details (RFC 9457)",
                    "content": {Problem.media_type: {"schema": {"type": "object"}}},
                }
        return document

    app.openapi = openapi  # type: ignore[method-assign]
