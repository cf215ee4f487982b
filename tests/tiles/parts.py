"""Small parts made in code, and tiles read back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import mapbox_vector_tile
import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from geoplan.pack.assemble import memory_part
from geoplan.pack.mercator import from_mercator
from geoplan.pack.part import Part
from geoplan.tiles.encode import TileLayer, encode_geojson, encode_mvt
from geoplan.tiles.grid import Tile


def in_tile(geometry: BaseGeometry, tile: Tile) -> BaseGeometry:
    """A geometry in units of a tile (4096 a side, y to the south) in degrees."""
    unit, side = 2.0 ** (20 - tile.z), 2.0 ** (32 - tile.z)
    origin = np.array([tile.x, tile.y]) * side - 2.0**31
    return shapely.transform(geometry, lambda xy: from_mercator(np.rint(xy * unit + origin).astype(np.int64)))


def part_of(geometries: Sequence[Any], **columns: Any) -> Part:
    """A part in the order given; ids are 10, 11, 12, ..."""
    n = len(geometries)
    table = {"name": [f"f{i}" for i in range(n)], **columns}
    return memory_part(table, np.array(list(geometries), dtype=object), np.arange(10, 10 + n), ordered=True)


def vector_tile(part: Part, tile: Tile, **options: Any) -> list[dict[str, Any]]:
    """Features of a vector tile: id, properties and a shapely geometry in tile units, y to the south."""
    layer = TileLayer("layer", part, options.pop("columns", None), options.pop("rows", None))
    data = encode_mvt([layer], tile, **options)
    if not data:
        return []
    decoded = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["layer"]["features"]
    return [{**feature, "geometry": shape(feature["geometry"])} for feature in decoded]


def geojson_tile(part: Part, tile: Tile, **options: Any) -> list[dict[str, Any]]:
    """Features of a GeoJSON tile: id, properties and a shapely geometry in degrees."""
    layer = TileLayer("layer", part, options.pop("columns", None), options.pop("rows", None))
    data = json.loads(encode_geojson([layer], tile, **options))
    assert data["type"] == "FeatureCollection"
    return [{**feature, "geometry": shape(feature["geometry"])} for feature in data["features"]]
