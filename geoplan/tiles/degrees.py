"""Tiles of a grid of degrees, made of the same packs by the same kernels as those of Web Mercator.

The grid is a square of 360 degrees a side whose north-west corner lies at 180 degrees west and 90 north: level
``n`` has ``2**n`` columns of ``360 / 2**n`` degrees, and only the rows of its northern half. That is the
grid of CGCS2000Quad and, a level up, of WorldCRS84Quad.

Only the pack's positions in degrees know of it. So what a tile may show is taken out of the part, its positions
are put on a grid of 2^32 units a side, which polygons stay valid on the tile's units is found out there and then,
and the kernels of the usual tiles do the rest. This costs several times what a tile of the pack's own grid costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.crs import Bounds
from geoplan.pack.assemble import validity_of
from geoplan.pack.geometry import bounding_boxes, take
from geoplan.pack.mercator import DEGREE_UNITS, WORLD_BITS, to_mercator
from geoplan.pack.part import Column, Part
from geoplan.pack.search import Box, search
from geoplan.pack.tree import build_tree
from geoplan.tiles.encode import TileLayer, check_options, encode_mvt, plain_layer
from geoplan.tiles.frame import NO_ZOOM, Frame, grid_window, unit_frame
from geoplan.tiles.grid import BUFFER, EXTENT, Tile
from geoplan.tiles.repair import Polygons, cut_polygons

MAX_LEVEL = 20
"""Deepest level: its units are those of the grid, a centimetre of latitude."""
_AROUND = 360 * DEGREE_UNITS
_NORTH = 90 * DEGREE_UNITS
_HALF = 2**31
_MARGIN_DEGREES = 2e-7
_MARGIN_UNITS = 2
"""Together more than rounding to 1e-7 degrees and to the grid moves a position."""


def degree_mvt(layers: Sequence[TileLayer], tile: Tile, *, extent: int = EXTENT, buffer: int = BUFFER) -> bytes:
    """A vector tile of the grid of degrees; no bytes at all when it holds nothing.

    Parameters
    ----------
    layers
        As for `geoplan.tiles.encode.encode_mvt`; each part is that of the zoom that has the level's number.
    tile
        Level (0 to `MAX_LEVEL`), column and row.
    extent, buffer
        As there.

    Returns
    -------
    bytes
        Positions in EPSG:4490, longitude and latitude in linear units of the tile; all else as there.

    Raises
    ------
    QueryError
        As there.
    """
    check_options(extent, buffer)
    frame = unit_frame(tile, extent, buffer)
    return encode_mvt(_moved(layers, frame), tile, extent=extent, buffer=buffer)


def degree_geojson(layers: Sequence[TileLayer], tile: Tile, *, buffer: int = BUFFER) -> bytes:
    """A GeoJSON tile of the grid of degrees: the features of the vector tile, as `geoplan.tiles.encode.encode_geojson`.

    Raises
    ------
    QueryError
        As there.
    """
    check_options(EXTENT, buffer)
    frame = unit_frame(tile, EXTENT, buffer)
    parts = [features for layer in _moved(layers, frame) if (features := _plain_layer(layer, frame))]
    return b"".join((b'{"type":"FeatureCollection","features":[', b",".join(parts), b"]}"))


def degree_window(tile: Tile, *, extent: int = EXTENT, buffer: int = BUFFER) -> Bounds:
    """Bounds in degrees of all that a tile with its buffer may show, a little wider than the window itself."""
    west, north, east, south = grid_window(unit_frame(tile, extent, buffer))
    degree = 2**WORLD_BITS / 360
    return Bounds(
        max(west / degree - _MARGIN_DEGREES, -180.0),
        max(90 - (south + _HALF) / degree - _MARGIN_DEGREES, -90.0),
        min(east / degree + _MARGIN_DEGREES, 180.0),
        min(90 - (north + _HALF) / degree + _MARGIN_DEGREES, 90.0),
    )


def degree_grid(degrees: NDArray[np.int32]) -> NDArray[np.int32]:
    """Positions (n, 2) on the grid, y to the south, of longitudes and latitudes in 1e-7 degrees (n, 2)."""
    west, north = degrees[:, 0].astype(np.int64), _NORTH - degrees[:, 1].astype(np.int64)
    turned = np.column_stack([west, north])
    # Below 2^63: longitudes and distances from the pole are at most 1.8e9 units.
    grid = ((turned << WORLD_BITS) + _AROUND // 2) // _AROUND - np.array([0, _HALF])
    positions: NDArray[np.int32] = np.clip(grid, -_HALF, _HALF - 1).astype(np.int32)
    return positions


def _moved(layers: Sequence[TileLayer], frame: Frame) -> list[TileLayer]:
    """Layers with what the window may show of them on the grid of degrees; those of which it shows nothing left out."""
    box = _mercator_box(frame)
    found = []
    for layer in layers:
        rows = search(layer.part.tree, box)
        if layer.rows is not None:
            rows = rows[layer.rows[rows]]
        if len(rows):
            found.append(TileLayer(layer.name, _moved_part(layer.part, rows, frame.zoom), layer.columns))
    return found


def _mercator_box(frame: Frame) -> Box:
    """The box on the pack's grid that holds all whose place in degrees is within the window."""
    degree = 2**WORLD_BITS / 360
    west, north, east, south = grid_window(frame)
    corners = [
        [west / degree - _MARGIN_DEGREES, 90 - (north + _HALF) / degree + _MARGIN_DEGREES],
        [east / degree + _MARGIN_DEGREES, 90 - (south + _HALF) / degree - _MARGIN_DEGREES],
    ]
    (left, top), (right, bottom) = to_mercator(np.array(corners)).tolist()
    return left - _MARGIN_UNITS, top - _MARGIN_UNITS, right + _MARGIN_UNITS, bottom + _MARGIN_UNITS


def _moved_part(part: Part, rows: NDArray[np.uint32], zoom: int) -> Part:
    """Rows of a part as a part of their own, its grid that of degrees, its shapes checked for one zoom of it."""
    taken = take(part.geometry, rows)
    geometry = replace(taken, mercator=degree_grid(taken.degrees))
    columns, cells = _all_coded(part, rows)
    ids = part.ids[rows]
    return replace(
        part,
        ids=ids,
        ids_order=np.argsort(ids, kind="stable").astype(np.uint32),
        rank=None if part.rank is None else part.rank[rows],
        geometry=geometry,
        tree=build_tree(bounding_boxes(geometry)),
        validity=validity_of(geometry, zoom, zoom),
        columns=columns,
        cells=cells,
        pairs={},
    )


def _all_coded(part: Part, rows: NDArray[np.uint32]) -> tuple[tuple[Column, ...], NDArray[np.uint32]]:
    """Columns and cells in which rows have their fragments by number also where the part has one for each row."""
    places = {column.name: place for place, column in enumerate(c for c in part.columns if c.cell < 0)}
    coded = part.cells.shape[1]
    columns = tuple(c if c.cell >= 0 else replace(c, cell=coded + places[c.name]) for c in part.columns)
    firsts = np.array([c.first_fragment for c in part.columns if c.cell < 0], np.int64)
    numbers = (rows[:, None] + firsts).astype(np.uint32)
    return columns, np.ascontiguousarray(np.concatenate([part.cells[rows], numbers], axis=1))


def _cut_frame(frame: Frame) -> Frame:
    """The window in whole 1e-7 degrees, a little wider: no position on the window is outside in degrees."""
    west, north, east, south = grid_window(frame)
    low_x, high_x = (west * _AROUND >> WORLD_BITS) - 1, (east * _AROUND >> WORLD_BITS) + 2
    low_y, high_y = (_NORTH - ((y + _HALF) * _AROUND >> WORLD_BITS) + beyond for y, beyond in ((south, -2), (north, 1)))
    return Frame(0, 0, 0, 0, 1, low_x, low_y, high_x, high_y, NO_ZOOM)


def _plain_layer(layer: TileLayer, frame: Frame) -> bytes:
    """A layer's features as GeoJSON, with commas between."""
    cut = _cut_frame(frame)

    def to_degrees(polygons: Polygons, units: Frame) -> Polygons:
        return cut_polygons(_in_degrees(polygons, units), cut, valid=False)

    return plain_layer(layer, frame, cut, to_degrees)


def _in_degrees(polygons: Polygons, frame: Frame) -> Polygons:
    """Polygons in units of the tile in whole 1e-7 degrees."""

    def moved(units: NDArray[np.float64]) -> NDArray[np.float64]:
        half = (1 << frame.shift) >> 1
        whole: NDArray[np.int64] = np.rint(units).astype(np.int64) * np.array([1, frame.flip])
        grid = (whole >> frame.lift << frame.shift) + np.array([frame.x + half, frame.y + half + _HALF])
        degrees: NDArray[np.float64] = np.rint([0, _NORTH] + grid * (np.array([1, -1]) * (_AROUND / 2**WORLD_BITS)))
        return degrees

    found: Polygons = shapely.transform(polygons, moved)
    return found
