"""Finished builds are switched in whole: a crash at any moment leaves the last good one in use."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from geoplan.errors import BuildError
from geoplan.layers.store import CURRENT, MANIFEST

KEPT_VERSIONS = 3
_WORK = ".work-"


@contextmanager
def build_lock(build_dir: Path) -> Iterator[None]:
    """Hold the build folder for one build at a time; the lock goes with the process, however that ends.

    Raises
    ------
    BuildError
        If another build runs.
    """
    build_dir.mkdir(parents=True, exist_ok=True)
    with (build_dir / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BuildError(f"another build is running in {build_dir.name}/; wait for it to end.") from None
        yield


def work_folder(build_dir: Path, version: str) -> Path:
    """An empty folder to build `version` in; what a killed build left is removed. Needs the lock."""
    versions = build_dir / "versions"
    versions.mkdir(parents=True, exist_ok=True)
    for leftover in versions.glob(f"{_WORK}*"):
        shutil.rmtree(leftover)
    folder = versions / f"{_WORK}{version}"
    folder.mkdir()
    return folder


def publish(work: Path, build_dir: Path, version: str) -> Path:
    """Make the finished folder `work` the version in use, in one step. Needs the lock.

    A forced build of a version that exists already gets a folder of its own (``<version>-1``): the old one is in
    use until the link moves.
    """
    _sync(work)
    versions = build_dir / "versions"
    names = (version if n == 0 else f"{version}-{n}" for n in count())
    target = next(versions / name for name in names if not (versions / name).exists())
    work.rename(target)
    _sync_path(versions)
    switch_to(build_dir, target)
    _remove_old(versions, target.name)
    return target


def finished_version(build_dir: Path, version: str) -> Path | None:
    """Folder of a finished version, if it is still kept."""
    folder = build_dir / "versions" / version
    return folder if (folder / MANIFEST).is_file() else None


def switch_to(build_dir: Path, folder: Path) -> None:
    """Make a finished version the one in use, in one step. Needs the lock."""
    link = build_dir / f".{CURRENT}-new"
    link.unlink(missing_ok=True)
    link.symlink_to(Path("versions") / folder.name)
    link.replace(build_dir / CURRENT)
    _sync_path(build_dir)


def reuse(source: Path, target: Path) -> None:
    """Take a file of another version over without copying it where the file system can link."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _sync(folder: Path) -> None:
    """Flush every file and folder to the disk, so that the switch never points at data still in flight."""
    for path in [folder, *folder.rglob("*")]:
        _sync_path(path)


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_old(versions: Path, used: str) -> None:
    finished = [path for path in versions.iterdir() if not path.name.startswith(".") and path.name != used]
    finished.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in finished[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(path)
