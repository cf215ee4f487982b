"""Last step of a build: the part with full detail from its final arrays, with all that is made of whole columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from geoplan.pack.arrow import numbers
from geoplan.pack.assemble import pairs_of
from geoplan.pack.columns import ARROW_TYPES, ColumnSpec
from geoplan.pack.fragments import value_fragments
from geoplan.pack.geometry import offsets_of
from geoplan.pack.merge import Coded
from geoplan.pack.part import Column, Fragments, Geometry, Part, Validity
from geoplan.pack.raw import RawArrays
from geoplan.pack.sort import order_codes, order_values
from geoplan.pack.spill import WORKERS
from geoplan.pack.tree import build_tree

_CHUNK = 262_144
Step = Callable[[str], None]


def first_fragments(coded: Sequence[Coded | None]) -> list[int]:
    """Position of the fragments of each column with codes; -1 for the others, which come behind them all."""
    found, first = [], 0
    for column in coded:
        found.append(-1 if column is None else first)
        first += 0 if column is None else len(column.values) + 1
    return found


def full_part(
    raw: RawArrays, specs: Sequence[ColumnSpec], coded: Sequence[Coded | None], zooms: tuple[int, int], step: Step
) -> Part:
    """The part whose final arrays are in `raw`; its arrays are mapped files."""
    ids = raw.load("ids", np.int64)
    raw.append("ids_order", np.argsort(ids, kind="stable").astype(np.uint32))
    columns = _columns(raw, specs, coded, len(ids), step)
    step("fragments")
    fragments = _fragments(raw, columns)
    raw.release_all()
    step("index")
    rank = raw.load("rank", np.int32)
    width = sum(column.cell >= 0 for column in columns)
    part = Part(
        min_zoom=zooms[0],
        max_zoom=zooms[1],
        ids=ids,
        ids_order=raw.load("ids_order", np.uint32),
        rank=rank if len(rank) else None,
        geometry=_geometry(raw, ""),
        tree=build_tree(raw.load("boxes", np.int32, 4)),
        validity=Validity(raw.load("zooms", np.uint32), raw.load("keys", np.uint64), _geometry(raw, "repaired-")),
        columns=columns,
        cells=raw.load("cells", np.uint32, width) if width else np.zeros((len(ids), 0), np.uint32),
        fragments=fragments,
        pairs=pairs_of(columns),
    )
    raw.release_all()
    return part


def _geometry(raw: RawArrays, prefix: str) -> Geometry:
    offsets = (raw.load(f"{prefix}{name}", np.int32) for name in ("members", "rings", "vertices"))
    positions = (raw.load(f"{prefix}{name}", np.int32, 2) for name in ("mercator", "degrees"))
    return Geometry(raw.load(f"{prefix}kinds", np.uint8), *offsets, *positions)


def _columns(
    raw: RawArrays, specs: Sequence[ColumnSpec], coded: Sequence[Coded | None], n: int, step: Step
) -> tuple[Column, ...]:
    firsts = first_fragments(coded)
    behind = sum(len(column.values) + 1 for column in coded if column is not None)
    found, cell = [], 0
    for place, spec in enumerate(specs):
        step(f"index of {spec.name}")
        about = (spec.name, str(spec.type), spec.in_tiles)
        kept = coded[place] if place < len(coded) else None
        if kept is not None:
            codes = raw.load(f"codes-{place}", np.uint8 if len(kept.values) < 256 else np.uint16)
            order, starts = order_codes(codes, len(kept.values), raw.load("ids_order", np.uint32))
            raw.append(f"order-{place}", order)
            order = raw.load(f"order-{place}", np.uint32)
            found.append(Column(*about, codes, kept.values, order, starts, firsts[place], cell))
            cell += 1
        else:
            values = _values(raw, place, str(spec.type), n)
            raw.append(f"order-{place}", order_values(values))
            found.append(Column(*about, None, values, raw.load(f"order-{place}", np.uint32), None, behind, -1))
            behind += n
        raw.release_all()
    return tuple(found)


def _values(raw: RawArrays, place: int, kind: str, n: int) -> pa.Array:
    """Values of a plain column, over the mapped arrays."""
    arrow = ARROW_TYPES[kind]
    missing = raw.load(f"missing-{place}", np.bool_)
    count = int(np.count_nonzero(missing))
    valid = pa.py_buffer(np.packbits(~missing, bitorder="little")) if count else None
    if pa.types.is_large_string(arrow):
        raw.append(f"offsets-{place}", offsets_of(raw.load(f"lengths-{place}", np.int64), np.int64))
        offsets, content = raw.load(f"offsets-{place}", np.int64), raw.load(f"values-{place}", np.uint8)
        return pa.Array.from_buffers(arrow, n, [valid, pa.py_buffer(offsets), pa.py_buffer(content)], count)
    width = np.int32 if pa.types.is_date32(arrow) else np.float64 if pa.types.is_floating(arrow) else np.int64
    buffers = numbers(raw.load(f"values-{place}", width)).buffers()
    return pa.Array.from_buffers(arrow, n, [valid, buffers[1]], count)


def _fragments(raw: RawArrays, columns: Sequence[Column]) -> Fragments:
    """Fragments of all columns: those with codes first, then the plain ones, written chunk by chunk."""
    jobs = list(_chunks(columns))
    ends = [0, 0]
    raw.append("mvt-offsets", np.zeros(1, np.int64))
    raw.append("json-offsets", np.zeros(1, np.int64))
    with ThreadPoolExecutor(WORKERS) as pool:
        pending = []
        for job in [*jobs, None, *[None] * WORKERS]:
            if job is not None:
                pending.append(pool.submit(value_fragments, *job))
            if pending and (job is None or len(pending) > WORKERS):
                made = pending.pop(0).result()
                for k, (name, offsets, content) in enumerate(
                    (("mvt", made.mvt_offsets, made.mvt), ("json", made.json_offsets, made.json))
                ):
                    raw.append(f"{name}-offsets", offsets[1:] + ends[k])
                    raw.append(name, content)
                    ends[k] += int(offsets[-1])
                raw.release_all()
    return Fragments(
        raw.load("mvt-offsets", np.int64),
        raw.load("mvt", np.uint8),
        raw.load("json-offsets", np.int64),
        raw.load("json", np.uint8),
    )


def _chunks(columns: Sequence[Column]) -> Iterator[tuple[str, pa.Array]]:
    for column in columns:
        if column.codes is not None:
            yield column.type, pa.concat_arrays([column.values, pa.nulls(1, column.values.type)])
    for column in columns:
        if column.codes is None:
            for start in range(0, len(column.values), _CHUNK):
                yield column.type, column.values.slice(start, _CHUNK)
