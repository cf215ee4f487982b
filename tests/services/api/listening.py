"""A service as it listens on a port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from services.api.app import Service
from services.api.server import GuardedProtocol


@contextmanager
def listening(app: Service) -> Iterator[str]:
    """The address of an application behind the guarded protocol, in a thread of the test."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    loop = "services.api.accept:FairLoop"
    config = uvicorn.Config(app, port=port, http=GuardedProtocol, loop=loop, ws="none", log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.should_exit = True
        thread.join(20)
