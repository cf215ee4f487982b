"""Features as GeoJSON objects of plain values, ready for a JSON writer."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import mapping

from geoplan.crs import STORAGE, require_crs

if TYPE_CHECKING:
    import geopandas as gpd


def geojson_features(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """GeoJSON features (RFC 7946) of a layer's rows, in their order.

    Parameters
    ----------
    frame
        Rows of a layer in EPSG:4490. GeoJSON is WGS 84; the two agree within a metre, and the
        coordinates are given as they are stored.

    Returns
    -------
    list of dict
        ``id`` is the fid; every other column is a property, ``null`` where it is missing. A feature
        that is not drawn has the geometry ``null``. Outer rings are counter-clockwise.

    Raises
    ------
    CRSError
        If the frame is not in EPSG:4490.
    """
    require_crs(frame, STORAGE)
    columns = [name for name in frame.columns if name != frame.geometry.name]
    values = [[plain_value(value) for value in frame[name]] for name in columns]
    shapes = shapely.orient_polygons(np.asarray(frame.geometry.to_numpy(), dtype=object))
    return [
        {
            "type": "Feature",
            "id": int(fid),
            "geometry": None if shape is None or shape.is_empty else mapping(shape),
            "properties": {name: column[row] for name, column in zip(columns, values, strict=True)},
        }
        for row, (fid, shape) in enumerate(zip(frame["fid"], shapes, strict=True))
    ]


def plain_value(value: Any) -> Any:
    """A cell as a value JSON knows; what is missing (NaN, NaT, NA) or infinite is None.

    >>> plain_value(float("nan")), plain_value(np.int64(3)), plain_value(np.array(["a", None]))
    (None, 3, ['a', None])
    """
    if isinstance(value, dict):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [plain_value(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, str | int | bool) else str(value)
