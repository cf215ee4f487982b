"""Token buckets that all workers of the service count in together: one small file, read and written in place.

Each worker has its own memory, so buckets kept there would give a caller its rate once a worker. The file is a table
of sets; a caller's name leads to one set and is looked for in its slots only. A worker that finds a set taken for long
goes on without the lock: it may then miss a count, but never waits for one that was halted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import struct
import time
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

from geoplan.errors import SettingsError

SETS = 8192
SLOTS = 8
"""Callers that share a set; the one that is nearest to its full bucket gives way to another."""
_SLOT = struct.Struct("<8sd")
_SET_BYTES = SLOTS * _SLOT.size
_SALT_BYTES = 16
FILE_BYTES = _SALT_BYTES + SETS * _SET_BYTES
_NOBODY = bytes(8)
_TRIES = 50
_LONGEST_S = 0.05
"""A set is held for some 20 us, unless its holder has to wait for a processor."""


class SharedRateLimiter:
    """Token buckets by name in a file, as `geoplan.access.limits.RateLimiter` keeps them in memory.

    A slot holds a keyed hash of the caller's name and the moment when its bucket will be full again. What cannot be
    such a moment (left over from before a restart of the machine, or damage) counts as a full bucket.

    Parameters
    ----------
    path
        The file; made when it is missing, for this user only. Callers stand in it as hashes.
    clock
        Seconds that only grow, the same in all processes of the machine.

    Raises
    ------
    SettingsError
        If it cannot be made or written.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._file = -1
        try:
            self._file = _opened(path)
            self._salt = os.pread(self._file, _SALT_BYTES, 0)
        except OSError as error:
            raise SettingsError(f"{path}, where rates are counted, cannot be written: {error.strerror}.") from None

    def __del__(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def take(self, caller: str, rate_per_s: float, burst: int) -> float:
        """Take one token; 0.0, or the seconds to wait until there is one, when nothing is taken."""
        now = self._clock()
        name, start = self._named(caller)
        with _alone(self._file, start):
            place, full_at = self._found(name, start, now, (burst + 1) / rate_per_s)
            wait = _wait(full_at, now, rate_per_s, burst)
            if wait == 0:
                os.pwrite(self._file, _SLOT.pack(name, max(full_at, now) + 1 / rate_per_s), place)
        return wait

    def wait(self, caller: str, rate_per_s: float, burst: int) -> float:
        """Seconds until `take` would give a token; 0.0 when it would at once."""
        now = self._clock()
        _, full_at = self._found(*self._named(caller), now, (burst + 1) / rate_per_s)
        return _wait(full_at, now, rate_per_s, burst)

    def _named(self, caller: str) -> tuple[bytes, int]:
        """A caller's name in the file, and where its set begins."""
        digest = blake2b(caller.encode("utf-8", "surrogatepass"), digest_size=16, key=self._salt).digest()
        return digest[:8], _SALT_BYTES + int.from_bytes(digest[8:]) % SETS * _SET_BYTES

    def _found(self, name: bytes, start: int, now: float, longest_s: float) -> tuple[int, float]:
        """Place of a caller's slot, and when its bucket is full: not later than `longest_s` from now, or it is now."""
        row = os.pread(self._file, _SET_BYTES, start).ljust(_SET_BYTES, b"\0")
        nearest, place = float("inf"), start
        for at, (of, full_at) in enumerate(_SLOT.iter_unpack(row)):
            if of == name:
                return start + at * _SLOT.size, full_at if full_at <= now + longest_s else now
            kept = full_at if of != _NOBODY and full_at > now else 0.0
            if kept < nearest:
                nearest, place = kept, start + at * _SLOT.size
        return place, now


def _wait(full_at: float, now: float, rate_per_s: float, burst: int) -> float:
    return max(0.0, full_at - now - (burst - 1) / rate_per_s)


@contextlib.contextmanager
def _alone(file: int, place: int) -> Iterator[None]:
    """Keep other workers from the set at `place`; goes on without when one has it for long, as it may be halted."""
    held = _held(file, place)
    for _ in range(_TRIES):
        if held:
            break
        time.sleep(_LONGEST_S / _TRIES)
        held = _held(file, place)
    try:
        yield
    finally:
        if held:
            fcntl.lockf(file, fcntl.LOCK_UN, _SET_BYTES, place)


def _held(file: int, place: int) -> bool:
    """Take the lock of a set, unless another has it."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, _SET_BYTES, place)
    except OSError:
        return False
    return True


def _opened(path: Path) -> int:
    """The file, with a salt of its own; several workers that make it at once get the same one."""
    if not _is_ours(path):
        new = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(_SALT_BYTES))
            os.truncate(descriptor, FILE_BYTES)
            with contextlib.suppress(FileExistsError):  # Another worker was first.
                os.link(new, path)
        finally:
            os.close(descriptor)
            new.unlink()
    return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)


def _is_ours(path: Path) -> bool:
    """Whether the file is there and of its length; another one is removed."""
    try:
        if path.stat().st_size == FILE_BYTES:
            return True
        path.unlink()
    except FileNotFoundError:
        pass
    return False
