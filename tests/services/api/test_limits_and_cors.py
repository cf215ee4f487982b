"""Bounds on bodies, time and costly work, over a real socket too; and pages of other origins."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Request
from starlette.middleware import Middleware
from starlette.responses import StreamingResponse

from geoplan.access.authfile import AuthFile, write_auth
from geoplan.access.policy import Kind
from geoplan.access.settings import AccessSettings
from services.api import errors
from services.api.access import Access
from services.api.cors import cors
from services.api.errors import CatchErrors
from services.api.http_cache import HttpCache
from services.api.limits import DEFAULTS, Bounds, Limits
from tests.editing_rows import WITH_EDITING

SMALL = {
    Kind.PAGE: Bounds(body_bytes=0),
    Kind.WRITE: Bounds(body_bytes=1000, seconds=0.3),
    Kind.FEATURES: Bounds(body_bytes=1000, seconds=0.3),
    Kind.ANALYSIS: Bounds(seconds=5.0, at_once=1, waiting=1, wait_s=0.2),
}
ITEMS = "/collections/a/items"
RUN = "/processes/overlap/execution"


def application(bounds: dict[Kind, Bounds], *outer: Middleware, cached: bool = True) -> FastAPI:
    inner = [Middleware(HttpCache)] if cached else []
    app = FastAPI(
        middleware=[*outer, Middleware(Limits, bounds=bounds, policy=WITH_EDITING), *inner, Middleware(CatchErrors)]
    )
    errors.install(app)
    app.state.running = 0
    app.state.most = 0

    @app.post(ITEMS)
    async def write(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @app.post("/collections/a/search")
    async def search(query: dict[str, Any]) -> dict[str, Any]:
        return query

    @app.get(ITEMS)
    async def slow(wait: float = 0.0) -> dict[str, float]:
        await asyncio.sleep(wait)
        return {"waited": wait}

    @app.get("/collections/a")
    def blocking() -> dict[str, str]:
        time.sleep(0.8)
        app.state.ended = True
        return {}

    @app.get("/collections/a/schema")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(6):
                yield b"x"
                await asyncio.sleep(0.1)

        return StreamingResponse(parts())

    @app.post(RUN)
    async def run(wait: float = 0.0) -> dict[str, str]:
        app.state.running += 1
        app.state.most = max(app.state.most, app.state.running)
        await asyncio.sleep(wait)
        app.state.running -= 1
        return {}

    return app


def together(app: FastAPI, *asked: tuple[str, str]) -> list[httpx.Response]:
    async def ask() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
            return list(await asyncio.gather(*(client.request(method, url) for method, url in asked)))

    return asyncio.run(ask())


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind uvicorn, on a free port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def test_bodies_that_are_too_long(caplog: pytest.LogCaptureFixture) -> None:
    with served(application(SMALL)) as address, httpx.Client(base_url=address) as client:
        assert client.post(ITEMS, content=b"x" * 1000).json() == {"bytes": 1000}

        def chunks() -> Iterator[bytes]:
            yield from [b"x" * 100] * 200

        for content in (b"x" * 1001, b"x" * 5_000_000, chunks()):
            response = client.post(ITEMS, content=content)
            assert (response.status_code, response.headers["content-type"]) == (413, "application/problem+json")
            assert "1000 bytes" in response.json()["detail"]
        # FastAPI reads this one by itself, and would call it a body it cannot read.
        long = client.post("/collections/a/search", content=iter([b'{"a":"', b"x" * 2000, b'"}']))
        assert long.status_code == 413
        assert client.request("GET", "/healthz", content=b"x").status_code == 413
        assert client.post(ITEMS, content=b"y").json() == {"bytes": 1}
    assert "failed" not in caplog.text


def test_a_body_that_does_not_come(caplog: pytest.LogCaptureFixture) -> None:
    """Its sender is told, and holds nothing any more."""
    with served(application(SMALL)) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"POST {ITEMS} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 500\r\n\r\nabc".encode())
            began = time.monotonic()
            answer = client.recv(4096)
            assert answer.startswith(b"HTTP/1.1 408")
            assert 0.2 < time.monotonic() - began < 3
        assert httpx.post(f"{address}{ITEMS}", content=b"abc").json() == {"bytes": 3}
    assert "took too long" in caplog.text


def test_answers_that_take_too_long() -> None:
    with served(application(SMALL)) as address, httpx.Client(base_url=address) as client:
        assert client.get(ITEMS).json() == {"waited": 0}
        began = time.monotonic()
        late = client.get(ITEMS, params={"wait": 2})
        assert (late.status_code, late.headers["retry-after"]) == (503, "10")
        assert time.monotonic() - began < 1.5
        assert client.get(ITEMS).status_code == 200


def test_blocking_work_does_not_hold_up_the_answer() -> None:
    app = application(SMALL)
    with served(app) as address, httpx.Client(base_url=address) as client:
        began = time.monotonic()
        assert client.get("/collections/a").status_code == 503
        assert time.monotonic() - began < 0.75
        time.sleep(0.8)
        assert app.state.ended


def test_a_stream_that_began_is_not_cut() -> None:
    with served(application(SMALL, cached=False)) as address:
        assert httpx.get(f"{address}/collections/a/schema").text == "xxxxxx"


def test_costly_work_is_bounded() -> None:
    app = application(SMALL)
    answers = together(app, *[("POST", f"{RUN}?wait=0.5")] * 6)
    assert sorted(answer.status_code for answer in answers) == [200, *[503] * 5]
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.headers["retry-after"] == "2"
    assert app.state.most == 1
    # One that waits is served when the place is free in time.
    assert [answer.status_code for answer in together(app, *[("POST", f"{RUN}?wait=0.05")] * 2)] == [200, 200]
    assert [answer.status_code for answer in together(app, ("POST", RUN), ("GET", ITEMS))] == [200, 200]


def test_a_failure_gives_its_place_back() -> None:
    app = application(SMALL)

    @app.post("/processes/broken/execution")
    async def broken() -> None:
        raise RuntimeError("boom")

    statuses = [together(app, ("POST", "/processes/broken/execution"))[0].status_code for _ in range(4)]
    assert statuses == [500] * 4
    assert together(app, ("POST", RUN))[0].status_code == 200


def test_defaults_name_every_kind() -> None:
    assert set(DEFAULTS) == set(Kind)
    assert DEFAULTS[Kind.WRITE].body_bytes == 1 << 20
    assert DEFAULTS[Kind.ANALYSIS].at_once is not None


ORIGIN = "https://map.example"
PREFLIGHT = {
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "authorization, x-api-key",
}


@pytest.fixture
def crossed(tmp_path: Path) -> Callable[..., httpx.Client]:
    """Clients of a service with a key file, and CORS for the given origins."""
    path = tmp_path / "keys.json"
    path.write_bytes(write_auth(AuthFile()))
    path.chmod(0o600)

    def client(*origins: str) -> httpx.Client:
        settings = AccessSettings(auth=path, origins=origins)
        app = application({}, *cors(settings), Middleware(Access, settings=settings))

        def answer(request: httpx.Request) -> httpx.Response:
            async def ask() -> httpx.Response:
                response = await httpx.ASGITransport(app).handle_async_request(request)
                await response.aread()
                return httpx.Response(response.status_code, headers=response.headers, content=response.content)

            return asyncio.run(ask())

        return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://127.0.0.1:8000")

    return client


def test_a_named_origin_may_ask_and_sees_refusals(crossed: Callable[..., httpx.Client]) -> None:
    client = crossed(ORIGIN)
    asked = client.options(ITEMS, headers=PREFLIGHT)
    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "X-API-Key" in asked.headers["access-control-allow-headers"]
    refused = client.get(ITEMS, headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)
    assert "Origin" in refused.headers["vary"]
    assert "WWW-Authenticate" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ORIGIN}.evil.example", f"{ORIGIN}:8443"])
def test_other_origins_get_no_leave(crossed: Callable[..., httpx.Client], origin: str) -> None:
    client = crossed(ORIGIN)
    assert "access-control-allow-origin" not in client.get("/healthz", headers={"Origin": origin}).headers
    asked = client.options(ITEMS, headers={**PREFLIGHT, "Origin": origin})
    assert asked.status_code == 400
    assert "access-control-allow-origin" not in asked.headers


def test_nobody_has_leave_by_default_and_never_with_cookies(crossed: Callable[..., httpx.Client]) -> None:
    assert cors(AccessSettings()) == []
    silent = crossed().get("/healthz", headers={"Origin": ORIGIN})
    assert not any(name.startswith("access-control") for name in silent.headers)
    for client in (crossed("*"), crossed(ORIGIN)):
        for answer in (client.get("/healthz", headers={"Origin": ORIGIN}), client.options(ITEMS, headers=PREFLIGHT)):
            assert answer.headers["access-control-allow-origin"] in {"*", ORIGIN}
            assert "access-control-allow-credentials" not in answer.headers


def test_waiting_places_are_freed_again() -> None:
    """Those who waited in vain do not count as waiting, and those who left do not keep a place."""
    app = application(SMALL)
    for _ in range(5):
        statuses = sorted(a.status_code for a in together(app, *[("POST", f"{RUN}?wait=0.3")] * 3))
        assert statuses == [200, 503, 503]

    async def leave() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8000") as client:
            asked = [asyncio.create_task(client.post(f"{RUN}?wait=0.2")) for _ in range(2)]
            await asyncio.sleep(0.05)
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(leave())
    assert together(app, ("POST", RUN))[0].status_code == 200
