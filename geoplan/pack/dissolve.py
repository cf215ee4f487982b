"""Small polygons of a layer dissolved into one mosaic for a zoom, tile by tile, no tile beyond its budget."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.mercator import WORLD_BITS, from_mercator, to_degree_units
from geoplan.pack.mosaic import anchors_of, count_corners, label, sample, trace, vote
from geoplan.pack.part import POLYGON, Geometry
from geoplan.pack.rings import Nested

TILE_SAMPLES = 1024
"""Samples along a tile's side: two to a pixel of a 512-pixel tile."""
_FINEST, _COARSEST = 2, 64
"""Sides of a cell, in samples: a pixel to begin with, doubled while the tile is beyond its budget."""

Fits = Callable[[int, int], bool]


class Mosaic(NamedTuple):
    """Shapes of a zoom and what they stand for.

    Attributes
    ----------
    geometry
        k polygons; none of them leaves its tile, they do not overlap and there is no gap between them.
    groups
        int32 (k): the group that most of the shape belongs to.
    owners
        int32 (n): the shape that each row of the source is counted with; -1: it has no shape.
    """

    geometry: Geometry
    groups: NDArray[np.int32]
    owners: NDArray[np.int32]


class Sources(NamedTuple):
    """Polygons to dissolve: shapes, their boxes (n, 4), a position inside each (n, 2), and a group of each (n)."""

    shapes: Nested
    boxes: NDArray[np.int32]
    anchors: NDArray[np.int32]
    groups: NDArray[np.int32]
    most: int


class _Piece(NamedTuple):
    """The mosaic of one tile."""

    groups: NDArray[np.int32]
    rows: NDArray[np.int32]
    owners: NDArray[np.int32]
    members: NDArray[np.int64]  # rings of each shape
    vertices: NDArray[np.int64]  # vertices of each ring
    positions: NDArray[np.int32]


def sources_of(geometry: Geometry, boxes: NDArray[np.int32], groups: NDArray[np.int32]) -> Sources:
    """What `dissolve` needs, for all its zooms."""
    shapes = Nested(geometry.kinds, geometry.members, geometry.rings, geometry.vertices, geometry.mercator)
    anchors = np.zeros((len(geometry.kinds), 2), np.int32)
    anchors_of(shapes, anchors)
    return Sources(shapes, boxes, anchors, groups, int(groups.max(initial=0)) + 1)


def dissolve(sources: Sources, zoom: int, fits: Fits) -> Mosaic:
    """The mosaic of a zoom (at most 20).

    A cell is a pixel of a 512-pixel tile and takes the group with most of it; in a tile that has more shapes and
    corners than `fits` accepts, cells are two, four, ... pixels. A polygon too small for a cell of its own is counted
    with the shape at its place; one that lies alone has a cell.
    """
    owners = np.full(len(sources.groups), -1, np.int32)
    pieces: list[_Piece] = []
    count = 0
    workers = max(os.cpu_count() or 1, 1)
    with ThreadPoolExecutor(workers) as pool:
        for piece in pool.map(lambda tile: _piece(sources, zoom, tile, fits), _tiles(sources, zoom)):
            owners[piece.rows] = piece.owners + np.int32(count)
            count += len(piece.groups)
            pieces.append(piece._replace(rows=piece.rows[:0], owners=piece.owners[:0]))
    return Mosaic(_geometry(pieces), _joined([piece.groups for piece in pieces], np.int32), owners)


def _tiles(sources: Sources, zoom: int) -> Iterator[tuple[int, int, NDArray[np.int32]]]:
    """Tiles with the rows whose boxes meet them, from the north-west."""
    shift = WORLD_BITS - zoom
    there = np.flatnonzero((sources.shapes.kinds & 3 == POLYGON) & (sources.boxes[:, 0] <= sources.boxes[:, 2]))
    ranges = (sources.boxes[there].astype(np.int64) + 2**31) >> shift
    wide, high = ranges[:, 2] - ranges[:, 0] + 1, ranges[:, 3] - ranges[:, 1] + 1
    counts = wide * high
    rows = np.repeat(there.astype(np.int32), counts)
    nth = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    wide = np.repeat(wide, counts)
    keys = (np.repeat(ranges[:, 1], counts) + nth // wide) << 32 | (np.repeat(ranges[:, 0], counts) + nth % wide)
    del nth, wide, ranges, counts
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    bounds = np.flatnonzero(np.diff(keys, prepend=-1)).tolist()
    for start, stop in zip(bounds, [*bounds[1:], len(keys)], strict=True):
        yield int(keys[start] & 0xFFFFFFFF), int(keys[start] >> 32), rows[start:stop]


def _piece(sources: Sources, zoom: int, tile: tuple[int, int, NDArray[np.int32]], fits: Fits) -> _Piece:
    x, y, rows = tile
    side = 1 << (WORLD_BITS - zoom)
    step = side // TILE_SAMPLES
    origin = np.array([x * side - 2**31, y * side - 2**31])
    boxes = sources.boxes[rows].astype(np.int64) - np.tile(origin, 2)
    block = step * _COARSEST
    first = np.maximum(boxes[:, :2].min(axis=0), 0) // block
    last = np.minimum(boxes[:, 2:].max(axis=0), side - 1) // block + 1
    corner = origin + first * block
    width, height = ((last - first) * _COARSEST).tolist()
    taken = np.full((height, width), -1, np.int32)
    sample(sources.shapes, rows, (int(corner[0]), int(corner[1])), step, taken)
    anchors = sources.anchors[rows].astype(np.int64) - origin
    own = rows[((anchors >= 0) & (anchors < side)).all(axis=1)]
    at = (sources.anchors[own].astype(np.int64) - corner) // step
    size = _FINEST
    while True:
        cells = at // size
        kept = np.column_stack([cells, sources.groups[own]]).astype(np.int32)
        voted = vote(taken, sources.groups, size, kept, sources.most)
        labels, count = label(voted)
        corners = count_corners(labels)
        if size == _COARSEST or fits(count, corners):
            break
        size *= 2
    groups = np.empty(count, np.int32)
    groups[labels[labels >= 0]] = voted[labels >= 0]
    outlines = trace(labels, corners)
    return _Piece(groups, own, labels[cells[:, 1], cells[:, 0]], *_nested(outlines, count, corner, size * step))


def _nested(
    outlines: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.bool_]],
    count: int,
    corner: NDArray[np.int64],
    cell: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Rings of each shape, vertices of each ring and positions on the grid: outer rings first, turned as a pack's."""
    positions, offsets, owner, shell = outlines
    order = np.lexsort((~shell, owner))
    lengths = np.diff(offsets).astype(np.int64)[order]
    ends = offsets[1:].astype(np.int64)[order]
    # Read backwards: outlines run clockwise around their cells, a pack's outer rings the other way.
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    grid = positions[np.repeat(ends, lengths) - 1 - within].astype(np.int64) * cell + corner
    # The square's east and south edges are one unit beyond the range of int32.
    return np.bincount(owner, minlength=count), lengths, np.minimum(grid, 2**31 - 1).astype(np.int32)


def _geometry(pieces: list[_Piece]) -> Geometry:
    rings = _joined([piece.members for piece in pieces], np.int64)
    vertices = _joined([piece.vertices for piece in pieces], np.int64)
    positions = np.concatenate([np.zeros((0, 2), np.int32), *(piece.positions for piece in pieces)])
    return Geometry(
        np.full(len(rings), POLYGON, np.uint8),
        np.arange(len(rings) + 1, dtype=np.int32),
        np.concatenate([[0], np.cumsum(rings)]).astype(np.int32),
        np.concatenate([[0], np.cumsum(vertices)]).astype(np.int32),
        positions,
        to_degree_units(from_mercator(positions)),
    )


def _joined(arrays: list[NDArray[np.int64]] | list[NDArray[np.int32]], dtype: type) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, dtype), *arrays])
