"""What a table, view or query offers: its geometry, its columns, its key, and the SQL that reads them.

Names come from the database or from a declaration and are always quoted; values are always
parameters. A query is the declaring person's own SQL and runs in a read-only transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from geoplan.errors import CRSError, SourceError

if TYPE_CHECKING:
    import asyncpg

DEGREES = (4326, 4490)
"""SRIDs whose positions are taken as they are: WGS 84 and CGCS2000 differ by less than a metre."""
MAX_COLUMNS = 500
_PART = r'"(?:[^"]|"")+"|[^".]+'
_NAME = re.compile(rf"(?:({_PART})\.)?({_PART})\Z")
_SPATIAL = ("geometry", "geography")
_INTEGERS = ("int2", "int4", "int8")
_LEFT_OUT = {"bytea", "raster", "box2d", "box3d", "tsvector", "tsquery", "refcursor", "unknown", *_SPATIAL}
_PLAIN = {
    **{name: ("integer", pa.int64(), True) for name in _INTEGERS},
    "bool": ("boolean", pa.bool_(), True),
    "float8": ("number", pa.float64(), True),
    # A numeric may have more digits than the double it is read as, a real has fewer.
    "float4": ("number", pa.float64(), False),
    "numeric": ("number", pa.float64(), False),
}
"""Type, type of values and whether equality is the same, by PostgreSQL's name."""
_CALENDAR = {
    "date": ("date", pa.date32(), "0001-01-01", "9999-12-31"),
    "timestamp": ("datetime", pa.timestamp("us"), "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "timestamptz": (
        "datetime", pa.timestamp("us", tz="UTC"), "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00",
    ),
}  # fmt: skip
Types = dict[str, tuple[str, str]]
"""Name and kind of the type of each column."""
_STRAIGHT = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """An attribute as it is read.

    Attributes
    ----------
    name, type
        As in `geoplan.pack.part.Column`.
    sql
        Expression over the alias ``t`` whose values are of `arrow` type.
    pushable
        Whether PostgreSQL's ``=`` means the same as equality of the values read.
    """

    name: str
    type: str
    sql: str
    arrow: pa.DataType
    pushable: bool


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or query that has a geometry.

    Attributes
    ----------
    name
        For messages.
    sql
        What stands after FROM: a quoted name or a query in parentheses.
    oid
        Of the table or view; 0 for a query.
    geometry, is_geography, may_curve
        Column of the shapes; `may_curve`: nothing keeps curves out.
    srid, mixed_srid
        CRS of the positions; `mixed_srid`: nothing keeps rows with another one out.
    crs
        The CRS for pyproj (``EPSG:n`` or WKT); None: degrees already.
    id_column, unique
        Column of the features' ids (None: rows are numbered in the order read), and whether the
        database vouches that it has no repetition.
    order
        Quoted columns that give rows a fixed order; empty where there is no key.
    columns, left_out
        Attributes, without the ids, and the names of columns of types that no feature can carry.
    rows
        Estimated number of rows.
    has_xmin
        Whether rows tell the transaction that wrote them.
    """

    name: str
    sql: str
    oid: int
    geometry: str
    is_geography: bool
    may_curve: bool
    srid: int
    mixed_srid: bool
    crs: str | None
    id_column: str | None
    unique: bool
    order: tuple[str, ...]
    columns: tuple[SourceColumn, ...]
    left_out: tuple[str, ...]
    rows: int
    has_xmin: bool

    @property
    def shape(self) -> str:
        """The geometry as a planar one, over the alias ``t``."""
        return f"t.{quoted(self.geometry)}" + ("::geometry" if self.is_geography else "")

    def column(self, name: str) -> SourceColumn:
        """The column of a name; raises `KeyError`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a declaration says of a relation; None and empty: what the database says.

    Attributes
    ----------
    table
        ``table`` or ``schema.table``, as the database spells it; quote parts that have dots.
    query
        A SELECT in the table's place.
    geometry, id_column, columns
        Names of columns.
    srid
        Of positions whose column states none.
    """

    table: str | None = None
    query: str | None = None
    geometry: str | None = None
    id_column: str | None = None
    columns: tuple[str, ...] = field(default=())
    srid: int | None = None

    @property
    def shown(self) -> str:
        """The relation, for messages."""
        return f"the table {self.table}" if self.table else "the query"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    if "\0" in name or not name:
        raise SourceError(f"{name!r} is no name of a column or table.")
    return '"' + name.replace('"', '""') + '"'


def table_sql(name: str) -> str:
    """``schema.table`` as quoted SQL; a part in double quotes may have dots."""
    found = _NAME.match(name.strip())
    if found is None:
        raise SourceError(f"{name!r} is no table; write table or schema.table.")
    parts = [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in found.groups() if part]
    return ".".join(map(quoted, parts))


async def describe(connection: asyncpg.Connection[Any], wanted: Wanted) -> Relation:
    """Read what the database knows of a table, view or query.

    Raises
    ------
    SourceError
        If it is not there, has no geometry or several without a choice, or a named column is missing.
    CRSError
        If the positions' CRS is not stated or not usable.
    """
    sql, oid, kind = await _relation(connection, wanted)
    statement = await connection.prepare(f"SELECT t.* FROM {sql} AS t LIMIT 0")  # noqa: S608 - quoted
    types = _types(wanted, statement.get_attributes())
    geometry = _geometry_column(wanted, types)
    keys = await _keys(connection, oid) if oid else []
    id_column, unique = _id_column(wanted, types, keys)
    srid, mixed, curved = await _srid(connection, wanted, sql, oid, geometry)
    columns, left_out = await _columns(connection, wanted, types, oid, id_column)
    order = next((tuple(map(quoted, names)) for primary, names in keys if primary), ())
    crs = await _crs(connection, wanted, srid)
    return Relation(
        name=wanted.shown, sql=sql, oid=oid, geometry=geometry, is_geography=types[geometry][0] == "geography",
        may_curve=curved, srid=srid, mixed_srid=mixed, crs=crs, id_column=id_column, unique=unique,
        order=order, columns=columns, left_out=left_out,
        rows=await _estimate(connection, sql), has_xmin=kind in {"r", "p", "m"},
    )  # fmt: skip


async def _relation(connection: asyncpg.Connection[Any], wanted: Wanted) -> tuple[str, int, str]:
    if wanted.query:
        query = wanted.query.strip().rstrip(";").rstrip()
        # On lines of its own: a comment at the query's end does not swallow the parenthesis.
        return f"(\n{query}\n)", 0, ""
    if not wanted.table:
        raise SourceError("neither a table nor a query is named.")
    sql = table_sql(wanted.table)
    row = await connection.fetchrow(
        "SELECT oid::int8 AS oid, relkind::text AS kind FROM pg_class WHERE oid = to_regclass($1)", sql
    )
    if row is None or row["kind"] not in {"r", "v", "m", "p", "f"}:
        raise SourceError(f"there is no table {wanted.table} in the database; check its name and schema.")
    return sql, row["oid"], row["kind"]


def _types(wanted: Wanted, attributes: Sequence[Any]) -> Types:
    """Name and kind of the type of each column."""
    names = [attribute.name for attribute in attributes]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise SourceError(f"{wanted.shown} has two columns {min(repeated)!r}; give them different names.")
    if len(names) > MAX_COLUMNS:
        raise SourceError(f"{wanted.shown} has {len(names)} columns; name up to {MAX_COLUMNS} that are wanted.")
    for name in wanted.columns:
        if name not in names:
            raise SourceError(f"{wanted.shown} has no column {name!r}; it has {', '.join(names)}.")
    return {item.name: (item.type.name, item.type.kind) for item in attributes}


def _geometry_column(wanted: Wanted, types: Types) -> str:
    found = [name for name, (type_, _) in types.items() if type_ in _SPATIAL]
    if wanted.geometry:
        if wanted.geometry not in found:
            raise SourceError(f"{wanted.shown} has no geometry column {wanted.geometry!r}; it has {found}.")
        return wanted.geometry
    if len(found) != 1:
        several = f"several geometry columns ({', '.join(found)}); say which" if found else "no geometry column"
        raise SourceError(f"{wanted.shown} has {several}.")
    return found[0]


async def _srid(
    connection: asyncpg.Connection[Any], wanted: Wanted, sql: str, oid: int, geometry: str
) -> tuple[int, bool, bool]:
    """SRID of the positions, whether rows may have another one, and whether they may be curves."""
    stated, kind = 0, ""
    if oid:
        row = await connection.fetchrow(
            "SELECT postgis_typmod_srid(atttypmod) AS srid, postgis_typmod_type(atttypmod) AS kind FROM pg_attribute "
            "WHERE attrelid = $1::int8::oid AND attname = $2",
            oid, geometry,
        )  # fmt: skip
        stated, kind = row["srid"] or 0, row["kind"] or ""
    name = f"t.{quoted(geometry)}"
    seen = stated or await connection.fetchval(
        f"SELECT ST_SRID({name}::geometry) FROM {sql} AS t WHERE {name} IS NOT NULL LIMIT 1"  # noqa: S608
    ) or 0  # fmt: skip
    if seen and wanted.srid and wanted.srid != seen:
        raise CRSError(
            f"{wanted.shown} is in EPSG:{seen}, not EPSG:{wanted.srid} as declared; correct the declaration."
        )
    if not seen and not wanted.srid:
        raise CRSError(f"{wanted.shown} states no CRS (SRID 0); declare the one it is in, e.g. EPSG:4490.")
    return seen or wanted.srid or 0, not stated, kind.rstrip("ZM") not in _STRAIGHT


async def _crs(connection: asyncpg.Connection[Any], wanted: Wanted, srid: int) -> str | None:
    if srid in DEGREES:
        return None
    row = await connection.fetchrow("SELECT auth_name, auth_srid, srtext FROM spatial_ref_sys WHERE srid = $1", srid)
    if row is None:
        raise CRSError(f"{wanted.shown} has the SRID {srid}, which the database does not define.")
    return f"EPSG:{row['auth_srid']}" if row["auth_name"] == "EPSG" else str(row["srtext"])


async def _keys(connection: asyncpg.Connection[Any], oid: int) -> list[tuple[bool, list[str]]]:
    """Unique keys of a table, the primary one first: whether it is primary, and its columns in order."""
    rows = await connection.fetch(
        """
        SELECT i.indisprimary AS is_primary,
               (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
                FROM pg_attribute AS a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])) AS names
        FROM pg_index AS i
        WHERE i.indrelid = $1::int8::oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
              AND NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = i.indrelid
                              AND a.attnum = ANY(i.indkey::int2[]) AND NOT a.attnotnull)
        ORDER BY i.indisprimary DESC, i.indexrelid
        """,
        oid,
    )
    return [(row["is_primary"], list(row["names"] or [])) for row in rows]


def _id_column(wanted: Wanted, types: Types, keys: list[tuple[bool, list[str]]]) -> tuple[str | None, bool]:
    single = [names[0] for _, names in keys if len(names) == 1 and types[names[0]][0] in _INTEGERS]
    if wanted.id_column is None:
        primary = [names[0] for is_primary, names in keys if is_primary and names[0] in single and len(names) == 1]
        return (primary[0], True) if primary else (None, False)
    if wanted.id_column not in types:
        raise SourceError(f"{wanted.shown} has no column {wanted.id_column!r} for the ids.")
    if types[wanted.id_column][0] not in _INTEGERS:
        raise SourceError(f"the column {wanted.id_column!r} of {wanted.shown} has no whole numbers; ids need them.")
    return wanted.id_column, wanted.id_column in single


async def _columns(
    connection: asyncpg.Connection[Any],
    wanted: Wanted,
    types: Types,
    oid: int,
    id_column: str | None,
) -> tuple[tuple[SourceColumn, ...], tuple[str, ...]]:
    deterministic = await _deterministic(connection, oid)
    columns, left_out = [], []
    for name, (type_, kind) in types.items():
        if name == id_column or (wanted.columns and name not in wanted.columns):
            continue
        if type_ in _LEFT_OUT:
            left_out.append(name)
            continue
        columns.append(_column(name, type_, kind, deterministic=name in deterministic))
    return tuple(columns), tuple(name for name in left_out if types[name][0] not in _SPATIAL or name in wanted.columns)


async def _deterministic(connection: asyncpg.Connection[Any], oid: int) -> set[str]:
    """Columns of a table whose equality of text is equality of characters."""
    if not oid:
        return set()
    rows = await connection.fetch(
        "SELECT a.attname::text AS name FROM pg_attribute AS a JOIN pg_collation AS c ON c.oid = a.attcollation "
        "WHERE a.attrelid = $1::int8::oid AND c.collisdeterministic",
        oid,
    )
    return {row["name"] for row in rows}


def _column(name: str, type_: str, kind: str, *, deterministic: bool) -> SourceColumn:
    value = f"t.{quoted(name)}"
    if kind in {"array", "composite"}:
        return SourceColumn(name, "json", f"to_jsonb({value})::text", pa.string(), pushable=False)
    if type_ in _PLAIN:
        plain, arrow, pushable = _PLAIN[type_]
        return SourceColumn(name, plain, value, arrow, pushable)
    if type_ in _CALENDAR:
        plain, arrow, first, last = _CALENDAR[type_]
        # What no calendar of the years 1 to 9999 has is missing: infinity, years before Christ.
        within = f"CASE WHEN {value} BETWEEN '{first}'::{type_} AND '{last}'::{type_} THEN {value} END"
        return SourceColumn(name, plain, within, arrow, pushable=False)
    plain = "json" if type_ in {"json", "jsonb"} else "string"
    pushable = deterministic and type_ in {"text", "varchar"}
    return SourceColumn(name, plain, f"{value}::text", pa.string(), pushable)


async def _estimate(connection: asyncpg.Connection[Any], sql: str) -> int:
    plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM {sql} AS t")  # noqa: S608 - quoted
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"])
