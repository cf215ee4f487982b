"""Codes of administrative divisions: six digits to the county, nine to the township.

Structure after GB/T 2260 (province 2, city 2, county 2) and GB/T 10114 (township 3); statistical
codes carry three more digits for the village. A township's code is not a safe key between
editions: join on (parent, name) and keep the code with its system and date.
"""

from __future__ import annotations

import re

from geoplan.terms import Level

_DIGITS = re.compile(r"[0-9]+")
_LENGTHS = {6: None, 9: Level.TOWNSHIP, 12: Level.VILLAGE}


def normalise_code(text: str) -> str:
    """A code as text: six, nine or twelve digits.

    Accepts what files make of codes: ``156140000`` (country prefix of GB/T 2260 in Tianditu
    data), ``140321.0`` (a spreadsheet's number). A short township code padded with zeros to
    twelve digits loses the padding.

    Raises
    ------
    ValueError
        If nothing like a division code is left. Lost leading zeros are not guessed back.

    Examples
    --------
    >>> normalise_code("156140321"), normalise_code("140321107000"), normalise_code("140321.0")
    ('140321', '140321107', '140321')
    """
    code = text.strip().removesuffix(".0")
    if not _DIGITS.fullmatch(code):
        raise ValueError(f"not a division code: {text!r}")
    if len(code) == 9 and code.startswith("156") and code[3:5] != "00":
        code = code[3:]
    if len(code) == 12:
        if code.endswith("000000"):
            code = code[:6]
        elif code.endswith("000"):
            code = code[:9]
    if len(code) not in _LENGTHS:
        raise ValueError(f"a division code has 6, 9 or 12 digits, not {len(code)}: {text!r}")
    return code


def level_of(code: str) -> Level:
    """Level that a normalised code stands for.

    >>> level_of("140000"), level_of("140300"), level_of("140321"), level_of("140321107")
    (<Level.PROVINCE: 'province'>, <Level.CITY: 'city'>, <Level.COUNTY: 'county'>, <Level.TOWNSHIP: 'township'>)
    """
    if len(code) == 6:
        if code.endswith("0000"):
            return Level.PROVINCE
        return Level.CITY if code.endswith("00") else Level.COUNTY
    level = _LENGTHS.get(len(code))
    if level is None:
        raise ValueError(f"not a normalised division code: {code!r}")
    return level


def prefix(code: str) -> str:
    """Digits that every code inside the division starts with.

    >>> prefix("140000"), prefix("140300"), prefix("140321"), prefix("140321107")
    ('14', '1403', '140321', '140321107')
    """
    level = level_of(code)
    return {Level.PROVINCE: code[:2], Level.CITY: code[:4]}.get(level, code)


def is_inside(code: str, ancestor: str) -> bool:
    """Whether `code` is `ancestor` or lies within it."""
    return code == ancestor or code.startswith(prefix(ancestor))
