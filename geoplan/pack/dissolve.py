"""Small polygons of a layer dissolved into one mosaic for a zoom, tile by tile, no tile beyond its budget."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.mercator import WORLD_BITS, from_mercator, to_degree_units
from geoplan.pack.mosaic import (
    anchor_cells,
    anchored,
    anchors_of,
    count_runs,
    extent,
    rows_of,
    sample,
    stretch,
    tile_runs,
    vote,
)
from geoplan.pack.outlines import Outlines, count_corners, label, trace
from geoplan.pack.part import POLYGON, Geometry
from geoplan.pack.raw import release_pages
from geoplan.pack.rings import Nested

TILE_SAMPLES = 1024
"""Samples along a tile's side: two to a pixel of a 512-pixel tile."""
_VERTICES = 1 << 21
"""Positions (16 MiB) after which pages of a mapped file are given back; a map's rows lie together there."""
_ROWS = 1 << 18
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
    """Polygons to dissolve: shapes, their boxes (n, 4), a position inside each (n, 2), and a group of each (n).

    `drawn` are the rows that have a polygon, `most` is the number of groups.
    """

    shapes: Nested
    boxes: NDArray[np.int32]
    anchors: NDArray[np.int32]
    groups: NDArray[np.int32]
    drawn: NDArray[np.int32]
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
    for start in range(0, len(anchors), _ROWS):
        stop = min(start + _ROWS, len(anchors))
        anchors_of(shapes, start, stop, anchors)
        first, last = shapes.vertices[shapes.rings[shapes.members[[start, stop]]]]
        release_pages(shapes.positions[first:last])
    drawn = np.flatnonzero((geometry.kinds & 3 == POLYGON) & (boxes[:, 0] <= boxes[:, 2])).astype(np.int32)
    return Sources(shapes, boxes, anchors, groups, drawn, int(groups.max(initial=0)) + 1)


def dissolve(sources: Sources, zoom: int, fits: Fits) -> Mosaic:
    """The mosaic of a zoom (at most 20).

    A cell is a pixel of a 512-pixel tile and takes the group with most of it; in a tile that has more shapes and
    corners than `fits` accepts, cells are two, four, ... pixels. A polygon too small for a cell of its own is counted
    with the shape at its place or beside it; one that lies alone has a cell.
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
    count = count_runs(sources.boxes, sources.drawn, shift)
    keys, runs = np.empty(count, np.int64), np.empty((count, 2), np.int32)
    tile_runs(sources.boxes, sources.drawn, shift, keys, runs)
    order = np.argsort(keys, kind="stable")
    keys, runs = keys[order], runs[order]
    bounds = [*np.flatnonzero(np.diff(keys, prepend=-1)).tolist(), count]
    for start, stop in pairwise(bounds):
        yield int(keys[start] & 0xFFFFFFFF), int(keys[start] >> 32), rows_of(sources.drawn, runs[start:stop])


def _piece(sources: Sources, zoom: int, tile: tuple[int, int, NDArray[np.int32]], fits: Fits) -> _Piece:
    x, y, rows = tile
    side = 1 << (WORLD_BITS - zoom)
    step = side // TILE_SAMPLES
    origin = (x * side - 2**31, y * side - 2**31)
    west, north, east, south = extent(sources.boxes, rows)
    block = step * _COARSEST
    first = (max(west - origin[0], 0) // block, max(north - origin[1], 0) // block)
    last = (min(east - origin[0], side - 1) // block + 1, min(south - origin[1], side - 1) // block + 1)
    corner = (origin[0] + first[0] * block, origin[1] + first[1] * block)
    taken = np.full(((last[1] - first[1]) * _COARSEST, (last[0] - first[0]) * _COARSEST), -1, np.int32)
    _sample(sources.shapes, rows, corner, step, taken)
    own = anchored(sources.anchors, rows, origin, side)
    size = _FINEST
    while True:
        kept = anchor_cells(sources.anchors, sources.groups, own, corner, step * size)
        voted = vote(taken, sources.groups, size, kept, sources.most)
        labels, count = label(voted)
        corners = count_corners(labels)
        if size == _COARSEST or fits(count, corners):
            break
        size *= 2
    groups = np.empty(count, np.int32)
    groups[labels[labels >= 0]] = voted[labels >= 0]
    outlines = trace(labels, corners)
    return _Piece(groups, own, labels[kept[:, 1], kept[:, 0]], *_nested(outlines, count, corner, size * step))


def _sample(
    shapes: Nested, rows: NDArray[np.int32], corner: tuple[int, int], step: int, taken: NDArray[np.int32]
) -> None:
    """`sample`, while no more than a stretch of the positions is held in memory."""
    at = 0
    while at < len(rows):
        stop, begin, end = stretch(shapes, rows, at, _VERTICES)
        sample(shapes, rows[at:stop], corner, step, taken)
        release_pages(shapes.positions[begin:end])
        at = stop


def _nested(
    outlines: Outlines, count: int, corner: tuple[int, int], cell: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Rings of each shape, vertices of each ring and positions on the grid: outer rings first, turned as a pack's."""
    positions, offsets, owner, shell = outlines
    order = np.lexsort((~shell, owner))
    lengths = np.diff(offsets).astype(np.int64)[order]
    ends = offsets[1:].astype(np.int64)[order]
    # Read backwards: outlines run clockwise around their cells, a pack's outer rings the other way.
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    grid = positions[np.repeat(ends, lengths) - 1 - within].astype(np.int64) * cell + np.array(corner)
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


def _joined(arrays: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate([np.zeros(0, dtype), *arrays])
