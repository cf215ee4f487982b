"""Bounds of a request: the size of its body, the time it may take, and how many costly ones run at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoplan.access.policy import Kind, Policy, Requirement
from services.api.access import REQUIREMENT
from services.api.errors import Problem

logger = logging.getLogger(__name__)

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of one kind of request.

    Attributes
    ----------
    body_bytes
        Longest body.
    seconds
        Longest time until the answer begins; None sets no bound.
    at_once
        How many are worked on at once; None sets no bound.
    waiting, wait_s
        How many more may wait for one of these places, and for how many seconds.
    """

    body_bytes: int = MIB
    seconds: float | None = 30.0
    at_once: int | None = None
    waiting: int = 0
    wait_s: float = 2.0


DEFAULTS: Mapping[Kind, Bounds] = MappingProxyType(
    {
        Kind.PAGE: Bounds(body_bytes=0),
        Kind.TILE: Bounds(body_bytes=0),
        Kind.FEATURES: Bounds(),
        Kind.ANALYSIS: Bounds(seconds=60.0, at_once=2, waiting=8),
        Kind.WRITE: Bounds(),
        Kind.UPLOAD: Bounds(body_bytes=512 * MIB, seconds=600.0, at_once=1),
        Kind.ADMIN: Bounds(seconds=60.0),
    }
)


class Limits:
    """ASGI: holds every request to the bounds of its kind.

    Bounded in time is what happens until the answer begins: a stream that has begun is not cut. An answer that comes
    too late is dropped. Its work is not stopped, as work in a thread cannot be: it keeps its place until it has ended,
    so that no more of it is begun than was meant. Only waiting for a body is broken off.

    Parameters
    ----------
    bounds
        By kind; kinds that are missing have those of `DEFAULTS`.
    policy
        The table that tells a request's kind.
    """

    def __init__(self, app: ASGIApp, bounds: Mapping[Kind, Bounds] | None = None, policy: Policy | None = None) -> None:
        self.app = app
        self._policy = policy or Policy()
        self._places = {kind: _Places((bounds or {}).get(kind, default)) for kind, default in DEFAULTS.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted: Requirement = scope.get(REQUIREMENT) or self._policy.requirement(
            scope["method"], get_route_path(scope), scope["query_string"]
        )
        places = self._places[wanted.kind]
        if _announced(scope) > places.bounds.body_bytes:
            await _too_large(places.bounds.body_bytes)(scope, receive, send)
        elif not await places.take():
            busy = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service is busy; try again.", {"Retry-After": "2"})
            await busy(scope, receive, send)
        else:
            await self._run(_Exchange(scope, receive, send, places.bounds.body_bytes), places)

    async def _run(self, exchange: _Exchange, places: _Places) -> None:
        bounds = places.bounds
        timer = None
        if bounds.seconds is not None:
            timer = asyncio.get_running_loop().call_later(bounds.seconds, exchange.expire, asyncio.current_task())
        try:
            await self.app(exchange.scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:
            if not exchange.cancelled_by_us():
                raise
        except Exception:
            # The body's length is the cause, whatever the application made of it.
            if not exchange.too_large or exchange.started:
                raise
            await exchange.send({"type": "http.response.start", "status": 413, "headers": []})
        finally:
            places.give_back()
            if timer is not None:
                timer.cancel()
        await exchange.end()


class _Places:
    """Places for requests of one kind; those who wait get them in their order."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> bool:
        """Take a place, perhaps after a wait; False when there is none to be had."""
        if self.bounds.at_once is None or self._taken < self.bounds.at_once:
            self._taken += 1
            return True
        if len(self._waiting) >= self.bounds.waiting:
            return False
        handed_over = asyncio.get_running_loop().create_future()
        self._waiting.append(handed_over)
        try:
            async with asyncio.timeout(self.bounds.wait_s):
                await handed_over
        except TimeoutError:
            # It may have been handed over in the same moment.
            return not handed_over.cancelled()
        except asyncio.CancelledError:
            if not handed_over.cancelled():
                self.give_back()
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(handed_over)
        return True

    def give_back(self) -> None:
        """Free the place, or hand it to the one who waited longest."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._taken -= 1


class _Exchange:
    """One request and its answer, watched: how much came, whether the answer began, and whether it still may."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, most: int) -> None:
        self.scope = scope
        self.started = False
        self.too_large = False
        self._receive = receive
        self._send = send
        self._most = most
        self._came = 0
        self._whole = False
        self._awaits_body = False
        self._closed = False
        self._cancelled: asyncio.Task[Any] | None = None
        self._late: asyncio.Task[None] | None = None

    async def receive(self) -> Message:
        """The next part of the request; raises 413 when it is too much in all."""
        # After its end only the client's leaving is waited for.
        self._awaits_body = not self._whole
        message = await self._receive()
        self._awaits_body = False
        if message["type"] == "http.request":
            self._whole = not message.get("more_body", False)
            self._came += len(message.get("body", b""))
            if self._came > self._most:
                self.too_large = True
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; dropped when another answer took its place."""
        if self._closed:
            return
        if self.too_large and not self.started:
            await self._instead(_too_large(self._most))
            return
        self.started = True
        await self._send(message)

    def expire(self, work: asyncio.Task[Any] | None) -> None:
        """Answer in place of the application, which took too long; nothing happens once an answer began."""
        if self.started or self._closed:
            return
        logger.warning("%s %s took too long and was given up", self.scope["method"], self.scope["path"])
        self._closed = True
        if self._awaits_body and work is not None:
            problem = Problem(HTTPStatus.REQUEST_TIMEOUT, "The body took too long to come.", {"Connection": "close"})
            self._cancelled = work
            work.cancel()
        else:
            detail = "This took too long; ask for less at a time."
            problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, {"Retry-After": "10"})
        self._late = asyncio.create_task(problem(self.scope, self._receive, self._send))

    def cancelled_by_us(self) -> bool:
        """Whether a cancellation is that of `expire`, and no other one came with it."""
        return self._cancelled is not None and self._cancelled.uncancel() == 0

    async def end(self) -> None:
        """Wait until the answer that was sent instead is out."""
        if self._late is not None:
            await self._late

    async def _instead(self, problem: Problem) -> None:
        self._closed = True
        await problem(self.scope, self._receive, self._send)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            return int(value)
    return 0


def _too_large(most: int) -> Problem:
    # What is left of the body is not read: the connection ends with the answer.
    detail = f"The body is longer than {most} bytes." if most else "This request takes no body."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, {"Connection": "close"})
