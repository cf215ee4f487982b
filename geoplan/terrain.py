"""Elevation of divisions from a user's elevation raster.

No elevation data are shipped: what the package registries hold is too coarse for planning. The raster is read window
by window, so its size does not matter; every cell counts with its area on the ellipsoid.
"""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Geod
from rasterio import features, windows
from rasterio.errors import RasterioIOError, WindowError
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geoplan.crs import STORAGE, require_crs
from geoplan.errors import CRSError, VectorError

COLUMNS = ("code", "name", "elevation_min_m", "elevation_mean_m", "elevation_max_m", "covered_share")
_GEOD = Geod(a=6378137, rf=298.257222101)
_BLOCK_ROWS = 1024


def elevation_of(raster: Path, divisions: gpd.GeoDataFrame) -> pd.DataFrame:
    """Least, mean and greatest elevation of each division.

    A cell belongs to the division that its centre lies in. The mean is weighted by cell area; `covered_share` is the
    area of the cells with a value over the area of all cells of the division, so that a raster that covers a division
    in part, or has holes, is seen to.

    Parameters
    ----------
    raster
        A single-band raster of elevations in metres in any CRS that rasterio reads.
    divisions
        ``code``, ``name`` and polygons, EPSG:4490; schematic ones are refused.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a division in their order; NaN where no cell has a value.

    Raises
    ------
    CRSError
        If the raster states no CRS or the divisions are not in EPSG:4490.
    VectorError
        If the file is no readable raster, has several bands, or a division is schematic.
    """
    require_crs(divisions, STORAGE)
    if divisions["geometry_source"].eq("schematic").any():
        raise VectorError("schematic divisions have no place of their own; import official boundaries first.")
    try:
        source = rasterio.open(raster)
    except RasterioIOError:
        raise VectorError(f"{raster.name} cannot be read as a raster; give a GeoTIFF or the like.") from None
    with source:
        if source.crs is None:
            raise CRSError(f"{raster.name} states no CRS; write it into the file (gdal_edit.py -a_srs EPSG:4326).")
        if source.count != 1:
            raise VectorError(f"{raster.name} has {source.count} bands; an elevation raster has one.")
        shapes = divisions.to_crs(source.crs.to_wkt()).geometry
        rows = [_statistics(source, shape) for shape in shapes]
    table = pd.DataFrame(rows, columns=list(COLUMNS[2:]), index=divisions.index)
    return pd.DataFrame(divisions[["code", "name"]]).join(table)


def _statistics(source: rasterio.DatasetReader, shape: BaseGeometry) -> tuple[float, float, float, float]:
    """Minimum, weighted mean, maximum and covered share over one polygon in the raster's CRS."""
    low, high, total, valued, weight = np.inf, -np.inf, 0.0, 0.0, 0.0
    for window in _row_blocks(source, shape):
        transform = source.window_transform(window)
        size = (int(window.height), int(window.width))
        inside = features.geometry_mask([mapping(shape)], size, transform, invert=True)
        if not inside.any():
            continue
        values = source.read(1, window=window, masked=True).astype("float64")
        areas = np.broadcast_to(_row_areas(source, transform, size[0])[:, None], size)
        has = inside & ~np.ma.getmaskarray(values) & np.isfinite(values.filled(np.nan))
        weight += float(areas[inside].sum())
        if has.any():
            cells, cell_areas = values.data[has], areas[has]
            low, high = min(low, float(cells.min())), max(high, float(cells.max()))
            total += float((cells * cell_areas).sum())
            valued += float(cell_areas.sum())
    if valued == 0:
        return np.nan, np.nan, np.nan, 0.0
    return low, total / valued, high, valued / weight


def _row_blocks(source: rasterio.DatasetReader, shape: BaseGeometry) -> list[windows.Window]:
    """Windows of at most `_BLOCK_ROWS` rows that cover the part of the raster under a polygon."""
    try:
        window = features.geometry_window(source, [mapping(shape)])
    except WindowError:
        return []
    starts = range(int(window.row_off), int(window.row_off + window.height), _BLOCK_ROWS)
    end = int(window.row_off + window.height)
    return [windows.Window(window.col_off, start, window.width, min(_BLOCK_ROWS, end - start)) for start in starts]


def _row_areas(source: rasterio.DatasetReader, transform: rasterio.Affine, rows: int) -> NDArray[np.float64]:
    """Area of one cell of each row: m² on the ellipsoid for degrees, the plane cell for a projected raster."""
    width, height = abs(transform.a), abs(transform.e)
    if not CRS.from_wkt(source.crs.to_wkt()).is_geographic:
        return np.full(rows, width * height)
    tops = transform.f + transform.e * np.arange(rows)
    return np.array([_cell_area(top, width, height) for top in tops])


def _cell_area(top: float, width: float, height: float) -> float:
    south, north = top - height, top
    area, _ = _GEOD.polygon_area_perimeter([0, width, width, 0], [south, south, north, north])
    return abs(float(area))
