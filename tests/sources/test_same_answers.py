"""One table, three times: pulled into a pack, read live, and as the database itself has it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from geoplan.errors import SourceError
from geoplan.pack.build import PackOptions
from geoplan.pack.open import Pack, open_pack
from geoplan.pack.part import Part
from geoplan.pack.writer import write_features
from geoplan.query.filters import compile_filter
from geoplan.sources.postgis.live import PostgisLayer
from geoplan.sources.postgis.pull import pull
from geoplan.sources.postgis.relation import Wanted
from geoplan.sources.postgis.selection import Selection, box_of_tile
from geoplan.tiles.encode import TileLayer, encode_mvt
from geoplan.tiles.grid import Tile
from tests.benchmarks.services.parity import random_tiles
from tests.postgis_land import Land

TABLES = {"parcels": "fid", "counties": "code", "mixed": "id"}
MIXED = """
create table mixed (id int primary key, name text, geom geometry(Geometry,4490));
insert into mixed values
  (0, '点', 'srid=4490;point(112.05 37.05)'), (7, null, 'srid=4490;multipoint(112.01 37.01, 112.02 37.03)'),
  (9, '线', 'srid=4490;linestring(112 37, 112.1 37.1, 112.2 37)'), (11, '无', null), (12, '空', 'srid=4490;polygon empty'),
  (13, '结', 'srid=4490;polygon((112.03 37.03, 112.06 37.06, 112.06 37.03, 112.03 37.06, 112.03 37.03))'),
  (14, '洞', 'srid=4490;polygon((112 37, 112.1 37, 112.1 37.1, 112 37.1, 112 37), (112.04 37.04, 112.04 37.06, 112.06 37.06, 112.06 37.04, 112.04 37.04))'),
  (15, '折', 'srid=4490;multilinestring((112 37, 112.01 37.09), (112.05 37, 112.06 37.09))');
"""  # noqa: E501
FILTERS = {
    "parcels": [
        "class = '水田' AND year > 2010", "price BETWEEN 10 AND 20", "ratio = 0.1", "zone IS NULL", "irrigated = true",
        "S_INTERSECTS(geometry, BBOX(112.01, 37.01, 112.03, 37.02))", "parcel_no LIKE '140100000%7'",
        "updated >= TIMESTAMP('2020-06-01T00:00:00Z')", "surveyed < DATE('2001-01-01')",
    ],
    "counties": ["name = '县3'", "S_WITHIN(geometry, BBOX(111, 36, 112.3, 37.2))"],
    "mixed": ["name IS NULL", "S_INTERSECTS(geometry, POINT(112.05 37.05))"],
}  # fmt: skip


@pytest.fixture(scope="module", params=list(TABLES))
def table(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def database(land: Land) -> Land:
    land.run("drop table if exists mixed;" + MIXED)
    return land


@pytest.fixture(scope="module")
def packs(database: Land, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pack]:
    """All tables, pulled."""
    folder = tmp_path_factory.mktemp("packs")
    return {
        name: open_pack(pull(database.address, Wanted(table=name), folder, PackOptions(id=name))) for name in TABLES
    }


def live(land: Land, table: str, selection: Selection, zoom: int | None = None) -> Part:
    """The rows of a live layer."""

    async def question() -> Part:
        async with PostgisLayer(land.address, Wanted(table=table)) as layer:
            return (await layer.read(selection, zoom=zoom)).part

    return asyncio.run(question())


def features(part: Part, ids: Any = None) -> dict[int, dict[str, Any]]:
    """GeoJSON features by id, as they are served."""
    rows = part.ids_order if ids is None else part.ids_order[np.isin(part.ids[part.ids_order], list(ids))]
    listed = json.loads(b"[" + write_features(part, rows) + b"]")
    return {feature["id"]: feature for feature in listed}


def test_the_pack_has_the_table_s_ids(packs: dict[str, Pack], table: str, database: Land) -> None:
    ids = database.run(f"select {TABLES[table]} from {table} order by 1").split()  # noqa: S608
    pack = packs[table]
    assert pack.manifest.id_column == TABLES[table]
    assert [str(number) for number in pack.source.ids[pack.source.ids_order]] == ids


def test_both_serve_the_same_features(packs: dict[str, Pack], table: str, database: Land) -> None:
    pulled, read = features(packs[table].source), features(live(database, table, Selection()))
    assert pulled.keys() == read.keys()
    for number, feature in pulled.items():
        assert feature == read[number]


def test_the_features_are_those_of_the_table(packs: dict[str, Pack], table: str, database: Land) -> None:
    """Against the database's own GeoJSON, which knows nothing of the library: properties equal, shapes on the grid."""
    rows = database.run(
        f"select json_build_object('id', {TABLES[table]}, 'properties', to_jsonb(t) - 'geom' - '{TABLES[table]}', "  # noqa: S608
        f"'shape', ST_AsGeoJSON(geom, 15)::json)::text from {table} t"
    ).splitlines()
    served = features(packs[table].source)
    assert len(rows) == len(served)
    for row in map(json.loads, rows):
        feature = served[row["id"]]
        assert {key: normal(key, value) for key, value in feature["properties"].items()} == {
            key: normal(key, value) for key, value in row["properties"].items()
        }
        same_shape(feature["geometry"], row["shape"])


def normal(key: str, value: Any) -> Any:
    """An instant is the same in both spellings, `Z` and `+00:00`, with zeros at its end or without."""
    return datetime.fromisoformat(value) if key == "updated" else value


def same_shape(served: Any, stated: Any) -> None:
    """Within half of the grid of 1e-7 degrees, unless the table's own shape is not valid."""
    if stated is None or not stated["coordinates"]:
        assert served is None
        return
    mine, other = (shapely.from_geojson(json.dumps(shape)) for shape in (served, stated))
    assert mine.geom_type == other.geom_type or not shapely.is_valid(other)
    if shapely.is_valid(other):
        assert (
            mine.normalize().equals_exact(other.normalize(), 0.51e-7) or shapely.hausdorff_distance(mine, other) < 1e-7
        )
    else:
        assert shapely.is_valid(mine)
        assert mine.area == pytest.approx(shapely.make_valid(other).area, rel=1e-5)


@pytest.mark.parametrize("place", range(9))
def test_filters_answer_alike(packs: dict[str, Pack], table: str, database: Land, place: int) -> None:
    if place >= len(FILTERS[table]):
        return
    text = FILTERS[table][place]
    part = packs[table].source
    expected = sorted(part.ids[compile_filter(text, pack=part).mask(part)].tolist())
    nothing = asyncio.run(_nothing(database, table))
    compiled = compile_filter(text, pack=nothing)
    everything = live(database, table, Selection())
    assert sorted(everything.ids[compiled.mask(everything)].tolist()) == expected
    assert expected
    page, number = asyncio.run(_page(database, table, compiled.mask))
    assert page.ids[page.ids_order].tolist() == expected[:10]
    assert number == len(expected)


async def _nothing(land: Land, table: str) -> Part:
    async with PostgisLayer(land.address, Wanted(table=table)) as layer:
        return await layer.nothing()


async def _page(land: Land, table: str, matches: Callable[[Part], Any]) -> tuple[Part, int | None]:
    async with PostgisLayer(land.address, Wanted(table=table)) as layer:
        page = await layer.page(Selection(), limit=10, matches=matches)
        return page.part, page.matched


def test_ids_and_boxes_answer_alike(packs: dict[str, Pack], table: str, database: Land) -> None:
    part = packs[table].source
    some = part.ids[::3].tolist()
    assert features(live(database, table, Selection(ids=tuple(some)))) == features(part, some)
    box = (112.01, 37.0, 112.04, 37.03)
    window = compile_filter("S_INTERSECTS(geometry, BBOX(112.01, 37.0, 112.04, 37.03))", pack=part)
    read = live(database, table, Selection(box=box))
    expected = part.ids[window.mask(part)].tolist()
    assert features(read, read.ids[window.mask(read)].tolist()) == features(part, expected)
    assert expected


def test_tiles_show_the_same(packs: dict[str, Pack], table: str, database: Land) -> None:
    part = packs[table].source
    tiles = random_tiles((112.0, 37.0, 112.08, 37.08), range(11, 23), 60, 3)

    async def question() -> list[tuple[Tile, bytes]]:
        async with PostgisLayer(database.address, Wanted(table=table)) as layer:
            made = []
            for tile in map(Tile._make, tiles):
                rows = await layer.read(Selection(box=box_of_tile(*tile)), zoom=tile.z)
                made.append((tile, encode_mvt([TileLayer("layer", rows.part)], tile)))
            return made

    shown = 0
    for tile, read in asyncio.run(question()):
        expected = decoded(encode_mvt([TileLayer("layer", part)], tile))
        assert decoded(read) == expected
        shown += len(expected)
    assert shown > 60


decode = partial(mapbox_vector_tile.decode, default_options={"y_coord_down": True})


def decoded(tile: bytes) -> dict[int, Any]:
    """Features of a tile by id."""
    layers = decode(tile).values() if tile else []
    return {feature["id"]: feature for layer in layers for feature in layer["features"]}


def test_a_pull_that_fails_changes_nothing(database: Land, tmp_path: Path) -> None:
    wanted = Wanted(query="select *, 1 / (id - 15) as fails from mixed order by id", id_column="id")
    first = pull(database.address, Wanted(table="mixed"), tmp_path, PackOptions(id="mixed"))
    with pytest.raises(SourceError, match="division by zero"):
        pull(database.address, wanted, tmp_path, PackOptions(id="mixed"))
    assert open_pack(tmp_path / "mixed").path == first
