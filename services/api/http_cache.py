"""Conditional requests, compression and HEAD, for every route at once.

A body that is compressed is another representation, so its strong ETag carries the suffix ``-gzip``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from http import HTTPStatus

from isal import igzip
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.responses import IS_HEAD, REVALIDATE

MIN_GZIP_BYTES = 1400
"""What fits into one packet gains nothing."""
_OFF_LOOP_BYTES = 1 << 17
_GZIP_LEVEL = 1
_SUFFIX = "-gzip"
_COMPRESSIBLE = frozenset(
    {
        "application/geo+json",
        "application/javascript",
        "application/json",
        "application/problem+json",
        "application/vnd.mapbox-vector-tile",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
        "text/plain",
    }
)


def etag_of(data: bytes) -> str:
    """Strong ETag of a body."""
    return f'"{hashlib.sha256(data).hexdigest()}"'


def matching_etag(headers: Headers, etag: str) -> str | None:
    """The ETag of `If-None-Match` that is that of the current body or of its compressed form.

    The compressed form counts only when the request accepts it. Lets a route answer 304 before it
    makes the body.
    """
    known = headers.get("if-none-match")
    if known is None:
        return None
    forms = [_gzip_etag(etag), etag] if accepts_gzip(headers) else [etag]
    return _first_match(known, forms)


def accepts_gzip(headers: Headers) -> bool:
    """Whether ``Accept-Encoding`` allows gzip (RFC 9110, 12.5.3; ``q=0`` forbids it)."""
    weights: dict[str, float] = {}
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, parameter = part.strip().partition(";")
        weights[coding.strip()] = weight_of(parameter)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


class HttpCache:
    """ASGI: holds each response back until it is whole, then adds ETag, 304, gzip, and cuts HEAD's body.

    An answer that comes in several parts, such as a large file, is passed on part by part as it is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_head = scope["method"] == "HEAD"
        held = _Held(send, is_head=is_head)
        await self.app({**scope, "method": "GET", IS_HEAD: True} if is_head else scope, receive, held.take)
        if held.passes:
            return
        request, start, body = Headers(scope=scope), held.start, held.body
        if len(body) > _OFF_LOOP_BYTES:
            body = await run_in_threadpool(_finish, request, start, body)
        else:
            body = _finish(request, start, body)
        await send(start)
        await send({"type": "http.response.body", "body": b"" if is_head else body})


class _Held:
    """A response on its way: held back when it is one part, passed on from the first of several."""

    def __init__(self, send: Send, *, is_head: bool) -> None:
        self.start: Message = {}
        self.body = b""
        self.passes = False
        self._send = send
        self._is_head = is_head

    async def take(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self.start.update(message)
        elif message["type"] == "http.response.body":
            if not self.passes and message.get("more_body", False):
                await self._open()
            if not self.passes:
                self.body = message.get("body", b"")
            elif not self._is_head:
                await self._send(message)

    async def _open(self) -> None:
        self.passes = True
        await self._send(self.start)
        if self._is_head:
            await self._send({"type": "http.response.body", "body": b""})


def _finish(request: Headers, start: Message, body: bytes) -> bytes:
    """The body to send; status and headers in `start` are brought in line with it."""
    headers = MutableHeaders(raw=start["headers"])
    if start["status"] == 200:
        headers.setdefault("Cache-Control", REVALIDATE)
        if "etag" not in headers:
            headers["ETag"] = etag_of(body)
    # A range is one of the bytes of the file as it is.
    is_whole = start["status"] != HTTPStatus.PARTIAL_CONTENT
    if is_whole and headers.get("content-type", "").partition(";")[0] in _COMPRESSIBLE:
        headers.add_vary_header("Accept-Encoding")
        if len(body) > MIN_GZIP_BYTES and "content-encoding" not in headers and accepts_gzip(request):
            body = igzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers["Content-Encoding"] = "gzip"
            if "etag" in headers:
                headers["ETag"] = _gzip_etag(headers["etag"])
    known = request.get("if-none-match")
    if start["status"] in (200, 204) and known is not None and "etag" in headers:
        start["status"] = 304 if _first_match(known, [headers["etag"]]) else start["status"]
    if start["status"] in (204, 304):
        for name in ("content-type", "content-length", "content-encoding"):
            del headers[name]
        body = b""
    else:
        headers["Content-Length"] = str(len(body))
    start["headers"] = headers.raw
    return body


def _gzip_etag(etag: str) -> str:
    return f'{etag[:-1]}{_SUFFIX}"'


def _first_match(known: str, etags: Iterable[str]) -> str | None:
    """The first of `etags` in a list of ``If-None-Match``, compared weakly as RFC 9110, 13.1.2 asks."""
    candidates = {part.strip().removeprefix("W/") for part in known.split(",")}
    return next((etag for etag in etags if etag in candidates or "*" in candidates), None)


def weight_of(parameter: str) -> float:
    """Weight that a parameter like ``q=0.5`` gives; 1 without one, 0 for what is no number."""
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
