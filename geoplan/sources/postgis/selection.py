"""Which rows of a relation are asked for, as SQL that leaves out no row that answers.

The database only narrows down: it compares boxes, ids and the attributes whose equality it
understands as the library does. What a box or filter means exactly is decided afterwards, on the
same arrays and by the same code as for a pack.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from geoplan.crs import STORAGE, Bounds, transformer
from geoplan.errors import QueryError
from geoplan.pack.mercator import WORLD_BITS, from_mercator
from geoplan.sources.postgis.relation import Relation, SourceColumn, quoted
from geoplan.sources.postgis.rows import version_text

MARGIN_DEGREES = 2e-7
"""More than the rounding of positions to the grids of a pack (1e-7 degrees, 9 mm)."""
_MARGIN_SHARE = 0.01
"""Added to a box in another CRS, whose sides are bent: far more than their bend between 21 points a side."""
_INT64 = 2**63


@dataclass(frozen=True, slots=True)
class Selection:
    """Rows that are asked for; everything that is given must hold.

    Attributes
    ----------
    box
        West, south, east, north in degrees; west > east crosses the 180th meridian.
    ids
        Ids of features.
    equal
        Values by column; None: the value is missing. Those for which `is_pushable` is false do not narrow down.
    after
        Only features with a greater id.
    or_missing
        Whether rows without a shape are asked for beside those in the box.
    """

    box: tuple[float, float, float, float] | None = None
    ids: tuple[int, ...] | None = None
    equal: Mapping[str, Any] = field(default_factory=dict)
    after: int | None = None
    or_missing: bool = False


def box_of_tile(z: int, x: int, y: int, *, buffer: int = 64, extent: int = 4096) -> Bounds:
    """West, south, east, north in degrees of a tile with its buffer, a unit more for the rounding to units."""
    size = 1 << (WORLD_BITS - z)
    margin = -(-size * (buffer + 2) // extent) + 1
    last = 2 ** (WORLD_BITS - 1)
    corners = np.array([[x * size - margin, (y + 1) * size + margin], [(x + 1) * size + margin, y * size - margin]])
    west_south, east_north = from_mercator(np.clip(corners - last, -last, last - 1))
    return Bounds(*(float(value) for value in (*west_south, *east_north)))


def is_pushable(column: SourceColumn, value: object) -> bool:
    """Whether the database can compare the column with a value exactly as the library does."""
    if value is None:
        # Dates beyond the calendar and numbers that are none are missing here and present there.
        return column.type in {"string", "integer", "boolean"}
    if not column.pushable:
        return False
    if column.type == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64
    if column.type == "number":
        return isinstance(value, float) and np.isfinite(value).item()
    if column.type == "boolean":
        return isinstance(value, bool)
    return isinstance(value, str) and "\0" not in value


class Conditions:
    """A WHERE clause and its parameters."""

    def __init__(self) -> None:
        self.arguments: list[Any] = []
        self._clauses: list[str] = []

    def parameter(self, value: object, type_: str) -> str:
        """A placeholder for a value."""
        self.arguments.append(value)
        return f"${len(self.arguments)}::{type_}"

    def add(self, clause: str) -> None:
        """Require a clause too."""
        self._clauses.append(clause)

    @property
    def sql(self) -> str:
        """`` WHERE ...``, or nothing."""
        return " WHERE " + " AND ".join(f"({clause})" for clause in self._clauses) if self._clauses else ""


def conditions(relation: Relation, selection: Selection) -> Conditions:
    """Conditions of all rows that may answer.

    Raises
    ------
    QueryError
        If ids are asked for of a relation without, or a column is not there.
    """
    where = Conditions()
    if selection.ids is not None or selection.after is not None:
        if relation.id_column is None:
            raise QueryError(f"{relation.name} has no column of ids; declare one to ask by id.")
        key = f"t.{quoted(relation.id_column)}"
        if selection.ids is not None:
            known = sorted({number for number in selection.ids if -_INT64 <= number < _INT64})
            where.add(f"{key} = ANY({where.parameter(known, 'int8[]')})")
        if selection.after is not None:
            where.add(f"{key} > {where.parameter(min(max(selection.after, -_INT64), _INT64 - 1), 'int8')}")
    if selection.box is not None:
        _touch(where, relation, selection.box, or_missing=selection.or_missing)
    for name, value in selection.equal.items():
        _equal(where, relation, name, value)
    return where


def inside(where: Conditions, relation: Relation, box: tuple[float, float, float, float], *, wanted: bool) -> None:
    """Require that a shape's box is within `box` for sure, so that nothing is left to decide (or that it is not)."""
    shape, shrunk = relation.shape, _narrow(box)
    if relation.crs is not None or shrunk is None:
        clause = "false"
    else:
        clause = f"{shape} @ {_envelope(where, relation, shrunk)} AND NOT ST_IsEmpty({shape})"
    where.add(clause if wanted else f"({clause}) IS NOT TRUE")


def nearest_first(where: Conditions, relation: Relation, place: tuple[float, float]) -> str:
    """`` ORDER BY`` that lets the index give rows near a place (degrees) first; near in degrees or in the plane.

    The order is no more than a good guess of that on the ground, and empty where the relation's CRS has no such place.
    """
    x, y = place if relation.crs is None else transformer(STORAGE, relation.crs).transform(*place)
    if not (np.isfinite(x) and np.isfinite(y)):
        return ""
    srid = f"ST_SRID({relation.shape})" if relation.mixed_srid else str(relation.srid)
    point = f"ST_SetSRID(ST_MakePoint({where.parameter(x, 'float8')}, {where.parameter(y, 'float8')}), {srid})"
    if relation.is_geography:
        return f" ORDER BY t.{quoted(relation.geometry)} <-> {point}::geography"
    return f" ORDER BY {relation.shape} <-> {point}"


def _equal(where: Conditions, relation: Relation, name: str, value: object) -> None:
    try:
        column = relation.column(name)
    except KeyError:
        raise QueryError(f"{relation.name} has no attribute {name!r}.") from None
    if not is_pushable(column, value):
        return
    types = {"integer": "int8", "number": "float8", "boolean": "bool", "string": "text"}
    tested = f"t.{quoted(name)}"
    where.add(f"{tested} IS NULL" if value is None else f"{tested} = {where.parameter(value, types[column.type])}")


def _touch(where: Conditions, relation: Relation, box: tuple[float, float, float, float], *, or_missing: bool) -> None:
    west, south, east, north = box
    boxes = [box] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]
    clauses = []
    for part in boxes:
        widened = _widened(relation, part)
        if widened is None:
            return
        clauses.append(f"{relation.shape} && {_envelope(where, relation, widened)}")
    if or_missing:
        clauses.append(f"t.{quoted(relation.geometry)} IS NULL")
    where.add(" OR ".join(clauses))


def _envelope(where: Conditions, relation: Relation, box: tuple[float, ...]) -> str:
    numbers = ", ".join(where.parameter(float(value), "float8") for value in box)
    srid = f"ST_SRID({relation.shape})" if relation.mixed_srid else str(relation.srid)
    return f"ST_MakeEnvelope({numbers}, {srid})"


def _widened(relation: Relation, box: tuple[float, ...]) -> tuple[float, ...] | None:
    """A box in the relation's CRS that holds the one in degrees with all roundings; None: the whole world."""
    west, south, east, north = box
    margin = MARGIN_DEGREES
    wide = (west - margin, south - margin, east + margin, north + margin)
    if relation.crs is None:
        return wide
    # Beyond the poles no projection answers.
    wide = (wide[0], max(wide[1], -90.0), wide[2], min(wide[3], 90.0))
    found = transformer(STORAGE, relation.crs).transform_bounds(*wide, densify_pts=21, errcheck=False)
    if not np.all(np.isfinite(found)) or found[0] > found[2]:
        return None
    share = max(found[2] - found[0], found[3] - found[1]) * _MARGIN_SHARE
    return (found[0] - share, found[1] - share, found[2] + share, found[3] + share)


def _narrow(box: tuple[float, float, float, float]) -> tuple[float, ...] | None:
    west, south, east, north = box
    margin = MARGIN_DEGREES
    narrow = (west + margin, south + margin, east - margin, north - margin)
    return narrow if narrow[0] < narrow[2] and narrow[1] < narrow[3] else None


def version_sql(relation: Relation, where: Conditions, mark: str) -> str:
    """SQL of count and sum of marks; `version_of` makes the version of its row."""
    return f"SELECT count(*), coalesce(sum(({mark})::numeric), 0)::text FROM {relation.sql} AS t{where.sql}"  # noqa: S608


def version_of(row: Any) -> str:
    """The version that a row of `version_sql` tells."""
    return version_text(row[0], int(row[1]))
