"""Differences that plans themselves have: sums of parts, and figures said again otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from geoplan.provenance import Citation
from geoplan.records import PlaceRef, PlanRecord, Quantity
from geoplan.records.consistency import note_differences


def fact(line: int, value: str, unit: str = "万亩", **more: Any) -> PlanRecord:
    """A quota; `figure` holds what else its figure says."""
    cited = Citation("p", line, 0, 9)
    said = {"measure": "area", "change": "flow"} | more.pop("figure", {})
    figure = Quantity(value=Decimal(value), unit=unit, citation=cited, **said)
    rest = {"kind": "farmland", "theme": "high_standard_farmland", "status": "target"} | more
    return PlanRecord(
        id=f"p-{line}-01", name="任务", places=(PlaceRef.parse("五台县"),), quantities=(figure,), citation=cited, **rest
    )  # type: ignore[arg-type]


def part(line: int, value: str, unit: str = "万亩", **more: Any) -> PlanRecord:
    return fact(line, value, unit, **({"part_of": "p-1-01"} | more))


@pytest.mark.parametrize(
    "parts",
    [
        [part(2, "0.1"), part(3, "0.2")],
        [part(2, "1000", "亩"), part(3, "0.2")],
        [part(2, "0.1"), part(3, "0.2"), part(4, "0.1", duplicate_of="p-2-01")],
        [part(2, "0.1"), part(3, "0.2"), part(4, "9", theme="cultivated_land")],
        [part(2, "0.1"), part(3, "0.2"), part(4, "9", figure={"change": "stock"})],
        [part(2, "0.1"), part(3, "0.2"), part(4, "9", part_of="")],
        [part(2, "0.1")],  # the only part that the plan names
    ],
)
def test_parts_that_add_up_exactly_are_not_noted(parts: list[PlanRecord]) -> None:
    assert note_differences([fact(1, "0.3"), *parts]) == []


def test_parts_that_do_not_add_up_are_noted_with_both_sums() -> None:
    records = [fact(1, "0.3"), part(2, "0.1"), part(3, "3000", "亩")]
    (note,) = note_differences(records, {"p-1-01": 7})
    assert (note.code, note.file, note.row, note.column) == ("sum-differs", "p.csv", 7, "value")
    assert note.message == "the 2 parts of p-1-01 add up to 0.4 万亩, it states 0.3 万亩."


def test_a_bound_is_no_sum_and_other_kinds_are_not_summed() -> None:
    bound = fact(1, "0.3", figure={"qualifier": "at_least"})
    assert note_differences([bound, part(2, "0.3"), part(3, "0.2")]) == []
    assert note_differences([fact(1, "0.3", kind="base"), part(2, "0.3"), part(3, "0.2")]) == []


@pytest.mark.parametrize(
    ("again", "noted"),
    [
        (("30", "万亩", {}), ""),
        (("300000", "亩", {}), ""),
        (("31", "万亩", {}), "31 万亩, there 30 万亩"),
        (("30", "万亩", {"qualifier": "at_least"}), "at_least 30 万亩, there 30 万亩"),
        # A figure of another time is no repetition of this one.
        (("31", "万亩", {"status": "baseline"}), ""),
        (("31", "万吨", {"measure": "output"}), ""),
    ],
)
def test_a_repetition_with_another_figure_is_noted(again: tuple[str, str, dict[str, str]], noted: str) -> None:
    value, unit, said = again
    notes = note_differences([fact(1, "30"), fact(2, value, unit, duplicate_of="p-1-01", figure=said)], {"p-2-01": 3})
    if not noted:
        assert notes == []
        return
    (note,) = notes
    assert (note.code, note.file, note.row, note.column) == ("repetition-differs", "p.csv", 3, "duplicate_of")
    assert note.message == f"p-2-01 repeats p-1-01 with another figure: {noted}."
