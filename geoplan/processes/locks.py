"""Locks of a folder of jobs. They are held by processes and go with them, however those end."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS = 2
"""Processes that work on jobs side by side."""


@contextmanager
def queue(folder: Path) -> Iterator[None]:
    """Keep others from taking or dismissing a job."""
    with (folder / ".queue").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def slot(folder: Path) -> Iterator[bool]:
    """Hold one of the slots; False when all are taken."""
    for number in range(SLOTS):
        with (folder / f".slot-{number}").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False


def is_worked(folder: Path) -> bool:
    """Whether any slot is taken."""
    for number in range(SLOTS):
        with (folder / f".slot-{number}").open("w") as stream:
            try:
                # For a moment only: who wants the slot meanwhile tries again.
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False
