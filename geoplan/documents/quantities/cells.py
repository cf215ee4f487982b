"""Figures of table cells, whose unit stands in the head of the column or above the table."""

from __future__ import annotations

import re

from geoplan.documents.quantities.amount import Amount
from geoplan.documents.quantities.bounds import bound_after, bound_before
from geoplan.documents.quantities.find import find_amounts
from geoplan.documents.quantities.meaning import measure_of
from geoplan.documents.quantities.numbers import ARABIC, FOLD, read_arabic
from geoplan.errors import UnitError
from geoplan.terms import Change, Qualifier
from geoplan.units import check_dimension, parse_unit

_EMPTY = re.compile(r"[\s/\\—–\-―－─…·*]*|无|空|略|不适用")
_TOTAL = re.compile(r"[\[【〔［](.*)[\]】〕］]", re.DOTALL)
_NUMBER = re.compile(rf"({ARABIC})(?:\s?[-—–~]{{1,2}}\s?({ARABIC}))?")
_LONGEST = 60


def read_cell(text: str, unit: str, *, noun: str = "") -> Amount | None:
    """The figure of a table cell in the unit of its column; None where the cell holds no single figure.

    A figure in brackets (``[2.6]``) is the total of five years: its `change` is flow. A unit in the cell goes before
    the column's. `noun` is the row's name, from which the measure is read.

    Raises
    ------
    UnitError
        If `unit` is needed and is not in the table of units.

    Examples
    --------
    >>> read_cell("不超过13", "万吨").qualifier.value
    'at_most'
    >>> read_cell("—", "万吨") is None
    True
    """
    cell = text.strip()
    if len(cell) > _LONGEST or _EMPTY.fullmatch(cell):
        return None
    own = find_amounts(text)
    if len(own) == 1:
        return own[0]
    return None if own else _plain(text, unit, noun)


def _plain(text: str, unit: str, noun: str) -> Amount | None:
    folded = text.translate(FOLD)
    numbers = list(_NUMBER.finditer(folded))
    if len(numbers) != 1:
        return None
    match = numbers[0]
    before, after = bound_before(folded, match.start()), bound_after(folded, match.end())
    start, end = before[0] if before else match.start(), after[0] if after else match.end()
    if _left_over(folded[:start], folded[end:]):
        return None
    value, upper = read_arabic(match[1]), read_arabic(match[2]) if match[2] else None
    qualifier = after[1] if after else before[1] if before else Qualifier.EXACT
    if upper is not None:
        qualifier = Qualifier.RANGE
        if upper <= value:
            return None
    if not unit:
        raise UnitError(f"the figure {text.strip()!r} has no unit: give the one of its column.")
    measure = measure_of(unit, noun, "")
    check_dimension(measure, parse_unit(unit))
    total = _TOTAL.fullmatch(folded.strip()) is not None
    return Amount(
        start, end, value, unit, measure, upper, qualifier, noun, Change.FLOW if total else None,
    )  # fmt: skip


def _left_over(before: str, after: str) -> bool:
    """Whether a cell says more than its figure and its bound."""
    rest = re.sub(r"[\s\[\]【】〔〕()（）*①②③]|稳定在|达到|保持在|巩固|为|增速|累计|5年|五年|到", "", before + after)
    return bool(rest)
