"""Units of plan texts and their conversion, in exact decimals.

A unit is written with its multiplier (``万亩``, ``亿元``); the value as written stays beside the
converted one. 1 mu is exactly 2000/3 m², so a mu in hectares (1/15) does not end as a decimal:
hectares are rounded half-even to 1e-6, which is 0.01 m². Everything else converts exactly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from geoplan.errors import UnitError
from geoplan.terms import Measure

MU_M2 = Fraction(2000, 3)
"""Square metres in one mu (亩), exact."""

_HECTARE_STEP = Fraction(1, 1_000_000)
_MULTIPLIERS = {
    "百": 100, "千": 1_000, "万": 10_000, "十万": 10**5, "百万": 10**6, "千万": 10**7, "亿": 10**8, "万亿": 10**12,
}  # fmt: skip

_AREA, _MASS, _MONEY, _DOLLAR = "hectare", "kg", "CNY", "USD"
_HEAD, _ONE, _METRE, _FRACTION = "head", "one", "metre", "fraction"
_WATT, _JOULE, _VOLT_AMPERE, _VOLUME = "watt", "joule", "volt-ampere", "cubic metre"

_BASE: dict[str, tuple[str, Fraction]] = {
    "亩": (_AREA, MU_M2 / 10_000),
    "公顷": (_AREA, Fraction(1)),
    "平方公里": (_AREA, Fraction(100)),
    "平方千米": (_AREA, Fraction(100)),
    "平方米": (_AREA, Fraction(1, 10_000)),
    "平米": (_AREA, Fraction(1, 10_000)),
    "m²": (_AREA, Fraction(1, 10_000)),
    "hm²": (_AREA, Fraction(1)),
    "km²": (_AREA, Fraction(100)),
    "斤": (_MASS, Fraction(1, 2)),
    "公斤": (_MASS, Fraction(1)),
    "千克": (_MASS, Fraction(1)),
    "市斤": (_MASS, Fraction(1, 2)),
    "担": (_MASS, Fraction(50)),
    "kg": (_MASS, Fraction(1)),
    "吨": (_MASS, Fraction(1_000)),
    "t": (_MASS, Fraction(1_000)),
    "元": (_MONEY, Fraction(1)),
    "美元": (_DOLLAR, Fraction(1)),
    "公里": (_METRE, Fraction(1_000)),
    "千米": (_METRE, Fraction(1_000)),
    "米": (_METRE, Fraction(1)),
    "厘米": (_METRE, Fraction(1, 100)),
    "毫米": (_METRE, Fraction(1, 1_000)),
    "里": (_METRE, Fraction(500)),
    "华里": (_METRE, Fraction(500)),
    "km": (_METRE, Fraction(1_000)),
    "立方米": (_VOLUME, Fraction(1)),
    "立方": (_VOLUME, Fraction(1)),
    "方": (_VOLUME, Fraction(1)),
    "空方": (_VOLUME, Fraction(1)),
    "升": (_VOLUME, Fraction(1, 1_000)),
    "千升": (_VOLUME, Fraction(1)),
    "千瓦": (_WATT, Fraction(1_000)),
    "kW": (_WATT, Fraction(1_000)),
    "兆瓦": (_WATT, Fraction(10**6)),
    "MW": (_WATT, Fraction(10**6)),
    "吉瓦": (_WATT, Fraction(10**9)),
    "GW": (_WATT, Fraction(10**9)),
    # The metric horsepower: 75 kgf·m/s with g = 9.80665 m/s².
    "马力": (_WATT, Fraction(73_549_875, 100_000)),
    "千瓦时": (_JOULE, Fraction(3_600_000)),
    "kWh": (_JOULE, Fraction(3_600_000)),
    "兆瓦时": (_JOULE, Fraction(3_600_000_000)),
    "MWh": (_JOULE, Fraction(3_600_000_000)),
    "千伏安": (_VOLT_AMPERE, Fraction(1_000)),
    "kVA": (_VOLT_AMPERE, Fraction(1_000)),
    "兆伏安": (_VOLT_AMPERE, Fraction(10**6)),
    "MVA": (_VOLT_AMPERE, Fraction(10**6)),
    "%": (_FRACTION, Fraction(1, 100)),
    "‰": (_FRACTION, Fraction(1, 1_000)),
    "倍": (_FRACTION, Fraction(1)),
    "个百分点": (_FRACTION, Fraction(1, 100)),
    "百分点": (_FRACTION, Fraction(1, 100)),
    "∶1": (_FRACTION, Fraction(1)),
    "1∶": (_FRACTION, Fraction(1)),
    "头": (_HEAD, Fraction(1)),
    "只": (_HEAD, Fraction(1)),
    "羽": (_HEAD, Fraction(1)),
    "匹": (_HEAD, Fraction(1)),
    "峰": (_HEAD, Fraction(1)),
    "尾": (_HEAD, Fraction(1)),
    "只（头）": (_HEAD, Fraction(1)),
    "亩次": ("hectare-treatment", MU_M2 / 10_000),
}
# Counted things; the unit says what is counted.
_COUNTED = (
    "个", "家", "处", "户", "人", "座", "条", "项", "株", "棵", "穴", "棒", "袋", "箱", "群", "台", "套",
    "台套", "台/套", "台（套）", "间", "栋", "辆", "眼", "瓶", "盒", "件", "村", "镇", "乡镇", "市", "县",
    "县（市、区）", "县（区）", "份", "场次", "批次", "个批次", "次", "个等级", "人次", "名", "支", "批",
    "盏", "孔", "顶", "张", "对", "枚", "盘", "种", "类", "园", "片", "所", "组", "口", "颗", "粒", "双",
    "把", "块", "部", "社", "场", "店", "期", "位", "款", "门", "宗", "幢", "艘", "户次", "标箱", "标准箱", "头份",
    "架", "乡", "乡（镇）", "旗", "旗（县）", "旗县", "旗县区", "旗县（市、区）", "县（市）", "县（区、市）", "县区",
    "县市",
    "市县", "市州", "市（州）", "省", "州", "街道", "社区", "团场", "行政村", "自然村",
)  # fmt: skip
_BASE.update({unit: (_ONE, Fraction(1)) for unit in _COUNTED})

_DIMENSIONS: dict[Measure, frozenset[str]] = {
    Measure.AREA: frozenset({_AREA, "hectare-treatment"}),
    Measure.OUTPUT: frozenset({_MASS, _HEAD, _ONE, _VOLUME}),
    Measure.HEADCOUNT: frozenset({_HEAD, _ONE}),
    Measure.INVESTMENT: frozenset({_MONEY, _DOLLAR}),
    Measure.REVENUE: frozenset({_MONEY, _DOLLAR}),
    Measure.COUNT: frozenset({_ONE, _HEAD}),
    Measure.LENGTH: frozenset({_METRE}),
    Measure.RATIO: frozenset({_FRACTION}),
    Measure.POWER: frozenset({_WATT, _JOULE, _VOLT_AMPERE}),
    Measure.VOLUME: frozenset({_VOLUME, _MASS}),
}
_UNIT = re.compile(r"(万亿|千万|百万|十万|亿|万|千|百)?(.+)")
_PAIRED = re.compile(r"(.+)（(.+)）")
_RATE = re.compile(r"(.+?)/(.+)")
_SPELLINGS = str.maketrans({"㎡": "m²", "％": "%", "：": "∶", ":": "∶", "(": "（", ")": "）", "／": "/", "³": "3"})
_PLAIN = {"m2": "m²", "hm2": "hm²", "km2": "km²", "m3": "立方米", "KW": "kW"}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as written and what one of it is in SI (or in ha, kg, CNY, head, one).

    `factor` is exact; `per_year` is true for rates such as ``吨/年``. `rate` names what any other rate is counted by,
    in its converted unit (``hectare`` for 元/亩), and `factor` converts to that.
    """

    text: str
    si: str
    factor: Fraction
    per_year: bool = False
    rate: str = ""

    @property
    def unit_si(self) -> str:
        """Name of the converted unit."""
        rate = f"{self.si}/{self.rate}" if self.rate else self.si
        return f"{rate}/year" if self.per_year else rate


def parse_unit(text: str) -> Unit:
    """The unit that `text` names.

    Raises
    ------
    UnitError
        If the unit is not in the table.

    Examples
    --------
    >>> unit = parse_unit("万亩")
    >>> unit.si, unit.factor
    ('hectare', Fraction(2000, 3))
    >>> parse_unit("元/亩").unit_si, parse_unit("元/亩").factor
    ('CNY/hectare', Fraction(15, 1))
    """
    body = text.strip().translate(_SPELLINGS)
    per_year = body.endswith("/年")
    body = body.removesuffix("/年")
    found = _simple(body)
    if found:
        return Unit(text, found[0], found[1], per_year)
    rate = _RATE.fullmatch(body)
    if rate:
        counted, by = _simple(rate[1]), _PERIODS.get(rate[2]) or _simple(rate[2])
        if counted and by:
            # A head, a person, a piece: the converted rate says which, or 元/人 and 元/亩 would look alike.
            name = rate[2] if by[0] in {_ONE, _HEAD} else by[0]
            return Unit(text, counted[0], counted[1] / by[1], per_year, name)
    raise UnitError(f"unknown unit {text!r}: write it as the plan does, e.g. 万亩, 亿元, 万头, 个.")


_PERIODS = {"月": ("month", Fraction(1)), "天": ("day", Fraction(1)), "日": ("day", Fraction(1))}


def _simple(body: str) -> tuple[str, Fraction] | None:
    """What a unit that is no rate is in the converted unit."""
    body = _PLAIN.get(body, body)
    # A whole word goes first: 千瓦 is no thousand of 瓦, 千米 no thousand of 米.
    if body in _BASE:
        return _BASE[body]
    # 个（套）: the bracket names another word for the same thing.
    paired = _PAIRED.fullmatch(body)
    if paired and all(word in _BASE for word in re.split("[、/]", paired[2])):
        return _simple(paired[1])
    match = _UNIT.fullmatch(body)
    if match and match[1]:
        si, factor = _BASE.get(_PLAIN.get(match[2], match[2]), ("", Fraction(0)))
        return (si, factor * _MULTIPLIERS[match[1]]) if si else None
    return None


def convert(value: Decimal, unit: Unit) -> Decimal:
    """`value` in the converted unit: exact, hectares rounded half-even to 1e-6.

    >>> convert(Decimal("30"), parse_unit("万亩"))
    Decimal('20000')
    """
    exact = Fraction(value) * unit.factor
    if unit.si in _DIMENSIONS[Measure.AREA]:
        # The division is rounded once, at the last digit that is kept.
        exact = round(exact / _HECTARE_STEP) * _HECTARE_STEP
    with localcontext() as context:
        # What is left divides by twos and fives only: the quotient ends within this many digits.
        context.prec = len(str(exact.numerator)) + 4 * len(str(exact.denominator))
        return _plain(Decimal(exact.numerator) / Decimal(exact.denominator))


def check_dimension(measure: Measure, unit: Unit) -> None:
    """Raise `UnitError` when a unit cannot measure what the record says it does."""
    if unit.si not in _DIMENSIONS[measure]:
        allowed = ", ".join(sorted(_DIMENSIONS[measure]))
        raise UnitError(f"{unit.text!r} is a unit of {unit.si}, and {measure.value} is counted in {allowed}.")


def _plain(value: Decimal) -> Decimal:
    """Without trailing zeros and without an exponent, so that equal values print equally."""
    if value == value.to_integral_value():
        return value.quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
    return value.normalize()
