"""Two versions of a plan compared: seeded edits are found exactly, and no fact is lost between the versions."""

from __future__ import annotations

import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.documents.diff import Class, Difference, compare, count_classes, find_repeats
from geoplan.provenance import Citation
from geoplan.records import PlaceRef, PlanRecord, Quantity, read_records
from geoplan.terms import Qualifier

FOLDER = Path(__file__).parents[2] / "layers" / "records"
PLANS = ("xinzhou", "shanxi", "shuozhou", "yangquan", "clusters")
RECORDS = {plan: read_records(FOLDER / f"{plan}.csv").records for plan in PLANS}
ALL = [record for records in RECORDS.values() for record in records]
REPEATED = {record.duplicate_of for record in ALL} | {record.id for record in ALL if record.duplicate_of}


def record(number: int, name: str = "奶牛基地", places: str = "应县", figure: str = "", **more: Any) -> PlanRecord:
    """A fact; the figure as ``headcount 30 万头``."""
    cited = Citation("p", number, 0, 5)
    quantities = []
    if figure:
        measure, value, unit = figure.split()
        low, _, high = value.partition("-")
        terms = {key: more.pop(key) for key in ("qualifier", "change", "per") if key in more}
        terms |= {"value_max": Decimal(high), "qualifier": "range"} if high else {}
        quantities = [Quantity(measure=measure, value=Decimal(low), unit=unit, citation=cited, **terms)]  # type: ignore[arg-type]
    values = {"kind": "base", "theme": "dairy", "status": "target", "quantities": tuple(quantities)}
    refs = tuple(PlaceRef.parse(place) for place in places.split(";") if place)
    return PlanRecord(id=f"p-{number}-01", name=name, places=refs, citation=cited, **(values | more))  # type: ignore[arg-type]


def only(old: list[PlanRecord], new: list[PlanRecord]) -> Difference:
    (found,) = compare(old, new)
    return found


def changed(differences: list[Difference]) -> list[Difference]:
    return [difference for difference in differences if not {Class.SAME, Class.REPEATED} >= set(difference.classes)]


@pytest.mark.parametrize(
    ("old", "new", "item", "said"),
    [
        ({"figure": "headcount 30 万头"}, {"figure": "headcount 33 万头"}, Class.ROSE, "+10.0%"),
        ({"figure": "headcount 30 万头"}, {"figure": "headcount 15 万头"}, Class.FELL, "-50.0%"),
        ({"figure": "area 1 万亩"}, {"figure": "area 1000 公顷"}, Class.ROSE, "1 万亩"),
        ({"figure": "area 2-3 万亩"}, {"figure": "area 2-4 万亩"}, Class.ROSE, "2-4 万亩"),
        ({"figure": "area 2-3 万亩"}, {"figure": "area 1-4 万亩"}, Class.CHANGED, "1-4 万亩"),
        ({"figure": "area 3 万亩"}, {"figure": "area 3 万亩", "qualifier": "at_least"}, Class.CHANGED, "不低于3 万亩"),
        ({"figure": "area 3 万亩"}, {"figure": "area 3 万亩", "change": "flow"}, Class.CHANGED, "新增3 万亩"),
        ({"figure": "area 3 万亩"}, {"figure": "area 3 万亩", "per": "each"}, Class.CHANGED, "每处3 万亩"),
        ({"figure": "area 3 万亩"}, {}, Class.CHANGED, "3 万亩〔目标〕 → 未写"),
        ({}, {"figure": "area 3 万亩"}, Class.CHANGED, "未写 → 3 万亩"),
        ({"places": "应县"}, {"places": "山阴县"}, Class.MOVED, "应县 → 山阴县"),
        ({"places": "应县;怀仁市"}, {"places": "应县"}, Class.MOVED, "应县、怀仁市 → 应县"),
        ({"places": "应县"}, {"places": "应县/南河种镇"}, Class.CHANGED, "地点写法"),
        ({"period": "2025"}, {"period": "2030"}, Class.CHANGED, "时期：2025 → 2030"),
        ({"status": "target"}, {"status": "baseline"}, Class.CHANGED, "性质：目标 → 现状"),
        ({"name": "奶牛养殖基地"}, {"name": "奶牛养殖示范基地"}, Class.CHANGED, "名称"),
        ({"kind": "base"}, {"kind": "park"}, Class.CHANGED, "类型"),
        ({"theme": "dairy"}, {"theme": "cattle"}, Class.CHANGED, "门类"),
    ],
)
def test_one_edit_is_told_as_what_it_is(old: dict[str, Any], new: dict[str, Any], item: Class, said: str) -> None:
    found = only([record(1, **old)], [record(9, **new)])
    assert found.classes == (item,)
    assert said in "".join(found.details)


def test_the_same_in_another_unit_is_the_same() -> None:
    assert only([record(1, figure="area 1 万亩")], [record(2, figure="area 10000 亩")]).classes == (Class.SAME,)


def test_several_edits_of_a_fact_are_all_told() -> None:
    found = only([record(1, figure="area 1 万亩")], [record(1, places="山阴县", figure="area 2 万亩", period="2030")])
    assert found.classes == (Class.MOVED, Class.ROSE, Class.CHANGED)
    assert len(found.details) == 3


def test_a_bound_that_is_raised_is_a_rise_between_bounds() -> None:
    old, new = (record(1, figure=f"area {value} 万亩", qualifier="at_least") for value in (10, 12))
    found = only([old], [new])
    assert found.classes == (Class.ROSE,)
    assert found.details == ("面积：不低于10 万亩〔目标〕 → 不低于12 万亩〔目标〕（+20.0%）",)
    assert found.figures[0].share == Decimal("0.2")


def test_other_facts_are_not_taken_for_one_another() -> None:
    old = [record(1, "蔬菜总产量", "忻州市", "output 10 万吨", theme="vegetables", kind="indicator")]
    new = [record(1, "水果总产量", "忻州市", "output 12 万吨", theme="fruit", kind="indicator")]
    assert [found.classes for found in compare(old, new)] == [(Class.ADDED,), (Class.DROPPED,)]
    counties = [record(n, "农田任务", place, f"area {n} 万亩") for n, place in enumerate(("甲县", "乙县", "丙县"), 1)]
    assert {found.classes for found in compare(counties, counties[::-1])} == {(Class.SAME,)}


def test_a_sure_pair_is_not_given_up_for_two_middling_ones() -> None:
    old = [record(1, "奶牛养殖基地一", "应县"), record(2, "奶牛养殖基地", "山阴县")]
    new = [record(3, "奶牛养殖基地一", "应县", period="2030"), record(4, "奶牛养殖基", "山阴县")]
    pairs = {(found.old.id, found.new.id) for found in compare(old, new) if found.old and found.new}
    assert pairs == {("p-1-01", "p-3-01"), ("p-2-01", "p-4-01")}


def test_empty_versions() -> None:
    one = [record(1)]
    assert compare([], []) == []
    assert only([], one).classes == (Class.ADDED,)
    assert only(one, []).classes == (Class.DROPPED,)


@pytest.mark.parametrize("plan", PLANS)
def test_a_version_is_the_same_as_itself(plan: str) -> None:
    assert changed(compare(RECORDS[plan], RECORDS[plan])) == []


@pytest.mark.parametrize("plan", PLANS)
def test_repetitions_of_a_plan_are_found_without_their_marks(plan: str) -> None:
    """None is made up; of those that the reviewers marked most are found, of the projects of 忻州 all."""
    ids = {one.id for one in RECORDS[plan]}
    marked = {one.id for one in RECORDS[plan] if one.duplicate_of in ids}
    bare = [one.model_copy(update={"duplicate_of": ""}) for one in RECORDS[plan]]
    found = {bare[index].id for index in find_repeats(bare)}
    assert found <= marked
    if plan == "xinzhou":
        projects = {one.id for one in RECORDS[plan] if one.kind == "project" and one.duplicate_of}
        assert len(projects) == 7
        assert projects <= found
        assert len(found) >= 16
    assert {index for index, _ in find_repeats(RECORDS[plan]).items()} == {
        index for index, one in enumerate(RECORDS[plan]) if one.id in marked
    }


def test_an_added_repetition_is_told_with_its_original() -> None:
    old = [record(1, figure="area 1 万亩")]
    found = compare(old, [*old, record(7, "应县奶牛基地", figure="area 1 万亩")])
    assert [difference.classes for difference in found] == [(Class.SAME,), (Class.REPEATED,)]
    assert found[1].repeats == "p-1-01"


def unlike(index: int) -> PlanRecord:
    return record(9000 + index, f"新设事项甲乙{'丙丁戊己庚辛壬癸'[index]}", f"外县{index}", f"power {index + 7} 千瓦")


EDITS = ("move", "raise", "lower", "bound", "period", "drop")
EDITABLE = [r for r in RECORDS["xinzhou"] if r.id not in REPEATED and r.places and len(r.quantities) == 1]


def edited(one: PlanRecord, edit: str) -> PlanRecord:
    figure = one.quantities[0]
    changes: dict[str, dict[str, Any]] = {
        "raise": {"value": figure.value * 2 + 1, "value_max": None, "qualifier": Qualifier.EXACT},
        "lower": {"value": figure.value / 4, "value_max": None, "qualifier": Qualifier.EXACT},
        "bound": {"qualifier": Qualifier.AT_MOST},
    }
    if edit == "move":
        return one.model_copy(update={"places": (PlaceRef(path=("新设县",)),)})
    if edit == "period":
        return one.model_copy(update={"period": "2049"})
    return one.model_copy(update={"quantities": (figure.model_copy(update=changes[edit]),)})


EXPECTED = {
    "move": Class.MOVED, "raise": Class.ROSE, "lower": Class.FELL, "bound": Class.CHANGED, "period": Class.CHANGED,
    "drop": Class.DROPPED,
}  # fmt: skip
CHOSEN = st.lists(
    st.tuples(st.sampled_from([r.id for r in EDITABLE]), st.sampled_from(EDITS)), max_size=12, unique_by=lambda x: x[0]
)


@settings(max_examples=60)
@given(CHOSEN, st.integers(0, 4), st.randoms(use_true_random=False))
def test_seeded_edits_are_found_and_nothing_else(
    chosen: list[tuple[str, str]], added: int, shuffle: random.Random
) -> None:
    edits = {
        key: edit for key, edit in chosen
        if edit not in {"bound", "raise", "lower"}
        or next(r for r in EDITABLE if r.id == key).quantities[0].qualifier is Qualifier.EXACT
    }  # fmt: skip
    new = [edited(r, edits[r.id]) if r.id in edits else r for r in RECORDS["xinzhou"] if edits.get(r.id) != "drop"]
    new += [unlike(index) for index in range(added)]
    shuffle.shuffle(new)
    found = changed(compare(RECORDS["xinzhou"], new))
    expected = {(key, EXPECTED[edit]) for key, edit in edits.items()}
    expected |= {(unlike(index).id, Class.ADDED) for index in range(added)}
    assert {(difference.record.id, difference.classes[0]) for difference in found} == expected
    assert len(found) == len(expected)


SAMPLE = st.lists(st.sampled_from(ALL), max_size=25)


@settings(max_examples=60)
@given(SAMPLE, SAMPLE)
def test_every_fact_is_in_exactly_one_difference(old: list[PlanRecord], new: list[PlanRecord]) -> None:
    found = compare(old, new)
    assert sorted(d.old.id for d in found if d.old) == sorted(one.id for one in old)
    assert [d.new.id for d in found if d.new] == [one.id for one in new]
    counts = count_classes(found)
    assert sum(d.old is None for d in found) + len(old) == sum(d.new is None for d in found) + len(new)
    assert counts[Class.DROPPED] == sum(d.new is None for d in found)
    assert all(d.classes for d in found)
    assert compare(old, new) == found


def test_two_thousand_facts_take_seconds() -> None:
    old = (ALL * 2)[:2000]
    new = [one.model_copy(update={"period": "2049"}) for one in old]
    begun = time.process_time()
    found = compare(old, new)
    assert time.process_time() - begun < 12
    assert len(found) == 2000
    assert {difference.old is not None and difference.new is not None for difference in found} == {True}
