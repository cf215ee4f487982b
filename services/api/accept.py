"""The event loop of a worker: connections are shared out among all workers that listen on one socket.

The system gives a waiting connection to whoever asks first, and a loop asks for all that wait: a browser's handful
of lasting connections then often lies with one worker, and the others idle. Here a worker takes few at a time, and
waits the longer before it takes more the more it has, so that those with fewer come first. Nothing is shared between
the processes, so nothing has to be mended when one of them dies.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sized
from typing import Any

import uvloop

_MOST_WAIT_S = 0.004
_WAIT_S = 0.001
_SHARE = 8
"""A worker takes one connection at a time, and one more for each so many that it has."""


class FairLoop(uvloop.Loop):
    """uvloop, but for how it listens on a socket that it is given."""

    async def create_server(
        self, protocol_factory: Any, *args: Any, sock: socket.socket | None = None, **options: Any
    ) -> Any:
        """Listen; a socket that is given may be shared with other processes."""
        if sock is None or options.get("ssl") is not None:
            return await super().create_server(protocol_factory, *args, sock=sock, **options)
        sock.listen(options.get("backlog", 100))
        return FairListener(self, sock, protocol_factory)


class FairListener:
    """Takes connections from a socket that other processes take from as well.

    Parameters
    ----------
    loop
        The loop of this process.
    listening
        The socket; `close` leaves it open.
    protocol_factory
        Makes the protocol of a connection, which knows all that are open as its `connections` (as uvicorn's does).
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, listening: socket.socket, protocol_factory: Callable[[], Any]
    ) -> None:
        self._loop = loop
        self._listening = listening
        self._protocol_factory = protocol_factory
        self._connections: Sized = ()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None
        listening.settimeout(0)
        self._listen()

    def close(self) -> None:
        """Take no more connections."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listening)

    async def wait_closed(self) -> None:
        """Nothing is left to wait for."""

    def _listen(self) -> None:
        self._loop.add_reader(self._listening, self._woken)

    def _woken(self) -> None:
        open_ = len(self._connections)
        if open_ == 0:
            self._take(1)
            return
        self._loop.remove_reader(self._listening)
        self._timer = self._loop.call_later(min(open_ * _WAIT_S, _MOST_WAIT_S), self._waited)

    def _waited(self) -> None:
        self._timer = None
        self._take(1 + len(self._connections) // _SHARE)
        self._listen()

    def _take(self, most: int) -> None:
        for _ in range(most):
            try:
                connection, _ = self._listening.accept()
            except OSError:
                # None waits any more; or no file descriptor is left, and it waits until there is.
                return
            connection.settimeout(0)
            task = self._loop.create_task(self._connected(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connected(self, connection: socket.socket) -> None:
        _, protocol = await self._loop.connect_accepted_socket(self._protocol_factory, connection)
        self._connections = protocol.connections
