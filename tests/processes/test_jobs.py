"""Jobs on disk: run by processes of their own, whatever happens to these."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from geoplan.errors import QueryError
from geoplan.processes import Job, JobStatus, cancel, find_job, jobs, list_jobs, results, runner, submit
from geoplan.processes.catalogue import PROCESSES, UnknownProcessError
from geoplan.processes.jobs import TooManyJobsError, UnknownJobError, process_start, save, timestamp, wait
from geoplan.processes.locks import SLOTS, is_worked, slot
from geoplan.processes.model import Context, Inputs, Output, Process

CSV = {"collection": "parcels", "format": "csv"}
ENDLESS = {"collection": "parcels", "min_zoom": 0, "max_zoom": 19}
PACKS = {"parcels": Path("nowhere")}
PATIENCE_S = 60.0


def until(condition: Callable[[], bool], seconds: float = PATIENCE_S) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def running(folder: Path, packs: dict[str, Path]) -> Job:
    """A long job that has begun to write."""
    job = submit(folder, "seed", ENDLESS, packs)
    until(lambda: find_job(folder, job.id).status is JobStatus.RUNNING and len(files(folder, job)) > 1)
    return find_job(folder, job.id)


def files(folder: Path, job: Job) -> list[str]:
    return sorted(path.name for path in (folder / job.id).iterdir())


def accepted(folder: Path, **changes: Any) -> Job:
    """A job as it is kept, made by hand."""
    members: dict[str, Any] = {"id": os.urandom(16).hex(), "process": "export", "inputs": CSV, "packs": {}}
    members |= {"created": timestamp(), "updated": timestamp()}
    job = Job(**{**members, **changes})
    (folder / job.id).mkdir(parents=True)
    save(folder, job)
    return job


def test_a_job_from_its_order_to_its_results(folder: Path, packs: dict[str, Path]) -> None:
    job = submit(folder, "export", CSV, packs, "key:a")
    assert (job.status, job.progress, job.caller, job.ended) == (JobStatus.ACCEPTED, 0, "key:a", False)
    done = wait(folder, job.id, PATIENCE_S)
    assert (done.status, done.progress, done.ended) == (JobStatus.SUCCESSFUL, 100, True)
    times = [done.created, done.started, done.finished]
    assert times == sorted(str(at) for at in times)
    output = results(folder, job.id)["file"]
    assert output["mediaType"] == "text/csv"
    assert Path(output["file"]).read_bytes().startswith(b"\xef\xbb\xbf")
    assert files(folder, job) == ["job.json", "parcels.csv"]
    assert cancel(folder, job.id).id == job.id
    with pytest.raises(UnknownJobError):
        find_job(folder, job.id)
    assert list_jobs(folder) == []


def test_a_job_that_runs_is_cancelled(folder: Path, packs: dict[str, Path]) -> None:
    job = running(folder, packs)
    waiting = [submit(folder, "export", CSV, packs) for _ in range(2)]
    dismissed = cancel(folder, job.id)
    assert dismissed.status is JobStatus.DISMISSED
    assert job.pid is not None
    assert process_start(job.pid) is None
    assert files(folder, job) == ["job.json"]
    with pytest.raises(QueryError, match="dismissed"):
        results(folder, job.id)
    for other in waiting:
        assert wait(folder, other.id, PATIENCE_S).status is JobStatus.SUCCESSFUL
    assert find_job(folder, job.id).status is JobStatus.DISMISSED


def test_a_job_that_waits_is_cancelled(folder: Path, packs: dict[str, Path], idle: list[Path]) -> None:
    job = submit(folder, "export", CSV, packs)
    other = submit(folder, "export", CSV, packs)
    assert cancel(folder, job.id).status is JobStatus.DISMISSED
    runner.run_waiting(folder)
    assert [find_job(folder, one.id).status.value for one in (job, other)] == ["dismissed", "successful"]
    assert idle


def test_a_runner_that_is_killed_fails_its_job_alone(folder: Path, packs: dict[str, Path]) -> None:
    job = running(folder, packs)
    assert job.pid is not None
    others = [submit(folder, "export", CSV, packs) for _ in range(3)]
    os.kill(job.pid, signal.SIGKILL)
    until(lambda: find_job(folder, job.id).ended)
    failed = find_job(folder, job.id)
    assert (failed.status, "ended before" in failed.message) == (JobStatus.FAILED, True)
    assert [wait(folder, one.id, PATIENCE_S).status for one in others] == [JobStatus.SUCCESSFUL] * 3


def test_a_process_of_the_same_number_is_not_the_runner(folder: Path) -> None:
    alive = {"pid": os.getpid(), "pid_started": process_start(os.getpid()), "status": JobStatus.RUNNING}
    assert find_job(folder, accepted(folder, **alive).id).status is JobStatus.RUNNING
    before = accepted(folder, **{**alive, "pid_started": 1})
    assert find_job(folder, before.id).status is JobStatus.FAILED
    for job in list_jobs(folder):
        save(folder, job.model_copy(update={"status": JobStatus.FAILED}))


def test_the_last_word_of_a_runner_is_not_lost(folder: Path, monkeypatch: pytest.MonkeyPatch, idle: list[Path]) -> None:
    """It may say that it is done, and end, between our look at the job and our look at the process."""
    job = accepted(folder, status=JobStatus.RUNNING, pid=1, pid_started=1)

    def ends(asked: Job) -> bool:
        save(folder, asked.model_copy(update={"status": JobStatus.SUCCESSFUL}))
        return False

    monkeypatch.setattr(jobs, "_lives", ends)
    assert find_job(folder, job.id).status is JobStatus.SUCCESSFUL
    assert idle == []


def test_a_job_that_was_forgotten_is_run(folder: Path, idle: list[Path]) -> None:
    young = accepted(folder)
    find_job(folder, young.id)
    assert idle == []
    old = accepted(folder, created=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())
    with slot(folder) as taken:
        assert taken
        find_job(folder, old.id)
    assert idle == []
    find_job(folder, old.id)
    assert idle == [folder]


def test_slots(folder: Path) -> None:
    folder.mkdir()
    assert not is_worked(folder)
    with slot(folder) as first, slot(folder) as second, slot(folder) as third:
        assert (first, second, third) == (True, True, False)
        assert is_worked(folder)
    assert (is_worked(folder), SLOTS) == (False, 2)


def test_no_more_run_at_once_than_there_are_slots(folder: Path, packs: dict[str, Path]) -> None:
    for _ in range(SLOTS + 2):
        submit(folder, "seed", ENDLESS, packs)
    until(lambda: count(folder, JobStatus.RUNNING) == SLOTS)
    for _ in range(20):
        assert count(folder, JobStatus.RUNNING) <= SLOTS
        time.sleep(0.05)


def count(folder: Path, status: JobStatus) -> int:
    return sum(job.status is status for job in list_jobs(folder))


def test_each_job_is_run_once_and_the_oldest_first(
    folder: Path, idle: list[Path], planted: Callable[[Any], None]
) -> None:
    done: list[str] = []

    def note(_: Any, context: Context) -> dict[str, Output]:
        done.append(context.folder.name)
        return {}

    planted(note)
    waiting = []
    for _ in range(8):
        waiting.append(submit(folder, "planted", {}, {}).id)
        time.sleep(0.002)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: runner.run_waiting(folder), range(4)))
    assert sorted(done) == sorted(waiting)
    assert done[0] in waiting[:SLOTS]  # those at the same time end in any order
    assert len(idle) == len(waiting)


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Adds a process ``planted`` that does what is given."""

    def plant(run: Any) -> None:
        process = Process("planted", "1", "t", "d", Inputs, {}, run)
        monkeypatch.setitem(PROCESSES, "planted", process)

    return plant


class TestFaults:
    @pytest.fixture(autouse=True)
    def _waits(self, idle: list[Path]) -> None:
        """The runner is called by the tests."""

    def run(self, folder: Path) -> Job:
        job = submit(folder, "planted", {}, {})
        later = submit(folder, "export", CSV, PACKS)
        runner.run_waiting(folder)
        assert find_job(folder, later.id).ended, "what waited behind it was not run"
        return job

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            (QueryError("there is no such thing"), "there is no such thing"),
            (ValueError("/secret/path"), "The job failed. The fault has been logged."),
            (OSError(28, "No space left on device"), "The server's disk is full."),
            (MemoryError(), "The job failed. The fault has been logged."),
        ],
    )
    def test_a_process_that_fails(
        self, folder: Path, planted: Callable[[Any], None], fault: Exception, message: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:  # fmt: skip
        def fail(_: Any, context: Context) -> dict[str, Output]:
            (context.folder / "half").write_text("x")
            raise fault

        planted(fail)
        job = self.run(folder)
        failed = find_job(folder, job.id)
        assert (failed.status, failed.message) == (JobStatus.FAILED, message)
        assert files(folder, job) == ["job.json"]
        assert (job.id in caplog.text) is not isinstance(fault, QueryError)

    def test_a_folder_that_is_removed_meanwhile(self, folder: Path, planted: Callable[[Any], None]) -> None:
        def vanish(_: Any, context: Context) -> dict[str, Output]:
            for path in context.folder.iterdir():
                path.unlink()
            context.folder.rmdir()
            context.progress("step", 1, 2)
            return {}

        planted(vanish)
        job = self.run(folder)
        with pytest.raises(UnknownJobError):
            find_job(folder, job.id)

    def test_a_process_that_is_gone_with_the_next_release(
        self, folder: Path, planted: Callable[[Any], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        planted(lambda *_: {})
        job = submit(folder, "planted", {}, {})
        later = submit(folder, "export", CSV, PACKS)
        monkeypatch.delitem(PROCESSES, "planted")
        runner.run_waiting(folder)
        assert find_job(folder, job.id).status is JobStatus.FAILED
        assert "planted" in find_job(folder, job.id).message
        assert find_job(folder, later.id).ended

    def test_a_job_that_was_dismissed_stays_so(self, folder: Path, planted: Callable[[Any], None]) -> None:
        def dismissed(_: Any, context: Context) -> dict[str, Output]:
            job = find_job(folder, context.folder.name)
            save(folder, job.model_copy(update={"status": JobStatus.DISMISSED}))
            return {}

        planted(dismissed)
        assert find_job(folder, self.run(folder).id).status is JobStatus.DISMISSED

    def test_faults_are_logged_where_the_operator_finds_them(self, folder: Path, packs: dict[str, Path]) -> None:
        """In the runner's own process, which has no terminal."""
        job = accepted(folder, inputs=CSV, packs={"parcels": str(packs["parcels"]), "x": "\0"})
        (folder / job.id / "parcels.csv").mkdir()
        subprocess.run([sys.executable, "-m", "geoplan.processes.runner", str(folder)], check=True)
        assert find_job(folder, job.id).status is JobStatus.FAILED
        assert job.id in (folder / "runner.log").read_text()


def test_orders_that_are_refused(folder: Path, idle: list[Path]) -> None:
    with pytest.raises(UnknownProcessError, match="export, seed, overlap"):
        submit(folder, "nothing", {}, {})
    refused: Iterable[tuple[str, dict[str, Any], str]] = [
        ("export", {}, "collection"),
        ("export", {**CSV, "path": "/etc"}, "path"),
        ("export", {**CSV, "format": "exe"}, "format"),
        ("export", {**CSV, "filter": "x" * 20_000}, "filter"),
        ("seed", {"collection": "parcels", "max_zoom": 23}, "max_zoom"),
        ("seed", {"collection": "parcels", "min_zoom": 9, "max_zoom": 8}, "min_zoom"),
        ("overlap", {"first": "a"}, "second"),
        ("overlap", {"first": "parcels", "second": "secret"}, "secret"),
        ("seed", {"collection": "secret"}, "secret"),
        ("export", {"collection": "secret"}, "secret"),
    ]
    for process, inputs, named in refused:
        with pytest.raises(QueryError, match=named):
            submit(folder, process, inputs, PACKS)
    assert (list_jobs(folder), idle) == ([], [])


@pytest.mark.parametrize("id_", ["", ".", "..", "../x", "A" * 32, "a" * 31, "a" * 32, "a" * 32 + "\0", "٠" * 32])
def test_ids_of_no_job(folder: Path, id_: str) -> None:
    for ask in (find_job, cancel, results):
        with pytest.raises(UnknownJobError):
            ask(folder, id_)


def test_not_more_wait_than_allowed(folder: Path, monkeypatch: pytest.MonkeyPatch, idle: list[Path]) -> None:
    monkeypatch.setattr(jobs, "MAX_WAITING", 3)
    for _ in range(3):
        submit(folder, "export", CSV, PACKS)
    with pytest.raises(TooManyJobsError, match="3 jobs"):
        submit(folder, "export", CSV, PACKS)
    assert (len(list_jobs(folder)), len(idle)) == (3, 3)


def test_old_jobs_are_removed(folder: Path, monkeypatch: pytest.MonkeyPatch, idle: list[Path]) -> None:
    monkeypatch.setattr(jobs, "MAX_JOBS", 4)
    ended = [accepted(folder, status=JobStatus.SUCCESSFUL, created=f"2026-01-0{day}") for day in range(1, 7)]
    waiting = accepted(folder, created="2025-01-01")
    new = submit(folder, "export", CSV, PACKS)
    kept = [job.id for job in list_jobs(folder)]
    assert kept == [new.id, ended[5].id, ended[4].id, waiting.id]
    assert idle


@pytest.mark.parametrize("text", ["", "{", "[]", '{"id": 1}', json.dumps({"status": "won"}), "\0" * 99])
def test_a_damaged_job_harms_no_other(folder: Path, text: str, idle: list[Path]) -> None:
    job = accepted(folder)
    damaged = accepted(folder)
    (folder / damaged.id / "job.json").write_text(text)
    assert [one.id for one in list_jobs(folder)] == [job.id]
    runner.run_waiting(folder)
    assert find_job(folder, job.id).ended
    assert idle == []
