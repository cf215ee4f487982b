"""Tiles over OGC API: addresses, limits, forms, several collections, filters."""

from __future__ import annotations

import httpx
import mapbox_vector_tile
import pytest

from geoplan.tiles.grid import tile_of

TILE = "WebMercatorQuad/8/99/208"
"""Row 99, column 208: from 112.5 to 113.9 east, from 36.6 to 37.7 north."""
MVT = "application/vnd.mapbox-vector-tile"
GEOJSON = "application/geo+json"
JSON_FILTER = '{"op":"=","args":[{"property":"line"},5]}'


def layers(response: httpx.Response) -> dict[str, list[int]]:
    assert response.status_code == 200, response.text
    decoded = mapbox_vector_tile.decode(response.content)
    return {name: sorted(feature["id"] for feature in layer["features"]) for name, layer in decoded.items()}


def test_a_tile_by_either_address_is_the_same(client: httpx.Client) -> None:
    ogc = client.get(f"/collections/counties/tiles/{TILE}")
    assert ogc.headers["content-type"] == MVT
    assert ogc.content == client.get("/tiles/counties/8/208/99.mvt").content
    assert ogc.content == client.get("/tiles/counties/8/208/99.pbf").content
    assert layers(ogc) == {"counties": [1, 2]}


@pytest.mark.parametrize(
    ("query", "accept", "kind"),
    [
        ("", "*/*", MVT),
        ("", MVT, MVT),
        ("", "application/geo+json", GEOJSON),
        ("", "application/json", GEOJSON),
        ("?f=geojson", "*/*", GEOJSON),
        ("?f=json", MVT, GEOJSON),
        ("?f=mvt", "application/json", MVT),
    ],
)
def test_the_client_chooses_the_form(client: httpx.Client, query: str, accept: str, kind: str) -> None:
    response = client.get(f"/collections/counties/tiles/{TILE}{query}", headers={"Accept": accept})
    assert response.headers["content-type"] == kind
    assert "Accept" in response.headers["vary"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("8/98/208", 200),
        ("8/99/207", 200),
        ("8/97/208", 404),
        ("8/100/208", 404),
        ("8/98/210", 404),
        ("0/0/0", 200),
        ("0/1/0", 404),
        ("23/0/0", 404),
        ("8/2147483647/2147483647", 404),
        ("-1/0/0", 404),
        ("a/b/c", 404),
        ("8/98/" + "9" * 4000, 404),
    ],
)
def test_out_of_the_limits_there_is_nothing(client: httpx.Client, address: str, status: int) -> None:
    response = client.get(f"/collections/counties/tiles/WebMercatorQuad/{address}")
    assert response.status_code == status
    if status == 404:
        assert response.headers["content-type"] == "application/problem+json"


def test_inside_of_the_limits_an_empty_tile_is_204(client: httpx.Client) -> None:
    # Within the layer's box, beside all that is drawn in it.
    tile = tile_of(112.75, 37.2, 12)
    response = client.get(f"/collections/facts/tiles/WebMercatorQuad/12/{tile.y}/{tile.x}")
    assert (response.status_code, response.content) == (204, b"")


def test_several_collections_in_a_tile(client: httpx.Client) -> None:
    found = layers(client.get(f"/tiles/{TILE}?collections=counties,facts"))
    assert found == {"counties": [1, 2], "facts": [11, 12, 13]}
    assert set(layers(client.get(f"/tiles/{TILE}"))) == {"counties", "facts", "many"}
    plain = client.get(f"/tiles/{TILE}?collections=facts,counties&f=geojson").json()
    assert sorted(feature["id"] for feature in plain["features"]) == [1, 2, 11, 12, 13]
    assert client.get(f"/tiles/{TILE}?collections=none").status_code == 404
    assert client.get(f"/tiles/{TILE}?collections=" + ",".join(map(str, range(21)))).status_code == 400


def test_filters_and_properties_of_tiles(client: httpx.Client) -> None:
    url = f"/collections/facts/tiles/{TILE}"
    assert layers(client.get(f"{url}?filter=line>3")) == {"facts": [12, 13]}
    assert layers(client.get(url, params={"filter-lang": "cql2-json", "filter": JSON_FILTER})) == {"facts": [13]}
    tile = mapbox_vector_tile.decode(client.get(f"{url}?filter=line=4&properties=name").content)
    (feature,) = tile["facts"]["features"]
    assert feature["properties"] == {"name": "线"}
    (plain,) = client.get(f"{url}?f=geojson&filter=line=4&properties=name").json()["features"]
    assert plain["properties"] == {"name": "线"}


def test_extent_and_buffer_of_tiles(client: httpx.Client) -> None:
    url = f"/collections/counties/tiles/{TILE}"
    for extent in (256, 512, 8192):
        decoded = mapbox_vector_tile.decode(client.get(f"{url}?extent={extent}&buffer=0").content)["counties"]
        assert decoded["extent"] == extent
        positions = [p for f in decoded["features"] for ring in f["geometry"]["coordinates"] for p in ring]
        assert max(max(p) for p in positions) == extent
        assert min(min(p) for p in positions) == 0


@pytest.mark.parametrize(
    "query",
    [
        "f=png", "extent=300", "extent=128", "extent=16384", "buffer=513", "buffer=-1", "filter=nothing=1",
        "filter-lang=sql", "filter-crs=x", "properties=nothing", "v=1", "collections=facts", "f=mvt&f=mvt",
    ],
)  # fmt: skip
def test_refusals(client: httpx.Client, query: str) -> None:
    response = client.get(f"/collections/counties/tiles/{TILE}?{query}")
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"


def test_other_sets_and_collections_are_not_found(client: httpx.Client) -> None:
    assert client.get("/collections/counties/tiles/Nothing/1/0/0").status_code == 404
    assert client.get(f"/collections/none/tiles/{TILE}").status_code == 404


def test_other_methods_are_refused(client: httpx.Client) -> None:
    for path in (f"/collections/counties/tiles/{TILE}", f"/tiles/{TILE}", "/tiles/counties/8/208/99.mvt",
                 "/collections/counties/items", "/collections/counties/items/1"):  # fmt: skip
        response = client.delete(path)
        assert response.status_code == 405
        assert response.headers["allow"] == "GET"
