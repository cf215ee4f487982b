"""Which shapes stay valid on the grid of a zoom, and repaired copies of those that do not.

The grid of a zoom is the same for all its tiles, so validity belongs to a feature and a zoom, not to
a tile: it is decided once, when a pack is built.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.generalize import thin_rings
from geoplan.pack.mercator import from_mercator, to_degree_units
from geoplan.pack.part import MULTI, POLYGON, Geometry, empty_geometry
from geoplan.pack.rings import Nested, judge, rounded, shift_of

_ATTEMPTS = 4
"""So often a repaired shape is rounded and repaired again before it is snapped to the grid as a whole."""
_BATCH_VERTICES = 1_000_000
"""So many vertices are handed to GEOS at once."""
HEAVY, _THINNED_BY = 32_768, 2.0
"""A polygon with more vertices on a zoom's grid is simplified before it is repaired, by so many units: an eighth of a
pixel is one. Thousands of folds of less than that are what takes GEOS minutes to repair, and nobody sees them."""
_LAST = 2**31 - 1

Shapes = NDArray[np.object_]


def zoom_mask(geometry: Geometry, zooms: range) -> NDArray[np.uint32]:
    """Bits of the zooms at which each shape is valid on the zoom's grid.

    Parameters
    ----------
    geometry
        n shapes; shells counter-clockwise in degrees, holes clockwise, rings closed.
    zooms
        Consecutive zooms between 0 and 31; only their bits have a meaning.

    Returns
    -------
    uint32 (n)
        Bit ``z`` is set where the polygon, its positions rounded to the units of zoom ``z`` and repeated
        vertices dropped, is valid (OGC Simple Features) with every ring still there and turning the same
        way; where a line keeps two different vertices; and for every point and every missing shape.
    """
    mask = np.zeros(len(geometry.kinds), np.uint32)
    doubtful = np.zeros_like(mask)
    judge(_nested(geometry), zooms.start, zooms.stop - 1, mask, doubtful)
    rows, at = _unset(~doubtful, zooms)
    for chunk in _batches(geometry, rows):
        valid = shapely.is_valid(_polygons(_round(geometry, rows[chunk], at[chunk])))
        np.bitwise_or.at(mask, rows[chunk][valid], np.uint32(1) << at[chunk][valid].astype(np.uint32))
    return mask


def repair(geometry: Geometry, mask: NDArray[np.uint32], zooms: range) -> tuple[NDArray[np.uint64], Geometry]:
    """Valid shapes for all bits of `zooms` that are not set in `mask` (see `zoom_mask`).

    Returns
    -------
    keys
        uint64 (k), ascending: ``row << 5 | zoom``.
    geometry
        k shapes, the areas of the rounded shapes as far as they do not collapse: valid polygons whose positions
        are multiples of the zoom's unit, or kind 0 where nothing is left. `degrees` are those positions.
    """
    rows, at = _unset(mask, zooms)
    keys = rows.astype(np.uint64) << np.uint64(5) | at.astype(np.uint64)
    parts = [_repaired(geometry, rows[chunk], at[chunk]) for chunk in _batches(geometry, rows)]
    return keys, _joined(parts)


class _Rings(NamedTuple):
    """Polygons on the grid of a zoom: offsets as in `Geometry`, and positions in the zoom's units (int64)."""

    members: NDArray[np.int64]
    rings: NDArray[np.int64]
    vertices: NDArray[np.int64]
    units: NDArray[np.int64]


def _nested(geometry: Geometry) -> Nested:
    return Nested(geometry.kinds, geometry.members, geometry.rings, geometry.vertices, geometry.mercator)


def _unset(mask: NDArray[np.uint32], zooms: range) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and zooms of the bits that are not set, by row, then zoom."""
    at = np.asarray(zooms, dtype=np.uint32)
    missing = np.flatnonzero(~mask & np.bitwise_or.reduce(np.uint32(1) << at, initial=np.uint32(0)))
    unset = (mask[missing, None] >> at & np.uint32(1)) == 0
    where, which = np.nonzero(unset)
    return missing[where], at[which].astype(np.int64)


def _batches(geometry: Geometry, rows: NDArray[np.int64]) -> list[slice]:
    """Slices of `rows` with a bounded number of vertices (one shape at least)."""
    starts = geometry.vertices[geometry.rings[geometry.members]].astype(np.int64)
    sizes = np.cumsum((starts[1:] - starts[:-1])[rows])
    bounds = np.flatnonzero(np.diff(sizes // _BATCH_VERTICES)) + 1
    edges = [0, *bounds.tolist(), len(rows)]
    return [slice(a, b) for a, b in pairwise(edges) if b > a]


def _round(geometry: Geometry, rows: NDArray[np.int64], at: NDArray[np.int64]) -> _Rings:
    """The polygons of some rows at a zoom each, without repeated vertices and without rings that have collapsed."""
    starts = geometry.vertices[geometry.rings[geometry.members]].astype(np.int64)
    space = int((starts[1:] - starts[:-1])[rows].sum())
    ring_space = int((geometry.rings[geometry.members[rows + 1]] - geometry.rings[geometry.members[rows]]).sum())
    members, rings, vertices = (np.zeros(n + 1, np.int64) for n in (len(rows), ring_space, ring_space))
    units = np.empty((space + 1, 2), np.int64)
    found = _round_rows(_nested(geometry), rows, at, members, rings, vertices, units)
    return _Rings(members, rings[: found[0] + 1], vertices[: found[1] + 1], units[: found[2]])


@njit(cache=True, nogil=True)
def _round_rows(
    shapes: Nested,
    rows: NDArray[np.int64],
    at: NDArray[np.int64],
    members: NDArray[np.int64],
    rings: NDArray[np.int64],
    vertices: NDArray[np.int64],
    units: NDArray[np.int64],
) -> tuple[int, int, int]:
    member_count = ring_count = 0
    for i in range(len(rows)):
        row = rows[i]
        if shapes.kinds[row] & 3 == POLYGON:
            for member in range(shapes.members[row], shapes.members[row + 1]):
                shell = shapes.rings[member]
                for ring in range(shell, shapes.rings[member + 1]):
                    stop = _round_ring(shapes, ring, shift_of(at[i]), units, vertices[ring_count])
                    if stop >= 0:
                        ring_count += 1
                        vertices[ring_count] = stop
                    elif ring == shell:
                        break
                if ring_count > rings[member_count]:
                    member_count += 1
                    rings[member_count] = ring_count
        members[i + 1] = member_count
    return member_count, ring_count, vertices[ring_count]


@njit(cache=True, nogil=True)
def _round_ring(shapes: Nested, ring: int, shift: int, units: NDArray[np.int64], start: int) -> int:
    """Write a rounded ring from `start`, give its end, or -1 where it has less than three different vertices."""
    edge = _LAST >> shift
    end = start
    for v in range(shapes.vertices[ring], shapes.vertices[ring + 1]):
        # At the square's last half unit rounding up would leave the range of int32.
        x = min(rounded(shapes.positions[v, 0], shift), edge)
        y = min(rounded(shapes.positions[v, 1], shift), edge)
        if end == start or units[end - 1, 0] != x or units[end - 1, 1] != y:
            units[end, 0] = x
            units[end, 1] = y
            end += 1
    return end if end - start > 3 else -1


def _polygons(rings: _Rings) -> Shapes:
    offsets = (rings.vertices, rings.rings, rings.members)
    shapes: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, rings.units.astype(np.float64), offsets
    )
    return shapes


def _repaired(geometry: Geometry, rows: NDArray[np.int64], at: NDArray[np.int64]) -> Geometry:
    shapes = _polygons(_thinned(_round(geometry, rows, at)))
    for _ in range(_ATTEMPTS):
        wrong = np.flatnonzero(~_sound(shapes))
        if not len(wrong):
            break
        shapes[wrong] = _whole(_made_valid(shapes[wrong]))
    else:
        shapes = _settled(shapes)
    shapes = shapely.remove_repeated_points(shapes)
    shapes = shapely.orient_polygons(shapes, exterior_cw=True)  # y grows to the south
    return _from_polygons(shapes, at, (geometry.kinds[rows] & MULTI) > 0)


def _thinned(rings: _Rings) -> _Rings:
    """The polygons, heavy ones with fewer vertices."""
    starts = rings.vertices[rings.rings[rings.members]]
    heavy = np.flatnonzero(np.diff(starts) > HEAVY)
    if not len(heavy):
        return rings
    kept = np.ones(len(rings.units), np.bool_)
    for row in heavy:
        first, last = rings.rings[rings.members[row : row + 2]]
        begin, end = starts[row : row + 2]
        kept[begin:end] = thin_rings(rings.vertices[first : last + 1] - begin, rings.units[begin:end], _THINNED_BY)
    vertices = np.concatenate([[0], np.cumsum(kept)])[rings.vertices]
    return rings._replace(vertices=vertices, units=rings.units[kept])


def _made_valid(shapes: Shapes) -> Shapes:
    try:
        return _areas(shapely.make_valid(shapes, method="structure", keep_collapsed=False))
    except shapely.errors.GEOSException:
        # GEOS gives up on some shapes that run over themselves again and again, and tells not which.
        return shapes if len(shapes) == 1 else np.concatenate([_made_valid(half) for half in np.array_split(shapes, 2)])


def _settled(shapes: Shapes) -> Shapes:
    """Shapes that rounding and repairing in turn does not settle, built anew from their lines."""
    shapes = shapes.copy()
    for at in np.flatnonzero(~_sound(shapes)):
        shapes[at] = _rebuilt(shapes[at])
    # What even that does not settle is left out of the zoom's tiles: no tile carries an invalid polygon.
    shapes[~_sound(shapes)] = shapely.MultiPolygon()
    return shapes


def _rebuilt(shape: shapely.MultiPolygon) -> shapely.MultiPolygon:
    """The faces between a shape's lines, crossed with one another on the grid, that lie inside it."""
    lines = shapely.union_all(shapely.get_rings(shape), grid_size=1.0)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    points = shapely.point_on_surface(faces)
    inside = np.zeros(len(faces), dtype=bool)
    for member in shape.geoms:
        rings = [shapely.contains(shapely.Polygon(ring), points) for ring in (member.exterior, *member.interiors)]
        inside |= rings[0] & ~np.logical_or.reduce(rings[1:], initial=False)
    rebuilt: shapely.MultiPolygon = _areas(np.array([shapely.coverage_union_all(faces[inside])], dtype=object))[0]
    return rebuilt


def _whole(shapes: Shapes) -> Shapes:
    """Shapes with their coordinates rounded to whole units; rings that collapse are dropped."""
    moved: Shapes = shapely.set_precision(shapes, 1.0, mode="pointwise")
    return moved


def _sound(shapes: Shapes) -> NDArray[np.bool_]:
    """Whether shapes are valid and have whole coordinates."""
    sound: NDArray[np.bool_] = shapely.is_valid(shapes)
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    sound[index[(coordinates != np.rint(coordinates)).any(axis=1)]] = False
    return sound


def _areas(shapes: Shapes) -> Shapes:
    """The polygons of each shape as one multipolygon."""
    parts, index = shapely.get_parts(shapes, return_index=True)
    inner, again = shapely.get_parts(parts, return_index=True)
    index = index[again]
    keep = (shapely.get_type_id(inner) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(inner)
    areas = np.full(len(shapes), shapely.MultiPolygon(), dtype=object)
    owners, index = np.unique(index[keep], return_inverse=True)
    if len(owners):
        areas[owners] = shapely.multipolygons(inner[keep], indices=index)
    return areas


def _from_polygons(shapes: Shapes, at: NDArray[np.int64], several: NDArray[np.bool_]) -> Geometry:
    """Multipolygons in units of a zoom each, as `Geometry`; `several` tells which stay declared as several."""
    _, coordinates, (vertices, rings, members) = shapely.to_ragged_array(shapes)
    counts = np.diff(members)
    owner = np.repeat(np.arange(len(shapes)), np.diff(vertices[rings[members]]))
    shifts = np.maximum(20 - at, 0)[owner]
    mercator = (coordinates.astype(np.int64) << shifts[:, None]).astype(np.int32)
    kinds = np.where(counts == 0, 0, POLYGON + MULTI * (several | (counts > 1))).astype(np.uint8)
    degrees = to_degree_units(from_mercator(mercator))
    return Geometry(
        kinds, members.astype(np.int32), rings.astype(np.int32), vertices.astype(np.int32), mercator, degrees
    )


def _joined(parts: list[Geometry]) -> Geometry:
    """Geometries one after the other."""
    if not parts:
        return empty_geometry()

    def offsets(name: str) -> NDArray[np.int32]:
        counts = np.concatenate([[0], *(np.diff(getattr(part, name)) for part in parts)])
        return counts.cumsum().astype(np.int32)

    kinds, mercator, degrees = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("kinds", "mercator", "degrees")
    )
    return Geometry(kinds, offsets("members"), offsets("rings"), offsets("vertices"), mercator, degrees)
