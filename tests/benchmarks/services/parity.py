"""Tiles against PostGIS: the features, attributes and shapes of ST_AsMVT, tile by tile.

``python -m tests.benchmarks.services.parity --dsn ENV --table parcels --pack build/packs/parcels/current -n 1000``

How each difference is judged, decided before the first comparison:

- **missing** / **extra**: a feature in one tile and not in the other. Where all that it has in the window (the tile
  with its buffer) lies within one unit of the window's edge, it is counted as a **sliver** instead: the two round a
  position to the tile's units in different ways (once, from metres; or from a global grid of 9 mm), and a unit decides
  whether the feature reaches into the window. Nothing that a map shows depends on it: the buffer is 64 units wide.
  A feature whose whole piece has an area of at most one square unit and that only one has (it collapses in the other)
  is counted as **collapsed**. Both are reported; only missing and extra are faults.
- **wrong**: a feature that both have and that differs in an attribute: names, values (numbers to 1 in 10¹²), types.
  What is missing in the table is absent in both.
- **invalid**: polygons of ours that are not valid as decoded (simple rings, holes inside, pieces apart).
- **shape**: sum of the areas of the symmetric differences of all features that both have, divided by the sum of
  their areas by PostGIS, in units of each tile; a feature whose shape PostGIS itself gives invalid is mended first.
- ST_AsMVT writes a ``numeric`` as text and a ``real`` 0.1 as 0.10000000149; both are handed to it as the double that
  their decimal text means, which is what geoplan reads them as. Dates and JSON have no counterpart in its tiles and are
  left out of the comparison.
- an **empty** tile of one is compared like any other.

PostGIS gets the positions in EPSG:3857 by ST_Transform from WGS 84 and makes each tile as its documentation shows.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import mapbox_vector_tile
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape as shape_of

EXTENT, BUFFER = 4096, 64
_AS_DOUBLE = {"numeric": "::float8", "float4": "::text::float8"}
_COMPARED = {"int2", "int4", "int8", "float4", "float8", "numeric", "bool", "text", "varchar"}
TileAddress = tuple[int, int, int]
Features = dict[int, tuple[Any, dict[str, Any]]]
"""Shape and attributes by id."""


@dataclass
class Parity:
    """What was found; `examples` has the first differences as (tile, what, feature)."""

    tiles: int = 0
    features: int = 0
    missing: int = 0
    extra: int = 0
    sliver_missing: int = 0
    sliver_extra: int = 0
    collapsed_missing: int = 0
    collapsed_extra: int = 0
    wrong: int = 0
    invalid: int = 0
    invalid_postgis: int = 0
    area: float = 0.0
    difference: float = 0.0
    examples: list[tuple[TileAddress, str, int]] = field(default_factory=list)

    @property
    def shape_difference(self) -> float:
        """Share of the area that lies in one shape and not in the other."""
        return self.difference / self.area if self.area else 0.0

    def report(self) -> str:
        """All counts, one a line."""
        counts = {key: value for key, value in vars(self).items() if key != "examples"}
        lines = [f"{key:18} {value:,}" for key, value in counts.items()]
        return "\n".join([*lines, f"shape difference   {self.shape_difference:.5%}"])

    def note(self, tile: TileAddress, what: str, feature: int) -> None:
        """Keep an example."""
        if len(self.examples) < 20:
            self.examples.append((tile, what, feature))


def compare(found: Parity, tile: TileAddress, ours: bytes, theirs: bytes) -> None:
    """Add a tile to the comparison."""
    mine, postgis = _features(ours), _features(theirs)
    found.tiles += 1
    found.features += len(postgis)
    for number in postgis.keys() - mine.keys():
        _count_one_sided(found, tile, "missing", number, postgis[number][0])
    for number in mine.keys() - postgis.keys():
        _count_one_sided(found, tile, "extra", number, mine[number][0])
    _compare_shapes(found, tile, mine, postgis)
    for number in mine.keys() & postgis.keys():
        if not _same(mine[number][1], postgis[number][1]):
            found.wrong += 1
            found.note(tile, f"wrong: {mine[number][1]} != {postgis[number][1]}", number)


def _compare_shapes(found: Parity, tile: TileAddress, mine: Features, postgis: Features) -> None:
    numbers = list(mine)
    shapes = np.array([mine[number][0] for number in numbers], object)
    valid = shapely.is_valid(shapes)
    found.invalid += int((~valid).sum())
    for place in np.flatnonzero(~valid):
        found.note(tile, f"invalid: {shapely.is_valid_reason(shapes[place])}", numbers[place])
    both = np.array([number in postgis for number in numbers], bool)
    others = np.array([postgis[number][0] for number in numbers if number in postgis], object)
    found.invalid_postgis += int((~shapely.is_valid(others)).sum())
    others, shapes = _mended(others), _mended(shapes[both])
    found.area += float(shapely.area(others).sum())
    # Most are the same to the unit, and their difference is nothing.
    apart = ~shapely.equals_exact(shapely.normalize(shapes), shapely.normalize(others))
    found.difference += float(shapely.area(shapely.symmetric_difference(shapes[apart], others[apart])).sum())


def _mended(shapes: NDArray[Any]) -> NDArray[Any]:
    valid = shapely.is_valid(shapes)
    return shapes if valid.all() else np.where(valid, shapes, shapely.make_valid(shapes))


def _count_one_sided(found: Parity, tile: TileAddress, what: str, number: int, shape: Any) -> None:
    west, south, east, north = shapely.bounds(shape)
    low, high = -BUFFER, EXTENT + BUFFER
    if east <= low + 1 or north <= low + 1 or west >= high - 1 or south >= high - 1:
        kind = f"sliver_{what}"
    elif shapely.area(shape) <= 1:
        kind = f"collapsed_{what}"
    else:
        kind = what
    setattr(found, kind, getattr(found, kind) + 1)
    found.note(tile, f"{kind} {shape.wkt[:200]}", number)


def _same(mine: dict[str, Any], other: dict[str, Any]) -> bool:
    if mine.keys() != other.keys():
        return False
    return all(_equal(value, other[key]) for key, value in mine.items())


def _equal(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool) or isinstance(value, str) or isinstance(other, str):
        return type(value) is type(other) and value == other
    return math.isclose(value, other, rel_tol=1e-12)


def _features(tile: bytes) -> Features:
    if not tile:
        return {}
    decoded = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    features: Features = {}
    for layer in decoded.values():
        for feature in layer["features"]:
            assert feature["id"] not in features, "an id twice in a tile"
            features[feature["id"]] = (shape_of(feature["geometry"]), feature["properties"])
    return features


def tile_sql(table: str, geometry: str, id_column: str, columns: Mapping[str, str]) -> str:
    """ST_AsMVT of a table, with z, x, y as parameters; `columns` has the type of each attribute in the table."""
    listed = "".join(f', t."{name}"{_AS_DOUBLE.get(type_, "")} AS "{name}"' for name, type_ in columns.items())
    shape = f't."{geometry}"'
    return f"""
        WITH tile AS (SELECT ST_TileEnvelope($1, $2, $3) AS box,
                             ST_TileEnvelope($1, $2, $3, margin => {BUFFER + 2}.0 / {EXTENT}) AS wide),
             rows AS (SELECT ST_AsMVTGeom(ST_Transform(ST_SetSRID({shape}, 4326), 3857), tile.box,
                                          {EXTENT}, {BUFFER}, true) AS mvt,
                             t."{id_column}" AS feature_id{listed}
                      FROM {table} AS t, tile
                      WHERE {shape} && ST_SetSRID(ST_Transform(tile.wide, 4326), ST_SRID({shape})))
        SELECT ST_AsMVT(rows, 'layer', {EXTENT}, 'mvt', 'feature_id') FROM rows WHERE mvt IS NOT NULL
    """  # noqa: S608 - names of the benchmark's own tables


def random_tiles(bounds: tuple[float, float, float, float], zooms: range, count: int, seed: int) -> list[TileAddress]:
    """Tiles at random places of the bounds (degrees), zooms in turn, none twice."""
    rng = np.random.default_rng(seed)
    west, south, east, north = bounds
    tiles: dict[TileAddress, None] = {}
    for attempt in range(count * 50):
        z = zooms[attempt % len(zooms)]
        lon, lat = rng.uniform(west, east), np.radians(rng.uniform(south, north))
        x = int((lon + 180) / 360 * 2**z)
        y = int((1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * 2**z)
        tiles[z, x, y] = None
        if len(tiles) == count:
            break
    return list(tiles)


async def column_types(connection: Any, table: str, names: Iterable[str]) -> dict[str, str]:
    """Types of the columns of a table that tiles of both can carry."""
    rows = await connection.fetch(
        "SELECT a.attname::text AS name, t.typname::text AS type FROM pg_attribute AS a JOIN pg_type AS t "
        "ON t.oid = a.atttypid WHERE a.attrelid = to_regclass($1)", table,
    )  # fmt: skip
    types = {row["name"]: row["type"] for row in rows}
    return {name: types[name] for name in names if types.get(name) in _COMPARED}


async def compared(
    connection: Any, sql: str, tiles: Iterable[TileAddress], encode: Callable[[TileAddress], bytes]
) -> Parity:
    """The comparison of all tiles."""
    found = Parity()
    for tile in tiles:
        theirs = await connection.fetchval(sql, *tile)
        compare(found, tile, encode(tile), bytes(theirs or b""))
    return found


async def _main(options: argparse.Namespace) -> int:
    from geoplan.pack.open import open_pack
    from geoplan.tiles.encode import TileLayer, encode_mvt
    from geoplan.tiles.grid import Tile

    pack = open_pack(options.pack)
    # The part with full detail also where a prepared level would be served: that has fewer features by intent.
    part = pack.source
    low, high = (int(word) for word in options.zooms.split("-"))
    tiles = random_tiles(pack.manifest.bounds, range(low, high + 1), options.number, options.seed)
    connection = await asyncpg.connect(os.environ[options.dsn])
    try:
        columns = await column_types(connection, options.table, [c.name for c in part.columns])
        sql = tile_sql(options.table, options.geometry, options.id_column, columns)
        layer = TileLayer("layer", part, tuple(columns), None)
        found = await compared(connection, sql, tiles, lambda tile: encode_mvt([layer], Tile(*tile)))
    finally:
        await connection.close()
    print(found.report())
    for example in found.examples:
        print(*example)
    return int(bool(found.missing or found.extra or found.wrong or found.invalid or found.shape_difference > 0.001))


def main() -> None:
    """Compare a pack with the table that it was made of."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dsn", default="GEOPLAN_BENCH_DSN", help="environment variable with the address")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--table", default="parcels")
    parser.add_argument("--geometry", default="geom")
    parser.add_argument("--id-column", default="fid")
    parser.add_argument("--zooms", default="10-16")
    parser.add_argument("-n", "--number", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(asyncio.run(_main(parser.parse_args())))


if __name__ == "__main__":
    main()
