"""Answers of the raw front: headers made ahead, bodies compressed once, sent without any further look.

An `Answer` is what a handler returns; `Sent` is its form for one client (compressed or not), which
the cache keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from isal import igzip
from starlette.types import Scope, Send

from services.api.http_cache import MIN_GZIP_BYTES, weight_of
from services.api.security import HEADERS

Header = tuple[bytes, bytes]

GZIP_LEVEL = 1
_SECURITY: tuple[Header, ...] = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_VARY: Header = (b"vary", b"Accept, Accept-Encoding")
_GZIP: Header = (b"content-encoding", b"gzip")


class Answer(NamedTuple):
    """What a handler has to say.

    Attributes
    ----------
    status
        HTTP status.
    media_type
        Content type; empty without a body.
    body
        The bytes, not compressed.
    etag
        Entity tag with its quotes (and ``W/``), or empty.
    cache
        Value of ``Cache-Control``.
    extra
        Further headers.
    """

    status: int
    media_type: str
    body: bytes
    etag: str = ""
    cache: str = "no-store"
    extra: tuple[Header, ...] = ()


class Sent(NamedTuple):
    """An answer in the form that one kind of client gets."""

    status: int
    headers: tuple[Header, ...]
    body: bytes
    etag: bytes
    unchanged: tuple[Header, ...]
    """Headers of the 304 in its place."""
    head: bytes
    """The headers as they are sent, each with the end of its line."""

    @property
    def unchanged_head(self) -> bytes:
        """The headers of the 304 as they are sent."""
        return _lines(self.unchanged)


def strong_etag(*parts: str) -> str:
    """Strong entity tag of a body that these texts determine."""
    return f'"{hashlib.blake2b("|".join(parts).encode(), digest_size=16).hexdigest()}"'


def tag_of(body: bytes) -> str:
    """Strong entity tag of a body that nothing but itself tells."""
    return f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'


def packed_etag(etag: str) -> bytes:
    """Tag of the compressed form: another representation, so another strong tag; a weak one stays."""
    return etag.encode() if etag.startswith("W/") else f'{etag[:-1]}-gzip"'.encode()


def prepare(answer: Answer, *, gzip: bool) -> Sent:
    """The form of an answer for a client that takes gzip, or not; large bodies belong in a thread."""
    body, etag = answer.body, answer.etag.encode()
    more: list[Header] = [(b"cache-control", answer.cache.encode()), *answer.extra]
    own: list[Header] = []
    if answer.media_type:
        own.append((b"content-type", answer.media_type.encode()))
    if gzip and len(body) > MIN_GZIP_BYTES:
        body = igzip.compress(body, GZIP_LEVEL, mtime=0)
        own.append(_GZIP)
        etag = packed_etag(answer.etag) if etag else etag
    if answer.status != 204:
        own.append((b"content-length", str(len(body)).encode()))
    if etag:
        more.append((b"etag", etag))
    shared = (*_ALWAYS, *more)
    return Sent(
        answer.status, (*own, *shared), body, etag, shared, b"".join((_lines(own), _ALWAYS_LINES, _lines(more)))
    )


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


_ALWAYS: tuple[Header, ...] = (*_SECURITY, _VARY)
_ALWAYS_LINES = _lines(_ALWAYS)


def not_modified(sent: Sent, known: bytes) -> bool:
    """Whether the client's ``If-None-Match`` names the answer."""
    return bool(sent.etag) and sent.status in {200, 204} and matches(known, (sent.etag,))


async def respond(sent: Sent, scope: Scope, send: Send, known: bytes | None) -> None:
    """Send an answer, or 304 where the client's ``If-None-Match`` names it; HEAD gets no body."""
    if known is not None and not_modified(sent, known):
        await send({"type": "http.response.start", "status": 304, "headers": list(sent.unchanged)})
        await send({"type": "http.response.body", "body": b""})
        return
    # A new list: whatever wraps the front may add headers to it.
    await send({"type": "http.response.start", "status": sent.status, "headers": list(sent.headers)})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else sent.body})


def matches(known: bytes, etags: Iterable[bytes]) -> bool:
    """Whether ``If-None-Match`` names one of the tags, compared weakly (RFC 9110, 13.1.2)."""
    listed = {part.strip().removeprefix(b"W/") for part in known.split(b",")}
    return b"*" in listed or any(etag.removeprefix(b"W/") in listed for etag in etags)


@lru_cache(maxsize=256)
def takes_gzip(value: bytes) -> bool:
    """Whether an ``Accept-Encoding`` allows gzip."""
    weights = _weights(value)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


@lru_cache(maxsize=256)
def prefers_html(value: bytes) -> bool:
    """Whether an ``Accept`` ranks HTML above JSON, as browsers do."""
    weights = _weights(value)
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    json = max((weights.get(kind, 0.0) for kind in ("application/json", "application/geo+json")), default=0.0)
    return html > max(json, weights.get("*/*", 0.0)) or (html > json > 0)


@lru_cache(maxsize=256)
def prefers_json(value: bytes) -> bool:
    """Whether an ``Accept`` names JSON and no vector tile above it."""
    weights = _weights(value)
    json = max(weights.get("application/geo+json", 0.0), weights.get("application/json", 0.0))
    return json > weights.get("application/vnd.mapbox-vector-tile", 0.0)


def header(scope: Scope, name: bytes) -> bytes | None:
    """Value of a request header (lower case), None without."""
    for found, value in scope["headers"]:
        if found == name:
            return bytes(value)
    return None


def _weights(value: bytes) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in value.decode("latin-1").lower().split(",")[:50]:
        name, _, rest = part.strip().partition(";")
        quality = next((item for item in rest.split(";") if item.strip().startswith("q=")), "")
        weights[name.strip()] = weight_of(quality)
    return weights
