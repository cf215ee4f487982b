"""Rows of a relation as record batches: the SQL that reads them, and arrays of what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import shapely

from geoplan.crs import STORAGE, to_storage, transformer
from geoplan.errors import CRSError, SourceError
from geoplan.pack.assemble import memory_part
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.geometry import take, to_geometry
from geoplan.pack.mercator import EXACT_ZOOM
from geoplan.pack.part import NONE
from geoplan.pack.shapes import to_shapely
from geoplan.pack.spill import repair_degrees, sound
from geoplan.pack.wkb import COLLECTION, read_wkb
from geoplan.sources.postgis.relation import Relation, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import Transformer

    from geoplan.pack.part import Part

GEOMETRY = "geometry"
"""Column of a batch with the shapes: WKB, longitude and latitude in degrees (EPSG:4490)."""
MAX_ZOOM = 22
SHAPE, ID, MARK, SRID, FIRST = range(5)
"""Places in a row as it arrives: WKB, id, mark of its version, SRID, first attribute."""


def select_sql(relation: Relation) -> str:
    """``SELECT ... FROM ... AS t``; the places of its columns are `SHAPE` and so on."""
    shape = relation.shape
    if relation.may_curve:
        shape = f"CASE WHEN ST_HasArc({shape}) THEN ST_CurveToLine({shape}) ELSE {shape} END"
    key = f"t.{quoted(relation.id_column)}::int8" if relation.id_column else "NULL::int8"
    srid = f"ST_SRID({relation.shape})" if relation.mixed_srid else "NULL::int4"
    head = (f"ST_AsBinary({shape})", key, mark_sql(relation), srid)
    # By place and not by name: any name may be that of a column.
    listed = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate([*head, *(c.sql for c in relation.columns)]))
    return f"SELECT {listed} FROM {relation.sql} AS t"  # noqa: S608 - names are quoted


def mark_sql(relation: Relation) -> str:
    """A number that changes when the row does: of its id and the transaction that wrote it."""
    if not (relation.has_xmin and relation.id_column):
        return "NULL::int8"
    return f"hashtextextended(t.{quoted(relation.id_column)}::text || ':' || t.xmin::text, 0)"


def schema_of(relation: Relation) -> pa.Schema:
    """Schema of the batches: the shapes, the ids where there are some, the attributes."""
    fields = [pa.field(geometry_name(relation), pa.large_binary())]
    if relation.id_column is not None:
        fields.append(pa.field(relation.id_column, pa.int64()))
    return pa.schema([*fields, *(pa.field(column.name, column.arrow) for column in relation.columns)])


def specs_of(relation: Relation) -> list[ColumnSpec]:
    """The attributes as a pack is to keep them."""
    return [ColumnSpec(column.name, column.type) for column in relation.columns]


def geometry_name(relation: Relation) -> str:
    """Name of the column of shapes in the batches: none of the attributes has it."""
    name = GEOMETRY
    while name == relation.id_column or any(column.name == name for column in relation.columns):
        name += "_"
    return name


def to_batch(relation: Relation, rows: Sequence[Any]) -> pa.RecordBatch:
    """A record batch of rows as `select_sql` gives them.

    Raises
    ------
    CRSError
        If a row's positions are in another CRS than the relation's.
    """
    schema = schema_of(relation)
    if not rows:
        return pa.RecordBatch.from_pylist([], schema=schema)
    arrived = list(zip(*rows, strict=True))
    if relation.mixed_srid:
        _check_srid(relation, arrived[SRID])
    arrays = [_shapes(relation, arrived[SHAPE])]
    if relation.id_column is not None:
        arrays.append(pa.array(arrived[ID], pa.int64()))
    for column, values in zip(relation.columns, arrived[FIRST:], strict=True):
        arrays.append(pa.array(values, column.arrow))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _check_srid(relation: Relation, srids: Sequence[int | None]) -> None:
    for srid in set(srids) - {None, 0, relation.srid}:
        raise CRSError(f"{relation.name} has rows in EPSG:{srid} among rows in EPSG:{relation.srid}; transform them.")


def _shapes(relation: Relation, values: Sequence[bytes | None]) -> pa.Array:
    if relation.crs is None:
        return pa.array(values, pa.large_binary())
    shapes = shapely.from_wkb(np.array(values, object))
    project = projected(relation.crs)
    degrees = shapely.transform(shapes, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    return pa.array(shapely.to_wkb(degrees), pa.large_binary())


@cache
def projected(crs: str) -> Transformer:
    """Transformer from a CRS to degrees (EPSG:4490); raises `CRSError` where no exact one is known."""
    import geopandas as gpd
    from pyproj.exceptions import CRSError as UnknownCRSError

    try:
        to_storage(gpd.GeoDataFrame(geometry=[], crs=crs))
        return transformer(crs, STORAGE)
    except UnknownCRSError:
        raise CRSError("the CRS that the database states is not understood; declare an EPSG code.") from None


def marks(rows: Sequence[Any]) -> str | None:
    """What tells this set of rows from any other state of it: how many, and the sum of their marks.

    None where rows have no marks. Equal to what `version_sql` asks of the database.
    """
    if rows and rows[0][MARK] is None:
        return None
    return version_text(len(rows), sum(row[MARK] for row in rows))


def version_text(count: int, total: int) -> str:
    """A version of a count and a sum of marks."""
    return f"{count}-{total % 2**64:016x}"


def to_part(relation: Relation, rows: Sequence[Any], zoom: int | None = None) -> Part:
    """The arrays of rows with ids, in memory; for tiles they are checked for the tiles' zoom.

    Raises
    ------
    SourceError
        If an id is missing, negative or repeated, or a shape is of a kind that no feature can have.
    """
    ids = [row[ID] for row in rows]
    if None in ids or min(ids, default=0) < 0 or len(set(ids)) != len(ids):
        raise SourceError(
            f"{relation.name} has ids that are missing, negative or repeated in the column {relation.id_column!r}; "
            "declare another one, or pull the table into a pack."
        )
    batch = to_batch(relation, rows)
    shapes = _checked(relation, batch.column(0))
    attributes = pa.Table.from_batches([batch]).drop_columns(batch.schema.names[:2])
    least, most = (EXACT_ZOOM + 1, MAX_ZOOM) if zoom is None else (min(zoom, EXACT_ZOOM), max(zoom, EXACT_ZOOM + 1))
    return memory_part(
        attributes, shapes, np.array(ids, np.int64), specs=specs_of(relation), min_zoom=least, max_zoom=most
    )


def _checked(relation: Relation, column: pa.Array) -> NDArray[np.object_]:
    """Shapes of a column of WKB as a pack would keep them: valid, those that cannot be read missing."""
    found, states = read_wkb(column)
    if np.any(states == COLLECTION):
        raise SourceError(
            f"{relation.name} has a geometry collection or a curve here; a layer holds points, lines and polygons. "
            "Split or convert it."
        )
    if np.any(np.abs(found.positions) > (180, 90)):
        raise SourceError(f"{relation.name} has a shape outside the world here; correct its coordinates or its CRS.")
    shapes: NDArray[np.object_] = np.array(shapely.from_wkb(column.to_numpy(zero_copy_only=False)), object)
    shapes[found.kinds == NONE] = None
    geometry = to_geometry(found)
    broken = np.flatnonzero(~sound(geometry))
    if len(broken):
        shapes[broken] = to_shapely(repair_degrees(take(geometry, broken)))
    return shapes
