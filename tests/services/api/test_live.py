"""Live layers over HTTP: the answers of a pulled pack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import mapbox_vector_tile
import pytest

from geoplan.pack.build import PackOptions
from geoplan.sources.postgis.pull import pull
from geoplan.sources.postgis.relation import Wanted
from geoplan.tiles.grid import tile_of
from tests.postgis_land import Land
from tests.services.api.live_service import features, pages, read, serving, tile_features
from tests.sources.declared import declared
from tests.sources.test_same_answers import MIXED

DECLARED = declared(
    live_parcels={"table": "parcels", "zh": "地块", "description": "住宅", "min_zoom": 13},
    live_few={"table": "parcels", "max_rows": 500},
    live_mixed={"table": "mixed"},
    live_gone={"table": "there_is_none"},
)


@pytest.fixture(scope="module")
def client(land: Land, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A service with the tables live, and as packs that were pulled of them."""
    folder = tmp_path_factory.mktemp("live")
    land.run("drop table if exists mixed;" + MIXED)
    packs = [
        pull(land.address, Wanted(table=table), folder, PackOptions(id=f"pulled-{table}"))
        for table in ("parcels", "mixed")
    ]
    with serving(folder, DECLARED, land, packs) as found:
        yield found


SAME: list[dict[str, Any]] = [
    {"limit": 700},
    {"limit": 10, "bbox": "112.01,37.0,112.02,37.01"},
    {"limit": 1000, "bbox": "37.0,112.01,37.01,112.02", "bbox-crs": "http://www.opengis.net/def/crs/EPSG/0/4490"},
    {"limit": 100, "bbox": "170,-10,-170,10"},
    {"ids": "3,1,99999,1400"},
    {"limit": 200, "zone": "生态保护红线"},
    {"limit": 200, "zone": "生态保护红线", "year": "2011"},
    {"limit": 200, "irrigated": "true", "bbox": "112.01,37.0,112.03,37.02"},
    {"limit": 200, "price": "12.5"},
    {"limit": 300, "filter": "class = '水田' AND year > 2010"},
    {"limit": 300, "filter": "S_INTERSECTS(geometry, BBOX(112.01, 37.01, 112.03, 37.02)) AND ratio < 0.5"},
    {"limit": 300, "filter": "S_WITHIN(geometry, POLYGON((112.01 37, 112.03 37, 112.02 37.03, 112.01 37)))"},
    {"limit": 5, "filter": "parcel_no LIKE '140100000%7'"},
    {"limit": 5, "filter": "parcel_no LIKE 'none'"},
    {"limit": 50, "datetime": "2020-01-01/.."},
    {"limit": 50, "sortby": "-price,year", "bbox": "112.01,37.0,112.02,37.01"},
    {"point": "112.012,37.012"},
    {"limit": 20, "near": "112.012,37.012", "radius": "400"},
    {"near": "112.0123,37.0127", "nearest": "1"},
    {"near": "112.04,37.04", "nearest": "25"},
    {"near": "111.9,36.9", "nearest": "300"},
    {"near": "112.04,37.04", "nearest": "9", "radius": "150"},
    {"near": "112.04,37.04", "nearest": "12", "bbox": "112.05,37.05,112.08,37.08"},
    {"near": "112.04,37.04", "nearest": "7", "filter": "class = '水田' AND price > 20"},
    {"near": "112.04,37.04", "nearest": "5", "zone": "生态保护红线", "filter": "parcel_no LIKE '140100000%7'"},
    {"near": "-67.9,-37", "nearest": "3"},
    {"limit": 100, "bbox": "112.01,37.0,112.02,37.01", "properties": "class,year", "skipGeometry": "true"},
    {"limit": 100, "bbox": "112.01,37.0,112.02,37.01", "crs": "http://www.opengis.net/def/crs/EPSG/0/3857"},
]


@pytest.mark.parametrize("parameters", SAME, ids="&".join)
def test_features_are_those_of_a_pulled_pack(client: httpx.Client, parameters: dict[str, Any]) -> None:
    live = pages(client, "live-parcels", **parameters)
    pulled = pages(client, "pulled-parcels", **parameters)
    assert features(live) == features(pulled)
    told = {"timeStamp", "links", "features"}
    assert [{k: v for k, v in one.items() if k not in told} for one in live] == [
        {k: v for k, v in one.items() if k not in told} for one in pulled
    ]


def test_the_comparison_compares_something(client: httpx.Client) -> None:
    counts = [len(features(pages(client, "pulled-parcels", **parameters))) for parameters in SAME]
    assert [count > 0 for count in counts].count(False) <= 4
    assert max(counts) == 3600


@pytest.mark.parametrize(
    "parameters",
    [{}, {"bbox": "112.04,37.04,112.06,37.06"}, {"filter": "name IS NULL"}, {"ids": "0,11,13"}, {"name": "洞"},
     {"filter": "S_INTERSECTS(geometry, POINT(112.05 37.05))"}],
)  # fmt: skip
def test_all_sorts_of_shapes_are_those_of_a_pulled_pack(client: httpx.Client, parameters: dict[str, Any]) -> None:
    live = {one["id"]: one for one in features(pages(client, "live-mixed", **parameters))}
    pulled = {one["id"]: one for one in features(pages(client, "pulled-mixed", **parameters))}
    if "bbox" in parameters:
        # An empty shape is not in an index by which a database finds boxes; one that is missing is.
        assert 11 in live
        del pulled[12]
    assert live == pulled
    assert live


def test_one_feature_is_that_of_a_pulled_pack(client: httpx.Client) -> None:
    for number in (1, 777, 3600):
        live = client.get(f"/collections/live-parcels/items/{number}").raise_for_status()
        pulled = read(client, f"/collections/pulled-parcels/items/{number}")
        assert {**live.json(), "links": []} == {**pulled, "links": []}
        again = client.get(f"/collections/live-parcels/items/{number}", headers={"If-None-Match": live.headers["etag"]})
        assert again.status_code == 304
    for wrong in ("0", "3601", "9223372036854775807", "x"):
        assert client.get(f"/collections/live-parcels/items/{wrong}").status_code == 404


@pytest.mark.parametrize("form", ["mvt", "geojson"])
@pytest.mark.parametrize("query", ["", "&filter=year > 2010", "&properties=class", "&buffer=0&extent=512"])
def test_tiles_are_those_of_a_pulled_pack(client: httpx.Client, form: str, query: str) -> None:
    shown = 0
    for z, y, x in tiles_of_land():
        answers = [
            client.get(f"/collections/{id_}/tiles/WebMercatorQuad/{z}/{y}/{x}?f={form}{query}")
            for id_ in ("live-parcels", "pulled-parcels")
        ]
        assert answers[0].status_code == answers[1].status_code
        if answers[0].status_code == 200:
            live, pulled = (tile_features(answer, form) for answer in answers)
            assert live == pulled
            shown += len(live)
    assert shown > 100


def tiles_of_land() -> list[tuple[int, int, int]]:
    positions = [(112.02, 37.02), (112.0005, 37.0005), (112.05, 37.05), (112.075, 37.07)]
    return list(
        dict.fromkeys((t.z, t.y, t.x) for z in (13, 14, 16, 18) for t in (tile_of(x, y, z) for x, y in positions))
    )


def test_below_its_first_zoom_a_layer_has_no_tiles(client: httpx.Client) -> None:
    z, y, x = tiles_of_land()[0]
    assert client.get(f"/tiles/live-parcels/{z}/{x}/{y}.mvt").status_code == 200
    assert client.get(f"/tiles/live-parcels/{z - 1}/{x // 2}/{y // 2}.mvt").status_code == 204
    tileset = read(client, "/collections/live-parcels/tiles/WebMercatorQuad", f="json")
    assert tileset["tileMatrixSetLimits"][0]["tileMatrix"] == "13"
    told = read(client, "/tiles/live-parcels.json")
    assert told["minzoom"] == told["vector_layers"][0]["minzoom"] == 13


def test_a_tile_of_several_layers_has_live_ones_among_them(client: httpx.Client) -> None:
    z, y, x = tiles_of_land()[0]
    ids = "live-parcels,pulled-mixed"
    tile = client.get(f"/tiles/WebMercatorQuad/{z}/{y}/{x}", params={"collections": ids, "f": "mvt"})
    assert set(mapbox_vector_tile.decode(tile.content)) == {"live-parcels", "pulled-mixed"}


def test_what_is_too_much_is_refused(client: httpx.Client) -> None:
    z, y, x = tiles_of_land()[0]
    items = "/collections/live-few/items"
    for answer, said in (
        (client.get(f"/tiles/live-few/{z}/{x}/{y}.mvt"), "more than 500 features"),
        (client.get(items, params={"sortby": "price"}), "more than 500 features"),
        (client.get(items, params={"near": "112.04,37.04", "nearest": "501"}), "the nearest 501 are not among the 500"),
        (client.get(items, params={"near": "112.04,37.04", "nearest": "1", "filter": "price < 0"}), "ask for fewer"),
    ):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert said in answer.json()["detail"]


def test_a_number_that_is_not_known_is_left_out(client: httpx.Client) -> None:
    answers = pages(client, "live-few", limit=100, filter="class = '水田'")
    assert "numberMatched" not in answers[0]
    assert "numberReturned" in answers[0]
    assert features(answers) == features(pages(client, "pulled-parcels", limit=100, filter="class = '水田'"))
    assert read(client, "/collections/live-few/items", limit=1)["numberMatched"] == 3600
    page = client.get("/collections/live-few/items", params={"filter": "class = '水田'", "f": "html"})
    assert page.status_code == 200


def test_what_cannot_be_answered_says_so(client: httpx.Client) -> None:
    for query, words in (
        ("near=112,37&nearest=0", "nearest"),
        ("nonsense=1", "nonsense"),
        ("year=soon", "year"),
        ("filter=nonsense=1", "nonsense"),
        ("cursor=x", "cursor"),
        ("sortby=nonsense", "nonsense"),
        ("within=平定县", "within"),
    ):
        answer = client.get(f"/collections/live-parcels/items?{query}")
        assert answer.status_code == 400, query
        assert words in answer.json()["detail"]


def test_documents_tell_of_a_live_layer(client: httpx.Client) -> None:
    listed = {one["id"]: one for one in read(client, "/collections", f="json")["collections"]}
    assert set(listed) >= {"live-parcels", "live-mixed", "live-gone", "pulled-parcels"}
    one = listed["live-parcels"]
    assert one == read(client, "/collections/live-parcels", f="json")
    assert (one["title"], one["description"]) == ("地块", "住宅")
    assert "numberOfFeatures" not in one
    west, south, east, north = one["extent"]["spatial"]["bbox"][0]
    assert 111.9 < west < 112.001
    assert 112.07 < east < 113
    assert 36.9 < south < 37.001
    assert 37.07 < north < 38
    for document in ("queryables", "sortables", "schema"):
        live = read(client, f"/collections/live-parcels/{document}", f="json")["properties"]
        pulled = read(client, f"/collections/pulled-parcels/{document}", f="json")["properties"]
        assert live.keys() == pulled.keys()
        for name in live.keys() - {"geometry"}:
            assert live[name] == {key: value for key, value in pulled[name].items() if key != "enum"}
    for path in ("/collections", "/collections/live-parcels", "/collections/live-parcels/items"):
        assert client.get(path, params={"f": "html"}).status_code == 200


def test_a_table_that_is_not_there_is_the_server_s_fault(client: httpx.Client) -> None:
    for path in ("", "/items", "/items/1", "/queryables", "/tiles/WebMercatorQuad/3/3/6"):
        answer = client.get(f"/collections/live-gone{path}")
        assert answer.status_code == 502, path
        assert "there_is_none" not in answer.text
