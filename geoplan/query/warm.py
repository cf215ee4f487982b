"""Compile what questions need, before the first one is asked."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from geoplan.pack.assemble import memory_part
from geoplan.pack.part import Part
from geoplan.pack.writer import AXES, write_features
from geoplan.query.answer import select
from geoplan.query.filters import compile_filter
from geoplan.query.indexes import bound_number, bound_text, run_of_number, run_of_text, smallest_ids
from geoplan.query.model import Query


@dataclass(frozen=True, slots=True)
class _Nothing:
    approximate: None = None
    datetime: None = None


@dataclass(frozen=True, slots=True)
class _Small:
    source: Part
    manifest: _Nothing = _Nothing()


def warm() -> None:
    """Compile all kernels of questions and of GeoJSON for mapped arrays, or read them from the cache."""
    count = 40
    table = pa.table({"code": np.arange(count) % 2, "kind": (np.arange(count) % 3).astype(str)})
    along = np.linspace(1, 2, count)
    part = _mapped(memory_part(table, np.asarray(shapely.points(along, along))))
    pack = _Small(part)
    _warm_plain()
    texts = ["code=1 and kind='2'", "code=1", "kind>'0' and code=0", "kind>='1'"]
    for text in texts:
        select(pack, Query(filter=compile_filter(text, pack=part), bbox=(1, 1, 1.2, 1.2)))
        select(pack, Query(filter=compile_filter(text, pack=part), limit=2))
        select(pack, Query(filter=compile_filter(text, pack=part), bbox=(0, 0, 3, 3)))
    for question in (
        Query(bbox=(0, 0, 3, 3), limit=2),
        Query(bbox=(1, 1, 1.001, 1.001)),
        Query(point=(1, 1)),
        Query(near=(1, 1), radius_m=50.0),
        Query(ids=(1,)),
    ):
        select(pack, question)
    for crs in AXES:
        write_features(part, np.arange(2), crs=crs)


def _warm_plain() -> None:
    """Columns with many distinct values have no codes: their bounds are found by kernels of their own."""
    order = _mapped(np.arange(3, dtype=np.uint32))
    for kind in (np.int64, np.float64, np.int32):
        values = _mapped(np.arange(3, dtype=kind))
        target = np.float64(1) if kind is np.float64 else np.int64(1)
        bound_number(values, order, 3, target, True)  # noqa: FBT003 - compiled
    text = _mapped(np.frombuffer(b"abc", np.uint8))
    bound_text(_mapped(np.arange(4)), text, order, 3, text, True)  # noqa: FBT003 - compiled
    run_of_text(_mapped(np.arange(4)), text, order, 3, text)
    run_of_number(_mapped(np.arange(3)), order, 3, np.int64(1))
    # Where many rows answer, the first of them are picked by a kernel.
    smallest_ids(_mapped(np.arange(3)), np.arange(3), -1, 1)


def _mapped(value: Any) -> Any:
    """The same, with arrays that cannot be written to, as those of an open pack."""
    if isinstance(value, np.ndarray):
        view = value.view()
        view.setflags(write=False)
        return view
    if isinstance(value, tuple):
        return tuple(_mapped(one) for one in value)
    if isinstance(value, dict):
        return {key: _mapped(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _mapped(getattr(value, one.name)) for one in fields(value)})
    return value
