"""The process that runs jobs: ``python -m geoplan.processes.runner FOLDER``. As many as `SLOTS` work side by side."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geoplan.errors import GeoplanError
from geoplan.processes.catalogue import find_process
from geoplan.processes.jobs import Job, JobStatus, find_job, finish, list_jobs, process_start, save, timestamp
from geoplan.processes.model import Context

SLOTS = 2
_PATIENCE_S = 2.0
"""A runner tries so long for a slot: one that finds no more work may be about to give its slot up."""
_SAVE_EVERY_S = 0.25

logger = logging.getLogger(__name__)


def run_waiting(folder: Path) -> None:
    """Run all jobs that wait, the oldest first, and return; at once when `SLOTS` others do so."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        with _slot(folder) as taken:
            if taken:
                while (job := _next(folder)) is not None:
                    _run(folder, job)
                return
        if time.monotonic() > until:
            return
        time.sleep(0.1)


@contextmanager
def _slot(folder: Path) -> Iterator[bool]:
    """Hold one of the slots; it goes with the process, however that ends."""
    for number in range(SLOTS):
        with (folder / f".slot-{number}").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield True
            return
    yield False


def _next(folder: Path) -> Job | None:
    """The oldest job that waits, marked as ours."""
    with (folder / ".queue").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        waiting = [job for job in list_jobs(folder) if job.status is JobStatus.ACCEPTED]
        if not waiting:
            return None
        now = timestamp()
        pid = os.getpid()
        ours = {"pid": pid, "pid_started": process_start(pid), "started": now, "updated": now}
        job = waiting[-1].model_copy(update={**ours, "status": JobStatus.RUNNING})
        save(folder, job)
        return job


def _run(folder: Path, job: Job) -> None:
    process = find_process(job.process)
    saved = 0.0

    def progress(step: str, done: int, total: int) -> None:
        nonlocal saved
        if time.monotonic() - saved < _SAVE_EVERY_S:
            return
        saved = time.monotonic()
        percent = min(99, 100 * done // total) if total else 0
        job.message, job.progress, job.updated = step, percent, timestamp()
        save(folder, job)

    packs = {name: Path(path) for name, path in job.packs.items()}
    try:
        outputs = process.run(process.inputs.model_validate(job.inputs), Context(folder / job.id, packs, progress))
    except GeoplanError as error:
        ended = finish(job, JobStatus.FAILED, str(error))
    except Exception:
        logger.exception("job %s failed", job.id)
        ended = finish(job, JobStatus.FAILED, "The job failed. The fault has been logged.")
    else:
        ended = finish(job, JobStatus.SUCCESSFUL, "Done.")
        ended.progress = 100
        ended.outputs = {
            name: {"mediaType": output.media_type, "file": output.file, "value": output.value}
            for name, output in outputs.items()
        }
    if find_job(folder, job.id).status is JobStatus.RUNNING:
        save(folder, ended)


if __name__ == "__main__":
    run_waiting(Path(sys.argv[1]))
