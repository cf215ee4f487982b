"""Facts of tables: one a row, in a sideways table one a column."""

from __future__ import annotations

from decimal import Decimal

import pytest

from geoplan.layers.store import Build, gazetteer
from geoplan.terms import Change, Kind, Precision, Status
from tests.documents.facts_help import Reader, stacked


@pytest.fixture(scope="module")
def reader(build: Build) -> Reader:
    return Reader(gazetteer(build))


PROJECTS = stacked(
    "表一：重点项目表",
    ["序号", "项目名称", "建设地点", "建设规模", "投资（亿元）"],
    ["1", "玉米制种项目", "原平市", "3万亩", "0.8"],
    ["2", "黄芪加工项目", "繁峙县砂河镇", "新建车间2000平方米", "1.25"],
    ["", "合计", "", "", "2.05"],
)


def test_a_project_table(reader: Reader) -> None:
    document, found = reader.read(PROJECTS)
    maize, herbs = found.drafts
    assert (maize.kind, maize.theme, maize.name) == (Kind.PROJECT, "maize", "玉米制种项目")
    assert [place.mention.name for place in maize.places] == ["原平市"]
    assert [(q.text, q.amount.unit) for q in maize.quantities] == [("0.8", "亿元"), ("3万亩", "万亩")]
    assert [place.mention.name for place in herbs.places] == ["砂河镇"]
    assert [q.text for q in herbs.quantities] == ["1.25", "2000平方米"]
    assert herbs.precision is Precision.TOWNSHIP
    for draft in found.drafts:
        for quantity in draft.quantities:
            assert document.lines[quantity.span.line - 1][quantity.span.start : quantity.span.end] == quantity.text


def test_the_total_row_is_no_fact(reader: Reader) -> None:
    figures = [quantity.text for draft in reader.drafts(PROJECTS) for quantity in draft.quantities]
    assert "2.05" not in figures


INDICATORS = [
    stacked(
        "表二：主要指标",
        ["指标", "单位", "2020年", "2025年"],
        ["粮食总产量", "万吨", "170", "180"],
        ["农产品加工转化率", "%", "61.5", "≥70"],
    ),
    stacked(
        "表二：主要指标",
        ["指标", "2020年", "2025年"],
        ["粮食总产量（万吨）", "170", "180"],
        ["农产品加工转化率（%）", "61.5", "≥70"],
    ),
]


@pytest.mark.parametrize("text", INDICATORS, ids=["unit in a column", "unit behind the name"])
def test_indicators_by_year(reader: Reader, text: str) -> None:
    grain, rate = reader.drafts(text)
    assert (grain.kind, grain.theme, grain.name) == (Kind.INDICATOR, "grain", "粮食总产量")
    assert (grain.scope, grain.places, grain.precision) == ("忻州市", (), Precision.CITY)
    assert (grain.status, grain.period) == (Status.TARGET, "2025")
    made = [(q.amount.value, q.amount.unit, q.amount.status, q.amount.period) for q in grain.quantities]
    # The target leads.
    assert made == [
        (Decimal(180), "万吨", Status.TARGET, "2025"),
        (Decimal(170), "万吨", Status.BASELINE, "2020"),
    ]
    assert [(q.text, q.amount.unit, q.amount.qualifier) for q in rate.quantities] == [
        ("≥70", "%", "at_least"),
        ("61.5", "%", "exact"),
    ]


COUNTIES = [
    "表三：高标准农田任务分解表\n单位：万亩",
    ["县", "定襄县", "五台县", "代县", "繁峙县", "合计"],
    ["任务", "3", "2.5", "—", "4", "9.5"],
]


def test_a_sideways_county_table(reader: Reader) -> None:
    title, *rows = COUNTIES
    drafts = reader.drafts(stacked(str(title), *(list(row) for row in rows)))
    made = [([p.mention.code for p in d.places], [(q.text, q.amount.unit) for q in d.quantities]) for d in drafts]
    assert made == [(["140921"], [("3", "万亩")]), (["140922"], [("2.5", "万亩")]), (["140924"], [("4", "万亩")])]
    assert {draft.kind for draft in drafts} == {Kind.FARMLAND}
    assert {draft.quantities[0].amount.change for draft in drafts} == {Change.FLOW}


@pytest.mark.parametrize("swap", [False, True], ids=["county first", "township first"])
def test_townships_in_their_counties(reader: Reader, *, swap: bool) -> None:
    # 大营镇, 城关镇 and the like are in many counties; the column beside it says in which.
    rows = [
        ["县", "乡镇", "产业", "面积（万亩）"],
        ["繁峙县", "大营镇", "黄芪", "1.2"],
        ["代县", "阳明堡镇", "水稻", "0.9"],
    ]
    if swap:
        rows = [[row[1], row[0], *row[2:]] for row in rows]
    text = stacked("表四：产业镇", *rows)
    drafts = reader.drafts(text)
    assert [[p.mention.code for p in d.places] for d in drafts] == [["140924102"], ["140923101"]]
    assert [d.quantities[0].amount.unit for d in drafts] == ["万亩", "万亩"]


def test_cells_without_unit_are_left_and_said(reader: Reader) -> None:
    text = stacked(
        "表五：基地面积",
        ["县", "基地", "面积"],
        ["繁峙县", "黄芪基地", "1.2"],
        ["代县", "水稻基地", "0.9万亩"],
        ["五台县", "豆类基地", "—"],
    )
    herbs, rice, beans = reader.drafts(text)
    assert [[q.text for q in d.quantities] for d in (herbs, rice, beans)] == [[], ["0.9万亩"], []]
    assert ["no-unit" in d.reasons for d in (herbs, rice, beans)] == [True, False, False]
    assert herbs.confidence < beans.confidence


def test_a_markdown_table_over_the_heading_s_county(reader: Reader) -> None:
    text = "## 繁峙县\n\n| 乡镇 | 面积（亩） |\n| --- | --- |\n| 砂河镇 | 500 |\n| 大营镇 | 300 |\n| 合计 | 800 |\n"
    drafts = reader.drafts(text)
    assert [(d.places[0].mention.code, d.quantities[0].text) for d in drafts] == [
        ("140924101", "500"),
        ("140924102", "300"),
    ]


def test_every_place_of_a_table_is_a_mention(reader: Reader) -> None:
    document, found = reader.read(PROJECTS)
    spans = {place.span for place in found.mentions}
    assert {place.span for draft in found.drafts for place in draft.places} <= spans
    for place in found.mentions:
        assert document.lines[place.span.line - 1][place.span.start : place.span.end] == place.mention.text
