"""Encoded tiles, kept until they take too much memory; the longest unused go first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable


class TileCache:
    """Bodies by key, least recently used out first, bounded by their size in bytes. Safe between threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._bodies: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Bytes of all bodies together."""
        return self._bytes

    def get_or_make(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """The body kept under `key`, or the one `make` returns. `make` runs outside the lock, and may run twice."""
        with self._lock:
            body = self._bodies.get(key)
            if body is not None:
                self._bodies.move_to_end(key)
                return body
        body = make()
        with self._lock:
            # An empty tile is quickly made again, and anyone can ask for billions of them.
            if body and key not in self._bodies and len(body) <= self.max_bytes:
                self._bodies[key] = body
                self._bytes += len(body)
            while self._bytes > self.max_bytes:
                _, dropped = self._bodies.popitem(last=False)
                self._bytes -= len(dropped)
        return body
