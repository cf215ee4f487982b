"""Features that lie in a division: those that have its code, and those without a code by their shape."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import shapely

from geoplan.codes import prefix
from geoplan.errors import QueryError
from geoplan.query import division_of
from geoplan.query.filters import Filter, compile_filter
from services.api.catalog import Shelf
from services.api.collection import Collection

CODE = "division_code"
SOURCE = "geometry_source"
_SCHEMATIC = "schematic"
_MOST_VERTICES = 8000
_SHAPE = {"property": "geometry"}


class Within(NamedTuple):
    """The condition.

    Attributes
    ----------
    kept
        Features in the division.
    excluded
        Features that would be, but are drawn schematically: they say nothing of a place on the ground. None where
        there are none of that kind.
    """

    kept: Filter
    excluded: Filter | None


def within_division(shelf: Shelf, collection: Collection, text: str) -> Within:
    """The condition that features lie in the division that a code or name means.

    Raises
    ------
    PlaceError
        If the text means no division, or several.
    QueryError
        If there is no build whose names it could be one of, or the features can only be placed by the shape of a
        division that is not drawn.
    """
    if shelf.snapshot is None:
        raise QueryError("within: there is no build here, so no division is known")
    division = division_of(shelf.snapshot.gazetteer, text)
    codes = tuple(division.members) or (division.code,)
    names = collection.names
    area = shelf.snapshot.division_area(division.code)
    if CODE not in names:
        if area is None:
            raise QueryError(f"within: {division.name} is not drawn, and these features have no codes of divisions")
        return Within(_compiled(collection, _inside(area)), None)
    by_code = [{"op": "like", "args": [{"property": CODE}, f"{prefix(code)}%"]} for code in codes]
    if area is None:
        return Within(_compiled(collection, _any(by_code)), None)
    by_shape = [{"op": "isNull", "args": [{"property": CODE}]}, _inside(area)]
    if SOURCE not in names:
        return Within(_compiled(collection, _any([*by_code, _all(by_shape)])), None)
    drawn = {"op": "<>", "args": [{"property": SOURCE}, _SCHEMATIC]}
    vague = {"op": "=", "args": [{"property": SOURCE}, _SCHEMATIC]}
    kept = _any([*by_code, _all([*by_shape, drawn])])
    return Within(_compiled(collection, kept), _compiled(collection, _all([*by_shape, vague])))


def _inside(area: Any) -> dict[str, Any]:
    """The shape lies within an area, which is drawn with fewer positions where it has too many for a filter."""
    tolerance = 1e-4
    while shapely.get_num_coordinates(area) > _MOST_VERTICES:
        area = shapely.simplify(area, tolerance)
        tolerance *= 4
    return {"op": "s_within", "args": [_SHAPE, orjson.loads(shapely.to_geojson(area))]}


def _any(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return conditions[0] if len(conditions) == 1 else {"op": "or", "args": conditions}


def _all(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"op": "and", "args": conditions}


def _compiled(collection: Collection, tree: dict[str, Any]) -> Filter:
    return compile_filter(tree, pack=collection.pack, language="cql2-json")
