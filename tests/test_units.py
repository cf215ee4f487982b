"""Units of the plans: the table against definitions written out here, and conversion as a function."""

from __future__ import annotations

import doctest
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan import units
from geoplan.errors import UnitError
from geoplan.terms import Measure
from geoplan.units import MU_M2, check_dimension, convert, parse_unit

HA, MU_HA = Fraction(1), Fraction(1, 15)
# What one of each unit is by definition, not by the table under test.
DEFINED: dict[str, tuple[str, Fraction]] = {
    "亩": ("hectare", MU_HA), "公顷": ("hectare", HA), "平方公里": ("hectare", HA * 100),
    "平方千米": ("hectare", HA * 100), "平方米": ("hectare", HA / 10_000), "平米": ("hectare", HA / 10_000),
    "斤": ("kg", Fraction(1, 2)), "公斤": ("kg", Fraction(1)), "千克": ("kg", Fraction(1)),
    "吨": ("kg", Fraction(1000)), "元": ("CNY", Fraction(1)),
    "公里": ("metre", Fraction(1000)), "千米": ("metre", Fraction(1000)), "米": ("metre", Fraction(1)),
    "里": ("metre", Fraction(500)), "立方米": ("cubic metre", Fraction(1)), "立方": ("cubic metre", Fraction(1)),
    "方": ("cubic metre", Fraction(1)), "空方": ("cubic metre", Fraction(1)), "千升": ("cubic metre", Fraction(1)),
    "升": ("cubic metre", Fraction(1, 1000)),
    "千瓦": ("watt", Fraction(1000)), "千瓦时": ("joule", Fraction(3_600_000)),
    "%": ("fraction", Fraction(1, 100)), "个百分点": ("fraction", Fraction(1, 100)), "倍": ("fraction", Fraction(1)),
    "∶1": ("fraction", Fraction(1)), "1∶": ("fraction", Fraction(1)),
    "头": ("head", Fraction(1)), "只": ("head", Fraction(1)), "羽": ("head", Fraction(1)), "匹": ("head", Fraction(1)),
    "峰": ("head", Fraction(1)), "尾": ("head", Fraction(1)), "只（头）": ("head", Fraction(1)),
    "m²": ("hectare", HA / 10_000), "hm²": ("hectare", HA), "km²": ("hectare", HA * 100),
    "kg": ("kg", Fraction(1)), "t": ("kg", Fraction(1000)), "市斤": ("kg", Fraction(1, 2)), "担": ("kg", Fraction(50)),
    "美元": ("USD", Fraction(1)), "华里": ("metre", Fraction(500)), "km": ("metre", Fraction(1000)),
    "厘米": ("metre", Fraction(1, 100)), "毫米": ("metre", Fraction(1, 1000)),
    "kW": ("watt", Fraction(1000)), "兆瓦": ("watt", Fraction(10**6)), "MW": ("watt", Fraction(10**6)),
    "吉瓦": ("watt", Fraction(10**9)), "GW": ("watt", Fraction(10**9)),
    "马力": ("watt", Fraction(75) * Fraction(980_665, 100_000)),
    "kWh": ("joule", Fraction(3_600_000)), "兆瓦时": ("joule", Fraction(3_600_000_000)),
    "MWh": ("joule", Fraction(3_600_000_000)),
    "千伏安": ("volt-ampere", Fraction(1000)), "kVA": ("volt-ampere", Fraction(1000)),
    "兆伏安": ("volt-ampere", Fraction(10**6)), "MVA": ("volt-ampere", Fraction(10**6)),
    "‰": ("fraction", Fraction(1, 1000)), "百分点": ("fraction", Fraction(1, 100)),
    "亩次": ("hectare-treatment", MU_HA),
}  # fmt: skip
MULTIPLIERS = {
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
ALL_UNITS = sorted(units._BASE)
IN_MU = {"hectare", "hectare-treatment"}
STEP = Fraction(1, 10**6)

values = st.decimals(0, 10**12, allow_nan=False, allow_infinity=False, places=6)
unit_texts = st.builds("".join, st.tuples(st.sampled_from(sorted(MULTIPLIERS)), st.sampled_from(ALL_UNITS)))


def test_the_table_holds_the_defined_units_and_counted_things() -> None:
    assert set(DEFINED) | set(units._COUNTED) == set(units._BASE)
    assert not set(DEFINED) & set(units._COUNTED)


@pytest.mark.parametrize("name", ALL_UNITS)
def test_every_unit_is_what_it_is_defined_to_be(name: str) -> None:
    si, factor = DEFINED.get(name, ("one", Fraction(1)))
    for multiplier, times in MULTIPLIERS.items():
        unit = parse_unit(multiplier + name)
        # 千 + 米 is the word 千米, 千 + 瓦 is no unit: a whole word goes first.
        expected = DEFINED[multiplier + name] if multiplier + name in DEFINED else (si, factor * times)
        assert (unit.si, unit.factor) == expected, multiplier + name
        assert unit.text == multiplier + name


@pytest.mark.parametrize("written", ["1", "30", "173.6", "0.000001", "999999.25"])
def test_every_unit_converts_there_and_back(written: str) -> None:
    for multiplier, name in product(MULTIPLIERS, ALL_UNITS):
        unit = parse_unit(multiplier + name)
        back = Fraction(convert(Decimal(written), unit)) / unit.factor
        tolerance = STEP / 2 / unit.factor if unit.si in IN_MU else 0
        assert abs(back - Fraction(written)) <= tolerance


def test_every_unit_measures_something() -> None:
    for name in ALL_UNITS:
        unit = parse_unit(name)
        assert any(_fits(measure, name) for measure in Measure), unit


@pytest.mark.parametrize(
    ("value", "unit", "expected", "si"),
    [
        ("30", "万亩", "20000", "hectare"),
        ("173.6", "万亩", "115733.333333", "hectare"),
        ("1", "亩", "0.066667", "hectare"),
        ("15", "亩", "1", "hectare"),
        ("9", "万亩次", "6000", "hectare-treatment"),
        ("1", "亩次", "0.066667", "hectare-treatment"),
        ("30", "亿斤", "1500000000", "kg"),
        ("5.9", "万吨", "59000000", "kg"),
        ("2100", "亿元", "210000000000", "CNY"),
        ("50", "%", "0.5", "fraction"),
        ("50", "％", "0.5", "fraction"),
        ("3", "㎡", "0.0003", "hectare"),
        ("12", "万m³", "120000", "cubic metre"),
        ("1.8", "1：", "1.8", "fraction"),
        ("3", "万吨/年", "30000000", "kg/year"),
        ("2", "千瓦", "2000", "watt"),
        ("2", "万千瓦", "20000000", "watt"),
        ("2", " 万头 ", "20000", "head"),
        ("500", "元/亩", "7500", "CNY/hectare"),
        ("520", "公斤/亩", "7800", "kg/hectare"),
        ("3", "元/公斤", "3", "CNY/kg"),
        ("3", "元/吨/年", "0.003", "CNY/kg/year"),
        ("800", "元/人", "800", "CNY/人"),
        ("2000", "元/月", "2000", "CNY/month"),
        ("500", "立方米/日", "500", "cubic metre/day"),
        ("30", "个（套）", "30", "one"),
        ("700", "万头（只）", "7000000", "head"),
        ("7", "头(只、羽)", "7", "head"),
        ("20", "万hm2", "200000", "hectare"),
        ("20", "km2", "2000", "hectare"),
        ("2.5", ":1", "2.5", "fraction"),
    ],
)
def test_figures_of_the_plans(value: str, unit: str, expected: str, si: str) -> None:
    parsed = parse_unit(unit)
    assert str(convert(Decimal(value), parsed)) == expected
    assert parsed.unit_si == si


def test_one_mu_is_exactly_two_thousand_thirds_of_a_square_metre() -> None:
    assert Fraction(2000, 3) == MU_M2
    assert parse_unit("亩").factor * 10_000 == Fraction(2000, 3)
    assert parse_unit("万亩").factor == Fraction(2000, 3)


def test_hectares_round_half_to_even_at_the_sixth_decimal() -> None:
    square_metre = parse_unit("平方米")
    assert convert(Decimal("0.005"), square_metre) == 0  # 0.5 steps: down to even
    assert convert(Decimal("0.015"), square_metre) == Decimal("0.000002")  # 1.5 steps: up to even
    assert convert(Decimal("0.025"), square_metre) == Decimal("0.000002")  # 2.5 steps: down to even


@pytest.mark.parametrize(
    "text",
    ["", "斗", "万", "万斗", "亩万", "万万亩", "/年", "mu", "石", "元/", "/亩", "元/斗", "个（斗）", "千千瓦时2"],
)
def test_unknown_units_are_refused_by_name(text: str) -> None:
    with pytest.raises(UnitError, match=r"unknown unit .*write it as the plan does") as error:
        parse_unit(text)
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("measure", "unit"),
    [
        (Measure.AREA, "亿元"), (Measure.AREA, "米"), (Measure.INVESTMENT, "万亩"), (Measure.RATIO, "个"),
        (Measure.HEADCOUNT, "吨"), (Measure.LENGTH, "平方公里"), (Measure.POWER, "%"), (Measure.COUNT, "公斤"),
    ],
)  # fmt: skip
def test_a_unit_of_another_dimension_is_refused(measure: Measure, unit: str) -> None:
    with pytest.raises(UnitError, match=f"{unit}.*{measure.value}"):
        check_dimension(measure, parse_unit(unit))


@given(values, values, unit_texts)
def test_conversion_is_monotone(a: Decimal, b: Decimal, text: str) -> None:
    unit = parse_unit(text)
    low, high = sorted((a, b))
    assert convert(low, unit) <= convert(high, unit)


@given(values, values, unit_texts)
def test_conversion_is_linear_up_to_the_rounding_of_hectares(a: Decimal, b: Decimal, text: str) -> None:
    unit = parse_unit(text)
    total = Fraction(convert(a + b, unit))
    parts = Fraction(convert(a, unit)) + Fraction(convert(b, unit))
    # Three roundings of half a step each.
    assert abs(total - parts) <= (STEP * 3 / 2 if unit.si in IN_MU else 0)


@given(values, unit_texts)
def test_conversion_is_exact_to_its_last_digit(value: Decimal, text: str) -> None:
    unit = parse_unit(text)
    error = abs(Fraction(convert(value, unit)) - Fraction(value) * unit.factor)
    assert error <= (STEP / 2 if unit.si in IN_MU else 0)


@given(st.integers(10**27, 10**45), unit_texts)
def test_long_numbers_lose_no_digit_either(value: int, text: str) -> None:
    unit = parse_unit(text)
    error = abs(Fraction(convert(Decimal(value), unit)) - value * unit.factor)
    assert error <= (STEP / 2 if unit.si in IN_MU else 0)


@given(values, unit_texts)
def test_equal_values_print_equally_and_without_exponent(value: Decimal, text: str) -> None:
    unit = parse_unit(text)
    printed = str(convert(value, unit))
    assert printed == str(convert(value + Decimal("0.0000000"), unit))
    if unit.si in IN_MU:
        assert "E" not in printed
    assert printed == "0" or not printed.endswith(".0")


def test_examples_in_the_docstrings() -> None:
    result = doctest.testmod(units)
    assert (result.attempted > 0, result.failed) == (True, 0)


def _fits(measure: Measure, unit: str) -> bool:
    try:
        check_dimension(measure, parse_unit(unit))
    except UnitError:
        return False
    return True
