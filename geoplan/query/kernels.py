"""Compiled loops of the query engine over shapes: boxes and points against them, searches in the tree.

Positions are whole 1e-7 degrees, so that whether a point lies in a polygon is decided exactly: no product of two
differences exceeds 2^63. Shapes are passed as (kinds, members, rings, vertices, degrees).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.compiled import compiled
from geoplan.pack.mercator import DEGREE_UNITS, MAX_LATITUDE
from geoplan.pack.part import NODE_SIZE, POLYGON

Rows = NDArray[np.int64]
Whole = int | np.signedinteger[Any]
_GRID_ROUNDING = 2
"""Degrees and grid positions of one vertex, each rounded, differ by less than so many units."""
_SIDE, _LOW, _HIGH = 2.0**32, -(2.0**31), 2.0**31 - 1


@compiled
def units(degrees: float) -> Any:
    """Whole 1e-7 degrees."""
    return np.int64(np.rint(degrees * DEGREE_UNITS))


@compiled
def grid_position(longitude: float, latitude: float) -> Any:
    """One position on the grid (`geoplan.pack.mercator.to_mercator`, without arrays)."""
    sine = math.sin(math.radians(max(-MAX_LATITUDE, min(MAX_LATITUDE, latitude))))
    x = np.rint(longitude / 360 * _SIDE)
    y = np.rint(-math.atanh(sine) / (2 * math.pi) * _SIDE)
    return np.int64(max(_LOW, min(_HIGH, x))), np.int64(max(_LOW, min(_HIGH, y)))


@compiled
def window_of(west: float, south: float, east: float, north: float) -> Any:
    """A box in degrees as the searches take it: on the grid a little wider, a little narrower, and in 1e-7 degrees."""
    left, top = grid_position(west, north)
    right, bottom = grid_position(east, south)
    wide = _GRID_ROUNDING
    outer = (left - wide, top - wide, right + wide, bottom + wide)
    inner = (left + wide, top + wide, right - wide, bottom - wide)
    return outer, inner, (units(west), units(south), units(east), units(north))


@compiled
def _side(ax: Whole, ay: Whole, bx: Whole, by: Whole, x: Whole, y: Whole) -> int:
    """On which side of the line from a to b the position lies: 1 left, -1 right, 0 on it."""
    one = np.int64(bx - ax) * np.int64(y - ay)
    two = np.int64(by - ay) * np.int64(x - ax)
    return 1 if one > two else (-1 if one < two else 0)


@compiled
def _ring_place(degrees: Any, start: Whole, stop: Whole, x: Whole, y: Whole) -> int:
    """Where a position lies to a ring: 1 inside, 0 on it, -1 outside."""
    inside = -1
    for vertex in range(start, stop - 1):
        ax, ay = np.int64(degrees[vertex, 0]), np.int64(degrees[vertex, 1])
        bx, by = np.int64(degrees[vertex + 1, 0]), np.int64(degrees[vertex + 1, 1])
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        if y < ay or y > by:
            continue
        side = _side(ax, ay, bx, by, x, y)
        if side == 0 and min(ax, bx) <= x <= max(ax, bx):
            return 0
        if y < by and side > 0:  # to the left of an edge that goes up: a ray to the east crosses it
            inside = -inside
    return inside


@compiled
def _line_holds(degrees: Any, start: Whole, stop: Whole, x: Whole, y: Whole) -> bool:
    if stop - start == 1:
        return bool(degrees[start, 0] == x and degrees[start, 1] == y)
    for vertex in range(start, stop - 1):
        ax, ay = np.int64(degrees[vertex, 0]), np.int64(degrees[vertex, 1])
        bx, by = np.int64(degrees[vertex + 1, 0]), np.int64(degrees[vertex + 1, 1])
        if min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by) and _side(ax, ay, bx, by, x, y) == 0:
            return True
    return False


@compiled
def holds(shapes: Any, row: Whole, x: Whole, y: Whole) -> bool:
    """Whether a feature's shape, its border included, holds a position in 1e-7 degrees."""
    kinds, members, rings, vertices, degrees = shapes
    polygon = kinds[row] & 3 == POLYGON
    for member in range(members[row], members[row + 1]):
        first, last = rings[member], rings[member + 1]
        if not polygon:
            if _line_holds(degrees, vertices[first], vertices[last], x, y):
                return True
            continue
        place = _ring_place(degrees, vertices[first], vertices[first + 1], x, y)
        ring = first + 1
        while place == 1 and ring < last:
            place = -_ring_place(degrees, vertices[ring], vertices[ring + 1], x, y)
            ring += 1
        if place >= 0:
            return True
    return False


@compiled
def _edge_meets(ax: Whole, ay: Whole, bx: Whole, by: Whole, box: Any) -> bool:
    """Whether a segment meets a box (west, south, east, north), borders included."""
    west, south, east, north = box
    if max(ax, bx) < west or min(ax, bx) > east or max(ay, by) < south or min(ay, by) > north:
        return False
    if (west <= ax <= east and south <= ay <= north) or (west <= bx <= east and south <= by <= north):
        return True
    # Neither end inside: it meets the box when the corners are not all on one side of it.
    one = _side(ax, ay, bx, by, west, south)
    return not (
        one != 0
        and one == _side(ax, ay, bx, by, west, north)
        and one == _side(ax, ay, bx, by, east, south)
        and one == _side(ax, ay, bx, by, east, north)
    )


@compiled
def meets_box(shapes: Any, row: Whole, box: Any) -> bool:
    """Whether a feature's shape meets a box of 1e-7 degrees (west, south, east, north), borders included."""
    kinds, members, rings, vertices, degrees = shapes
    start, stop = rings[members[row]], rings[members[row + 1]]
    for ring in range(start, stop):
        first, last = vertices[ring], vertices[ring + 1]
        if last - first == 1 and (box[0] <= degrees[first, 0] <= box[2] and box[1] <= degrees[first, 1] <= box[3]):
            return True
        for vertex in range(first, last - 1):
            if _edge_meets(
                np.int64(degrees[vertex, 0]),
                np.int64(degrees[vertex, 1]),
                np.int64(degrees[vertex + 1, 0]),
                np.int64(degrees[vertex + 1, 1]),
                box,
            ):
                return True
    # No border in the box: the box lies inside of the shape, or apart from it.
    return kinds[row] & 3 == POLYGON and holds(shapes, row, box[0], box[1])


@compiled
def row_meets(boxes: Any, shapes: Any, row: Whole, outer: Any, inner: Any, box: Any) -> bool:
    """Whether a row's shape meets `box`; its own box on the grid decides most rows.

    `outer` surely holds `box` on the grid, `inner` is surely held by it.
    """
    west, north, east, south = boxes[row, 0], boxes[row, 1], boxes[row, 2], boxes[row, 3]
    if west > east or west > outer[2] or east < outer[0] or north > outer[3] or south < outer[1]:
        return False
    if west >= inner[0] and east <= inner[2] and north >= inner[1] and south <= inner[3]:
        return True
    return meets_box(shapes, row, box)


@compiled
def box_rows(tree: Any, shapes: Any, window: Any, most: int) -> Any:
    """Rows whose shapes meet a box, ascending, and their number.

    The number is exact; the rows are complete when they are not more than `most`. Nodes that lie inside of the box
    are counted without looking at their features, unless some feature has no shape: these are the last ones.
    """
    boxes, nodes, starts = tree
    outer, inner, box = window
    shapeless = len(boxes) > 0 and boxes[len(boxes) - 1, 0] > boxes[len(boxes) - 1, 2]
    found = np.empty(min(most, len(boxes)), np.int64)
    count = 0
    levels = len(starts) - 1
    stack = np.empty((NODE_SIZE * levels + 1, 2), np.int64)
    stack[0, 0], stack[0, 1] = levels - 1, 0
    depth = 1 if len(boxes) > 0 else 0
    while depth > 0:
        depth -= 1
        level, node = stack[depth, 0], stack[depth, 1]
        at = starts[level] + node
        west, north, east, south = nodes[at, 0], nodes[at, 1], nodes[at, 2], nodes[at, 3]
        if west > outer[2] or east < outer[0] or north > outer[3] or south < outer[1]:
            continue
        inside = west >= inner[0] and east <= inner[2] and north >= inner[1] and south <= inner[3]
        if level > 0 and not (inside and not shapeless):
            size = starts[level] - starts[level - 1]
            for child in range(min(node * NODE_SIZE + NODE_SIZE, size) - 1, node * NODE_SIZE - 1, -1):
                stack[depth, 0], stack[depth, 1] = level - 1, child
                depth += 1
            continue
        first = node << (4 * (level + 1))
        last = min((node + 1) << (4 * (level + 1)), len(boxes))
        if inside and not shapeless and count >= most:
            count += last - first
            continue
        for row in range(first, last):
            if (inside and not shapeless) or row_meets(boxes, shapes, row, outer, inner, box):
                if count < most:
                    found[count] = row
                count += 1
    return found[: min(count, most)], count


@compiled
def degree_box_rows(tree: Any, shapes: Any, degrees: Any, most: int) -> Any:
    """As `box_rows`, for a box in degrees."""
    return box_rows(tree, shapes, window_of(*degrees), most)


@compiled
def point_rows(tree: Any, shapes: Any, longitude: float, latitude: float) -> Rows:
    """Rows whose shapes hold a position, ascending."""
    boxes, nodes, starts = tree
    position, _, (x, y, _, _) = window_of(longitude, latitude, longitude, latitude)
    found = np.empty(16, np.int64)
    count = 0
    levels = len(starts) - 1
    stack = np.empty((NODE_SIZE * levels + 1, 2), np.int64)
    stack[0, 0], stack[0, 1] = levels - 1, 0
    depth = 1 if len(boxes) > 0 else 0
    while depth > 0:
        depth -= 1
        level, node = stack[depth, 0], stack[depth, 1]
        # Level -1 are the features themselves.
        size = starts[level] - starts[level - 1] if level > 0 else len(boxes)
        for child in range(min(node * NODE_SIZE + NODE_SIZE, size) - 1, node * NODE_SIZE - 1, -1):
            box = nodes[starts[level - 1] + child] if level > 0 else boxes[child]
            if box[0] > position[2] or box[2] < position[0] or box[1] > position[3] or box[3] < position[1]:
                continue
            if level > 0:
                stack[depth, 0], stack[depth, 1] = level - 1, child
                depth += 1
            elif holds(shapes, child, x, y):
                if count == len(found):
                    found = np.concatenate((found, np.empty(count, np.int64)))
                found[count] = child
                count += 1
    return np.sort(found[:count])


@compiled
def filter_boxes(boxes: Any, shapes: Any, rows: Rows, outer: Any, inner: Any, box: Any) -> Rows:
    """The rows whose shapes meet a box."""
    found = np.empty(len(rows), np.int64)
    count = 0
    for row in rows:
        if row_meets(boxes, shapes, row, outer, inner, box):
            found[count] = row
            count += 1
    return found[:count]


@compiled
def first_in_box(boxes: Any, shapes: Any, order: Any, span: Any, window: Any, limit: int) -> Rows:
    """The first `limit` rows of ``order[start:stop]`` whose shapes meet a box; and how far it was read, last."""
    start, stop = span
    outer, inner, box = window
    found = np.empty(limit + 1, np.int64)
    count = 0
    place = start
    while place < stop and count < limit:
        row = np.int64(order[place])
        if row_meets(boxes, shapes, row, outer, inner, box):
            found[count] = row
            count += 1
        place += 1
    found[count] = place
    return found[: count + 1]
