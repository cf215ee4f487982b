from __future__ import annotations

from decimal import Decimal

import pytest

from geoplan.documents.document import Table
from geoplan.documents.reading.mending import clean
from geoplan.documents.reading.structure import structure
from geoplan.documents.reading.table_heads import (
    column_label,
    column_unit,
    column_year,
    is_total_row,
    label_column,
    row_label,
    understand,
    unit_in,
)
from geoplan.documents.reading.tables import Layout, find_layout
from tests.documents.structure_help import check_account, check_positions, plan, tables, texts

COUNTIES = ["东河县", "西河县", "南山区", "北山区"]


def stacked(rows: list[list[str]], *, end: bool = True) -> list[str]:
    """Rows as a text export prints them: one cell a line behind a tab, a blank line after each row."""
    lines = [line for row in rows for line in [*("\t" + cell for cell in row), ""]]
    return [*lines, ""] if end else lines


def one(lines: list[str]) -> Table:
    blocks = structure(lines)
    check_positions(lines, blocks)
    check_account(lines)
    (table,) = tables(blocks)
    return table


def grid(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table.rows]


def test_one_cell_a_line() -> None:
    rows = [["序号", "项目名称", "投资（亿元）"], ["1", "东河县冷库项目", "0.3"], ["2", "西河县果汁项目", "1.25"]]
    table = one(["表三：项目表", "", *stacked(rows), "第二章 保障"])
    assert grid(table) == rows
    assert (table.title, table.heads, table.sideways) == ("表三：项目表", 1, False)
    assert column_unit(table, 2) == "亿元"
    assert row_label(table, table.rows[1]) == "东河县冷库项目"


def test_one_character_a_line() -> None:
    lines = ["表二：分解表", "", "\t县"]
    for name in COUNTIES:
        lines += ["\t" + name[0], *name[1:]]
    lines += ["", "\t万亩", "\t30", "\t7.5", "\t2", "\t3.5", "", "", "    二、水利"]
    table = one(lines)
    assert grid(table) == [["县", *COUNTIES], ["万亩", "30", "7.5", "2", "3.5"]]
    assert table.sideways
    assert table.unit == "万亩"
    assert [len(cell.passage.pieces) for cell in table.rows[0]] == [1, 3, 3, 3, 3]


def test_cells_over_several_lines() -> None:
    lines = [
        "\t序号",
        "\t地区",
        "\t投资",
        "",
        "（亿元）",
        "",
        "\t1",
        "\t东河、西河、",
        "南山等",
        "\t3",
        "",
        "\t2",
        "\t北山甲公司",
        "",
        "北山乙公司",
        "\t4",
        "",
        "",
    ]
    table = one(lines)
    assert grid(table) == [
        ["序号", "地区", "投资（亿元）"],
        ["1", "东河、西河、南山等", "3"],
        ["2", "北山甲公司北山乙公司", "4"],
    ]


def test_a_blank_line_inside_a_row() -> None:
    rows = [["类别", "序号", "指标", "2020年"], ["农业", "1", "产量（吨）", "5"]]
    table = one([*stacked(rows, end=False), "\t", "", "\t2", "\t面积（亩）", "\t6", "", ""])
    assert grid(table)[2] == ["2", "面积（亩）", "6"]
    assert [cell.column for cell in table.rows[2]] == [1, 2, 3]


def test_merged_and_missing_cells() -> None:
    rows = [
        ["类别", "序号", "指标", "2020年", "2025年", "年均增速（%）"],
        ["产业", "1", "粮食产量（万吨）", "23", ">23", ""],
        ["", "2", "蔬菜产量（万吨）", "5.9", "10", "11"],
        ["生态", "3", "覆盖率（%）", "90", "", "—"],
    ]
    table = one(["表1 主要指标", *stacked(rows)])
    assert (table.rows[1][0].column, table.rows[1][0].rows) == (0, 2)
    assert [cell.column for cell in table.rows[1]] == [0, 1, 2, 3, 4]
    assert [cell.column for cell in table.rows[3]] == [0, 1, 2, 3, 5]
    assert [column_year(table, column) for column in range(6)] == [None, None, None, 2020, 2025, None]
    assert label_column(table) == 2


def test_rows_of_one_line_shifted_and_continued_on_a_further_page() -> None:
    head = "领域\t序号\t指标\t2020\t2025"
    lines = [
        "全市主要指标",
        "",
        head,
        "高效\t1\t产量（吨）\t12\t13",
        "\t2\t面积（亩）\t57\t58",
        "",
        head,
        "高质\t3\t产值（亿元）\t60\t70",
        "4\t收入（元）\t98\t增长\t",
        "",
        "第四节 保障",
    ]
    table = one(lines)
    assert table.title == "全市主要指标"
    assert len(table.rows) == 5
    assert [cell.column for cell in table.rows[4]] == [1, 2, 3, 4]
    assert [row[0].rows for row in table.rows[1:]] == [2, 1, 2, 1]
    assert column_year(table, 4) == 2025


def test_bars_and_wide_blanks() -> None:
    bars = one(["| 县 | 面积（万亩） |", "|---|---|", "| 东河县 | 3 |", "| 西河县 | 4 |", "| 合计 | 7 |"])
    assert grid(bars)[1] == ["东河县", "3"]
    assert is_total_row(bars.rows[-1])
    blanks = one(["县      面积    产量", "东河县   3      5", "西河县   4      6", "南山区   4      6"])
    assert grid(blanks)[3] == ["南山区", "4", "6"]


def test_two_rows_of_heads() -> None:
    rows = [
        ["县", "2020年", "", "2025年", ""],
        ["", "面积（万亩）", "产量（吨）", "面积（万亩）", "产量（吨）"],
        ["东河县", "1", "2", "3", "4"],
        ["西河县", "5", "6", "7", "8"],
    ]
    table = one(["表1 生产", *stacked(rows)])
    assert table.heads == 2
    assert column_label(table, 4) == "2025年产量（吨）"
    assert (column_unit(table, 4), column_year(table, 4)) == ("吨", 2025)
    assert column_label(table, 0) == "县"


def test_the_unit_stands_in_a_line_above() -> None:
    table = one(
        ["表四：任务表", "单位：万亩", *stacked([["县", "任务"], ["东河县", "3"], ["西河县", "4"], ["全市", "8"]])]
    )
    assert (table.title, table.unit) == ("表四：任务表", "万亩")
    assert column_unit(table, 1) == "万亩"


def test_a_table_without_blank_lines_between_its_rows() -> None:
    rows = [["序号", "项目", "投资"], ["1", "甲", "3"], ["2", "乙", "4"], ["3", "丙", "5"]]
    lines = ["表1 项目", *(f"\t{cell}" for row in rows for cell in row), "", ""]
    assert grid(one(lines)) == rows


def test_paragraphs_behind_tabs_are_no_table() -> None:
    lines = [
        "\t建设粮食基地二十万亩，产量达到五万吨。",
        "\t建设蔬菜基地三万亩，产量达到八万吨。",
        "",
        "\t培育企业二十家，带动农户。",
        "\t完善市场。",
    ]
    blocks = structure(lines)
    assert not tables(blocks)
    assert len(texts(blocks)) == 4


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("粮食产量（万吨）", "万吨"),
        ("用量（万吨/折纯量）", "万吨"),
        ("投资(亿元)", "亿元"),
        ("面积（单位：亩）", "亩"),
        ("万亩", "万亩"),
        ("认证（含绿色）", ""),
        ("指标", ""),
    ],
)
def test_units_in_labels(text: str, unit: str) -> None:
    assert unit_in(text) == unit


# The real plans, by numbers and names

SIZES = {
    "xinzhou": [
        (99, 29, 6),
        (333, 2, 15),
        (402, 7, 4),
        (465, 7, 4),
        (612, 15, 5),
        (706, 9, 4),
        (767, 7, 4),
        (813, 3, 4),
        (842, 2, 4),
        (856, 5, 4),
        (899, 10, 4),
        (982, 10, 4),
        (1036, 9, 4),
        (1096, 2, 4),
        (1111, 15, 4),
        (1211, 20, 5),
        (1336, 5, 4),
        (1424, 10, 5),
    ],
    "yangquan": [(47, 31, 7), (524, 19, 5)],
    "shuozhou": [(171, 37, 5)],
    "shanxi": [],
    "clusters": [],
}


@pytest.mark.parametrize("name", sorted(SIZES))
def test_every_table_of_the_real_plans(name: str) -> None:
    found = tables(structure(plan(name)))
    sizes = [
        (table.rows[0][0].passage.pieces[0].line, len(table.rows), max(c.column for r in table.rows for c in r) + 1)
        for table in found
    ]
    assert sizes == SIZES[name]
    assert all(table.heads == 1 and table.title for table in found)
    assert [table.sideways for table in found] == [size[0] == 333 for size in sizes]


def test_ordinals_of_the_real_tables_stand_in_their_column() -> None:
    (table,) = tables(structure(plan("shuozhou")))
    numbers = [cell.text for row in table.rows[1:] for cell in row if cell.column == 1]
    assert numbers == [str(n) for n in range(1, 37)]
    for first, last in zip(tables(structure(plan("yangquan"))), (30, 18), strict=True):
        assert [c.text for row in first.rows[1:] for c in row if c.column == 1] == [str(n) for n in range(1, last + 1)]


def test_fourteen_counties_and_their_figures() -> None:
    lines = plan("xinzhou")
    table = tables(structure(lines))[1]
    head, figures = table.rows
    assert len(head) == len(figures) == 15
    assert [cell.column for cell in head] == [cell.column for cell in figures] == list(range(15))
    assert sum(Decimal(cell.text) for cell in figures[1:]) == Decimal("173.6")
    assert [(cell.text, figure.text) for cell, figure in zip(head, figures, strict=True)][1:4] == [
        ("忻府区", "30"),
        ("定襄县", "19.6"),
        ("原平市", "15"),
    ]
    assert [piece.line for piece in head[14].passage.pieces] == [372, 373, 374]
    assert table.unit == "万亩"


def test_the_layout_alone() -> None:
    lines = stacked([["县", "任务"], ["东河县", "3"]])
    (found,) = _layout(lines).grids
    assert (found.first_line, found.last_line) == (1, 5)
    assert understand(found, ["表1 任务"]).title == "表1 任务"
    assert not _layout(["", "建设基地。"]).grids


@pytest.mark.parametrize("third", ["②", "²", "9" * 5000])
def test_ordinals_that_are_no_numbers(third: str) -> None:
    cells = ["序号", "项目", "1", "甲", "2", "乙", third, "丙"]
    assert structure([*(f"\t{cell}" for cell in cells), "", ""])


def _layout(lines: list[str]) -> Layout:
    return find_layout(lines, [clean(raw, number) for number, raw in enumerate(lines, 1)])
