"""What a figure means, from its unit and the words of its clause: measure, change, per, subject."""

from __future__ import annotations

import re

from geoplan.documents.quantities.lexicon import MULTIPLIERS
from geoplan.terms import Change, Measure, Per
from geoplan.units import parse_unit

_BY_DIMENSION = {
    "hectare": Measure.AREA, "hectare-treatment": Measure.AREA, "kg": Measure.OUTPUT, "metre": Measure.LENGTH,
    "watt": Measure.POWER, "joule": Measure.POWER, "volt-ampere": Measure.POWER, "cubic metre": Measure.VOLUME,
    "fraction": Measure.RATIO, "one": Measure.COUNT, "head": Measure.HEADCOUNT,
}  # fmt: skip
_INVESTMENT = re.compile(
    "投资|资金|补助|补贴|贷款|投入|财政|融资|奖补|经费|奖励|保费|信贷|基金|注册资本|资产|建设成本|估算|概算|预算|授信|债券|概算|拨付|租金|薪|工资|成本"
)
_REVENUE = re.compile(
    "产值|收入|交易额|销售额|营业额|营收|收益|增加值|利润|成交额|零售额|效益|出口额|产业|增收|贸易额|销售|集群|品牌价值|价值|税|企业|GDP|出口|一产|总量|消费额|经营额|流水"
)
_STORE = re.compile(
    "交易|交易量|出口|进口|进出口|吞吐|流通|销量|销售量|外销|调运|周转|运输|物流|货运|库容|仓容|冷库|仓储|储存|贮藏|库存|储藏|冷藏|保鲜|仓库|窖|储粮|蓄水|容量|气调"
)
_OUTPUT = re.compile("出栏|屠宰|产量|年产|产出|出产|加工|总产")
_MADE = re.compile("年产|产量|生产|产能|加工")

_STOCK = (
    "达到|稳定在|保持在|维持在|稳定到|巩固在|稳固在|恢复到|发展[到至]|增长[到至]|增加[到至]|增至|升至|提高[到至]|提升[到至]|上升[到至]|"
    "扩大[到至]|缩小[到至]|降低[到至]|降至|下降[到至]|减少[到至]|控制在|守住|建成|累计|保有量|现有|拥有|已有|突破|超过|达(?!标)|存栏|饲养量|总数|总量|占到|占比|占(?!地)|已建成|共有|有(?!机|效|限|关|条件|影响|序|序|望|害|力|色)|"
    "覆盖|超|不低于|不少于|不超过|保护面积|播种面积|种植面积"
)
_FLOW = (
    "新建|新增|新发展|新改建|新改扩建|改扩建|增加|扩建|扩种|改造|完成|建设|(?<![共新扩改])建(?![成立制档设筑议村])|创建|培育|打造|推广|引进|实施|举办|培训|开展|发展|建立|种植|"
    "新认证|认证|新培育|整治|修建|治理|布局|支持|认定|扶持|落地|推出|增长|递增|增收|提高|提升|下降|减少|降低|每年|年均|开发|制定|招引|"
    "搬迁|修复|配置|安装|购置|组建|形成|遴选|选派|转移"
)
# A flow verb after these tells what is there by now: 累计建设, 已建成.
_SO_FAR = re.compile(r"(?:累计|已经?|共|现已)[^，。；、！？\n]{0,3}$")
_CHANGES = re.compile(f"(?P<stock>{_STOCK})|(?P<flow>{_FLOW})")
_ADDED = re.compile("新增|新建|新发展|增加|增长|递增|比|完成|启动|提高|提升|下降|减少|降低|增收")
_EACH = re.compile(
    r"(?:各(?=[创发建新打完培种约达增安配超不有])|各自|每[县乡镇村个市户人座亩家处所头只区场站园座株棚公](?!年)|每[县（][^，。；、]{0,6}|"
    r"(?<!人)(?<!年)(?<!户)(?<!亩)(?<!平)均(?=[达超为不在低高保实建有])|单个|单体|单户)[^，。；！？\n]{0,24}$|各$"
)
_TOTAL = re.compile(
    r"(?:合计|共计|总计|一共|(?<!公)共(?=$)|总规模|总面积|总产量|总占地)[^，。；、！？\n达]{0,4}$|共(?=[创建打有完发落])[^，。；、！？\n]{0,14}$"
)
_PART = re.compile(r"(?:其中|包括|包含|(?<!区)分别)[^。；！？\n]{0,60}$")
_FOLLOWS = re.compile(
    r"(?:的)?([\u4e00-\u9fffA-Za-z“”]{1,16}(?:[（(][^（）()，。；]{1,10}[）)][\u4e00-\u9fff]{1,12})?)"
)
_HAN = re.compile(r"[\u4e00-\u9fff（）()“”·A-Za-z]{2,}")
_VERBS_END = re.compile(
    rf"(?:{_STOCK}|{_FLOW}|分别|力争|全市|全省|全县|全区|累计|年均|实现|以上|以内|左右|不低于|不少于|每年|年|到|的|了|在|将|各|共|约|由|从|和|及|与|至少|"
    r"再|均|规模|（|\(|“)+$"
)
_VERBS_START = re.compile(
    "^(?:到|力争|全市|全省|全县|全区|将|并|使|其中|期间|末|我市|我省|新建|新增|建设|建成|打造|培育|发展|创建|完成|推广|实施|支持|引进|"
    "确保|实现|推动)+"
)


def measure_of(unit: str, before: str, after: str) -> Measure:
    """What is measured: the unit's dimension, and among money, mass and heads the nearest noun."""
    plain = unit.partition("/")[0]
    si = parse_unit(unit).si
    if si in {"CNY", "USD"}:
        return _money(before, after)
    if si == "kg":
        near = before[-14:]
        return Measure.VOLUME if _last(_STORE, near) > _last(_OUTPUT, near) or _STORE.match(after) else Measure.OUTPUT
    body = plain.lstrip("".join(MULTIPLIERS)) or plain
    if body in {"人", "人次"} or (body in {"箱", "群"} and "蜂" in before[-12:] + after):
        return Measure.HEADCOUNT
    if body in {"棒", "袋", "粒", "瓶", "盒"} and _MADE.search(before[-16:]):
        return Measure.OUTPUT
    return _BY_DIMENSION[si]


def _money(before: str, after: str) -> Measure:
    invested, earned = _last(_INVESTMENT, before), _last(_REVENUE, before)
    if invested < 0 and earned < 0:
        return Measure.INVESTMENT if _INVESTMENT.search(re.split("[，。；、]", after)[0][:8]) else Measure.REVENUE
    return Measure.INVESTMENT if invested > earned else Measure.REVENUE


def _last(pattern: re.Pattern[str], text: str) -> int:
    last = -1
    for match in pattern.finditer(text):
        last = match.start()
    return last


def change_of(before: str) -> Change | None:
    """Reached or added, by the last verb of the clause before the figure."""
    last: Change | None = None
    for match in _CHANGES.finditer(before):
        so_far = match.lastgroup == "stock" or _SO_FAR.search(before, 0, match.start())
        last = Change.STOCK if so_far else Change.FLOW
    return last


def reached(before: str) -> Change:
    """What a verb of building means of what is there already: a stock, unless it tells what was added."""
    return Change.FLOW if _ADDED.search(before) else Change.STOCK


def per_of(before: str) -> Per | None:
    """Each or total, by the words of the clause before the figure."""
    if _EACH.search(before):
        return Per.EACH
    return Per.TOTAL if _TOTAL.search(before) else None


def is_part(before: str) -> bool:
    """Whether the figure is a part of one before it (其中, 分别)."""
    return _PART.search(before) is not None


def noun_of(before: str, after: str, *, counted: bool) -> str:
    """Subject of the figure, best effort: what follows a counted unit (个示范园), else what stands before it."""
    follows = _FOLLOWS.match(after)
    if counted and follows:
        return follows[1].removeprefix("级").removesuffix("的")
    words = _HAN.findall(before)
    if not words:
        return follows[1] if follows else ""
    subject = words[-1]
    while (shorter := _VERBS_END.sub("", subject)) != subject:
        subject = shorter
    subject = _VERBS_START.sub("", subject)
    if len(subject) >= 2:
        return str(subject[-16:])
    return follows[1] if follows else ""
