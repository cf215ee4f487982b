"""Rows of a fact: one a place, a figure never twice, ends of ranges, routes no finer than their stops."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import shapely

from geoplan.documents.outline import Outline
from geoplan.gazetteer import Gazetteer
from geoplan.layers.definition import MeasureSpec, SelectRecords
from geoplan.layers.facts import converted_text, record_rows, select_records
from geoplan.records import PlanRecord
from geoplan.terms import Kind
from tests.layers.small_world import SHAPES, facts, gazetteer, record, shapes

AREA = MeasureSpec(name="area", unit="万亩", extensive=True)


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return gazetteer(tmp_path_factory.mktemp("gazetteer"))


def rows(
    names: Gazetteer, *records: PlanRecord, shape: str = "places", measure: MeasureSpec | None = AREA, **known: Any
) -> list[dict[str, Any]]:
    """Rows of the first record."""
    select = SelectRecords(source="records", kinds=tuple(Kind), shape=shape)  # type: ignore[arg-type]
    return record_rows(records[0], facts(names, *records, **known), shapes(), select, measure)


def test_a_total_of_several_places_is_on_none_of_them(names: Gazetteer) -> None:
    made = rows(names, record(3, "甲县;乙县", "area 20 万亩", per="total"))
    assert [row["division_name"] for row in made] == ["甲县", "乙县"]
    for row in made:
        assert [row[name] for name in ("value", "value_max", "value_si", "measure_value")] == [None] * 4
        assert row["shared_by"] == 2
        assert row["value_text"] == "合计 20 万亩（规划点名 2 处）"


def test_a_figure_without_a_word_on_sharing_is_not_repeated_either(names: Gazetteer) -> None:
    assert [row["value"] for row in rows(names, record(3, "甲县;乙县", "area 20 万亩"))] == [None, None]


def test_a_figure_for_each_place_is_on_all_of_them(names: Gazetteer) -> None:
    made = rows(names, record(3, "甲县;乙县", "area 20 万亩", per="each"))
    assert [(row["value"], row["shared_by"], row["value_text"]) for row in made] == [(20, None, "20 万亩")] * 2


def test_a_fact_drawn_as_one_shape_keeps_its_figure(names: Gazetteer) -> None:
    (row,) = rows(names, record(3, "甲县/丙镇;乙县", "area 20 万亩"), shape="union")
    assert row["value"] == 20
    assert row["geometry"].equals(shapely.union_all([SHAPES["140101001"], SHAPES["140102"]]))
    assert (row["geometry_source"], row["precision"], row["division_code"]) == ("schematic", "county", None)
    assert row["division_name"] == "丙镇、乙县"


def test_a_bound_and_a_range_stay_what_they_are(names: Gazetteer) -> None:
    (bound,) = rows(names, record(3, "市", "area 2400 万亩", qualifier="at_least"))
    assert (bound["value"], bound["qualifier"], bound["qualifier_zh"]) == (2400, "at_least", "不低于")
    (span,) = rows(names, record(3, "市", "count 2-3 个"), measure=None)
    assert (span["value"], span["value_max"], span["value_text"], span["qualifier"]) == (2, 3, "2-3 个", "range")


def test_a_missing_figure_is_missing_and_not_nought(names: Gazetteer) -> None:
    (row,) = rows(names, record(3, "甲县"))
    assert [row[name] for name in ("value", "value_text", "value_si", "measure", "measure_value")] == [None] * 5


def test_the_layers_measure_is_chosen_and_converted(names: Gazetteer) -> None:
    first, second = record(3, "甲县", "investment 2 亿元"), record(3, "甲县", "area 200000 亩")
    both = first.model_copy(update={"quantities": (*first.quantities, *second.quantities)})
    (row,) = rows(names, both)
    assert (row["measure"], row["value"], row["unit"], row["measure_value"]) == ("area", 200000, "亩", 20.0)
    assert [q["text"] for q in row["quantities"]] == ["2 亿元", "200000 亩"]
    (other,) = rows(names, first)
    assert (other["measure"], other["value"], other["measure_value"]) == ("investment", 2, None)


def test_every_row_cites_its_line(names: Gazetteer) -> None:
    for row in rows(names, record(42, "甲县;乙县")):
        assert (row["plan"], row["plan_title"], row["line"], row["span"]) == ("plan", "甲规划", 42, "0-5")


def test_a_row_names_its_chapter_where_the_outline_is_known(names: Gazetteer) -> None:
    stated = facts(names, record(42, "甲县"))
    select = SelectRecords(source="records", kinds=tuple(Kind))
    outlines = {"plan": Outline((10, 40), ("第一章", "第一章 第二节"))}
    (row,) = record_rows(stated.records[0], replace(stated, outlines=outlines), shapes(), select, AREA)
    assert (row["chapter"], row["line"]) == ("第一章 第二节", 42)
    assert rows(names, record(42, "甲县"))[0]["chapter"] is None


@pytest.mark.parametrize("mark", ["?丁镇", "~己村"])
def test_a_name_known_only_by_its_city_is_not_drawn(names: Gazetteer, mark: str) -> None:
    (row,) = rows(names, record(3, mark))
    assert (row["geometry"], row["geometry_source"], row["precision"]) == (None, "none", "city")
    assert bool(row["candidates"]) == (mark[0] == "?")


def test_an_unlisted_name_in_a_county_is_drawn_as_the_county(names: Gazetteer) -> None:
    (row,) = rows(names, record(3, "甲县/~己村"))
    assert row["geometry"].equals(SHAPES["140101"])
    assert (row["precision"], row["flags"], row["places"]) == ("county", ["unlisted: 己村"], ["己村"])


def test_a_region_is_drawn_where_its_members_are_stated(names: Gazetteer) -> None:
    (row,) = rows(names, record(3, region="北部"), regions={"北部": ("140101", "140102")})
    assert row["geometry"].equals(SHAPES["140100"])
    assert (row["precision"], row["division_name"], row["division_code"]) == ("region", "北部", None)
    (bare,) = rows(names, record(3, region="南部"))
    assert (bare["geometry"], bare["geometry_source"]) == (None, "none")


def route(*stops: str) -> list[PlanRecord]:
    line = record(1, "市", kind="route", theme="tourism")
    numbered = enumerate(stops, start=1)
    return [
        line,
        *(record(10 + n, at, kind="attraction", theme="tourism", part_of=line.id, seq=n) for n, at in numbered),
    ]


@pytest.mark.parametrize(
    ("stops", "counties", "placed"),
    [
        (["甲县/丁镇", "~己村"], ["140101"], 1),
        (["甲县/戊村", "乙县/~己村"], ["140101", "140102"], 2),
        (["新区"], ["140101", "140102"], 1),  # a zone lies in the counties of its members
        (["~己村", "?丁镇"], ["140100"], 0),  # nothing is known but the city
    ],
)
def test_a_route_is_the_counties_of_its_stops_and_no_line(
    names: Gazetteer, stops: list[str], counties: list[str], placed: int
) -> None:
    (row,) = rows(names, *route(*stops), shape="extent")
    assert row["geometry"].equals(shapely.union_all([SHAPES[code] for code in counties]))
    assert (row["stops_named"], row["stops_placed"]) == (len(stops), placed)
    assert (row["precision"], row["geometry_source"]) == ("county" if placed else "city", "generalised")


def test_themes_narrow_a_selection(names: Gazetteer) -> None:
    stated = facts(names, record(1, "甲县"), record(2, "甲县", theme="dairy"), record(3, "甲县", kind="park"))
    wide = SelectRecords(source="records", kinds=(Kind.FARMLAND,))
    assert [r.citation.line for r in select_records(stated, wide)] == [1, 2]
    assert [r.citation.line for r in select_records(stated, wide.model_copy(update={"themes": ("dairy",)}))] == [2]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ("area 30 万亩", "20,000 公顷"),
        ("area 101.57 万亩", "67,713 公顷"),
        ("area 20 亩", "1.33 公顷"),
        ("area 3 亩", "0.2 公顷"),
        ("output 2-3 亿斤", "100,000,000 – 150,000,000 千克"),
        ("output 5 吨/年", "5,000 千克/年"),
        ("ratio 15.6 %", None),
        ("count 10 个", None),
    ],
)
def test_converted_figures_in_words(figure: str, text: str | None) -> None:
    (quantity,) = record(3, "甲县", figure).quantities
    assert converted_text(quantity) == text


def test_a_spot_known_only_by_its_city_is_not_drawn(names: Gazetteer) -> None:
    (spot,) = rows(names, record(3, "市", kind="attraction"))
    assert (spot["geometry"], spot["geometry_source"], spot["precision"]) == (None, "none", "city")
    (base,) = rows(names, record(3, "市", kind="base"))
    assert base["geometry"].equals(SHAPES["140100"])
