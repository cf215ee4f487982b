"""Rows of a part as an Arrow table, for other programs and for frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.crs import STORAGE
from geoplan.pack.geometry import take
from geoplan.pack.part import Column, Part
from geoplan.pack.shapes import to_shapely

if TYPE_CHECKING:
    import geopandas as gpd

ID = "feature_id"
"""Column with the features' ids."""


def rows_table(part: Part, rows: NDArray[Any]) -> pa.Table:
    """Ids and attributes of rows, in their order; missing values are null, JSON values are text."""
    picked = np.asarray(rows, np.int64)
    arrays = {ID: pa.array(part.ids[picked])}
    arrays |= {column.name: _values(column, picked) for column in part.columns if column.name != ID}
    return pa.table(arrays)


def rows_frame(part: Part, rows: NDArray[Any]) -> gpd.GeoDataFrame:
    """The same with the shapes, EPSG:4490, RangeIndex."""
    import geopandas as gpd

    shapes = to_shapely(take(part.geometry, np.asarray(rows, np.int64)))
    return gpd.GeoDataFrame(rows_table(part, rows).to_pandas(), geometry=shapes, crs=STORAGE)


def _values(column: Column, rows: NDArray[np.int64]) -> pa.Array:
    if column.codes is None:
        return column.values.take(pa.array(rows))
    codes = column.codes[rows].astype(np.int64)
    missing = codes == len(column.values)
    return column.values.take(pa.array(np.where(missing, 0, codes), mask=missing))
