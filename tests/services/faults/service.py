"""The service in processes of its own, and plain clients of it."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tests.commands import GEOPLAN, ROOT, environment

START_S = 120
ANSWER_S = 30
_TIME = re.compile(rb'"timeStamp":"[^"]*"')
_LEAKS = (b"Traceback (most recent", b'File "/', b"site-packages", b"numba", b"pyarrow.lib", b'.py", line')


@dataclass(frozen=True)
class Answer:
    """One answer: status, headers in lower case, the body as it was sent."""

    status: int
    headers: Mapping[str, str]
    sent: bytes

    @property
    def body(self) -> bytes:
        """The body without its compression."""
        return gzip.decompress(self.sent) if self.headers.get("content-encoding") == "gzip" and self.sent else self.sent

    @property
    def timeless(self) -> bytes:
        """The body without the time at which it was made."""
        return _TIME.sub(b'"timeStamp":""', self.body)


class Client:
    """One connection that is kept as long as the service keeps it."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """One request; raises `OSError` or `HTTPException` when the connection breaks."""
        if self._connection.sock is not None and _is_closed(self._connection.sock):
            # A server may end a connection between requests: no request is lost by that.
            self._connection.close()
        try:
            self._connection.request(method, path, body, dict(headers or {}))
            response = self._connection.getresponse()
            sent = response.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, sent)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _is_closed(sock: socket.socket) -> bool:
    sock.settimeout(0)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except (BlockingIOError, TimeoutError):
        return False
    except OSError:
        return True
    finally:
        sock.settimeout(ANSWER_S)


@dataclass(frozen=True)
class Service:
    """A service that runs: its port, its first process, where it writes its log."""

    port: int
    process: subprocess.Popen[bytes]
    log_file: Path

    @property
    def log(self) -> str:
        """What it has written so far."""
        return self.log_file.read_text("utf-8", "replace")

    def client(self) -> Client:
        """A new connection."""
        return Client(self.port)

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET", body: bytes | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        client = self.client()
        try:
            return client.ask(path, headers, method, body)
        finally:
            client.close()

    def workers(self) -> list[psutil.Process]:
        """The processes that answer."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # a zombie is one as well
                if "resource_tracker" not in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def ready(self) -> set[int]:
        """Workers that take connections: one that was just started compiles its kernels first."""
        found = set()
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.port), ANSWER_S))
                time.sleep(0.01)  # one worker takes all that come at once
            for worker in self.workers():
                with contextlib.suppress(psutil.NoSuchProcess):
                    if sum(one.status == psutil.CONN_ESTABLISHED for one in worker.net_connections()) > 0:
                        found.add(worker.pid)
        return found

    def await_ready(self, most_s: float, without: frozenset[int] = frozenset()) -> set[int]:
        """Workers that take connections, as soon as they are two besides `without`, or after `most_s`."""
        deadline = time.monotonic() + most_s
        found: set[int] = set()
        while len(found - without) < 2 and time.monotonic() < deadline:
            found = self.ready()
        return found

    def private_mib(self) -> dict[int, float]:
        """Memory of each worker without mapped files' shared pages, MiB: what a leak would grow."""
        return {worker.pid: worker.memory_full_info().uss / 2**20 for worker in self.workers()}

    def raw(self, data: bytes | Iterable[bytes], timeout: float = ANSWER_S, quiet: float | None = None) -> bytes:
        """What comes back for these bytes until the service ends the connection, or `timeout`.

        With `quiet` what comes ends as well when nothing more has followed for so long.
        """
        return self.conversation(data, timeout, quiet)[0]

    def conversation(
        self, data: bytes | Iterable[bytes], timeout: float = ANSWER_S, quiet: float | None = None
    ) -> tuple[bytes, bool]:
        """The same, and whether it ended in the time for which data came: by the service, unless `quiet` is given."""
        found = bytearray()
        with socket.create_connection(("127.0.0.1", self.port), ANSWER_S) as sock:
            reader = threading.Thread(target=_read, args=(sock, found, quiet))
            reader.start()
            try:
                for part in (data,) if isinstance(data, bytes) else data:
                    sock.sendall(part)
            except OSError:
                pass
            reader.join(timeout)
            ended = not reader.is_alive()
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            reader.join()
        return bytes(found), ended


def _read(sock: socket.socket, found: bytearray, quiet: float | None) -> None:
    try:
        while part := sock.recv(1 << 16):
            found += part
            if quiet is not None:
                sock.settimeout(quiet)
    except OSError:
        pass


def leaks(text: bytes) -> list[bytes]:
    """Words in an answer that only its makers should see."""
    return [word for word in _LEAKS if word in text]


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def serving(
    build_dir: Path, log_file: Path, *, workers: int = 2, expect: str = "/collections", **environ: str
) -> Iterator[Service]:
    """The service over a folder of builds and packs, from its first answer until the end of the block.

    Raises
    ------
    RuntimeError
        If it does not answer `expect` within two minutes; the message has its log.
    """
    port = free_port()
    command = [GEOPLAN, "serve", "--workers", str(workers), "--port", str(port)]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command, env=environment(ROOT, build_dir) | environ, stdout=log, stderr=log, start_new_session=True
        )
    service = Service(port, process, log_file)
    try:
        _wait(service, workers, expect)
        yield service
    finally:
        _stop(process)


def _wait(service: Service, workers: int, expect: str) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            service.ask(expect)
        except (OSError, HTTPException):
            pass
        else:
            if len(service.ready()) == workers or workers == 1:
                return
        ended = service.process.poll() is not None or "Traceback" in service.log
        if ended or time.monotonic() > deadline:
            raise RuntimeError(f"the service did not start:\n{service.log[-3000:]}")
        time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
