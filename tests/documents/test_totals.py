"""Tables are added up and compared with the total that they, or the text before them, state."""

from __future__ import annotations

import pytest

from geoplan.documents.document import Document, Passage, Table
from geoplan.documents.reading import document_from_text
from geoplan.documents.reading.totals import check_totals

ROWS = "县\t面积（万亩）\n甲县\t3.5\n乙县\t2\n丙县\t{last}\n合计\t{total}\n"


def read(total: str, last: str = "4", before: str = "") -> tuple[Table, str]:
    document: Document = document_from_text(f"{before}\n表1 高标准农田任务\n{ROWS.format(last=last, total=total)}", "x")
    table = next(block for block in document.blocks if isinstance(block, Table))
    said = next((block.text for block in document.blocks if isinstance(block, Passage)), "")
    return table, said


def test_parts_that_add_up_are_no_problem() -> None:
    assert check_totals(read("9.5")[0]) == []


@pytest.mark.parametrize("total", ["9.4", "10", "95"])
def test_parts_that_do_not_add_up_are_told_with_both_sums(total: str) -> None:
    (problem,) = check_totals(read(total)[0])
    assert problem.code == "total-mismatch"
    assert "9.5" in problem.message
    assert total in problem.message


def test_a_total_stated_before_the_table_counts() -> None:
    table, said = read("9.5", before="全市规划任务9.5万亩，分解到各县。")
    assert check_totals(table, said) == []
    (problem,) = check_totals(table, said.replace("9.5", "9.9"))
    assert "9.9" in problem.message


def test_a_missing_part_is_not_taken_for_zero() -> None:
    assert check_totals(read("9.5", last="—")[0]) == []
