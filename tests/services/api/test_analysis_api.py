"""Counts and sums, and what the layers have in a division, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from geoplan.access.grant import Grant, Scope, current_grant
from tests.services.api.test_openapi import parameters as written_parameters

SUMMARY = "/collections/facts/summary"


def groups(client: httpx.Client, **parameters: Any) -> dict[Any, Any]:
    response = client.get(SUMMARY, params={key.replace("_", "-"): value for key, value in parameters.items()})
    assert response.status_code == 200, response.text
    return {tuple(one["values"].values()): one for one in response.json()["groups"]}


def test_counts_and_sums(client: httpx.Client) -> None:
    found = groups(client, by="division_code,class", sum="value,line")
    assert {key: one["count"] for key, one in found.items()} == {("140321", 0): 1, ("140322", 0): 1, (None, -1): 2}
    assert found[None, -1]["sums"] == {"value": {"sum": 2.0, "missing": 1}, "line": {"sum": 9.0, "missing": 0}}
    answer = client.get(SUMMARY, params={"by": "plan"}).json()
    assert (answer["collection"], answer["numberOfFeatures"], answer["sum"]) == ("facts", 4, [])
    assert [source["id"] for source in answer["sources"]] == ["p"]


def test_of_some_features(client: httpx.Client) -> None:
    assert groups(client, by="class", filter="line > 4")[0,]["count"] == 1
    assert list(groups(client, by="line", bbox="112.45,37.45,112.55,37.55")) == [(3,), (4,), (5,), (6,)]
    assert list(groups(client, by="line", bbox="112,37,112.2,37.2")) == [(4,), (6,)]
    response = client.get(SUMMARY, params={"by": "line", "within": "平定县"}).json()
    assert [one["values"]["line"] for one in response["groups"]] == [3, 4]
    assert (response["excludedSchematic"], response["numberOfFeatures"]) == (1, 2)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "by"), ({"by": ""}, "by"), ({"by": "a,b,c,d"}, "by"), ({"by": "plan,plan"}, "by"),
        ({"by": "colour"}, "colour"), ({"by": "places"}, "places"), ({"by": "plan", "sum": "name"}, "name"),
        ({"by": "plan", "filter": "x ="}, ""), ({"by": "plan", "bbox": "1,2"}, "bbox"),
        ({"by": "plan", "within": "无处"}, "无处"), ({"by": "plan", "limit": "5"}, "limit"),
    ],
)  # fmt: skip
def test_questions_that_are_refused(client: httpx.Client, parameters: dict[str, str], named: str) -> None:
    response = client.get(SUMMARY, params=parameters)
    assert (response.status_code, response.headers["content-type"]) == (400, "application/problem+json")
    assert named in response.json()["detail"]
    assert client.get("/collections/none/summary", params={"by": "plan"}).status_code == 404


def test_the_definition_has_the_parameters() -> None:
    from services.api.routes_analysis import MAX_CLASSES, MAX_FEATURES, MAX_SUMS, SUMMARY_PARAMETERS

    found = written_parameters("/collections/{collectionId}/summary")
    assert set(found) == SUMMARY_PARAMETERS
    assert (found["by"]["schema"]["maxItems"], found["sum"]["schema"]["maxItems"]) == (MAX_CLASSES, MAX_SUMS)
    assert written_parameters("/divisions/{division}")["limit"]["schema"]["maximum"] == MAX_FEATURES


@pytest.mark.parametrize("name", ["140321", "平定县"])
def test_a_division(client: httpx.Client, name: str) -> None:
    found = client.get(f"/divisions/{name}").json()
    assert (found["code"], found["name"], found["level"]) == ("140321", "平定县", "county")
    layers = {layer["collection"]: layer for layer in found["layers"]}
    assert {id_: layer["numberMatched"] for id_, layer in layers.items()} == {"counties": 1, "facts": 1, "many": 400}
    (fact,) = layers["facts"]["features"]
    assert (fact["id"], fact["geometry"], fact["properties"]["line"]) == (11, None, 3)
    assert layers["facts"]["citations"] == [{"plan": "shanxi", "line": 3, "span": None}]
    assert layers["facts"]["sources"][0]["id"] == "p"
    assert (layers["many"]["numberReturned"], len(layers["many"]["features"])) == (100, 100)
    assert len(client.get(f"/divisions/{name}", params={"limit": 7}).json()["layers"][2]["features"]) == 7


def test_a_city_holds_its_counties(client: httpx.Client) -> None:
    layers = {one["collection"]: one for one in client.get("/divisions/140300").json()["layers"]}
    assert [one["id"] for one in layers["facts"]["features"]] == [11, 14]


def test_divisions_that_are_none_or_several(client: httpx.Client) -> None:
    assert client.get("/divisions/无处").status_code == 404
    assert client.get("/divisions/城关镇").status_code == 400
    for limit in ("0", "1001", "x"):
        assert client.get("/divisions/140321", params={"limit": limit}).status_code == 400


def test_only_what_the_caller_sees(client: httpx.Client) -> None:
    token = current_grant.set(Grant("key:a", Scope.READ, {"*": "internal"}, frozenset({"facts"})))
    try:
        assert [one["collection"] for one in client.get("/divisions/140321").json()["layers"]] == ["facts"]
    finally:
        current_grant.reset(token)
