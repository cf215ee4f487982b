"""Headers that every answer carries, and requests that are refused before any route sees them."""

from __future__ import annotations

import re
from functools import lru_cache
from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.errors import Problem

MAX_TARGET_BYTES = 16_384
"""Longest path and query together."""

CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


class Security:
    """ASGI: refuses over-long targets and malformed hosts, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in HEADERS.items():
                    headers[name] = value
                message = {**message, "headers": headers.raw}
            await send(message)

        await (refusal(scope) or self.app)(scope, receive, send_secured)


def refusal(scope: Scope) -> Problem | None:
    """The answer to a request that no route is to see: its target is too long, or its host is no host."""
    path = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return Problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"The address is longer than {MAX_TARGET_BYTES} bytes.")
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    if host is not None and not _is_host(host):
        return Problem(HTTPStatus.BAD_REQUEST, "The Host header is not a host and a port.")
    return None


@lru_cache(maxsize=256)
def _is_host(value: bytes) -> bool:
    return _HOST.fullmatch(value.decode("latin-1")) is not None
