"""One feature's shape in a tile, from the arrays of a part: copied where it lies inside, cut where it does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import LINE, NONE, POINT, POLYGON
from geoplan.tiles.arrays import Shapes, Source
from geoplan.tiles.chains import Chains
from geoplan.tiles.clip import clip_polygons
from geoplan.tiles.compiled import inner, int64, outer
from geoplan.tiles.faults import sound
from geoplan.tiles.frame import NO_ZOOM, Frame
from geoplan.tiles.lines import clip_lines, clip_points
from geoplan.tiles.shape import DONE, KIND, NOTHING, REPAIR, RINGS, VERTICES, Shape, add_polygon, unit_x, unit_y, within

_LAST = 2**31 - 1
_UNKNOWN = -2
_AS_IT_IS = -1


@inner
def _repaired_at(keys: NDArray[np.uint64], row: int, zoom: int) -> int:
    """Place of a row's repaired shape at a zoom; `_UNKNOWN` if there is none."""
    key = np.uint64(row) << np.uint64(5) | np.uint64(zoom)
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low if low < len(keys) and keys[low] == key else _UNKNOWN


@outer
def which_shape(source: Source, row: int, frame: Frame) -> int:
    """The shape that is valid on a frame's grid: -1 for the feature's own, a repaired one, or -2 when unknown."""
    if frame.zoom == NO_ZOOM:
        return _AS_IT_IS
    if source.zooms[row] >> np.uint32(frame.zoom) & np.uint32(1) and frame.zoom < 31:
        half = int64(1) << frame.shift >> 1
        # At the square's last half unit rounding leads beyond it, for which the set of zooms does not tell.
        if source.boxes[row, 2] > _LAST - half or source.boxes[row, 3] > _LAST - half:
            return _UNKNOWN
        return _AS_IT_IS
    if frame.zoom == 31:
        return _UNKNOWN
    return _repaired_at(source.keys, row, frame.zoom)


@outer
def box_within(boxes: NDArray[np.int32], row: int, frame: Frame) -> bool:
    """Whether a feature lies wholly in the window of a frame of grid positions."""
    return within(unit_x(boxes[row, 0], frame), unit_y(boxes[row, 1], frame), frame) and within(
        unit_x(boxes[row, 2], frame), unit_y(boxes[row, 3], frame), frame
    )


@inner
def _copy_polygons(shapes: Shapes, index: int, frame: Frame, shape: Shape) -> int:
    for member in range(shapes.members[index], shapes.members[index + 1]):
        status = add_polygon(
            shapes.positions, shapes.vertices, shapes.rings[member], shapes.rings[member + 1], frame, shape
        )
        if status != DONE:
            return status
    return DONE


@inner
def _cut_polygons(shapes: Shapes, index: int, frame: Frame, shape: Shape, chains: Chains) -> int:
    first, last = shapes.members[index], shapes.members[index + 1]
    status = clip_polygons(shapes.positions, shapes.rings, shapes.vertices, first, last, frame, shape, chains)
    if status == DONE and not sound(shape, frame):
        return REPAIR
    return status


@inner
def cut_shape(shapes: Shapes, index: int, frame: Frame, shape: Shape, chains: Chains) -> int:
    """What a window leaves of a feature; `NOTHING` when nothing is left."""
    counts = shape.counts
    counts[RINGS] = 0
    counts[VERTICES] = 0
    kind = shapes.kinds[index] & 3
    counts[KIND] = kind
    first, last = shapes.members[index], shapes.members[index + 1]
    status = DONE
    if kind == POLYGON:
        status = _cut_polygons(shapes, index, frame, shape, chains)
    elif kind == LINE:
        status = clip_lines(shapes.positions, shapes.rings, shapes.vertices, first, last, frame, shape)
    elif kind == POINT:
        status = clip_points(shapes.positions, shapes.rings, shapes.vertices, first, last, frame, shape)
    return NOTHING if status == DONE and counts[RINGS] == 0 else status


@inner
def tile_shape(source: Source, row: int, frame: Frame, shape: Shape, chains: Chains, inside: int) -> int:
    """A feature's shape on the units of a tile; `NOTHING` when it is not in it.

    `inside` (0 or 1) tells that its box lies within the window.
    """
    kind = source.shapes.kinds[row] & 3
    if kind == NONE:
        return NOTHING
    if kind != POLYGON:
        return cut_shape(source.shapes, row, frame, shape, chains)
    which = which_shape(source, row, frame)
    if which == _UNKNOWN:
        return REPAIR
    if which >= 0:
        return cut_shape(source.repaired, which, frame, shape, chains)
    if not inside:
        return cut_shape(source.shapes, row, frame, shape, chains)
    counts = shape.counts
    counts[RINGS] = 0
    counts[VERTICES] = 0
    counts[KIND] = kind
    status = _copy_polygons(source.shapes, row, frame, shape)
    return NOTHING if status == DONE and counts[RINGS] == 0 else status
