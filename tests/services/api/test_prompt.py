"""Answers given at once are those of the usual way, byte for byte."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from geoplan.access.settings import AccessSettings
from services.api import prompt
from services.api.access import Access
from services.api.app import Service

TILE = "/tiles/many/8/208/99.mvt"
REQUESTS = (
    TILE,
    "/tiles/many/8/208/99.geojson",
    "/tiles/many/8/0/0.mvt",
    "/tiles/many/8/208/99.mvt?filter=a",
    "/tiles/none/8/208/99.mvt",
    "/collections/many/tiles/WebMercatorQuad/8/99/208?f=mvt",
    "/collections/many/items?limit=3",
    "/collections/many/items?limit=3&f=html",
    "/collections/many/items?limit=x",
    "/collections/many/items/1",
    "/collections/many/items/123456789",
)
SOME = {"accept-encoding": "identity"}


@pytest.fixture
def prompted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The status of each answer that was given at once."""
    given: list[int] = []
    write = prompt.PromptProtocol._write

    def counted(self: prompt.PromptProtocol, sent: prompt.Sent) -> None:
        given.append(sent.status)
        write(self, sent)

    monkeypatch.setattr(prompt.PromptProtocol, "_write", counted)
    return given


def answers(url: str, method: str = "GET", **headers: str) -> list[tuple[int, dict[str, str], bytes]]:
    """The answer to a request that can be answered at once, and to one whose wish for the connection forbids it."""
    found = []
    for more in ({"connection": ""}, {"connection": "keep-alive"}):
        with httpx.Client(headers=SOME, timeout=60) as client:
            request = client.build_request(method, url, headers=SOME | headers | more)
            if not more["connection"]:
                del request.headers["connection"]
            answer = client.send(request)
            kept = {name: value for name, value in answer.headers.items() if name != "date"}
            body = answer.content
            if b'"timeStamp":"' in body:
                at = body.index(b'"timeStamp":"')
                body = body[:at] + body[at + 40 :]
            found.append((answer.status_code, kept, body))
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", REQUESTS)
def test_both_ways_say_the_same(service: str, prompted: list[int], path: str, encoding: str, method: str) -> None:
    at_once, usual = answers(service + path, method, **{"accept-encoding": encoding})
    assert at_once == usual
    # What is worked out in a thread is not there at once.
    assert prompted == ([] if "f=html" in path else [at_once[0]])


def test_what_the_client_has_is_not_sent_again(service: str, prompted: list[int]) -> None:
    etag = httpx.get(service + TILE, headers=SOME, timeout=60).headers["etag"]
    prompted.clear()
    at_once, usual = answers(service + TILE, **{"if-none-match": etag})
    assert at_once == usual
    assert at_once[0] == 304
    assert prompted == [200]


def test_requests_sent_ahead_are_answered_in_their_order(service: str, prompted: list[int]) -> None:
    address = urlsplit(service)
    paths = [TILE, "/healthz", "/collections/many/items/1", "/tiles/many/8/0/0.mvt", TILE]
    sent = b"".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for path in paths)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(sent + b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        came = b""
        while more := connection.recv(65536):
            came += more
    heads = [part.split(b"\r\n\r\n")[0].lower() for part in came.split(b"HTTP/1.1 ")[1:]]
    types = [head.partition(b"content-type: ")[2].partition(b"\r\n")[0] for head in heads]
    mvt = b"application/vnd.mapbox-vector-tile"
    assert [head[:3] for head in heads] == [b"200", b"200", b"200", b"204", b"200", b"200"]
    assert types == [mvt, b"application/json", b"application/geo+json", b"", mvt, b"application/json"]
    # Only the first of what came at once: the others wait for their turn beside other connections.
    assert prompted == [200]


def test_other_requests_go_the_usual_way(service: str, prompted: list[int]) -> None:
    with httpx.Client(timeout=60) as client:
        assert client.get(f"{service}/collections/m%61ny/items/1").status_code == 200
        assert client.get(f"{service}/collections").status_code == 200
        body = client.build_request("GET", f"{service}{TILE}", content=b"x")
        assert client.send(body).status_code in {200, 413}
    assert prompted == []


def test_nothing_is_given_at_once_where_keys_are_asked_for(app: Service) -> None:
    scope = {
        "type": "http", "method": "GET", "path": TILE, "query_string": b"", "root_path": "",
        "headers": [(b"host", b"127.0.0.1")], "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9),
    }  # fmt: skip
    assert app.outer is not None
    open_ = Access(app.outer, AccessSettings())
    assert open_.prompt(dict(scope)) is not None
    assert open_.prompt(scope | {"headers": [(b"host", b"evil.example")]}) is None
    assert open_.prompt(scope | {"server": ("192.0.2.1", 80)}) is None
    guarded = Access(app.outer, AccessSettings(), gate=_NoGate())  # type: ignore[arg-type]
    assert guarded.prompt(scope) is None


class _NoGate:
    """A gate that nobody passes."""

    def refresh(self) -> None:
        """Nothing to read."""
