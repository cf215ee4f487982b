"""Tile matrix sets as OGC 17-083r4 describes them, and the tiles of them that a layer can fill.

WebMercatorQuad is that of every web map. CGCS2000Quad is the grid of China's national map service
(TianDiTu, sets named ``c``): EPSG:4490, two tiles of 180 degrees at its level 1, each level halved,
so its level ``n`` is level ``n - 1`` of OGC's WorldCRS84Quad on the national datum.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from geoplan.crs import Bounds
from geoplan.pack.mercator import EXTENT_BITS, WORLD_BITS, to_mercator
from geoplan.tiles.degrees import MAX_LEVEL
from geoplan.tiles.grid import BUFFER, EXTENT, MAX_ZOOM, Tile, TileAddressError, tile_at

WEB_MERCATOR_QUAD = "WebMercatorQuad"
CGCS2000_QUAD = "CGCS2000Quad"
EARTH_RADIUS_M = 6378137.0
"""Major semi-axis of WGS 84 and of CGCS2000."""
PIXEL_M = 0.00028
"""Side of the standard's pixel."""
TILE_PIXELS = 256
FIRST_LEVEL, LAST_LEVEL = 1, MAX_LEVEL
"""Levels of CGCS2000Quad."""

_CIRCUMFERENCE_M = 2 * math.pi * EARTH_RADIUS_M
_DEGREE_M = _CIRCUMFERENCE_M / 360
_MATHEMATICS = "http://www.opengis.net/def/crs/EPSG/0/"
WEB_MERCATOR_QUAD_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{WEB_MERCATOR_QUAD}"


class Limits(NamedTuple):
    """Rows and columns of a tile matrix that hold something, the last ones included."""

    min_row: int
    max_row: int
    min_col: int
    max_col: int

    def holds(self, row: int, col: int) -> bool:
        """Whether a tile lies within."""
        return self.min_row <= row <= self.max_row and self.min_col <= col <= self.max_col


@cache
def definition(id_: str) -> dict[str, Any]:
    """The definition of a tile matrix set, without links; raises `KeyError`."""
    return {WEB_MERCATOR_QUAD: _web_mercator_quad, CGCS2000_QUAD: _cgcs2000_quad}[id_]()


def crs_of(id_: str) -> str:
    """URI of the system of a tile matrix set."""
    uri: str = definition(id_)["crs"]
    return uri


def title_of(id_: str) -> str:
    """Title of a tile matrix set."""
    title: str = definition(id_)["title"]
    return title


def levels(id_: str, min_zoom: int) -> range:
    """Levels of a tile matrix set at which there may be tiles of a collection that begins at a zoom."""
    if id_ == CGCS2000_QUAD:
        # Level n is as fine as zoom n: both have 2^n columns.
        return range(max(min_zoom, FIRST_LEVEL), LAST_LEVEL + 1)
    return range(min_zoom, MAX_ZOOM + 1)


def tile_of_set(id_: str, level: int, row: int, col: int) -> Tile:
    """The tile of a tile matrix set at an address; raises `TileAddressError`."""
    if id_ != CGCS2000_QUAD:
        return tile_at(level, col, row)
    if not FIRST_LEVEL <= level <= LAST_LEVEL:
        raise TileAddressError(f"no tiles at this level; it must be within {FIRST_LEVEL} to {LAST_LEVEL}")
    rows, cols = degree_size(level)
    if row >= rows or col >= cols:
        raise TileAddressError(f"no such tile at level {level}; it has {rows} rows and {cols} columns, from 0")
    return Tile(level, col, row)


def limits_of(id_: str, bounds: Bounds, level: int) -> Limits:
    """The tiles of a tile matrix set at a level that hold something of what lies within bounds."""
    return degree_limits(bounds, level) if id_ == CGCS2000_QUAD else limits(bounds, level)


@lru_cache(maxsize=4096)
def limits(bounds: Bounds, z: int) -> Limits:
    """The tiles of WebMercatorQuad at a zoom that hold something: their squares with the buffer meet the bounds."""
    corners = to_mercator(np.array([[bounds.west, bounds.north], [bounds.east, bounds.south]])).astype(np.int64)
    margin = (BUFFER << (WORLD_BITS - z)) >> EXTENT_BITS
    (west, north), (east, south) = (corners + (1 << (WORLD_BITS - 1)) + [[-margin] * 2, [margin] * 2]).tolist()
    last = (1 << z) - 1

    def place(position: int) -> int:
        return min(max(position >> (WORLD_BITS - z), 0), last)

    return Limits(place(north), place(south), place(west), place(east))


def degree_limits(bounds: Bounds, level: int) -> Limits:
    """The tiles of CGCS2000Quad at a level that hold something: with the buffer they meet the bounds in degrees."""
    span = degree_span(level)
    rows, cols = degree_size(level)
    # Half a unit more, by which rounding may move a position into the tile.
    margin = span * (BUFFER + 0.5) / EXTENT

    def place(value: float, count: int) -> int:
        return min(max(math.floor(value / span), 0), count - 1)

    return Limits(
        place(90 - bounds.north - margin, rows), place(90 - bounds.south + margin, rows),
        place(bounds.west + 180 - margin, cols), place(bounds.east + 180 + margin, cols),
    )  # fmt: skip


def degree_span(level: int) -> float:
    """Side of a tile of CGCS2000Quad in degrees."""
    return 360 / (1 << level)


def degree_size(level: int) -> tuple[int, int]:
    """Rows and columns of a level of CGCS2000Quad."""
    return 1 << (level - 1), 1 << level


def _web_mercator_quad() -> dict[str, Any]:
    half = _CIRCUMFERENCE_M / 2
    matrices = [
        _matrix(str(z), _CIRCUMFERENCE_M / TILE_PIXELS / (1 << z), 1.0, [-half, half], (1 << z, 1 << z))
        for z in range(MAX_ZOOM + 1)
    ]
    return {
        "id": WEB_MERCATOR_QUAD,
        "title": "Google Maps Compatible for the World",
        "uri": WEB_MERCATOR_QUAD_URI,
        "crs": f"{_MATHEMATICS}3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }


def _cgcs2000_quad() -> dict[str, Any]:
    matrices = [
        _matrix(str(level), degree_span(level) / TILE_PIXELS, _DEGREE_M, [90.0, -180.0], degree_size(level))
        for level in range(FIRST_LEVEL, LAST_LEVEL + 1)
    ]
    return {
        "id": CGCS2000_QUAD,
        "title": "CGCS2000 经纬度（天地图 c）",
        "description": "The grid of TianDiTu's geographic tiles (set c), EPSG:4490, levels numbered as there.",
        "crs": f"{_MATHEMATICS}4490",
        "orderedAxes": ["Lat", "Lon"],
        "tileMatrices": matrices,
    }


def _matrix(id_: str, cell: float, unit_m: float, origin: list[float], size: tuple[int, int]) -> dict[str, Any]:
    rows, cols = size
    return {
        "id": id_,
        "scaleDenominator": cell * unit_m / PIXEL_M,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": origin,
        "tileWidth": TILE_PIXELS,
        "tileHeight": TILE_PIXELS,
        "matrixWidth": cols,
        "matrixHeight": rows,
    }
