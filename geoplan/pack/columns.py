"""Attributes as a pack keeps them: seven types, missing values missing, few distinct values as codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geoplan.errors import PackError

MOST_CODES = 65_535
"""Distinct values up to which a column has codes: with the missing one they fill 16 bits."""
ARROW_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.large_string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", "UTC"),
    "json": pa.large_string(),
}
"""Arrow type of the values of each type of column."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """How a column is kept.

    Attributes
    ----------
    name
        Name in the source and in the pack.
    type
        A key of `ARROW_TYPES`; None: by the source's type.
    in_tiles
        Whether tiles carry it unless asked otherwise.
    title
        Title by language (``zh``, ``en``).
    """

    name: str
    type: str | None = None
    in_tiles: bool = True
    title: Mapping[str, str] = field(default_factory=dict)


def column_type(arrow: pa.DataType) -> str | None:
    """Type of a column (`ARROW_TYPES`) of an Arrow type; None for bytes, which a pack cannot hold."""
    types = pa.types
    if isinstance(arrow, pa.BaseExtensionType):
        return column_type(arrow.storage_type)
    if types.is_dictionary(arrow) or types.is_run_end_encoded(arrow):
        return column_type(arrow.value_type)
    tests = (
        ("boolean", types.is_boolean),
        ("integer", types.is_integer),
        ("number", lambda t: types.is_floating(t) or types.is_decimal(t)),
        ("date", types.is_date),
        ("datetime", types.is_timestamp),
        ("json", types.is_nested),
        ("string", lambda t: types.is_time(t) or types.is_null(t) or types.is_duration(t)),
        ("string", lambda t: types.is_string(t) or types.is_large_string(t) or t == pa.string_view()),
    )
    return next((name for name, test in tests if test(arrow)), None)


def canonical(values: pa.Array | pa.ChunkedArray, name: str, kind: str) -> pa.Array:
    """Values of a column in the Arrow type of `kind`; what is not a number is missing.

    Raises
    ------
    PackError
        If a value cannot be of that type.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):  # of no chunk at all
        array = pa.array([], array.type)
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pa.types.is_dictionary(array.type) or pa.types.is_run_end_encoded(array.type):
        array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else pc.run_end_decode(array)
    try:
        if kind == "json":
            return _json_texts(array)
        if kind == "number":
            return _numbers(array)
        if kind == "datetime":
            return _instants(array)
        return array.cast(ARROW_TYPES[kind])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, ValueError, TypeError) as exc:
        raise PackError(
            f"column {name!r}: a value is not of the type {kind}; correct it, or choose another type."
        ) from exc


def codes_type(distinct: int) -> Any:
    """Smallest unsigned type for the codes of so many values and the missing one."""
    return np.uint8 if distinct < 256 else np.uint16


def distinct_values(values: pa.Array) -> tuple[pa.Array, NDArray[Any]]:
    """Distinct values, ascending, and the code of each row's value (int32; the number of values where missing)."""
    encoded = values.dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary).to_numpy()
    places = np.empty(len(order) + 1, np.int32)
    places[order] = np.arange(len(order))
    places[-1] = len(order)
    rows = pc.fill_null(encoded.indices, len(order)).to_numpy(zero_copy_only=False)
    return encoded.dictionary.take(pa.array(order)), places[rows]


def specs_of(schema: pa.Schema, specs: Sequence[ColumnSpec] | None) -> list[ColumnSpec]:
    """Columns to keep, each with its type; those of bytes are left out unless asked for.

    Raises
    ------
    PackError
        If a column that is asked for is not there, is there twice or cannot be kept.
    """
    if specs is None:
        twice = sorted({name for name in schema.names if len(schema.get_all_field_indices(name)) > 1})
        if twice:
            raise PackError(f"there is more than one column {twice[0]!r}; rename one of them.")
        return [ColumnSpec(f.name, kind) for f in schema if (kind := _kind(f))]
    found = []
    for spec in specs:
        if len(schema.get_all_field_indices(spec.name)) != 1:
            raise PackError(
                f"there is no column {spec.name!r} (or more than one); there are {', '.join(schema.names)}."
            )
        kind = spec.type or _kind(schema.field(spec.name))
        if kind not in ARROW_TYPES:
            raise PackError(f"column {spec.name!r} holds bytes or is of the unknown type {kind}; leave it out.")
        found.append(ColumnSpec(spec.name, kind, spec.in_tiles, spec.title))
    return found


def _kind(field: pa.Field) -> str | None:
    """Type of a column by what the field says of itself (``type``: ``json``), else by its Arrow type."""
    if (field.metadata or {}).get(b"type") == b"json":
        return "json"
    return column_type(field.type)


def _numbers(array: pa.Array) -> pa.Array:
    if pa.types.is_float32(array.type) or pa.types.is_float16(array.type):
        # 0.1 kept in 32 bits is meant to be 0.1, not 0.10000000149011612.
        array = array.cast(pa.float32()).cast(pa.string()).cast(pa.float64())
    array = array.cast(pa.float64(), safe=False)
    # Adding zero makes one value of 0.0 and -0.0.
    return pc.add(pc.if_else(pc.is_finite(array), array, pa.scalar(None, pa.float64())), 0.0)


def _instants(array: pa.Array) -> pa.Array:
    """Instants in UTC; a time without a zone is taken to be in UTC."""
    target = ARROW_TYPES["datetime"]
    if pa.types.is_timestamp(array.type):
        zone = array.type.tz
        return array.cast(pa.timestamp("us", zone), safe=False).cast(target)
    return array.cast(target)


def _json_texts(array: pa.Array) -> pa.Array:
    import orjson

    texts = pa.types.is_string(array.type) or pa.types.is_large_string(array.type) or array.type == pa.string_view()
    encoded = array.dictionary_encode() if texts else None
    values = (encoded.dictionary if encoded is not None else array).to_pylist()
    written = [
        None if value is None else orjson.dumps(orjson.loads(value) if texts else value, default=str).decode()
        for value in values
    ]
    found = pa.array(written, pa.large_string())
    return found.take(encoded.indices) if encoded is not None else found
