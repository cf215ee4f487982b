"""A throw-away PostgreSQL with PostGIS: a cluster of its own in a temporary folder, reached by a socket in there."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = [
    "listen_addresses=", "fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=64MB",
    "max_connections=20", "autovacuum=off", "jit=off", "logging_collector=off", "max_wal_size=256MB",
]  # fmt: skip
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def missing() -> str:
    """Why no server can be started here; empty when one can."""
    folder = binaries()
    if folder is None:
        return "PostgreSQL is not installed; `make system-packages` installs it with PostGIS"
    told = subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
    shared = Path(told.stdout.strip() or "/usr/share/postgresql") / "extension"
    if not (shared / "postgis.control").is_file():
        debian = Path("/usr/share/postgresql") / folder.parent.name / "extension" / "postgis.control"
        if not debian.is_file():
            return "PostGIS is not installed; `make system-packages` installs it"
    if os.geteuid() == 0 and _user() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def binaries() -> Path | None:
    """Folder of initdb and postgres: Debian's newest version, or what the path has."""
    found = [path for path in DEBIAN.glob("*/bin") if (path / "initdb").exists() and (path / "postgres").exists()]
    if found:
        return max(found, key=lambda path: float(path.parent.name))
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _user() -> str | None:
    import pwd

    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


@dataclass
class Cluster:
    """A running server; `stop` and `start` are what an administrator does to it."""

    folder: Path
    bin: Path
    process: subprocess.Popen[bytes] | None = field(default=None)

    def dsn(self, database: str = "geoplan") -> str:
        """Address of a database of the server."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [word for option in _OPTIONS for word in ("-c", option)]
        command = [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings]
        with (self.folder / "log").open("ab") as log:
            options = {"stdout": log, "stderr": log, "preexec_fn": _end_with_parent, **_identity()}
            self.process = subprocess.Popen(command, **options)
        deadline = time.monotonic() + 60
        ready = [self.bin / "pg_isready", "-q", "-h", self.folder]
        while subprocess.run(ready, check=False).returncode != 0:
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"PostgreSQL did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT ends its sessions and writes everything, SIGQUIT is a crash."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def run(self, sql: str, database: str = "geoplan") -> str:
        """What psql answers."""
        command = [self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.dsn(database)]
        told = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        if told.returncode:
            raise RuntimeError(told.stderr)
        return told.stdout.strip()


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGINT)


def _identity() -> dict[str, str]:
    """PostgreSQL refuses to run as root: Debian's user for it is taken then."""
    return {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A new server with a database `geoplan` that has PostGIS; it is stopped and removed at the end."""
    found = binaries()
    assert found is not None, missing()
    # Not below pytest's folders: those belong to one user only, and a socket's path has 107 bytes at most.
    folder = Path(tempfile.mkdtemp(prefix="geoplan-pg-"))
    server = Cluster(folder, found)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        initdb = [found / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"]
        subprocess.run([*initdb, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder, **_identity())
        server.start()
        server.run("create database geoplan", "postgres")
        server.run("create extension postgis")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
