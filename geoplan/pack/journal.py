"""What makes a build safe to stop: its lock, its journal of finished batches, one message for a full disk."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from geoplan import __version__
from geoplan.errors import PackError
from geoplan.pack.read import Source
from geoplan.pack.spill import Dictionaries, Faults, noted, read_spilled


def claim(scratch: Path, source: Source, *asked: object) -> None:
    """Make `scratch` the folder of this source and what was asked of it; what another build left is removed."""
    about = (source.identity, source.crs.to_wkt(), [str(f) for f in source.schema], asked, pa.__version__, __version__)
    key = hashlib.sha256(repr(about).encode()).hexdigest()
    journal = scratch / "journal.json"
    try:
        same = source.identity is not None and json.loads(journal.read_text("utf-8")) == {"key": key}
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        journal.write_text(json.dumps({"key": key}), "utf-8")
    shutil.rmtree(scratch / "raw", ignore_errors=True)


def taken_over(scratch: Path, dictionaries: Dictionaries, faults: Faults) -> tuple[list[Path], int]:
    """Batches that an earlier try has spilled, and how many rows they have; what was noted with them is learnt."""
    paths: list[Path] = []
    rows = 0
    for path in sorted(scratch.glob("batch-*.arrow")):
        try:
            about = noted(read_spilled(path))
        except (OSError, ValueError, KeyError, pa.ArrowException):
            path.unlink()
        else:
            if path.name == f"batch-{len(paths):06}.arrow":
                for place, new in about["new"].items():
                    dictionaries.learn(int(place), new)
                dictionaries.plain.update(about["plain"])
                note(faults, about["counts"], about["listed"])
                rows += about["rows"]
                paths.append(path)
    return paths, rows


def note(faults: Faults, counts: Mapping[str, int], listed: Mapping[str, list[int]]) -> None:
    """Add the faults of a batch."""
    for fault, count in counts.items():
        faults.add(fault, listed[fault], count)


def from_row(batches: Iterator[pa.RecordBatch], row: int) -> Iterator[pa.RecordBatch]:
    """The batches behind the first `row` rows."""
    for batch in batches:
        if row >= batch.num_rows:
            row -= batch.num_rows
            continue
        yield batch.slice(row)
        row = 0


@contextmanager
def lock(target: Path) -> Iterator[None]:
    """One build of a target at a time; the lock goes with the process, however that ends."""
    path = target.with_name(f".{target.name}.lock")
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PackError(f"another build of {target.name} is running; wait for it to end.") from None
        yield
        path.unlink(missing_ok=True)


@contextmanager
def room(target: Path) -> Iterator[None]:
    """A full disk becomes one message."""
    try:
        yield
    except OSError as exc:
        if exc.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise
        raise PackError(
            f"{target}: there is no room left on the disk for the pack; make some and run the command again, it "
            "goes on where it was. Nothing that was there before has changed."
        ) from exc


def sync(folder: Path) -> None:
    """Flush files and folders, so that the rename never points at data still in flight."""
    for path in [*folder.rglob("*"), folder]:
        sync_path(path)


def sync_path(path: Path) -> None:
    """Flush a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
