"""Live layers while others edit the table, while the database is away, and when the service starts and stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from geoplan.errors import SettingsError
from geoplan.settings import MARKER, Settings
from services.api.app import check, create_app
from services.api.live import DECLARATION, LiveLayers, find_live
from tests.postgis_land import Land
from tests.services.api.listening import listening
from tests.services.api.live_service import read, serving, tile_features
from tests.sources.declared import VARIABLE, declared, written

POINTS = """
create table things (id int primary key, name text, geom geometry(Point,4490));
insert into things select i, 'n' || i, st_setsrid(st_point(112 + i / 1000.0, 37), 4490) from generate_series(1, 20) i;
"""
THINGS = declared(things={"table": "things"})


@pytest.fixture
def things(scratch: Land, tmp_path: Path) -> Iterator[tuple[Land, httpx.Client]]:
    """A table of the test's own, live."""
    scratch.run(POINTS)
    with serving(tmp_path, THINGS, scratch, []) as found:
        yield scratch, found


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


def test_a_view_has_tags_of_its_content(scratch: Land, tmp_path: Path) -> None:
    scratch.run(POINTS)
    scratch.run("create view seen as select * from things")
    with serving(tmp_path, declared(things={"table": "seen", "id_column": "id"}), scratch, []) as found:
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


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Declares a layer in a database that is not there."""
    return {DECLARATION: str(written(tmp_path, THINGS)), VARIABLE: "postgresql://nobody@127.0.0.1:1/none"}


@pytest.fixture
def layers(environ: dict[str, str]) -> Iterator[LiveLayers]:
    found = find_live(environ)
    assert found is not None
    yield found
    found.close()


def test_the_environment_declares_the_layers(layers: LiveLayers, tmp_path: Path) -> None:
    assert find_live({}) is None
    assert list(layers.collections) == ["things"]
    app = create_app(Settings(tmp_path, tmp_path / "build"), live=layers)
    with listening(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert [one["id"] for one in read(client, "/collections", f="json")["collections"]] == ["things"]
        for path in ("/collections/things", "/collections/things/items", "/tiles/things/3/6/3.mvt"):
            assert client.get(path).status_code == 503


@pytest.mark.usefixtures("switch")
def test_a_pack_s_id_is_not_taken(tmp_path: Path, project: Path) -> None:
    layers = LiveLayers(written(tmp_path, declared(counties={"table": "things"})), {VARIABLE: "postgresql://db/none"})
    try:
        app = create_app(Settings(project, project / "build"), live=layers)
        assert app.state.builds.shelf().collection("counties").live is None
    finally:
        layers.close()


def connections(land: Land) -> int:
    return int(land.run("select count(*) from pg_stat_activity where datname = 'scratch' and pid <> pg_backend_pid()"))


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "geoplan-postgis"]


def test_the_connections_are_closed_when_the_service_stops(scratch: Land, tmp_path: Path) -> None:
    scratch.run(POINTS)
    before = len(threads())
    layers = LiveLayers(written(tmp_path, THINGS), {VARIABLE: scratch.address.dsn})
    app = create_app(Settings(tmp_path, tmp_path / "build"), live=layers)
    with listening(app) as address:
        assert httpx.get(f"{address}/collections/things/items", timeout=60).status_code == 200
        assert connections(scratch) > 0
        assert len(threads()) == before + 1
    deadline = time.monotonic() + 10
    while connections(scratch) > 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(threads()) == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (declared(things={"table": "things", "owner": "x"}), r"postgis\.toml: layer\.0\.owner: "),
        (declared(things={"query": "select 1", "table": "things"}), "name either a table or a query"),
        (THINGS.replace(VARIABLE, "NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE"),
        ("[[layer", "is no TOML"),
    ],
)
def test_a_wrong_declaration_is_told_before_workers_start(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (tmp_path / MARKER).parent.mkdir(parents=True)
    (tmp_path / MARKER).touch()
    environ |= {"GEOPLAN_PROJECT": str(tmp_path), "GEOPLAN_BUILD": str(tmp_path / "build")}
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    before = len(threads())
    check()
    written(tmp_path, text)
    with pytest.raises(SettingsError, match=said):
        check()
    assert len(threads()) == before
