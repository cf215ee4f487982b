"""Requests that mean harm: an answer in bounded time that says what is wrong, and a service that lives on."""

# ruff: noqa: E501 - one request a line

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from geoplan.pack.publish import publish_pack
from tests.services.faults import grids
from tests.services.faults.service import Service, leaks, serving

ITEMS = "/collections/plots/items"
MOST_S = 10.0
STILL_S = 2.0
"""How long a body goes on that nobody asked for."""
MOST_GROWN_MIB = 250
DEPTH = 10_000


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, builds: dict[str, Path]) -> Iterator[Service]:
    """Two workers over one pack, which must all live to the end."""
    folder = tmp_path_factory.mktemp("hostile")
    grids.switch(folder / "build", builds["v1"])
    publish_pack(grids.plots(1), folder / "build" / "packs", grids.options("plots"))
    with serving(folder / "build", folder / "service.log") as running:
        for _ in range(6):
            running.ask(f"{ITEMS}?filter=class=1")
            running.ask("/tiles/plots/8/207/98.mvt")
        before, grown = {worker.pid for worker in running.workers()}, running.private_mib()
        yield running
        after = running.private_mib()
        assert {worker.pid for worker in running.workers()} == before, f"a worker died:\n{running.log[-3000:]}"
        assert "Traceback" not in running.log, running.log[-5000:]
        for pid, mib in after.items():
            assert mib - grown[pid] < MOST_GROWN_MIB, f"worker {pid} grew from {grown[pid]:.0f} to {mib:.0f} MiB"


def nested(depth: int) -> str:
    """A filter in CQL2 text of a depth."""
    return "(" * depth + "class=1" + ")" * depth


def nested_json(depth: int) -> str:
    """The same in CQL2 JSON."""
    return '{"op":"not","args":[' * depth + '{"op":"=","args":[{"property":"class"},1]}' + "]}" * depth


def ring(vertices: int) -> str:
    """A polygon literal."""
    return "POLYGON((" + ",".join(f"112.{i % 10} 37.{i % 7}" for i in range(vertices)) + ",112 37))"


REFUSED = {
    "deep text": f"{ITEMS}?filter={nested(DEPTH)}",
    "deep text that fits": f"{ITEMS}?filter={nested(3500)}",
    "nots that fit": f"{ITEMS}?filter=" + "NOT%20" * 1200 + "class=1",
    "minus signs": f"{ITEMS}?filter=area_mu=" + "-" * 7000 + "1",
    "functions that fit": f"{ITEMS}?filter=" + "casei(" * 1100 + "name" + ")" * 1100 + "=%27a%27",
    "deep json that fits": f"{ITEMS}?filter-lang=cql2-json&filter={quote(nested_json(200), safe='[]:,')}",
    "deep brackets in json": f"{ITEMS}?filter-lang=cql2-json&filter=" + "[" * 7000,
    "a long filter": f"{ITEMS}?filter=" + "class=1%20OR%20" * 1200 + "class=2",
    "a large literal": f"{ITEMS}?filter=S_INTERSECTS(geometry,{quote(ring(10_000), safe='(),.')})",
    "a filter that is none": f"{ITEMS}?filter=%00%01%02",
    "huge number": f"{ITEMS}?filter=class=" + "9" * 5000,
    "huge exponent": f"{ITEMS}?filter=area_mu%3E1e999999999",
    "division by nought": f"{ITEMS}?filter=area_mu/0%3E1%20AND%20class%3E%27a%27",
    "unknown property": f"{ITEMS}?filter=no_such_thing=1",
    "unknown function": f"{ITEMS}?filter=system(%27ls%27)=1",
    "position beyond the world": f"{ITEMS}?filter=S_INTERSECTS(geometry,POINT(1e400%2037))",
    "nan position": f"{ITEMS}?filter=S_INTERSECTS(geometry,POINT(nan%20nan))",
    "no date": f"{ITEMS}?filter=day%3EDATE(%272021-99-99%27)",
    "zoom 30": "/tiles/plots/30/0/0.mvt",
    "zoom -1": "/tiles/plots/-1/0/0.mvt",
    "huge zoom": "/tiles/plots/" + "9" * 4000 + "/0/0.mvt",
    "huge x": f"/tiles/plots/10/{2**63}/0.mvt",
    "x past the edge": "/tiles/plots/10/1024/0.mvt",
    "x that is no number": "/tiles/plots/10/1e3/0.mvt",
    "arabic digits": f"/tiles/plots/10/{quote('٣')}/0.mvt",
    "zoom 30 by its set": "/collections/plots/tiles/WebMercatorQuad/30/0/0",
    "no such set": "/collections/plots/tiles/NoSuchQuad/3/0/0",
    "nan box": f"{ITEMS}?bbox=nan,nan,nan,nan",
    "infinite box": f"{ITEMS}?bbox=-inf,-inf,inf,inf",
    "1e400 box": f"{ITEMS}?bbox=1e400,0,1e400,1",
    "1e308 box": f"{ITEMS}?bbox=-1e308,-1e308,1e308,1e308",
    "box upside down": f"{ITEMS}?bbox=112,38,113,37",
    "box of many numbers": f"{ITEMS}?bbox=" + ",".join(["1"] * 2000),
    "null byte in a path": "/collections/plots%00/items",
    "null byte in an id": f"{ITEMS}/1%00",
    "null byte in a box": f"{ITEMS}?bbox=1,2,3,4%00",
    "null byte in a cursor": f"{ITEMS}?cursor=%00",
    "cursor that is none": f"{ITEMS}?cursor=AAAA////",
    "long cursor": f"{ITEMS}?cursor=" + "A" * 7000,
    "a cursor of another order": f"{ITEMS}?cursor=eyJhIjoxfQ&sortby=name",
    "way up": "/viewer/../../../../etc/passwd",
    "way up, encoded": "/viewer/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "way up, encoded slashes": "/vendor/..%2f..%2f..%2fetc%2fpasswd",
    "null byte in a file": "/viewer/index.html%00.js",
    "long path": "/collections/" + "a" * 20_000,
    "long id": "/collections/" + "a" * 7000,
    "many segments": "/a" * 3500,
    "long file name": "/viewer/" + "a" * 5000 + ".js",
    "bad percent signs": f"{ITEMS}?name=%zz%",
    "invalid utf-8": f"{ITEMS}?name=%ff%fe",
    "invalid utf-8 in a filter": f"{ITEMS}?filter=name=%27%c0%af%27",
    "invalid utf-8 in a path": "/collections/%ff%fe/items",
    "surrogate": f"{ITEMS}?name=%ed%a0%80",
    "many parameters": f"{ITEMS}?" + "&".join(f"a{i}=1" for i in range(900)),
    "100,000 parameters": f"{ITEMS}?" + "&".join(f"a{i}=1" for i in range(100_000)),
    "parameter twice": f"{ITEMS}?limit=1&limit=2",
    "unknown parameter": f"{ITEMS}?nonsense=1",
    "limit of nothing": f"{ITEMS}?limit=0",
    "limit below nothing": f"{ITEMS}?limit=-1",
    "radius of half the world": f"{ITEMS}?near=112,37&radius=1e300",
    "radius nan": f"{ITEMS}?near=112,37&radius=nan",
    "near without a radius": f"{ITEMS}?near=112,37",
    "nearest all": f"{ITEMS}?near=112,37&nearest=99999999999",
    "date of year 99999": f"{ITEMS}?datetime=99999-01-01",
    "duration of all time": f"{ITEMS}?datetime=2021-01-01/P999Y999M999W99999D",
    "interval of nothing": f"{ITEMS}?datetime=../..%00",
    "crs that is none": f"{ITEMS}?crs=http://example.org/crs",
    "sort by nothing": f"{ITEMS}?sortby=" + ",".join(["name"] * 1400),
    "ids that are none": f"{ITEMS}?ids=" + ",".join(["99999999999999999999"] * 5),
    "too many ids": f"{ITEMS}?ids=" + ",".join(["1"] * 1100),
    "huge buffer": "/tiles/plots/8/207/98.mvt?buffer=999999999999",
    "huge extent": "/tiles/plots/8/207/98.mvt?extent=1073741824",
    "feature of a huge id": f"{ITEMS}/" + "9" * 30,
    "feature of no id": f"{ITEMS}/-1",
}
"""Addresses that are refused with problem details."""
# A duration within the calendar is a question like another, and a filter that divides by nought finds nothing.
_MAY_BE_ANSWERED = {
    "deep text that fits", "nots that fit", "minus signs", "functions that fit", "deep json that fits", "huge exponent", "division by nought", "1e308 box", "huge number",
    "bad percent signs", "duration of all time", "interval of nothing", "sort by nothing", "box upside down", "a cursor of another order",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_address_is_refused_in_time(service: Service, name: str) -> None:
    begin = time.monotonic()

    answer = service.ask(REFUSED[name])

    assert time.monotonic() - begin < MOST_S
    assert answer.status < 500, answer
    assert not leaks(answer.body), answer.body[:2000]
    if name in _MAY_BE_ANSWERED and answer.status == 200:
        return
    assert answer.status >= 400, (answer.status, answer.body[:500])
    if answer.status != 431 and answer.headers.get("content-length") != "0":
        assert answer.headers["content-type"] == "application/problem+json", answer
        assert len(answer.body) < 4000, "an answer repeats what it was sent"
    assert service.ask(f"{ITEMS}/1").status == 200


BODIES = {
    "deep json": ("application/json", nested_json(DEPTH).encode()),
    "deep brackets": ("application/json", b"[" * 900_000),
    "deep objects": ("application/json", b'{"a":' * 150_000),
    "deep text": ("text/plain", nested(DEPTH).encode()),
    "a filter above 16 KB": ("application/json", json.dumps({"filter": "class=1 OR " * 3000 + "class=2"}).encode()),
    "a polygon of 30,000 vertices": ("application/json", json.dumps({"filter": f"S_INTERSECTS(geometry,{ring(30_000)})"}).encode()),
    "a polygon of a million vertices": ("application/json", json.dumps({"filter": f"S_INTERSECTS(geometry,{ring(1_000_000)})"}).encode()),
    "huge numbers": ("application/json", b'{"inputs":{"a":' + b"9" * 900_000 + b"}}"),
    "invalid utf-8": ("application/json", b'{"inputs":"\xff\xfe"}'),
    "no json": ("application/json", b"\x00" * 1000),
    "json that is no object": ("application/json", b"null"),
    "same keys": ("application/json", b"{" + b",".join(b'"a%d":1' % i for i in range(60_000)) + b"}"),
    "multipart without end": ("multipart/form-data; boundary=x", b"--x\r\n" * 100_000),
}  # fmt: skip
POSTED = ("/collections/plots/search", "/processes/export/execution", "/collections/plots/items")


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_in_time(service: Service, name: str) -> None:
    kind, body = BODIES[name]
    for path in POSTED:
        begin = time.monotonic()
        try:
            answer = service.ask(path, {"Content-Type": kind}, "POST", body)
        except (BrokenPipeError, ConnectionResetError):
            continue  # told before all was sent, which not every client sees
        assert time.monotonic() - begin < MOST_S
        assert 400 <= answer.status < 500, (path, answer.status, answer.body[:300])
        assert not leaks(answer.body), answer.body[:2000]
        assert len(answer.body) < 4000, "an answer repeats what it was sent"
    assert service.ask(f"{ITEMS}/1").status == 200


def test_a_gzip_bomb_is_not_unpacked(service: Service) -> None:
    bomb = gzip.compress(gzip.compress(b"\x00" * 200_000_000, 9), 9)
    for path in POSTED:
        answer = service.ask(path, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, "POST", bomb)
        assert 400 <= answer.status < 500, (path, answer)
        assert not leaks(answer.body)


@pytest.mark.parametrize(
    "target", ["POST /processes/export/execution", f"POST {ITEMS}", f"GET {ITEMS}", "GET /collections"]
)
def test_a_body_without_end_is_cut_off(service: Service, target: str) -> None:
    def parts(seconds: float) -> Iterator[bytes]:
        yield f"{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
        yield b"Transfer-Encoding: chunked\r\n\r\n"
        begin = time.monotonic()
        while time.monotonic() - begin < seconds:
            yield b"1000\r\n" + b" " * 0x1000 + b"\r\n"
            time.sleep(0.005)

    answer, ended = service.conversation(parts(STILL_S), timeout=0.1)

    assert not leaks(answer), answer
    assert ended, f"after it answered {answer[:100]!r} the service still reads the body"


RAW = {
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "unknown method": b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "trace": b"TRACE /collections HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "connect": b"CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "delete all": b"DELETE /collections/plots/items HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "put": b"PUT /tiles/plots/8/207/98.mvt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx",
    "options star": b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "asterisk": b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no slash": b"GET collections HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "old version": b"GET /collections HTTP/0.9\r\n\r\n",
    "far version": b"GET /collections HTTP/9.9\r\nHost: localhost\r\n\r\n",
    "upgrade to h2c": b"GET /collections HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "web socket": b"GET /collections HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "no host": b"GET /collections HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /collections HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "host that is none": b"GET /collections HTTP/1.1\r\nHost: a b/<script>\r\n\r\n",
    "length below nothing": b"POST /collections/plots/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "huge length": b"POST /collections/plots/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "two lengths": b"POST /collections/plots/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunks": b"POST /collections/plots/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "chunk of a bad size": b"POST /collections/plots/search HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    "many headers": b"GET /collections HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"a%d: 1\r\n" % i for i in range(20_000)) + b"\r\n",
    "a long header": b"GET /collections HTTP/1.1\r\nHost: localhost\r\nA: " + b"a" * 1_000_000 + b"\r\n\r\n",
    "null in a header": b"GET /collections HTTP/1.1\r\nHost: localhost\r\nA: \x00\r\n\r\n",
    "a folded header": b"GET /collections HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n",
    "bare line feeds": b"GET /collections HTTP/1.1\nHost: localhost\n\n",
    "raw bytes in the target": b"GET /collections/\xff\xfe\x80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "raw null in the target": b"GET /collections/\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "absolute target": b"GET http://example.org/collections HTTP/1.1\r\nHost: localhost\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
def test_a_malformed_request_is_answered_or_ended(service: Service, name: str) -> None:
    answer = service.raw(RAW[name], timeout=2, quiet=0.3)

    assert not leaks(answer), answer[:2000]
    if answer:
        status = int(answer.split(b" ", 2)[1])
        assert status < 500, answer[:500]
        assert status >= 400 or name in {
            "bare line feeds", "far version", "absolute target", "a folded header", "upgrade to h2c", "web socket", "no host", "old version", "options star",
        }, answer[:500]  # fmt: skip
    assert service.ask(f"{ITEMS}/1").status == 200


def test_pipelined_requests_are_answered_in_their_order(service: Service) -> None:
    wanted = [1 + number * 3 % 400 for number in range(60)]
    heads = [f"GET {ITEMS}/{number} HTTP/1.1\r\nHost: localhost\r\n" for number in wanted]
    data = "\r\n".join(heads[:-1]) + "\r\n" + heads[-1] + "Connection: close\r\n\r\n"

    answer = service.raw(data.encode(), timeout=5)

    found = [int(part.split(b",", 1)[0]) for part in answer.split(b'"Feature","id":')[1:]]
    assert found == wanted


@pytest.mark.parametrize(
    "value",
    [
        "gzip;q=0", "*;q=0", "identity;q=0", "gzip;q=nan", "gzip;q=-1", "gzip;q=1e999", ";;;,,,=q", "br, zstd", "gzip\x7f", ",".join(["gzip"] * 2000),
        "gzip;q=0.0001, *;q=0", "x" * 5000,
    ],
)  # fmt: skip
def test_odd_encodings_that_a_client_takes(service: Service, value: str) -> None:
    for path in ("/tiles/plots/8/207/98.mvt", f"{ITEMS}?limit=300", "/collections"):
        answer = service.ask(path, {"Accept-Encoding": value})
        assert answer.status in {200, 400, 406}, answer.status
        if answer.status == 200:
            assert answer.body
            zipped = answer.headers.get("content-encoding") == "gzip"
            assert not (zipped and value in {"gzip;q=0", "*;q=0", "br, zstd", "identity;q=0", "gzip;q=-1"}), value


@pytest.mark.parametrize(
    "value", ["bytes=0-10", "bytes=-1", "bytes=99999999999999999-", "bytes=" + "0-1," * 1000, "x=1"]
)
def test_a_range_is_answered_or_refused(service: Service, value: str) -> None:
    for path in ("/tiles/plots/8/207/98.mvt", f"{ITEMS}?limit=3", "/viewer/index.html"):
        answer = service.ask(path, {"Range": value})
        assert answer.status in {200, 206, 404, 416}, answer
        if answer.status == 206:
            assert "content-range" in answer.headers or answer.headers["content-type"].startswith(
                "multipart/byteranges"
            )
        assert len(answer.sent) < 1_000_000


@pytest.mark.parametrize(
    "value", ['"' + "a" * 7000, "*", "W/", ",".join(['"a"'] * 5000), "\xff", '"\x01"', 'W/W/W/"a"']
)
def test_odd_tags_of_a_conditional_request(service: Service, value: str) -> None:
    for path in ("/tiles/plots/8/207/98.mvt", f"{ITEMS}?limit=3", f"{ITEMS}/1", "/collections"):
        answer = service.ask(path, {"If-None-Match": value})
        expected = {304} if value == "*" else {200, 400} if "\x01" in value else {200}
        assert answer.status in expected, (path, answer)
