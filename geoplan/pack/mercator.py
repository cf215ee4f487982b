"""The integer grid of web tiles: the Web Mercator square in 2^32 whole units a side, about 9 mm each.

A position is two int32, ``x`` growing to the east and ``y`` to the south, from -2^31 at the square's
north-west corner. A tile of zoom ``z`` begins at a multiple of 2^(32-z), so its own units are a
shift away and the grid of a zoom is the same for all its tiles. Degrees are kept beside as whole
1e-7 degrees, about a centimetre. The projection is that of EPSG:3857 (a sphere's formula on
geographic latitudes; EPSG guidance note 7-2, "Popular Visualisation Pseudo-Mercator").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WORLD_BITS = 32
"""The square's side is 2^32 units."""
EXTENT_BITS = 12
"""A tile's side is 2^12 = 4096 of its own units."""
EXACT_ZOOM = WORLD_BITS - EXTENT_BITS
"""From this zoom on a tile's unit is not larger than the grid's."""
DEGREE_UNITS = 10**7
"""Whole units in a degree."""
EARTH_CIRCUMFERENCE_M = 2 * np.pi * 6378137.0
"""Side of the EPSG:3857 square, in its metres."""
UNIT_M = EARTH_CIRCUMFERENCE_M / 2**WORLD_BITS
"""Length of a unit in EPSG:3857 metres (not ground metres: those are shorter by the cosine of the latitude)."""
MAX_LATITUDE = float(np.degrees(np.arctan(np.sinh(np.pi))))
"""Latitude of the square's north edge, in degrees (85.0511...)."""

_HALF = 2**31
_LAST = _HALF - 1

Positions = NDArray[np.int32]


def to_mercator(degrees: NDArray[np.float64]) -> Positions:
    """Grid positions (n, 2) from longitudes and latitudes in degrees (n, 2); beyond the square its edge."""
    x = degrees[:, 0] / 360.0
    sine = np.sin(np.radians(np.clip(degrees[:, 1], -MAX_LATITUDE, MAX_LATITUDE)))
    y = -np.arctanh(sine) / (2 * np.pi)
    grid = np.column_stack([x, y]) * 2.0**WORLD_BITS
    return np.clip(np.rint(grid), -_HALF, _LAST).astype(np.int32)


def to_degree_units(degrees: NDArray[np.float64]) -> Positions:
    """Whole 1e-7 degrees (n, 2) from degrees (n, 2)."""
    return np.rint(degrees * DEGREE_UNITS).astype(np.int32)


def from_mercator(positions: NDArray[np.int32] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Longitudes and latitudes in degrees (n, 2) of grid positions (n, 2)."""
    grid = positions.astype(np.float64) / 2.0**WORLD_BITS
    latitude = np.degrees(np.arctan(np.sinh(-2 * np.pi * grid[:, 1])))
    return np.column_stack([grid[:, 0] * 360.0, latitude])
