"""Overlaps, summaries and divisions against the same worked out feature by feature."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely

from geoplan.crs import STORAGE, area_m2
from geoplan.errors import QueryError
from geoplan.pack.assemble import memory_part
from geoplan.pack.part import Part
from geoplan.query import overlay
from geoplan.query.filters import compile_filter
from geoplan.query.model import Query
from geoplan.query.overlay import overlap_matrix
from geoplan.query.summary import about_division, summarise
from tests.query.conftest import MemoryPack, make_rows, make_shapes


@dataclass(frozen=True)
class About:
    id: str = "a"
    version: str = "v1"
    title: dict[str, str] = field(default_factory=dict)
    sources: tuple[dict[str, str], ...] = ({"id": "plan"},)
    approximate: Any = None
    datetime: str | None = None


@dataclass(frozen=True)
class Layer:
    source: Part
    manifest: About


def layer(shapes: list[Any], columns: dict[str, list[Any]], **about: Any) -> Layer:
    return Layer(memory_part(pa.table(columns), np.array(shapes, object)), About(**about))


def area(shape: Any) -> float:
    return float(area_m2(gpd.GeoSeries([shape], crs=STORAGE))[0])


def test_areas_add_up() -> None:
    first = layer(
        [
            shapely.box(112, 37, 112.4, 37.2),
            shapely.box(112.4, 37, 112.8, 37.2),
            shapely.Point(112, 37),
            shapely.box(113, 37, 113.1, 37.1),
        ],
        {"use": ["farm", "wood", "farm", "farm"]},
    )
    second = layer(
        [
            shapely.box(112.2, 37.1, 112.6, 37.3),
            shapely.box(112.3, 37.1, 112.5, 37.3),
            shapely.box(112, 37, 112.1, 37.1),
        ],
        {"zone": ["core", "core", None]},
        approximate={"column": "zone", "values": ["sketch"]},
    )
    found = overlap_matrix(first, second, first_class="use", second_class="zone")
    assert (found.rows, found.columns) == (("farm", "wood"), ("core", None))
    core = area(shapely.box(112.2, 37.1, 112.4, 37.2)) + area(shapely.box(112.3, 37.1, 112.4, 37.2))
    assert found.area_m2[0] == pytest.approx([core, area(shapely.box(112, 37, 112.1, 37.1))], rel=1e-6)
    assert found.repeated_m2[0] == pytest.approx(area(shapely.box(112.3, 37.1, 112.4, 37.2)), rel=1e-6)
    assert found.area_m2.sum(axis=1) + found.uncovered_m2 - found.repeated_m2 == pytest.approx(found.total_m2, rel=1e-9)
    assert found.total_m2[0] == pytest.approx(
        area(first_box := shapely.box(112, 37, 112.4, 37.2)) + area(shapely.box(113, 37, 113.1, 37.1)), rel=1e-6
    )
    assert first_box.area > 0
    assert (found.first.features, found.first.without_area, found.second.features) == (3, 1, 3)
    assert found.first.sources == ({"id": "plan"},)


def test_random_shapes_conserve_area() -> None:
    shapes = [shape for shape in make_shapes(120, 9) if shape is not None]
    first = layer(shapes, {"use": [index % 3 for index in range(len(shapes))]})
    others = [shape for shape in make_shapes(120, 10) if shape is not None]
    second = layer(others, {"zone": ["x"] * len(others)})
    found = overlap_matrix(first, second, first_class="use", second_class="zone", query=Query(bbox=(111, 35, 115, 39)))
    assert found.pairs > 10
    assert found.area_m2.sum() > 0
    assert found.area_m2.sum(axis=1) + found.uncovered_m2 - found.repeated_m2 == pytest.approx(found.total_m2, rel=1e-9)


def test_what_is_drawn_approximately_enters_no_area() -> None:
    flags = {"column": "source", "values": ["schematic"]}
    box = shapely.box(112, 37, 113, 38)
    first = layer([box, box], {"source": ["official", "schematic"]}, approximate=flags)
    second = layer([box, box], {"source": ["schematic", "schematic"]}, approximate=flags)
    found = overlap_matrix(first, second)
    assert (found.first.excluded_approximate, found.second.excluded_approximate) == (1, 2)
    assert found.area_m2.sum() == 0
    assert found.uncovered_m2 == pytest.approx(found.total_m2)


def test_an_overlay_that_costs_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    box = shapely.box(112, 37, 113, 38)
    many = layer([box] * 30, {"use": ["x"] * 30})
    monkeypatch.setattr(overlay, "MOST_PAIRS", 800)
    with pytest.raises(QueryError, match="800 pairs"):
        overlap_matrix(many, many)
    monkeypatch.setattr(overlay, "MOST_PAIRS", 1000)
    monkeypatch.setattr(overlay, "MOST_POSITIONS", 200)
    with pytest.raises(QueryError, match="300 positions"):
        overlap_matrix(many, many)


ROWS = make_rows(200, 11)


@pytest.fixture
def pack(build_pack: Callable[..., MemoryPack]) -> Layer:
    built = build_pack(ROWS, make_shapes(200, 12))
    return Layer(built.source, About(id="facts"))


def test_counts_and_sums(pack: Layer) -> None:
    chosen = compile_filter("flag = true", pack=pack)
    found = summarise(pack, ("code", "word", "day"), ("real", "whole"), query=Query(filter=chosen), digits={"code": 4})
    expected: dict[Any, list[Any]] = {}
    for row in ROWS:
        if row["flag"] is not True:
            continue
        key = (row["code"] and row["code"][:4], row["word"], row["day"] and str(row["day"]))
        line = expected.setdefault(key, [0, 0.0, 0, 0.0, 0])
        line[0] += 1
        for place, name in ((1, "real"), (3, "whole")):
            line[place] += row[name] or 0
            line[place + 1] += row[name] is None
    read = {labels: [count, *sums[0], *sums[1]] for labels, count, sums in found.groups}
    assert read == expected
    assert found.layer.features == sum(row["flag"] is True for row in ROWS)


def test_summaries_that_are_refused(pack: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(QueryError, match="no number"):
        summarise(pack, ("word",), ("code",))
    with pytest.raises(QueryError, match="colour"):
        summarise(pack, ("colour",))
    with pytest.raises(QueryError, match="from 1"):
        summarise(pack, ())
    monkeypatch.setattr("geoplan.query.summary.MOST_GROUPS", 5)
    with pytest.raises(QueryError, match="more than 5 combinations"):
        summarise(pack, ("word", "code"))


def test_everything_about_a_division() -> None:
    box = shapely.box(112, 37, 113, 38)
    facts = layer(
        [box, box, None, box],
        {
            "division_code": ["140321", "140321107", "140321", "140322"],
            "plan": ["p", "p", "q", "p"],
            "line": [5, 5, 9, 7],
            "span": ["0-4", "0-4", "3-8", "1-2"],
            "geometry_source": ["official", "schematic", "none", "official"],
        },
        id="facts",
        approximate={"column": "geometry_source", "values": ["schematic"]},
    )
    other = layer([box], {"name": ["x"]}, id="other")
    found = about_division([facts, other], "140321")
    assert found.without_codes == ("other",)
    (one,) = found.layers
    assert (one.id, one.matched, one.approximate) == ("facts", 3, 1)
    assert facts.source.ids[one.rows].tolist() == [1, 2, 3]
    assert one.citations == (("p", 5, "0-4"), ("q", 9, "3-8"))
    assert one.layer.sources == ({"id": "plan"},)
    with pytest.raises(QueryError, match="14x"):
        about_division([facts], "14x")
