"""What holds for every answer: caching, compression, HEAD, security headers, errors, build switches."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.datastructures import Headers

from geoplan.errors import UnitError
from geoplan.layers import store
from services.api import items
from services.api.app import Service, create
from services.api.http_cache import accepts_gzip

Switch = Callable[[str], None]

URLS = [
    "/",
    "/layers",
    "/layers/many/items",
    "/tiles/many/0/0/0.mvt",
    "/tiles/many/0/0/0.geojson",
    "/viewer/main.js",
    "/api",
]


@pytest.mark.parametrize("url", URLS)
def test_etag_is_strong_and_answers_304(client: httpx.Client, url: str) -> None:
    first = client.get(url)
    etag = first.headers["etag"]
    assert first.status_code == 200
    assert etag.startswith('"')
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        again = client.get(url, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == first.headers["cache-control"]
        assert "content-length" not in again.headers
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("url", ["/layers/many/items", "/tiles/many/9/416/197.geojson", "/viewer/main.js"])
def test_gzip_is_another_representation(client: httpx.Client, url: str) -> None:
    plain = client.get(url)
    packed = client.get(url, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "Accept-Encoding" in plain.headers["vary"]
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert packed.headers["etag"] != plain.headers["etag"]
    etag = packed.headers["etag"]
    again = client.get(url, headers={"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert (again.status_code, again.headers["etag"]) == (304, etag)
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_gzip_bytes_are_the_same_every_time(client: httpx.Client) -> None:
    bodies = []
    for _ in range(2):
        with client.stream("GET", "/layers/many/items", headers={"Accept-Encoding": "gzip"}) as response:
            bodies.append(b"".join(response.iter_raw()))
    assert bodies[0] == bodies[1]
    assert gzip.decompress(bodies[0]).startswith(b'{"type"')


@pytest.mark.parametrize("accepted", ["gzip;q=0", "identity", "", "*;q=0", "br", "gzip;q=x"])
def test_gzip_is_not_forced(client: httpx.Client, accepted: str) -> None:
    assert "content-encoding" not in client.get("/layers/many/items", headers={"Accept-Encoding": accepted}).headers


def test_small_bodies_and_fonts_are_not_compressed(client: httpx.Client) -> None:
    for url in ("/healthz", "/vendor/noto-sans-sc/files/a.woff2"):
        assert "content-encoding" not in client.get(url, headers={"Accept-Encoding": "gzip"}).headers


def test_accepts_gzip_reads_weights() -> None:
    accepted = ["gzip", "GZIP;q=0.5", "*", "br;q=1.0, gzip;q=0.8", "deflate, *;q=0.1"]
    assert all(accepts_gzip(Headers({"accept-encoding": value})) for value in accepted)
    assert not accepts_gzip(Headers({"accept-encoding": "gzip;q=0, *;q=1"}))


@pytest.mark.parametrize("url", [*URLS, "/layers/none", "/tiles/facts/8/0/0.mvt"])
def test_head_is_get_without_the_body(client: httpx.Client, url: str) -> None:
    get, head = client.get(url), client.head(url)
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize("url", [*URLS, "/layers/none", "/nothing", "/layers?x=1", "/healthz", "/" + "x" * 9000])
def test_security_headers_are_on_every_answer(client: httpx.Client, url: str) -> None:
    headers = client.get(url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    for rule in ("default-src 'self'", "frame-ancestors 'none'", "object-src 'none'", "worker-src 'self' blob:"):
        assert rule in headers["content-security-policy"]
    assert "cache-control" in headers


def test_other_methods_and_paths(client: httpx.Client) -> None:
    response = client.post("/layers")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET"
    assert response.json()["title"] == "Method Not Allowed"
    for path in ("/nothing", "/layers/", "/docs", "/openapi.json", "/tiles/facts"):
        assert client.get(path).status_code == 404


def test_a_target_of_a_million_bytes_is_refused_before_any_route(app: Service) -> None:
    """Sent as the server would hand it over; the client itself refuses such an address."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    for path, query in (("/places", b"q=" + b"x" * 1_000_000), ("/layers/" + "x" * 1_000_000, b"")):
        sent.clear()
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query}
        asyncio.run(app({**scope, "headers": [], "scheme": "http", "root_path": ""}, receive, send))
        assert sent[0]["status"] == 414
        assert len(sent[1]["body"]) < 1000


@pytest.mark.parametrize("host", ["evil host", "a/b", "[::1", "x" * 300 + ":999999", '"><script>'])
def test_malformed_hosts_are_refused(client: httpx.Client, host: str) -> None:
    assert client.get("/tiles/facts.json", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("behind", [True, False])
@pytest.mark.parametrize("fault", [RuntimeError, UnitError])
def test_unexpected_errors_are_logged_and_not_told(
    client: httpx.Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: type[Exception],
    behind: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Of any kind that the table does not name, behind the front and in it; the service goes on."""

    def broken(*_: Any) -> None:
        raise fault("password=hunter2 in /srv/geoplan")

    url = "/layers" if behind else "/collections/facts/items"
    with monkeypatch.context() as patched, caplog.at_level(logging.ERROR):
        patched.setattr(*((store, "plans") if behind else (items, "select")), broken)
        response = client.get(url)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "hunter2" not in response.text
    assert "hunter2" in caplog.text
    assert client.get(url).status_code == 200


def test_no_build_is_503_without_telling_folders(client: httpx.Client, switch: Switch, project: Path) -> None:
    switch("")
    for url in ("/healthz", "/layers", "/places?q=x"):
        response = client.get(url)
        assert response.status_code == 503
        assert str(project) not in response.text
    assert client.get("/").status_code == 200
    switch("v1")
    assert client.get("/healthz").json() == {"status": "ok", "build": {"version": "v1"}}


def test_a_new_build_is_served_within_a_second(
    client: httpx.Client, switch: Switch, clock: Any, opened: list[tuple[str, str]]
) -> None:
    tile = client.get("/tiles/many/0/0/0.mvt").headers["etag"]
    switch("v2")
    clock.now += 0.5
    assert client.get("/healthz").json()["build"]["version"] == "v1"
    clock.now += 0.6
    answer = client.get("/layers").json()
    assert answer["build"]["version"] == "v2"
    assert {layer["made_in"] for layer in answer["layers"]} == {"v2"}
    assert client.get("/tiles/many/0/0/0.mvt").headers["etag"] != tile
    assert opened == [(version, layer) for version in ("v1", "v2") for layer in ("counties", "facts", "many")]


def test_the_same_build_keeps_what_was_opened(client: httpx.Client, clock: Any, opened: list[tuple[str, str]]) -> None:
    for _ in range(3):
        clock.now += 5
        client.get("/layers/many/items")
    assert len(opened) == 3


@pytest.mark.usefixtures("switch")
def test_the_factory_reads_the_environment(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    marker = project / "data/boundaries/SOURCES.toml"
    marker.parent.mkdir(parents=True)
    marker.touch()
    monkeypatch.setenv("GEOPLAN_PROJECT", str(project))
    monkeypatch.delenv("GEOPLAN_BUILD", raising=False)
    assert create().state.builds.current().build.version == "v1"


def test_requests_at_once_open_a_pack_once(app: Service, opened: list[tuple[str, str]]) -> None:
    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://planning.test") as client:
            urls = ["/layers/many/items", "/tiles/many/3/6/3.mvt", "/tiles/many/3/6/3.geojson"] * 5
            return await asyncio.gather(*(client.get(url) for url in urls))

    assert {answer.status_code for answer in asyncio.run(ask())} == {200}
    assert len(opened) == 3
