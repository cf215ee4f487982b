"""The raw front: tiles and features are answered before any framework sees the request.

A request is a path taken apart, a look into the cache, and two messages. What takes long is made in
a few threads (the kernels run without the interpreter's lock), and identical tiles that are asked
for at once are made once. Everything else goes on to the application.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Protocol

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from geoplan.access.grant import current_grant, visible
from geoplan.errors import GeoplanError
from services.api import faults
from services.api.answers import Answer, Sent, matches, packed_etag, prepare, respond
from services.api.catalog import Shelf
from services.api.client import Client, client_of
from services.api.errors import UNEXPECTED
from services.api.items import ItemsRequest, feature_request, items_request
from services.api.live_items import live_feature, live_items
from services.api.responses import REVALIDATE
from services.api.security import is_too_long
from services.api.targets import parse_query
from services.api.tile_cache import Entry, TileCache
from services.api.tile_requests import (
    DATASET_PARAMETERS,
    PARAMETERS,
    TileRequest,
    named_collections,
    tile_request,
    xyz_request,
)

logger = logging.getLogger(__name__)

CACHE_BYTES = 128 << 20
THREADS = 4
MAX_WAITING = 256
"""Requests that may wait for a thread; more are told to come again."""
MAX_READING = 32
"""Requests that may wait for a database, each with rows in memory."""
_Work = Sent | Awaitable[Sent]
_BEGUN = "geoplan.begun"
"""Key of the scope under which the way to an answer is kept that could not be given at once."""
_READING = frozenset({"GET", "HEAD"})
_OFF_LOOP_BYTES = 1 << 20
"""Larger bodies are compressed in a thread: that takes longer than 2 ms, and handing it over a fifth of one."""


class Shelves(Protocol):
    """What the front takes its shelf from."""

    def shelf(self) -> Shelf:
        """What is served now."""
        ...


class Front:
    """ASGI: answers tiles and features, and hands on the rest.

    Parameters
    ----------
    app
        The application behind.
    shelves
        Returns what is served; asked at every request.
    cache_bytes
        Memory for answers that are kept.
    """

    def __init__(self, app: ASGIApp, shelves: Callable[[], Shelves], cache_bytes: int = CACHE_BYTES) -> None:
        self.app = app
        self.cache = TileCache(cache_bytes)
        self._shelves = shelves
        self._threads = ThreadPoolExecutor(max_workers=max(2, min(THREADS, os.cpu_count() or 1)))
        self._waiting = self._reading = 0
        self._being_made: dict[Any, asyncio.Future[Sent]] = {}

    def prompt(self, scope: Scope) -> Sent | None:
        """The answer, where it can be made at once; else what was begun is kept in the scope for `__call__`."""
        work = self._begun(scope)
        if isinstance(work, Sent):
            return work
        if work is not None:
            scope[_BEGUN] = work
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        work = scope.pop(_BEGUN, None) or self._begun(scope)
        if work is None:
            await self.app(scope, receive, send)
            return
        sent = work if isinstance(work, Sent) else await self._ended(scope, work)
        await respond(sent, scope, send, client_of(scope).known)

    def _begun(self, scope: Scope) -> _Work | None:
        """The answer of the front or the way to it; None when the request is for the application behind."""
        if scope["method"] not in _READING:
            return None
        parts = get_route_path(scope).split("/")
        answer = self._handler(parts)
        if answer is None or is_too_long(scope):
            return None
        client = client_of(scope)
        if not client.has_host:
            return None
        try:
            return answer(scope, parts, client)
        except Exception as error:  # noqa: BLE001 - every fault is an answer
            return _failed(scope, error)

    async def _ended(self, scope: Scope, work: Awaitable[Sent]) -> Sent:
        try:
            return await work
        except Exception as error:  # noqa: BLE001 - every fault is an answer
            return _failed(scope, error)

    def _handler(self, parts: list[str]) -> Callable[[Scope, list[str], Client], _Work] | None:
        """Who answers a path; None for the application behind."""
        count = len(parts)
        if count < 4 or "" in parts[1:]:
            return None
        if parts[1] == "tiles" and count == 6:
            return self._xyz if "." in parts[5] else self._dataset_tile
        if parts[1] != "collections":
            return None
        if count == 8 and parts[3] == "tiles":
            return self._tile
        if parts[3] != "items" or count > 5:
            return None
        return self._items if count == 4 else self._feature

    def _xyz(self, scope: Scope, parts: list[str], client: Client) -> _Work:
        def request(shelf: Shelf) -> TileRequest:
            return xyz_request(shelf, parts[2], (parts[3], parts[4], parts[5]), scope["query_string"])

        return self._kept_tile(scope, client, "", request)

    def _tile(self, scope: Scope, parts: list[str], client: Client) -> _Work:
        kind = _tile_kind(client)
        address = (parts[4], parts[5], parts[6], parts[7])

        def request(shelf: Shelf) -> TileRequest:
            return tile_request(shelf, (parts[2],), address, parse_query(scope["query_string"], PARAMETERS), kind)

        return self._kept_tile(scope, client, kind, request)

    def _dataset_tile(self, scope: Scope, parts: list[str], client: Client) -> _Work:
        kind = _tile_kind(client)
        address = (parts[2], parts[3], parts[4], parts[5])
        # What all collections are depends on who asks.
        seen = [id_ for id_ in self._shelves().shelf().collections if visible(id_)] if current_grant.get() else ()

        def request(shelf: Shelf) -> TileRequest:
            parameters = parse_query(scope["query_string"], DATASET_PARAMETERS)
            ids = [id_ for id_ in named_collections(shelf, parameters) if visible(id_)]
            return tile_request(shelf, ids, address, parameters, kind)

        return self._kept_tile(scope, client, f"{kind} {','.join(seen)}", request)

    def _kept_tile(self, scope: Scope, client: Client, variant: str, request: Callable[[Shelf], TileRequest]) -> _Work:
        shelf = self._shelves().shelf()
        gzip, known = client.gzip, client.known
        key = (scope["path"], scope["query_string"], variant, gzip)
        entry = self.cache.get(key)
        if entry is not None and entry.generation == shelf.generation:
            return entry.sent
        asked = request(shelf)
        etag = packed_etag(asked.etag) if gzip else asked.etag.encode()
        if entry is not None and entry.sent.etag in {etag, asked.etag.encode()}:
            entry.generation = shelf.generation
            return entry.sent
        if known is not None and b"*" not in known and matches(known, {etag, asked.etag.encode()}):
            return prepare(Answer(200, "", b"", _named(known, asked.etag), "public, max-age=60"), gzip=False)
        if asked.read is not None:
            return self._live_tile(client, asked)
        if not asked.is_heavy:
            return self._keep(key, shelf, prepare(asked.make(), gzip=gzip))
        return self._made_once(key, shelf, lambda: prepare(asked.make(), gzip=gzip))

    async def _made_once(self, key: Any, shelf: Shelf, make: Callable[[], Sent]) -> Sent:
        """What `make` returns in a thread; those who ask for the same meanwhile wait for it."""
        job = (key, shelf.generation)
        future = self._being_made.get(job)
        if future is None:
            future = asyncio.ensure_future(self._in_thread(make))
            self._being_made[job] = future
            future.add_done_callback(lambda _: self._being_made.pop(job, None))
        # A client that leaves must not take the tile from the others.
        return self._keep(key, shelf, await asyncio.shield(future))

    def _keep(self, key: Any, shelf: Shelf, sent: Sent) -> Sent:
        # An empty tile is quickly made again, and anyone can ask for billions of them; a refusal is for now only.
        if sent.status == HTTPStatus.OK:
            self.cache.put(key, Entry(sent, shelf.generation))
        return sent

    async def _in_thread(self, make: Callable[[], Sent]) -> Sent:
        if self._waiting >= MAX_WAITING:
            return prepare(faults.problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, faults.BUSY, retry_s=1), gzip=False)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, make)
        finally:
            self._waiting -= 1

    def _items(self, scope: Scope, parts: list[str], client: Client) -> _Work:
        shelf, query = self._shelves().shelf(), scope["query_string"]
        collection = shelf.collection(parts[2])
        if collection.live is not None:
            found = live_items(collection.live, shelf, query, client.base, html=client.html)
            return self._live(client, found)
        return self._run(client, items_request(shelf, collection, query, client.base, html=client.html))

    def _feature(self, scope: Scope, parts: list[str], client: Client) -> _Work:
        query = scope["query_string"]
        collection = self._shelves().shelf().collection(parts[2])
        if collection.live is not None:
            found = live_feature(collection.live, parts[4], query, client.base, html=client.html)
            return self._live(client, found)
        return self._run(client, feature_request(collection, parts[4], query, client.base, html=client.html))

    def _run(self, client: Client, request: ItemsRequest) -> _Work:
        gzip, known = client.gzip, client.known
        if known is not None and b"*" not in known and request.etag and matches(known, (request.etag.encode(),)):
            return prepare(Answer(200, "", b"", request.etag, request.cache), gzip=False)
        if request.is_heavy:
            return self._in_thread(lambda: prepare(request.make(), gzip=gzip))
        answer = request.make()
        if len(answer.body) > _OFF_LOOP_BYTES and gzip:
            return self._in_thread(lambda: prepare(answer, gzip=True))
        return prepare(answer, gzip=gzip)

    async def _live(self, client: Client, reading: Coroutine[Any, Any, Callable[[], Answer]]) -> Sent:
        """The answer that is made of what is read of a database."""
        if self._reading >= MAX_READING:
            reading.close()
            return prepare(faults.problem_answer(HTTPStatus.SERVICE_UNAVAILABLE, faults.BUSY, retry_s=1), gzip=False)
        self._reading += 1
        try:
            make = await reading
            return await self._in_thread(lambda: prepare(make(), gzip=client.gzip))
        finally:
            self._reading -= 1

    async def _live_tile(self, client: Client, asked: TileRequest) -> Sent:
        """A tile as it is now; a client that may have it costs no more than a look at the version of its rows."""
        read, known = asked.read, client.known
        assert read is not None

        async def made() -> Callable[[], Answer]:
            if known is not None and b"*" not in known:
                etag = (await read(only_version=True)).etag
                if etag and matches(known, {packed_etag(etag), etag.encode()}):
                    return lambda: Answer(200, "", b"", _named(known, etag), REVALIDATE)
            return (await read(only_version=False)).make

        return await self._live(client, made())


def _tile_kind(client: Client) -> str:
    return "geojson" if client.json else "mvt"


def _failed(scope: Scope, error: Exception) -> Sent:
    """The answer to a request that failed: what a person can do something about is told, the rest is logged."""
    answer = faults.answer_for(error) if isinstance(error, GeoplanError) else None
    if answer is None:
        logger.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
        answer = faults.problem_answer(HTTPStatus.INTERNAL_SERVER_ERROR, UNEXPECTED)
    return prepare(answer, gzip=False)


def _named(known: bytes, etag: str) -> str:
    """The form of the tag that the client has."""
    packed = packed_etag(etag)
    return packed.decode() if matches(known, (packed,)) else etag
