"""What the headers of a request say of its client: read once, and kept for as long as it sends the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from starlette.types import Scope

from services.api.answers import header, prefers_html, prefers_json, takes_gzip
from services.api.links import base_url
from services.api.security import has_host

SAME_HEADERS = "geoplan.same_headers"
"""Key of the scope under which is kept what was found out from the headers and the connection alone.

`services.api.prompt` hands it on from one request to the next while these stay the same.
"""
T = TypeVar("T")


class Client(NamedTuple):
    """A client's wishes.

    Attributes
    ----------
    gzip
        Whether it takes compressed bodies.
    html, json
        Whether it ranks pages above JSON, and JSON above vector tiles.
    known
        Its ``If-None-Match``.
    base
        Address of the service without a slash at its end, as the client wrote it.
    has_host
        Whether its ``Host`` is one, if it sent any.
    """

    gzip: bool
    html: bool
    json: bool
    known: bytes | None
    base: str
    has_host: bool


def once(scope: Scope, find: Callable[[Scope], T]) -> T:
    """What `find` makes of the headers and the connection, and of nothing else, of a request."""
    kept: dict[Any, Any] | None = scope.get(SAME_HEADERS)
    if kept is None:
        return find(scope)
    if find not in kept:
        kept[find] = find(scope)
    found: T = kept[find]
    return found


def client_of(scope: Scope) -> Client:
    """The client that sent a request."""
    return once(scope, _read)


def _read(scope: Scope) -> Client:
    accept = header(scope, b"accept") or b""
    gzip = takes_gzip(header(scope, b"accept-encoding") or b"")
    known = header(scope, b"if-none-match")
    return Client(gzip, prefers_html(accept), prefers_json(accept), known, base_url(scope), has_host(scope))
