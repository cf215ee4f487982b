"""What looks like a figure and is none: numbers of paragraphs, titles, slogans, names, words that begin like a unit."""

from __future__ import annotations

import re
from bisect import bisect_right
from decimal import Decimal

from geoplan.documents.quantities.bounds import bound_before
from geoplan.documents.quantities.lexicon import ABSTRACT, AMPLE_UNITS, BARE_UNITS, CHINESE_UNITS, NOT_AFTER

_TITLE = re.compile(r"《[^《》\n]{1,120}》")
_NOT_AFTER = {unit: re.compile(words) for unit, words in NOT_AFTER.items() if words}
_NUMBERED = re.compile(r"(?:专栏|附表|附图|附件|附录|第|图|(?<![代发])表|No\.?|NO\.?)\s?$")
_ABSTRACT = re.compile(ABSTRACT)
_QUOTES = '“‘「『"'
_UNQUOTES = '”’」』"'
_PLACE_END = re.compile("坪|沟|坡|岭|梁|塬|滩村|坝村|塘村|里村|子|庄|堡|窑|店村|渠|屯|营|寨")
_SLOGAN = re.compile('[“‘"][一二两三四五六七八九十]')
_LINES = re.compile("(?:[^，。；、]{0,6})(?:线|公路|铁路|高速|链|带|街|管|渠|河|通道|廊道|航)")
_NO_LINES = re.compile("红线|底线|主线|战线|路线|道路|路|腿|措施|意见|政策|建议")
_ITEMS = re.compile("[^，。；、]{0,8}(?:指标|专利|技术|成果|标准|课题)")
_EACH = re.compile(r"(?:各|每|至少|仅|不少于|只有)[^，。；！？\n]{0,24}$")
_PEOPLE = re.compile(
    r"[^，。；、：！？\n0-9亩元吨斤只个家名]{0,6}?(?:(?P<household>农户|住户|贫困户|脱贫户|家庭(?!农场)|牧户)|人口|群众|农民|劳动力|居民|村民|职工|党员|学生|"
    r"牧民|移民|游客|农村人口|农牧民)"
)
_STOPS = re.compile(r"[，。；、：！？\s）)]|以上|左右|$")
_MONEY_BEFORE = re.compile(
    r"(?:投资|资金|产值|收入|营收|销售额|交易额|效益|利润|税收|增收|收益)(?:额|总额)?(?:达到|达|约|为|突破|超过|超|近|可达)?\s?$"
)
_BREAK = "\n\r\t 　。；;！!？?"


def title_spans(text: str) -> list[tuple[int, int]]:
    """Where titles of documents stand: figures in them are part of a name."""
    return [match.span() for match in _TITLE.finditer(text)] if "《" in text else []


def inside(spans: list[tuple[int, int]], at: int) -> bool:
    """Whether `at` lies in one of the ordered spans."""
    index = bisect_right(spans, (at, len(spans) and spans[-1][1] + at + 1)) - 1
    return index >= 0 and spans[index][0] <= at < spans[index][1]


def numbered(text: str, start: int) -> bool:
    """Whether the number at `start` numbers something: 第3, 专栏5, 图2."""
    return _NUMBERED.search(text, max(0, start - 5), start) is not None


def enumerates(text: str, start: int, number: str) -> bool:
    """Whether a small number at `start` opens a line or a sentence, as the number of an item does."""
    return (start == 0 or text[start - 1] in _BREAK) and len(number) <= 2 and int(number) <= 20


def refused_digits(text: str, start: int, end: int, unit: str) -> bool:
    """Whether digits and unit at ``[start, end)`` are no amount."""
    if numbered(text, start) or text[start - 1 : start] == "号" or _another_word(text, end, unit):
        return True
    if unit in {"位", "名"} and text[start - 1 : start] == "前":
        return True
    spaced = text[end - len(unit) - 1] in " \u3000\u00a0"
    if (
        spaced
        and (start == 0 or text[start - 1] in _BREAK)
        and unit in CHINESE_UNITS
        and text[end : end + 1].isalpha()
        and unit in "个家处户人座条项头只"
    ):
        # «3 家庭…», «2 人居…» as headings are words; «3 个» is not at the start of a line.
        return unit != "个"
    return (
        start > 0
        and text[start - 1] in _QUOTES
        and unit in {"公里", "米", "里", "个", "条", "项"}
        and _closed(text, end)
    )


def refused_written(text: str, start: int, end: int, unit: str, value: Decimal, *, ample: bool, bare: bool) -> bool:
    """Whether a Chinese numeral (or a multiplier alone) and its unit are no amount."""
    if unit not in CHINESE_UNITS or _another_word(text, end, unit) or _quoted(text, start, end):
        return True
    if bare:
        return _refused_bare(text, start, end, unit)
    if not ample and (unit in AMPLE_UNITS or _PLACE_END.match(text, end)):
        return True
    if value == 1 and not ample:
        return _refused_one(text, start, end, unit)
    return _refused_thing(text, end, unit, value)


def implied_unit(text: str, start: int, end: int) -> str:
    """The unit that a number with a multiplier leaves out, or nothing."""
    people = _PEOPLE.match(text, end)
    if people:
        return "户" if people["household"] else "人"
    if (text[end - 1] == "亿" or _STOPS.match(text, end)) and _MONEY_BEFORE.search(text, max(0, start - 16), start):
        return "元"
    return ""


def _refused_bare(text: str, start: int, end: int, unit: str) -> bool:
    if _PLACE_END.match(text, end) or _headed(text, start, end):
        return True
    if unit == "米" or text[start:end] in {"千克", "千米", "千瓦时", "千瓦"}:
        return True
    if unit in BARE_UNITS - {"人", "户", "人次", "公里"}:
        return False
    return bound_before(text, start) is None and text[end : end + 2] not in {"以上", "左右", "以下"}


def _headed(text: str, start: int, end: int) -> bool:
    """Whether a unit stands alone in the head of a table: （万吨）, 单位：万亩、亿元."""
    return (start == 0 or text[start - 1] in "（(：:、/\t|[") and (
        end == len(text) or text[end] in "）)、/\t|]，,。；;\n "
    )


def _refused_one(text: str, start: int, end: int, unit: str) -> bool:
    """«一个» is mostly an article: it counts where each of several gets one."""
    if unit not in {"个", "家", "处", "座", "条", "所", "间", "栋", "套"} or _ABSTRACT.match(text, end):
        return True
    return _EACH.search(text, max(0, start - 30), start) is None


def _refused_thing(text: str, end: int, unit: str, value: Decimal) -> bool:
    if unit == "个":
        return _ABSTRACT.match(text, end) is not None or _SLOGAN.match(text, end) is not None
    if unit == "条":
        return _NO_LINES.match(text, end) is not None or _LINES.match(text, end) is None
    if unit in {"项", "种"}:
        return _ITEMS.match(text, end) is None
    if unit in {"县", "乡镇", "县区", "旗县"}:
        return value >= 100
    return False


def _another_word(text: str, end: int, unit: str) -> bool:
    words = _NOT_AFTER.get(unit.rsplit("/", 1)[0] if "/" not in unit else "")
    return words is not None and words.match(text, end) is not None


def _quoted(text: str, start: int, end: int) -> bool:
    """Whether the numeral stands in short quotation marks: a slogan or a name (“四个不摘”)."""
    for at in range(start - 1, max(-1, start - 13), -1):
        if text[at] in _QUOTES:
            return _closed(text, end)
        if text[at] in _UNQUOTES or text[at] in "，。；、":
            return False
    return False


def _closed(text: str, end: int) -> bool:
    for at in range(end, min(len(text), end + 14)):
        if text[at] in _UNQUOTES:
            return True
        if text[at] in "，。；":
            return False
    return False
