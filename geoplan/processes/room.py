"""Disk space of jobs: how much of it results may take, how long they are kept, and what is left to others."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from geoplan.errors import QueryError

GIB = 1 << 30
MOST_KEPT_BYTES = 20 * GIB
"""Results of all jobs together; on a small disk a quarter of it, if that is less."""
LEAST_FREE_BYTES = 2 * GIB
"""What jobs leave free on their disk; on a small one a twentieth of it, if that is less."""
KEPT_FOR = timedelta(days=7)
"""How long results are kept."""


class NoRoomError(QueryError):
    """There is not enough space on the disk for the results of a job."""


def most_kept(folder: Path) -> int:
    """Bytes that the results in a folder of jobs may take in all."""
    return min(MOST_KEPT_BYTES, shutil.disk_usage(folder).total // 4)


def check_free(folder: Path, wanted: int = 0) -> None:
    """Raise `NoRoomError` when `wanted` bytes more would leave too little of the disk free."""
    usage = shutil.disk_usage(folder)
    least = min(LEAST_FREE_BYTES, usage.total // 20)
    if usage.free - wanted >= least:
        return
    needs = f"needs about {_size(wanted)}, and " if wanted else ""
    raise NoRoomError(
        f"there is no room on the server's disk for the results: the job {needs}{_size(usage.free)} are free, of which "
        f"{_size(least)} are kept free; ask for less, or remove jobs that are not needed (DELETE /jobs/ID)"
    )


def check_job(folder: Path, job_folder: Path) -> None:
    """Raise `NoRoomError` when what a job has written by now is too much, or leaves too little of the disk free."""
    most = most_kept(folder)
    if size_of(job_folder) > most:
        raise NoRoomError(f"the results are larger than {_size(most)}, which is all that is kept of jobs; ask for less")
    check_free(folder)


def size_of(folder: Path) -> int:
    """Bytes on the disk of all files below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    if entry.is_dir(follow_symlinks=False):
                        total += size_of(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                except FileNotFoundError:
                    continue
    except (FileNotFoundError, NotADirectoryError):
        pass
    return total


def estimate(packs: Iterable[Path]) -> int:
    """About how many bytes all features of packs take as files: as many as the packs themselves."""
    return sum(size_of(pack) for pack in packs)


def expires(finished: str | None) -> datetime | None:
    """When the results of a job that ended at a moment (ISO 8601) go; None where it has not ended."""
    try:
        moment = datetime.fromisoformat(finished or "")
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + KEPT_FOR


def has_expired(finished: str | None) -> bool:
    """Whether the results of a job that ended at a moment are to go by now."""
    end = expires(finished)
    return end is not None and end <= datetime.now(UTC)


def _size(amount: int) -> str:
    return f"{amount / GIB:.1f} GiB" if amount >= GIB // 10 else f"{amount / (1 << 20):.1f} MiB"
