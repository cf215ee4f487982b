"""Jobs on disk: any worker of the service sees all of them, and a restart loses none.

A job is a folder ``<id>`` with ``job.json`` (written whole, then renamed) and its outputs. It is run by
a process of its own (`geoplan.processes.runner`), so that cancelling it is killing that process, and
a job that takes too much dies alone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from geoplan.errors import QueryError
from geoplan.processes.catalogue import find_process
from geoplan.processes.locks import is_worked, queue
from geoplan.processes.room import check_free, estimate, has_expired, most_kept, size_of

JOB_FILE = "job.json"
MAX_JOBS = 200
"""Jobs that are kept; the oldest finished ones are removed first."""
MAX_WAITING = 20
NO_JOB = "there is no job of this id; GET /jobs lists them"
_ID_BYTES = 16
_FORGOTTEN = timedelta(seconds=10)
"""A job that nobody has taken for so long, while nobody works, has lost its runner."""
_DEATH_S = 5.0


class UnknownJobError(QueryError):
    """There is no job of the id that was asked for."""


class TooManyJobsError(QueryError):
    """So many jobs wait already that another one is not taken."""


class JobStatus(StrEnum):
    """Where a job stands (OGC API - Processes, 7.11)."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"


class Job(BaseModel):
    """One job as it is kept; times are ISO 8601 in UTC, `progress` is in percent, `caller` is who asked for it."""

    model_config = ConfigDict(extra="forbid")

    id: str
    process: str
    inputs: dict[str, Any]
    packs: dict[str, str]
    caller: str = ""
    status: JobStatus = JobStatus.ACCEPTED
    message: str = ""
    progress: int = 0
    created: str
    started: str | None = None
    finished: str | None = None
    updated: str
    pid: int | None = None
    pid_started: int | None = None
    outputs: dict[str, dict[str, Any]] = {}

    @property
    def ended(self) -> bool:
        """Whether it will not change any more."""
        return self.status not in (JobStatus.ACCEPTED, JobStatus.RUNNING)


def submit(
    folder: Path, process_id: str, inputs: Mapping[str, Any], packs: Mapping[str, Path], caller: str = ""
) -> Job:
    """Take a job and see to it that it is run.

    Parameters
    ----------
    folder
        Folder of all jobs; made when it is missing.
    process_id
        Which process.
    inputs
        Its inputs, not checked yet.
    packs
        Folder of the pack by collection id, as the job is to see them: of the build of this moment, and only those
        that the caller may see.
    caller
        Who asks, kept with the job.

    Raises
    ------
    QueryError
        If the process is unknown or its inputs are not as it asks.
    TooManyJobsError
        If many jobs wait.
    NoRoomError
        If its results, with those of the jobs that wait or run, would leave too little of the disk free.
    """
    process = find_process(process_id)
    try:
        checked = process.inputs.model_validate(inputs)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise QueryError(f"inputs of {process_id}: {faults}") from None
    for collection in checked.collections():
        if collection not in packs:
            raise QueryError(f"inputs of {process_id}: there is no collection {collection!r}")
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list_jobs(folder)
    if sum(not job.ended for job in jobs) >= MAX_WAITING:
        raise TooManyJobsError(f"{MAX_WAITING} jobs are waiting or running already; try again later")
    make_room(folder, jobs, MAX_JOBS - 1)
    awaited = [job.packs[name] for job in jobs if not job.ended for name in _copied(job)]
    check_free(folder, estimate([Path(pack) for pack in awaited] + [packs[name] for name in checked.copied()]))
    now = timestamp()
    job = Job(
        id=secrets.token_hex(_ID_BYTES),
        process=process_id,
        inputs=dict(inputs),
        packs={name: str(path) for name, path in packs.items()},
        caller=caller,
        created=now,
        updated=now,
    )
    (folder / job.id).mkdir()
    save(folder, job)
    start_runner(folder)
    return job


def find_job(folder: Path, job_id: str) -> Job:
    """A job as it stands now; one whose process has died without a word is failed.

    Raises
    ------
    UnknownJobError
        If there is none, or it ended so long ago that it is removed now.
    """
    job = _read(folder, job_id)
    if job.ended and has_expired(job.finished or job.updated):
        shutil.rmtree(folder / job.id, ignore_errors=True)
        raise UnknownJobError(NO_JOB)
    if job.status is JobStatus.RUNNING and not _lives(job):
        job = _read(folder, job_id)  # its last word may have come after our first look
        if job.status is JobStatus.RUNNING:
            job = finish(job, JobStatus.FAILED, "The process of this job ended before its work was done.")
            save(folder, job)
            start_runner(folder)  # the one that died would have taken the next job
    elif job.status is JobStatus.ACCEPTED and _is_forgotten(folder, job):
        start_runner(folder)
    return job


def list_jobs(folder: Path) -> list[Job]:
    """All jobs, the newest first."""
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        try:
            found.append(find_job(folder, path.name))
        except UnknownJobError:
            continue
    return sorted(found, key=lambda job: (job.created, job.id), reverse=True)


def cancel(folder: Path, job_id: str) -> Job:
    """Stop a job that waits or runs, or remove one that has ended together with its outputs.

    Raises
    ------
    UnknownJobError
        If there is none.
    """
    find_job(folder, job_id)
    with queue(folder):  # a job that waits is not taken meanwhile
        job = find_job(folder, job_id)
        if job.ended:
            shutil.rmtree(folder / job.id, ignore_errors=True)
            return job
        _kill(job)
        dismissed = finish(job, JobStatus.DISMISSED, "Dismissed.")
        save(folder, dismissed)
        remove_outputs(folder, job)
    start_runner(folder)  # the one that was killed would have taken the next job
    return dismissed


def results(folder: Path, job_id: str) -> dict[str, dict[str, Any]]:
    """Outputs of a job that succeeded: ``mediaType`` with ``file`` (a path) or ``value``.

    Raises
    ------
    UnknownJobError
        If there is no such job.
    QueryError
        If it has not succeeded.
    """
    job = find_job(folder, job_id)
    if job.status is not JobStatus.SUCCESSFUL:
        raise QueryError(f"the job is {job.status.value}; it has no results")
    return {
        name: {**output, "file": str(folder / job.id / output["file"])} if output.get("file") else output
        for name, output in job.outputs.items()
    }


def remove_outputs(folder: Path, job: Job) -> None:
    """Remove what a job has written, whole or not."""
    for path in (folder / job.id).iterdir():
        if path.name == JOB_FILE:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def save(folder: Path, job: Job) -> None:
    """Keep a job as it stands, in one step."""
    path = folder / job.id / JOB_FILE
    if not path.parent.is_dir():
        return  # removed meanwhile
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps(job.model_dump(mode="json"), ensure_ascii=False), "utf-8")
    temporary.replace(path)


def finish(job: Job, status: JobStatus, message: str) -> Job:
    """The job, ended."""
    now = timestamp()
    return job.model_copy(update={"status": status, "message": message, "finished": now, "updated": now})


def start_runner(folder: Path) -> None:
    """Start a process that runs what waits; it ends by itself when others do that already."""
    command = [sys.executable, "-m", "geoplan.processes.runner", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=process.wait, daemon=True).start()  # or it would stay as a zombie


def timestamp() -> str:
    """Now, in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def process_start(pid: int) -> int | None:
    """When a process started, in ticks since boot; numbers of processes are used again, this pair is not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return None
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(fields[18])


def _read(folder: Path, job_id: str) -> Job:
    if not (len(job_id) == 2 * _ID_BYTES and all(c in "0123456789abcdef" for c in job_id)):
        raise UnknownJobError(NO_JOB)
    try:
        return Job.model_validate_json((folder / job_id / JOB_FILE).read_bytes())
    except (OSError, ValidationError):
        raise UnknownJobError(NO_JOB) from None


def _is_forgotten(folder: Path, job: Job) -> bool:
    """Whether a job waits though nobody works, as after a restart of the machine."""
    try:
        age = datetime.now(UTC) - datetime.fromisoformat(job.created)
    except (ValueError, TypeError):
        return False
    return age > _FORGOTTEN and not is_worked(folder)


def _kill(job: Job) -> None:
    """End the process of a job and those it started, and wait until it is gone: its last word must not come later."""
    if job.pid is None or not _lives(job):
        return
    try:
        # It began a session of its own; one that somebody started by hand shares its group with others.
        if os.getpgid(job.pid) == job.pid:
            os.killpg(job.pid, signal.SIGKILL)
        else:
            os.kill(job.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    until = time.monotonic() + _DEATH_S
    while _lives(job) and time.monotonic() < until:
        time.sleep(0.01)


def _lives(job: Job) -> bool:
    return job.pid is not None and process_start(job.pid) == job.pid_started


def make_room(folder: Path, jobs: list[Job], most: int = MAX_JOBS) -> None:
    """Remove jobs that have ended, those that ended first before others, until few and small enough are left.

    Parameters
    ----------
    jobs
        All of them, the newest first; those that wait or run stay.
    most
        How many may be left, with those.
    """
    ended = sorted((job for job in jobs if job.ended), key=lambda job: job.finished or job.created, reverse=True)
    places = max(0, most - (len(jobs) - len(ended)))
    room = most_kept(folder)
    for number, job in enumerate(ended):
        room -= size_of(folder / job.id)
        if number >= places or room < 0:
            shutil.rmtree(folder / job.id, ignore_errors=True)
    _remove_remains(folder)


def _remove_remains(folder: Path) -> None:
    """Remove folders of jobs that can no longer be read, once they are old."""
    for path in folder.iterdir():
        try:
            is_old = has_expired(datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat())
            if is_old and path.is_dir() and not path.is_symlink():
                _read(folder, path.name)
        except UnknownJobError:
            shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue


def _copied(job: Job) -> tuple[str, ...]:
    """Collections whose features the outputs of a job hold."""
    try:
        copied = find_process(job.process).inputs.model_validate(job.inputs).copied()
    except (QueryError, ValidationError):
        return ()  # taken by another release
    return tuple(name for name in copied if name in job.packs)


def wait(folder: Path, job_id: str, seconds: float) -> Job:
    """The job when it has ended, or as it stands after `seconds`."""
    until = time.monotonic() + seconds
    while not (job := find_job(folder, job_id)).ended and time.monotonic() < until:
        time.sleep(0.05)
    return job
