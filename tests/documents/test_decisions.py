"""Decisions: nothing vanishes, order plays no part, what was confirmed outlives the draft it was made on."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.review import (
    Action,
    Decision,
    DraftFact,
    append_decisions,
    apply_decisions,
    read_decisions,
    summarise,
)
from geoplan.documents.review.decisions import encode, next_time
from geoplan.documents.review.matching import match_decisions
from geoplan.documents.review.store import states
from tests.documents.review_help import COUNTIES, START, UTC_TIME, added, codes, decide, draft, redraft

# --- what each action makes -----------------------------------------------------------------------------------------


def test_each_action_does_what_it_says() -> None:
    drafts = [draft(line) for line in range(1, 6)]
    decisions = [
        decide("accept", drafts[0]),
        decide("correct", drafts[1], places="乙县", name="菜田"),
        decide("reject", drafts[2]),
        decide("accept", drafts[3], 1),
        decide("undo", drafts[3], 2),
        added(draft(9, name="果园").cells),
    ]
    records, undecided, problems = apply_decisions(drafts, decisions)
    assert [(one.id, one.name, [str(p) for p in one.places]) for one in records] == [
        ("plan-1-01", "粮田", ["甲县"]),
        ("plan-2-01", "菜田", ["乙县"]),
        ("plan-9-01", "果园", ["甲县"]),
    ]
    assert [one.id for one in undecided] == ["plan-4-01", "plan-5-01"]
    assert problems == []


def test_the_latest_decision_wins_and_undo_takes_back_one() -> None:
    one = draft()
    made = [decide("accept", one, 0), decide("correct", one, 1, name="菜田"), decide("reject", one, 2)]
    assert apply_decisions([one], made).records == []
    assert [r.name for r in apply_decisions([one], [*made, decide("undo", one, 3)]).records] == ["菜田"]
    back = [decide("undo", one, minute) for minute in (3, 4)]
    assert [r.name for r in apply_decisions([one], made + back).records] == ["粮田"]
    assert apply_decisions([one], made + back + [decide("undo", one, 5), decide("undo", one, 6)]).undecided == [one]


def test_a_corrected_figure_keeps_the_others() -> None:
    one = draft()
    figures = [{"measure": "area", "value": "2..5", "unit": "万亩", "qualifier": "range", "line": "3", "span": "0..9"}]
    (record,) = apply_decisions([one], [decide("correct", one, figures=figures)]).records
    (quantity,) = record.quantities
    assert (str(quantity.value), str(quantity.value_max), record.name) == ("2", "5", "粮田")


def test_a_correction_that_moves_a_fact_numbers_it_anew_and_references_follow() -> None:
    route, stop = draft(3, name="线路", kind="route"), draft(5, kind="attraction", part_of="plan-3-01", value="")
    moved = decide("correct", route, line="4")
    records = apply_decisions([route, stop], [moved, decide("accept", stop)]).records
    assert [(one.id, one.part_of) for one in records] == [("plan-4-01", ""), ("plan-5-01", "plan-4-01")]


# --- after another run of the extractor -----------------------------------------------------------------------------


def test_decisions_survive_other_ids_spans_and_names() -> None:
    old = [draft(3, "0..9", 1), draft(3, "12..20", 2, places="乙县"), draft(3, "22..30", 3, places="丙县")]
    decisions = [decide("accept", old[0]), decide("reject", old[1], 1), decide("correct", old[2], 2, name="菜田")]
    new = [
        draft(3, "21..30", 1, places="丙县", name="丙县的田"),
        draft(3, "11..20", 4, places="乙县"),
        draft(3, "0..10", 7, name="甲县粮田"),
    ]
    records, undecided, problems = apply_decisions(new, decisions)
    assert [(one.id, one.name) for one in records] == [("plan-3-07", "粮田"), ("plan-3-01", "菜田")]
    assert (undecided, problems) == ([], [])


def test_a_draft_that_now_says_something_else_is_told() -> None:
    old, new = draft(value="3"), draft(value="30")
    kept = apply_decisions([new], [decide("accept", old)])
    assert [str(one.quantities[0].value) for one in kept.records] == ["3"]
    assert codes(kept.problems) == ["draft-changed"]
    again = apply_decisions([new], [decide("reject", old)])
    assert (again.records, again.undecided) == ([], [new])
    assert codes(again.problems) == ["stale-rejection"]


def test_a_better_extractor_that_drafts_what_was_corrected_is_recognised() -> None:
    old = draft(kind="park", places="甲县")
    decision = decide("correct", old, kind="zone", places="乙县;丙县")
    new = draft(kind="zone", places="乙县;丙县", number=5)
    records, undecided, problems = apply_decisions([new], [decision])
    assert [one.id for one in records] == ["plan-3-05"]
    assert (undecided, problems) == ([], [])


def test_a_confirmed_fact_is_kept_when_its_draft_is_gone() -> None:
    gone, other = draft(3, "0..9"), draft(3, "30..40", places="丙县")
    decisions = [decide("correct", gone, name="菜田"), decide("reject", draft(8), 1)]
    records, undecided, problems = apply_decisions([other], decisions)
    assert [(one.id, one.name) for one in records] == [("plan-3-02", "菜田")]
    assert undecided == [other]
    assert codes(problems) == ["lost-draft", "lost-draft"]


def test_another_fact_that_touches_the_span_is_not_taken_for_the_lost_one() -> None:
    gone, other = draft(3, "0..20"), draft(3, "15..40", places="乙县", value="8")
    assert apply_decisions([other], [decide("reject", gone)]).undecided == [other]


def test_an_added_fact_that_is_drafted_later_stands_once() -> None:
    fact = draft(3, "0..9", name="果园")
    records, undecided, problems = apply_decisions([draft(3, "0..12", 4, name="果园")], [added(fact.cells)])
    assert [(one.id, one.citation.end) for one in records] == [("plan-3-04", 9)]
    assert (undecided, problems) == ([], [])
    beside = draft(3, "0..12", 1, places="乙县", value="7")
    assert apply_decisions([beside], [added(fact.cells)]).undecided == [beside]


def test_a_fact_that_was_drafted_twice_and_confirmed_twice_stands_once() -> None:
    first, second = draft(3, "0..9"), draft(3, "0..11", 2)
    decisions = [decide("accept", first, 0), decide("accept", second, 1)]
    assert len(apply_decisions([first, second], decisions).records) == 2
    for left in ([first], [second], [draft(3, "0..10")]):
        result = apply_decisions(left, decisions)
        assert (len(result.records), result.undecided, result.problems) == (1, [], [])


# --- properties -----------------------------------------------------------------------------------------------------


@st.composite
def worlds(make: st.DrawFn) -> tuple[list[DraftFact], list[Decision]]:
    """Drafts on a few crowded lines, and decisions on some of them and on some that are gone."""
    drafts: list[DraftFact] = []
    for line in make(st.lists(st.integers(1, 3), max_size=7)):
        start = make(st.integers(0, 30))
        span = f"{start}..{start + make(st.integers(1, 15))}"
        number = 1 + sum(int(one.cells.line) == line for one in drafts)
        fields = {
            "kind": make(st.sampled_from(["base", "park"])),
            "places": make(st.sampled_from(COUNTIES)),
            "value": make(st.sampled_from(["3", "5", ""])),
        }
        drafts.append(draft(line, span, number, make(st.sampled_from([0.2, 0.9])), **fields))
    gone = make(st.sets(st.integers(0, 6)))
    decisions = []
    for minute in range(make(st.integers(0, 8))):
        if not drafts:
            break
        on = make(st.sampled_from(drafts))
        action = make(st.sampled_from(["accept", "correct", "reject", "undo"]))
        values: dict[str, Any] = {}
        if action == "correct":
            values = make(
                st.sampled_from(
                    [{"name": "菜田"}, {"places": "丁县"}, {"kind": "zone"}, {"kind": "zone", "places": "丁县"}]
                )
            )
        decisions.append(decide(action, on, minute, **values))
    return [one for index, one in enumerate(drafts) if index not in gone], decisions


@given(worlds())
def test_nothing_vanishes(world: tuple[list[DraftFact], list[Decision]]) -> None:
    drafts, decisions = world
    result = apply_decisions(drafts, decisions)
    match = match_decisions(drafts, decisions)
    counts = states(drafts, match)
    assert sum(counts.values()) == len(drafts)
    assert counts["undecided"] == len(result.undecided)
    lost = sum(one.result() is not None for one in match.lost)
    assert len(result.records) == counts["accepted"] + counts["corrected"] + lost
    assert max(Counter(one.id for one in result.records).values(), default=1) == 1
    summary = summarise(drafts, decisions)
    assert len(summary.records) == len(result.records) + summary.unchecked
    assert summary.unchecked + summary.dropped == len(result.undecided)


@given(worlds())
def test_applying_twice_is_applying_once(world: tuple[list[DraftFact], list[Decision]]) -> None:
    drafts, decisions = world
    once = apply_decisions(drafts, decisions).records
    assert apply_decisions(redraft(once), decisions).records == once


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_unrelated_decisions_does_not_matter(
    world: tuple[list[DraftFact], list[Decision]], random: Any
) -> None:
    drafts, decisions = world
    threads: dict[Any, list[Decision]] = {}
    for one in decisions:
        threads.setdefault(one.anchor, []).append(one)
    mixed: list[Decision] = []
    while any(threads.values()):
        thread = random.choice([found for found in threads.values() if found])
        at = (START + timedelta(hours=len(mixed))).isoformat()
        mixed.append(thread.pop(0).model_copy(update={"at": Decision.model_validate(_plain(at)).at}))
    assert apply_decisions(drafts, mixed)[:2] == apply_decisions(drafts, decisions)[:2]


def _plain(at: str) -> dict[str, Any]:
    return {"at": at, "action": "reject", "anchor": {"line": 1, "start": 0, "end": 1}}


@given(worlds())
def test_the_file_gives_back_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, world: tuple[list[DraftFact], list[Decision]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.decisions.jsonl"
    for one in world[1]:
        append_decisions(path, [one])
    assert read_decisions(path) == (world[1], [])


# --- the file -------------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_crash_at_any_byte_costs_the_last_decision_only(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.decisions.jsonl"
    made = [decide("correct", draft(line), line, name="菜田") for line in (1, 2, 3)]
    whole = b"".join(map(encode, made))
    cut = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:cut])
    kept, problems = read_decisions(path)
    assert kept == made[: len(kept)]
    assert whole[:cut].count(b"\n") <= len(kept) <= whole[:cut].count(b"\n") + 1
    assert codes(problems) in ([], ["torn-decision"])
    append_decisions(path, [decide("reject", draft(7), 9)])
    after, _ = read_decisions(path)
    assert after[:-1] == kept
    assert after[-1].action is Action.REJECT


def test_lines_that_are_no_decisions_are_told_and_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.decisions.jsonl"
    good = encode(decide("accept", draft())).decode().strip()
    lines = [
        "not json", "[" * 5000, "null", '{"at": "2026-01-01"}', good,
        good.replace('"accept"', '"invent"'),
        json.dumps(_plain(UTC_TIME) | {"action": "correct", "set": {"colour": "x"}}),
        json.dumps(_plain("2026-01-01T00:00:00")),
        json.dumps(_plain(UTC_TIME) | {"anchor": {"line": 1, "start": 3, "end": 2}}),
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", "utf-8")
    kept, problems = read_decisions(path)
    assert len(kept) == 1
    assert [(problem.code, problem.row) for problem in problems] == [
        ("bad-decision", row) for row in range(1, len(lines) + 1) if row != 5
    ]


def test_times_never_go_back() -> None:
    late = decide("accept", draft(), 60)
    assert next_time(START, [late]) > late.at
    assert next_time(START + timedelta(days=1), [late]) == "2026-01-02T00:00:00.000000+00:00"
