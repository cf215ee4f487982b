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
_GZIP = b"content-encoding: gzip\r\n"


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
    """An answer in the form that one kind of client gets.

    Attributes
    ----------
    status
        HTTP status.
    own
        Headers of the body as they are sent, each with the end of its line.
    shared
        The other headers, which a 304 in its place has as well.
    body, etag
        The bytes and their tag.
    """

    status: int
    own: bytes
    shared: bytes
    body: bytes
    etag: bytes


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
    status, media_type, body, tag, cache, extra = answer
    etag = tag.encode()
    own, shared = _lines_of(media_type, cache, extra)
    if gzip and len(body) > MIN_GZIP_BYTES:
        body = igzip.compress(body, GZIP_LEVEL, mtime=0)
        own += _GZIP
        etag = packed_etag(tag) if tag else etag
    if status != 204:
        own += b"content-length: %d\r\n" % len(body)
    if etag:
        shared += b"etag: %b\r\n" % etag
    return Sent(status, own, shared, body, etag)


@lru_cache(maxsize=256)
def _lines_of(media_type: str, cache: str, extra: tuple[Header, ...]) -> tuple[bytes, bytes]:
    """Headers of a kind of answers: those of the body, and the others."""
    own = [(b"content-type", media_type.encode())] if media_type else []
    return _lines(own), _lines((*_SECURITY, _VARY, (b"cache-control", cache.encode()), *extra))


def _lines(headers: Iterable[Header]) -> bytes:
    return b"".join([b"%b: %b\r\n" % pair for pair in headers])


def _headers(lines: bytes) -> list[Header]:
    """Headers by name and value, from their lines."""
    pairs = (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in pairs]


def not_modified(sent: Sent, known: bytes) -> bool:
    """Whether the client's ``If-None-Match`` names the answer."""
    return bool(sent.etag) and sent.status in {200, 204} and matches(known, (sent.etag,))


async def respond(sent: Sent, scope: Scope, send: Send, known: bytes | None) -> None:
    """Send an answer, or 304 where the client's ``If-None-Match`` names it; HEAD gets no body."""
    status, headers, body = sent.status, sent.own + sent.shared, sent.body
    if known is not None and not_modified(sent, known):
        status, headers, body = 304, sent.shared, b""
    elif scope["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.start", "status": status, "headers": _headers(headers)})
    await send({"type": "http.response.body", "body": body})


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
