"""The figures of a passage as they are written: number and unit, before anything is said about their meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from geoplan.documents.quantities import refusals
from geoplan.documents.quantities.lexicon import MULTIPLIERS, RATES, UNITS
from geoplan.documents.quantities.numbers import ARABIC, FOLD, NUMERALS, read_arabic, read_chinese


@dataclass(frozen=True, slots=True)
class Figure:
    """Number and unit at ``[start, end)``; `more` where the number itself says more (20余)."""

    start: int
    end: int
    value: Decimal
    unit: str
    value_max: Decimal | None = None
    more: bool = False


_MULT = "|".join(MULTIPLIERS)
# 2500个（套）: the bracket names another word for the same thing.
_OTHER = "[套台次处家户头只羽座辆条所个栋间艘场口眼组项类]"
_NAMES = "|".join(
    # Letters end where the word ends: 5km is a length, 5kmh nothing.
    re.escape(unit) + ("(?![A-Za-z0-9])" if unit.isascii() and unit != "%" else "")
    for unit in UNITS
)
_UNIT = rf"(?:{_NAMES})(?:[（(]{_OTHER}(?:[、/]{_OTHER})?[）)])?"
_RATE = rf"(?:/(?:{'|'.join(RATES)})(?![A-Za-z]))?"
_SPACE = "[ \u3000\u00a0]{0,2}"
_MORE = "[余多几来]"
_DASHES = "[-—–~―]{1,2}"
_JOIN = rf"{_SPACE}(?:{_DASHES}|[、和及与至到或]|以及){_SPACE}"
_ITEM = rf"{ARABIC}{_SPACE}(?:{_MORE}?(?:{_MULT}))?"
_CHINESE = rf"[{NUMERALS}]{{1,10}}(?:点[{NUMERALS[:12]}]{{1,4}})?"
_FIGURE = re.compile(
    # 1∶1.8
    rf"(?P<ratio>(?<![0-9.∶：:A-Za-z])(?P<left>[0-9]{{1,4}}(?:\.[0-9]{{1,4}})?){_SPACE}[∶：:]{_SPACE}"
    rf"(?P<right>[0-9]{{1,4}}(?:\.[0-9]{{1,4}})?)(?![0-9.∶：:]|{_SPACE}(?:{_MULT})?(?:{_UNIT})))"
    # 20、30和40万亩, 2-3个, 20余万亩
    rf"|(?P<digits>(?<![0-9.A-Za-z+_])(?:{_ITEM}{_JOIN}){{0,9}}{ARABIC}){_SPACE}"
    rf"(?P<more>{_MORE}?)(?P<mult>(?:{_MULT})?){_SPACE}(?P<more2>{_MORE}?)(?P<unit>(?:{_UNIT}){_RATE})"
    # 55万农户, 投资20亿
    rf"|(?<![0-9.A-Za-z+_])(?P<count>{ARABIC}){_SPACE}(?P<smore>{_MORE}?)(?P<scale>万亿|千万|百万|亿|万)(?P<smore2>{_MORE}?)"
    # 百分之三十
    rf"|百分之(?P<percent>[{NUMERALS}]{{1,4}}(?:点[{NUMERALS}]{{1,4}})?|{ARABIC})"
    # 二十二万亩, 十余个, 两到三个, 几十家, 万亩
    rf"|(?<![{NUMERALS}几数万亿0-9第．.])(?P<chinese>(?P<vague>[几数上]?)"
    rf"(?:(?P<low>{_CHINESE})(?:[至到或—-](?P<high>{_CHINESE}))?)?(?P<cmore>{_MORE}?)(?P<cmult>(?:万亿|亿|万)?))"
    rf"(?P<cmore2>{_MORE}?)(?P<cunit>(?:{_UNIT}){_RATE})",
)
_START = re.compile(rf"[0-9{NUMERALS}万亿]|[几数上](?=[十百千万亿])")
_NUMBER = re.compile(rf"({ARABIC}){_SPACE}({_MORE}?)({_MULT})?")
_SCALE = {
    "": 1,
    "百": 10**2,
    "千": 10**3,
    "万": 10**4,
    "十万": 10**5,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
    "万亿": 10**12,
}
_RANGE = re.compile(rf"^{_SPACE}(?:{_DASHES}|至|到){_SPACE}$")


def find_figures(text: str) -> list[Figure]:
    """Every figure of a passage, in order and without overlaps."""
    folded = text.translate(FOLD)
    titles = refusals.title_spans(folded)
    found: list[Figure] = []
    at = 0
    # A class of characters is searched many times faster than the pattern, which is tried where one stands.
    while start := _START.search(folded, at):
        at = start.start() + 1
        match = _FIGURE.match(folded, start.start())
        if match is None:
            continue
        at = match.end()
        if refusals.inside(titles, match.start()):
            continue
        found.extend(_read(match, folded))
    return _joined(found, folded)


def _read(match: re.Match[str], folded: str) -> Iterator[Figure]:
    if match["ratio"]:
        yield from _ratio(match, folded)
    elif match["percent"]:
        value = _percent(match["percent"])
        if value is not None:
            yield Figure(match.start(), match.end(), value, "%")
    elif match["count"]:
        yield from _unitless(match, folded)
    elif match["digits"]:
        yield from _digits(match, folded)
    else:
        yield from _written(match, folded)


def _ratio(match: re.Match[str], text: str) -> Iterator[Figure]:
    left, right = Decimal(match["left"]), Decimal(match["right"])
    if refusals.numbered(text, match.start()) or max(left, right) >= 500:
        return
    sign = match["ratio"][len(match["left"]) :].strip()[0]
    if right == 1 and match["right"] == "1":
        yield Figure(match.start(), match.end(), left, f"{sign}1")
    elif left == 1 and match["left"] == "1":
        yield Figure(match.start(), match.end(), right, f"1{sign}")


def _percent(written: str) -> Decimal | None:
    return read_arabic(written) if written[0].isascii() else read_chinese(written)


def _unitless(match: re.Match[str], text: str) -> Iterator[Figure]:
    """A number with a multiplier and no unit: people or households by the noun after it, money by the noun before."""
    unit = refusals.implied_unit(text, match.start(), match.end())
    if unit:
        more = bool(match["smore"] or match["smore2"])
        yield Figure(match.start(), match.end(), read_arabic(match["count"]), match["scale"] + unit, more=more)


def _digits(match: re.Match[str], folded: str) -> Iterator[Figure]:
    """One number, a range, or a list that shares one unit (15、20和30万亩)."""
    if refusals.refused_digits(folded, match.start(), match.end(), match["unit"]):
        return
    numbers = list(_NUMBER.finditer(folded, match.start("digits"), match.end("digits")))
    if len(numbers) == 2 and _numbered_item(numbers, folded):
        # «1、30万亩» at the start of a line: the first number counts the paragraphs.
        numbers = numbers[1:]
    more = bool(match["more"] or match["more2"])
    while numbers:
        number = numbers.pop(0)
        low = None
        if numbers and _RANGE.match(folded[number.end() : numbers[0].start()]):
            low, number = number, numbers.pop(0)
        end = number.end() if numbers else match.end()
        mult = (number[3] or match["mult"]) if numbers else match["mult"]
        ends = _between(low, number, mult) if low else None
        start = low.start() if low and ends else number.start()
        value, upper = ends or (read_arabic(number[1]), None)
        yield Figure(start, end, value, mult + match["unit"], upper, more=bool(number[2]) or (more and not numbers))


def _numbered_item(numbers: list[re.Match[str]], text: str) -> bool:
    first, second = numbers
    return text[first.end() : second.start()].strip() == "、" and refusals.enumerates(text, first.start(), first[1])


def _between(low: re.Match[str], high: re.Match[str], mult: str) -> tuple[Decimal, Decimal] | None:
    """Both ends of a range in the multiplier of the upper one; None where they are out of order."""
    first, second = read_arabic(low[1]), read_arabic(high[1])
    if low[3] and low[3] != mult:
        first = first * _SCALE[low[3]] / _SCALE[mult]
    elif not low[3] and first >= second:
        # «5000-1万元»: the lower end is written out.
        first = first / _SCALE[mult]
    return (first, second) if first < second else None


def _written(match: re.Match[str], folded: str) -> Iterator[Figure]:
    unit, mult = match["cunit"], match["cmult"]
    low, vague, high = match["low"] or "", match["vague"], match["high"]
    start, end = match.start(), match.end()
    more = bool(match["cmore"] or match["cmore2"] or vague)
    if not (low or mult):
        return
    value, value_max = _numeral(low, high, vague)
    if value is None:
        return
    bare = (not low and bool(mult)) or (low in {"百", "千"} and not mult and vague not in {"几", "数"})
    if bare and low:
        value, mult = Decimal(1), low
    if vague == "上" and not bare:
        start, more = start + 1, bool(match["cmore"] or match["cmore2"])
    if vague in {"几", "数"} and not (mult or value >= 10):
        return
    plain = unit.split("/")[0]
    ample = bool(mult) or value >= 10
    if refusals.refused_written(folded, start, end, plain, value, ample=ample, bare=bare and not vague):
        return
    yield Figure(start, end, value, mult + unit, value_max, more=more)


def _numeral(low: str, high: str | None, vague: str) -> tuple[Decimal | None, Decimal | None]:
    if not low:
        return Decimal(1), None
    value = read_chinese(low)
    if value is None and len(low) == 2 and not vague:
        # 两三个, 三五家: a range of two digits.
        pair = [read_chinese(digit) for digit in low]
        return (pair[0], pair[1]) if pair[0] and pair[1] and pair[0] < pair[1] < 10 else (None, None)
    upper = read_chinese(high) if high else None
    if upper is not None and value is not None and upper <= value:
        return None, None
    return value, upper


def _joined(figures: list[Figure], text: str) -> list[Figure]:
    """Ranges whose both ends carry the unit: 5%-10%, 10万-20万亩."""
    joined: list[Figure] = []
    for figure in figures:
        before = joined[-1] if joined else None
        if before and _spans_range(before, figure, text):
            joined[-1] = Figure(before.start, figure.end, before.value, figure.unit, figure.value, more=figure.more)
        else:
            joined.append(figure)
    return joined


def _spans_range(low: Figure, high: Figure, text: str) -> bool:
    if low.unit != high.unit or low.value_max is not None or high.value_max is not None or low.value >= high.value:
        return False
    between = text[low.end : high.start]
    if len(between) > 4 or not _RANGE.match(between):
        return False
    return between.strip() != "到" or text[max(0, low.start - 1) : low.start] not in {"由", "从"}
