"""Second pass of a build: the spilled batches merged along the Hilbert curve, range by range, into final arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack.assemble import validity_of
from geoplan.pack.columns import ARROW_TYPES, ColumnSpec, codes_type
from geoplan.pack.geometry import cut, join, offsets_of, take
from geoplan.pack.part import Geometry, Validity
from geoplan.pack.raw import RawArrays
from geoplan.pack.spill import WORKERS, Dictionaries, missing_mask, physical, read_spilled, spilled_geometry

BUCKET_ROWS = 131_072
BUCKET_VERTICES = 4_000_000
"""A range has at most so many features, and so many vertices (or one feature)."""
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Coded:
    """A column with codes: its distinct values, ascending, and the code of each code given while spilling."""

    values: pa.Array
    places: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Layout:
    """How the final arrays look.

    Attributes
    ----------
    specs, coded
        Columns, and which of them have codes.
    own_ids
        Whether the ids are those of the source.
    ordered
        Whether rows keep their place in the source as their rank.
    first_zoom, last_zoom
        Zooms whose validity is found out.
    """

    specs: Sequence[ColumnSpec]
    coded: Sequence[Coded | None]
    dictionaries: Dictionaries
    own_ids: bool
    id_as_column: bool
    ordered: bool
    first_zoom: int
    last_zoom: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of the final arrays."""

    ids: NDArray[np.int64]
    rows: NDArray[np.int64]
    boxes: NDArray[np.int32]
    geometry: Geometry
    validity: Validity
    columns: list[pa.Array | NDArray[Any]]
    own: pa.Array


def code_places(dictionaries: Dictionaries, specs: Sequence[ColumnSpec]) -> list[Coded | None]:
    """Final codes of the columns that have few values; None for the others."""
    found: list[Coded | None] = []
    for place, spec in enumerate(specs):
        if place in dictionaries.plain:
            found.append(None)
            continue
        values = dictionaries.listed(place, ARROW_TYPES[str(spec.type)])
        order = pa.compute.array_sort_indices(values).to_numpy()
        places = np.empty(len(order) + 1, np.uint16)
        places[order] = np.arange(len(order))
        places[-1] = len(order)
        found.append(Coded(values.take(pa.array(order)), places))
    return found


def ranges(keys: Sequence[NDArray[np.uint64]], vertices: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """Where each range ends in each batch: arrays of one position a batch, ascending, the last ones the batches' ends.

    Features are in the order of their keys, then of the source.
    """
    lengths = np.array([len(part) for part in keys], np.int64)
    order = np.argsort(np.concatenate(keys), kind="stable") if len(keys) else np.zeros(0, np.int64)
    load = np.cumsum(np.concatenate(vertices)[order]) if len(keys) else np.zeros(0, np.int64)
    firsts = offsets_of(lengths, np.int64)
    found: list[NDArray[np.int64]] = []
    start = 0
    while start < len(order):
        base = int(load[start - 1]) if start else 0
        stop = int(np.searchsorted(load, base + BUCKET_VERTICES, side="right"))
        stop = min(max(stop, start + 1), start + BUCKET_ROWS)
        if stop >= len(order):
            break
        found.append(_ends(keys, int(order[stop]), firsts))
        start = stop
    return [*found, lengths]


def _ends(keys: Sequence[NDArray[np.uint64]], place: int, firsts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Position in each batch of the first feature that is not before the one at `place` of all batches together."""
    at = int(np.searchsorted(firsts, place, side="right")) - 1
    key = keys[at][place - firsts[at]]
    ends = [np.searchsorted(part, key, side="right" if k < at else "left") for k, part in enumerate(keys)]
    ends[at] = place - firsts[at]
    return np.array(ends, np.int64)


def merged(paths: Sequence[Path], ends: Sequence[NDArray[np.int64]], layout: Layout) -> Iterator[Bucket]:
    """Ranges in their order, each put together by one of `WORKERS` threads."""
    starts = [np.zeros(len(paths), np.int64), *ends[:-1]]
    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: list[Future[Bucket]] = []
        for start, stop in zip(starts, ends, strict=True):
            ahead.append(pool.submit(_bucket, paths, start, stop, layout))
            if len(ahead) > WORKERS:
                yield ahead.pop(0).result()
        for future in ahead:
            yield future.result()


def _bucket(paths: Sequence[Path], starts: NDArray[np.int64], stops: NDArray[np.int64], layout: Layout) -> Bucket:
    slices = [
        _piece(path, int(start), int(stop), len(layout.specs))
        for path, start, stop in zip(paths, starts, stops, strict=True)
        if stop > start
    ]
    rows = np.concatenate([piece.rows for piece in slices])
    order = np.lexsort((rows, np.concatenate([piece.keys for piece in slices])))
    picked = pa.array(order)
    geometry = take(join([piece.geometry for piece in slices]), order)
    own = pa.concat_arrays([piece.ids for piece in slices]).take(picked)
    columns = [
        _column([piece.columns[place] for piece in slices], place, picked, layout) for place in range(len(layout.specs))
    ]
    return Bucket(
        ids=own.to_numpy() if layout.own_ids else rows[order] + 1,
        rows=rows[order],
        boxes=np.concatenate([piece.boxes for piece in slices])[order],
        geometry=geometry,
        validity=validity_of(geometry, layout.first_zoom, layout.last_zoom),
        columns=columns,
        own=own,
    )


@dataclass(frozen=True, slots=True)
class _Piece:
    """Consecutive rows of a spilled batch, copied out of its file."""

    keys: NDArray[np.uint64]
    rows: NDArray[np.int64]
    boxes: NDArray[np.int32]
    ids: pa.Array
    geometry: Geometry
    columns: list[pa.Array]


def _piece(path: Path, start: int, stop: int, columns: int) -> _Piece:
    batch = read_spilled(path)
    places = pa.array(np.arange(start, stop))
    return _Piece(
        keys=np.array(batch.column("key").to_numpy()[start:stop]),
        rows=np.array(batch.column("row").to_numpy()[start:stop]),
        boxes=np.array(batch.column("box").values.to_numpy().reshape(-1, 4)[start:stop]),
        ids=batch.column("id").take(places),
        geometry=cut(spilled_geometry(batch), start, stop),
        columns=[batch.column(f"c{place}").take(places) for place in range(columns)],
    )


def _column(pieces: list[pa.Array], place: int, picked: pa.Array, layout: Layout) -> pa.Array | NDArray[Any]:
    """Final codes of a column, or its values."""
    coded = layout.coded[place]
    if coded is not None:
        joined = pa.concat_arrays(pieces).take(picked)
        codes = pa.compute.fill_null(joined, len(coded.values)).to_numpy(zero_copy_only=False)
        return coded.places[codes].astype(codes_type(len(coded.values)))
    arrow = ARROW_TYPES[str(layout.specs[place].type)]
    if any(piece.type != arrow for piece in pieces):
        listed = layout.dictionaries.listed(place, arrow)
        pieces = [piece if piece.type == arrow else listed.take(piece) for piece in pieces]
    return pa.concat_arrays(pieces).take(picked)


class FinalArrays:
    """Final arrays while they grow, bucket by bucket."""

    def __init__(self, raw: RawArrays, layout: Layout, firsts: Sequence[int]) -> None:
        self._raw = raw
        self._layout = layout
        self._firsts = firsts
        self.count = 0
        self._totals: dict[str, int] = {}
        self.kinds: set[int] = set()
        for name in ("members", "rings", "vertices", "repaired-members", "repaired-rings", "repaired-vertices"):
            self._offsets(name, np.zeros(1, np.int32))

    def add(self, bucket: Bucket) -> None:
        """Append a bucket.

        Raises
        ------
        PackError
            If there are more vertices than offsets can count.
        """
        raw = self._raw
        raw.append("ids", bucket.ids)
        if self._layout.ordered:
            raw.append("rank", bucket.rows.astype(np.int32))
        raw.append("boxes", bucket.boxes)
        raw.append("zooms", bucket.validity.zooms)
        raw.append("keys", bucket.validity.keys + (np.uint64(self.count) << np.uint64(5)))
        self._add_geometry("", bucket.geometry)
        self._add_geometry("repaired-", bucket.validity.repaired)
        self.kinds |= set(np.unique(bucket.geometry.kinds).tolist())
        for place, values in enumerate(bucket.columns):
            self._add_column(place, values)
        self._add_cells(bucket)
        if self._layout.id_as_column:
            self._add_column(len(bucket.columns), bucket.own)
        self.count += len(bucket.ids)

    def _add_column(self, place: int, values: pa.Array | NDArray[Any]) -> None:
        if isinstance(values, np.ndarray):
            self._raw.append(f"codes-{place}", values)
            return
        self._raw.append(f"missing-{place}", missing_mask(values))
        if pa.types.is_large_string(values.type):
            lengths = pa.compute.fill_null(pa.compute.binary_length(values), 0).to_numpy(zero_copy_only=False)
            self._raw.append(f"lengths-{place}", lengths.astype(np.int64))
            data = values.buffers()[2]
            if data is not None:
                offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
                self._raw.append(f"values-{place}", np.frombuffer(data, np.uint8)[offsets[0] : offsets[-1]])
            return
        filled = physical(values)
        zero = pa.scalar(0).cast(filled.type)
        self._raw.append(f"values-{place}", pa.compute.fill_null(filled, zero).to_numpy(zero_copy_only=False))

    def _add_cells(self, bucket: Bucket) -> None:
        coded = [(first, codes) for first, codes in zip(self._firsts, bucket.columns, strict=True) if first >= 0]
        if coded:
            cells = [np.asarray(codes, np.uint32) + np.uint32(first) for first, codes in coded]
            self._raw.append("cells", np.column_stack(cells))

    def _add_geometry(self, prefix: str, geometry: Geometry) -> None:
        self._raw.append(f"{prefix}kinds", geometry.kinds)
        for name in ("members", "rings", "vertices"):
            self._offsets(f"{prefix}{name}", getattr(geometry, name)[1:])
        self._raw.append(f"{prefix}mercator", geometry.mercator)
        self._raw.append(f"{prefix}degrees", geometry.degrees)

    def _offsets(self, name: str, offsets: NDArray[np.int32]) -> None:
        """Append offsets of a bucket (without its first 0), moved behind those before."""
        base = self._totals.get(name, 0)
        if not len(offsets):
            return
        total = base + int(offsets[-1])
        if total > _MOST:
            raise PackError(f"there are more than {_MOST} vertices; divide the source into several layers.")
        self._raw.append(name, offsets + np.int32(base))
        self._totals[name] = total
