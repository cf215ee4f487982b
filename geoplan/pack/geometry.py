"""Nested lists of shapes: from positions in degrees to the arrays of a pack, boxes, turning, picking and joining."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.mercator import to_degree_units, to_mercator
from geoplan.pack.part import MULTI, NONE, POLYGON, Geometry
from geoplan.pack.tree import EMPTY_BOX
from geoplan.pack.wkb import COLLECTION, READ, Shapes, read_wkb


def shapes_of(geometries: NDArray[Any]) -> Shapes:
    """Nested lists of shapely geometries (None or empty: kind 0).

    Raises
    ------
    ValueError
        If one is a collection, or has a position that is not a number.
    """
    binary = shapely.to_wkb(np.asarray(geometries, object), output_dimension=2, byte_order=1)
    shapes, states = read_wkb(pa.array(list(binary), pa.large_binary()))
    if np.any(states != READ):
        row = int(np.argmax(states != READ))
        what = "a collection" if states[row] == COLLECTION else "not a shape of numbers"
        raise ValueError(f"geometry {row} is {what}")
    return shapes


def to_geometry(shapes: Shapes) -> Geometry:
    """Arrays of a pack from shapes in degrees (EPSG:4490); rings of polygons are turned as they must be."""
    turn_rings(shapes)
    positions = shapes.positions
    mercator, degrees = to_mercator(positions), to_degree_units(positions)
    return Geometry(shapes.kinds, shapes.members, shapes.rings, shapes.vertices, mercator, degrees)


def turn_rings(shapes: Shapes) -> None:
    """Turn the rings of polygons in place: outer ones counter-clockwise (y to the north), holes clockwise."""
    _turn(shapes.kinds, shapes.members, shapes.rings, shapes.vertices, shapes.positions)


def bounding_boxes(geometry: Geometry) -> NDArray[np.int32]:
    """Box of each feature on the grid (n, 4): ``min x, min y, max x, max y``; `EMPTY_BOX` where there is no shape."""
    boxes = np.empty((len(geometry.kinds), 4), np.int32)
    _boxes(geometry.members, geometry.rings, geometry.vertices, geometry.mercator, EMPTY_BOX, boxes)
    return boxes


def take(geometry: Geometry, rows: NDArray[Any]) -> Geometry:
    """The shapes of some rows, in the order of `rows`."""
    rows = np.asarray(rows, np.int64)
    members, member_rows = _picked(geometry.members, rows)
    rings, ring_rows = _picked(geometry.rings, member_rows)
    vertices, vertex_rows = _picked(geometry.vertices, ring_rows)
    return Geometry(
        geometry.kinds[rows],
        members,
        rings,
        vertices,
        np.take(geometry.mercator, vertex_rows, axis=0),
        np.take(geometry.degrees, vertex_rows, axis=0),
    )


def join(geometries: Sequence[Geometry]) -> Geometry:
    """Shapes of several arrays one after another (at least one)."""
    return Geometry(
        np.concatenate([g.kinds for g in geometries]),
        joined_offsets([g.members for g in geometries]),
        joined_offsets([g.rings for g in geometries]),
        joined_offsets([g.vertices for g in geometries]),
        np.concatenate([g.mercator for g in geometries]),
        np.concatenate([g.degrees for g in geometries]),
    )


def cut(geometry: Geometry, start: int, stop: int) -> Geometry:
    """A copy of consecutive shapes."""
    members, first, last = _cut_offsets(geometry.members, start, stop)
    rings, first, last = _cut_offsets(geometry.rings, first, last)
    vertices, first, last = _cut_offsets(geometry.vertices, first, last)
    mercator, degrees = (np.array(array[first:last]) for array in (geometry.mercator, geometry.degrees))
    return Geometry(np.array(geometry.kinds[start:stop]), members, rings, vertices, mercator, degrees)


def _cut_offsets(offsets: NDArray[Any], start: int, stop: int) -> tuple[NDArray[Any], int, int]:
    """Offsets of consecutive lists from 0 on, and where their elements are."""
    first, last = int(offsets[start]), int(offsets[stop])
    return offsets[start : stop + 1] - offsets[start], first, last


def joined_offsets(offsets: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Offsets of lists put one after another; each begins at its own first offset."""
    lengths = np.concatenate([np.diff(part) for part in offsets])
    return offsets_of(lengths, offsets[0].dtype)


def offsets_of(lengths: NDArray[Any], dtype: Any = np.int32) -> NDArray[Any]:
    """Offsets (n + 1) of consecutive lists of these lengths."""
    found = np.zeros(len(lengths) + 1, dtype)
    np.cumsum(lengths, out=found[1:])
    return found


def geometry_type(kinds: NDArray[np.uint8]) -> str:
    """GeoJSON's name of the type of all shapes; ``Geometry`` where they differ, ``None`` where there is none."""
    found = {int(kind) for kind in np.unique(kinds)} - {NONE}
    bases = {kind & ~MULTI for kind in found}
    if not found:
        return "None"
    if len(bases) > 1:
        return "Geometry"
    name = ("Point", "LineString", "Polygon")[bases.pop() - 1]
    return f"Multi{name}" if any(kind & MULTI for kind in found) else name


def _picked(offsets: NDArray[Any], rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Offsets of the picked lists, and the places of their elements."""
    found = np.zeros(len(rows) + 1, offsets.dtype)
    total = _pick_offsets(offsets, rows, found)
    places = np.empty(total, np.int64)
    _pick_places(offsets, rows, places)
    return found, places


@njit(cache=True, nogil=True)
def _pick_offsets(offsets: Any, rows: Any, found: Any) -> Any:
    total = 0
    for i in range(len(rows)):
        total += offsets[rows[i] + 1] - offsets[rows[i]]
        found[i + 1] = total
    return total


@njit(cache=True, nogil=True)
def _pick_places(offsets: Any, rows: Any, places: Any) -> None:
    at = 0
    for i in range(len(rows)):
        for place in range(offsets[rows[i]], offsets[rows[i] + 1]):
            places[at] = place
            at += 1


@njit(cache=True, nogil=True)
def _boxes(members: Any, rings: Any, vertices: Any, positions: Any, empty: Any, boxes: Any) -> None:
    for i in range(len(boxes)):
        west, north, east, south = empty[0], empty[1], empty[2], empty[3]
        for v in range(vertices[rings[members[i]]], vertices[rings[members[i + 1]]]):
            x, y = positions[v, 0], positions[v, 1]
            west, east = min(west, x), max(east, x)
            north, south = min(north, y), max(south, y)
        boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3] = west, north, east, south


@njit(cache=True, nogil=True)
def _turn(kinds: Any, members: Any, rings: Any, vertices: Any, positions: Any) -> None:
    for i in range(len(kinds)):
        if kinds[i] & 3 != POLYGON:
            continue
        for m in range(members[i], members[i + 1]):
            for r in range(rings[m], rings[m + 1]):
                _turn_ring(positions, vertices[r], vertices[r + 1], r == rings[m])


@njit(cache=True, nogil=True)
def _turn_ring(positions: Any, start: Any, stop: Any, outer: Any) -> None:
    """Turn one closed ring; the sum is taken about its first vertex, which keeps it exact for small rings."""
    x, y = positions[start, 0], positions[start, 1]
    doubled = 0.0
    for v in range(start, stop - 1):
        ax, ay = positions[v, 0] - x, positions[v, 1] - y
        bx, by = positions[v + 1, 0] - x, positions[v + 1, 1] - y
        doubled += ax * by - bx * ay
    if (doubled < 0.0) == outer and doubled != 0.0:
        low, high = start, stop - 1
        while low < high:
            for axis in range(2):
                kept = positions[low, axis]
                positions[low, axis] = positions[high, axis]
                positions[high, axis] = kept
            low, high = low + 1, high - 1
