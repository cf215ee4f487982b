"""The grid of web tiles: XYZ addresses, their bounds in degrees and in Web Mercator metres.

Zoom 0 is one square tile over the world; each zoom halves the side. ``x`` counts from the west,
``y`` from the north. The grid is EPSG:3857; bounds in degrees are (west, south, east, north).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from geoplan.crs import Bounds
from geoplan.errors import QueryError

MAX_ZOOM = 22
"""Deepest zoom that is answered."""
EXTENT = 4096
"""Units along the side of a tile; positions in vector tiles are whole units."""
BUFFER = 64
"""Units beyond each side that a tile still holds, so that outlines do not end at the seam."""
MAX_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))
"""Latitude of the grid's north edge, in degrees (85.0511...)."""

_HALF_SIDE_M = math.pi * 6378137.0


class TileAddressError(QueryError):
    """A tile address outside the grid."""


class MercatorBounds(NamedTuple):
    """Bounds in EPSG:3857 metres (not ground metres: those are shorter by the cosine of the latitude)."""

    left: float
    bottom: float
    right: float
    top: float


class Tile(NamedTuple):
    """Address of a tile. `tile_at` makes one from numbers that are not known to be valid."""

    z: int
    x: int
    y: int


def tile_at(z: int, x: int, y: int) -> Tile:
    """The tile at an address.

    Raises
    ------
    TileAddressError
        If `z` is not within 0..22, or `x` or `y` not within 0..2**z - 1.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise TileAddressError(f"no tiles at this zoom; it must be within 0 to {MAX_ZOOM}")
    side = 1 << z
    if not (0 <= x < side and 0 <= y < side):
        raise TileAddressError(f"no such tile at zoom {z}; x and y must be within 0 to {side - 1}")
    return Tile(z, x, y)


def unit_m(z: int) -> float:
    """Length of one tile unit at zoom `z`, in EPSG:3857 metres."""
    return 2 * _HALF_SIDE_M / (1 << z) / EXTENT


def mercator_bounds(tile: Tile, *, buffer: int = 0) -> MercatorBounds:
    """Bounds of a tile in EPSG:3857 metres, widened by `buffer` tile units on every side."""
    unit = unit_m(tile.z)
    left = -_HALF_SIDE_M + tile.x * EXTENT * unit
    top = _HALF_SIDE_M - tile.y * EXTENT * unit
    margin = buffer * unit
    return MercatorBounds(left - margin, top - EXTENT * unit - margin, left + EXTENT * unit + margin, top + margin)


def bounds(tile: Tile) -> Bounds:
    """Bounds of a tile in degrees (EPSG:4326), without buffer."""
    side = 1 << tile.z
    return Bounds(
        west=tile.x / side * 360 - 180,
        south=_latitude((tile.y + 1) / side),
        east=(tile.x + 1) / side * 360 - 180,
        north=_latitude(tile.y / side),
    )


def tile_of(longitude: float, latitude: float, z: int) -> Tile:
    """The tile that holds a point given in degrees; a point beyond the grid goes to its nearest tile."""
    side = 1 << z
    sine = math.sin(math.radians(min(max(latitude, -MAX_LATITUDE), MAX_LATITUDE)))
    x = math.floor((longitude + 180) / 360 * side)
    y = math.floor((0.5 - math.atanh(sine) / (2 * math.pi)) * side)
    return Tile(z, min(max(x, 0), side - 1), min(max(y, 0), side - 1))


def children(tile: Tile) -> tuple[Tile, Tile, Tile, Tile]:
    """The four tiles of the next zoom that cover a tile."""
    z, x, y = tile.z + 1, 2 * tile.x, 2 * tile.y
    return Tile(z, x, y), Tile(z, x + 1, y), Tile(z, x, y + 1), Tile(z, x + 1, y + 1)


def _latitude(fraction: float) -> float:
    """Latitude in degrees at a fraction of the grid's side, from the north."""
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * fraction))))
