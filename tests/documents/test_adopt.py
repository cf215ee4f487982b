"""Records made elsewhere, taken over as decisions: applied to the draft they give these records again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.review import Action, DraftFact, append_decisions, decisions_path, read_decisions, summarise
from geoplan.documents.review.adopt import adopt_records, is_label_only
from geoplan.documents.review.cells import cells_of_record, record_of
from geoplan.records import PlanRecord, read_records
from geoplan.settings import Settings
from tests.commands import geoplan
from tests.documents.review_help import draft
from tests.plan_texts import PLANS, plan_text

AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
COUNTIES = ("甲县", "乙县", "丙县")


def records_of(drafts: list[DraftFact]) -> list[PlanRecord]:
    return [record_of(one.cells) for one in drafts]


def adopted(drafts: list[DraftFact], records: list[PlanRecord]) -> list[PlanRecord]:
    return summarise(drafts, adopt_records(drafts, records, AT), "keep").records


def test_a_draft_that_says_the_same_needs_no_decision() -> None:
    drafts = [draft(3), draft(4, places="乙县")]
    assert adopt_records(drafts, records_of(drafts), AT) == []


def test_cited_words_that_overlap_and_what_a_record_leaves_open_need_no_decision() -> None:
    one = draft(3, "0..9")
    figure = one.cells.figures[0].model_copy(update={"change": "flow", "span": "6..9"})
    two = DraftFact(one.cells.changed({"figures": [figure.model_dump()], "span": "2..12"}), 0.9)
    assert adopt_records([two], records_of([one]), AT) == []


@pytest.mark.parametrize(
    ("change", "label"),
    [({"name": "基地"}, True), ({"theme": "maize"}, True), ({"kind": "zone"}, False), ({"places": "乙县"}, False)],
)
def test_a_draft_that_says_it_differently_is_corrected_in_that_field(change: dict[str, str], *, label: bool) -> None:
    one = draft(3)
    decisions = adopt_records([one], [record_of(one.cells.changed(change))], AT)
    assert [(d.action, d.set) for d in decisions] == [(Action.CORRECT, change)]
    assert is_label_only(decisions[0]) is label


def test_what_no_record_states_is_rejected_and_what_no_draft_states_is_added() -> None:
    far = draft(9, places="丙县", value="7")
    decisions = adopt_records([draft(3)], records_of([far]), AT)
    assert [d.action for d in decisions] == [Action.REJECT, Action.ADD]
    assert adopted([draft(3)], records_of([far])) == records_of([far])


def test_ids_are_kept_as_they_are_in_the_records() -> None:
    drafts = [draft(3, number=1, places="甲县", value="3"), draft(3, "10..19", number=2, places="乙县", value="4")]
    renumbered = [record_of(one.cells.changed({"id": f"plan-3-0{3 - n}"})) for n, one in enumerate(drafts, start=1)]
    assert sorted(adopted(drafts, renumbered), key=str) == sorted(renumbered, key=str)


facts = st.lists(
    st.builds(
        lambda line, county, value, kind: (line, county, str(value), kind),
        st.integers(1, 4), st.sampled_from(COUNTIES), st.integers(1, 9), st.sampled_from(("base", "zone", "park")),
    ),
    max_size=6, unique=True,
)  # fmt: skip


@given(facts, facts)
def test_applied_to_the_draft_the_decisions_give_the_records(
    drafted: list[tuple[int, str, str, str]], wanted: list[tuple[int, str, str, str]]
) -> None:
    drafts = make(drafted)
    records = records_of(make(wanted))
    made = adopted(drafts, records)
    # The cited words may be the draft's where they overlap: all else is the record's.
    plain = {record.id: cells_of_record(record).changed({"span": "", "figures": []}) for record in made}
    assert plain == {record.id: cells_of_record(record).changed({"span": "", "figures": []}) for record in records}
    assert [[q.text for q in r.quantities] for r in sorted(made, key=lambda r: r.id)] == [
        [q.text for q in r.quantities] for r in sorted(records, key=lambda r: r.id)
    ]


def make(rows: list[tuple[int, str, str, str]]) -> list[DraftFact]:
    return [
        draft(line, f"{10 * n}..{10 * n + 9}", n + 1, places=county, value=value, kind=kind)
        for n, (line, county, value, kind) in enumerate(rows)
    ]


@pytest.mark.usefixtures("build")
@pytest.mark.parametrize("plan", PLANS)
def test_the_records_of_the_plans_are_made_of_draft_and_decisions(
    settings: Settings, tmp_path: Path, plan: str
) -> None:
    """The whole path, where the plan's own text is at hand: extract, the decisions in the repository, apply."""
    text = plan_text(plan)
    kept = decisions_path(settings.layers_dir / "drafts" / f"{plan}.csv")
    made = tmp_path / "draft.csv"
    run = {"project": settings.root, "build_dir": settings.build_dir}
    extracted = geoplan("extract", str(text), "--doc", plan, "-o", str(made), **run)
    assert extracted.returncode == 0, extracted.stderr
    decisions_path(made).write_bytes(kept.read_bytes())
    out = tmp_path / f"{plan}.csv"
    reviewed = geoplan("review", str(made), "--apply", "--undecided", "keep", "-o", str(out), **run)
    assert reviewed.returncode == 0, reviewed.stderr
    new = read_records(tmp_path / f"{plan}.csv")
    old = read_records(settings.layers_dir / "records" / f"{plan}.csv")
    assert not new.problems
    assert sorted(new.records, key=lambda record: record.id) == sorted(old.records, key=lambda record: record.id)
    with kept.open(encoding="utf-8") as stream:
        assert sum(1 for _ in stream) == len(read_decisions(kept).decisions)


def test_decisions_are_not_mixed_with_others(tmp_path: Path, settings: Settings) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("x", "utf-8")
    append_decisions(decisions_path(path), adopt_records([draft(3)], [], AT))
    refused = geoplan("review", str(path), "--adopt", str(path), project=settings.root)
    assert refused.returncode == 1
    assert "has decisions already" in refused.stderr


def test_the_decisions_hold_no_sentence(settings: Settings) -> None:
    """Names, figures and spans are kept of the plans, not their text."""
    for path in sorted((settings.layers_dir / "drafts").glob("*.decisions.jsonl")):
        for decision in read_decisions(path).decisions:
            assert len(decision.anchor.name) <= 60
            assert all(len(str(value)) <= 400 for value in decision.set.values() if not isinstance(value, list))
