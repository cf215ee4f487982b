"""GeoJSON tiles (RFC 7946): the features of a vector tile in longitude and latitude."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from geoplan.crs import DISPLAY, WEB_MERCATOR, transformer
from geoplan.tiles.grid import Tile
from geoplan.tiles.index import TileIndex

_DECIMALS = 7
"""Decimals of a degree; one step is about a centimetre."""


def geojson_tile(index: TileIndex, tile: Tile) -> dict[str, Any]:
    """A FeatureCollection of what a tile holds.

    Returns
    -------
    dict
        Plain values for a JSON writer. Features, ids and properties are those of the vector tile at
        the same address; coordinates are EPSG:4326 degrees rounded to 1e-7, cut at the buffered tile,
        outer rings counter-clockwise.
    """
    features = [
        {
            "type": "Feature",
            "id": piece.fid,
            "geometry": mapping(_degrees(piece.mercator)),
            "properties": piece.properties,
        }
        for piece in index.pieces(tile)
    ]
    return {"type": "FeatureCollection", "features": features}


def _degrees(geometry: BaseGeometry) -> BaseGeometry:
    """An EPSG:3857 geometry in rounded degrees; one smaller than the rounding step is not rounded."""
    project = transformer(WEB_MERCATOR, DISPLAY)
    exact = shapely.transform(geometry, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    snapped = shapely.set_precision(exact, 10.0**-_DECIMALS)
    if snapped.is_empty:
        return shapely.orient_polygons(exact)
    return shapely.orient_polygons(shapely.transform(snapped, lambda xy: np.round(xy, _DECIMALS)))
