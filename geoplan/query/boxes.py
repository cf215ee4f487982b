"""Boxes in degrees against the shapes of a part: on the grid for most, exactly in 1e-7 degrees for the others."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import Part
from geoplan.query.kernels import degree_box_rows, filter_boxes, window_of
from geoplan.query.shapes import Box, boxes_of

Rows = NDArray[np.int64]


class GridBox(NamedTuple):
    """A box in degrees as the kernels take it.

    Attributes
    ----------
    outer, inner
        On the grid, a little wider and a little narrower.
    exact
        In 1e-7 degrees.
    """

    outer: tuple[int, ...]
    inner: tuple[int, ...]
    exact: tuple[int, ...]

    @classmethod
    def around(cls, box: Box) -> list[GridBox]:
        """The box, or the two it is made of across the antimeridian."""
        return [cls(*window_of(*map(float, one))) for one in boxes_of(box)]


def meeting(part: Part, rows: NDArray[np.int64], box: Box) -> NDArray[np.int64]:
    """The rows whose shapes meet a box in degrees."""
    kept = [
        filter_boxes(part.tree.boxes, kernel_shapes(part), rows, one.outer, one.inner, one.exact)
        for one in GridBox.around(box)
    ]
    return kept[0] if len(kept) == 1 else np.union1d(*kept)


def kernel_shapes(part: Part) -> tuple[NDArray[Any], ...]:
    """The shapes of a part as the kernels take them."""
    shape = part.geometry
    return shape.kinds, shape.members, shape.rings, shape.vertices, shape.degrees


def kernel_tree(part: Part) -> tuple[NDArray[Any], ...]:
    """The tree of a part as the kernels take it."""
    return part.tree.boxes, part.tree.nodes, part.tree.starts


def overlapping(part: Part, rows: NDArray[np.int64], windows: list[GridBox]) -> NDArray[np.int64]:
    """Places among the rows whose boxes meet one of the windows."""
    boxes = part.tree.boxes[rows]
    found = np.zeros(len(rows), bool)
    for window in windows:
        west, north, east, south = window.outer
        found |= (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= south) & (boxes[:, 3] >= north)
    return np.flatnonzero(found & (boxes[:, 0] <= boxes[:, 2]))


def shapeless(part: Part) -> int:
    """How many features have no shape; they are the last ones."""
    boxes = part.tree.boxes
    if not len(boxes) or boxes[-1, 0] <= boxes[-1, 2]:
        return 0
    return len(boxes) - bisect_left(range(len(boxes)), x=True, key=lambda row: bool(boxes[row, 0] > boxes[row, 2]))


def box_candidates(part: Part, box: Box, most: int) -> tuple[Rows, int]:
    """Rows whose shapes meet a box in degrees, ascending and complete up to `most`, and their exact number.

    The box may not cross the antimeridian (`box_found` takes any).
    """
    found: tuple[Rows, int] = degree_box_rows(kernel_tree(part), kernel_shapes(part), box, most)
    return found


def box_found(part: Part, box: Box, most: int) -> tuple[Rows, int]:
    """As `box_candidates`, for a box that may cross the antimeridian."""
    boxes = boxes_of(box)
    if len(boxes) == 1:
        return box_candidates(part, box, most)
    rows = np.union1d(*(box_candidates(part, one, len(part))[0] for one in boxes))
    return rows[:most], len(rows)
