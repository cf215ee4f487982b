"""GCJ-02, the shifted datum of Chinese web maps, to and from WGS-84 / CGCS2000.

The national algorithm is not published. What everybody uses, and what stands here, is the formula
that became public with the ``EvilTransform`` code of 2010 and lives on in eviltransform, prcoords
and others: two sums of sines in the distance from 105° E, 35° N, scaled by the radii of the
Krasovsky 1940 ellipsoid. How far it is from the secret algorithm is unknown; its own inverse is
found by iteration to better than 1e-9 degrees (0.1 mm).

WGS-84 and CGCS2000 differ by less than a metre and are not told apart here. Outside the window
72.004-137.8347° E, 0.8293-55.8271° N the shift is not applied; the window also takes in Taiwan and
neighbouring countries where web maps are *not* shifted, so convert only what is known to be GCJ-02.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from geoplan.errors import DatumError

SEMI_MAJOR_M = 6378245.0
"""Semi-major axis of the Krasovsky 1940 ellipsoid, as the formula has it, in metres."""
ECCENTRICITY2 = 0.00669342162296594323
"""First eccentricity squared, as the formula has it."""
WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
"""Window in degrees within which the formula shifts."""

_ORIGIN_LON, _ORIGIN_LAT = 105.0, 35.0
_TOLERANCE_DEG = 1e-10
_MAX_STEPS = 30

Floats = NDArray[np.float64]


def from_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """GCJ-02 longitude and latitude of WGS-84 positions.

    Parameters
    ----------
    lon, lat
        Degrees in WGS-84 (or CGCS2000), of any shape; the two are broadcast against each other.

    Returns
    -------
    tuple of numpy.ndarray
        Longitude and latitude in GCJ-02 degrees, in the broadcast shape. NaN stays NaN, and
        positions outside the window of the formula come back unchanged.
    """
    lon, lat = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    shift_lon, shift_lat = _shift_deg(lon, lat)
    inside = _inside(lon, lat)
    return np.where(inside, lon + shift_lon, lon), np.where(inside, lat + shift_lat, lat)


def to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """WGS-84 longitude and latitude of GCJ-02 positions, to 1e-9 degrees.

    Solves ``from_wgs84(x) = (lon, lat)`` by fixed-point iteration: each step corrects the estimate
    by what is left over. The shift changes by about 1e-4 per degree, so every step gains four digits.

    Parameters
    ----------
    lon, lat
        Degrees in GCJ-02, of any shape; the two are broadcast against each other.

    Returns
    -------
    tuple of numpy.ndarray
        Longitude and latitude in WGS-84 degrees, in the broadcast shape. NaN stays NaN, and
        positions outside the window of the formula come back unchanged.

    Raises
    ------
    DatumError
        If a position has no inverse, which happens only within a kilometre of the window's edge.
    """
    lon, lat = np.broadcast_arrays(np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64))
    inside = _inside(lon, lat)
    guess_lon, guess_lat = lon.copy(), lat.copy()
    for _ in range(_MAX_STEPS):
        shift_lon, shift_lat = _shift_deg(guess_lon, guess_lat)
        left_lon = np.where(inside, lon - shift_lon - guess_lon, 0.0)
        left_lat = np.where(inside, lat - shift_lat - guess_lat, 0.0)
        guess_lon, guess_lat = guess_lon + left_lon, guess_lat + left_lat
        if max(_largest(left_lon), _largest(left_lat)) <= _TOLERANCE_DEG:
            return guess_lon, guess_lat
    raise DatumError(
        "the conversion from GCJ-02 did not settle; are the coordinates degrees of longitude and latitude?"
    )


def offset_m(lon: float, lat: float) -> tuple[float, float]:
    """How far GCJ-02 lies east and north of WGS-84 at a WGS-84 position, in metres.

    >>> east, north = offset_m(112.55, 37.87)  # Taiyuan
    >>> round(east), round(north)
    (554, 58)
    """
    shifted_lon, shifted_lat = from_wgs84(lon, lat)
    metre_lon, metre_lat = _metres_per_degree(np.asarray(lat, dtype=np.float64))
    return float((shifted_lon - lon) * metre_lon), float((shifted_lat - lat) * metre_lat)


def geometries_to_wgs84(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """An array of shapely geometries in GCJ-02 degrees, vertex by vertex in WGS-84 degrees.

    Shared vertices stay shared, so a valid coverage stays one.
    """
    return shapely.transform(geometries, lambda xy: np.column_stack(to_wgs84(xy[:, 0], xy[:, 1])))


def geometries_from_wgs84(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """An array of shapely geometries in WGS-84 degrees, vertex by vertex in GCJ-02 degrees."""
    return shapely.transform(geometries, lambda xy: np.column_stack(from_wgs84(xy[:, 0], xy[:, 1])))


def _inside(lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH)
    return inside


def _largest(values: Floats) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size else 0.0


def _metres_per_degree(lat: Floats) -> tuple[Floats, Floats]:
    """Metres in one degree of longitude and of latitude on the formula's ellipsoid."""
    phi = np.radians(lat)
    w2 = 1.0 - ECCENTRICITY2 * np.sin(phi) ** 2
    prime_vertical = SEMI_MAJOR_M / np.sqrt(w2)
    meridian = SEMI_MAJOR_M * (1.0 - ECCENTRICITY2) / w2**1.5
    return np.radians(prime_vertical * np.cos(phi)), np.radians(meridian)


def _shift_deg(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """The shift to add to WGS-84, in degrees; the window is the caller's business."""
    x, y = lon - _ORIGIN_LON, lat - _ORIGIN_LAT
    root = 0.1 * np.sqrt(np.abs(x))
    fine = 20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)
    east = (
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + root
        + (fine + _waves(x, ((20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0)))) * 2.0 / 3.0
    )  # fmt: skip
    north = (
        -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 2.0 * root
        + (fine + _waves(y, ((20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0)))) * 2.0 / 3.0
    )  # fmt: skip
    metre_lon, metre_lat = _metres_per_degree(lat)
    return east / metre_lon, north / metre_lat


def _waves(angle_deg: Floats, terms: tuple[tuple[float, float], ...]) -> Floats:
    """Sum of ``amplitude * sin(pi * angle / period)`` over the terms."""
    total = np.zeros_like(angle_deg)
    for amplitude, period in terms:
        total = total + amplitude * np.sin(np.pi * angle_deg / period)
    return total
