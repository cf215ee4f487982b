"""One fact: what the schema refuses, and how a place and a figure are written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from geoplan.errors import UnitError
from geoplan.provenance import Citation
from geoplan.records import Mark, PlaceRef, PlanRecord, Quantity
from geoplan.records.model import check_period

CITATION = Citation("xinzhou", 5, 0, 9)
FACT: dict[str, Any] = {
    "id": "xinzhou-5-01", "kind": "base", "theme": "grain", "name": "基地", "places": (PlaceRef(path=("五台县",)),),
    "status": "target", "period": "2021-2025", "citation": CITATION,
}  # fmt: skip
FIGURE: dict[str, Any] = {"measure": "area", "value": Decimal(30), "unit": "万亩", "citation": CITATION}

names = st.text(st.characters(categories=["Lo"]), min_size=1, max_size=8)
place_refs = st.builds(
    PlaceRef,
    path=st.lists(names, min_size=1, max_size=4).map(tuple),
    mark=st.sampled_from(Mark),
    written=st.one_of(st.just(""), names),
)


@pytest.mark.parametrize(
    ("text", "path", "mark", "written"),
    [
        ("五台县", ("五台县",), Mark.LISTED, ""),
        ("平定县/巨城镇", ("平定县", "巨城镇"), Mark.LISTED, ""),
        ("平定县/巨城镇=巨镇", ("平定县", "巨城镇"), Mark.LISTED, "巨镇"),
        ("盂县/?辛庄", ("盂县", "辛庄"), Mark.AMBIGUOUS, ""),
        ("盂县/~大汖村", ("盂县", "大汖村"), Mark.UNLISTED, ""),
        ("~大汖村=大汖", ("大汖村",), Mark.UNLISTED, "大汖"),
        (" 平定县 / 巨城镇 = 巨镇 ", ("平定县", "巨城镇"), Mark.LISTED, "巨镇"),
        ("介休市/宋𦙶乡", ("介休市", "宋𦙶乡"), Mark.LISTED, ""),
    ],
)
def test_places_as_a_record_file_writes_them(text: str, path: tuple[str, ...], mark: Mark, written: str) -> None:
    place = PlaceRef.parse(text)
    assert (place.path, place.mark, place.written) == (path, mark, written)
    assert place.name == path[-1]
    assert PlaceRef.parse(str(place)) == place


@pytest.mark.parametrize(
    "text",
    ["", "/", "平定县/", "/巨城镇", "平定县//巨城镇", "?", "盂县/~", "?盂县/辛庄", "~盂县/辛庄", "??辛庄", "=巨镇"],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a place path"):
        PlaceRef.parse(text)


@given(place_refs)
def test_every_place_is_read_as_it_is_written(place: PlaceRef) -> None:
    assert PlaceRef.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "2025", "2021-2025"])
def test_periods(text: str) -> None:
    assert check_period(text) == text


@pytest.mark.parametrize(
    "text", ["25", "2025-", "-2025", "2025-2021", "2025-2025", "2021—2025", "2021-25", "十四五", " 2025", "2025\n"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        check_period(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "xinzhou-5"}, "no record id"),
        ({"id": "Xinzhou-5-01"}, "no record id"),
        ({"id": "xinzhou-5-1"}, "no record id"),
        ({"id": "xinzhou-6-01"}, "does not fit line 5 of xinzhou"),
        ({"id": "shanxi-5-01"}, "does not fit line 5 of xinzhou"),
        ({"kind": "gold"}, "kind"),
        ({"theme": "gold"}, "'gold' is no theme; the themes are farmland"),
        ({"status": "maybe"}, "status"),
        ({"period": "25"}, "'25' is no period"),
        ({"places": ()}, "needs a place or a region"),
        ({"name": ""}, "at least 1"),
        ({"name": "长" * 61}, "at most 60"),
        ({"note": "长" * 301}, "at most 300"),
        ({"seq": 0}, "greater than or equal to 1"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_fact_that_breaks_the_schema_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        PlanRecord(**(FACT | change))


def test_a_region_stands_for_places() -> None:
    assert PlanRecord(**(FACT | {"places": (), "region": "雁门关农牧交错带"})).plan == "xinzhou"


def test_facts_and_figures_do_not_change() -> None:
    record = PlanRecord(**(FACT | {"quantities": (Quantity(**FIGURE),)}))
    for thing, name in ((record, "name"), (record.quantities[0], "value"), (record.places[0], "mark")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(thing, name, "x")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": Decimal("NaN")}, "finite"),
        ({"value": Decimal("Infinity")}, "finite"),
        ({"qualifier": "range"}, "a range has two ends"),
        ({"value_max": Decimal(40)}, "a range has two ends"),
        ({"value_max": Decimal(30), "qualifier": "range"}, "from low to high, not 30-30"),
        ({"value_max": Decimal(20), "qualifier": "range"}, "from low to high, not 30-20"),
        ({"measure": "weight"}, "measure"),
        ({"qualifier": "maybe"}, "qualifier"),
        ({"change": "grow"}, "change"),
        ({"per": "all"}, "per"),
        ({"status": "maybe"}, "status"),
        ({"period": "25"}, "'25' is no period"),
    ],
)
def test_a_figure_that_breaks_the_schema_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Quantity(**(FIGURE | change))


@pytest.mark.parametrize(("unit", "said"), [("斗", "unknown unit '斗'"), ("亿元", "'亿元' is a unit of CNY, and area")])
def test_a_unit_that_does_not_fit_is_refused(unit: str, said: str) -> None:
    with pytest.raises(UnitError, match=said):
        Quantity(**(FIGURE | {"unit": unit}))


def test_a_figure_keeps_what_was_written_beside_the_converted_value() -> None:
    quantity = Quantity(**(FIGURE | {"value": Decimal("30.0")}))
    assert (str(quantity.value), quantity.unit) == ("30.0", "万亩")
    assert (str(quantity.value_si), quantity.unit_si) == ("20000", "hectare")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, "30 万亩"),
        ({"value": Decimal("173.60")}, "173.60 万亩"),
        ({"measure": "ratio", "value": Decimal(50), "unit": "%"}, "50%"),
        ({"value": Decimal(2), "value_max": Decimal(3), "qualifier": "range"}, "2-3 万亩"),
    ],
)
def test_a_figure_as_text(change: dict[str, Any], text: str) -> None:
    assert Quantity(**(FIGURE | change)).text == text


@given(st.decimals(0, 10**15, allow_nan=False, places=4))
def test_the_text_of_a_figure_loses_no_digit(value: Decimal) -> None:
    quantity = Quantity(**(FIGURE | {"value": value}))
    assert quantity.text == f"{value} 万亩"
    assert Decimal(quantity.text.removesuffix(" 万亩")).as_tuple() == value.as_tuple()
