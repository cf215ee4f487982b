"""The key file on disk: read again when it changes, written under a lock and switched in one step.

When the file cannot be read, or is open to changes by others, nobody is let in until it is mended.
"""

from __future__ import annotations

import fcntl
import logging
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from geoplan.access.authfile import MAX_BYTES, AuthFile, AuthFileError, read_auth, write_auth

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.5
"""A key that is revoked opens nothing after this time."""

_Mark = tuple[int, int, int, int]


class AuthStore:
    """The key file as a service reads it.

    Parameters
    ----------
    path
        The file; a link is followed.
    clock
        Seconds that only grow.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._checked_at = float("-inf")
        self._mark: _Mark | None = None
        self._content: AuthFile | None = None
        self._fault = ""

    def current(self) -> AuthFile:
        """The file's present content, not older than `CHECK_INTERVAL_S`.

        Raises
        ------
        AuthFileError
            If the file is missing or broken, also when it was good before.
        """
        if self._clock() - self._checked_at >= CHECK_INTERVAL_S:
            with self._lock:
                self._check()
        if self._content is None:
            raise AuthFileError(self._fault)
        return self._content

    def _check(self) -> None:
        try:
            if self._content is None or _mark(self.path.stat()) != self._mark:
                self._content, self._mark = _read(self.path)
                self._fault = ""
                logger.info("access: %s read, %d keys", self.path, len(self._content.keys))
        except (OSError, AuthFileError) as error:
            self._content, self._mark = None, None
            fault = f"the key file {self.path} cannot be used: {_reason(error)}. Nobody is let in until it is mended."
            if fault != self._fault:  # once, not twice a second
                logger.error("access: %s", fault)  # noqa: TRY400 - the reason is told; a traceback adds nothing
            self._fault = fault
        self._checked_at = self._clock()


def read_auth_file(path: Path) -> AuthFile:
    """The content of a key file; raises `AuthFileError` with the file's name when it cannot be used."""
    try:
        return _read(path)[0]
    except (OSError, AuthFileError) as error:
        raise AuthFileError(f"the key file {path} cannot be used: {_reason(error)}.") from None


@contextmanager
def changing(path: Path) -> Iterator[Callable[[AuthFile], None]]:
    """Hold the lock of a key file, to read it, change the content and hand it to the function that is given.

    Others wait; readers see the old file or the new one, never a part. The file has mode 0600.

    Raises
    ------
    AuthFileError
        If it cannot be locked or written.
    """
    try:
        target = path.resolve()
        descriptor = os.open(f"{target}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AuthFileError(f"the key file {path} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lambda content: _write(target, content)


def _write(target: Path, content: AuthFile) -> None:
    try:
        # mkstemp makes it with mode 0600, in the same folder so that the rename is one step.
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(write_auth(content))
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise AuthFileError(f"the key file {target} cannot be written: {error.strerror}.") from None


def _read(path: Path) -> tuple[AuthFile, _Mark]:
    # Not blocking: a pipe of that name would hold up the whole service.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        # Of the file that is read, not of the one that may have taken its name meanwhile.
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise AuthFileError("it is not a file")
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise AuthFileError("others may write to it; chmod 600 it")
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise AuthFileError(f"it is larger than {MAX_BYTES >> 20} MiB")
    return read_auth(data), _mark(status)


def _mark(status: os.stat_result) -> _Mark:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _reason(error: OSError | AuthFileError) -> str:
    return str(error) if isinstance(error, AuthFileError) else error.strerror or type(error).__name__
