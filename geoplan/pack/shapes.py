"""shapely geometries of the shapes of a pack."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.part import LINE, MULTI, NONE, POINT, Geometry

_COLLECT: dict[int, Any] = {1: shapely.multipoints, 2: shapely.multilinestrings, 3: shapely.multipolygons}


def to_shapely(geometry: Geometry) -> NDArray[Any]:
    """Geometries (n, object) in degrees; None where there is no shape."""
    found = np.full(len(geometry.kinds), None, object)
    owners = np.repeat(np.arange(len(geometry.kinds)), np.diff(geometry.members))
    bases = geometry.kinds & 3
    for base in np.unique(bases[bases != NONE]):
        members = np.flatnonzero(bases[owners] == base)
        shapes = _members(geometry, members, int(base))
        several = (geometry.kinds[owners[members]] & MULTI) != 0
        found[owners[members][~several]] = shapes[~several]
        if several.any():
            rows, places = np.unique(owners[members][several], return_inverse=True)
            found[rows] = _COLLECT[int(base)](shapes[several], indices=places)
    return found


def _members(geometry: Geometry, members: NDArray[np.int64], base: int) -> NDArray[Any]:
    """Points, lines or polygons, one a member."""
    counts = (geometry.rings[members + 1] - geometry.rings[members]).astype(np.int64)
    rings = np.repeat(geometry.rings[members] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    lengths = (geometry.vertices[rings + 1] - geometry.vertices[rings]).astype(np.int64)
    starts = geometry.vertices[rings] - np.cumsum(lengths) + lengths
    positions = geometry.degrees[np.repeat(starts, lengths) + np.arange(lengths.sum())] / DEGREE_UNITS
    if base == POINT:
        return np.asarray(shapely.points(positions), object)
    of_ring = np.repeat(np.arange(len(rings)), lengths)
    if base == LINE:
        return np.asarray(shapely.linestrings(positions, indices=of_ring), object)
    return np.asarray(
        shapely.polygons(
            shapely.linearrings(positions, indices=of_ring), indices=np.repeat(np.arange(len(members)), counts)
        ),
        object,
    )
