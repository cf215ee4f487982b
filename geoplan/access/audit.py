"""The log of writes: one JSON object a line, only ever appended to.

A line is handed to the system in one call on a file opened for appending, so that lines of several processes do
not mix. JSON escapes every control character and all that is not ASCII: nothing that a client sends can end a
line or pass for another one. Query strings are left out, and what looks like a key is blanked.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from geoplan.errors import SettingsError

MAX_BYTES = 64 << 20
KEPT_FILES = 10
_MAX_TEXT = 500
_KEY_LIKE = re.compile(r"gp_[a-z2-7]{1,12}_[A-Za-z0-9_-]{8,}")


class AuditError(SettingsError):
    """The log of writes cannot be written, so nothing is written at all."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One write.

    Attributes
    ----------
    who
        ``key:<id>``, ``oidc:<subject>``, ``local`` or ``anonymous``.
    status
        Of the answer; 0 when there was none because the client left or the service failed.
    request
        Id of the request, which the answer carries as well.
    """

    who: str
    method: str
    path: str
    status: int
    request: str


class AuditLog:
    """The log at a path; ``<name>.1`` is the file before it, and so on to `kept`.

    Parameters
    ----------
    path
        The file; it is made with mode 0600.
    max_bytes
        Size at which a new file is begun.
    kept
        Older files that are kept; the oldest is removed.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT_FILES) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.kept = kept

    @contextmanager
    def opened(self) -> Iterator[int]:
        """The file, open for appending; taken before a write is let through, so that none goes unrecorded.

        Raises
        ------
        AuditError
            If it cannot be opened.
        """
        try:
            self._rotate()
            descriptor = os.open(
                self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
        except OSError as error:
            raise AuditError(f"the log of writes {self.path} cannot be opened: {error.strerror}.") from None
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def append(self, descriptor: int, entry: Entry) -> None:
        """Add a line to the opened file; raises OSError when the disk is full."""
        line = _line(entry)
        if os.write(descriptor, line) != len(line):
            raise OSError("the line was written in part")

    def _rotate(self) -> None:
        if not self._full():
            return
        descriptor = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self._full():  # another process was first
                return
            for number in range(self.kept, 0, -1):
                older = self._numbered(number - 1)
                if older.exists():
                    older.replace(self._numbered(number))

    def _full(self) -> bool:
        return self.path.exists() and self.path.stat().st_size >= self.max_bytes

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}") if number else self.path


def _line(entry: Entry) -> bytes:
    texts = {key: _clean(value) if isinstance(value, str) else value for key, value in asdict(entry).items()}
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return (json.dumps({"time": now, **texts}, ensure_ascii=True, separators=(",", ":")) + "\n").encode("ascii")


def _clean(text: str) -> str:
    return _KEY_LIKE.sub("gp_(blanked)", text)[:_MAX_TEXT]
