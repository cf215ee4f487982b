"""Answers kept in the form in which they are sent, until they take too much memory; the longest unused go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from services.api.answers import Sent

_OWN_BYTES = 1024
"""What an entry takes beside its body: its key, its headers, its place."""


@dataclass(slots=True)
class Entry:
    """An answer and the generation of the shelf that it was last found to be right for."""

    sent: Sent
    generation: int


class TileCache:
    """Entries by key, least recently used out first, bounded by their bytes. For one event loop, not for threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.size_bytes = 0
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._entries)

    def get(self, key: Hashable) -> Entry | None:
        """The entry of a key, which is now the last that goes."""
        entry = self._entries.get(key)
        if entry is not None:
            self._entries.move_to_end(key)
        return entry

    def put(self, key: Hashable, entry: Entry) -> None:
        """Keep an entry in place of the key's former one; one that is larger than the cache is not kept."""
        former = self._entries.pop(key, None)
        if former is not None:
            self.size_bytes -= _size(former)
        if _size(entry) > self.max_bytes:
            return
        self._entries[key] = entry
        self.size_bytes += _size(entry)
        while self.size_bytes > self.max_bytes:
            _, dropped = self._entries.popitem(last=False)
            self.size_bytes -= _size(dropped)


def _size(entry: Entry) -> int:
    return len(entry.sent.body) + _OWN_BYTES
