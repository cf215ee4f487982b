"""Places over HTTP."""

from __future__ import annotations

import httpx
import pytest


def test_a_name_that_means_one_place(client: httpx.Client) -> None:
    answer = client.get("/places", params={"q": "平定"}).json()
    assert answer == {
        "status": "unique",
        "candidates": [
            {
                "name": "平定县",
                "code": "140321",
                "level": "county",
                "parent": "山西省/阳泉市",
                "as_of": "2024",
                "via": "short",
                "bounds": [112.0, 37.0, 113.0, 38.0],
            }
        ],
    }


def test_a_name_that_means_several_and_where_to_look(client: httpx.Client) -> None:
    answer = client.get("/places", params={"q": "城关镇"}).json()
    assert (answer["status"], len(answer["candidates"])) == ("ambiguous", 2)
    assert [place["bounds"] for place in answer["candidates"]] == [[112.4, 37.4, 112.6, 37.6], None]
    assert len(client.get("/places", params={"q": "城关镇", "limit": 1}).json()["candidates"]) == 1
    answer = client.get("/places", params={"q": "城关镇", "within": "盂县"}).json()
    assert [c["code"] for c in answer["candidates"]] == ["140322001"]


def test_an_unknown_name_has_suggestions(client: httpx.Client) -> None:
    answer = client.get("/places", params={"q": "pingding"}).json()
    assert (answer["status"], answer["candidates"][0]["name"]) == ("unknown", "平定县")
    assert client.get("/places", params={"q": "zzzz"}).json() == {"status": "unknown", "candidates": []}


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"q": ""}, 400),
        ({"q": "x" * 101}, 400),
        ({"q": "x" * 60_000}, 414),
        ({"q": "平定", "limit": "0"}, 400),
        ({"q": "平定", "within": "nowhere"}, 400),
        ({"q": "平定", "fuzzy": "1"}, 400),
    ],
)
def test_refusals(client: httpx.Client, params: dict[str, str], status: int) -> None:
    response = client.get("/places", params=params)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 1000
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("q", ["<script>", "' OR 1=1 --", "\x00", "../..", "%", "平" * 100, "🀄", "  "])
def test_odd_names_are_only_names(client: httpx.Client, q: str) -> None:
    response = client.get("/places", params={"q": q})
    assert response.status_code == 200
    assert response.json()["status"] == "unknown"
