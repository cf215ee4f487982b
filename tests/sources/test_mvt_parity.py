"""Tiles of a pack against ST_AsMVT of the table that it was pulled from."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import asyncpg
import mapbox_vector_tile
import pytest

from geoplan.pack.build import PackOptions
from geoplan.pack.open import Pack, open_pack
from geoplan.sources.postgis.pull import pull
from geoplan.sources.postgis.relation import Wanted
from geoplan.tiles.encode import TileLayer, encode_mvt
from geoplan.tiles.grid import Tile
from tests.benchmarks.services.parity import Parity, column_types, compare, compared, random_tiles, tile_sql
from tests.postgis_land import Land

TILES = {"parcels": 40, "counties": 120}


def _compared(land: Land, pack: Pack, table: str, key: str) -> Parity:
    part = pack.source
    assert pack.manifest.bounds is not None
    tiles = random_tiles(pack.manifest.bounds, range(10, 17), TILES[table], 5)

    async def question() -> Parity:
        connection = await asyncpg.connect(land.address.dsn)
        try:
            columns = await column_types(connection, table, [column.name for column in part.columns])
            layer = TileLayer("layer", part, tuple(columns))
            sql = tile_sql(table, "geom", key, columns)
            return await compared(connection, sql, tiles, lambda tile: encode_mvt([layer], Tile(*tile)))
        finally:
            await connection.close()

    return asyncio.run(question())


@pytest.mark.parametrize(("table", "key"), [("parcels", "fid"), ("counties", "code")])
def test_tiles_are_those_of_postgis(land: Land, tmp_path: Path, table: str, key: str) -> None:
    pack = open_pack(pull(land.address, Wanted(table=table), tmp_path, PackOptions(id=table)))
    found = _compared(land, pack, table, key)
    print(found.report(), *found.examples, sep="\n")
    assert found.features > TILES[table]
    assert (found.missing, found.extra, found.wrong, found.invalid) == (0, 0, 0, 0)
    assert found.sliver_missing + found.sliver_extra + found.collapsed_missing + found.collapsed_extra <= (
        found.features // 1000
    )
    assert 0 < found.shape_difference <= 0.001


def _tile(*features: tuple[int, str, dict[str, object]]) -> bytes:
    layer = {"name": "layer", "features": [{"id": i, "geometry": g, "properties": p} for i, g, p in features]}
    return bytes(mapbox_vector_tile.encode([layer], default_options={"y_coord_down": True}))


SQUARE = "POLYGON ((100 100, 200 100, 200 200, 100 200, 100 100))"
TILE = (14, 1, 1)


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([(1, SQUARE, {"a": 1})], [(1, SQUARE, {"a": 1})], Parity(1, 1)),
        ([], [(1, SQUARE, {})], Parity(1, 1, missing=1)),
        ([(1, SQUARE, {})], [], Parity(1, 0, extra=1)),
        ([(2, SQUARE, {})], [(1, SQUARE, {})], Parity(1, 1, missing=1, extra=1)),
        ([(1, SQUARE, {"a": 1})], [(1, SQUARE, {"a": 2})], Parity(1, 1, wrong=1)),
        ([(1, SQUARE, {"a": "1"})], [(1, SQUARE, {"a": 1})], Parity(1, 1, wrong=1)),
        ([(1, SQUARE, {"a": True})], [(1, SQUARE, {"a": 1})], Parity(1, 1, wrong=1)),
        ([(1, SQUARE, {})], [(1, SQUARE, {"a": 1})], Parity(1, 1, wrong=1)),
        ([(1, "POLYGON ((-64 0, -63 0, -63 9, -64 9, -64 0))", {})], [], Parity(1, 0, sliver_extra=1)),
        ([(1, "POLYGON ((-64 0, -62 0, -62 9, -64 9, -64 0))", {})], [], Parity(1, 0, extra=1)),
        ([], [(1, "POLYGON ((0 4159, 9 4159, 9 4160, 0 4160, 0 4159))", {})], Parity(1, 1, sliver_missing=1)),
        ([], [(1, "POLYGON ((5 5, 6 5, 6 6, 5 6, 5 5))", {})], Parity(1, 1, collapsed_missing=1)),
    ],
)
def test_every_kind_of_difference_is_noticed(
    ours: list[tuple[int, str, dict[str, object]]],
    theirs: list[tuple[int, str, dict[str, object]]],
    expected: Parity,
) -> None:
    found = Parity()
    compare(found, TILE, _tile(*ours) if ours else b"", _tile(*theirs) if theirs else b"")
    assert replace(found, area=0.0, difference=0.0, examples=[]) == expected


def test_the_difference_of_shapes_is_measured() -> None:
    found = Parity()
    wider = "POLYGON ((100 100, 201 100, 201 200, 100 200, 100 100))"
    compare(found, TILE, _tile((1, wider, {})), _tile((1, SQUARE, {})))
    assert found.shape_difference == pytest.approx(0.01)
