"""Shapes in filters: read from GeoJSON in the filter's system, and related to the shapes of a part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.crs import DISPLAY, STORAGE, WEB_MERCATOR, transformer
from geoplan.errors import QueryError
from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.part import MULTI, NONE, POLYGON, Part
from geoplan.query.language import MOST_VERTICES

CRS84 = "CRS84"
SYSTEMS = (CRS84, DISPLAY, STORAGE, WEB_MERCATOR)
"""Systems of the positions in a question."""
_TYPES = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
_MOST_NESTED = 4
Box = tuple[float, float, float, float]

RELATIONS: dict[str, Callable[..., NDArray[np.bool_]]] = {
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "equals": shapely.equals,
    "touches": shapely.touches,
    "within": shapely.within,
    "contains": shapely.contains,
    "overlaps": shapely.overlaps,
    "crosses": shapely.crosses,
}
CONVERSE = {"within": "contains", "contains": "within"}
"""The relation of b to a, where it is not that of a to b."""


def to_degrees(positions: NDArray[np.float64], crs: str) -> NDArray[np.float64]:
    """Longitudes and latitudes (n, 2) of positions in a system's own axis order.

    Raises
    ------
    QueryError
        If the system is unknown, or a position lies beyond 180° or 90°.
    """
    if crs not in SYSTEMS:
        raise QueryError(f"positions in {crs!r} are not read; use one of {', '.join(SYSTEMS)}.")
    if not np.isfinite(positions).all():
        raise QueryError("a position is not a finite number.")
    if crs == WEB_MERCATOR:
        degrees = np.column_stack(transformer(WEB_MERCATOR, STORAGE).transform(positions[:, 0], positions[:, 1]))
    else:
        degrees = positions if crs == CRS84 else positions[:, ::-1]
    wrong = ~((np.abs(degrees[:, 0]) <= 180) & (np.abs(degrees[:, 1]) <= 90))
    if wrong.any():
        x, y = positions[int(np.argmax(wrong))]
        order = {CRS84: "longitude, latitude", WEB_MERCATOR: "metres to the east and north"}
        raise QueryError(f"{x:g} {y:g} is no position in {crs} ({order.get(crs, 'latitude, longitude')}).")
    # As the shapes of a pack: so that what touches or equals does so in the whole 1e-7 degrees that are kept.
    return np.asarray(np.rint(degrees * DEGREE_UNITS) / DEGREE_UNITS)


def box_of(numbers: list[float], crs: str) -> Box:
    """West, south, east, north in degrees of a box of four or six numbers; west may be greater than east.

    Raises
    ------
    QueryError
        If the numbers are not a box.
    """
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4:
        raise QueryError(f"a box has 4 or 6 numbers, not {len(numbers)}.")
    west, south, east, north = numbers
    if crs == CRS84 and abs(west) <= 180 and abs(south) <= 90 and abs(east) <= 180 and abs(north) <= 90:
        # What `to_degrees` does, without arrays: the usual question of a map is to be answered at once.
        west, south, east, north = [round(number * DEGREE_UNITS) / DEGREE_UNITS for number in numbers]
    else:
        (west, south), (east, north) = to_degrees(np.array(numbers, np.float64).reshape(2, 2), crs).tolist()
    if south > north:
        raise QueryError(f"the south of the box ({south:g}) is greater than its north ({north:g}).")
    return west, south, east, north


def boxes_of(box: Box) -> list[Box]:
    """The box, or the two that it is made of where it crosses the antimeridian."""
    west, south, east, north = box
    if west <= east:
        return [box]
    return [(west, south, 180.0, north), (-180.0, south, east, north)]


def box_shape(box: Box) -> shapely.Geometry:
    """A box as a polygon; as two across the antimeridian, and as a line or point where it has no width."""
    found: list[shapely.Geometry] = []
    for west, south, east, north in boxes_of(box):
        if west < east and south < north:
            found.append(shapely.box(west, south, east, north))
        else:
            found.append(
                shapely.LineString([(west, south), (east, north)])
                if (west, south) != (east, north)
                else shapely.Point(west, south)
            )
    return found[0] if len(found) == 1 else shapely.union_all(found)


def read_shape(tree: dict[str, Any], crs: str, room: list[int]) -> tuple[shapely.Geometry, Box | None]:
    """A shape of GeoJSON or ``{"bbox": [...]}`` in degrees, and the box that it is.

    Parameters
    ----------
    tree
        The object.
    crs
        System of its positions.
    room
        How many positions are still allowed; counted down.

    Raises
    ------
    QueryError
        If it is no shape, not valid, or has too many positions.
    """
    if "bbox" in tree:
        numbers = tree["bbox"]
        if not isinstance(numbers, list) or not all(_is_number(one) for one in numbers):
            raise QueryError("a box is a list of numbers.")
        box = box_of(numbers, crs)
        return box_shape(box), box
    return _geojson(tree, crs, room, 0), None


def _geojson(tree: Any, crs: str, room: list[int], level: int) -> shapely.Geometry:
    kind = tree.get("type") if isinstance(tree, dict) else None
    if kind not in _TYPES or level > _MOST_NESTED:
        raise QueryError(f"{str(kind)[:40]!r} is no type of geometry; use one of {', '.join(_TYPES)}.")
    if kind == "GeometryCollection":
        members = tree.get("geometries")
        if not isinstance(members, list) or len(members) > MOST_VERTICES:
            raise QueryError("a GeometryCollection has a list of geometries.")
        return shapely.GeometryCollection([_geojson(one, crs, room, level + 1) for one in members])
    coordinates = _positions(tree.get("coordinates"), room, _MOST_NESTED)
    try:
        shape = shapely.from_geojson(_text({"type": kind, "coordinates": coordinates}))
    except shapely.GEOSException:
        raise QueryError(f"the coordinates are not those of a {kind}.") from None
    moved = shapely.transform(shapely.force_2d(shape), lambda xy: to_degrees(xy, crs) if len(xy) else xy)
    if not shapely.is_valid(moved):
        raise QueryError(f"the {kind} is not valid: {shapely.is_valid_reason(moved)}.")
    return moved


def _text(value: Any) -> bytes:
    import orjson

    return orjson.dumps(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _positions(value: Any, room: list[int], level: int) -> Any:
    """The coordinates, once they are known to be numbers in lists, not too deep and not too many."""
    if not isinstance(value, list) or level == 0:
        raise QueryError("the coordinates of a shape are lists of numbers.")
    if value and all(_is_number(one) for one in value):
        room[0] -= 1
        if room[0] < 0:
            raise QueryError(f"the shapes have more than {MOST_VERTICES} positions; simplify them.")
        if len(value) not in (2, 3):
            raise QueryError("a position has two or three numbers.")
        return value[:2]
    return [_positions(one, room, level - 1) for one in value]


def shapes_of(part: Part, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Geometries of shapely in degrees of the rows, None where there is none."""
    shape = part.geometry
    found = np.full(len(rows), None, object)
    kinds = shape.kinds[rows]
    for kind in np.unique(kinds & 3):
        if kind == NONE:
            continue
        chosen = np.flatnonzero(kinds & 3 == kind)
        made = _collected(shape, rows[chosen], int(kind))
        single = kinds[chosen] & MULTI == 0
        made[single] = shapely.get_geometry(made[single], 0)
        found[chosen] = made
    return found


def _spread(offsets: NDArray[np.int32], items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Children of the items one after another, and where those of each begin."""
    starts, stops = offsets[items].astype(np.int64), offsets[items + 1].astype(np.int64)
    lengths = stops - starts
    begins = np.zeros(len(items) + 1, np.int64)
    np.cumsum(lengths, out=begins[1:])
    return np.arange(begins[-1]) + np.repeat(starts - begins[:-1], lengths), begins


def _collected(shape: Any, rows: NDArray[np.int64], kind: int) -> NDArray[Any]:
    """Multi-geometries of the rows, which are all of one kind."""
    members, by_feature = _spread(shape.members, rows)
    rings, by_member = _spread(shape.rings, members)
    vertices, by_ring = _spread(shape.vertices, rings)
    degrees = shape.degrees[vertices] / DEGREE_UNITS
    names = shapely.GeometryType
    if kind == POLYGON:
        return np.asarray(shapely.from_ragged_array(names.MULTIPOLYGON, degrees, (by_ring, by_member, by_feature)))
    if kind == 1:
        return np.asarray(shapely.from_ragged_array(names.MULTIPOINT, degrees, (by_feature,)))
    return np.asarray(shapely.from_ragged_array(names.MULTILINESTRING, degrees, (by_ring, by_feature)))
