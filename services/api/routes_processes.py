"""Long jobs over HTTP (OGC API - Processes, Part 1): what can be run, runs, their progress and results."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from geoplan.access.grant import caller, owns, visible
from geoplan.processes import PROCESSES, Job, JobStatus, Process, cancel, find_job, find_process, list_jobs, submit
from geoplan.processes import results as job_results
from geoplan.processes.jobs import NO_JOB, UnknownJobError
from geoplan.processes.room import NoRoomError, expires
from services.api.catalog import Builds
from services.api.errors import Problem
from services.api.parameters import only
from services.api.responses import JSON, NEVER, File

router = APIRouter(tags=["processes"])

CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/{name}"
    for name in ("core", "ogc-process-description", "json", "job-list", "dismiss")
)
JOBS_FOLDER = "jobs"
ProcessId = Annotated[str, Path(max_length=100)]
JobId = Annotated[str, Path(max_length=100)]


class Execution(BaseModel):
    """Body of an execution request."""

    model_config = ConfigDict(extra="forbid")

    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] | None = None
    response: str = "document"


@router.get("/processes", dependencies=[only("f")])
def list_processes(request: Request) -> Response:
    """What can be run."""
    return JSON(
        {
            "processes": [_summary(request, process) for process in PROCESSES.values()],
            "links": [_link(request, "/processes", "self")],
        }
    )


@router.get("/processes/{process_id}", dependencies=[only("f")])
def get_process(request: Request, process_id: ProcessId) -> Response:
    """One process with its inputs and outputs."""
    process = find_process(process_id)
    schema = process.inputs.model_json_schema()
    required = set(schema.get("required", ()))
    inputs = {
        name: {
            "title": value.get("title", name),
            "description": value.get("description", ""),
            "schema": value,
            "minOccurs": int(name in required),
            "maxOccurs": 1,
        }
        for name, value in schema.get("properties", {}).items()
    }
    outputs = {
        name: {"title": name, "schema": {"type": "string", "contentMediaType": media_type}}
        for name, media_type in process.outputs.items()
    }
    return JSON({**_summary(request, process), "inputs": inputs, "outputs": outputs})


@router.post("/processes/{process_id}/execution", dependencies=[only()])
def execute(request: Request, process_id: ProcessId, body: Execution) -> Response:
    """Take a job; it runs in a process of its own. The answer says where its progress is."""
    builds: Builds = request.app.state.builds
    shelf = builds.shelf()
    packs = {id_: found.pack.path for id_, found in shelf.collections.items() if visible(id_) and not found.live}
    try:
        job = submit(_folder(request), process_id, body.inputs, packs, caller())
    except NoRoomError as error:
        return Problem(HTTPStatus.INSUFFICIENT_STORAGE, f"{error}.")
    location = f"{_base(request)}/jobs/{job.id}"
    return Response(
        JSON(_status(request, job)).body,
        status_code=HTTPStatus.CREATED,
        media_type="application/json",
        headers={"Location": location, "Cache-Control": NEVER},
    )


@router.get("/jobs", dependencies=[only("f")])
def get_jobs(request: Request) -> Response:
    """All jobs, the newest first."""
    jobs = [_status(request, job) for job in list_jobs(_folder(request)) if owns(job.caller)]
    return JSON({"jobs": jobs, "links": [_link(request, "/jobs", "self")]}, cache=NEVER)


@router.get("/jobs/{job_id}", dependencies=[only("f")])
def get_job(request: Request, job_id: JobId) -> Response:
    """How far a job is."""
    return JSON(_status(request, _own(request, job_id)), cache=NEVER)


@router.delete("/jobs/{job_id}", dependencies=[only()])
def delete_job(request: Request, job_id: JobId) -> Response:
    """Cancel a job, or remove one that has ended."""
    _own(request, job_id)
    job = cancel(_folder(request), job_id).model_copy(update={"status": JobStatus.DISMISSED})
    return JSON(_status(request, job), cache=NEVER)


@router.get("/jobs/{job_id}/results", dependencies=[only("f")])
def get_results(request: Request, job_id: JobId) -> Response:
    """Results of a job that succeeded: values, and links to files."""
    _own(request, job_id)
    found = job_results(_folder(request), job_id)
    return JSON(
        {
            name: {"href": f"{_base(request)}/jobs/{job_id}/results/{name}", "type": output["mediaType"]}
            if output.get("file")
            else {"value": output["value"], "mediaType": output["mediaType"]}
            for name, output in found.items()
        },
        cache=NEVER,
    )


@router.get("/jobs/{job_id}/results/{name}", dependencies=[only()])
def get_result(request: Request, job_id: JobId, name: Annotated[str, Path(max_length=100)]) -> Response:
    """One result of a job as a file."""
    _own(request, job_id)
    output = job_results(_folder(request), job_id).get(name)
    if output is None or not output.get("file"):
        raise UnknownJobError("this job has no file of that name; its results list them")
    path = FilePath(output["file"])
    headers = {"Cache-Control": NEVER}
    return File(path, media_type=output["mediaType"], filename=path.name, headers=headers)


def _own(request: Request, job_id: str) -> Job:
    """A job of the caller; another's is not told from one that is not there."""
    job = find_job(_folder(request), job_id)
    if not owns(job.caller):
        raise UnknownJobError(NO_JOB)
    return job


def _folder(request: Request) -> FilePath:
    build_dir: FilePath = request.app.state.settings.build_dir
    return build_dir / JOBS_FOLDER


def _summary(request: Request, process: Process) -> dict[str, Any]:
    path = f"/processes/{process.id}"
    return {
        "id": process.id,
        "version": process.version,
        "title": process.title,
        "description": process.description,
        "jobControlOptions": ["async-execute", "dismiss"],
        "outputTransmission": ["reference"],
        "links": [
            _link(request, path, "self"),
            _link(request, f"{path}/execution", "http://www.opengis.net/def/rel/ogc/1.0/execute"),
        ],
    }


def _status(request: Request, job: Job) -> dict[str, Any]:
    path = f"/jobs/{job.id}"
    links = [_link(request, path, "self")]
    if job.status is JobStatus.SUCCESSFUL:
        links.append(_link(request, f"{path}/results", "http://www.opengis.net/def/rel/ogc/1.0/results"))
    times = {name: getattr(job, name) for name in ("created", "started", "finished", "updated")}
    end = expires(job.finished)
    times["expires"] = end and end.isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "processID": job.process,
        "type": "process",
        "jobID": job.id,
        "status": job.status.value,
        "message": job.message,
        "progress": job.progress,
        **{name: value for name, value in times.items() if value},
        "links": links,
    }


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _link(request: Request, path: str, rel: str) -> dict[str, str]:
    return {"href": f"{_base(request)}{path}", "rel": rel, "type": "application/json"}
