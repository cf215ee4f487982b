"""Distances in metres on the CGCS2000 ellipsoid between a position and the shapes of a part, compiled.

The distance to a position is that of the mid-latitude formula: the differences of longitude and latitude times the
radii of curvature at the middle latitude (Bowring 1981 gives the error: of order (s/R)²/24, 1e-5 at 100 km); these
are taken from parabolas through three latitudes, as a sine a vertex would cost more than all the rest. Edges are
straight in longitude and latitude, as everywhere here; they are taken in pieces of at most 0.002°, where that and
a straight line on the ellipsoid differ by less than 2 mm. Compared with geodesics (Karney) the distance is right
within 0.1 % or 2 cm, up to `MOST_METRES` and between 85° south and north; the positions
themselves are whole 1e-7 degrees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.compiled import compiled
from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.part import POINT, POLYGON, Part
from geoplan.query.boxes import kernel_shapes, kernel_tree
from geoplan.query.kernels import Rows, box_rows, holds, units, window_of
from geoplan.query.shapes import boxes_of

MOST_METRES = 100_000.0
"""Largest radius of a question."""
_AXIS_M = 6_378_137.0
_SQUARED = 0.006694380022900788
"""Semi-major axis and squared eccentricity of CGCS2000 (GB 22021); f = 1/298.257222101."""
_RADIANS = math.pi / 180 / DEGREE_UNITS
_PIECE = 20_000.0
"""Longest piece of an edge, in 1e-7 degrees."""
_FEW = 4096
"""Candidates of a circle up to which they are collected at once."""
_LEAST_REACH = 10_000.0
"""Latitudes that are nearer to each other (1e-7 degrees) leave too few digits for the curve of the scales."""


@compiled
def _scales(y: float) -> Any:
    """Metres to the east and to the north of 1e-7 degrees at the latitude y."""
    sine = math.sin(y * _RADIANS)
    squared = 1.0 - _SQUARED * sine * sine
    east = _RADIANS * _AXIS_M / math.sqrt(squared) * math.cos(y * _RADIANS)
    north = _RADIANS * _AXIS_M * (1.0 - _SQUARED) / (squared * math.sqrt(squared))
    return east, north


@compiled
def _origin(x0: float, y0: float, reach: float) -> Any:
    """A position and the two scales as parabolas of the middle latitude's distance to it.

    They are exact at ``y0 - reach``, ``y0`` and ``y0 + reach`` and, with `reach` at most half a degree, right within
    1e-7 between (the third derivative of the cosine, times reach³ / 15.6).
    """
    low_east, low_north = _scales(y0 - reach)
    east, north = _scales(y0)
    high_east, high_north = _scales(y0 + reach)
    to_east = east, (high_east - low_east) / (2 * reach), (high_east + low_east - 2 * east) / (2 * reach * reach)
    to_north = north, (high_north - low_north) / (2 * reach), (high_north + low_north - 2 * north) / (2 * reach * reach)
    return x0, y0, to_east, to_north


@compiled
def _plane(x: float, y: float, origin: Any) -> Any:
    """Metres to the east and north of the origin, from 1e-7 degrees."""
    x0, y0, to_east, to_north = origin
    up = (y - y0) * 0.5
    east = (x - x0) * (to_east[0] + up * (to_east[1] + up * to_east[2]))
    north = (y - y0) * (to_north[0] + up * (to_north[1] + up * to_north[2]))
    return east, north


@compiled
def _to_piece(ax: float, ay: float, bx: float, by: float) -> float:
    """Distance of the origin to a straight piece, squared."""
    dx, dy = bx - ax, by - ay
    length = dx * dx + dy * dy
    share = 0.0 if length == 0.0 else min(max(-(ax * dx + ay * dy) / length, 0.0), 1.0)
    x, y = ax + share * dx, ay + share * dy
    return x * x + y * y


@compiled
def _clip(start: float, change: float, low: float, high: float, span: Any) -> Any:
    """The shares of an edge at which one coordinate is between two bounds."""
    first, last = span
    if change == 0.0:
        return (first, last) if low <= start <= high else (1.0, 0.0)
    one, two = (low - start) / change, (high - start) / change
    return max(first, min(one, two)), min(last, max(one, two))


@compiled
def _to_edge(a: Any, b: Any, origin: Any, box: Any) -> float:
    """Distance of the origin to the part of an edge in the box, squared; infinite if there is none."""
    ax, ay = np.float64(a[0]), np.float64(a[1])
    dx, dy = np.float64(b[0]) - ax, np.float64(b[1]) - ay
    bx, by = ax + dx, ay + dy
    first, last = 0.0, 1.0
    if min(ax, bx) < box[0] or max(ax, bx) > box[2] or min(ay, by) < box[1] or max(ay, by) > box[3]:
        first, last = _clip(ay, dy, box[1], box[3], _clip(ax, dx, box[0], box[2], (0.0, 1.0)))
        if first > last:
            return np.inf
    pieces = np.int64((last - first) * max(abs(dx), abs(dy)) / _PIECE) + 1
    best = np.inf
    ex, ey = _plane(ax + first * dx, ay + first * dy, origin)
    for piece in range(pieces):
        share = first + (last - first) * (piece + 1) / pieces
        fx, fy = _plane(ax + share * dx, ay + share * dy, origin)
        best = min(best, _to_piece(ex, ey, fx, fy))
        ex, ey = fx, fy
    return best


@compiled
def _to_chain(degrees: Any, first: int, last: int, origin: Any, box: Any) -> float:
    """Distance of the origin to a chain of vertices, as far as that is in the box, squared."""
    west, south, east, north = box
    best = np.inf
    ax, ay, ex, ey, was_inside = 0.0, 0.0, 0.0, 0.0, False
    for vertex in range(first, last):
        bx, by = np.float64(degrees[vertex, 0]), np.float64(degrees[vertex, 1])
        fx, fy = _plane(bx, by, origin)
        inside = west <= bx <= east and south <= by <= north
        # Most edges are short and lie in the box: they need no more than their two ends.
        if was_inside and inside and max(abs(bx - ax), abs(by - ay)) < _PIECE:
            best = min(best, _to_piece(ex, ey, fx, fy))
        elif vertex > first:
            best = min(best, _to_edge(degrees[vertex - 1], degrees[vertex], origin, box))
        ax, ay, ex, ey, was_inside = bx, by, fx, fy, inside
    return best


@compiled
def _row_distance(shapes: Any, row: int, origin: Any, box: Any) -> float:
    """Distance in metres of the origin to a feature's shape, as far as that is in the box; 0 inside of a polygon."""
    kinds, members, rings, vertices, degrees = shapes
    kind = kinds[row] & 3
    if kind == POLYGON and holds(shapes, row, np.int64(origin[0]), np.int64(origin[1])):
        return 0.0
    best = np.inf
    for ring in range(rings[members[row]], rings[members[row + 1]]):
        first, last = vertices[ring], vertices[ring + 1]
        if kind == POINT or last - first == 1:
            for vertex in range(first, last):
                east, north = _plane(np.float64(degrees[vertex, 0]), np.float64(degrees[vertex, 1]), origin)
                best = min(best, east * east + north * north)
            continue
        best = min(best, _to_chain(degrees, first, last, origin, box))
    return math.sqrt(best)


@compiled
def _within(tree: Any, shapes: Any, degrees: Any, position: Any, radius_m: float) -> Any:
    """Rows whose shapes meet a box in degrees and come within a radius of a position, and their distances."""
    window = window_of(*degrees)
    rows, total = box_rows(tree, shapes, window, _FEW)
    if total > _FEW:
        rows, _ = box_rows(tree, shapes, window, total)
    x0, y0 = units(position[0]), units(position[1])
    west, south, east, north = window[2]
    box = (np.float64(west), np.float64(south), np.float64(east), np.float64(north))
    reach = max((box[3] - y0) * 0.5, (y0 - box[1]) * 0.5, _LEAST_REACH)
    origin = _origin(np.float64(x0), np.float64(y0), reach)
    found = np.empty(len(rows), np.int64)
    distances = np.empty(len(rows), np.float64)
    count = 0
    for row in rows:
        distance = _row_distance(shapes, row, origin, box)
        if distance <= radius_m:
            found[count], distances[count] = row, distance
            count += 1
    return found[:count], distances[:count]


def circle_box(longitude: float, latitude: float, radius_m: float) -> tuple[float, float, float, float]:
    """A box in degrees that surely holds the circle; west is greater than east across the antimeridian."""
    # The smallest radii of curvature: along the meridian at the equator, and one in a thousand to spare.
    half_height = math.degrees(radius_m / (_AXIS_M * (1 - _SQUARED))) * 1.001 + 2e-7
    south, north = latitude - half_height, latitude + half_height
    cosine = math.cos(math.radians(min(max(abs(south), abs(north)), 90.0)))
    half_width = 180.0 if cosine < 1e-3 else math.degrees(radius_m / (_AXIS_M * cosine)) * 1.001 + 2e-7
    if half_width >= 180.0:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    west, east = longitude - half_width, longitude + half_width
    if west < -180.0:
        west += 360.0
    if east > 180.0:
        east -= 360.0
    return west, max(south, -90.0), east, min(north, 90.0)


def rows_near(part: Part, longitude: float, latitude: float, radius_m: float) -> tuple[Rows, NDArray[np.float64]]:
    """Rows whose shapes come within a radius of a position, ascending, and their distances in metres.

    Parameters
    ----------
    part
        The part.
    longitude, latitude
        The position in degrees.
    radius_m
        Metres on the ellipsoid, up to `MOST_METRES`.
    """
    found: list[tuple[Rows, NDArray[np.float64]]] = []
    for box in boxes_of(circle_box(longitude, latitude, radius_m)):
        # On the other side of the antimeridian the position has another longitude.
        turn = 360.0 if longitude < box[0] else -360.0 if longitude > box[2] else 0.0
        position = longitude + turn, float(latitude)
        found.append(_within(kernel_tree(part), kernel_shapes(part), box, position, float(radius_m)))
    if len(found) > 1:
        rows, distances = zip(*found, strict=True)
        return _joined(np.concatenate(rows), np.concatenate(distances))
    return found[0]


def _joined(rows: Rows, distances: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    """Each row once, with the smaller distance."""
    order = np.lexsort((distances, rows))
    rows, distances = rows[order], distances[order]
    kept = np.ones(len(rows), bool)
    kept[1:] = rows[1:] != rows[:-1]
    return rows[kept], distances[kept]
