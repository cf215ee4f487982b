"""Archives of packs: every tile of the pack and no other, whole or not there."""

from __future__ import annotations

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles
from shapely import LineString, Point, box

from geoplan.crs import STORAGE
from geoplan.errors import PackError
from geoplan.pack.build import PackOptions, pack_frame
from geoplan.pack.open import open_pack
from geoplan.tiles import seed as module
from geoplan.tiles.archive import archive_tile, open_archive
from geoplan.tiles.encode import TileLayer, encode_mvt
from geoplan.tiles.grid import Tile, tile_of
from geoplan.tiles.seed import seed

ZOOMS = (3, 9)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Points, lines, squares and a missing shape; some at seams of tiles, one at the edge of the world."""
    edge = 360 / 2**9
    shapes: list[Any] = [Point(112.5 + i * 0.21, 37.5 + i % 7 * 0.3) for i in range(20)]
    shapes += [LineString([(112, 37), (114.5, 39)]), box(113, 37, 113.6, 37.7), None]
    shapes += [Point(160 * edge - 180 + 1e-7, 10), Point(160 * edge - 180 - 1e-7, 20), Point(-179.9999, -80)]
    columns = {"fid": range(1, len(shapes) + 1), "name": [f"点{i}" for i in range(len(shapes))]}
    frame = gpd.GeoDataFrame(columns, geometry=shapes, crs=STORAGE)
    folder = tmp_path_factory.mktemp("seed") / "parcels"
    pack_frame(frame, folder, PackOptions(id="parcels", title={"zh": "地块"}, id_column="fid"))
    return folder


def expected(pack: Path, zoom: int) -> dict[Tile, bytes]:
    """The tiles of a zoom that hold something, by asking for each tile around each position."""
    opened = open_pack(pack)
    part = opened.part_at(zoom)
    assert part is not None
    side = 1 << zoom
    wide = [tile_of(112 + i * 0.01, 37 + j * 0.01, zoom) for i in range(0, 520, 20) for j in range(0, 320, 20)]
    seams = [tile_of(x, y, zoom) for x, y in ((-67.5, 10), (-67.5, 20), (-179.9999, -80), (112.5, 40.9))]
    asked = {
        Tile(zoom, x, y)
        for tile in (*wide, *seams)
        for x in range(max(tile.x - 1, 0), min(tile.x + 2, side))
        for y in range(max(tile.y - 1, 0), min(tile.y + 2, side))
    }
    found = {tile: encode_mvt([TileLayer("parcels", part)], tile) for tile in asked}
    return {tile: body for tile, body in found.items() if body}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_tile_is_that_of_the_pack(pack: Path, tmp_path: Path, workers: int) -> None:
    target = tmp_path / "a.pmtiles"
    count = seed(pack, target, min_zoom=ZOOMS[0], max_zoom=ZOOMS[1], workers=workers)
    tiles = {Tile(*zxy): gzip.decompress(body) for zxy, body in all_tiles(MemorySource(target.read_bytes()))}
    wanted: dict[Tile, bytes] = {}
    for zoom in range(ZOOMS[0], ZOOMS[1] + 1):
        wanted |= expected(pack, zoom)
    assert set(wanted) <= set(tiles), "a tile is missing"
    opened = open_pack(pack)
    for tile, body in tiles.items():
        part = opened.part_at(tile.z)
        assert part is not None
        assert body == encode_mvt([TileLayer("parcels", part)], tile) != b""
    assert count == len(tiles)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pmtiles"]
    ours = open_archive(target)
    assert all(gzip.decompress(archive_tile(ours, tile)) == body for tile, body in tiles.items())


def test_what_the_archive_says_of_itself(pack: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.pmtiles"
    seed(pack, target, min_zoom=5, max_zoom=7, workers=1)
    reader = Reader(MemorySource(target.read_bytes()))
    header, metadata = reader.header(), reader.metadata()
    assert (header["min_zoom"], header["max_zoom"], header["clustered"]) == (5, 7, True)
    assert header["min_lon_e7"] == pytest.approx(-179.9999e7, abs=2)
    assert [layer["id"] for layer in metadata["vector_layers"]] == ["parcels"]
    assert "地块" in metadata["name"]


def test_zooms_that_are_none(pack: Path, tmp_path: Path) -> None:
    for low, high in ((-1, 3), (4, 3), (0, 23)):
        with pytest.raises(PackError, match="zooms"):
            seed(pack, tmp_path / "a.pmtiles", min_zoom=low, max_zoom=high, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_too_many_tiles(pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TILES", 50)
    with pytest.raises(PackError, match="lower zoom"):
        seed(pack, tmp_path / "a.pmtiles", min_zoom=9, max_zoom=12, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_a_fault_leaves_nothing_and_keeps_what_was_there(
    pack: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.pmtiles"
    target.write_bytes(b"old")
    real = encode_mvt

    def broken(layers: Any, tile: Tile) -> bytes:
        if tile.z == 8:
            raise MemoryError
        return real(layers, tile)

    monkeypatch.setattr(module, "encode_mvt", broken)
    with pytest.raises(MemoryError):
        seed(pack, target, min_zoom=3, max_zoom=9, workers=1)
    assert ([path.name for path in tmp_path.iterdir()], target.read_bytes()) == (["a.pmtiles"], b"old")


def test_a_pack_without_shapes(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"fid": [1]}, geometry=[None], crs=STORAGE)
    pack_frame(frame, tmp_path / "pack", PackOptions(id="none", title={"zh": "无"}, id_column="fid"))
    with pytest.raises(PackError, match="holds anything"):
        seed(tmp_path / "pack", tmp_path / "a.pmtiles", min_zoom=0, max_zoom=3, workers=1)
    assert not (tmp_path / "a.pmtiles").exists()


def test_workers_end_with_a_process_that_is_killed(pack: Path, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from geoplan.tiles.seed import seed\n"
        "def main(): seed(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), min_zoom=0, max_zoom=16, workers=2)\n"
        "if __name__ == '__main__': main()\n"
    )
    script = tmp_path / "run.py"
    script.write_text(program)
    target = tmp_path / "a.pmtiles"
    with subprocess.Popen([sys.executable, script, pack, target]) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until = time.monotonic() + 60
        while len(started := children.read_text().split()) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGKILL)
    until = time.monotonic() + 30
    while any(_lives(number) for number in started):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert not target.exists()


def _lives(number: str) -> bool:
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
