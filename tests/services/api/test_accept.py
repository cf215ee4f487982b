"""Connections are shared out among workers that listen on one socket."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

from services.api.accept import FairLoop


class _Echo(asyncio.Protocol):
    """A protocol that knows all open connections of its worker, as uvicorn's does."""

    def __init__(self, connections: set[asyncio.Protocol]) -> None:
        self.connections = connections

    def connection_made(self, transport: Any) -> None:
        self.connections.add(self)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of the protocol
        self.connections.discard(self)


class Worker:
    """A loop in a thread that takes connections from a socket."""

    def __init__(self, listening: socket.socket) -> None:
        self.connections: set[asyncio.Protocol] = set()
        self._loop = FairLoop()
        self._listening = listening
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        with self._listening.dup() as own:
            server = await self._loop.create_server(lambda: _Echo(self.connections), sock=own, backlog=2048)
            await self._end.wait()
            server.close()
            await asyncio.sleep(0.05)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_each_worker_gets_its_share() -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(2048)
        workers = [Worker(listening) for _ in range(2)]
        opened: list[socket.socket] = []
        try:
            for wanted in (8, 40, 400):
                opened += [
                    socket.create_connection(listening.getsockname(), timeout=10) for _ in range(wanted - len(opened))
                ]
                # An answer shows that a connection was taken.
                for connection in opened:
                    connection.sendall(b"a")
                    assert connection.recv(1) == b"a"
                counts = sorted(len(worker.connections) for worker in workers)
                assert sum(counts) == wanted
                assert counts[0] >= wanted // 4, counts
            for connection in opened:
                connection.close()
            stop = time.monotonic() + 5
            while any(worker.connections for worker in workers) and time.monotonic() < stop:
                time.sleep(0.01)
            assert not any(worker.connections for worker in workers)
        finally:
            for connection in opened:
                connection.close()
            for worker in workers:
                worker.stop()
