"""Answers given at once are those of the usual way, byte for byte."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any
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

    def counted(self: prompt.PromptProtocol, sent: prompt.Sent, scope: dict[str, Any]) -> None:
        given.append(sent.status)
        write(self, sent, scope)

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


@pytest.fixture
def unparsed(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each request that came alone behind another one, whether it was answered without parsing its headers."""
    found: list[bool] = []
    alike = prompt.PromptProtocol._answer_alike

    def noted(self: prompt.PromptProtocol, data: bytes, head: bytes, scope: dict[str, Any]) -> bool:
        found.append(alike(self, data, head, scope))
        return found[-1]

    monkeypatch.setattr(prompt.PromptProtocol, "_answer_alike", noted)
    return found


@pytest.fixture
def line(service: str) -> Iterator[Line]:
    """A connection."""
    address = urlsplit(service)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        yield Line(connection)


class Line:
    """A connection on which requests are sent one by one, byte for byte as told."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def begin(self, request: bytes) -> None:
        """Send the first part of a request, and let it come alone."""
        self._connection.sendall(request)
        time.sleep(0.1)

    def ask(self, request: bytes, answers: int = 1) -> list[tuple[int, bytes, bytes]]:
        """Status, headers without the date, and body of each answer."""
        self._connection.sendall(request)
        came, found = b"", []
        while len(found) < answers:
            head, end, rest = came.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            size = int(length[1]) if length and not request.startswith(b"HEAD") else 0
            if not end or len(rest) < size:
                more = self._connection.recv(65536)
                assert more, "the connection ended"
                came += more
                continue
            status, _, headers = head.partition(b"\r\n")
            kept = re.sub(rb"date: [^\r]*\r\n", b"", headers)
            found.append((int(status[9:12]), kept, re.sub(rb'"timeStamp":"[^"]*"', b"", rest[:size])))
            came = rest[size:]
        assert came == b""
        return found


HOST = b"Host: 127.0.0.1\r\n"


def get(target: str, headers: bytes = HOST) -> bytes:
    return f"GET {target} HTTP/1.1\r\n".encode() + headers + b"\r\n"


def test_the_same_headers_are_not_parsed_again(line: Line, unparsed: list[bool], prompted: list[int]) -> None:
    quick = [path for path in REQUESTS if "f=html" not in path]
    first = [line.ask(get(path, HOST + b"X-Of: %d\r\n" % n))[0] for n, path in enumerate(quick)]
    assert unparsed == [False] * (len(quick) - 1)
    unparsed.clear()
    line.ask(get(TILE))
    unparsed.clear()
    assert [line.ask(get(path))[0] for path in quick] == first
    assert unparsed == [True] * len(quick)
    assert len(prompted) == 2 * len(quick) + 1


def test_other_headers_are_parsed(line: Line, unparsed: list[bool]) -> None:
    path = "/collections/many/items?limit=20"
    plain, again = line.ask(get(path))[0], line.ask(get(path))[0]
    packed = line.ask(get(path, HOST + b"Accept-Encoding: gzip\r\n"))[0]
    page = line.ask(get(path, HOST + b"Accept: text/html\r\n"))[0]
    assert plain == again
    assert b"content-encoding: gzip" in packed[1]
    assert b"text/html" in page[1]
    assert line.ask(get(path))[0] == plain
    unhosted = line.ask(get(path, b""))[0]
    assert unhosted[0] == 200
    assert HOST[6:-2] in unhosted[2]
    assert unparsed == [True, False, False, False]


def test_long_headers_are_not_kept(line: Line, unparsed: list[bool]) -> None:
    for size in (3000, 5000):
        headers = HOST + b"X-Long: " + b"a" * size + b"\r\n"
        assert [line.ask(get(TILE, headers))[0][0] for _ in range(2)] == [200, 200]
    assert unparsed == [True, False]


def test_what_is_not_there_at_once_goes_the_usual_way(line: Line, unparsed: list[bool]) -> None:
    for path in (
        "/collections/many/items?limit=3&f=html",
        "/collections",
        "/healthz",
        "/collections/many/items/1?f=html",
    ):
        assert line.ask(get(TILE))[0][0] == 200
        assert line.ask(get(path))[0][0] == 200
    assert unparsed == [False, False, False, True]


def test_a_tag_is_compared_each_time(line: Line, unparsed: list[bool]) -> None:
    etag = re.search(rb"etag: ([^\r]*)", line.ask(get(TILE))[0][1])
    assert etag
    headers = HOST + b"If-None-Match: " + etag[1] + b"\r\n"
    assert [line.ask(get(path, headers))[0][0] for path in (TILE, TILE, "/tiles/many/8/0/0.mvt", TILE)] == [
        304, 304, 204, 304,
    ]  # fmt: skip
    assert unparsed == [False, True, True, True]


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("//collections/many/items", 404),
        ("/collections/m%61ny/items/1", 200),
        ("http://127.0.0.1/collections/many/items/1", 200),
        ("/collections/many/items/1#x", 200),
        ("/collections/many/items?limit=1&limit=2", 400),
        ("/collections/many/items?x=" + "y" * 17_000, 414),
        ("/collections/many/items/\\..", 404),
    ],
)
def test_a_line_out_of_the_ordinary_is_answered_as_the_parser_reads_it(line: Line, target: str, status: int) -> None:
    parsed = line.ask(get(target, HOST + b"X: 1\r\n"))[0]
    line.ask(get(TILE))
    assert line.ask(get(target))[0] == parsed
    assert parsed[0] in {status, 404}


def test_head_and_sent_ahead_requests_are_parsed(line: Line, unparsed: list[bool]) -> None:
    line.ask(get(TILE))
    (head,) = line.ask(get(TILE).replace(b"GET", b"HEAD"))
    assert head[2] == b""
    line.ask(get(TILE))
    two = line.ask(get(TILE) + get("/tiles/many/8/0/0.mvt"), answers=2)
    assert [status for status, _, _ in two] == [200, 204]
    assert unparsed == [False, False]


@pytest.mark.parametrize(
    "before",
    [
        # A body that ends with half of a request.
        b"POST /collections HTTP/1.1\r\nHost: a\r\nContent-Length: 21\r\n\r\n",
        # A header that has not ended.
        b"GET /tiles/many/8/0/0.mvt HTTP/1.1\r\nHost: a\r\nX-Of: ",
    ],
)
def test_what_belongs_to_another_request_is_not_taken_for_headers(
    line: Line, unparsed: list[bool], before: bytes
) -> None:
    half = b"GET /a HTTP/1.1\r\nX-: "
    assert len(half) == 21
    whole = before + half + get(TILE)
    line.begin(before)
    answers = line.ask(whole[len(before) :], answers=2 if before.startswith(b"POST") else 1)
    assert answers[-1][0] in {200, 204}
    assert line.ask(half + get(TILE))[0][0] == 404
    assert unparsed == []


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
