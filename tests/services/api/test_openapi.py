"""The definition of the API, kept by hand, says what the service does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from geoplan.processes import Job, JobStatus
from geoplan.processes.jobs import save
from geoplan.tiles.seed import seed
from services.api import item_parameters, tile_matrix_sets, tile_requests, tilesets
from services.api.app import Service
from services.api.crs import SYSTEMS
from services.api.filters import LANGUAGES, MAX_TEXT
from services.api.openapi import written
from services.api.representation import FORM_PARAMETERS, FORMATS

PAGES = re.compile(r"/(viewer|vendor)/")
METHODS = {"get", "post", "delete"}


@pytest.fixture
def document(client: httpx.Client) -> dict[str, Any]:
    response = client.get("/api")
    assert response.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    answer: dict[str, Any] = response.json()
    return answer


def parameters(path: str) -> dict[str, dict[str, Any]]:
    """Query parameters of a path by name, references resolved."""
    whole = written()
    listed = [*whole["paths"][path].get("parameters", ()), *whole["paths"][path]["get"].get("parameters", ())]
    found = [whole["components"]["parameters"][p["$ref"].rpartition("/")[2]] if "$ref" in p else p for p in listed]
    return {one["name"]: one for one in found if one["in"] == "query"}


def shape(path: str) -> str:
    """A path with its variables without names."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_it_is_openapi_3_0_3_of_this_address(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    assert document["servers"] == [{"url": "http://planning.test"}]
    assert document["components"]["parameters"]["collectionId"]["schema"]["enum"] == ["counties", "facts", "many"]


def test_every_reference_is_to_itself_and_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(_references(document))
    assert len(references) > 50
    for reference in references:
        assert reference.startswith("#/")
        found: Any = document
        for step in reference[2:].split("/"):
            found = found[step]
    named = {f"#/components/{kind}/{name}" for kind, entries in document["components"].items() for name in entries}
    assert named == references


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def test_operations_have_ids_and_say_what_errors_look_like(document: dict[str, Any]) -> None:
    assert {key for item in document["paths"].values() for key in item} == METHODS | {"parameters"}
    operations = [item[method] for item in document["paths"].values() for method in METHODS & set(item)]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    for operation in operations:
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/problem"}
        assert operation["summary"]
        for path, item in document["paths"].items():
            named = {
                document["components"]["parameters"][p["$ref"].rpartition("/")[2]]["name"] if "$ref" in p else p["name"]
                for p in [*item.get("parameters", ()), *item.get("get", {}).get("parameters", ())]
            }
            assert set(re.findall(r"\{([^}]*)\}", path)) <= named


def test_routes_and_paths_are_the_same(app: Service, document: dict[str, Any]) -> None:
    routes = {shape(path) for path in _routes(app) if not PAGES.match(path)}
    assert {shape(path) for path in document["paths"]} == routes


def _routes(app: Service) -> Iterator[str]:
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route.path
        elif original := getattr(route, "original_router", None):
            yield from (one.path for one in original.routes if isinstance(one, APIRoute))


def test_parameters_are_those_that_are_read() -> None:
    items = parameters("/collections/{collectionId}/items")
    assert set(items) == item_parameters.RESERVED
    assert set(items["f"]["schema"]["enum"]) == set(FORMATS)
    assert items["limit"]["schema"]["maximum"] == item_parameters.MAX_LIMIT
    assert items["limit"]["schema"]["default"] == item_parameters.DEFAULT_LIMIT
    assert items["nearest"]["schema"]["maximum"] == item_parameters.MAX_NEAREST
    assert items["radius"]["schema"]["maximum"] == item_parameters.MAX_RADIUS_M
    assert items["ids"]["schema"]["maxItems"] == item_parameters.MAX_IDS
    assert items["filter"]["schema"]["maxLength"] == MAX_TEXT
    assert items["filter-lang"]["schema"]["enum"] == list(LANGUAGES)
    assert written()["components"]["schemas"]["crs"]["enum"] == list(SYSTEMS)
    assert set(parameters("/collections/{collectionId}/items/{featureId}")) == set(FORM_PARAMETERS)
    tile = "{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
    assert set(parameters(f"/collections/{{collectionId}}/tiles/{tile}")) == tile_requests.PARAMETERS
    assert set(parameters(f"/tiles/{tile}")) == tile_requests.DATASET_PARAMETERS
    assert parameters(f"/tiles/{tile}")["collections"]["schema"]["maxItems"] == tile_requests.MAX_COLLECTIONS
    assert set(parameters(f"/tiles/{tile}")["f"]["schema"]["enum"]) == set(tile_requests.KINDS)
    assert set(parameters("/tiles/{layer_id}/{z}/{x}/{y}.mvt")) == tile_requests.PARAMETERS - {"f"}


def test_sets_and_zooms_are_those_that_are_served() -> None:
    kinds = written()["components"]["parameters"]
    assert kinds["tileMatrixSetId"]["schema"]["enum"] == list(tilesets.SETS)
    assert kinds["tileMatrix"]["schema"]["maximum"] == tile_requests.MAX_TILE_ZOOM
    assert len(tile_matrix_sets.definition("WebMercatorQuad")["tileMatrices"]) == tile_requests.MAX_TILE_ZOOM + 1


def _read_paths() -> list[str]:
    return sorted(path for path, item in written()["paths"].items() if "get" in item)


@pytest.fixture
def made(project: Path, versions: Path) -> str:
    """An archive ``counties`` and a job with a file beside the build; the job's id."""
    (project / "build" / "archives").mkdir()
    pack = versions / "v1" / "packs" / "counties"
    seed(pack, project / "build" / "archives" / "counties.pmtiles", min_zoom=8, max_zoom=8, workers=1)
    # Of today: results are kept for some days only.
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    job = Job(id="a" * 32, process="export", inputs={}, packs={}, created=now, updated=now, status=JobStatus.SUCCESSFUL,
              outputs={"file": {"mediaType": "text/csv", "file": "a.csv"}})  # fmt: skip
    folder = project / "build" / "jobs" / job.id
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a,b")
    save(folder.parent, job)
    return job.id


@pytest.mark.parametrize("path", _read_paths())
def test_every_path_is_answered(client: httpx.Client, path: str, made: str) -> None:
    """Each with an example of its variables; what it answers is of a kind that it names."""
    values = {"collectionId": "facts", "layer_id": "facts", "featureId": "11", "tileMatrixSetId": "WebMercatorQuad",
              "tileMatrix": "8", "tileRow": "99", "tileCol": "208", "z": "8", "x": "208", "y": "99",
              "plan_id": "shanxi", "line": "1", "processId": "export", "jobId": made, "name": "file",
              "division": "140321", "archive": "counties", "ending": "mvt"}  # fmt: skip
    url = re.sub(r"\{([^}]*)\}", lambda match: values[match[1]], path)
    needed = {"/places": {"q": "平定"}, "/collections/{collectionId}/summary": {"by": "plan"}}
    response = client.get(url, params=needed.get(path, {}))
    if path == "/plans/{plan_id}/lines/{line}":  # there is no copy of the plan
        assert response.status_code == 404
        return
    assert response.status_code == 200
    answer = written()["paths"][path]["get"]["responses"]["200"]
    if "$ref" in answer:
        answer = written()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    kind = response.headers["content-type"]
    assert kind in answer["content"] or kind.partition(";")[0] in answer["content"]
    if "json" in kind:
        json.loads(response.content)
