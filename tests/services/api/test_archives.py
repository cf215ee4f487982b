"""Archives over HTTP: tiles, TileJSON, ranges of the file, and files that are replaced or damaged."""

from __future__ import annotations

import contextlib
import gzip
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType
from pmtiles.writer import Writer

from geoplan.access.grant import Grant, Scope, current_grant
from geoplan.errors import PackError
from geoplan.tiles.archive import Archive, archive_tile, open_archive
from geoplan.tiles.grid import Tile
from services.api import archives
from services.api.archive_check import Checked, check_archive, layer_names, unpacked


def vector_tile(*layers: str, more: bytes = b"") -> bytes:
    """A vector tile of layers without features."""
    made = b""
    for layer in layers:
        name = layer.encode()
        body = b"\x78\x02\x0a" + bytes([len(name)]) + name + b"\x28\x80\x20" + more
        made += b"\x1a" + bytes([0x80 | len(body) & 0x7F, len(body) >> 7]) + body
    return made


def features(word: bytes) -> bytes:
    """Something for a layer to hold, of some length."""
    return b"\x12" + bytes([len(word)]) + word


PLAIN, PLAIN_OTHER = (vector_tile("a", more=features(word) * 200) for word in (b"one", b"other"))
TILE, OTHER = gzip.compress(PLAIN), gzip.compress(PLAIN_OTHER)
NEW = vector_tile("a", more=features(b"new"))
SCRIPT = "<script>alert(1)</script>"


def write(
    path: Path, tiles: dict[int, bytes], kind: TileType = TileType.MVT, layers: Any = ({"id": "a"},), **header: Any
) -> None:
    packing = Compression.GZIP if kind is TileType.MVT else Compression.NONE
    new = path.with_suffix(".new")
    with new.open("wb") as stream:
        writer = Writer(stream)
        for tile_id, body in tiles.items():
            writer.write_tile(tile_id, body)
        metadata = {"name": SCRIPT, "attribution": SCRIPT, "vector_layers": layers, "description": ["x"]}
        writer.finalize({"tile_compression": packing, "tile_type": kind, **header}, metadata)
    new.replace(path)


@pytest.fixture
def folder(project: Path, client: httpx.Client) -> Path:  # noqa: ARG001 - makes the build
    made = project / "build" / "archives"
    made.mkdir()
    layers = [{"id": "a", "fields": {"x": "Number", "y": 10**30}, "minzoom": 10**30}, 5]
    write(made / "base.pmtiles", {0: TILE, 1: OTHER}, layers=layers)
    write(made / "hills.pmtiles", {0: b"\x89PNG"}, TileType.PNG)
    return made


def test_tiles(client: httpx.Client, folder: Path) -> None:
    assert folder
    plain = client.get("/archives/base/0/0/0.mvt")
    assert (plain.status_code, plain.content) == (200, PLAIN)
    assert plain.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    packed = client.get("/archives/base/1/0/0.pbf", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", PLAIN_OTHER)
    assert packed.headers["etag"] != plain.headers["etag"]
    again = client.get("/archives/base/0/0/0.mvt", headers={"If-None-Match": plain.headers["etag"]})
    assert again.status_code == 304
    image = client.get("/archives/hills/0/0/0.png")
    assert (image.headers["content-type"], image.content) == ("image/png", b"\x89PNG")
    assert client.get("/archives/base/3/0/0.mvt").status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "base/0/0/0.png", "hills/0/0/0.mvt", "base/0/1/0.mvt", "base/23/0/0.mvt", "base/-1/0/0.mvt", "base/a/0/0.mvt",
        "none/0/0/0.mvt", "none.json", "none.pmtiles", "..%2fbase.json", ".base.json", "%00.json", "base%00.pmtiles",
        f"{'a' * 99}.json", "base.new",
    ],
)  # fmt: skip
def test_what_is_not_there(client: httpx.Client, folder: Path, path: str) -> None:
    (folder.parent / "base.pmtiles").write_bytes((folder / "base.pmtiles").read_bytes())
    assert client.get(f"/archives/{path}").status_code == 404


def test_tilejson_passes_on_plain_texts(client: httpx.Client, folder: Path) -> None:
    assert folder
    made = client.get("/archives/base.json").json()
    assert made["tiles"] == ["http://planning.test/archives/base/{z}/{x}/{y}.mvt"]
    assert (made["minzoom"], made["maxzoom"], made["description"]) == (0, 1, "")
    assert "<" not in made["attribution"]
    assert made["vector_layers"] == [{"id": "a", "fields": {"x": "Number", "y": ""}}]
    assert client.get("/archives/hills.json").json()["tiles"][0].endswith(".png")


def test_a_reader_of_the_format_reads_ranges(client: httpx.Client, folder: Path) -> None:
    def read(offset: int, length: int) -> bytes:
        response = client.get("/archives/base.pmtiles", headers={"Range": f"bytes={offset}-{offset + length - 1}"})
        assert response.status_code == 206
        return response.content

    assert Reader(read).get(1, 0, 0) == OTHER
    whole = client.get("/archives/base.pmtiles")
    assert whole.content == (folder / "base.pmtiles").read_bytes()
    assert (whole.headers["accept-ranges"], whole.headers["content-type"]) == ("bytes", "application/vnd.pmtiles")
    same = client.get("/archives/base.pmtiles", headers={"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    beyond = client.get("/archives/base.pmtiles", headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def log_of(caplog: pytest.LogCaptureFixture, name: str) -> str:
    """What was logged of an archive, once something was."""
    until(lambda: name in caplog.text)
    return caplog.text


def test_a_file_that_is_replaced_or_damaged(
    client: httpx.Client, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = folder / "base.pmtiles"
    assert client.get("/archives/base/0/0/0.mvt").content == PLAIN
    write(path, {0: gzip.compress(NEW)})
    until(lambda: client.get("/archives/base/0/0/0.mvt").content == NEW)
    good = client.get("/archives/base.pmtiles")
    (folder / "x").write_bytes(path.read_bytes()[:150])
    (folder / "x").replace(path)
    for _ in range(2):
        assert client.get("/archives/base/0/0/0.mvt").content == NEW
        again = client.get("/archives/base.pmtiles")
        assert (again.content, again.headers["etag"]) == (good.content, good.headers["etag"])
        assert client.get("/archives/base.pmtiles", headers={"Range": "bytes=0-6"}).content == b"PMTiles"
        assert "cut short" in log_of(caplog, "base.pmtiles")
    assert len(caplog.records) == 1
    path.unlink()
    assert client.get("/archives/base/0/0/0.mvt").status_code == 404
    (folder / "bad.pmtiles").write_bytes(b"PMTiles\x03" + os.urandom(300))
    for address in ("bad.json", "bad.pmtiles", "bad/0/0/0.mvt"):
        response = client.get(f"/archives/{address}")
        assert (response.status_code, response.headers["content-type"]) == (503, "application/problem+json")
        assert "archive bad is damaged" in response.json()["detail"]
        assert str(folder) not in response.text
    assert len(caplog.records) == 2
    assert [one["id"] for one in client.get("/archives").json()["archives"]] == ["hills"]


def test_a_file_that_is_written_into_is_not_served_as_before(client: httpx.Client, folder: Path) -> None:
    path = folder / "base.pmtiles"
    assert client.get("/archives/base/0/0/0.mvt").status_code == 200
    with path.open("r+b") as stream:
        stream.seek(-10, os.SEEK_END)
        stream.write(b"damage")
    assert client.get("/archives/base/0/0/0.mvt").status_code == 503
    assert client.get("/archives/base.pmtiles").status_code == 503
    write(path, {0: TILE})
    assert client.get("/archives/base.pmtiles").content == path.read_bytes()


@pytest.mark.parametrize(
    ("tiles", "others", "said"),
    [
        ({0: b"no gzip"}, {}, "damaged"),
        ({0: TILE, 1: OTHER[:-20]}, {}, "damaged"),
        ({0: TILE + b"x"}, {}, "damaged"),
        ({0: gzip.compress(b"\x1a\x7fa")}, {}, "no vector tile"),
        ({0: gzip.compress(b"\xff" * 20)}, {}, "no vector tile"),
        ({0: b"GIF89a"}, {"kind": TileType.PNG}, "no such picture"),
        ({0: TILE}, {"tile_compression": Compression.BROTLI}, "only gzip"),
        ({0: TILE}, {"kind": TileType.UNKNOWN}, "not served"),
        ({0: TILE}, {"max_lat_e7": 91 * 10**7}, "bounds"),
    ],
)
def test_what_is_not_served(
    client: httpx.Client, folder: Path, caplog: pytest.LogCaptureFixture,
    tiles: dict[int, bytes], others: dict[str, Any], said: str,
) -> None:  # fmt: skip
    write(folder / "bad.pmtiles", tiles, **others)
    assert [client.get(f"/archives/bad{ending}").status_code for ending in ("/0/0/0.mvt", ".pmtiles", ".json")] == [
        503
    ] * 3
    assert said in caplog.text


def test_every_byte_that_is_flipped_is_found_or_harmless(folder: Path, tmp_path: Path) -> None:
    """Harmless are those that nothing reads: what a gzip header says of its origin, and descriptions in our header."""
    whole = (folder / "base.pmtiles").read_bytes()
    found = 0
    for at in range(len(whole)):
        for bit in (0x01, 0x80):
            flipped = bytearray(whole)
            flipped[at] ^= bit
            path = tmp_path / "flipped.pmtiles"
            path.write_bytes(flipped)
            try:
                archive = open_archive(path)
                check_archive(archive)
            except PackError:
                found += 1
                continue
            for tile, plain in ((Tile(0, 0, 0), PLAIN), (Tile(1, 0, 0), PLAIN_OTHER)):
                assert unpacked(archive_tile(archive, tile)) == plain, (at, bit)
    assert found > 0.6 * 2 * len(whole)


@given(st.integers(0, 10_000))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_cut_is_found(folder: Path, tmp_path: Path, keep: int) -> None:
    whole = (folder / "base.pmtiles").read_bytes()
    path = tmp_path / "cut.pmtiles"
    path.write_bytes(whole[: keep % len(whole)])
    with pytest.raises(PackError, match=r"cut\.pmtiles"):
        check_archive(open_archive(path))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_vector_tile_or_not(data: bytes) -> None:
    with contextlib.suppress(PackError):
        assert all(isinstance(name, str) for name in layer_names(data))


def test_a_directory_that_names_a_tile_twice(folder: Path) -> None:
    archive = open_archive(folder / "base.pmtiles")
    for changed in (
        {"first": archive.first * 0},
        {"runs": archive.runs + np.uint64(1)},
        {"header": archive.header | {"max_zoom": 0}},
        {"header": archive.header | {"addressed_tiles_count": 3}},
        {"header": archive.header | {"min_zoom": 30, "max_zoom": 40}},
    ):
        with pytest.raises(PackError, match=r"base\.pmtiles"):
            check_archive(replace(archive, **changed))


def test_a_walk_that_takes_too_long_ends(folder: Path) -> None:
    write(folder / "base.pmtiles", {i: gzip.compress(vector_tile(f"l{i}")) for i in range(500)})
    archive = open_archive(folder / "base.pmtiles")
    assert check_archive(archive) == Checked(500, 500, frozenset(f"l{i}" for i in range(500)))
    assert check_archive(archive, -1.0)[:2] == (0, 500)


def test_while_a_file_is_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    began, go = [], threading.Event()

    def slow(archive: Archive, seconds: float) -> Checked:
        began.append(archive.path.name)
        assert go.wait(20)
        return check_archive(archive, seconds)

    monkeypatch.setattr(archives, "check_archive", slow)
    served = archives.Archives(folder, wait_s=0.05)
    for _ in range(2):
        with pytest.raises(archives.ArchiveNotReadyError, match="base is new"):
            served.served("base")
    # It changes under the check: what was found out is of no use.
    until(lambda: began == ["base.pmtiles"])
    write(folder / "base.pmtiles", {0: OTHER})
    go.set()
    until(lambda: not served._checks)
    assert served._known == {}
    go.clear()
    with pytest.raises(archives.ArchiveNotReadyError):
        served.served("base")
    go.set()
    until(lambda: bool(served._known))
    first = served.served("base")
    go.clear()
    write(folder / "base.pmtiles", {0: TILE})
    for _ in range(3):
        assert served.served("base") is first  # at once, without a wait
    go.set()
    until(lambda: served.served("base") is not first)
    assert began == ["base.pmtiles"] * 3  # once a version

    def fail(*_: Any) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr(archives, "check_archive", fail)
    with pytest.raises(archives.ArchiveDamagedError):
        archives.Archives(folder).served("base")
    assert "planted" in caplog.text


@pytest.fixture
def as_caller() -> Iterator[Callable[..., None]]:
    """Makes the next requests those of a caller."""
    token = current_grant.set(None)

    def become(who: str, visibility: dict[str, Any], scope: Scope = Scope.READ, layers: Any = None) -> None:
        current_grant.set(Grant(who, scope, visibility, layers))

    yield become
    current_grant.reset(token)


ADDRESSES = ("open.json", "open.pmtiles", "open/0/0/0.mvt")


def test_an_archive_is_seen_as_its_name_and_all_its_layers_are(
    client: httpx.Client, folder: Path, as_caller: Callable[..., None]
) -> None:
    write(folder / "open.pmtiles", {0: gzip.compress(vector_tile("secret"))}, layers=[{"id": "secret"}])
    table = {"*": "internal", "open": "public", "secret": frozenset({"key:a"})}

    def statuses() -> list[int]:
        return [client.get(f"/archives/{address}").status_code for address in ADDRESSES]

    def listed() -> bool:
        return "open" in [one["id"] for one in client.get("/archives").json()["archives"]]

    as_caller("anonymous", table, Scope.NONE)
    assert (statuses(), listed()) == ([401] * 3, False)
    assert "Bearer" in client.get("/archives/open.json").headers["www-authenticate"]
    as_caller("key:b", table)
    assert (statuses(), listed()) == ([403] * 3, False)
    as_caller("key:a", table, layers=frozenset({"open"}))
    assert (statuses(), listed()) == ([403] * 3, False)
    as_caller("key:a", table)
    assert (statuses(), listed()) == ([200] * 3, True)
    as_caller("key:b", table, Scope.ADMIN)
    assert (statuses(), listed()) == ([200] * 3, True)


def test_what_the_tiles_hold_counts_whatever_the_archive_says(
    client: httpx.Client, folder: Path, as_caller: Callable[..., None]
) -> None:
    tile = gzip.compress(vector_tile("shown", "secret"))
    write(folder / "open.pmtiles", {0: tile}, layers=[{"id": "shown"}])
    as_caller("key:b", {"*": "internal", "secret": frozenset({"key:a"})})
    assert client.get("/archives/open.pmtiles").status_code == 403


@pytest.mark.parametrize("layers", [[], None, "a", [{"id": "a"}, 5], [{"id": ""}], [{"name": "a"}], [{"id": ["a"]}]])
def test_an_archive_of_unknown_layers_is_hidden_unless_it_is_spoken_of(
    client: httpx.Client, folder: Path, as_caller: Callable[..., None], layers: Any
) -> None:
    write(folder / "open.pmtiles", {0: TILE}, layers=layers)
    as_caller("key:a", {"*": "public"})
    assert [client.get(f"/archives/{address}").status_code for address in ADDRESSES] == [403] * 3
    assert client.get("/archives").json()["archives"] == []
    as_caller("key:a", {"*": "internal", "open": "internal"})
    assert client.get("/archives/open.pmtiles").status_code == 200
    as_caller("key:a", {"*": "internal"}, layers=frozenset({"open"}))
    assert client.get("/archives/open.pmtiles").status_code == 200


def test_archives_are_seen_as_layers_are(client: httpx.Client, folder: Path, as_caller: Callable[..., None]) -> None:
    (folder / ".hidden.pmtiles").write_bytes(b"")
    assert [one["id"] for one in client.get("/archives").json()["archives"]] == ["base", "hills"]
    as_caller("key:a", {"*": "internal"}, layers=frozenset({"hills"}))
    assert [one["id"] for one in client.get("/archives").json()["archives"]] == ["hills"]
