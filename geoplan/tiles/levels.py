"""Geometry prepared for one zoom: projected once, simplified to what the zoom can show.

Polygons that meet edge to edge are simplified as a coverage, so that neighbours keep their common
edge. Other geometry is simplified one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from geoplan.crs import STORAGE, WEB_MERCATOR, transformer
from geoplan.tiles.grid import MAX_LATITUDE, unit_m

FULL_DETAIL_ZOOM = 14
"""From this zoom on nothing is simplified: maps enlarge these tiles further."""
SIMPLIFY_UNITS = 4
"""Tolerance below that zoom, in tile units; half a pixel of a 512-pixel tile."""

Geometries = NDArray[np.object_]


class Level(NamedTuple):
    """Geometries in EPSG:3857 metres, in the order of the layer, and the tree over their boxes."""

    geometries: Geometries
    tree: STRtree


def to_mercator(geometries: Geometries) -> Geometries:
    """Valid geometries in EPSG:3857 from EPSG:4490 degrees; what lies beyond the grid's latitudes is cut off.

    Shape is kept; an element may come out empty.
    """
    cut = shapely.box(-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)
    inside = geometries.copy()
    beyond = ~shapely.covers(cut, inside)
    inside[beyond] = shapely.intersection(_repaired(inside[beyond]), cut)
    project = transformer(STORAGE, WEB_MERCATOR)
    flat = shapely.force_2d(inside)
    return _repaired(shapely.transform(flat, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1]))))


def build_level(geometries: Geometries, z: int) -> Level:
    """The level of zoom `z` from valid EPSG:3857 geometries."""
    if z < FULL_DETAIL_ZOOM and len(geometries):
        geometries = simplify(geometries, SIMPLIFY_UNITS * unit_m(z))
    return Level(geometries, STRtree(geometries))


def simplify(geometries: Geometries, tolerance_m: float) -> Geometries:
    """Simplify to a tolerance in the units of the coordinates; edges that two polygons share stay shared.

    A polygon that overlaps another, or meets it in other vertices, is simplified by itself; the rest
    keep their common edges. Equal geometries (many facts about one county) count once.
    """
    first, inverse = _distinct(geometries)
    distinct = geometries[first]
    areal = np.isin(shapely.get_type_id(distinct), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    simple = shapely.simplify(distinct, tolerance_m, preserve_topology=True)
    matched = np.flatnonzero(areal)
    matched = matched[shapely.is_empty(shapely.coverage_invalid_edges(distinct[matched]))]
    simple[matched] = shapely.coverage_simplify(distinct[matched], tolerance_m)
    repaired: Geometries = _repaired(simple)[inverse]
    return repaired


def _distinct(geometries: Geometries) -> tuple[list[int], list[int]]:
    """Positions of the first of each geometry, and for each element which of those it equals."""
    seen: dict[bytes, int] = {}
    first: list[int] = []
    inverse: list[int] = []
    for position, wkb in enumerate(shapely.to_wkb(geometries)):
        if wkb not in seen:
            seen[wkb] = len(first)
            first.append(position)
        inverse.append(seen[wkb])
    return first, inverse


def _repaired(geometries: Geometries) -> Geometries:
    """Geometries with the invalid ones repaired; what has collapsed comes out empty."""
    invalid = ~shapely.is_valid(geometries)
    if not invalid.any():
        return geometries
    repaired = geometries.copy()
    repaired[invalid] = shapely.make_valid(geometries[invalid], method="structure", keep_collapsed=False)
    return repaired
