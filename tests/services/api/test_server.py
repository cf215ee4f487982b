"""`geoplan serve` as it runs: workers that are replaced, connections that are of no use, an orderly end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import uvicorn
from uvicorn.server import ServerState

from geoplan.settings import MARKER
from services.api import server
from services.api.app import Service
from tests.commands import start


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def serving(app: Service, most: int, monkeypatch: pytest.MonkeyPatch, keep_alive_s: int = 5) -> Iterator[int]:
    """The application behind the guarded protocol, in a thread of the test; its port."""
    monkeypatch.setattr(server.GuardedProtocol, "most", most)
    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        http=server.GuardedProtocol,
        loop="uvloop",
        ws="none",
        log_level="error",
        lifespan="off",
        timeout_keep_alive=keep_alive_s,
    )
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    try:
        yield port
    finally:
        running.should_exit = True
        thread.join(20)


def closed(connection: socket.socket, within_s: float) -> bool:
    """Whether the server ends a connection in time."""
    connection.settimeout(within_s)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


def test_headers_that_do_not_come_end_the_connection(app: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEADER_S", 0.5)
    with serving(app, 100, monkeypatch) as port, ExitStack() as opened:
        silent, slow = (opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2))
        stop = time.monotonic() + 5
        sent = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
        ended = False
        while not ended and time.monotonic() < stop:  # a byte at a time for as long as it is let
            try:
                slow.sendall(sent[:1] or b"a")
            except ConnectionError:
                ended = True
            sent = sent[1:]
            time.sleep(0.02)
        assert ended
        assert closed(silent, 5)
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_endless_headers_are_cut(app: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(app, 100, monkeypatch) as port, socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")
        answer = b""
        try:
            for number in range(2000):
                connection.sendall(b"x-%d: " % number + b"a" * 1000 + b"\r\n")
            answer = connection.recv(1000)
        except ConnectionError:
            pass
        assert answer == b"" or b"431" in answer
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200


def test_connections_that_only_wait_give_way(app: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(app, 50, monkeypatch) as port, ExitStack() as opened:
        idle = [opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(200)]
        for _ in range(5):
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert sum(closed(connection, 0.05) for connection in idle) >= 150


def test_a_connection_that_is_used_is_kept_and_one_that_waits_is_ended(
    app: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(app, 100, monkeypatch, keep_alive_s=1) as port, ExitStack() as opened:
        used, idle = (opened.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(2))
        request = b"GET /collections/many/items/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        idle.sendall(request)
        for _ in range(12):  # the same headers each time: 2.4 s, more than twice the limit
            used.sendall(request)
            assert used.recv(65536).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.2)
        assert closed(idle, 0.1)
        assert not closed(used, 0.5)
        assert closed(used, 2)


def test_a_client_that_does_not_read_is_left(app: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READING_S", 0.5)
    with serving(app, 100, monkeypatch) as port, socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        request = b"GET /collections/many/items?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        # More than the buffers of both sides hold.
        connection.sendall(request * 100)
        this = psutil.Process()
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline:
            if not any(c.laddr.port == port and c.status == "ESTABLISHED" for c in this.net_connections("tcp")):
                break
            time.sleep(0.2)
        else:
            pytest.fail("the connection is still open")


@pytest.fixture
def served(project: Path, versions: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command with two workers over a pack and no build."""
    (project / MARKER).parent.mkdir(parents=True)
    (project / MARKER).touch()
    port = free_port()
    log = (project / "log").open("w")
    process = start(
        "serve", "--port", str(port), "--workers", "2", "--pack", str(versions / "v1/packs/many"),
        project=project, errors=log,
    )  # fmt: skip
    base = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{base}/conformance")
            break
        except httpx.TransportError:
            assert process.poll() is None, (project / "log").read_text("utf-8")
            time.sleep(0.2)
    yield base, process
    if process.poll() is None:
        process.kill()
    process.wait()
    log.close()


def workers(process: subprocess.Popen[str]) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):  # one that was killed is a zombie until it is replaced
            if "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
    return found


@pytest.mark.timeout(300)
def test_a_killed_worker_is_replaced_and_the_end_is_orderly(served: tuple[str, subprocess.Popen[str]]) -> None:
    base, process = served
    assert httpx.get(f"{base}/collections/many/items").json()["numberMatched"] == 400
    before = {worker.pid for worker in workers(process)}
    assert len(before) == 2
    os.kill(min(before), signal.SIGKILL)
    answered = 0
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        # A request that the killed worker had taken is lost; every later one is answered.
        answered += httpx.get(f"{base}/tiles/many/8/208/99.mvt", timeout=60).status_code == 200
        now = {worker.pid for worker in workers(process)}
        if len(now) == 2 and min(before) not in now:
            break
    assert answered
    assert len({worker.pid for worker in workers(process)}) == 2
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{base}/conformance")


def test_a_request_at_work_is_told_when_its_connection_is_lost_with_others_behind_it() -> None:
    told: list[str] = []

    async def app(_: Any, receive: Any, send: Any) -> None:
        told.append((await receive())["type"])
        told.append((await receive())["type"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})
        told.append("sent")

    async def lose() -> list[bytes]:
        config = uvicorn.Config(app, http=server.GuardedProtocol, ws="none", log_level="error", lifespan="off")
        config.load()
        protocol = server.GuardedProtocol(config, ServerState(), {}, asyncio.get_running_loop())
        transport = _Lost()
        protocol.connection_made(transport)
        protocol.data_received(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        await asyncio.sleep(0)
        protocol.connection_lost(ConnectionResetError())
        for _ in range(5):
            await asyncio.sleep(0)
        return transport.written

    assert asyncio.run(lose()) == []
    assert told == ["http.request", "http.disconnect", "sent"]


class _Lost(asyncio.Transport):
    """The end of a connection that is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        """Remember what should not be written any more."""
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether it is gone."""
        return False

    def pause_reading(self) -> None:
        """Nothing comes."""

    def resume_reading(self) -> None:
        """Nothing comes."""
