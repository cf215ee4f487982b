"""Lists of requests: tiles as views of a map ask for them, and the questions of planners; all seeded.

A tile list has one ``z/x/y`` a line, none twice. A list of questions has one JSON object a line.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

QUESTIONS = 4000
SAMPLE = 60_000
# name → data set, zooms with their weights, how many.
TILES: dict[str, tuple[str, dict[int, int], int]] = {
    "counties_z5_14": ("counties", dict(zip(range(5, 15), (1, 2, 3, 5, 8, 10, 12, 14, 16, 16), strict=True)), 3000),
    "parcels_z12_14": ("parcels", {12: 3, 13: 4, 14: 5}, 6000),
    "parcels_z10_11": ("parcels", {10: 1, 11: 2}, 300),
    "parcels_z5_9": ("parcels", {5: 1, 6: 1, 7: 2, 8: 3, 9: 6}, 60),
}


def sample(path: Path, columns: Sequence[str], rng: np.random.Generator) -> tuple[pa.Table, NDArray[np.float64]]:
    """Rows drawn from a GeoParquet file, read in pieces, and a point inside each shape."""
    file = pq.ParquetFile(path)
    total = file.metadata.num_rows
    chosen = np.sort(rng.choice(total, min(SAMPLE, total), replace=False))
    taken, first = [], 0
    for batch in file.iter_batches(65_536, columns=[*columns, "geometry"]):
        inside = chosen[np.searchsorted(chosen, first) : np.searchsorted(chosen, first + len(batch))] - first
        taken.append(batch.take(pa.array(inside)))
        first += len(batch)
    table = pa.Table.from_batches(taken)
    points = shapely.get_coordinates(shapely.point_on_surface(shapely.from_wkb(table["geometry"].to_numpy())))
    mixed = rng.permutation(len(table))
    return table.drop_columns("geometry").take(pa.array(mixed)), points[mixed]


def tile_at(longitude: float, latitude: float, zoom: int) -> tuple[int, int]:
    """Column and row of the Web Mercator tile over a position."""
    north = 0.5 - math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)
    return int((longitude / 360 + 0.5) * 2**zoom), int(north * 2**zoom)


def draw_tiles(
    points: NDArray[np.float64], zooms: dict[int, int], count: int, rng: np.random.Generator
) -> Iterator[tuple[int, int, int]]:
    """Tiles over places of the data or beside them, as a window shows them; at most `count`, fewer where few exist."""
    levels, shares = list(zooms), np.array(list(zooms.values())) / sum(zooms.values())
    seen: set[tuple[int, int, int]] = set()
    for _ in range(60 * count):
        zoom = int(rng.choice(levels, p=shares))
        column, row = tile_at(*points[rng.integers(len(points))], zoom)
        beside = rng.integers(-1, 2, 2)
        tile = (zoom, column + int(beside[0]), row + int(beside[1]))
        if tile not in seen:
            seen.add(tile)
            yield tile
        if len(seen) == count:
            return


def questions(
    table: pa.Table, points: NDArray[np.float64], rng: np.random.Generator
) -> dict[str, list[dict[str, Any]]]:
    """Questions about parcels: around a place near a parcel, or with a parcel's own values."""
    rows = rng.integers(0, len(table), QUESTIONS)
    places = (points[rows] + rng.normal(0, 1e-4, (QUESTIONS, 2))).round(6).tolist()
    picked = table.take(pa.array(rows)).to_pylist()

    def box(place: Sequence[float], half: float) -> list[float]:
        return [
            round(place[0] - half, 6),
            round(place[1] - half, 6),
            round(place[0] + half, 6),
            round(place[1] + half, 6),
        ]

    return {
        "bbox_small": [{"bbox": box(place, 0.005), "limit": 100} for place in places],
        "bbox_big": [{"bbox": box(place, 0.03), "limit": 1000} for place in places],
        "pip": [{"point": place, "limit": 10} for place in places],
        "near": [{"point": place, "radius_m": 300, "limit": 20} for place in places],
        "attr": [{"dlbm": row["dlbm"], "year": int(rng.integers(2001, 2025)), "limit": 100} for row in picked],
        "byno": [{"parcel_no": row["parcel_no"], "limit": 1} for row in picked],
    }


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_lists(parcels: Path, counties: Path, folder: Path) -> None:
    """Write all lists for one set of data."""
    rng = np.random.default_rng(11)
    table, places = sample(parcels, ("parcel_no", "dlbm"), rng)
    points = {"parcels": places, "counties": sample(counties, (), rng)[1]}
    for name, (data, zooms, count) in TILES.items():
        write_lines(
            folder / f"{name}.txt", ("/".join(map(str, tile)) for tile in draw_tiles(points[data], zooms, count, rng))
        )
    for name, asked in questions(table, places, rng).items():
        write_lines(folder / f"q_{name}.jsonl", map(json.dumps, asked))


def read_list(folder: Path, name: str) -> list[dict[str, Any]]:
    """The entries of a list: ``{"z", "x", "y"}`` of a tile, or the question as it was written."""
    tiles = folder / f"{name}.txt"
    if tiles.exists():
        entries = (line.split("/") for line in tiles.read_text("utf-8").split())
        return [dict(zip("zxy", map(int, entry), strict=True)) for entry in entries]
    return [json.loads(line) for line in (folder / f"q_{name}.jsonl").read_text("utf-8").splitlines()]
