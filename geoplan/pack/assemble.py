"""All arrays of one part, made in memory: for the layers of a build, prepared levels and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.pack.columns import MOST_CODES, ColumnSpec, canonical, codes_type, distinct_values, specs_of
from geoplan.pack.fragments import join_fragments, value_fragments
from geoplan.pack.geometry import bounding_boxes, shapes_of, take, to_geometry
from geoplan.pack.hilbert import hilbert_keys
from geoplan.pack.mercator import EXACT_ZOOM
from geoplan.pack.part import Column, Fragments, Geometry, Part, Validity, empty_geometry
from geoplan.pack.sort import count_pair, counted_pairs, order_codes, order_values
from geoplan.pack.tree import build_tree
from geoplan.pack.validity import repair, zoom_mask

ALL_ZOOMS = np.uint32(2**32 - 1)


def memory_part(
    table: pa.Table | Mapping[str, Any],
    geometries: NDArray[Any] | Sequence[Any],
    ids: NDArray[np.int64] | Sequence[int] | None = None,
    *,
    specs: Sequence[ColumnSpec] | None = None,
    ordered: bool = False,
    min_zoom: int = 0,
    max_zoom: int = 22,
) -> Part:
    """A part of features in memory.

    Parameters
    ----------
    table
        Attributes, a row a feature.
    geometries
        shapely geometries (n) in degrees, EPSG:4490 or EPSG:4326, valid; None where there is none.
    ids
        Ids of the features, not negative, each once; None: 1 to n.
    specs
        Columns to keep; None: all but bytes.
    ordered
        Whether the order of the rows is the order of drawing.
    min_zoom, max_zoom
        Zooms whose tiles are made of the part.

    Raises
    ------
    ValueError
        If the lengths differ, an id is negative or repeated, or a geometry is a collection.
    PackError
        If a value is not of its column's type.
    """
    geometry = to_geometry(shapes_of(np.asarray(geometries, object)))
    n = len(geometry.kinds)
    numbers = np.arange(1, n + 1, dtype=np.int64) if ids is None else np.asarray(ids, np.int64)
    columns = table if isinstance(table, pa.Table) else pa.table(dict(table))
    if len(numbers) != n or (columns.num_columns and columns.num_rows != n):
        raise ValueError(f"{n} geometries, {len(numbers)} ids and {columns.num_rows} rows do not belong together")
    if n and (numbers.min() < 0 or len(np.unique(numbers)) != n):
        raise ValueError("ids must not be negative, nor repeated")
    boxes = bounding_boxes(geometry)
    rows = np.lexsort((np.arange(n), hilbert_keys(boxes)))
    kept = specs_of(columns.schema, specs)
    picked = pa.array(rows)
    values = [canonical(columns[spec.name], spec.name, str(spec.type)).take(picked) for spec in kept]
    by_id = np.argsort(numbers[rows], kind="stable").astype(np.uint32)
    found, cells, fragments = assemble_columns(kept, values, by_id)
    return Part(
        min_zoom=min_zoom,
        max_zoom=max_zoom,
        ids=numbers[rows],
        ids_order=by_id,
        rank=rows.astype(np.int32) if ordered else None,
        geometry=(geometry := take(geometry, rows)),
        tree=build_tree(boxes[rows]),
        validity=validity_of(geometry, min_zoom, max_zoom),
        columns=found,
        cells=cells,
        fragments=fragments,
        pairs=pairs_of(found),
    )


def assemble_columns(
    specs: Sequence[ColumnSpec], values: Sequence[pa.Array], by_id: NDArray[np.uint32]
) -> tuple[tuple[Column, ...], NDArray[np.uint32], Fragments]:
    """Columns, cells and fragments of values (`canonical`) in the order of the part; `by_id` are its rows by id."""
    columns: list[Column] = []
    parts: list[Fragments] = []
    cells: list[NDArray[np.uint32]] = []
    first = 0
    for spec, array in zip(specs, values, strict=True):
        distinct, codes = distinct_values(array)
        coded = len(distinct) <= MOST_CODES
        kind = str(spec.type)
        listed = pa.concat_arrays([distinct, pa.nulls(1, distinct.type)]) if coded else array
        parts.append(value_fragments(kind, listed))
        if coded:
            order, starts = order_codes(codes, len(distinct), by_id)
            small = codes.astype(codes_type(len(distinct)))
            columns.append(Column(spec.name, kind, spec.in_tiles, small, distinct, order, starts, first, len(cells)))
            cells.append(codes.astype(np.uint32) + np.uint32(first))
        else:
            order = order_values(array)
            columns.append(Column(spec.name, kind, spec.in_tiles, None, array, order, None, first, -1))
        first += len(listed)
    n = len(values[0]) if values else 0
    table = np.column_stack(cells) if cells else np.zeros((n, 0), np.uint32)
    return tuple(columns), np.ascontiguousarray(table), join_fragments(parts)


def pairs_of(columns: Sequence[Column]) -> dict[tuple[int, int], NDArray[np.int64]]:
    """How often the codes of two columns meet, for the pairs of columns with few combinations."""
    sizes = [0 if column.codes is None else len(column.values) + 1 for column in columns]
    return {
        (a, b): count_pair(columns[a].codes, columns[b].codes, (sizes[a], sizes[b]))  # type: ignore[arg-type]
        for a, b in counted_pairs(sizes, len(columns[0].order) if columns else 0)
    }


def validity_of(geometry: Geometry, min_zoom: int, max_zoom: int) -> Validity:
    """Validity at the zooms of a part, and the repaired shapes; bits of other zooms are set."""
    zooms = range(min_zoom, min(max_zoom, EXACT_ZOOM) + 1)
    if not zooms or not len(geometry.kinds):
        return Validity(np.full(len(geometry.kinds), ALL_ZOOMS), np.zeros(0, np.uint64), empty_geometry())
    mask = zoom_mask(geometry, zooms)
    keys, repaired = repair(geometry, mask, zooms)
    return Validity(mask | ~np.uint32(sum(1 << zoom for zoom in zooms)), keys, repaired)
