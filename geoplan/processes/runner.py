"""The process that runs jobs: ``python -m geoplan.processes.runner FOLDER``. As many as `SLOTS` work side by side."""

from __future__ import annotations

import errno
import logging
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path

from geoplan.errors import GeoplanError
from geoplan.pack.warm import one_by_one
from geoplan.processes.catalogue import find_process
from geoplan.processes.jobs import (
    Job,
    JobStatus,
    UnknownJobError,
    find_job,
    finish,
    list_jobs,
    make_room,
    process_start,
    remove_outputs,
    save,
    timestamp,
)
from geoplan.processes.locks import queue, slot
from geoplan.processes.model import Context, Output
from geoplan.processes.room import check_job
from geoplan.query.warm import warm as warm_query
from geoplan.tiles.warm import warm as warm_tiles

_SAVE_EVERY_S = 0.25
_LOG = "runner.log"
_LOG_BYTES = 1 << 20

Progress = Callable[[str, int, int], None]

logger = logging.getLogger(__name__)


def run_waiting(folder: Path) -> None:
    """Run all jobs that wait, the oldest first, and return; at once when `SLOTS` others do so.

    Whoever gives a slot up looks once more for jobs: one that came meanwhile was left to it.
    """
    while True:
        with slot(folder) as taken:
            if not taken:
                return
            _compile()
            while (job := _next(folder)) is not None:
                _run(folder, job)
        if all(job.status is not JobStatus.ACCEPTED for job in list_jobs(folder)):
            return


@cache
def _compile() -> None:
    """Have the kernels ready: only with a slot, so that few processes wait for one another here."""
    one_by_one(warm_query, warm_tiles)


def _next(folder: Path) -> Job | None:
    """The oldest job that waits, marked as ours."""
    with queue(folder):
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
    saved = 0.0

    def progress(step: str, done: int, total: int) -> None:
        nonlocal saved
        if time.monotonic() - saved < _SAVE_EVERY_S:
            return
        saved = time.monotonic()
        check_job(folder, folder / job.id)
        percent = min(99, 100 * done // total) if total else 0
        job.message, job.progress, job.updated = step, percent, timestamp()
        save(folder, job)

    try:
        outputs = _outputs(folder, job, progress)
    except GeoplanError as error:
        ended = finish(job, JobStatus.FAILED, str(error))
    except Exception as error:
        logger.exception("job %s failed", job.id)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        message = "The server's disk is full." if full else "The job failed. The fault has been logged."
        ended = finish(job, JobStatus.FAILED, message)
    else:
        ended = finish(job, JobStatus.SUCCESSFUL, "Done.")
        ended.progress = 100
        ended.outputs = {
            name: {"mediaType": output.media_type, "file": output.file, "value": output.value}
            for name, output in outputs.items()
        }
    _keep(folder, ended)


def _outputs(folder: Path, job: Job, progress: Progress) -> dict[str, Output]:
    process = find_process(job.process)
    packs = {name: Path(path) for name, path in job.packs.items()}
    check_job(folder, folder / job.id)
    own = folder / job.id
    with _temporary_files_in(own):
        outputs = process.run(process.inputs.model_validate(job.inputs), Context(own, packs, progress))
    check_job(folder, own)
    return outputs


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Have temporary files on the disk of the job, whose space is watched."""
    before = tempfile.tempdir
    tempfile.tempdir = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _keep(folder: Path, ended: Job) -> None:
    """Keep the end of a job, unless it was dismissed or removed meanwhile."""
    try:
        if find_job(folder, ended.id).status is not JobStatus.RUNNING:
            return
        if ended.status is JobStatus.FAILED:
            remove_outputs(folder, ended)
        save(folder, ended)
        make_room(folder, list_jobs(folder))
    except (UnknownJobError, FileNotFoundError):
        logger.warning("job %s was removed while it ran", ended.id)


def _log_to(folder: Path) -> None:
    handler = RotatingFileHandler(folder / _LOG, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8", delay=True)
    logging.basicConfig(handlers=[handler], format="%(asctime)s %(levelname)s %(message)s")


if __name__ == "__main__":
    jobs = Path(sys.argv[1])
    _log_to(jobs)
    run_waiting(jobs)
