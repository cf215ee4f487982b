"""A pack in memory with every type of column, with codes and plain, missing values and missing shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely

from geoplan.pack import assemble
from geoplan.pack.part import Part


@dataclass(frozen=True)
class Manifest:
    approximate: Any = None
    datetime: str | None = None


@dataclass(frozen=True, repr=False)
class MemoryPack:
    source: Part
    manifest: Manifest = Manifest()

    def __repr__(self) -> str:
        return "the pack"


Row = dict[str, Any]
WORDS = ["alpha", "Alpha", "Ålpha", "beta%", "b_ta", "", "København", "中文", "zeta", "a\\b"]
LISTS = [["a", "b"], [], ["b"], [1, 2], [1.0], [True], ["a", "b", "c"]]


def make_rows(count: int, seed: int) -> list[Row]:
    """Rows of plain values; None where missing."""
    rng = np.random.default_rng(seed)

    def maybe(value: Any) -> Any:
        return None if rng.random() < 0.15 else value

    return [
        {
            "word": maybe(WORDS[rng.integers(len(WORDS))]),
            "other": maybe(WORDS[rng.integers(len(WORDS))]),
            "code": maybe(f"14{rng.integers(0, 30):04d}"),
            "whole": maybe(int(rng.integers(-3, 8))),
            "real": maybe(float(rng.integers(-6, 12)) / 2),
            "flag": maybe(bool(rng.integers(2))),
            "day": maybe(date(2022, 4, 10) + timedelta(days=int(rng.integers(10)))),
            "start": maybe(datetime(2022, 4, 10, tzinfo=UTC) + timedelta(hours=6 * int(rng.integers(30)))),
            "end": maybe(datetime(2022, 4, 14, tzinfo=UTC) + timedelta(hours=6 * int(rng.integers(30)))),
            "list": maybe(LISTS[rng.integers(len(LISTS))]),
        }
        for _ in range(count)
    ]


def make_shapes(count: int, seed: int) -> list[Any]:
    """Points, lines, polygons with holes, several of them, and none, between 110°-116° E and 34°-40° N."""
    rng = np.random.default_rng(seed)
    found: list[Any] = []
    for _ in range(count):
        x, y = np.round(rng.uniform(110, 116), 6), np.round(rng.uniform(34, 40), 6)
        w, h = np.round(rng.uniform(0.001, 0.6, 2), 6)
        square = shapely.Polygon(
            [(x, y), (x + w, y), (x + w, y + h), (x, y + h)],
            [[(x + w / 4, y + h / 4), (x + w / 4, y + h / 2), (x + w / 2, y + h / 2)]],
        )
        kinds = [
            shapely.Point(x, y),
            shapely.LineString([(x, y), (x + w, y + h), (x + w, y)]),
            square,
            shapely.MultiPolygon([square, shapely.box(x + w + 0.1, y, x + w + 0.2, y + h)]),
            shapely.MultiPoint([(x, y), (x + w, y)]),
            shapely.MultiLineString([[(x, y), (x + w, y)], [(x, y + h), (x + w, y + h)]]),
            None,
        ]
        found.append(kinds[rng.choice(7, p=[0.15, 0.15, 0.4, 0.1, 0.05, 0.05, 0.1])])
    return found


def make_table(rows: list[Row]) -> pa.Table:
    import orjson

    types = {
        "word": pa.string(),
        "other": pa.string(),
        "code": pa.string(),
        "whole": pa.int64(),
        "real": pa.float64(),
        "flag": pa.bool_(),
        "day": pa.date32(),
        "start": pa.timestamp("us", "UTC"),
        "end": pa.timestamp("us", "UTC"),
    }
    arrays = {name: pa.array([row[name] for row in rows], kind) for name, kind in types.items()}
    arrays["list"] = pa.array([None if row["list"] is None else orjson.dumps(row["list"]).decode() for row in rows])
    return pa.table(arrays)


@pytest.fixture(params=["codes", "plain"])
def coded(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether columns have codes, or are plain as those with many distinct values are."""
    if request.param == "plain":
        monkeypatch.setattr(assemble, "MOST_CODES", 2)
    return str(request.param)


@pytest.fixture
def build_pack(coded: str) -> Callable[..., MemoryPack]:
    del coded

    def build(rows: list[Row], shapes: list[Any], ids: Any = None, **manifest: Any) -> MemoryPack:
        specs = [
            assemble.ColumnSpec(name, "json" if name == "list" else None) for name in make_table(rows).column_names
        ]
        part = assemble.memory_part(make_table(rows), np.array(shapes, object), ids, specs=specs)
        return MemoryPack(part, Manifest(**manifest))

    return build
