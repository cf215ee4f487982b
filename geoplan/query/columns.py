"""Values of a part's columns as arrays, and where a value stands among them in ascending order."""

from __future__ import annotations

import weakref
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.pack.part import Column
from geoplan.query.indexes import bound_number, bound_text, run_of_number, run_of_text
from geoplan.query.instants import DAY_US

Vector = tuple[NDArray[Any], NDArray[np.bool_]]
"""Values, and which of them are missing (those values mean nothing)."""

KINDS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "json": "array",
}
"""What the types of `geoplan.pack.part.Column` are in an expression."""
_EMPTY = {"string": "", "json": None}
_NUMPY = {"integer": np.int64, "number": np.float64, "date": np.int32, "datetime": np.int64}


@dataclass(frozen=True, slots=True)
class Values:
    """A column made ready.

    Attributes
    ----------
    vector
        Of a column with codes: its distinct values and the missing one at the end.
    keys
        The distinct values, ascending, for looking up.
    raw, text, offsets, valid
        Of a plain column: numbers; bytes and offsets of texts; bits of the values that are there.
    present
        Number of rows (plain) or of distinct values (codes) that are not missing.
    """

    vector: Vector | None
    keys: list[Any]
    raw: NDArray[Any] | None
    text: NDArray[np.uint8] | None
    offsets: NDArray[np.int64] | None
    valid: NDArray[np.uint8] | None
    present: int


_ready: dict[int, tuple[weakref.ref[pa.Array], Values]] = {}


def values_of(column: Column) -> Values:
    """The column's values made ready; kept as long as the column's array lives."""
    key = id(column.values)
    found = _ready.get(key)
    if found is not None and found[0]() is column.values:
        return found[1]
    made = _coded(column) if column.codes is not None else _plain(column)
    _ready[key] = (weakref.ref(column.values, lambda _: _ready.pop(key, None)), made)
    return made


def take(column: Column, rows: NDArray[np.int64]) -> Vector:
    """Values of the rows."""
    ready = values_of(column)
    if column.codes is not None:
        assert ready.vector is not None
        codes = column.codes[rows]
        return ready.vector[0][codes], ready.vector[1][codes]
    missing = np.zeros(len(rows), bool)
    if ready.valid is not None:
        missing = (ready.valid[rows >> 3] >> (rows & 7).astype(np.uint8)) & 1 == 0
    if ready.raw is not None:
        return _microseconds(column.type, ready.raw[rows]), missing
    return _objects(column, column.values.take(pa.array(rows))), missing


def bound(column: Column, value: Any, *, right: bool) -> int:
    """How many of the ascending values (plain: rows in `order`) are less than `value`; with `right`, or equal to it."""
    ready = values_of(column)
    if column.codes is not None:
        return (bisect_right if right else bisect_left)(ready.keys, value)
    order = column.order
    if ready.text is not None and ready.offsets is not None:
        key = np.frombuffer(value.encode("utf-8", "surrogatepass"), np.uint8)
        return int(bound_text(ready.offsets, ready.text, order, ready.present, key, right))
    assert ready.raw is not None
    if column.type == "date":
        value /= DAY_US
    if ready.raw.dtype.kind == "i" and isinstance(value, float):
        # Between two whole numbers: the same place as the next whole number's.
        return _whole_bound(ready, order, value, right=right)
    target = ready.raw.dtype.type(value) if ready.raw.dtype.kind == "f" else np.int64(value)
    return int(bound_number(ready.raw, order, ready.present, target, right))


def run(column: Column, value: Any) -> tuple[int, int]:
    """Where among the ascending values (plain: rows in `order`) those equal to `value` begin and end."""
    if column.codes is not None:
        start = bisect_left(keys := values_of(column).keys, value)
        return start, start + (start < len(keys) and keys[start] == value)
    ready = values_of(column)
    if ready.text is not None and ready.offsets is not None:
        key = np.frombuffer(value.encode("utf-8", "surrogatepass"), np.uint8)
        start, stop = run_of_text(ready.offsets, ready.text, column.order, ready.present, key)
        return int(start), int(stop)
    assert ready.raw is not None
    if column.type not in ("integer", "datetime") or isinstance(value, float) or abs(value) >= 2**63:
        return bound(column, value, right=False), bound(column, value, right=True)
    start, stop = run_of_number(ready.raw, column.order, ready.present, np.int64(value))
    return int(start), int(stop)


def _whole_bound(ready: Values, order: NDArray[np.uint32], value: float, *, right: bool) -> int:
    if value != value or abs(value) >= 2**63:  # noqa: PLR0124 - not a number
        return ready.present if value > 0 else 0
    target = np.int64(floor(value) if right else ceil(value))
    assert ready.raw is not None
    return int(bound_number(ready.raw, order, ready.present, target, right))


def _coded(column: Column) -> Values:
    objects = column.values
    missing = np.zeros(len(objects) + 1, bool)
    missing[-1] = True
    if column.type in ("string", "json"):
        array = np.empty(len(objects) + 1, object)
        array[:-1] = _objects(column, objects)
        array[-1] = _EMPTY[column.type]
        keys = array[:-1].tolist() if column.type == "string" else []
    else:
        plain = np.asarray(objects.cast(_storage(column.type)).to_numpy(zero_copy_only=False))
        array = np.append(_microseconds(column.type, plain), np.zeros(1, plain.dtype))
        keys = array[:-1].tolist()
    return Values((array, missing), keys, None, None, None, None, len(objects))


def _plain(column: Column) -> Values:
    array = column.values
    present = len(array) - array.null_count
    bitmap, *buffers = array.buffers()
    valid = None
    if array.null_count and bitmap is not None:
        bits = _readable(bitmap, np.uint8)
        if array.offset:
            flags = np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)]
            bits = np.packbits(flags, bitorder="little")
        valid = bits
    where = slice(array.offset, array.offset + len(array))
    if column.type in _NUMPY:
        raw = _readable(buffers[0], _NUMPY[column.type])[where]
        return Values(None, [], raw, None, None, valid, present)
    if column.type == "boolean":
        raw = np.asarray(array.fill_null(False).to_numpy(zero_copy_only=False))  # noqa: FBT003
        return Values(None, [], raw, None, None, valid, present)
    offset_type = np.int64 if pa.types.is_large_string(array.type) else np.int32
    offsets: NDArray[Any] = _readable(buffers[0], offset_type)[array.offset : array.offset + len(array) + 1]
    data = _readable(buffers[1], np.uint8) if buffers[1] is not None else np.zeros(0, np.uint8)
    return Values(None, [], None, data, offsets, valid, present)


def _readable(buffer: pa.Buffer, kind: Any) -> NDArray[Any]:
    """A buffer as an array that cannot be written to, whether it is mapped or not: compiled code knows one type."""
    found = np.frombuffer(buffer, kind)
    found.setflags(write=False)
    return found


def _storage(kind: str) -> pa.DataType:
    return {
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.int32(),
        "datetime": pa.int64(),
    }[kind]


def _microseconds(kind: str, array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int64) * DAY_US if kind == "date" else array


def _objects(column: Column, array: pa.Array) -> NDArray[Any]:
    """Python values of texts; lists of JSON texts, None for what is no list."""
    found = np.empty(len(array), object)
    if column.type == "string":
        found[:] = array.fill_null("").to_pylist()
        return found
    for index, text in enumerate(array.to_pylist()):
        value = orjson.loads(text) if text is not None else None
        found[index] = value if isinstance(value, list) else None
    return found
