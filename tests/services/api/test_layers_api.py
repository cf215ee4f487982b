"""Layers and features over HTTP."""

from __future__ import annotations

import httpx
import pytest

SCRIPT = "<script>alert(1)</script>"


def ids(client: httpx.Client, url: str) -> list[int]:
    response = client.get(url)
    assert response.status_code == 200, response.text
    return [feature["id"] for feature in response.json()["features"]]


def test_layers_lists_metadata_build_and_plans(client: httpx.Client) -> None:
    answer = client.get("/layers").json()
    assert [layer["id"] for layer in answer["layers"]] == ["counties", "facts", "many"]
    assert answer["build"] == {"version": "v1"}
    assert answer["plans"] == [{"id": "shanxi", "area": "山西省"}]
    assert client.get("/layers/facts").json() == answer["layers"][1]


def test_items_are_geojson_with_missing_as_null(client: httpx.Client) -> None:
    response = client.get("/layers/facts/items")
    assert response.headers["content-type"] == "application/geo+json"
    answer = response.json()
    assert (answer["type"], answer["numberMatched"], answer["numberReturned"]) == ("FeatureCollection", 4, 4)
    first, second, _, last = answer["features"]
    assert (first["id"], first["properties"]["name"]) == (11, SCRIPT)
    assert first["properties"]["quantities"] == [{"value": None, "unit": "mu"}]
    assert second["properties"]["value"] is None
    assert second["properties"]["division_code"] is None
    assert (last["geometry"], last["properties"]["name"]) == (None, None)


def test_items_by_box_point_and_division(client: httpx.Client) -> None:
    assert ids(client, "/layers/facts/items?bbox=112.4,37.4,112.6,37.6") == [11, 12, 13]
    point = client.get("/layers/facts/items?point=112.5,37.5").json()
    assert ([f["id"] for f in point["features"]], point["excludedSchematic"]) == ([11, 12], 1)
    for within in ("140321", "平定县", "平定", "阳泉市/平定县"):
        assert ids(client, f"/layers/facts/items?within={within}") == [11, 12]
    assert ids(client, "/layers/facts/items?within=140300") == [11, 14]
    assert client.get("/layers/facts/items?within=140321").json()["excludedSchematic"] == 1
    assert ids(client, "/layers/facts/items?within=140321001") == []


def test_pages_follow_their_links(client: httpx.Client) -> None:
    url, seen = "/layers/many/items?limit=150&bbox=111,36,114,39", []
    while url:
        answer = client.get(url).json()
        seen += [feature["id"] for feature in answer["features"]]
        assert answer["numberMatched"] == 400
        links = {link["rel"]: link["href"] for link in answer["links"]}
        assert "bbox=" in links["self"]
        url = links.get("next", "")
    assert seen == list(range(400))
    assert "offset=150" in links["prev"]
    assert links["self"].startswith("http://planning.test/layers/many/items?")


def test_one_feature(client: httpx.Client) -> None:
    feature = client.get("/layers/counties/items/2").json()
    assert (feature["type"], feature["id"], feature["properties"]["name"]) == ("Feature", 2, "盂县")


@pytest.mark.parametrize(
    ("url", "status", "word"),
    [
        ("/layers/none", 404, "'none'"),
        ("/layers/none/items", 404, "'none'"),
        ("/layers/none/items/1", 404, "'none'"),
        ("/layers/facts/items/99", 404, "99"),
        ("/layers/facts/items/x", 404, "nothing"),
        ("/layers/facts/items/-1", 404, "nothing"),
        ("/layers/facts/items?bbox=1,2,3", 400, "bbox"),
        ("/layers/facts/items?bbox=NaN,NaN,NaN,NaN", 400, "bbox"),
        ("/layers/facts/items?bbox=", 400, "bbox"),
        ("/layers/facts/items?bbox=170,0,-170,1", 400, "antimeridian"),
        ("/layers/facts/items?bbox=1e999,0,1,1", 400, "bbox"),
        ("/layers/facts/items?point=37,112", 400, "longitude comes first"),
        ("/layers/facts/items?within=nowhere", 400, "nowhere"),
        ("/layers/facts/items?within=城关镇", 400, "may be any of"),
        ("/layers/facts/items?within=", 400, "no place"),
        ("/layers/facts/items?limit=0", 400, "limit"),
        ("/layers/facts/items?limit=10001", 400, "limit"),
        ("/layers/facts/items?limit=abc", 400, "limit"),
        ("/layers/facts/items?offset=-1", 400, "offset"),
        ("/layers/facts/items?offset=" + "9" * 5000, 400, "offset"),
        ("/layers/facts/items?BBOX=1,1,2,2", 400, "BBOX"),
        ("/layers/facts/items?limit=1&limit=2", 400, "2 times"),
        ("/layers?f=json", 400, "'f'"),
    ],
)
def test_refusals_are_problem_details(client: httpx.Client, url: str, status: int, word: str) -> None:
    response = client.get(url)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    assert word in problem["detail"]
