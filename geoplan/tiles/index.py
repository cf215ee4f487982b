"""One layer made ready for tiles: which features a tile holds, with which shape and properties.

Both encodings take their features from here, so a GeoJSON tile and a vector tile of the same
address always hold the same features.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.crs import STORAGE, require_crs
from geoplan.tiles.grid import BUFFER, Tile, mercator_bounds, unit_m
from geoplan.tiles.levels import FULL_DETAIL_ZOOM, Geometries, Level, build_level, to_mercator

if TYPE_CHECKING:
    import geopandas as gpd

INTEGER_PROPERTIES = ("fid", "class", "fill", "line")
NUMBER_PROPERTIES = ("value", "value_si")
PROPERTIES = (
    "fid",
    "name",
    "division_name",
    "division_code",
    "precision",
    "geometry_source",
    "class",
    "fill",
    "plan",
    "line",
    "theme",
    "status",
    "period",
    "value",
    "unit",
    "value_si",
    "unit_si",
    "qualifier",
)
"""Properties that tiles carry, where a layer has the column. The whole record is behind ``/items/{fid}``."""

_COLLECTION = shapely.GeometryType.GEOMETRYCOLLECTION


class Piece(NamedTuple):
    """The part of one feature that a tile holds.

    Attributes
    ----------
    fid
        Id of the feature.
    mercator
        Its shape within the buffered tile, EPSG:3857 metres.
    quantised
        The same in whole tile units from the tile's south-west corner, y upwards; valid, not empty.
    properties
        Plain values; a missing one has no key. Shared between tiles: not to be changed.
    """

    fid: int
    mercator: BaseGeometry
    quantised: BaseGeometry
    properties: dict[str, Any]


class TileIndex:
    """Features of a layer, projected once; levels of detail are made when a zoom is first asked for.

    Parameters
    ----------
    frame
        A layer's frame in EPSG:4490 with a ``fid`` column, in the order in which features are drawn;
        those without geometry are in no tile.

    Raises
    ------
    CRSError
        If the frame is not in EPSG:4490.
    """

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        require_crs(frame, STORAGE)
        drawn = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
        self._geometries = to_mercator(np.asarray(drawn.geometry.to_numpy(), dtype=object))
        self._dimensions = shapely.get_dimensions(self._geometries)
        self._fids = [int(fid) for fid in drawn["fid"]]
        self._properties = _properties(drawn)
        self._levels: dict[int, Level] = {}
        self._lock = threading.Lock()

    def pieces(self, tile: Tile) -> list[Piece]:
        """What a tile holds, in the order of the frame, which is the order of drawing.

        A feature is in the list when its shape meets the tile widened by 64 units and does not
        collapse on the tile's grid of 4096 units.
        """
        level = self._level(tile.z)
        window = shapely.box(*mercator_bounds(tile, buffer=BUFFER))
        rows = np.sort(level.tree.query(window, predicate="intersects"))
        clipped = _same_dimension(shapely.intersection(level.geometries[rows], window), self._dimensions[rows])
        quantised = _quantise(clipped, tile)
        return [
            Piece(self._fids[row], clipped[i], quantised[i], self._properties[row])
            for i, row in enumerate(rows)
            if not quantised[i].is_empty
        ]

    def _level(self, z: int) -> Level:
        key = min(z, FULL_DETAIL_ZOOM)
        with self._lock:
            if key not in self._levels:
                self._levels[key] = build_level(self._geometries, key)
            return self._levels[key]


def _quantise(geometries: Geometries, tile: Tile) -> Geometries:
    """EPSG:3857 geometries on the whole units of a tile; polygons stay valid, what collapses is empty."""
    origin = np.array(mercator_bounds(tile)[:2])
    scaled = shapely.transform(geometries, lambda xy: (xy - origin) / unit_m(tile.z))
    quantised: Geometries = shapely.set_precision(scaled, 1.0, mode="valid_output")
    return quantised


def _same_dimension(geometries: Geometries, dimensions: np.ndarray[Any, Any]) -> Geometries:
    """Keep of each clipped geometry the parts of its feature's dimension; touching alone leaves nothing."""
    kept = geometries.copy()
    lost = shapely.get_dimensions(geometries) < dimensions
    kept[lost] = shapely.GeometryCollection()
    for i in np.flatnonzero((shapely.get_type_id(kept) == _COLLECTION) & ~lost):
        parts = shapely.get_parts(kept[i])
        kept[i] = shapely.union_all(parts[shapely.get_dimensions(parts) == dimensions[i]])
    return kept


def _properties(frame: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Properties of each row as plain values, without those that are missing."""
    rows: list[dict[str, Any]] = [{} for _ in range(len(frame))]
    for name in PROPERTIES:
        if name not in frame.columns:
            continue
        for row, value in zip(rows, frame[name], strict=True):
            if not pd.isna(value):
                row[name] = _plain(name, value)
    return rows


def _plain(name: str, value: Any) -> int | float | str:
    if name in INTEGER_PROPERTIES:
        return int(value)
    return float(value) if name in NUMBER_PROPERTIES else str(value)
