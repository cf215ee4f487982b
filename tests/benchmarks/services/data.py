"""The data of the benchmark: the counties of the country, and a cadastre of seeded parcels in one province.

Both are GeoParquet in EPSG:4326. A parcel has twelve vertices and shares every one with its neighbours; parcels
tile one block in each county and lie in the file in no order. Every position and every value is a hash of the
parcel's number, so that a parcel can be made without the others: ten million are written as steadily as one.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from geoplan.boundaries.polygons import read_polygons
from geoplan.boundaries.sources import load_sources, verified_path
from geoplan.terms import Level

PROVINCE = "14"
WIDTH_M, HEIGHT_M = 120.0, 150.0
DEGREE_M = 111_320.0
BATCH = 100_000
# GB/T 21010-2017, as many classes as a county's land survey commonly has.
LAND = {
    "0101": "水田", "0102": "水浇地", "0103": "旱地", "0201": "果园", "0301": "乔木林地", "0305": "灌木林地",
    "0401": "天然牧草地", "0602": "采矿用地", "0701": "城镇住宅用地", "0702": "农村宅基地", "0809": "公用设施用地",
    "1003": "公路用地", "1006": "农村道路", "1101": "河流水面", "1202": "设施农用地",
}  # fmt: skip
ZONES = ("永久基本农田", "生态保护红线", "城镇开发边界", "一般农业区", "其他")
ZONE_SHARES = (0.35, 0.45, 0.6, 0.9)
"""Upper bounds of the first four zones' shares."""
# The ring of a cell in thirds of its sides, counter-clockwise from the lower left.
RING = np.array(
    [(0, 0), (1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (3, 3), (2, 3), (1, 3), (0, 3), (0, 2), (0, 1), (0, 0)]
)
WKB_POLYGON = np.dtype([("order", "u1"), ("type", "<u4"), ("rings", "<u4"), ("size", "<u4"), ("xy", "<f8", (13, 2))])


def chance(salt: int, *keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """Numbers in [0, 1) that look drawn at random and depend on `salt` and `keys` alone (SplitMix64's finaliser)."""
    state = np.uint64(salt * 0x9E3779B97F4A7C15 % 2**64)
    with np.errstate(over="ignore"):
        for key in keys:
            state = state + key.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
            state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            state = state ^ (state >> np.uint64(31))
    return (state >> np.uint64(11)) * 2.0**-53


def geo(kind: str, bounds: NDArray[np.float64]) -> dict[bytes, bytes]:
    """The file's GeoParquet metadata; without a CRS of its own a file is in longitude and latitude of WGS 84."""
    column = {"encoding": "WKB", "geometry_types": [kind], "bbox": [float(bound) for bound in bounds]}
    stated = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": column}}
    return {b"geo": json.dumps(stated).encode()}


def county_polygons(root: Path) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.object_]]:
    """Codes, names and multipolygons of the counties, from the source that the project builds with."""
    folder = root / "data" / "boundaries"
    source = load_sources(folder)["tianditu"]
    frame = read_polygons(verified_path(source, Level.COUNTY.value, folder), Level.COUNTY, source)
    shapes = [shapely.multipolygons(shapely.get_parts(shape)) for shape in frame.geometry]
    return frame["code"].to_numpy(str), frame["name"].to_numpy(str), np.array(shapes, object)


def write_counties(root: Path, path: Path) -> None:
    """Write all counties with two seeded figures."""
    codes, names, shapes = county_polygons(root)
    number = np.arange(1, len(codes) + 1)
    columns = {
        "fid": number, "adcode": codes, "name": names,
        "gdp": np.round(20 + 900 * chance(1, number) ** 3, 2),
        "pop": (50_000 + 1_450_000 * chance(2, number)).astype(np.int64),
        "geometry": pa.array(shapely.to_wkb(shapes), pa.binary()),
    }  # fmt: skip
    table = pa.table(columns).replace_schema_metadata(geo("MultiPolygon", shapely.total_bounds(shapes)))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=500)


class Cadastre:
    """Parcels by number: ``side x side`` in each county, or a little more, about `count` in all."""

    def __init__(self, codes: NDArray[np.str_], shapes: NDArray[np.object_], count: int) -> None:
        chosen = np.char.startswith(codes, PROVINCE)
        self.codes = codes[chosen]
        self.middles = shapely.get_coordinates(shapely.point_on_surface(shapes[chosen]))
        self.side = max(1, round((count / len(self.codes)) ** 0.5))
        self.count = self.side**2 * len(self.codes)
        self.land, self.land_names = np.array(list(LAND)), np.array(list(LAND.values()))

    def rings(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Closed rings in degrees, (n, 13, 2). A vertex is moved by its own number, the same for all its parcels."""
        county, cell = np.divmod(numbers, self.side**2)
        row, column = np.divmod(cell, self.side)
        x, y = column[:, None] * 3 + RING[:, 0], row[:, None] * 3 + RING[:, 1]
        vertex = (county[:, None] * (3 * self.side + 1) + y) * (3 * self.side + 1) + x
        longitude, latitude = (self.middles[county, axis][:, None] for axis in (0, 1))
        width, height = WIDTH_M / DEGREE_M / np.cos(np.radians(latitude)), HEIGHT_M / DEGREE_M
        moved = (x + 0.35 * (chance(3, vertex) - 0.5), y + 0.35 * (chance(4, vertex) - 0.5))
        degrees = (
            longitude + (moved[0] / 3 - self.side / 2) * width,
            latitude + (moved[1] / 3 - self.side / 2) * height,
        )
        return np.round(np.stack(degrees, -1), 7)

    def batch(self, fids: NDArray[np.int64], numbers: NDArray[np.int64]) -> pa.RecordBatch:
        """The parcels `numbers` as rows with the ids `fids`."""
        rings = self.rings(numbers)
        shapes = np.zeros(len(numbers), WKB_POLYGON)
        shapes["order"], shapes["type"], shapes["rings"], shapes["size"], shapes["xy"] = 1, 3, 1, 13, rings
        wkb = pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(WKB_POLYGON.itemsize), len(numbers), [None, pa.py_buffer(shapes.tobytes())]
        )
        x, y = np.moveaxis(rings - rings[:, :1], -1, 0)
        square_degrees = ((x[:, :-1] * y[:, 1:]) - (x[:, 1:] * y[:, :-1])).sum(1) / 2
        county = self.codes[numbers // self.side**2]
        land = (chance(5, numbers) * len(self.land)).astype(int)
        columns = {
            "fid": fids,
            "parcel_no": np.char.add(county, np.char.zfill(fids.astype(str), 8)),
            "county": county,
            "dlbm": self.land[land],
            "dlmc": self.land_names[land],
            "zone": np.array(ZONES)[np.searchsorted(ZONE_SHARES, chance(6, numbers), side="right")],
            "year": 2000 + (chance(7, numbers) * 26).astype(np.int64),
            "price": np.round(60 + 6000 * chance(8, numbers) ** 4, 2),
            "far": np.round(0.2 + 5.8 * chance(9, numbers), 2),
            "area_m2": np.round(square_degrees * DEGREE_M**2 * np.cos(np.radians(rings[:, 0, 1])), 1),
            "geometry": wkb.cast(pa.binary()),
        }
        return pa.RecordBatch.from_pydict({name: pa.array(column) for name, column in columns.items()})


def write_parcels(root: Path, path: Path, count: int) -> int:
    """Write about `count` parcels and return how many."""
    codes, _, shapes = county_polygons(root)
    cadastre = Cadastre(codes, shapes, count)
    order = np.random.default_rng(7).permutation(cadastre.count)
    half = cadastre.side / 2 * np.array((WIDTH_M / np.cos(np.radians(45)), HEIGHT_M)) / DEGREE_M
    bounds = np.concatenate((cadastre.middles.min(0) - half, cadastre.middles.max(0) + half))
    path.parent.mkdir(parents=True, exist_ok=True)
    schema = cadastre.batch(np.array([1]), order[:1]).schema.with_metadata(geo("Polygon", bounds))
    with pq.ParquetWriter(path, schema) as writer:
        for first in range(0, cadastre.count, BATCH):
            numbers = order[first : first + BATCH]
            batch = cadastre.batch(np.arange(first + 1, first + 1 + len(numbers)), numbers)
            writer.write_batch(batch.replace_schema_metadata(schema.metadata))
    return cadastre.count
