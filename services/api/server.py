"""The server: uvicorn with httptools and uvloop, several workers, and bounds on what a connection may hold.

uvicorn ends idle connections after an answer, but waits for ever for a request that does not come,
for headers that come a byte at a time, and for a client that does not read; `GuardedProtocol` bounds these.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import OrderedDict
from typing import Any

import uvicorn

from services.api.prompt import PromptProtocol

HEADER_S = 10.0
"""Longest time from a connection, or the first byte of a request, to the end of its headers."""
READING_S = 60.0
"""Longest time for which a client may not take what was sent to it."""
LINGER_S = 2.0
"""Longest time for which a body is read and thrown away after its request was answered."""
KEEP_ALIVE_S = 15
MAX_HEADER_BYTES = 32 << 10
MAX_CONNECTIONS = 4096
"""Connections of a worker. Above it, the one that waits longest for a request gives way."""
STOP_S = 20
"""Longest time that requests have to end when the service stops."""
BACKLOG = 2048
_SPARE_FILES = 256
"""File descriptors that are not for connections."""

_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

_waiting: OrderedDict[GuardedProtocol, None] = OrderedDict()
"""Connections of this worker that are between requests, the longest waiting first."""


class GuardedProtocol(PromptProtocol):
    """A connection that is ended when it is of no use."""

    most = MAX_CONNECTIONS

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for a request; when there are too many connections, another one gives way."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._in_head = True
        self._running: Any = None
        self._unread: asyncio.TimerHandle | None = None
        self._late: asyncio.TimerHandle | None = self.loop.call_later(HEADER_S, self.end)
        if len(self.connections) > self.most and not _end_one_that_waits():
            transport.write(_BUSY)
            transport.close()
        _waiting[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, and the requests that it had sent ahead."""
        self.pipeline.clear()
        if self._running is not None:
            # uvicorn tells the last request that came, which may be one that waits behind the one at work.
            self._running.disconnected = True
            self._running.message_event.set()
        super().connection_lost(exc)
        _waiting.pop(self, None)
        self._in_time()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read on; headers that are too long or come too slowly end the connection."""
        super().data_received(data)
        if not self._in_head:
            return
        self._head_bytes += len(data)
        if self._head_bytes > MAX_HEADER_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._late is None:
            self._late = self.loop.call_later(HEADER_S, self.end)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_headers_complete(self) -> None:
        """A request is there."""
        self._in_head = False
        self._head_bytes = 0
        self._in_time()
        _waiting.pop(self, None)
        super().on_headers_complete()

    def on_message_begin(self) -> None:
        """Another request begins on the connection."""
        self._in_head = True
        super().on_message_begin()

    def on_response_complete(self) -> None:
        """The connection waits for its next request, unless the body of this one does not end."""
        super().on_response_complete()
        _waiting[self] = None
        if self.cycle is not None and self.cycle.more_body:
            self.loop.call_later(LINGER_S, self._end_body, self.cycle)

    def answered_alike(self) -> None:
        """The connection waits for its next request again."""
        super().answered_alike()
        _waiting.pop(self, None)
        _waiting[self] = None

    def pause_writing(self) -> None:
        """The client does not read: it has some time to do so."""
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The client reads again."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        super().resume_writing()

    def end(self) -> None:
        """End the connection without an answer."""
        if not self.transport.is_closing():
            self.transport.abort()

    def _end_body(self, cycle: Any) -> None:
        if self.cycle is cycle and cycle.more_body:
            self.end()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None


def _end_one_that_waits() -> bool:
    """End the connection that has waited longest for a request; False when all are at work."""
    if not _waiting:
        return False
    connection, _ = _waiting.popitem(last=False)
    connection.end()
    return True


def run(host: str, port: int, workers: int = 1) -> None:
    """Serve until told to stop; a worker that dies is replaced.

    The application reads its settings from the environment, which the workers share. `services.api.app.check` goes
    before: a setting that cannot be used is then one message, not workers that die and are replaced for ever, and
    the kernels are compiled by one process.
    """
    GuardedProtocol.most = min(MAX_CONNECTIONS, _open_files() - _SPARE_FILES)
    uvicorn.run(
        "services.api.app:create",
        factory=True,
        host=host,
        port=port,
        workers=workers if workers > 1 else None,
        loop="services.api.accept:FairLoop",
        http=GuardedProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=STOP_S,
    )


def _open_files() -> int:
    """How many files the process may open, after asking for all that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(hard, 1 << 16) if hard != resource.RLIM_INFINITY else 1 << 16
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    return max(resource.getrlimit(resource.RLIMIT_NOFILE)[0], _SPARE_FILES + 64)
