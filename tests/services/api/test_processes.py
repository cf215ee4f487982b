"""Long jobs over HTTP: from the order to the file, and whose they are."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import Message

from geoplan.access.grant import Grant, Scope, current_grant
from geoplan.processes import PROCESSES, jobs, room
from services.api.app import Service
from services.api.http_cache import HttpCache
from services.api.responses import File

EXPORT = "/processes/export/execution"
CSV = {"inputs": {"collection": "many", "format": "csv"}}
VISIBILITY = {"*": "internal"}


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait: no runner is started."""
    monkeypatch.setattr(jobs, "start_runner", lambda _: None)


@pytest.fixture(autouse=True)
def _end(project: Path) -> Iterator[None]:
    yield
    folder = project / "build" / "jobs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start_runner", lambda _: None)
        for job in jobs.list_jobs(folder):
            if not job.ended:
                jobs.cancel(folder, job.id)


@pytest.fixture
def as_caller() -> Iterator[Callable[..., None]]:
    """Makes the next requests those of a caller."""
    token = current_grant.set(None)

    def become(who: str, scope: Scope = Scope.READ, layers: frozenset[str] | None = None) -> None:
        current_grant.set(Grant(who, scope, VISIBILITY, layers))  # type: ignore[arg-type]

    yield become
    current_grant.reset(token)


def ended(client: httpx.Client, location: str) -> dict[str, Any]:
    until = time.monotonic() + 90
    while True:
        status: dict[str, Any] = client.get(location).json()
        if status["status"] not in {"accepted", "running"}:
            return status
        assert time.monotonic() < until, status
        time.sleep(0.05)


def test_the_list_leads_to_the_descriptions(client: httpx.Client) -> None:
    listed = client.get("/processes").json()["processes"]
    assert [one["id"] for one in listed] == list(PROCESSES)
    for one in listed:
        links = {link["rel"]: link["href"] for link in one["links"]}
        described = client.get(links["self"]).json()
        assert {**described, **one} == described
        assert set(described["inputs"]) == set(PROCESSES[one["id"]].inputs.model_fields)
        assert set(described["outputs"]) == set(PROCESSES[one["id"]].outputs)
    export = client.get("/processes/export").json()["inputs"]
    assert (export["collection"]["minOccurs"], export["filter"]["minOccurs"]) == (1, 0)


def test_from_the_order_to_the_file(client: httpx.Client) -> None:
    response = client.post(EXPORT, json=CSV)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    location = response.headers["location"]
    order = response.json()
    assert location == f"http://planning.test/jobs/{order['jobID']}"
    assert (order["status"], order["processID"], order["type"]) == ("accepted", "export", "process")
    status = ended(client, location)
    assert (status["status"], status["progress"]) == ("successful", 100)
    kept = datetime.fromisoformat(status["expires"]) - datetime.fromisoformat(status["finished"])
    assert abs(kept - room.KEPT_FOR).total_seconds() < 1
    results = next(link["href"] for link in status["links"] if link["rel"].endswith("/results"))
    file = client.get(results).json()["file"]
    assert file["type"] == "text/csv"
    answer = client.get(file["href"])
    assert answer.headers["content-type"].startswith("text/csv")
    assert "many.csv" in answer.headers["content-disposition"]
    assert len(answer.content.splitlines()) == 401
    part = client.get(file["href"], headers={"Range": "bytes=3-12", "Accept-Encoding": "gzip"})
    assert (part.status_code, part.content) == (206, answer.content[3:13])
    assert [job["jobID"] for job in client.get("/jobs").json()["jobs"]] == [order["jobID"]]
    assert client.delete(location).json()["status"] == "dismissed"
    for gone in (location, results, file["href"]):
        assert client.get(gone).status_code == 404
    assert client.get("/jobs").json()["jobs"] == []


def test_a_job_that_fails_says_why(client: httpx.Client) -> None:
    body = {"inputs": {"collection": "many", "filter": "colour = 1"}}
    status = ended(client, client.post(EXPORT, json=body).headers["location"])
    assert status["status"] == "failed"
    assert "colour" in status["message"]
    response = client.get(f"/jobs/{status['jobID']}/results")
    assert (response.status_code, "failed" in response.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"inputs": {}}, "collection"),
        ({"inputs": {"collection": "many", "colour": 1}}, "colour"),
        ({"inputs": {"collection": "many", "format": "exe"}}, "format"),
        ({"inputs": {"collection": {"href": "http://10.0.0.1/"}}}, "collection"),
        ({"inputs": [], "subscriber": {}}, "subscriber"),
        ([], "body"),
        ({"inputs": {"collection": "nowhere"}}, "nowhere"),
    ],
)
def test_orders_that_are_refused(client: httpx.Client, body: Any, named: str, idle: None) -> None:  # noqa: ARG001
    response = client.post(EXPORT, json=body)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert named in response.json()["detail"]
    assert client.get("/jobs").json()["jobs"] == []


def test_an_order_for_which_there_is_no_room(client: httpx.Client, idle: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert idle is None
    monkeypatch.setattr(room, "LEAST_FREE_BYTES", 1 << 60)
    usage = shutil.disk_usage("/")._replace(total=1 << 62)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    response = client.post(EXPORT, json=CSV)
    assert (response.status_code, response.headers["content-type"]) == (507, "application/problem+json")
    assert "no room on the server's disk" in response.json()["detail"]
    assert client.get("/jobs").json()["jobs"] == []


def test_what_is_not_there(client: httpx.Client) -> None:
    nowhere = f"/jobs/{'a' * 32}"
    for path in ("/processes/none", nowhere, f"{nowhere}/results", f"{nowhere}/results/file", "/jobs/..%2fx"):
        assert client.get(path).status_code == 404, path
    assert client.post("/processes/none/execution", json=CSV).status_code == 404
    assert client.delete(nowhere).status_code == 404
    assert client.get("/jobs", params={"q": "1"}).status_code == 400


def test_a_job_is_the_callers_own(client: httpx.Client, as_caller: Callable[..., None], idle: None) -> None:  # noqa: ARG001
    as_caller("key:a")
    location = client.post(EXPORT, json=CSV).headers["location"]
    as_caller("key:b")
    paths = [location, f"{location}/results", f"{location}/results/file"]
    unknown = client.get(f"/jobs/{'a' * 32}").json()
    assert [client.get(path).status_code for path in paths] == [404] * 3
    assert client.get(location).json() == unknown
    assert client.delete(location).status_code == 404
    assert client.get("/jobs").json()["jobs"] == []
    as_caller("key:a")
    assert client.get(location).json()["status"] == "accepted"
    as_caller("key:c", Scope.ADMIN)
    assert len(client.get("/jobs").json()["jobs"]) == 1


def test_a_job_sees_what_its_caller_sees(
    client: httpx.Client,
    project: Path,
    as_caller: Callable[..., None],
    idle: None,  # noqa: ARG001
) -> None:
    as_caller("key:a", layers=frozenset({"facts"}))
    assert client.post(EXPORT, json=CSV).status_code == 400
    client.post(EXPORT, json={"inputs": {"collection": "facts"}})
    (job,) = jobs.list_jobs(project / "build" / "jobs")
    assert (list(job.packs), job.caller) == (["facts"], "key:a")


def test_many_orders_are_put_off(client: httpx.Client, monkeypatch: pytest.MonkeyPatch, idle: None) -> None:  # noqa: ARG001
    monkeypatch.setattr(jobs, "MAX_WAITING", 2)
    assert [client.post(EXPORT, json=CSV).status_code for _ in range(3)] == [201, 201, 429]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_large_file_is_never_held_whole(tmp_path: Path, method: str) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(bytes(range(256)) * 4096)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "headers": [(b"accept-encoding", b"gzip")], "path": "/", "asgi": {}}
    asyncio.run(HttpCache(File(path, media_type="application/json"))(scope, _nothing, send))
    start, *parts = sent
    headers = dict(start["headers"])
    assert (start["status"], headers[b"content-length"]) == (200, b"1048576")
    assert b"content-encoding" not in headers
    bodies = [part.get("body", b"") for part in parts]
    assert max(map(len, bodies)) <= 1 << 16
    assert b"".join(bodies) == (path.read_bytes() if method == "GET" else b"")
    assert [part.get("more_body", False) for part in parts] == [True] * (len(parts) - 1) + [False]


def test_a_range_is_not_compressed(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_text(json.dumps(list(range(5000))))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"accept-encoding", b"gzip"), (b"range", b"bytes=0-4999")]
    scope = {"type": "http", "method": "GET", "headers": headers, "path": "/", "asgi": {}}
    asyncio.run(HttpCache(File(path, media_type="application/json"))(scope, _nothing, send))
    assert sent[0]["status"] == 206
    assert b"".join(message.get("body", b"") for message in sent[1:]) == path.read_bytes()[:5000]


async def _nothing() -> Message:
    await asyncio.sleep(60)
    return {"type": "http.disconnect"}


def test_over_a_real_connection(service: str, app: Service) -> None:
    assert app.state.builds.shelf()
    with httpx.Client(base_url=service) as client:
        status = ended(client, client.post(EXPORT, json=CSV).headers["location"])
        href = f"/jobs/{status['jobID']}/results/file"
        whole = client.get(href)
        head = client.head(href)
        assert head.headers["content-length"] == str(len(whole.content))
        assert (head.content, len(whole.content) > 1000) == (b"", True)
