"""JSON-FG of the service's own GeoJSON answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from services.api.app import Service
from services.api.catalog import Builds
from services.api.crs import DEFAULT, SYSTEMS, System
from services.api.json_fg import CONFORMANCE, to_json_fg
from tests.services.api.test_tile_times import dated  # noqa: F401 - a fixture

SCHEMA = "http://planning.test/schema"
NATIONAL = SYSTEMS["http://www.opengis.net/def/crs/EPSG/0/4490"]


@pytest.fixture
def timed(app: Service, client: httpx.Client, project: Path, dated: list[Path]) -> httpx.Client:  # noqa: F811
    app.state.builds = Builds(project / "nothing", extra=dated)
    return client


def converted(app: Service, client: httpx.Client, path: str, crs: System = DEFAULT) -> tuple[Any, Any]:
    """An answer as GeoJSON, and as JSON-FG."""
    id_ = path.partition("/")[0]
    plain = client.get(f"/collections/{path}", params={"crs": crs.uri})
    one = app.state.builds.shelf().collection(id_)
    return plain.json(), orjson.loads(to_json_fg(plain.content, one, crs, SCHEMA))


def test_a_collection_says_what_it_is(app: Service, timed: httpx.Client) -> None:
    plain, found = converted(app, timed, "days/items")
    assert found["conformsTo"] == list(CONFORMANCE)
    assert (found["featureType"], found["featureSchema"], found["geometryDimension"]) == ("days", SCHEMA, 0)
    assert "coordRefSys" not in found
    changed = {"features", "links"}
    assert all(found[name] == value for name, value in plain.items() if name not in changed)
    assert found["links"][:-1] == plain["links"]
    assert found["links"][-1]["href"] == "http://www.opengis.net/def/profile/OGC/0/jsonfg"
    times = [one["time"] for one in found["features"]]
    assert times == [{"date": "2020-01-01"}, {"date": "2021-06-30"}, None, {"date": "2023-12-31"}]
    for one, other in zip(plain["features"], found["features"], strict=True):
        assert other == {**one, "place": None, "time": other["time"]}


def test_instants_and_collections_without_times(app: Service, timed: httpx.Client) -> None:
    _, found = converted(app, timed, "instants/items/1")
    assert found["time"] == {"timestamp": "2020-01-01T12:00:00Z"}
    assert (found["type"], found["featureType"]) == ("Feature", "instants")
    assert converted(app, timed, "timeless/items/1")[1]["time"] is None


def test_other_systems_are_in_place(app: Service, client: httpx.Client) -> None:
    plain, found = converted(app, client, "facts/items", NATIONAL)
    assert found["coordRefSys"] == NATIONAL.uri
    assert found["geometryDimension"] is None
    assert [one["geometry"] for one in found["features"]] == [None] * 4
    assert [one["place"] for one in found["features"]] == [one["geometry"] for one in plain["features"]]
    assert found["features"][0]["place"]["coordinates"] == [37.5, 112.5]
    assert converted(app, client, "counties/items")[1]["geometryDimension"] == 2
