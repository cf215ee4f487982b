"""Large shapes simplified for each zoom, neighbours together, so that their common edges stay common."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.pack.assemble import ALL_ZOOMS, validity_of
from geoplan.pack.geometry import take
from geoplan.pack.mercator import EXACT_ZOOM
from geoplan.pack.part import Geometry, Validity, empty_geometry
from geoplan.pack.validity import HEAVY, repair

TOLERANCE_UNITS = 4
"""Tolerance in units of a tile: half a pixel of a 512-pixel tile."""
_LARGE_SHAPE = 32
"""Layers with fewer vertices a feature are not simplified, unless they are small and have a heavy shape."""
_MIXED_VERTICES = 4_000_000
_MOST_VERTICES = 30_000_000
"""Layers with more are drawn from their full shapes: they do not fit in memory as a coverage."""
_GAIN, _LEAST_GAIN = 0.75, 2000
"""A level is kept if it has at most so much of the vertices of the one above, and so many less."""

Shapes = NDArray[np.object_]
Progress = Callable[[str, int, int], None]


def simplified(geometry: Geometry, zooms: range, tell: Progress) -> Iterator[tuple[range, Geometry, Validity]]:
    """Simplified shapes of polygons, from the highest zoom down, with the zooms they are for and their validity.

    Rows are those of `geometry`. What vanishes at its zoom has kind 0. Positions are whole units of the highest zoom
    that they are for. Zooms at which little would be gained are left to the level above, or to the full shapes.
    """
    total = len(geometry.mercator)
    if not zooms or not _LEAST_GAIN < total <= _MOST_VERTICES or not _worth_it(geometry):
        return
    first, same = _distinct(geometry)
    shapes = _thinned(geometry, zooms.stop - 1, _shapes(geometry)[first], first)
    level: tuple[int, Shapes] | None = None
    kept = total
    matched = shapely.is_empty(shapely.coverage_invalid_edges(shapes))
    for zoom in range(zooms.stop - 1, zooms.start - 1, -1):
        tell("simplifying", zooms.stop - 1 - zoom, len(zooms))
        shapes = _coarser(shapes, matched, TOLERANCE_UNITS << (EXACT_ZOOM - zoom))
        left = int(shapely.get_num_coordinates(shapes)[same].sum())
        if left <= _GAIN * kept and kept - left >= _LEAST_GAIN:
            if level is not None:
                yield _made(geometry, level[1][same], range(zoom + 1, level[0] + 1))
            level, kept = (zoom, shapes), left
    if level is not None:
        yield _made(geometry, level[1][same], range(zooms.start, level[0] + 1))


def _worth_it(geometry: Geometry) -> bool:
    """Whether shapes are large: all of them on the whole, or one of them in a layer that is not."""
    total = len(geometry.mercator)
    if total >= _LARGE_SHAPE * len(geometry.kinds):
        return True
    starts = geometry.vertices[geometry.rings[geometry.members]]
    return total <= _MIXED_VERTICES and int(np.diff(starts).max(initial=0)) > HEAVY


def _thinned(geometry: Geometry, zoom: int, shapes: Shapes, rows: NDArray[np.int64]) -> Shapes:
    """The shapes of some rows, those that are heavy and have no neighbours already on the grid of a zoom.

    A coverage of a million vertices takes GEOS many seconds; a shape without neighbours need not be one.
    """
    heavy = np.flatnonzero(shapely.get_num_coordinates(shapes) > HEAVY)
    if not len(heavy):
        return shapes
    neighbours = np.bincount(shapely.STRtree(shapes).query(shapely.box(*shapely.bounds(shapes[heavy]).T))[0])
    lone = heavy[neighbours == 1]
    nowhere = np.zeros(len(lone), np.uint32)
    _, thin = repair(take(geometry, rows[lone]), nowhere, range(zoom, zoom + 1))
    shapes[lone] = _shapes(thin)
    return shapes


def _coarser(shapes: Shapes, matched: NDArray[np.bool_], tolerance: float) -> Shapes:
    """Shapes of a coverage simplified together, the others one by one; what came out invalid stays as it was."""
    found = shapes.copy()
    found[matched] = shapely.coverage_simplify(shapes[matched], tolerance)
    found[~matched] = shapely.simplify(shapes[~matched], tolerance, preserve_topology=True)
    return found


def _made(geometry: Geometry, shapes: Shapes, zooms: range) -> tuple[range, Geometry, Validity]:
    """The shapes on the grid of their highest zoom, valid there; checked at the others."""
    highest = zooms[-1]
    simple = _geometry(geometry, shapes)
    _, snapped = repair(simple, np.where(simple.kinds, 0, ALL_ZOOMS).astype(np.uint32), range(highest, highest + 1))
    at_home = _spread(snapped, simple.kinds != 0)
    if len(zooms) == 1:
        return zooms, at_home, Validity(np.full(len(shapes), ALL_ZOOMS), np.zeros(0, np.uint64), empty_geometry())
    return zooms, at_home, validity_of(at_home, zooms.start, highest)


def _spread(geometry: Geometry, there: NDArray[np.bool_]) -> Geometry:
    """Shapes put in the rows that have one."""
    kinds = np.zeros(len(there), np.uint8)
    kinds[there] = geometry.kinds
    counts = np.zeros(len(there) + 1, np.int32)
    counts[1:][there] = np.diff(geometry.members)
    members = np.cumsum(counts).astype(np.int32)
    return Geometry(kinds, members, geometry.rings, geometry.vertices, geometry.mercator, geometry.degrees)


def _shapes(geometry: Geometry) -> Shapes:
    """Multipolygons on the grid; without a shape an empty one."""
    offsets = (geometry.vertices, geometry.rings, geometry.members)
    shapes: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, geometry.mercator.astype(np.float64), offsets
    )
    return shapes


def _geometry(source: Geometry, shapes: Shapes) -> Geometry:
    """Simplified shapes as arrays of the grid, their rings turned as before; `degrees` are left out."""
    parts, owners = shapely.get_parts(shapes, return_index=True)
    turned = shapely.orient_polygons(parts, exterior_cw=True)  # y grows to the south
    rings, of_part = shapely.get_rings(turned, return_index=True)
    positions, of_ring = shapely.get_coordinates(rings, return_index=True)

    def offsets(owner: NDArray[np.int64], count: int) -> NDArray[np.int32]:
        return np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))]).astype(np.int32)

    mercator = positions.astype(np.int32)
    kinds = np.where(np.bincount(owners, minlength=len(shapes)) > 0, source.kinds, 0).astype(np.uint8)
    return Geometry(
        kinds,
        offsets(owners, len(shapes)),
        offsets(of_part, len(parts)),
        offsets(of_ring, len(rings)),
        mercator,
        mercator,
    )


def _distinct(geometry: Geometry) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First row of each shape, and for each row which of those it equals: many facts have one county's shape."""
    starts = geometry.vertices[geometry.rings[geometry.members]]
    seen: dict[bytes, int] = {}
    first: list[int] = []
    same = np.empty(len(geometry.kinds), np.int64)
    for row in range(len(same)):
        key = geometry.mercator[starts[row] : starts[row + 1]].tobytes()
        if key not in seen:
            seen[key] = len(first)
            first.append(row)
        same[row] = seen[key]
    return np.array(first, np.int64), same
