"""Long jobs: what can be run, how a run is kept on disk, and the process that runs it."""

from __future__ import annotations

from geoplan.processes.catalogue import PROCESSES, find_process
from geoplan.processes.jobs import Job, JobStatus, cancel, find_job, list_jobs, results, submit
from geoplan.processes.model import Process

__all__ = [
    "PROCESSES",
    "Job",
    "JobStatus",
    "Process",
    "cancel",
    "find_job",
    "find_process",
    "list_jobs",
    "results",
    "submit",
]
