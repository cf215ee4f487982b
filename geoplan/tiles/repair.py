"""Cutting with GEOS: for the few shapes that the compiled clip does not vouch for, and as its reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.pack.mercator import DEGREE_UNITS, from_mercator
from geoplan.pack.part import POLYGON
from geoplan.tiles.arrays import Shapes, Workspace
from geoplan.tiles.frame import Frame
from geoplan.tiles.shape import KIND, RINGS, VERTICES

_ATTEMPTS = 3

Polygons = NDArray[np.object_]


def unit_positions(positions: NDArray[np.int32], frame: Frame) -> NDArray[np.int64]:
    """Positions (n, 2) in the units of a frame, y to the north."""
    moved = positions.astype(np.int64) - np.array([frame.x, frame.y])
    units: NDArray[np.int64] = (moved >> frame.shift << frame.lift) * np.array([1, frame.flip])
    return units


def unit_polygons(shapes: Shapes, index: int, frame: Frame) -> Polygons:
    """The polygons of a feature in the units of a frame, without repeated vertices, nor those that collapse."""
    found = []
    for member in range(shapes.members[index], shapes.members[index + 1]):
        rings = []
        for ring in range(shapes.rings[member], shapes.rings[member + 1]):
            units = unit_positions(shapes.positions[shapes.vertices[ring] : shapes.vertices[ring + 1]], frame)
            kept = np.append(True, (units[1:] != units[:-1]).any(axis=1))
            if kept.sum() > 3:
                rings.append(units[kept])
            elif not rings:
                break
        if rings:
            found.append(shapely.Polygon(rings[0], rings[1:]))
    return np.array(found, dtype=object)


def cut_polygons(polygons: Polygons, frame: Frame, *, valid: bool) -> Polygons:
    """Valid polygons in whole units: what the window leaves of some.

    Parameters
    ----------
    polygons
        Polygons of one feature in the units of the frame.
    frame
        The frame.
    valid
        Whether they are known to be valid together.
    """
    whole: Any = shapely.multipolygons(polygons)
    if not valid and not shapely.is_valid(whole):
        whole = shapely.make_valid(whole, method="structure", keep_collapsed=False)
    window = shapely.box(frame.west, frame.south, frame.east, frame.north)
    cut = _areas(shapely.intersection(whole, window))
    for _ in range(_ATTEMPTS):
        rounded = _areas(shapely.set_precision(_moved(cut), 1.0, mode="pointwise"))
        if shapely.is_valid(rounded):
            return _simple(rounded)
        cut = _areas(shapely.make_valid(rounded, method="structure", keep_collapsed=False))
    snapped = _areas(shapely.set_precision(cut, 1.0, mode="valid_output"))
    # What even that does not settle is left out: no tile carries an invalid polygon.
    return _simple(snapped) if shapely.is_valid(snapped) else np.array([], dtype=object)


def in_degrees(polygons: Polygons, frame: Frame) -> Polygons:
    """Polygons in units of a frame of grid positions in whole 1e-7 degrees; those that collapse are left out."""

    def moved(units: NDArray[np.float64]) -> NDArray[np.float64]:
        half = (1 << frame.shift) >> 1
        whole: NDArray[np.int64] = np.rint(units).astype(np.int64) * np.array([1, frame.flip])
        steps = whole >> frame.lift << frame.shift
        grid: NDArray[np.int64] = steps + np.array([frame.x + half, frame.y + half])
        return np.rint(from_mercator(grid) * DEGREE_UNITS)

    degrees = _areas(shapely.transform(shapely.multipolygons(polygons), moved))
    return _simple(_areas(shapely.make_valid(degrees, method="structure", keep_collapsed=False)))


def put_polygons(workspace: Workspace, polygons: Polygons) -> None:
    """Make polygons the shape that is written next."""
    coordinates = shapely.get_num_coordinates(polygons).sum() + 1
    while len(workspace.shape.vertices) < coordinates or len(workspace.shape.rings) < coordinates:
        workspace.grow_shape()
    shape = workspace.shape
    ring_count = n = 0
    for polygon in polygons:
        for place, ring in enumerate((polygon.exterior, *polygon.interiors)):
            units = np.rint(shapely.get_coordinates(ring)[:-1]).astype(np.int64)
            end = n + len(units)
            shape.vertices["x"][n:end], shape.vertices["y"][n:end] = units.T
            shape.rings[ring_count] = n, place > 0, 1 if ring.is_ccw else -1, ring_count
            shape.rings["start"][ring_count + 1] = end
            ring_count += 1
            n = end
    shape.counts[RINGS], shape.counts[VERTICES], shape.counts[KIND] = ring_count, n, POLYGON


def _moved(cut: Any) -> Any:
    """Coordinates rounded as the compiled clip rounds them: halves up."""
    return shapely.transform(cut, lambda xy: np.floor(xy + 0.5))


def _areas(geometry: Any) -> Any:
    """The polygons of a geometry as one multipolygon."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[(shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)]
    return shapely.multipolygons(polygons)


def _simple(cut: Any) -> Polygons:
    """The polygons of a multipolygon without repeated vertices."""
    polygons: Polygons = shapely.get_parts(shapely.remove_repeated_points(cut))
    return polygons
