"""The documents of OGC API: what they say, in which form, and that nothing in them is taken for markup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

SCRIPT = "<script>alert(1)</script>"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
DOCUMENTS = [
    "/", "/conformance", "/api", "/collections", "/collections/facts", "/collections/facts/queryables",
    "/collections/facts/sortables", "/collections/facts/schema", "/collections/facts/tiles", "/tiles",
    "/collections/facts/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad", "/tileMatrixSets",
    "/collections/facts/tiles/CGCS2000Quad", "/tiles/CGCS2000Quad",
    "/tileMatrixSets/WebMercatorQuad", "/tileMatrixSets/CGCS2000Quad", "/collections/facts/items",
    "/collections/facts/items/11",
]  # fmt: skip


def links(document: dict[str, Any], rel: str) -> list[str]:
    return [link["href"] for link in document["links"] if link["rel"].endswith(rel)]


@pytest.mark.parametrize("url", DOCUMENTS)
def test_every_document_is_json_and_a_page(client: httpx.Client, url: str) -> None:
    found = client.get(url)
    assert found.status_code == 200
    assert "json" in found.headers["content-type"]
    page = client.get(f"{url}?f=html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in page.text
    assert SCRIPT not in page.text
    assert client.get(f"{url}?f=xml").status_code == 400
    assert client.get(f"{url}?nothing=1").status_code == 400
    assert "Accept" in found.headers["vary"]


def test_a_browser_gets_the_map_and_a_program_the_landing_page(client: httpx.Client) -> None:
    assert "<title>geoplan</title>" in client.get("/", headers=BROWSER).text
    for accept in ("application/json", "*/*", "application/json, text/html;q=0.5"):
        assert client.get("/", headers={"Accept": accept}).json()["title"] == "geoplan"
    assert client.get("/?f=json", headers=BROWSER).json()["title"] == "geoplan"


def test_all_links_lead_somewhere(client: httpx.Client) -> None:
    seen: set[str] = set()
    left = ["http://planning.test/"]
    while left:
        url = left.pop()
        if url in seen:
            continue
        seen.add(url)
        response = client.get(url)
        assert response.status_code == 200, url
        if "json" not in response.headers["content-type"]:
            continue
        for link in _links_in(response.json()):
            assert {"href", "rel", "type"} <= set(link)
            if not link.get("templated"):
                assert link["type"].partition(";")[0] in client.get(link["href"]).headers["content-type"], link
                left.append(link["href"])
    assert len(seen) > 40


def _links_in(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        own = value.get("links") if isinstance(value.get("links"), list) else []
        return [*own, *(link for key, one in value.items() if key != "links" for link in _links_in(one))]
    return [link for one in value for link in _links_in(one)] if isinstance(value, list) else []


def test_a_collection_tells_its_extent_systems_and_count(client: httpx.Client) -> None:
    answer = client.get("/collections").json()
    assert [one["id"] for one in answer["collections"]] == ["counties", "facts", "many"]
    one = client.get("/collections/counties").json()
    assert one == answer["collections"][0]
    assert one["extent"]["spatial"] == {"bbox": [[112.0, 37.0, 114.0, 38.0]], "crs": CRS84}
    assert (one["crs"][0], one["numberOfFeatures"], one["itemType"]) == (CRS84, 2, "feature")
    assert one["storageCrs"] in one["crs"]


def test_queryables_and_sortables_are_schemas(client: httpx.Client) -> None:
    answer = client.get("/collections/facts/queryables").json()
    assert answer["$id"] == "http://planning.test/collections/facts/queryables"
    assert answer["additionalProperties"] is False
    assert answer["properties"]["value"]["type"] == "number"
    assert answer["properties"]["line"]["type"] == "integer"
    assert answer["properties"]["geometry"]["x-ogc-role"] == "primary-geometry"
    assert answer["properties"]["precision"]["enum"] == ["county", "region", "site"]
    sortable = client.get("/collections/facts/sortables").json()["properties"]
    assert "value" in sortable
    assert {"geometry", "places"}.isdisjoint(sortable)


def test_tile_matrix_sets_are_those_of_their_standards(client: httpx.Client) -> None:
    mercator = client.get("/tileMatrixSets/WebMercatorQuad").json()
    # OGC 17-083r4, table D.1.
    assert mercator["tileMatrices"][0]["scaleDenominator"] == pytest.approx(559082264.0287178, rel=1e-12)
    assert mercator["tileMatrices"][18]["cellSize"] == pytest.approx(0.5971642834779395, rel=1e-12)
    assert mercator["uri"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    national = client.get("/tileMatrixSets/CGCS2000Quad").json()
    first = national["tileMatrices"][0]
    # Level 1 of the national grid is level 0 of WorldCRS84Quad (table D.2).
    assert (first["id"], first["cellSize"], first["matrixWidth"], first["matrixHeight"]) == ("1", 0.703125, 2, 1)
    assert first["scaleDenominator"] == pytest.approx(279541132.0143589, rel=1e-12)
    assert (national["crs"], first["pointOfOrigin"]) == ("http://www.opengis.net/def/crs/EPSG/0/4490", [90.0, -180.0])
    assert client.get("/tileMatrixSets/Nothing").status_code == 404


def test_a_tile_set_says_how_far_it_reaches(client: httpx.Client) -> None:
    listed = client.get("/collections/counties/tiles").json()["tilesets"]
    assert [one.get("tileMatrixSetURI", "").rpartition("/")[2] for one in listed] == ["WebMercatorQuad", ""]
    one = client.get("/collections/counties/tiles/WebMercatorQuad").json()
    assert one["dataType"] == "vector"
    assert one["tileMatrixSetLimits"][8] == {
        "tileMatrix": "8", "minTileRow": 98, "maxTileRow": 99, "minTileCol": 207, "maxTileCol": 209,
    }  # fmt: skip
    (template,) = [href for href in links(one, "item") if "f=mvt" in href]
    url = template.replace("{tileMatrix}", "8").replace("{tileRow}", "98").replace("{tileCol}", "208")
    assert client.get(url).status_code == 200
    tilejson = client.get("/collections/counties/tiles/WebMercatorQuad?f=tilejson").json()
    url = tilejson["tiles"][0].replace("{z}", "8").replace("{x}", "208").replace("{y}", "98")
    assert client.get(url).content == client.get("/tiles/counties/8/208/98.mvt").content


def test_one_tile_set_of_several_collections(client: httpx.Client) -> None:
    one = client.get("/tiles/WebMercatorQuad?collections=many,facts").json()
    assert [layer["id"] for layer in one["layers"]] == ["many", "facts"]
    assert client.get("/tiles/WebMercatorQuad?collections=none").status_code == 404
    assert client.get("/tiles/WebMercatorQuad?collections=").status_code == 400
    assert client.get("/tiles/Nothing").status_code == 404


def test_without_a_build_the_documents_of_the_service_remain(
    client: httpx.Client, switch: Callable[[str], None]
) -> None:
    switch("")
    assert client.get("/conformance").status_code == 200
    assert client.get("/tileMatrixSets").status_code == 200
    for url in ("/collections", "/collections/facts/items", "/tiles/facts/8/208/98.mvt"):
        assert client.get(url).status_code == 503


def test_conformance_names_no_class_twice(client: httpx.Client) -> None:
    classes = client.get("/conformance").json()["conformsTo"]
    assert len(classes) == len(set(classes))
    for name in ("ogcapi-features-1/1.0/conf/core", "ogcapi-features-2/1.0/conf/crs", "ogcapi-tiles-1/1.0/conf/core"):
        assert f"http://www.opengis.net/spec/{name}" in classes


def test_conformance_claims_the_time_of_tiles_and_no_lists(client: httpx.Client) -> None:
    """CQL2's class of arrays wants lists of dates, shapes and properties, which filters do not take."""
    classes = client.get("/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/datetime" in classes
    assert not [name for name in classes if name.endswith("array-functions")]
