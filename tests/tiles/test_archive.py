"""Archives as their own writer makes them, and as somebody may who means harm."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pmtiles.reader import MemorySource, Reader
from pmtiles.tile import (
    Compression,
    Entry,
    TileType,
    serialize_directory,
    serialize_header,
    tileid_to_zxy,
    zxy_to_tileid,
)
from pmtiles.writer import Writer

from geoplan.errors import PackError
from geoplan.tiles import archive as module
from geoplan.tiles.archive import archive_tile, open_archive, zooms
from geoplan.tiles.grid import Tile

HEADER = {"tile_compression": Compression.GZIP, "tile_type": TileType.MVT}


def write(path: Path, tiles: dict[int, bytes]) -> Path:
    """An archive by the format's own writer."""
    with path.open("wb") as stream:
        writer = Writer(stream)
        for tile_id in sorted(tiles):
            writer.write_tile(tile_id, tiles[tile_id])
        writer.finalize(dict(HEADER), {"name": "n", "vector_layers": []})
    return path


def made(path: Path, root: bytes, leaves: bytes = b"", data: bytes = b"", **changes: Any) -> Path:
    """An archive by hand; `changes` are fields of its header."""
    metadata = gzip.compress(b"{}")
    header: dict[str, Any] = {
        **HEADER, "clustered": True, "internal_compression": Compression.GZIP, "min_zoom": 0, "max_zoom": 5,
        "root_offset": 127, "root_length": len(root),
        "metadata_offset": 127 + len(root), "metadata_length": len(metadata),
        "leaf_directory_offset": 127 + len(root) + len(metadata), "leaf_directory_length": len(leaves),
        "tile_data_offset": 127 + len(root) + len(metadata) + len(leaves), "tile_data_length": len(data),
    }  # fmt: skip
    path.write_bytes(serialize_header({**header, **changes}) + root + metadata + leaves + data)  # type: ignore[typeddict-item]
    return path


def directory(*entries: tuple[int, int, int, int]) -> bytes:
    """First id, offset, length, run of each entry."""
    return serialize_directory([Entry(*entry) for entry in entries])


TILES = st.dictionaries(
    st.integers(0, 5000), st.binary(min_size=1, max_size=3).map(lambda text: text * 7), min_size=1, max_size=60
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TILES)
def test_every_tile_is_read_as_written(tmp_path: Path, tiles: dict[int, bytes]) -> None:
    opened = open_archive(write(tmp_path / "a.pmtiles", tiles))
    for tile_id in {*tiles, *(tile_id + 1 for tile_id in tiles), 0, 5001}:
        assert archive_tile(opened, Tile(*tileid_to_zxy(tile_id))) == tiles.get(tile_id, b"")
    assert opened.metadata["name"] == "n"
    assert zooms(opened) == (tileid_to_zxy(min(tiles))[0], tileid_to_zxy(max(tiles))[0])


def test_archives_with_leaves(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    tiles = {tile_id: rng.bytes(int(rng.integers(1, 99))) for tile_id in range(40_000) if rng.random() < 0.5}
    path = write(tmp_path / "a.pmtiles", tiles)
    opened = open_archive(path)
    assert opened.header["leaf_directory_length"] > 0
    reader = Reader(MemorySource(path.read_bytes()))
    for tile_id in (*range(0, 40_000, 499), 39_998, 39_999, 1):
        tile = Tile(*tileid_to_zxy(tile_id))
        assert archive_tile(opened, tile) == (reader.get(*tile) or b"") == tiles.get(tile_id, b"")


def test_runs_and_gaps(tmp_path: Path) -> None:
    root = directory((1, 0, 3, 4), (21, 3, 2, 1), (22, 1, 3, 1))
    opened = open_archive(made(tmp_path / "a.pmtiles", root, data=b"abcde"))
    read = {tile_id: archive_tile(opened, Tile(*tileid_to_zxy(tile_id))) for tile_id in range(25)}
    assert {tile_id: body for tile_id, body in read.items() if body} == {
        **dict.fromkeys((1, 2, 3, 4), b"abc"), 21: b"de", 22: b"bcd"
    }  # fmt: skip


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 400), st.binary(min_size=1, max_size=4), st.booleans())
def test_damage_is_refused_or_read(tmp_path: Path, place: int, bytes_: bytes, cut: bool) -> None:  # noqa: FBT001
    """Whatever is changed, the archive is refused with its name, or what it holds lies within it."""
    path = write(tmp_path / "a.pmtiles", {tile_id: bytes([tile_id]) * 9 for tile_id in range(40)})
    whole = path.read_bytes()
    place = min(place, len(whole) - 1)
    path.write_bytes(whole[:place] if cut else whole[:place] + bytes_ + whole[place + len(bytes_) :])
    try:
        opened = open_archive(path)
        for tile_id in range(60):
            assert archive_tile(opened, Tile(*tileid_to_zxy(tile_id))) in path.read_bytes()
    except PackError as error:
        assert "a.pmtiles" in str(error)  # noqa: PT017 - both outcomes are right


Make = Callable[[Path], Path]


def _pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path, "cannot be read"),
        (lambda path: (path.write_bytes(b""), path)[1], "no PMTiles"),
        (lambda path: (path.write_bytes(b"PMTiles\x03"), path)[1], "no PMTiles"),
        (lambda path: (path.write_bytes(b"PMTiles\x02" + bytes(600)), path)[1], "no PMTiles"),
        (lambda path: (path.write_bytes(b"SQLite format 3\0" + bytes(600)), path)[1], "no PMTiles"),
        (lambda path: (path.mkdir(), path)[1], "cannot be read"),
        (_pipe, "a.pmtiles"),
        (lambda path: made(path, b"\x01\x02\x03"), "damaged"),
        (lambda path: made(path, gzip.compress(b"\x05\x01")), "damaged"),
        (lambda path: made(path, gzip.compress(b"")), "damaged"),
        (lambda path: made(path, directory((0, 0, 3, 1))[:-6]), "damaged"),
        (lambda path: made(path, gzip.compress(b"\x01\x00\x01\x05\x00"), data=b"abcde"), "damaged"),
        (lambda path: made(path, directory((0, 0, 99, 1)), data=b"abc"), "cut short"),
        (lambda path: made(path, directory((0, 1 << 60, 3, 1)), data=b"abc"), "damaged"),
        (lambda path: made(path, directory((0, 9, 3, 1)), data=b"abc", tile_data_offset=2**64 - 8), "cut short"),
        (lambda path: made(path, directory(), root_length=2**63), "cut short"),
        (lambda path: made(path, directory(), metadata_offset=2**64 - 1), "cut short"),
        (lambda path: made(path, directory((0, 2**40, 9, 0))), "cut short"),
        (lambda path: made(path, directory(), internal_compression=Compression.ZSTD), "only gzip"),
        (lambda path: made(path, gzip.compress(bytes(module.MAX_DIRECTORY_BYTES + 9))), "larger"),
    ],
)  # fmt: skip
def test_hostile_archives(tmp_path: Path, make: Make, message: str) -> None:
    with pytest.raises(PackError, match=message) as error:
        open_archive(make(tmp_path / "a.pmtiles"))
    assert str(tmp_path) not in str(error.value)


def test_a_leaf_that_leads_to_itself(tmp_path: Path) -> None:
    leaf = directory((0, 0, 0, 0))
    for _ in range(3):  # its own length stands in it
        leaf = directory((0, 0, len(leaf), 0))
    with pytest.raises(PackError, match="more directories"):
        open_archive(made(tmp_path / "a.pmtiles", leaf, leaf))


def test_directories_without_number_or_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = gzip.compress(b"\x00")
    many = directory(*((i, 0, len(empty), 0) for i in range(200)))
    path = made(tmp_path / "a.pmtiles", many, empty)
    assert archive_tile(open_archive(path), Tile(0, 0, 0)) == b""
    monkeypatch.setattr(module, "_MAX_UNPACKED_BYTES", 100_000)
    with pytest.raises(PackError, match="more directories"):
        open_archive(path)
    monkeypatch.undo()
    monkeypatch.setattr(module, "MAX_ENTRIES", 199)
    with pytest.raises(PackError, match="more directories"):
        open_archive(path)


def test_a_tile_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TILE_BYTES", 1 << 20)
    path = made(tmp_path / "a.pmtiles", directory((0, 0, (1 << 20) + 1, 1)), data=bytes((1 << 20) + 1))
    with pytest.raises(PackError, match="1 MiB"):
        open_archive(path)


@pytest.mark.parametrize("text", [b"[1]", b"{", b"[" * 100_000, b'"x"'])
def test_metadata_that_are_none(tmp_path: Path, text: bytes) -> None:
    root, metadata = directory(), gzip.compress(text)
    path = made(tmp_path / "a.pmtiles", root, metadata, metadata_length=len(metadata))
    place = 127 + len(root) + len(gzip.compress(b"{}"))
    made(path, root, metadata, metadata_offset=place, metadata_length=len(metadata))
    with pytest.raises(PackError, match="metadata"):
        open_archive(path)


def test_a_file_that_is_cut_while_it_is_served(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pmtiles", {zxy_to_tileid(0, 0, 0): b"abcdef"})
    opened = open_archive(path)
    os.truncate(path, 200)
    with pytest.raises(PackError, match="cut short while"):
        archive_tile(opened, Tile(0, 0, 0))


def test_a_file_that_is_replaced_is_read_to_its_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.pmtiles", {0: b"old"})
    opened = open_archive(path)
    write(tmp_path / "b.pmtiles", {0: b"new"}).replace(path)
    assert (archive_tile(opened, Tile(0, 0, 0)), archive_tile(open_archive(path), Tile(0, 0, 0))) == (b"old", b"new")
