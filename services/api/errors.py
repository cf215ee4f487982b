"""Errors as problem details (RFC 9457), and the one table from error class to status.

An error in the table is expected: its message is written for the user and is sent. Any other error
is a fault of the program or the build: it is logged, and the client is told no more than that.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoplan.access.grant import AccessDeniedError
from geoplan.errors import (
    BuildError,
    DocumentError,
    GeoplanError,
    LayerError,
    PackError,
    PlaceError,
    QueryError,
    SourceError,
)  # fmt: skip
from geoplan.processes.catalogue import UnknownProcessError
from geoplan.processes.jobs import TooManyJobsError, UnknownJobError
from geoplan.query import UnknownFeatureError
from geoplan.sources.postgis.address import SourceLimitError, SourceUnavailableError
from geoplan.tiles.grid import TileAddressError
from services.api.responses import NEVER

logger = logging.getLogger(__name__)


class NoCopyError(DocumentError):
    """A plan, a line of it, or a copy of its text that is not there."""


class UnknownParameterError(QueryError):
    """A query parameter that the route does not know, or one given twice."""


class UnknownFormatError(QueryError):
    """A form of answer that the route does not have."""


STATUS: dict[type[GeoplanError], HTTPStatus] = {
    AccessDeniedError: HTTPStatus.FORBIDDEN,
    BuildError: HTTPStatus.SERVICE_UNAVAILABLE,
    PackError: HTTPStatus.SERVICE_UNAVAILABLE,
    LayerError: HTTPStatus.NOT_FOUND,
    NoCopyError: HTTPStatus.NOT_FOUND,
    PlaceError: HTTPStatus.BAD_REQUEST,
    QueryError: HTTPStatus.BAD_REQUEST,
    SourceError: HTTPStatus.BAD_GATEWAY,
    SourceLimitError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    SourceUnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    TileAddressError: HTTPStatus.NOT_FOUND,
    TooManyJobsError: HTTPStatus.TOO_MANY_REQUESTS,
    UnknownFeatureError: HTTPStatus.NOT_FOUND,
    UnknownJobError: HTTPStatus.NOT_FOUND,
    UnknownParameterError: HTTPStatus.BAD_REQUEST,
    UnknownProcessError: HTTPStatus.NOT_FOUND,
}
"""Status of each expected error; a subclass that is not named has that of its base."""

_MOST_FAULTS = 5
_NO_BUILD = "There is no build to serve. Run `geoplan build` on the server."
_FIXED_DETAIL: dict[type[GeoplanError], str] = {
    # The messages name folders of the server, or hosts and users of its databases.
    BuildError: _NO_BUILD,
    PackError: _NO_BUILD,
    SourceError: "The database table behind this layer cannot be read as it is declared. The fault has been logged.",
    SourceUnavailableError: "The database behind this layer does not answer now; try again in a few seconds.",
}
_RETRY_S = 2
"""After how many seconds a database that did not answer may be asked again."""
UNEXPECTED = "The server failed to answer. The fault has been logged."


class Problem(Response):
    """A problem-details body."""

    media_type = "application/problem+json"

    def __init__(self, status: HTTPStatus, detail: str, headers: dict[str, str] | None = None) -> None:
        body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
        super().__init__(orjson.dumps(body), int(status), {"Cache-Control": NEVER, **(headers or {})})


def status_of(error: GeoplanError) -> HTTPStatus | None:
    """Status of an expected error, by its class or the nearest base in the table; None when it is not expected."""
    return next((STATUS[cls] for cls in type(error).__mro__ if cls in STATUS), None)


def install(app: FastAPI) -> None:
    """Make `app` answer errors as problem details."""
    app.add_exception_handler(GeoplanError, _on_geoplan_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


def problem_of(error: GeoplanError) -> Problem | None:
    """The answer to an expected error; None when it is not expected."""
    status = status_of(error)
    if status is None:
        return None
    fixed = next((_FIXED_DETAIL[cls] for cls in type(error).__mro__ if cls in _FIXED_DETAIL), None)
    if fixed is not None:
        logger.warning("%s", error)
    headers = {"Retry-After": str(_RETRY_S)} if isinstance(error, SourceUnavailableError) else None
    return Problem(status, fixed or str(error), headers)


def _on_geoplan_error(_request: Request, error: Exception) -> Response:
    problem = problem_of(error) if isinstance(error, GeoplanError) else None
    if problem is None:
        raise error
    return problem


def _on_invalid_request(_request: Request, error: Exception) -> Response:
    """A parameter that is not of its kind. A path that is not an address (tiles/parks/a/b/c.mvt) is not found."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    if any(fault["loc"][0] == "path" for fault in faults):
        return Problem(HTTPStatus.NOT_FOUND, "There is nothing at this address.")
    texts = [f"{str(fault['loc'][-1])[:100]}: {str(fault['msg'])[:200]}" for fault in faults[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        texts.append(f"and {len(faults) - _MOST_FAULTS} more")
    return Problem(HTTPStatus.BAD_REQUEST, "; ".join(texts))


def _on_http_exception(_request: Request, error: Exception) -> Response:
    """What the router refuses: no such path, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    details = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This address does not take that method.",
    }
    return Problem(status, details.get(status, status.description), dict(error.headers or {}))


class CatchErrors:
    """ASGI: an unexpected error becomes a 500 with a fixed text; the error itself goes to the log."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer in its place when it fails before its first byte."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            await Problem(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)(scope, receive, send)
