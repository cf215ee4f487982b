"""Arrays of a part in and out of Arrow IPC files, without a copy either way."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import ipc

from geoplan.pack.columns import ARROW_TYPES
from geoplan.pack.format import (
    COUNTS,
    FEATURES,
    FRAGMENTS,
    GEOMETRY,
    INDEX,
    REPAIRS,
    TREE,
    FileEntry,
)
from geoplan.pack.part import Column, Fragments, Geometry, Part, Tree, Validity

Release = Callable[[int, int], None]
"""Called with address and size of bytes that have been written and are not needed again."""
_CHUNK = 16 << 20
_PAIR = pa.list_(pa.int32(), 2)


def write_part(folder: Path, part: Part, release: Release | None = None) -> dict[str, FileEntry]:
    """Write the files of a part into `folder`, which is made; sizes and checksums by file name."""
    folder.mkdir(parents=True)
    return {name: write_batch(folder / name, batch, release) for name, batch in _batches(part)}


def write_batch(path: Path, batch: pa.RecordBatch, release: Release | None = None) -> FileEntry:
    """Write a file of one record batch to the disk; what it must be from now on."""
    with path.open("wb", buffering=0) as stream:
        sink = _Sink(stream.fileno(), release)
        with pa.PythonFile(sink, mode="w") as target, ipc.new_file(target, batch.schema) as writer:
            writer.write_batch(batch)
        os.fsync(stream.fileno())
    return FileEntry(bytes=sink.size, crc32=f"{sink.crc32:08x}")


class _Sink:
    """Takes what Arrow writes; large arrays go out chunk by chunk, and their pages are given back."""

    closed = False

    def __init__(self, descriptor: int, release: Release | None) -> None:
        self._descriptor = descriptor
        self._release = release
        self.size = 0
        self.crc32 = 0

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        address = data.address if isinstance(data, pa.Buffer) else 0
        for start in range(0, len(view), _CHUNK):
            chunk = view[start : start + _CHUNK]
            self.crc32 = zlib.crc32(chunk, self.crc32)
            done = 0
            while done < len(chunk):
                done += os.write(self._descriptor, chunk[done:])
            if self._release is not None and address:
                self._release(address + start, len(chunk))
        self.size += len(view)
        return len(view)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def numbers(values: NDArray[Any], arrow: pa.DataType | None = None) -> pa.Array:
    """A numpy array of numbers as Arrow, without a copy."""
    kept = np.ascontiguousarray(values).reshape(-1)
    return pa.Array.from_buffers(arrow or pa.from_numpy_dtype(kept.dtype), len(kept), [None, pa.py_buffer(kept)])


def nested(geometry: Geometry) -> pa.Array:
    """Shapes as List<List<List<Struct{mercator, degrees}>>>."""
    positions = [pa.FixedSizeListArray.from_arrays(numbers(p), 2) for p in (geometry.mercator, geometry.degrees)]
    vertices = pa.StructArray.from_arrays(
        positions, fields=[pa.field(name, _PAIR, nullable=False) for name in ("mercator", "degrees")]
    )
    rings = pa.ListArray.from_arrays(numbers(geometry.vertices), vertices)
    members = pa.ListArray.from_arrays(numbers(geometry.rings), rings)
    return pa.ListArray.from_arrays(numbers(geometry.members), members)


def from_nested(kinds: pa.Array, shapes: pa.Array) -> Geometry:
    """Arrays of shapes from their Arrow columns."""
    members, rings = shapes.values, shapes.values.values
    vertices = rings.values
    mercator, degrees = (_flat(vertices.field(k).values, np.int32).reshape(-1, 2) for k in range(2))
    offsets = [_flat(level.offsets, np.int32) for level in (shapes, members, rings)]
    return Geometry(_flat(kinds, np.uint8), offsets[0], offsets[1], offsets[2], mercator, degrees)


def _batches(part: Part) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Files of a part, one after the other, so that the arrays of one need not stay."""
    yield FEATURES, _features(part)
    yield GEOMETRY, _geometry(part)
    yield INDEX, _index(part)
    repaired = part.validity.repaired
    columns = {"key": numbers(part.validity.keys), "kind": numbers(repaired.kinds), "geometry": nested(repaired)}
    yield REPAIRS, pa.record_batch(columns)
    starts = ",".join(str(start) for start in part.tree.starts)
    nodes = pa.FixedSizeListArray.from_arrays(numbers(part.tree.nodes), 4)
    yield TREE, pa.record_batch({"box": nodes}).replace_schema_metadata({"starts": starts})
    yield FRAGMENTS, _fragments(part.fragments)
    yield COUNTS, _counts(part)


def _features(part: Part) -> pa.RecordBatch:
    arrays, fields = [numbers(part.ids)], [pa.field("feature_id", pa.int64(), nullable=False)]
    for column in part.columns:
        array = _attribute(column)
        about = {"type": column.type, "in_tiles": str(int(column.in_tiles)), "first": str(column.first_fragment)}
        arrays.append(array)
        fields.append(pa.field(column.name, array.type, metadata=about))
    return pa.record_batch(arrays, schema=pa.schema(fields))


def _attribute(column: Column) -> pa.Array:
    if column.codes is None:
        return column.values
    present = np.packbits(np.asarray(column.codes) < len(column.values), bitorder="little")
    arrow = pa.from_numpy_dtype(column.codes.dtype)
    missing = int(np.count_nonzero(np.asarray(column.codes) == len(column.values)))
    valid = pa.py_buffer(present) if missing else None
    codes = pa.Array.from_buffers(
        arrow, len(column.codes), [valid, pa.py_buffer(np.ascontiguousarray(column.codes))], missing
    )
    return pa.DictionaryArray.from_arrays(codes, column.values, safe=False)


def _geometry(part: Part) -> pa.RecordBatch:
    columns = {
        "kind": numbers(part.geometry.kinds),
        "zooms": numbers(part.validity.zooms),
        "box": pa.FixedSizeListArray.from_arrays(numbers(part.tree.boxes), 4),
        "geometry": nested(part.geometry),
    }
    if part.rank is not None:
        columns["rank"] = numbers(part.rank)
    return pa.record_batch(columns)


def _index(part: Part) -> pa.RecordBatch:
    arrays, names = [numbers(part.ids_order)], ["by_id"]
    for place, column in enumerate(part.columns):
        arrays.append(numbers(column.order))
        names.append(f"by_{place}")
    width = part.cells.shape[1]
    if width:
        arrays.append(pa.FixedSizeListArray.from_arrays(numbers(part.cells), width))
        names.append("cells")
    return pa.record_batch(arrays, names)


def _fragments(fragments: Fragments) -> pa.RecordBatch:
    n = len(fragments.mvt_offsets) - 1
    pairs = (
        (pa.large_binary(), fragments.mvt_offsets, fragments.mvt),
        (pa.large_string(), fragments.json_offsets, fragments.json),
    )
    arrays = [
        pa.Array.from_buffers(arrow, n, [None, pa.py_buffer(np.ascontiguousarray(offsets)), pa.py_buffer(content)])
        for arrow, offsets, content in pairs
    ]
    return pa.record_batch(arrays, ["mvt", "json"])


def _counts(part: Part) -> pa.RecordBatch:
    rows = [(a, -1, column.starts) for a, column in enumerate(part.columns) if column.starts is not None]
    rows += [(a, b, table.reshape(-1)) for (a, b), table in sorted(part.pairs.items())]
    offsets = np.cumsum([0, *(len(values) for _, _, values in rows)], dtype=np.int64)
    values = np.concatenate([np.zeros(0, np.int64), *(np.asarray(values, np.int64) for _, _, values in rows)])
    lists = pa.LargeListArray.from_arrays(numbers(offsets), numbers(values))
    first, second = (numbers(np.array([row[k] for row in rows], np.int32)) for k in range(2))
    return pa.record_batch([first, second, lists], ["column", "other", "values"])


def read_part(batches: dict[str, pa.RecordBatch], zooms: tuple[int, int]) -> Part:
    """A part from the record batches of its files and its lowest and highest zoom; arrays are views of them.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError, AttributeError, pyarrow.ArrowException
        If the batches are not those of a part.
    """
    features, geometry, index, repairs = (batches[name] for name in (FEATURES, GEOMETRY, INDEX, REPAIRS))
    _require(features, {0: pa.int64()})
    boxes = _fixed(geometry, "box", 4)
    nodes = _fixed(batches[TREE], "box", 4)
    starts = [int(text) for text in batches[TREE].schema.metadata[b"starts"].split(b",")]
    starts_of_levels = np.array(starts, np.int64)
    # As all other arrays of an open pack: the kernels are compiled for those that cannot be written to.
    starts_of_levels.setflags(write=False)
    columns = _columns(features, index, batches[COUNTS])
    width = sum(column.cell >= 0 for column in columns)
    cells = _fixed(index, "cells", width) if width else np.zeros((features.num_rows, 0), np.int32)
    return Part(
        min_zoom=zooms[0],
        max_zoom=zooms[1],
        ids=_flat(features.column(0), np.int64),
        ids_order=_flat(index["by_id"], np.uint32),
        rank=_flat(geometry["rank"], np.int32) if "rank" in geometry.schema.names else None,
        geometry=from_nested(geometry["kind"], geometry["geometry"]),
        tree=Tree(boxes, nodes, starts_of_levels),
        validity=Validity(
            _flat(geometry["zooms"], np.uint32),
            _flat(repairs["key"], np.uint64),
            from_nested(repairs["kind"], repairs["geometry"]),
        ),
        columns=columns,
        cells=cells.view(np.uint32),
        fragments=_read_fragments(batches[FRAGMENTS]),
        pairs=_pairs(batches[COUNTS], columns),
    )


def _require(batch: pa.RecordBatch, types: dict[int, pa.DataType]) -> None:
    for place, arrow in types.items():
        if batch.schema.field(place).type != arrow:
            raise TypeError(f"column {place} is not {arrow}")


def _flat(array: pa.Array, dtype: Any) -> NDArray[Any]:
    """A column without missing values as numpy; `TypeError` if it is of another type."""
    if array.type != pa.from_numpy_dtype(dtype) or array.null_count:
        raise TypeError(f"{array.type} where {dtype} is expected")
    return np.asarray(array.to_numpy())


def _fixed(batch: pa.RecordBatch, name: str, width: int) -> NDArray[Any]:
    """A column of fixed-size lists as (n, width)."""
    array = batch[name]
    if not pa.types.is_fixed_size_list(array.type) or array.type.list_size != width:
        raise TypeError(f"{name} is not a list of {width}")
    return np.asarray(array.values.to_numpy()).reshape(-1, width)


def _columns(features: pa.RecordBatch, index: pa.RecordBatch, counts: pa.RecordBatch) -> tuple[Column, ...]:
    starts = {
        int(a): _list(counts["values"], row)
        for row, (a, b) in enumerate(zip(counts["column"].to_pylist(), counts["other"].to_pylist(), strict=True))
        if b < 0
    }
    found: list[Column] = []
    cell = 0
    for place in range(features.num_columns - 1):
        name, array = features.schema.names[place + 1], features.column(place + 1)
        about = features.schema.field(place + 1).metadata
        kind = about[b"type"].decode()
        coded = pa.types.is_dictionary(array.type)
        values = array.dictionary if coded else array
        if values.type != ARROW_TYPES[kind]:
            raise TypeError(f"column {name} is not of the type {kind}")
        codes = _codes(array) if coded else None
        order = _flat(index[f"by_{place}"], np.uint32)
        shown, first = about[b"in_tiles"] == b"1", int(about[b"first"])
        begins = starts[place] if coded else None
        found.append(Column(name, kind, shown, codes, values, order, begins, first, cell if coded else -1))
        cell += coded
    return tuple(found)


def _codes(array: pa.DictionaryArray) -> NDArray[Any]:
    """Codes, those of missing values included (Arrow leaves open what stands there; here it is the next code)."""
    indices = array.indices
    dtype = indices.type.to_pandas_dtype()
    if dtype not in {np.uint8, np.uint16}:
        raise TypeError(f"codes of type {indices.type}")
    return np.frombuffer(indices.buffers()[1], dtype)[indices.offset : indices.offset + len(indices)]


def _list(lists: pa.LargeListArray, row: int) -> NDArray[np.int64]:
    start, stop = lists.offsets[row].as_py(), lists.offsets[row + 1].as_py()
    return _flat(lists.values, np.int64)[start:stop]


def _pairs(counts: pa.RecordBatch, columns: Sequence[Column]) -> dict[tuple[int, int], NDArray[np.int64]]:
    found = {}
    for row, (a, b) in enumerate(zip(counts["column"].to_pylist(), counts["other"].to_pylist(), strict=True)):
        if b >= 0:
            found[a, b] = _list(counts["values"], row).reshape(len(columns[a].values) + 1, len(columns[b].values) + 1)
    return found


def _read_fragments(batch: pa.RecordBatch) -> Fragments:
    arrays: list[NDArray[Any]] = []
    for name, arrow in (("mvt", pa.large_binary()), ("json", pa.large_string())):
        array = batch[name]
        if array.type != arrow:
            raise TypeError(f"{name} is not {arrow}")
        _, offsets, content = array.buffers()
        arrays.append(np.frombuffer(offsets, np.int64)[: len(array) + 1] if len(array) else np.zeros(1, np.int64))
        arrays.append(np.frombuffer(content, np.uint8) if content is not None else np.zeros(0, np.uint8))
    return Fragments(arrays[0], arrays[1], arrays[2], arrays[3])
