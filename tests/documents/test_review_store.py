"""Draft files in, record files out."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from geoplan.documents.facts.output import DRAFT_COLUMNS
from geoplan.documents.review import (
    Action,
    DraftFact,
    decisions_path,
    read_drafts,
    record_file,
    summarise,
)
from geoplan.documents.review.cells import FigureCells, cells_of_record, faults, record_of
from geoplan.errors import RecordError
from geoplan.records import read_records
from tests.documents.review_help import codes, decide, draft


def write_draft(path: Path, drafts: list[DraftFact]) -> Path:
    """A draft file as the extractor writes it."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, DRAFT_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for one in drafts:
        rows: list[dict[str, str]] = [{}]
        for index, figure in enumerate(one.cells.figures):
            row = {name: text for name, text in figure if text}
            rows[index:] = [row | {"id": one.id}]
        head = {name: text for name, text in one.cells if name != "figures"}
        head |= {"confidence": f"{one.confidence:.2f}", "reasons": ";".join(one.reasons)}
        writer.writerows([rows[0] | head, *rows[1:]])
    path.write_bytes(stream.getvalue().encode("utf-8-sig"))
    return path


def test_a_draft_file_is_read_with_its_further_figures(tmp_path: Path) -> None:
    more = FigureCells(measure="count", value="2", unit="个", status="baseline", period="2020", line="4", span="1..3")
    one = draft()
    one = DraftFact(one.cells.changed({"figures": [*one.cells.figures, more]}), 0.75, ("动词：新建", "没有年份"))
    drafts, problems = read_drafts(write_draft(tmp_path / "any.csv", [one, draft(4)]))
    assert problems == []
    assert [(d.cells, d.confidence, d.reasons) for d in drafts] == [
        (one.cells, 0.75, ("动词：新建", "没有年份")),
        (draft(4).cells, 0.8, ()),
    ]
    assert [d.row for d in drafts] == [2, 4]


def test_rows_that_cannot_be_told_apart_or_placed_are_problems(tmp_path: Path) -> None:
    rows = [draft(3), draft(3), draft(4, "9..2"), DraftFact(draft(5).cells.changed({"id": "plan-6-01"}), 1.0)]
    rows.append(DraftFact(draft(7).cells.changed({"id": "other-7-01"}), 1.0))
    drafts, problems = read_drafts(write_draft(tmp_path / "x.csv", rows))
    assert [one.id for one in drafts] == ["plan-3-01"]
    assert codes(problems) == ["duplicate-id", "bad-row", "bad-row", "other-plan"]


def test_a_draft_with_a_wrong_cell_waits_for_its_correction(tmp_path: Path) -> None:
    wrong = draft(value="三")
    drafts, problems = read_drafts(write_draft(tmp_path / "x.csv", [wrong]))
    assert problems == []
    assert [(fault.field, fault.figure) for fault in faults(drafts[0].cells)] == [("value", 0)]
    summary = summarise(drafts, [])
    assert (summary.records, codes(summary.problems)) == ([], ["bad-cell"])


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"id,kind\n", b'"', b"id\n1,2\n"])
def test_a_file_that_is_no_draft_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(data)
    with pytest.raises(RecordError, match=r"x\.csv"):
        read_drafts(path)


def test_the_reviewed_file_is_a_record_file(tmp_path: Path) -> None:
    drafts = [draft(1), draft(2, confidence=0.3), draft(3, confidence=0.6), draft(4, part_of="plan-2-01")]
    decisions = [decide("correct", drafts[0], name="菜田"), decide("accept", drafts[3], 1)]
    summary = summarise(drafts, decisions)
    assert (summary.unchecked, summary.dropped) == (1, 1)
    assert summary.decisions == {Action.ACCEPT: 1, Action.CORRECT: 1}
    assert codes(summary.problems) == ["lost-reference"]
    path = tmp_path / "plan.csv"
    path.write_bytes(record_file(summary.records))
    assert read_records(path)[0] == summary.records
    assert [one.id for one in summarise(drafts, decisions, "keep").records] == [one.id for one in drafts]
    assert [one.id for one in summarise(drafts, decisions, "drop").records] == ["plan-1-01", "plan-4-01"]


def test_cells_and_records_are_the_same_fact() -> None:
    cells = draft(places="甲县/子镇=子;乙县/?丑村;~寅村", period="2021-2025", note="注").cells
    assert cells_of_record(record_of(cells)) == cells
    assert decisions_path(Path("a/b.csv")) == Path("a/b.decisions.jsonl")


def test_every_wrong_cell_is_told_once() -> None:
    figure = {"measure": "area", "value": "5..2", "unit": "万亩", "qualifier": "range", "line": "3", "span": "0..9"}
    bad = {"measure": "area", "value": "x", "unit": "亿元", "line": "3", "span": "0..9"}
    cells = draft(kind="odd", places="/").cells.changed({"figures": [figure, bad, {"line": "3", "span": "0..9"}]})
    assert [(fault.field, fault.figure) for fault in faults(cells)] == [
        ("kind", None), ("places", None), ("value", 0), ("value", 1), ("unit", 1), ("value", 2),
    ]  # fmt: skip
