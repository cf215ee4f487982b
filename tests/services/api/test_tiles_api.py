"""Tiles over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import mapbox_vector_tile
import orjson
import pytest

from geoplan.tiles.encode import encode_mvt
from geoplan.tiles.grid import tile_of
from services.api import tile_requests

TILE = "{}/{}/{}".format(*tile_of(112.5, 37.5, 8))


def test_both_kinds_hold_the_same_features(client: httpx.Client) -> None:
    vector = client.get(f"/tiles/facts/{TILE}.mvt")
    plain = client.get(f"/tiles/facts/{TILE}.geojson")
    assert vector.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert plain.headers["content-type"] == "application/geo+json"
    features = mapbox_vector_tile.decode(vector.content)["facts"]["features"]
    assert [f["id"] for f in features] == [f["id"] for f in plain.json()["features"]] == [11, 12, 13]
    # A vector tile has no lists: it carries their JSON.
    texts = {name: orjson.loads(features[1]["properties"][name]) for name in ("places", "quantities")}
    assert plain.json()["features"][1]["properties"] == features[1]["properties"] | texts


def test_an_empty_tile_is_204_and_an_empty_collection(client: httpx.Client) -> None:
    vector = client.get("/tiles/facts/8/0/0.mvt")
    assert (vector.status_code, vector.content) == (204, b"")
    assert "content-type" not in vector.headers
    assert client.get("/tiles/facts/8/0/0.geojson").json() == {"type": "FeatureCollection", "features": []}


def test_tilejson_names_the_tiles_of_this_host(client: httpx.Client) -> None:
    answer = client.get("/tiles/facts.json").json()
    assert answer["tiles"] == ["http://planning.test/tiles/facts/{z}/{x}/{y}.mvt"]
    assert "<" not in answer["attribution"]
    assert answer["vector_layers"][0]["id"] == "facts"


@pytest.mark.parametrize(
    "path",
    ["23/0/0", "8/256/0", "8/0/256", "8/-1/0", "a/b/c", "99999999999999999999/0/0", "9" * 5000 + "/0/0", "8/1.5/0"],
)
def test_addresses_outside_the_grid_are_not_found(client: httpx.Client, path: str) -> None:
    for kind in ("mvt", "geojson"):
        response = client.get(f"/tiles/facts/{path}.{kind}")
        assert response.status_code == 404
        assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("url", [f"/tiles/none/{TILE}.mvt", "/tiles/none.json", f"/tiles/facts/{TILE}.png"])
def test_unknown_layers_and_kinds_are_not_found(client: httpx.Client, url: str) -> None:
    assert client.get(url).status_code == 404


def test_unknown_parameters_are_refused(client: httpx.Client) -> None:
    assert client.get(f"/tiles/facts/{TILE}.mvt?v=1").status_code == 400


def test_a_tile_is_encoded_once_and_304_needs_no_encoding(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(*args: Any, **options: Any) -> bytes:
        calls.append(args)
        return encode_mvt(*args, **options)

    monkeypatch.setattr(tile_requests, "encode_mvt", counted)
    etags = {client.get(f"/tiles/facts/{TILE}.mvt").headers["etag"] for _ in range(3)}
    assert (len(calls), len(etags)) == (1, 1)
    response = client.get(f"/tiles/facts/{TILE}.mvt?", headers={"If-None-Match": etags.pop()})
    assert (response.status_code, len(calls)) == (304, 1)


def test_etags_differ_between_addresses_kinds_and_layers(client: httpx.Client) -> None:
    urls = [f"/tiles/{layer}/{TILE}.{kind}" for layer in ("facts", "many") for kind in ("mvt", "geojson")]
    assert len({client.get(url).headers["etag"] for url in [*urls, "/tiles/facts/0/0/0.mvt"]}) == 5
