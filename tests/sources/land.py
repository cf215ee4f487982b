"""Seeded land: parcels that share their jittered edges, counties with enclaves and islands, as database tables."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from tests.postgis_server import Cluster

WEST, SOUTH = 112.0, 37.0
CLASSES = ("水田", "水浇地", "旱地", "果园", "乔木林地", "农村宅基地", "公路用地")
ZONES = ("永久基本农田", "生态保护红线", "城镇开发边界", None)
PARCEL_TYPES = {
    "fid": "int primary key",
    "parcel_no": "text not null",
    "class": "varchar(20)",
    "zone": "text",
    "year": "int2",
    "price": "numeric(12,2)",
    "ratio": "real",
    "area": "double precision",
    "irrigated": "boolean",
    "surveyed": "date",
    "updated": "timestamptz",
    "tags": "text[]",
    "extra": "jsonb",
}


def parcel_shapes(side: int, seed: int = 7) -> NDArray[Any]:
    """`side` × `side` cells of about 120 m × 150 m with 12 vertices each; neighbours have the same ones."""
    rng = np.random.default_rng(seed)
    dx, dy = 120 / (111_320 * np.cos(np.radians(SOUTH))), 150 / 111_320
    ix, iy = np.meshgrid(np.arange(3 * side + 1), np.arange(3 * side + 1))
    x = np.round(WEST + ix / 3 * dx + rng.normal(0, dx / 22, ix.shape), 7)
    y = np.round(SOUTH + iy / 3 * dy + rng.normal(0, dy / 22, iy.shape), 7)
    around = [(0, k) for k in range(3)] + [(k, 3) for k in range(3)]
    around += [(3, 3 - k) for k in range(3)] + [(3 - k, 0) for k in range(3)] + [(0, 0)]
    rows, columns = np.divmod(np.arange(side * side), side)
    rings = np.stack([np.column_stack([x[3 * rows + a, 3 * columns + b], y[3 * rows + a, 3 * columns + b]])
                      for a, b in around], axis=1)  # fmt: skip
    shapes: NDArray[Any] = shapely.polygons(rings)
    return shapes


def parcel_rows(count: int, seed: int = 8) -> list[tuple[Any, ...]]:
    """Attributes in the order of `PARCEL_TYPES`."""
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(count):
        year = int(rng.integers(2000, 2026))
        surveyed = date(year, 1, 1) + timedelta(days=int(rng.integers(0, 365)))
        updated = datetime(year, 6, 1, tzinfo=UTC) + timedelta(microseconds=int(rng.integers(0, 10**12)))
        price = None if rng.random() < 0.1 else round(float(rng.lognormal(3, 1)), 2)
        irrigated = None if rng.random() < 0.2 else bool(rng.random() < 0.5)
        tags = [f"标签{n}" for n in range(int(rng.integers(0, 3)))]
        rows.append((
            k + 1, f"1401{k:08d}", CLASSES[int(rng.integers(len(CLASSES)))], ZONES[int(rng.integers(len(ZONES)))],
            year, price, round(float(rng.random()), 2), float(rng.random() * 1e4), irrigated, surveyed, updated,
            tags, {"owner": f"农户{k % 97}", "shares": [1, k % 5]},
        ))  # fmt: skip
    return rows


def county_shapes(side: int = 5, depth: int = 9, seed: int = 9) -> NDArray[Any]:
    """`side` × `side` blocks with wild shared borders; every third has an enclave that belongs to its neighbour."""
    rng = np.random.default_rng(seed)
    step = 0.18

    def border(start: NDArray[Any], end: NDArray[Any]) -> NDArray[Any]:
        line, size = np.array([start, end]), step / 6
        for _ in range(depth):
            middle = (line[:-1] + line[1:]) / 2 + rng.normal(0, size / 4, (len(line) - 1, 2))
            line = np.insert(line, np.arange(1, len(line)), middle, axis=0)
            size /= 2.2
        return np.round(line, 7)

    node = {(i, j): np.array([WEST - 0.1 + i * step, SOUTH - 0.1 + j * step]) for i in range(side + 1)
            for j in range(side + 1)}  # fmt: skip
    across = {(i, j): border(node[i, j], node[i + 1, j]) for i in range(side) for j in range(side + 1)}
    up = {(i, j): border(node[i, j], node[i, j + 1]) for i in range(side + 1) for j in range(side)}
    blocks = []
    for i in range(side):
        for j in range(side):
            ring = [across[i, j], up[i + 1, j][1:], across[i, j + 1][::-1][1:], up[i, j][::-1][1:]]
            shape = shapely.make_valid(shapely.polygons(np.concatenate(ring)), method="structure", keep_collapsed=False)
            blocks.append(shape)
    for k in range(0, len(blocks) - 1, 3):
        enclave = shapely.buffer(shapely.point_on_surface(blocks[k]), step / 12)
        blocks[k] = shapely.difference(blocks[k], enclave)
        blocks[k + 1] = shapely.union(shapely.difference(blocks[k + 1], enclave), enclave)
    return np.array([shapely.multipolygons(shapely.get_parts(block)) for block in blocks], object)


def load_parcels(server: Cluster, side: int, *, table: str = "parcels") -> None:
    """Make the table of parcels (EPSG:4326) with its index."""
    shapes = parcel_shapes(side)
    columns = ", ".join(f"{name} {type_}" for name, type_ in PARCEL_TYPES.items())
    server.run(f"create table {table} ({columns}, geom geometry(Polygon,4326))")
    copy(server, table, [(*row, shape) for row, shape in zip(parcel_rows(len(shapes)), shapes, strict=True)])
    server.run(f"create index on {table} using gist (geom); analyze {table}")


def load_counties(server: Cluster) -> None:
    """Make the table of counties (EPSG:4490)."""
    shapes = county_shapes()
    server.run("create table counties (code int primary key, name text, geom geometry(MultiPolygon,4490))")
    copy(server, "counties", [(140100 + k, f"县{k}", shape) for k, shape in enumerate(shapes)], 4490)
    server.run("create index on counties using gist (geom); analyze counties")


def copy(server: Cluster, table: str, rows: list[tuple[Any, ...]], srid: int = 4326) -> None:
    """Load rows into a table."""
    lines = ["\t".join(_cell(value, srid) for value in row) for row in rows]
    server.run(f"copy {table} from stdin;\n" + "\n".join(lines) + "\n\\.\n")


def _cell(value: Any, srid: int) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, shapely.Geometry):
        return str(shapely.to_wkb(shapely.set_srid(value, srid), hex=True, include_srid=True))
    if isinstance(value, list):
        return "{" + ",".join(f'"{item}"' for item in value) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
