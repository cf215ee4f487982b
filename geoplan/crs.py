"""The coordinate systems geoplan knows, and area on the ellipsoid.

Three named systems and no default: storage in CGCS2000 (EPSG:4490), display in EPSG:4326 or
EPSG:3857, areas in EPSG:6933 (equal-area; its straight edges are those of the ellipsoidal
trapezoids that Chinese land surveys sum) on the CGCS2000 ellipsoid. Axis order is always
(longitude, latitude).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pyproj import CRS, Transformer

from geoplan.errors import CRSError

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from shapely import Geometry

STORAGE = "EPSG:4490"
"""CGCS2000 geographic, the system of everything on disk."""
DISPLAY = "EPSG:4326"
"""What GeoJSON and web maps expect; equal to CGCS2000 within a metre."""
WEB_MERCATOR = "EPSG:3857"
"""Grid of web tiles. Never for areas: +48 % to +73 % in Shanxi."""
EQUAL_AREA = "EPSG:6933"
"""Cylindrical equal-area on WGS 84."""

# PROJ applies a null shift for these datums, silently; the truth is tens to over 100 m away.
_UNSAFE_DATUMS = {4610: "Xian 1980", 4214: "Beijing 1954"}


class Bounds(NamedTuple):
    """Bounds in degrees, always in this order."""

    west: float
    south: float
    east: float
    north: float


@cache
def transformer(source: str, target: str) -> Transformer:
    """Transformer between two systems given as ``EPSG:n``, always in (x, y) order."""
    return Transformer.from_crs(source, target, always_xy=True)


def require_crs(frame: gpd.GeoDataFrame | gpd.GeoSeries, expected: str) -> None:
    """Raise `CRSError` unless `frame` declares the system `expected`."""
    if frame.crs is None:
        raise CRSError(f"the frame has no CRS; {expected} is required. Set it with set_crs().")
    if frame.crs != CRS.from_user_input(expected):
        raise CRSError(f"the frame is in {frame.crs.to_string()}; {expected} is required. Use to_crs().")


def to_storage(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`frame` in CGCS2000 longitude/latitude (EPSG:4490); the index is kept.

    Raises
    ------
    CRSError
        If there is no CRS, or the datum is one for which PROJ knows no real shift
        (Xian 1980, Beijing 1954): transform those with your own parameters first.
    """
    if frame.crs is None:
        raise CRSError("the frame has no CRS. Say which one it is in, e.g. EPSG:4490.")
    geodetic = frame.crs.geodetic_crs
    # The .prj of an Esri file names no code and is recognised with little confidence only.
    epsg = geodetic.to_epsg(min_confidence=20) if geodetic is not None else None
    if epsg in _UNSAFE_DATUMS:
        raise CRSError(
            f"the coordinates are in {_UNSAFE_DATUMS[epsg]}, for which no public transformation to CGCS2000 is "
            "exact; transform the file to CGCS2000 with your local parameters first."
        )
    return frame.to_crs(STORAGE)


def area_m2(geometries: gpd.GeoSeries) -> NDArray[np.float64]:
    """Area of each geometry on the ellipsoid, in square metres, in the order of the index.

    Computed in EPSG:6933. For polygon edges that are straight in longitude and latitude this is
    the trapezoid sum of the national rule (国土调查办发〔2008〕32号) to 1e-5 ppm.

    Raises
    ------
    CRSError
        If there is no CRS or it is a Mercator one, where areas are wrong by half and more.
    """
    if geometries.crs is None:
        raise CRSError("an area needs a CRS; set it with set_crs().")
    operation = geometries.crs.coordinate_operation
    if operation is not None and operation.method_name.startswith(("Mercator", "Popular Visualisation")):
        raise CRSError(f"areas in {geometries.crs.to_string()} are wrong by half and more; use EPSG:4490 coordinates.")
    values: NDArray[np.float64] = geometries.to_crs(EQUAL_AREA).area.to_numpy(dtype=np.float64)
    return values


def to_equal_area(geometry: Geometry) -> Geometry:
    """A geometry in longitude/latitude degrees projected to EPSG:6933 metres."""
    import shapely

    project = transformer(STORAGE, EQUAL_AREA)
    return shapely.transform(geometry, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))


def bounds_of(geometries: gpd.GeoSeries) -> Bounds | None:
    """Bounds of all geometries, or None when there is none to bound."""
    drawn = geometries[~(geometries.isna() | geometries.is_empty)]
    if drawn.empty:
        return None
    west, south, east, north = (float(v) for v in drawn.total_bounds)
    return Bounds(west, south, east, north)
