"""Which figures belong to which places, and what is promised there."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoplan.documents.document import Document
from geoplan.documents.facts.confidence import LEAST, SURE, confidence
from geoplan.documents.facts.draft import Draft, DraftPlace
from geoplan.documents.facts.kinds import lead_kind
from geoplan.documents.facts.naming import MAX_NAME, short_name
from geoplan.documents.facts.vocabulary import PLANNING_VERBS, kind_of, theme_of
from geoplan.documents.places.mention import PlaceLevel
from geoplan.layers.store import Build, gazetteer
from geoplan.terms import THEMES, Kind, Per
from tests.documents.facts_help import Reader


@pytest.fixture(scope="module")
def reader(build: Build) -> Reader:
    return Reader(gazetteer(build))


# One sentence, and (kind, places, figures) of every fact in it. All sentences are made up.
SENTENCES: list[tuple[str, list[tuple[str, list[str], list[str]]]]] = [
    (
        "繁峙县砂河镇、大营镇和代县阳明堡镇新建黄芪种植基地3.5万亩。",
        [("base", ["砂河镇", "大营镇", "阳明堡镇"], ["3.5万亩"])],
    ),
    (
        "宁武县、静乐县、神池县马铃薯种植面积分别达到6万亩、5万亩和4.5万亩。",
        [("base", ["宁武县"], ["6万亩"]), ("base", ["静乐县"], ["5万亩"]), ("base", ["神池县"], ["4.5万亩"])],
    ),
    (
        "代县峨口镇、聂营镇分别新建蛋鸡场2处、肉鸡场3处。",
        [("base", ["峨口镇"], ["2处"]), ("base", ["聂营镇"], ["3处"])],
    ),
    ("河曲县、保德县、偏关县各建设红枣基地2万亩。", [("base", ["河曲县", "保德县", "偏关县"], ["2万亩"])]),
    (
        "全市发展杂粮基地300万亩，其中神池县、五寨县各60万亩，岢岚县45万亩。",
        [
            ("base", ["<忻州市>"], ["300万亩"]),
            ("base", ["神池县", "五寨县"], ["60万亩"]),
            ("base", ["岢岚县"], ["45万亩"]),
        ],
    ),
    ("全市新建高标准农田20万亩。", [("farmland", ["<忻州市>"], ["20万亩"])]),
    (
        "在定襄县建设谷子基地3万亩，在五台县建设批发市场2处。",
        [("base", ["定襄县"], ["3万亩"]), ("park", ["五台县"], ["2处"])],
    ),
    (
        "在定襄县建设谷子基地，在五台县建设农产品交易市场。",
        [("base", ["定襄县"], []), ("park", ["五台县"], [])],
    ),
    (
        "保德县红枣基地面积稳定在20万亩以上，产值不低于5亿元；河曲县海红果基地约5万亩。",
        [("base", ["保德县"], ["20万亩以上", "不低于5亿元"]), ("base", ["河曲县"], ["约5万亩"])],
    ),
    (
        "实施五台县灌区改造、繁峙县水库除险等项目12个，总投资8.6亿元。",
        [("project", ["五台县"], []), ("project", ["繁峙县"], []), ("project", ["<忻州市>"], ["12个", "8.6亿元"])],
    ),
    (
        "在忻府区、定襄县、原平市建设三大蔬菜片区，总面积120万亩，其中忻府区50万亩。",
        [("zone", ["忻府区", "定襄县", "原平市"], ["120万亩"]), ("zone", ["忻府区"], ["50万亩"])],
    ),
    (
        "苏北稻麦产业带涵盖定襄县、原平市，建设水稻基地3万亩。",
        [("zone", ["定襄县", "原平市"], []), ("base", ["定襄县", "原平市"], ["3万亩"])],
    ),
    ("建设莜麦加工园区，主要包括神池县、五寨县。", [("park", ["神池县", "五寨县"], [])]),
    ("（一）忻府区。建设国家级现代农业产业园，面积5万亩。", [("park", ["忻府区"], ["5万亩"])]),
    ("雁门关农牧交错带发展肉羊500万只。", [("base", ["雁门关农牧交错带"], ["500万只"])]),
    ("宁武县（东寨镇、凤凰镇）新建莜麦基地1.5万亩。", [("base", ["东寨镇", "凤凰镇"], ["1.5万亩"])]),
    (
        "建设谷子基地：定襄县（5万亩）、五台县（3万亩）。",
        [("base", ["定襄县"], ["5万亩"]), ("base", ["五台县"], ["3万亩"])],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "facts"), SENTENCES, ids=[text[:14] for text, _ in SENTENCES])
def test_places_have_their_own_figures(
    reader: Reader, text: str, facts: list[tuple[str, list[str], list[str]]]
) -> None:
    assert reader.facts(text) == facts


@pytest.mark.parametrize(
    ("text", "area", "fact"),
    [
        ("西充县多扶镇、槐树镇新建柑橘园1.2万亩。", "四川省/南充市", ("base", ["多扶镇", "槐树镇"], ["1.2万亩"])),
        ("全省建成茶叶基地600万亩。", "福建省", ("base", ["<福建省>"], ["600万亩"])),
        ("纳雍县、赫章建设种薯基地20万亩。", "贵州省", ("base", ["纳雍县", "赫章县"], ["20万亩"])),
    ],
)
def test_no_area_is_special(reader: Reader, text: str, area: str, fact: tuple[str, list[str], list[str]]) -> None:
    assert reader.facts(text, area) == [fact]


def test_what_each_has_is_marked(reader: Reader) -> None:
    each = reader.one("河曲县、保德县各建设红枣基地2万亩。")
    assert [quantity.amount.per for quantity in each.quantities] == [Per.EACH]
    together = reader.one("河曲县、保德县共建设红枣基地4万亩。")
    assert [quantity.amount.per for quantity in together.quantities] == [Per.TOTAL]


def test_a_lead_carries_its_ground(reader: Reader) -> None:
    text = "优质林果基地。以保德、河曲为重点，大力发展海红果。到2025年面积达到35万亩，产量达到20万吨。"
    drafts = reader.drafts(text)
    assert {draft.kind for draft in drafts} == {Kind.BASE}
    assert {tuple(place.mention.name for place in draft.places) for draft in drafts} == {("保德县", "河曲县")}
    assert [quantity.text for draft in drafts for quantity in draft.quantities] == ["35万亩", "20万吨"]
    assert drafts[-1].period == "2025"


def test_a_scope_word_ends_the_ground(reader: Reader) -> None:
    text = "优质林果基地。以保德、河曲为重点，大力发展海红果。到2025年，全市水果面积达到90万亩。"
    assert [(d.scope, [q.text for q in d.quantities]) for d in reader.drafts(text)][-1] == ("忻州市", ["90万亩"])


def test_a_sentence_that_goes_on_about_the_place(reader: Reader) -> None:
    facts = reader.facts("在原平市建设果品加工园区。该园区规划面积1200亩，总投资3亿元。")
    assert [fact[1] for fact in facts] == [["原平市"]] * len(facts)
    assert [figure for fact in facts for figure in fact[2]] == ["1200亩", "3亿元"]


def test_the_place_of_a_heading(reader: Reader) -> None:
    text = "第一章 布局\n第一节 繁峙县\n新建黄芪基地3万亩。\n第二节 全市\n全市新建谷子基地9万亩。\n"
    first, second = reader.drafts(text)
    assert [place.mention.name for place in first.places] == ["繁峙县"]
    assert first.places[0].span.line == 2
    assert "place-of-heading" in first.reasons
    assert (second.places, second.scope) == ((), "忻州市")
    assert first.headings == ("第一章 布局", "第一节 繁峙县")


def test_places_of_headings_are_mentions(reader: Reader) -> None:
    _, found = reader.read("第一节 繁峙县\n代县新建黄芪基地3万亩。\n")
    assert [(place.span.line, place.mention.name) for place in found.mentions] == [(1, "繁峙县"), (2, "代县")]


@pytest.mark.parametrize(
    ("text", "status", "period", "figures"),
    [
        ("截至2020年，静乐县已建成藜麦基地2万亩。", "baseline", "2020", [("baseline", "2020")]),
        ("到2025年，静乐县建成藜麦基地5万亩。", "target", "2025", [("target", "2025")]),
        (
            "到2025年，静乐县藜麦种植面积由2万亩增长到5万亩。",
            "target", "2025", [("baseline", ""), ("target", "2025")],
        ),
        (
            "繁峙县现有奶牛3000头，到2025年奶牛存栏达到1.2万头。",
            "target", "2025", [("baseline", ""), ("target", "2025")],
        ),
        ("“十四五”期间，代县新建水稻基地2万亩。", "target", "2021-2025", None),
        ("代县新建水稻基地2万亩。", "target", "", None),
    ],
)  # fmt: skip
def test_status_and_period(
    reader: Reader, text: str, status: str, period: str, figures: list[tuple[str, str]] | None
) -> None:
    draft = reader.one(text)
    assert (draft.status.value, draft.period) == (status, period)
    if figures is not None:
        assert [(q.amount.status, q.amount.period) for q in draft.quantities] == figures


NEGATIVES = [
    "近年来，我市坚持绿色发展理念，农业结构不断优化。",
    "各县（市、区）要加强组织领导，落实工作责任。",
    "对代县水稻基地建设给予奖补，每亩奖励200元。",
    "保德县对购置农机给予每台补贴2000元。",
    "种粮大户参加农业保险，保费由财政补贴80%。",
    "农业是国民经济的基础，粮食安全是头等大事。",
    "责任单位：市农业农村局、市水利局，繁峙县人民政府。",
]


@pytest.mark.parametrize("text", NEGATIVES)
def test_no_fact_where_nothing_is_planned(reader: Reader, text: str) -> None:
    assert [fact for fact in reader.facts(text) if fact[2]] == []


def test_what_is_not_read_is_a_problem(reader: Reader) -> None:
    document, found = reader.read("第一行。\n在忻府区和定襄县支持青年返乡。\n")
    assert found.drafts == ()
    (problem,) = found.problems
    assert (problem.code, problem.file, problem.row) == ("unread-statement", document.id, 2)
    assert "忻府区和定襄县" in problem.message
    assert problem.remedy


def test_the_title_and_names_of_things_are_no_problems(reader: Reader) -> None:
    assert reader.read("忻州市“十四五”农业规划\n全市新建谷子基地9万亩。\n")[1].problems == ()
    _, found = reader.read("滹沱河沿线杂粮产业带覆盖定襄县、原平市，打造杂粮基地20万亩。")
    assert found.problems == ()
    assert found.drafts[0].region == "滹沱河沿线"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("繁峙县新建黄芪种植基地3万亩。", "黄芪种植基地"),
        ("代县、繁峙县分别建设蔬菜大棚20栋、30栋。", "蔬菜大棚"),
        ("静乐县现有藜麦基地2万亩。", "藜麦基地"),
        ("全市蔬菜总产量由60万吨增长到100万吨。", "蔬菜"),
    ],
)
def test_names_are_what_is_built(reader: Reader, text: str, name: str) -> None:
    assert reader.drafts(text)[0].name.startswith(name)


@given(
    st.lists(st.sampled_from(["新建", "基地", "达到", "增长到", "共计", "，", "以上", "x", "3万亩", "“"]), max_size=60)
)
def test_short_names_end_in_time(pieces: list[str]) -> None:
    name = short_name("".join(pieces))
    assert len(name) <= MAX_NAME
    assert len(name) != 1


def test_an_item_of_a_list_is_about_what_the_list_is(reader: Reader) -> None:
    drafts = reader.drafts("全市发展杂粮基地300万亩，其中神池县60万亩，岢岚县45万亩，五寨县马铃薯5万亩。")
    assert [draft.theme for draft in drafts] == ["coarse_grain", "coarse_grain", "coarse_grain", "potato"]


def test_theme_and_kind_of_words() -> None:
    assert theme_of("", "谷子基地") == "coarse_grain"
    assert theme_of("无") == "general"
    assert kind_of("奶牛养殖示范基地建设项目") == (Kind.PROJECT, 10, 12)
    assert kind_of("无") is None
    assert lead_kind("东部沿河特色农业区") == (Kind.ZONE, 9)
    assert lead_kind("的" * 5000) is None
    assert {theme for text in ("茶", "猪", "渔业", "公路") for theme in [theme_of(text)]} <= set(THEMES)


def test_confidence_falls_with_doubts() -> None:
    assert confidence([]) == SURE
    assert confidence(["kind-noun", "scope-assumed", "scope-assumed"]) == 0.75
    assert confidence(["outside", "ambiguous", "scope-assumed", "kind-by-verb", "place-of-heading"]) == LEAST


# -- properties over sentences put together from real places, verbs and figures ----------------------------------------

PLACES = ["繁峙县砂河镇", "代县", "定襄县、五台县", "原平市", "忻府区和定襄县", "河曲、保德", "全市", "宁武县东寨镇"]
VERBS = ["建设", "新建", "打造", "发展", "支持", "推进", "力争到2025年建成"]
THINGS = ["黄芪种植基地", "蔬菜大棚", "果品加工园区", "高标准农田", "谷子", "灌区改造项目", "青年返乡", "旅游线路"]
FIGURES = ["3万亩", "1200亩", "2-3个", "约5亿元", "各2处", "", "15公里", "70%", "不低于4.5万吨"]
ENDS = ["。", "；", "，", "，其中"]


def _clauses() -> st.SearchStrategy[str]:
    parts = (PLACES, VERBS, THINGS, FIGURES, ENDS)
    return st.tuples(*(st.sampled_from(part) for part in parts)).map("".join)


TEXTS = st.lists(
    st.lists(_clauses(), min_size=1, max_size=4).map(lambda clauses: "".join(clauses).rstrip("，其中。；") + "。"),
    min_size=1, max_size=4,
).map("\n\n".join)  # fmt: skip
PROPERTY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)


def sliced(document: Document, place: DraftPlace) -> str:
    return document.lines[place.span.line - 1][place.span.start : place.span.end]


def check_spans(document: Document, drafts: tuple[Draft, ...], mentions: tuple[DraftPlace, ...]) -> None:
    for place in [*mentions, *(place for draft in drafts for place in draft.places)]:
        assert sliced(document, place) == place.mention.text
    for draft in drafts:
        line = document.lines[draft.span.line - 1]
        assert 0 <= draft.span.start < draft.span.end <= len(line)
        for quantity in draft.quantities:
            span = quantity.span
            assert document.lines[span.line - 1][span.start : span.end] == quantity.text
            assert quantity.amount.value >= Decimal(0)


def check_links(drafts: tuple[Draft, ...]) -> None:
    last: dict[int | None, int] = {}
    for index, draft in enumerate(drafts):
        if draft.part_of is not None:
            assert 0 <= draft.part_of < len(drafts)
            assert draft.part_of != index
            assert drafts[draft.part_of].kind is Kind.ROUTE
        if draft.seq is not None and draft.seq > 1:
            assert draft.seq == last[draft.part_of] + 1
        if draft.seq is not None:
            last[draft.part_of] = draft.seq


@PROPERTY
@given(text=TEXTS)
def test_extracting_twice_is_identical(reader: Reader, text: str) -> None:
    assert reader.read(text) == reader.read(text)


@PROPERTY
@given(text=TEXTS, more=_clauses())
def test_an_unrelated_paragraph_changes_no_other_record(reader: Reader, text: str, more: str) -> None:
    _, before = reader.read(text)
    _, after = reader.read(f"{text}\n\n{more.rstrip('，其中。；')}。")
    lines = text.count("\n") + 1
    assert tuple(draft for draft in after.drafts if draft.span.line <= lines) == before.drafts
    assert tuple(place for place in after.mentions if place.span.line <= lines) == before.mentions
    assert tuple(problem for problem in after.problems if problem.row <= lines) == before.problems


@PROPERTY
@given(text=TEXTS)
def test_spans_slice_to_their_text_and_links_hold(reader: Reader, text: str) -> None:
    document, found = reader.read(text)
    check_spans(document, found.drafts, found.mentions)
    check_links(found.drafts)
    assert [draft.span for draft in found.drafts] == sorted(draft.span for draft in found.drafts)
    assert [place.span for place in found.mentions] == sorted(place.span for place in found.mentions)


@PROPERTY
@given(text=TEXTS)
def test_every_statement_is_in_a_draft_or_in_a_problem(reader: Reader, text: str) -> None:
    document, found = reader.read(text)
    told = {place.span for draft in found.drafts for place in draft.places}
    divisions = [place for place in found.mentions if place.mention.level is not PlaceLevel.SITE]
    for place in divisions:
        line = document.lines[place.span.line - 1]
        sentence = next((start, end) for start, end in _sentences(line) if start <= place.span.start < end)
        if PLANNING_VERBS.search(line, *sentence) and place.span not in told:
            # Only what leads on to a finer place (繁峙县|砂河镇) needs no mention of its own.
            leads = any(other.span.start == place.span.end for other in divisions)
            named = any(p.row == place.span.line and place.mention.text in p.message for p in found.problems)
            assert leads or named, (place.mention.text, line)


def _sentences(line: str) -> list[tuple[int, int]]:
    ends = [i + 1 for i, char in enumerate(line) if char in "。；！？"]
    starts = [0, *ends]
    return list(zip(starts, [*ends, len(line)], strict=True))


def test_a_sentence_without_end_is_read_in_pieces(reader: Reader) -> None:
    unit = "繁峙县砂河镇新建黄芪种植基地3.5万亩，代县阳明堡镇新建果园2万亩，"
    document, found = reader.read(unit * 150)
    check_spans(document, found.drafts, found.mentions)
    assert len(found.drafts) == 300
    assert {(d.places[-1].mention.name, d.quantities[0].text) for d in found.drafts} == {
        ("砂河镇", "3.5万亩"),
        ("阳明堡镇", "2万亩"),
    }
    for size, sign in product((2500, 6001), ("建", "，", "3万亩、")):
        document, found = reader.read("代县" + sign * size)
        check_spans(document, found.drafts, found.mentions)
