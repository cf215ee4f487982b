"""Disk space of jobs: old results go, and no job fills the disk."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from geoplan.processes import Job, JobStatus, find_job, list_jobs, results, room, runner, submit
from geoplan.processes.catalogue import PROCESSES
from geoplan.processes.jobs import UnknownJobError, make_room, save
from geoplan.processes.model import Context, Inputs, Output, Process
from geoplan.processes.room import NoRoomError

CSV = {"collection": "parcels", "format": "csv"}
MIB = 1 << 20


class Usage(NamedTuple):
    total: int
    used: int
    free: int


class Disk:
    """A disk of some size; its free space is what a test says, less what jobs have written."""

    def __init__(self, folder: Path) -> None:
        self.total, self.free, self.folder = 100 * MIB, 60 * MIB, folder

    def usage(self, _: Path) -> Usage:
        free = self.free - room.size_of(self.folder)
        return Usage(self.total, self.total - free, free)


@pytest.fixture(autouse=True)
def disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """Of 100 MiB, of which 60 are free; 25 are for jobs, and 5 are left free."""
    made = Disk(folder)
    monkeypatch.setattr(shutil, "disk_usage", made.usage)
    return made


@pytest.fixture
def planted() -> Iterator[Callable[[Any], None]]:
    """Makes a function the process `planted`."""

    def plant(run: Any) -> None:
        PROCESSES["planted"] = Process("planted", "1", "", "", Inputs, {}, run)

    yield plant
    PROCESSES.pop("planted", None)


def ended(folder: Path, days_ago: float, size: int = 0, **changes: Any) -> Job:
    """A job that ended so many days ago and left a file."""
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    members: dict[str, Any] = {"process": "export", "inputs": CSV, "packs": {}, "status": JobStatus.SUCCESSFUL}
    members |= {"created": at, "updated": at, "finished": at, "outputs": {"file": {"file": "a", "mediaType": "b"}}}
    job = Job(id=os.urandom(16).hex(), **(members | changes))
    (folder / job.id).mkdir(parents=True)
    (folder / job.id / "a").write_bytes(os.urandom(size))
    save(folder, job)
    return job


def kept(folder: Path) -> set[str]:
    return {job.id for job in list_jobs(folder)}


def test_results_go_after_their_time(folder: Path) -> None:
    days = room.KEPT_FOR / timedelta(days=1)
    old, fresh = ended(folder, days + 0.01), ended(folder, days - 0.01)
    waiting = ended(folder, days + 5, status=JobStatus.ACCEPTED, finished=None)
    undated = ended(folder, days + 5, finished=None)
    for job in (old, undated):
        with pytest.raises(UnknownJobError):
            results(folder, job.id)
        assert not (folder / job.id).exists()
    assert kept(folder) == {fresh.id, waiting.id}


@pytest.mark.parametrize("finished", ["", "never", "2026-99-01", "2026-01-01"])
def test_moments_of_any_kind(finished: str) -> None:
    assert room.has_expired(finished) is (finished == "2026-01-01")


def test_the_first_that_ended_go_first_when_results_are_too_large(folder: Path, idle: list[Path]) -> None:
    # Ordered first and ended last.
    slow = ended(folder, 1, 9 * MIB, created="2026-01-01T00:00:00Z")
    oldest, middle, last = (ended(folder, days, 9 * MIB) for days in (4, 3, 2))
    running = ended(folder, 6, 9 * MIB, status=JobStatus.ACCEPTED, finished=None)
    new = submit(folder, "export", CSV, {"parcels": Path("nowhere")})
    assert kept(folder) == {slow.id, last.id, running.id, new.id}
    assert not (folder / oldest.id).exists()
    assert not (folder / middle.id).exists()
    assert idle


def test_a_job_that_ends_makes_room(folder: Path, planted: Callable[[Any], None], idle: list[Path]) -> None:
    before = ended(folder, 1, 15 * MIB)

    def write(_: Any, context: Context) -> dict[str, Output]:
        (context.folder / "a").write_bytes(os.urandom(15 * MIB))
        return {}

    planted(write)
    job = submit(folder, "planted", {}, {})
    assert kept(folder) == {before.id, job.id}
    runner.run_waiting(folder)
    assert find_job(folder, job.id).status is JobStatus.SUCCESSFUL
    assert kept(folder) == {job.id}
    assert idle


def test_an_order_that_would_fill_the_disk_is_refused(
    folder: Path, packs: dict[str, Path], disk: Disk, idle: list[Path]
) -> None:
    needed = room.estimate([packs["parcels"]])
    assert needed > 0
    disk.free = 5 * MIB + 3 * needed
    submit(folder, "export", CSV, packs)
    submit(folder, "seed", {"collection": "parcels"}, packs)
    with pytest.raises(NoRoomError, match=r"needs about .* are free, of which 5\.0 MiB are kept free"):
        submit(folder, "export", CSV, packs)
    # A table of areas is small, however large the layers are.
    submit(folder, "overlap", {"first": "west", "second": "zones"}, packs)
    assert (len(list_jobs(folder)), len(idle)) == (3, 3)
    disk.free = 5 * MIB
    with pytest.raises(NoRoomError, match="no room on the server's disk"):
        submit(folder, "overlap", {"first": "west", "second": "zones"}, packs)


@pytest.mark.parametrize(("size", "free", "said"), [(26, 60, "larger than 25.0 MiB"), (20, 22, "no room")])
def test_a_job_that_grows_too_large_is_ended(
    folder: Path, planted: Callable[[Any], None], disk: Disk, idle: list[Path], size: int, free: int, said: str
) -> None:
    steps = []

    def write(_: Any, context: Context) -> dict[str, Output]:
        for step in range(100):
            (context.folder / str(step)).write_bytes(os.urandom(MIB))
            steps.append(step)
            context.progress("write", step, 100)
        return {}

    planted(write)
    disk.free = free * MIB
    job = submit(folder, "planted", {}, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "_SAVE_EVERY_S", 0.0)
        runner.run_waiting(folder)
    failed = find_job(folder, job.id)
    assert failed.status is JobStatus.FAILED
    assert said in failed.message
    assert [path.name for path in (folder / job.id).iterdir()] == ["job.json"]
    assert len(steps) <= size + 1
    assert idle


def test_a_job_without_progress_is_held_to_it_at_its_end(
    folder: Path, planted: Callable[[Any], None], idle: list[Path]
) -> None:
    places = []

    def write(_: Any, context: Context) -> dict[str, Output]:
        with tempfile.TemporaryFile() as stream:
            places.append((tempfile.gettempdir(), os.fstat(stream.fileno()).st_dev))
        (context.folder / "a").write_bytes(os.urandom(26 * MIB))
        return {}

    planted(write)
    job = submit(folder, "planted", {}, {})
    before = tempfile.gettempdir()
    runner.run_waiting(folder)
    assert find_job(folder, job.id).status is JobStatus.FAILED
    assert places == [(str(folder / job.id), folder.stat().st_dev)]
    assert tempfile.gettempdir() == before
    assert idle


def test_remains_go_when_they_are_old(folder: Path) -> None:
    old, fresh = (folder / (letter * 32) for letter in "ab")
    for path in (old, fresh):
        path.mkdir(parents=True)
        (path / "half").write_bytes(b"x")
    (folder / "runner.log").touch()
    (folder / "linked").symlink_to(folder.parent, target_is_directory=True)
    past = (datetime.now(UTC) - 2 * room.KEPT_FOR).timestamp()
    for path in (old, folder / "runner.log"):
        os.utime(path, (past, past))
    make_room(folder, [])
    assert sorted(path.name for path in folder.iterdir()) == [fresh.name, "linked", "runner.log"]


def test_sizes(folder: Path) -> None:
    assert room.size_of(folder / "none") == 0
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "c").write_bytes(os.urandom(MIB))
    (folder / "a" / "loop").symlink_to(folder)
    assert MIB <= room.size_of(folder) < 1.1 * MIB
    with (folder / "holes").open("wb") as stream:
        stream.truncate(100 * MIB)
    assert room.size_of(folder) < 1.1 * MIB
