"""The table and the summary of two versions' differences."""

from __future__ import annotations

import csv
import io

from geoplan.documents.diff import compare
from geoplan.reports.differences import COLUMNS, difference_summary, difference_table
from tests.documents.test_diff import record


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_row_gives_both_values_as_written_and_converted() -> None:
    old = [record(1, figure="area 30 万亩")]
    new = [record(8, figure="area 33 万亩", qualifier="at_least", places="应县;怀仁市")]
    (row,) = rows_of(difference_table(compare(old, new)))
    assert tuple(row) == COLUMNS
    assert (row["变化"], row["名称"], row["类型"], row["门类"]) == ("移位、上调", "奶牛基地", "生产基地", "奶业")
    assert (row["原值"], row["新值"], row["原限定"], row["新限定"]) == ("30 万亩", "33 万亩", "确数", "不低于")
    assert (row["增减"], row["换算单位"], row["原换算值"], row["新换算值"]) == ("10%", "hectare", "20000", "22000")
    assert (row["原地点"], row["新地点"], row["原行"], row["新行"]) == ("应县", "应县；怀仁市", "1", "8")
    assert "地点" in row["说明"]


def test_unchanged_facts_are_left_out_and_every_changed_figure_has_a_row() -> None:
    two = record(3, figure="area 1 万亩")
    two = two.model_copy(update={"quantities": (*two.quantities, *record(3, figure="count 5 个").quantities)})
    grown = two.model_copy(
        update={"quantities": tuple(q.model_copy(update={"value": q.value + 1}) for q in two.quantities)}
    )
    same = record(1, figure="area 9 万亩", places="山阴县")
    rows = rows_of(difference_table(compare([same, two], [same, grown])))
    assert [(row["指标"], row["新值"]) for row in rows] == [("面积", "2 万亩"), ("数量", "6 个")]


def test_dropped_and_added_facts_keep_their_figures() -> None:
    rows = rows_of(
        difference_table(compare([record(1, figure="area 9 万亩")], [record(2, "园区", "怀仁市", kind="park")]))
    )
    assert [(row["变化"], row["原值"], row["新值"]) for row in rows] == [("新增", "", ""), ("删除", "9 万亩", "")]


def test_the_summary_counts_and_tells() -> None:
    old = [record(n, f"基地{n}", f"第{n}县", f"area {n} 万亩") for n in range(1, 60)]
    new = [record(n, f"基地{n}", f"第{n}县", f"area {n + 1} 万亩") for n in range(1, 59)]
    lines = difference_summary(compare(old, new), "旧.csv", "新.csv").splitlines()
    assert lines[0] == "旧.csv：59 条；新.csv：58 条。上调 58，删除 1。"
    assert lines[1].startswith("  上调  p-1-01 基地1：面积：1 万亩〔目标〕 → 2 万亩〔目标〕（+100.0%）")
    assert lines[-1] == "  另有 19 条，见表（-o）。"
    assert difference_summary([], "a", "b") == "a：0 条；b：0 条。没有内容。"
