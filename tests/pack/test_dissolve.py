"""Rows by tile, and how much of a mapped part is held in memory while its tiles are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.pack import dissolve
from geoplan.pack.geometry import bounding_boxes
from geoplan.pack.mosaic import count_runs, rows_of, tile_runs
from geoplan.pack.part import Geometry
from geoplan.pack.raw import RawArrays, release_pages
from tests.pack.test_raw import mapped_mebibytes

WEST, NORTH = 1_330_000_000, -450_000_000  # somewhere in Shanxi, on the grid


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.integers(0, 60), st.integers(0, 12))
def test_every_tile_gets_the_rows_whose_boxes_meet_it(seed: int, count: int, zoom: int) -> None:
    # Rows in any order, boxes of any size, some of them over the edge of the square.
    rng = np.random.default_rng(seed)
    corners = rng.integers(-(2**31), 2**31, (count, 2))
    size = 1 << rng.integers(10, 33 - min(zoom, 5), (count, 1))
    boxes = np.concatenate([corners, np.minimum(corners + size, 2**31 - 1)], axis=1).astype(np.int32)
    rows = np.flatnonzero(rng.random(count) < 0.8).astype(np.int32)
    wanted: dict[int, list[int]] = {}
    tiles = (boxes.astype(np.int64) + 2**31) >> (32 - zoom)
    for row in rows.tolist():
        west, north, east, south = tiles[row].tolist()
        for y in range(north, south + 1):
            for x in range(west, east + 1):
                wanted.setdefault(y << 32 | x, []).append(row)
    total = count_runs(boxes, rows, 32 - zoom)
    keys, runs = np.full(total, -1), np.zeros((total, 2), np.int32)
    tile_runs(boxes, rows, 32 - zoom, keys, runs)
    assert (runs[:, 0] < runs[:, 1]).all()
    assert {int(key): rows_of(rows, runs[keys == key]).tolist() for key in np.unique(keys)} == wanted


def test_pages_of_a_mapped_part_are_not_held(tmp_path: Path) -> None:
    # 40,000 rings of 200 vertices: 64 MB of positions.
    n, around = 40_000, np.linspace(0, 2 * np.pi, 200)
    middles = np.stack(np.meshgrid(np.arange(200), np.arange(200)), -1).reshape(-1, 1, 2) * 2000 + [WEST, NORTH]
    rings = middles + 900 * np.stack([np.cos(around), -np.sin(around)], -1)
    offsets = np.arange(n + 1, dtype=np.int32)
    raw = RawArrays(tmp_path)
    raw.append("mercator", rings.reshape(-1, 2).astype(np.int32))
    mapped = raw.load("mercator", np.int32, 2)
    geometry = Geometry(np.full(n, 3, np.uint8), offsets, offsets, offsets * np.int32(200), mapped, mapped)
    boxes = bounding_boxes(geometry)
    release_pages(mapped)
    before = mapped_mebibytes()
    sources = dissolve.sources_of(geometry, boxes, np.zeros(n, np.int32))
    assert mapped_mebibytes() - before < 24
    mosaic = dissolve.dissolve(sources, 9, lambda _shapes, _corners: True)
    assert mapped_mebibytes() - before < 24
    assert (mosaic.owners >= 0).all()
    raw.close()
