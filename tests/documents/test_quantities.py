"""Figures of plan prose, in sentences written for these tests in the style of plans of several provinces."""

from __future__ import annotations

import doctest
import time
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.quantities import (
    Amount,
    bounds,
    cells,
    figures,
    find,
    find_amounts,
    find_periods,
    numbers,
    periods,
    read_cell,
)
from geoplan.errors import UnitError
from geoplan.terms import Change, Measure, Per, Qualifier, Status
from geoplan.units import check_dimension, convert, parse_unit

# Text → figures as «value[..max] unit qualifier», qualifier left out where exact.
FOUND: list[tuple[str, list[str]]] = [
    ("全省粮食播种面积稳定在1500万亩左右，总产量达124.2亿斤。", ["1500 万亩 about", "124.2 亿斤"]),
    ("新建、改造提升高标准农田各50万公顷（其中黑土区20万hm²）。", ["50 万公顷", "20 万hm²"]),
    ("种业产值突破百亿元，培育超十亿元龙头企业3家。", ["100 亿元 at_least", "10 亿元 at_least", "3 家"]),
    ("冷库库容达到350万立方米，新增万吨级冷库12座，采后损失率控制在8%以内。",
     ["350 万立方米", "1 万吨", "12 座", "8 % at_most"]),
    ("柑橘产量1,200万标箱，茶园1，234亩，干毛茶三十五万吨。", ["1200 万标箱", "1234 亩", "35 万吨"]),
    ("棉花机采率超85％，面积达到或超过3700万亩。", ["85 % at_least", "3700 万亩 at_least"]),
    ("新建光伏100兆瓦、风电50MW，年发电量3.2亿千瓦时，变压器5万千伏安。",
     ["100 兆瓦", "50 MW", "3.2 亿千瓦时", "5 万千伏安"]),
    ("放流鱼苗2亿尾，深水网箱2500个（套），骆驼1.5万峰，茶叶80万担。",
     ["2 亿尾", "2500 个（套）", "1.5 万峰", "80 万担"]),
    ("建设3至5个园区，每个县（市、区）至少建1个，全省不少于50个。",
     ["3..5 个 range", "1 个 at_least", "50 个 at_least"]),
    ("覆盖8个旗县（市、区），草原面积13.2亿亩，肉牛存栏700万头（只）。", ["8 个", "13.2 亿亩", "700 万头（只）"]),
    ("分别降至38万吨和3.2万吨。", ["38 万吨", "3.2 万吨"]),
    ("每亩补贴1000-1500元/亩，亩产520公斤/亩，产能5万吨/年。", ["1000..1500 元/亩 range", "520 公斤/亩", "5 万吨/年"]),
    ("城乡收入比缩小至2∶1左右，加工产值与农业产值之比达到1：1.8。", ["2 ∶1 about", "1.8 1："]),
    ("培训20万人次，惠及农户8万余户、30余万人，脱贫55万农户。",
     ["20 万人次", "8 万户 at_least", "30 万人 at_least", "55 万户"]),
    ("规模0.3万~0.5万亩，投资1000万-2000万元，比例5%-10%。",
     ["0.3..0.5 万亩 range", "1000..2000 万元 range", "5..10 % range"]),
    ("单价5000-1万元。", ["0.5..1 万元 range"]),
    ("耕地保有量不低于 2.4 亿亩，森林覆盖率 63 %。", ["2.4 亿亩 at_least", "63 %"]),
    ("守住18亿亩耕地红线，十八亿亩不能少。", ["18 亿亩 at_least", "18 亿亩"]),
    ("建成一百个示范村、五十家企业，面积二点五万亩。", ["100 个", "50 家", "2.5 万亩"]),
    ("十余个品牌、几十家企业、数百名专家、近20万亩、20多万亩、1万余个。",
     ["10 个 at_least", "10 家 at_least", "100 名 at_least", "20 万亩 about", "20 万亩 at_least", "1 万个 at_least"]),
    ("两到三个园区、两三家企业、1~3个品牌、2—3个基地。",
     ["2..3 个 range", "2..3 家 range", "1..3 个 range", "2..3 个 range"]),
    ("百分之三十以上的村达标，化肥减少百分之二点五。", ["30 % at_least", "2.5 %"]),
    ("建设千亩园、万亩片，培育亿元以上企业。", ["1 千亩", "1 万亩", "1 亿元 at_least"]),
    ("面积分别为15、20和30万亩。", ["15 万亩", "20 万亩", "30 万亩"]),
    ("肉、蛋、奶分别达到21万吨、10万吨、9万吨以上。", ["21 万吨 at_least", "10 万吨 at_least", "9 万吨 at_least"]),
    ("比例均不低于95%、90%。", ["95 % at_least", "90 % at_least"]),
    ("出口额10亿美元，项目总投资20亿。预计投资3亿打造园区。", ["10 亿美元", "20 亿元", "3 亿元"]),
    ("１２３万亩，9条产业带，12间教室，300平方米。", ["123 万亩", "9 条", "12 间", "300 平方米"]),
    ("冬季自给率不足70%，森林蓄积量约1.2亿立方米，占地约6亩。", ["70 % at_most", "1.2 亿立方米 about", "6 亩 about"]),
    ("不低于新增用地计划总量的5%，不超过占地面积15%。", ["5 % at_least", "15 % at_most"]),
    ("粮食产能1.33万亿斤，主营业务收入1万亿元，200多亿元。", ["1.33 万亿斤", "1 万亿元", "200 亿元 at_least"]),
    ("1、30万亩高标准农田", ["30 万亩"]),
    ("沿线12县（市、区）126个乡镇（街道）。", ["12 县（市、区）", "126 个"]),
    ("每县建设一个示范区，沿河三县各建一座水厂。", ["1 个", "3 县", "1 座"]),
]  # fmt: skip

NOTHING = [
    "2025年，截至2021年8月16日，“十四五”时期，二十大以来，2020—2035年，1978年。",
    "浙政发〔2021〕17号，第12届，第3个，专栏2，表3，图6，第1章，（1）①。",
    "一县一业、一村一品，最后一公里，“最先一公里”，三品一标，一二三产业融合。",
    "“四个一批”“百县千碗”“万企兴万村”“千村示范、万村整治”，千方百计，百团大战，包罗万象。",
    "十大产业集群、六大基地、三大省级战略、八大集聚区、四大体系。",
    "5G网络，4.0版，5A级景区，4A景区，3A级村庄，O2O，PM2.5，“1+10+3”体系。",
    "陇薯7号、晋谷21号、太行一号旅游公路，108国道，G20，S45，111团。",
    "30分钟到达，3个月，连续5年，12个小时，8个工作日，10年规划期，65岁以上。",
    "联系电话：0571-87654321，东经113.5度，邮编310000，文三路138号3幢。",
    "《乡村建设100个村三年方案》《全国高标准农田10万亩示范规划》",
    "万年县、千岛湖、百色市、三亚市、九江市、八里店镇、五家渠市、十堰市、七台河市、三台县、五台县。",
    "两个“一百年”、两个大局、五个转变、三个关键、三级书记、四类主体、三元杂交、三只松鼠、两头在外、一批企业、一个平台。",
    "粮食产量（万吨） 高标准农田（万亩） 单位：万亩、亿元",
    "1.项目 2.家庭农场 3、人才 4 家庭医生",
    "增加值进入全国前3位，三条红线，十二连丰，第四十四届。",
]


def _shown(amount: Amount) -> str:
    value = str(amount.value) if amount.value_max is None else f"{amount.value}..{amount.value_max}"
    qualifier = "" if amount.qualifier is Qualifier.EXACT else f" {amount.qualifier.value}"
    return f"{value} {amount.unit}{qualifier}"


def _one(text: str, nth: int = 0) -> Amount:
    return find_amounts(text)[nth]


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_figures_are_found_with_unit_and_bound(text: str, expected: list[str]) -> None:
    assert [_shown(amount) for amount in find_amounts(text)] == expected


@pytest.mark.parametrize("text", NOTHING)
def test_what_is_no_figure_is_left_alone(text: str) -> None:
    assert [text[amount.start : amount.end] for amount in find_amounts(text)] == []


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("面积不低于16万亩。", "不低于16万亩"), ("培育5家以上。", "5家以上"), ("拥有2-3个品牌", "2-3个"),
        ("控制在8%以内", "控制在8%以内"), ("近20万亩", "近20万亩"), ("占地约80亩", "约80亩"),
    ],
)  # fmt: skip
def test_the_span_holds_the_bound(text: str, span: str) -> None:
    amount = _one(text)
    assert text[amount.start : amount.end] == span


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("奶牛存栏5万头", Measure.HEADCOUNT), ("生猪出栏300万头", Measure.HEADCOUNT),
        ("蔬菜产量10万吨", Measure.OUTPUT),
        ("冷库库容5万吨", Measure.VOLUME), ("年交易量20万吨", Measure.VOLUME), ("总投资3亿元", Measure.INVESTMENT),
        ("年产值3亿元", Measure.REVENUE), ("人均可支配收入2万元", Measure.REVENUE), ("造林30万公顷", Measure.AREA),
        ("企业30家", Measure.COUNT), ("公路30公里", Measure.LENGTH), ("覆盖率90%", Measure.RATIO),
        ("增长1.5倍", Measure.RATIO),
        ("装机3万千瓦", Measure.POWER), ("库容3万立方米", Measure.VOLUME), ("养殖蜜蜂5万箱", Measure.HEADCOUNT),
        ("培训3万人", Measure.HEADCOUNT), ("安排1亿元专项资金", Measure.INVESTMENT),
    ],
)  # fmt: skip
def test_measure(text: str, measure: Measure) -> None:
    assert _one(text).measure is measure


@pytest.mark.parametrize(
    ("text", "nth", "change", "per", "status", "period"),
    [
        ("到2025年，面积达到20万亩", 0, Change.STOCK, None, Status.TARGET, "2025"),
        ("“十四五”期间新建冷库30座", 0, Change.FLOW, None, Status.TARGET, "2021-2025"),
        ("“十四五”末产值突破9亿元", 0, Change.STOCK, None, Status.TARGET, "2025"),
        ("截至2020年底，已建成园区3个", 0, Change.STOCK, None, Status.BASELINE, "2020"),
        ("2019年，全市新增园区3个", 0, Change.FLOW, None, Status.BASELINE, "2019"),
        ("2021—2025年，每县建设2个", 0, Change.FLOW, Per.EACH, Status.TARGET, "2021-2025"),
        ("合计6120万元", 0, None, Per.TOTAL, None, ""),
        ("到2022年、2025年，产值分别达到22亿元、25亿元", 0, Change.STOCK, None, Status.TARGET, "2022"),
        ("到2022年、2025年，产值分别达到22亿元、25亿元", 1, Change.STOCK, None, Status.TARGET, "2025"),
        ("到2025年，存栏由45万头增长到56万头", 0, Change.STOCK, None, Status.BASELINE, ""),
        ("到2025年，存栏由45万头增长到56万头", 1, Change.STOCK, None, Status.TARGET, "2025"),
        ("到2025年建设园区3个、牧场5个", 1, Change.FLOW, None, Status.TARGET, "2025"),
        ("比2015年增长47%", 0, Change.FLOW, None, None, ""),
    ],
)
def test_meaning(
    text: str, nth: int, change: Change | None, per: Per | None, status: Status | None, period: str
) -> None:
    amount = _one(text, nth)
    assert (amount.change, amount.per, amount.status, amount.period) == (change, per, status, period)


def test_the_base_year_parts_baseline_and_target() -> None:
    text = "2018年粮食产量达到30亿斤"
    assert find_amounts(text)[0].status is Status.BASELINE
    assert find_amounts(text, base_year=2015)[0].status is Status.TARGET


def test_parts_and_nouns() -> None:
    whole, part = find_amounts("总投资12亿元，其中中央财政3亿元")
    assert (whole.part, part.part) == (False, True)
    assert _one("建设30个农业物联网示范点").noun == "农业物联网示范点"
    assert _one("到2025年，设施蔬菜达到22万亩").noun == "设施蔬菜"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("“十三五”期间", [("2016-2020", "range", None)]), ("到2025年", [("2025", "at", Status.TARGET)]),
        ("截至2020年底", [("2020", "at", Status.BASELINE)]), ("2021-2025年", [("2021-2025", "range", None)]),
        ("2021年至2025年", [("2021-2025", "range", None)]), ("二○三五年", [("2035", "at", None)]),
        ("到“十四五”末", [("2025", "at", Status.TARGET)]), ("十四五末", [("2025", "at", None)]),
        ("第十五章，二十五个，2025亩，2025个", []), ("2021年起", [("2021", "at", Status.TARGET)]),
    ],
)  # fmt: skip
def test_periods(text: str, shown: list[tuple[str, str, Status | None]]) -> None:
    assert [(period.text, period.kind, period.status) for period in find_periods(text)] == shown


def test_a_year_that_figures_are_compared_with_is_a_reference() -> None:
    assert [period.reference for period in find_periods("比2015年增长，到2025年")] == [True, False]


@pytest.mark.parametrize(
    ("text", "unit", "shown"),
    [
        ("30", "万亩", "30 万亩"), ("19.6", "万吨", "19.6 万吨"), ("不超过13", "万吨", "13 万吨 at_most"),
        ("约2", "个", "2 个 about"), ("100%", "", "100 %"), ("[2.6]", "万亩", "2.6 万亩"),
        ("＞80", "%", "80 % at_least"),
        ("90以上", "%", "90 % at_least"), ("稳定在98以上", "%", "98 % at_least"), ("5年累计4万人", "", "4 万人"),
        ("3-5", "个", "3..5 个 range"), ("1,234", "亩", "1234 亩"), (" ６５ ", "%", "65 %"),
    ],
)  # fmt: skip
def test_cells(text: str, unit: str, shown: str) -> None:
    amount = read_cell(text, unit)
    assert amount is not None
    assert _shown(amount) == shown


@pytest.mark.parametrize("text", ["", "—", "/", "-", "  ", "……", "预期性", "高于全省平均水平", "3 5", "10万亩、20万亩"])
def test_cells_without_a_figure(text: str) -> None:
    assert read_cell(text, "万亩") is None


def test_a_bracket_is_what_is_added_in_five_years() -> None:
    amount = read_cell("[2.6]", "万亩")
    assert amount is not None
    assert amount.change is Change.FLOW


def test_a_cell_without_unit_is_refused() -> None:
    with pytest.raises(UnitError, match="has no unit"):
        read_cell("30", "")


SENTENCES = st.lists(st.sampled_from([text for text, _ in FOUND] + NOTHING), min_size=1, max_size=6).map("".join)
WORDS = st.text(
    alphabet="的了和农业发展到年万亿千百一二三十个家亩元吨0123456789.,、，。-—%∶:()（）“”《》不超过约近以上余多第 ",
    max_size=60,
)


@given(st.one_of(SENTENCES, WORDS))
def test_amounts_are_ordered_apart_and_convertible(text: str) -> None:
    amounts = find_amounts(text)
    assert amounts == find_amounts(text)
    for amount in amounts:
        assert 0 <= amount.start < amount.end <= len(text)
        unit = parse_unit(amount.unit)
        check_dimension(amount.measure, unit)
        convert(amount.value, unit)
        assert (amount.value_max is None) == (amount.qualifier is not Qualifier.RANGE)
        assert amount.value_max is None or amount.value < amount.value_max
    assert all(one.end <= two.start for one, two in pairwise(amounts))


@given(st.one_of(SENTENCES, WORDS))
def test_periods_are_ordered_and_apart(text: str) -> None:
    found = find_periods(text)
    assert all(one.end <= two.start for one, two in pairwise(found))
    assert all(0 <= period.start < period.end <= len(text) and period.first <= period.last for period in found)


@given(SENTENCES, st.sampled_from(["坚持农业优先。", "统筹推进。\n", "积极稳妥，久久为功。"]))
def test_text_without_figures_around_changes_no_figure(text: str, other: str) -> None:
    plain = [_shown(amount) for amount in find_amounts(text)]
    assert [_shown(amount) for amount in find_amounts(f"{other}{text}\n{other}")] == plain


@given(
    st.decimals(0, 10**6, places=2, allow_nan=False, allow_infinity=False),
    st.sampled_from(["万亩", "亿元", "个", "吨", "%"]),
)
def test_a_number_reads_as_written(value: Decimal, unit: str) -> None:
    assert [(amount.value, amount.unit) for amount in find_amounts(f"达到{value}{unit}。")] == [(value, unit)]


@pytest.mark.parametrize(
    "text", ["1", "1,", "1、", "10%-", "2020年、1个", "20亿元、", "一", "《", "由1到", "新建30万亩"]
)
def test_a_long_line_takes_linear_time(text: str) -> None:
    def seconds(length: int) -> float:
        line = text * (length // len(text))
        start = time.process_time()
        find_amounts(line)
        return time.process_time() - start

    small, large = seconds(20_000), seconds(160_000)
    assert large < 40 * max(small, 0.01)


def test_examples_in_the_docstrings() -> None:
    for module in (bounds, cells, figures, find, numbers, periods):
        assert doctest.testmod(module).failed == 0
