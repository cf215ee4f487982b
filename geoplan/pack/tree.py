"""The packed R-tree: boxes of sixteen features or nodes at a time, level by level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import NODE_SIZE, Tree

EMPTY_BOX = np.array([2**31 - 1, 2**31 - 1, -(2**31), -(2**31)], np.int32)
"""Box of nothing: joined to another box it changes nothing."""


def build_tree(boxes: NDArray[np.int32]) -> Tree:
    """Tree over consecutive boxes (n, 4) of the grid, up to one root; no node where there is no box."""
    levels: list[NDArray[np.int32]] = []
    starts = [0]
    level = boxes
    while len(level) > 1 or (len(level) == 1 and not levels):
        level = join_boxes(level)
        levels.append(level)
        starts.append(starts[-1] + len(level))
    nodes = np.concatenate(levels) if levels else np.zeros((0, 4), np.int32)
    return Tree(boxes, nodes, np.array(starts, np.int64))


def join_boxes(boxes: NDArray[np.int32]) -> NDArray[np.int32]:
    """The box of every sixteen consecutive boxes."""
    starts = np.arange(0, len(boxes), NODE_SIZE)
    lower = np.minimum.reduceat(boxes[:, :2], starts, axis=0)
    upper = np.maximum.reduceat(boxes[:, 2:], starts, axis=0)
    return np.column_stack([lower, upper])
