"""Headers that every answer carries, and requests that are refused before any route sees them."""

from __future__ import annotations

import re
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
    if is_too_long(scope):
        return Problem(HTTPStatus.REQUEST_URI_TOO_LONG, f"The address is longer than {MAX_TARGET_BYTES} bytes.")
    if not has_host(scope):
        return Problem(HTTPStatus.BAD_REQUEST, "The Host header is not a host and a port.")
    return None


def is_too_long(scope: Scope) -> bool:
    """Whether a request's path and query are longer than `MAX_TARGET_BYTES`."""
    path = scope.get("raw_path") or scope["path"].encode()
    return len(path) + len(scope["query_string"]) > MAX_TARGET_BYTES


def has_host(scope: Scope) -> bool:
    """Whether a request's ``Host`` is a host and a port, if it has one."""
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    return host is None or _HOST.fullmatch(host.decode("latin-1")) is not None
