"""The tile's content worked out in the plainest way, with numpy and shapely: what the kernels are tested against.

Slow and without any of the kernels' code: every feature is looked at, its shape rounded and cut by GEOS, its
values read from the columns.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.pack.part import LINE, NONE, POLYGON, Part
from geoplan.tiles.arrays import Shapes
from geoplan.tiles.encode import TileLayer
from geoplan.tiles.frame import Frame, unit_frame
from geoplan.tiles.grid import BUFFER, EXTENT, Tile
from geoplan.tiles.repair import cut_polygons, unit_polygons, unit_positions


class ReferenceFeature(NamedTuple):
    """A feature of a tile: its id, properties, and shape in whole units, y to the south."""

    id: int
    properties: dict[str, Any]
    geometry: BaseGeometry


def reference_features(
    layer: TileLayer, tile: Tile, *, extent: int = EXTENT, buffer: int = BUFFER
) -> list[ReferenceFeature]:
    """What a tile holds of a layer, in the order of drawing."""
    part = layer.part
    frame = unit_frame(tile, extent, buffer)
    order = np.arange(len(part)) if part.rank is None else np.argsort(part.rank, kind="stable")
    found = []
    for row in order.tolist():
        if layer.rows is not None and not layer.rows[row]:
            continue
        geometry = _shape(part, row, frame)
        if geometry is not None:
            found.append(ReferenceFeature(int(part.ids[row]), _properties(layer, row), geometry))
    return found


def _properties(layer: TileLayer, row: int) -> dict[str, Any]:
    properties = {}
    for column in layer.part.columns:
        if not column.in_tiles if layer.columns is None else column.name not in layer.columns:
            continue
        at = row if column.codes is None else int(column.codes[row])
        value = column.values[at].as_py() if at < len(column.values) else None
        if value is not None:
            properties[column.name] = value
    return properties


def _shape(part: Part, row: int, frame: Frame) -> BaseGeometry | None:
    """A row's shape in the window; None when nothing is left."""
    kind = part.geometry.kinds[row] & 3
    if kind == NONE:
        return None
    own = Shapes(
        part.geometry.kinds, part.geometry.members, part.geometry.rings, part.geometry.vertices, part.geometry.mercator
    )
    if kind == POLYGON:
        geometry = _polygon(part, own, row, frame)
    else:
        geometry = _line(own, row, frame) if kind == LINE else _points(own, row, frame)
    down = np.array([1, -1])
    return None if geometry.is_empty else shapely.transform(geometry, lambda xy: xy * down)


def _polygon(part: Part, own: Shapes, row: int, frame: Frame) -> BaseGeometry:
    validity = part.validity
    repaired = validity.repaired
    if 0 <= frame.zoom <= 22 and not int(validity.zooms[row]) >> frame.zoom & 1:
        at = np.flatnonzero(validity.keys == np.uint64(row << 5 | frame.zoom))
        if len(at):
            own = Shapes(repaired.kinds, repaired.members, repaired.rings, repaired.vertices, repaired.mercator)
            row = int(at[0])
    polygons: Any = cut_polygons(unit_polygons(own, row, frame), frame, valid=False)
    return shapely.MultiPolygon(list(polygons))


def _rings(own: Shapes, row: int, frame: Frame) -> list[Any]:
    return [
        unit_positions(own.positions[own.vertices[own.rings[m]] : own.vertices[own.rings[m] + 1]], frame)
        for m in range(own.members[row], own.members[row + 1])
    ]


def _line(own: Shapes, row: int, frame: Frame) -> BaseGeometry:
    pieces: list[BaseGeometry] = []
    window = shapely.box(frame.west, frame.south, frame.east, frame.north)
    for units in _rings(own, row, frame):
        edges = np.array([shapely.LineString(pair) for pair in pairwise(units)], dtype=object)
        cut = shapely.intersection(edges, window)
        cut = shapely.transform(cut, lambda xy: np.floor(xy + 0.5))
        pieces += [piece for piece in shapely.get_parts(cut) if piece.length > 0]
    return shapely.union_all(pieces) if pieces else shapely.LineString()


def _points(own: Shapes, row: int, frame: Frame) -> BaseGeometry:
    units = np.concatenate(_rings(own, row, frame))
    inside = (units >= [frame.west, frame.south]).all(axis=1) & (units <= [frame.east, frame.north]).all(axis=1)
    return shapely.MultiPoint(units[inside])
