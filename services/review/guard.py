"""Who may ask: only a page of this very service, opened with its token, on this machine."""

from __future__ import annotations

import hmac
import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.errors import Problem

PREFIX = "/review/"
TOKEN_HEADER = "X-Geoplan-Token"  # noqa: S105 - the name of a header
# A name that leads here by way of a foreign name server is refused (DNS rebinding).
_LOCAL = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?")


class Guard:
    """ASGI: refuses requests by other host names, without the token, and writes that come from another page."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self.app = app
        self.token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = None if _LOCAL.fullmatch(headers.get("host", "")) else _elsewhere()
        if refusal is None and scope["path"].startswith(PREFIX):
            refusal = self._without_token(headers) or _as_write(scope["method"], headers)
        await (refusal or self.app)(scope, receive, send)

    def _without_token(self, headers: Headers) -> Problem | None:
        if hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self.token):
            return None
        return Problem(HTTPStatus.UNAUTHORIZED, "Open the address that `geoplan review` printed.")


def _elsewhere() -> Problem:
    return Problem(HTTPStatus.FORBIDDEN, "The review is open on this machine only, at 127.0.0.1.")


def _as_write(method: str, headers: Headers) -> Problem | None:
    """What is wrong with a request that writes; None for one that reads."""
    if method in {"GET", "HEAD"}:
        return None
    if headers.get("origin") != f"http://{headers['host']}":
        return Problem(HTTPStatus.FORBIDDEN, "Decisions are taken from the page of the review only.")
    if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        return Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "A decision is sent as application/json.")
    return None
