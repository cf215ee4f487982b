"""Numbers of plan prose: Arabic digits of either width, thousands commas, and Chinese numerals."""

from __future__ import annotations

from decimal import Decimal

# Full-width forms are one character each, so offsets stay as they are.
FOLD = str.maketrans("０１２３４５６７８９．％／－～＋＞＜［］", "0123456789.%/-~+><[]")
"""Translation of full-width digits and signs to plain ones, character by character."""

ARABIC = (
    r"(?:[0-9]{1,3}(?:[,，][0-9]{3}){1,4}(?![0-9])|[0-9]{1,12})(?:\.[0-9]{1,8}(?![0-9.])|\. 0[0-9]{1,3}(?![0-9.]))?"
)
"""A number in digits, after folding; bounded, so that a line of nothing but digits stays linear."""
NUMERALS = "零〇一二两三四五六七八九十百千"
"""The characters of a Chinese numeral below ten thousand."""

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_PLACES = {"十": 10, "百": 100, "千": 1000}


def read_arabic(text: str) -> Decimal:
    """Value of digits with or without thousands commas.

    >>> read_arabic("1，234.5")
    Decimal('1234.5')
    """
    return Decimal(text.translate(FOLD).replace(",", "").replace("，", "").replace(" ", ""))


def read_chinese(text: str) -> Decimal | None:
    """Value of a Chinese numeral below ten thousand; None for what is no numeral (三五).

    >>> read_chinese("一百二十")
    Decimal('120')
    >>> read_chinese("十")
    Decimal('10')
    >>> read_chinese("二点五")
    Decimal('2.5')
    >>> read_chinese("三五") is None
    True
    """
    whole, _, tenths = text.partition("点")
    if tenths:
        value = read_chinese(whole)
        return None if value is None else Decimal(f"{value}.{''.join(str(_DIGITS[digit]) for digit in tenths)}")
    total, digit = 0, None
    lowest = 10_000
    for character in text:
        if character in _PLACES:
            place = _PLACES[character]
            if place >= lowest:
                return None
            total += (1 if digit is None else digit) * place
            digit, lowest = None, place
        elif character in "零〇":
            digit = None
        elif digit is not None or character not in _DIGITS:
            return None
        else:
            digit = _DIGITS[character]
    # 一百二 is a hundred and twenty: a last digit right after 百 or 千 counts that place's tenth.
    if digit is not None and lowest in {100, 1000} and len(text) > 1 and text[-2] in "百千":
        digit *= lowest // 10
    return Decimal(total + (digit or 0))
