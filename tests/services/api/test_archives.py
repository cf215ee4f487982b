"""Archives over HTTP: tiles, TileJSON, ranges of the file, and files that are replaced or damaged."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import httpx
import pytest
from pmtiles.reader import Reader
from pmtiles.tile import Compression, TileType
from pmtiles.writer import Writer

from geoplan.access.grant import Grant, Scope, current_grant

OTHER = gzip.compress(b"other" * 999)
TILE = gzip.compress(b"tile" * 999)
SCRIPT = "<script>alert(1)</script>"


def write(path: Path, tiles: dict[int, bytes], kind: TileType = TileType.MVT) -> None:
    packing = Compression.GZIP if kind is TileType.MVT else Compression.NONE
    new = path.with_suffix(".new")
    with new.open("wb") as stream:
        writer = Writer(stream)
        for tile_id, body in tiles.items():
            writer.write_tile(tile_id, body)
        layers = [{"id": "a", "fields": {"x": "Number", "y": 10**30}, "minzoom": 10**30}, 5]
        metadata = {"name": SCRIPT, "attribution": SCRIPT, "vector_layers": layers, "description": ["x"]}
        writer.finalize({"tile_compression": packing, "tile_type": kind}, metadata)
    new.replace(path)


@pytest.fixture
def folder(project: Path, client: httpx.Client) -> Path:  # noqa: ARG001 - makes the build
    made = project / "build" / "archives"
    made.mkdir()
    write(made / "base.pmtiles", {0: TILE, 1: OTHER})
    write(made / "hills.pmtiles", {0: b"\x89PNG"}, TileType.PNG)
    return made


def test_tiles(client: httpx.Client, folder: Path) -> None:
    assert folder
    plain = client.get("/archives/base/0/0/0.mvt")
    assert (plain.status_code, plain.content) == (200, b"tile" * 999)
    assert plain.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    packed = client.get("/archives/base/1/0/0.pbf", headers={"Accept-Encoding": "gzip"})
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", b"other" * 999)
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


def test_a_file_that_is_replaced_or_damaged(client: httpx.Client, folder: Path) -> None:
    path = folder / "base.pmtiles"
    assert client.get("/archives/base/0/0/0.mvt").status_code == 200
    write(path, {0: gzip.compress(b"new")})
    assert client.get("/archives/base/0/0/0.mvt").content == b"new"
    (folder / "x").write_bytes(path.read_bytes()[:150])
    (folder / "x").replace(path)
    assert client.get("/archives/base/0/0/0.mvt").content == b"new"
    path.unlink()
    assert client.get("/archives/base/0/0/0.mvt").status_code == 404
    (folder / "bad.pmtiles").write_bytes(b"PMTiles\x03" + os.urandom(300))
    for address in ("bad.json", "bad.pmtiles", "bad/0/0/0.mvt"):
        response = client.get(f"/archives/{address}")
        assert (response.status_code, str(folder) in response.text) == (503, False)


def test_a_damaged_tile(client: httpx.Client, folder: Path) -> None:
    write(folder / "base.pmtiles", {0: b"no gzip", 1: TILE[:-20]})
    assert [client.get(f"/archives/base/{z}/0/0.mvt").status_code for z in (0, 1)] == [503, 503]


def test_archives_are_seen_as_layers_are(client: httpx.Client, folder: Path) -> None:
    (folder / ".hidden.pmtiles").write_bytes(b"")
    assert [one["id"] for one in client.get("/archives").json()["archives"]] == ["base", "hills"]
    token = current_grant.set(Grant("key:a", Scope.READ, {"*": "internal"}, frozenset({"hills"})))
    try:
        assert [one["id"] for one in client.get("/archives").json()["archives"]] == ["hills"]
    finally:
        current_grant.reset(token)
