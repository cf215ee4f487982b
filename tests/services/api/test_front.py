"""The raw front: what is kept and for how long, what is made once, who sees what, and when it says that it is busy."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from geoplan.access.grant import ANY_LAYER, Grant, Scope, current_grant
from geoplan.tiles.encode import encode_mvt
from services.api import front, tile_requests
from services.api.app import Service
from services.api.catalog import Builds

TILE = "/tiles/many/8/208/99.mvt"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every vector tile that is encoded, and in which thread."""
    calls: list[Any] = []

    def counted(*args: Any, **options: Any) -> bytes:
        calls.append(threading.current_thread())
        time.sleep(0.05)
        return encode_mvt(*args, **options)

    monkeypatch.setattr(tile_requests, "encode_mvt", counted)
    return calls


def test_a_switch_of_builds_makes_tiles_anew_only_where_they_changed(
    client: httpx.Client, switch: Callable[[str], None], clock: Any, versions: Path, made: list[Any]
) -> None:
    first = client.get(TILE)
    switch("v2")
    clock.now += 2
    second = client.get(TILE)
    packs = [json.loads((versions / v / "packs/many/pack.json").read_text("utf-8"))["version"] for v in ("v1", "v2")]
    # The builds tell their name in the metadata, so they differ; the same pack has the same tag.
    assert packs[0] != packs[1]
    assert first.headers["etag"] != second.headers["etag"]
    assert len(made) == 2
    switch("v1")
    clock.now += 2
    assert client.get(TILE).headers["etag"] == first.headers["etag"]


def test_a_request_keeps_the_build_it_began_with(app: Service, switch: Callable[[str], None], clock: Any) -> None:
    shelf = app.state.builds.shelf()
    switch("v2")
    clock.now += 2
    assert app.state.builds.shelf().generation == shelf.generation + 1
    assert shelf.collection("many").pack.source.ids.sum() == sum(range(400))


def test_a_published_pack_is_served_beside_the_layers(
    app: Service, client: httpx.Client, project: Path, versions: Path, clock: Any
) -> None:
    published = project / "build" / "packs" / "parcels"
    published.mkdir(parents=True)
    (published / "current").symlink_to(versions / "v1/packs/counties")
    clock.now += 2
    ids = [one["id"] for one in client.get("/collections").json()["collections"]]
    assert ids == ["counties", "facts", "many", "parcels"]
    assert client.get("/collections/parcels/items").json()["numberMatched"] == 2
    assert client.get("/tiles/parcels/8/208/99.mvt").status_code == 200
    assert [layer["id"] for layer in client.get("/layers").json()["layers"]] == ["counties", "facts", "many"]
    app.state.builds = Builds(project / "nothing", clock, extra=[versions / "v1/packs/counties"])
    assert [one["id"] for one in client.get("/collections").json()["collections"]] == ["counties"]
    assert client.get("/layers").status_code == 503


def test_a_broken_pack_leaves_the_one_before_in_use(
    client: httpx.Client, project: Path, versions: Path, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    published = project / "build" / "packs" / "parcels"
    published.mkdir(parents=True)
    (published / "current").symlink_to(versions / "v1/packs/counties")
    clock.now += 2
    assert client.get("/collections/parcels/items").status_code == 200
    broken = project / "broken"
    broken.mkdir()
    (broken / "pack.json").write_text("{}")
    (published / "next").symlink_to(broken)
    (published / "next").replace(published / "current")
    clock.now += 2
    assert client.get("/collections/parcels/items").json()["numberMatched"] == 2
    assert str(broken) in caplog.text


def test_equal_tiles_that_are_asked_for_at_once_are_made_once(
    app: Service, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_requests, "HEAVY_FEATURES", 0)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planning.test") as client:
            return await asyncio.gather(*(client.get(TILE) for _ in range(10)))

    answers = asyncio.run(ask())
    assert len({answer.content for answer in answers}) == 1
    assert len(made) == 1
    assert made[0] is not threading.main_thread()


def test_the_loop_answers_while_a_heavy_tile_is_made(
    app: Service, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_requests, "HEAVY_FEATURES", 0)
    order = []

    async def ask() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planning.test") as client:

            async def get(url: str) -> None:
                assert (await client.get(url)).status_code == 200
                order.append(url)

            await asyncio.gather(get(TILE), get("/collections/facts/items/11"))

    asyncio.run(ask())
    assert order[-1] == TILE
    assert made


def test_more_work_than_can_wait_is_refused_at_once(
    app: Service, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_requests, "HEAVY_FEATURES", 0)
    monkeypatch.setattr(front, "MAX_WAITING", 2)

    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planning.test") as client:
            urls = [f"/tiles/many/8/208/99.mvt?buffer={n}" for n in range(8)]
            return await asyncio.gather(*(client.get(url) for url in urls))

    answers = asyncio.run(ask())
    refused = [answer for answer in answers if answer.status_code == 503]
    assert len(refused) == 6
    assert refused[0].headers["retry-after"] == "1"
    assert len(made) == 2


def test_a_refusal_is_not_kept(monkeypatch: pytest.MonkeyPatch, client: httpx.Client) -> None:
    monkeypatch.setattr(tile_requests, "HEAVY_FEATURES", 0)
    monkeypatch.setattr(front, "MAX_WAITING", 0)
    assert client.get(TILE).status_code == 503
    monkeypatch.setattr(front, "MAX_WAITING", 10)
    assert client.get(TILE).status_code == 200


def test_lists_and_common_tiles_hold_what_the_caller_sees(client: httpx.Client) -> None:
    def seen(layers: frozenset[str] | None) -> tuple[list[str], list[str]]:
        token = current_grant.set(Grant(f"key:{layers}", Scope.READ, {ANY_LAYER: "internal"}, layers))
        try:
            listed = [one["id"] for one in client.get("/collections").json()["collections"]]
            tile = client.get("/tiles/WebMercatorQuad/8/99/208?f=geojson").json()
            return listed, sorted({"many" if "点" in f["properties"]["name"] else "counties" for f in tile["features"]})
        finally:
            current_grant.reset(token)

    assert seen(frozenset({"many"})) == (["many"], ["many"])
    assert seen(frozenset({"counties"})) == (["counties"], ["counties"])


@pytest.mark.parametrize("known", ['"x"', "", "W/", ",,,", "*" * 5000])
def test_odd_conditions_are_answered(client: httpx.Client, known: str) -> None:
    assert client.get(TILE, headers={"If-None-Match": known}).status_code in {200, 304}


def test_memory_for_answers_is_bounded(app: Service, client: httpx.Client) -> None:
    kept = app.outer.cache  # type: ignore[union-attr]
    kept.max_bytes = 20_000
    for buffer in range(60):
        client.get(f"{TILE}?buffer={buffer}")
    assert 0 < kept.size_bytes <= 20_000
