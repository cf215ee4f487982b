"""Connections that are opened and not used, or used as slowly as can be, while others want answers."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.services.faults.service import Service

IDLE = 500
SLOW = 30
ITEMS = "/collections/plots/items"
NORMAL = (f"{ITEMS}/1", "/tiles/plots/8/207/98.mvt", f"{ITEMS}?bbox=112,37,112.3,37.3", "/collections")
MOST_S = 2.0
"""Longest time for a normal answer on a busy machine; an unguarded service answers none at all."""


@contextmanager
def connections(service: Service, count: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    """Connections on which `first` was sent."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10))
            if first:
                sock.sendall(first)
            found.append(sock)
        yield found


def answered(service: Service, times: int = 10) -> None:
    """Normal requests, each on a new connection, have their answers in time."""
    for _ in range(times):
        for path in NORMAL:
            begin = time.monotonic()
            assert service.ask(path).status == 200
            assert time.monotonic() - begin < MOST_S, path


def ended(socks: Sequence[socket.socket], within_s: float, drip: bytes = b"") -> float:
    """Seconds until the service has ended all of these, while every half second a drop more is sent on each."""
    begin = time.monotonic()
    left = list(socks)
    while left and time.monotonic() - begin < within_s:
        left = [sock for sock in left if _lives(sock, drip)]
        time.sleep(0.5)
    assert not left, f"{len(left)} of {len(socks)} connections live after {within_s} s"
    return time.monotonic() - begin


def _lives(sock: socket.socket, drip: bytes) -> bool:
    sock.settimeout(0.001)
    try:
        if drip:
            sock.sendall(drip)
        return sock.recv(1 << 16) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def open_sockets(service: Service) -> int:
    """Files that the workers have open."""
    return sum(worker.num_fds() for worker in service.workers())


def test_normal_requests_are_answered_beside_idle_slow_and_kept_connections(service: Service) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * IDLE)), hard))
    answered(service, 2)
    before = open_sockets(service)
    request = b"GET /collections/plots/items/1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with ExitStack() as stack:
        idle = stack.enter_context(connections(service, IDLE))
        slow = stack.enter_context(connections(service, SLOW, request[:40]))
        kept = stack.enter_context(connections(service, SLOW, request))
        for sock in kept:
            assert sock.recv(1 << 16).startswith(b"HTTP/1.1 200")
        drops = threading.Thread(target=_drip, args=(slow,))
        drops.start()
        answered(service)
        drops.join()
        ended(slow, 1)
        ended(idle, 20)
        ended(kept, 20)
    answered(service, 2)
    assert open_sockets(service) <= before + 8


def _drip(socks: Sequence[socket.socket]) -> None:
    with contextlib.suppress(AssertionError):
        ended(socks, 20, b"a")


def test_headers_that_never_end_are_cut_off(service: Service) -> None:
    with connections(service, SLOW, b"GET /collections HTTP/1.1\r\nHost: localhost\r\n") as slow:
        ended(slow, 10, b"A: " + b"a" * 4000 + b"\r\n")
    answered(service, 2)


def test_many_requests_that_are_given_up_leave_nothing_behind(service: Service) -> None:
    answered(service, 2)
    before = open_sockets(service)
    for _ in range(200):
        with connections(service, 1, f"GET {ITEMS}?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()):
            pass
    answered(service, 2)
    time.sleep(1)
    assert open_sockets(service) <= before + 8
    assert "Traceback" not in service.log, service.log[-3000:]


def test_pipelined_requests_of_a_connection_that_is_reset_end_quietly(service: Service) -> None:
    request = f"GET {ITEMS}?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    for _ in range(5):
        with connections(service, 1, request * 100) as (sock,):
            sock.recv(1000)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    answered(service, 2)
    assert "Traceback" not in service.log, service.log[-3000:]


def test_a_connection_that_is_not_read_does_not_fill_the_memory(service: Service) -> None:
    answered(service, 2)
    before = service.private_mib()
    # Pipelined requests for 200 KB each; nothing is read.
    request = f"GET {ITEMS}?limit=400 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with connections(service, 10) as unread:
        for sock in unread:
            sock.settimeout(0.5)
            try:
                for _ in range(300):
                    sock.sendall(request)
            except TimeoutError:
                pass
        answered(service, 3)
        grown = {pid: mib - before[pid] for pid, mib in service.private_mib().items()}
        assert max(grown.values()) < 100, grown
    answered(service, 2)
