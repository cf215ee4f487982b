"""Live layers over HTTP: the answers of a pulled pack, while others edit the table, and while the database is away."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
import uvicorn

from geoplan.pack.build import PackOptions
from geoplan.settings import Settings
from geoplan.sources.postgis.pull import pull
from geoplan.sources.postgis.relation import Wanted
from geoplan.tiles.grid import tile_of
from services.api.app import Service, create_app
from services.api.live import DECLARATION, LiveLayers, find_live
from services.api.server import GuardedProtocol
from tests.sources.conftest import Land, cluster, land, scratch  # noqa: F401 - fixtures
from tests.sources.test_same_answers import MIXED

DECLARED = """
[database.land]
address = "LAND_DATABASE"

[[layer]]
id = "live-parcels"
title = { zh = "地块", en = "Parcels" }
description = "住宅"
database = "land"
table = "parcels"
mode = "live"
min_zoom = 13

[[layer]]
id = "live-few"
title = { zh = "少", en = "Few" }
database = "land"
table = "parcels"
mode = "live"
max_rows = 500

[[layer]]
id = "live-mixed"
title = { zh = "杂", en = "Mixed" }
database = "land"
table = "mixed"
mode = "live"

[[layer]]
id = "live-gone"
title = { zh = "无", en = "Gone" }
database = "land"
table = "there_is_none"
mode = "live"
"""
POINTS = """
create table things (id int primary key, name text, geom geometry(Point,4490));
insert into things select i, 'n' || i, st_setsrid(st_point(112 + i / 1000.0, 37), 4490) from generate_series(1, 20) i;
"""
THINGS = """
[database.land]
address = "LAND_DATABASE"
[[layer]]
id = "things"
title = { zh = "物", en = "Things" }
database = "land"
table = "things"
mode = "live"
"""


@contextmanager
def listening(app: Service) -> Iterator[str]:
    """The address of an application as it listens on a port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(app, port=port, http=GuardedProtocol, ws="none", log_level="error", lifespan="off")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(20)


@contextmanager
def serving(folder: Path, declared: str, database: Land, packs: list[Path]) -> Iterator[httpx.Client]:
    file = folder / "postgis.toml"
    file.write_text(declared, "utf-8")
    layers = LiveLayers(file, {"LAND_DATABASE": database.address.dsn})
    app = create_app(Settings(folder, folder / "build"), None, packs, live=layers)
    try:
        with listening(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        layers.close()


@pytest.fixture(scope="module")
def client(land: Land, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:  # noqa: F811
    """A service with the tables live, and as packs that were pulled of them."""
    folder = tmp_path_factory.mktemp("live")
    land.run("drop table if exists mixed;" + MIXED)
    packs = [
        pull(land.address, Wanted(table=table), folder, PackOptions(id=f"pulled-{table}"))
        for table in ("parcels", "mixed")
    ]
    with serving(folder, DECLARED, land, packs) as found:
        yield found


@pytest.fixture
def things(scratch: Land, tmp_path: Path) -> Iterator[tuple[Land, httpx.Client]]:  # noqa: F811
    """A table of the test's own, live."""
    scratch.run(POINTS)
    with serving(tmp_path, THINGS, scratch, []) as found:
        yield scratch, found


def read(client: httpx.Client, path: str, **parameters: Any) -> Any:
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def pages(client: httpx.Client, id_: str, **parameters: Any) -> list[dict[str, Any]]:
    """The answers of all pages, by their links."""
    found = [read(client, f"/collections/{id_}/items", **parameters)]
    while following := [link["href"] for link in found[-1]["links"] if link["rel"] == "next"]:
        found.append(client.get(following[0]).raise_for_status().json())
        assert len(found) < 100
    return found


def features(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [feature for answer in answers for feature in answer["features"]]


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
    assert [count > 0 for count in counts].count(False) <= 3
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


def tile_features(answer: httpx.Response, form: str) -> dict[int, Any]:
    if form == "geojson":
        return {feature["id"]: feature for feature in answer.json()["features"]}
    return {f["id"]: f for layer in mapbox_vector_tile.decode(answer.content).values() for f in layer["features"]}


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
    for answer in (
        client.get(f"/tiles/live-few/{z}/{x}/{y}.mvt"),
        client.get("/collections/live-few/items", params={"sortby": "price"}),
    ):
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert "more than 500 features" in answer.json()["detail"]


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
        ("near=112,37&nearest=3", "nearest"),
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


def test_edits_are_seen_at_once(things: tuple[Land, httpx.Client]) -> None:
    land_, client_ = things
    tile = "/tiles/things/10/830/398.mvt"
    path = "/collections/things/items"
    before = client_.get(path + "?bbox=112,36,113,38")
    shown = client_.get(tile)
    assert shown.status_code == 200
    for address, answer in ((path + "?bbox=112,36,113,38", before), (tile, shown)):
        tag = answer.headers["etag"]
        assert client_.get(address, headers={"If-None-Match": tag}).status_code == 304
    land_.run("update things set name = 'new' where id = 7; delete from things where id = 8")
    after = client_.get(path + "?bbox=112,36,113,38", headers={"If-None-Match": before.headers["etag"]})
    names = {one["id"]: one["properties"]["name"] for one in after.json()["features"]}
    assert names == {**{k: f"n{k}" for k in range(1, 21) if k != 8}, 7: "new"}
    again = client_.get(tile, headers={"If-None-Match": shown.headers["etag"]})
    assert again.status_code == 200
    assert {f["properties"]["name"] for f in tile_features(again, "mvt").values()} == set(names.values())
    assert again.headers["cache-control"] == "no-cache"


def test_a_view_has_tags_of_its_content(scratch: Land, tmp_path: Path) -> None:  # noqa: F811
    scratch.run(POINTS)
    scratch.run("create view seen as select * from things")
    declared = THINGS.replace('table = "things"', 'table = "seen"\nid_column = "id"')
    with serving(tmp_path, declared, scratch, []) as found:
        for path in ("/tiles/things/10/830/398.mvt", "/collections/things/items/3", "/collections/things/items"):
            first = found.get(path)
            assert first.status_code == 200
            known = {"If-None-Match": first.headers["etag"]}
            assert found.get(path, headers=known).status_code == 304
            scratch.run("update things set name = name || '!'")
            assert found.get(path, headers=known).status_code == 200


def test_while_the_database_is_away_the_rest_is_served(
    things: tuple[Land, httpx.Client],
) -> None:
    land_, client_ = things
    paths = ("/collections/things/items", "/collections/things/items/3", "/tiles/things/10/830/398.mvt")
    for path in paths:
        assert client_.get(path).status_code == 200
    land_.server.stop()
    try:
        for path in paths:
            answer = client_.get(path)
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["retry-after"]) > 0
            assert str(land_.server.folder) not in answer.text
            assert "postgres" not in answer.json()["detail"]
        assert [one["id"] for one in read(client_, "/collections", f="json")["collections"]] == ["things"]
        assert client_.get("/tileMatrixSets").status_code == 200
    finally:
        land_.server.start()
    deadline = time.monotonic() + 20
    for path in paths:
        while client_.get(path).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_the_environment_declares_the_layers(tmp_path: Path) -> None:
    file = tmp_path / "postgis.toml"
    file.write_text(THINGS, "utf-8")
    assert find_live({}) is None
    found = find_live({DECLARATION: str(file), "LAND_DATABASE": "postgresql://nobody@127.0.0.1:1/none"})
    assert found is not None
    try:
        assert list(found.collections) == ["things"]
        app = create_app(Settings(tmp_path, tmp_path / "build"), live=found)
        with listening(app) as address, httpx.Client(base_url=address, timeout=60) as client_:
            assert [one["id"] for one in read(client_, "/collections", f="json")["collections"]] == ["things"]
            for path in ("/collections/things", "/collections/things/items", "/tiles/things/3/6/3.mvt"):
                assert client_.get(path).status_code == 503
    finally:
        found.close()


@pytest.mark.usefixtures("switch")
def test_a_pack_s_id_is_not_taken(tmp_path: Path, project: Path) -> None:
    file = tmp_path / "postgis.toml"
    file.write_text(THINGS.replace('"things"\ntitle', '"counties"\ntitle'), "utf-8")
    layers = LiveLayers(file, {"LAND_DATABASE": "postgresql://nobody@127.0.0.1:1/none"})
    try:
        app = create_app(Settings(project, project / "build"), live=layers)
        assert app.state.builds.shelf().collection("counties").live is None
    finally:
        layers.close()
