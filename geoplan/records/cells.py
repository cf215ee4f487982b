"""Every cell of a record row checked by itself, so that all bad cells of a row are found at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from geoplan.errors import UnitError
from geoplan.records.model import ID, PlaceRef, check_period
from geoplan.records.sheet import Row
from geoplan.terms import LABELS, THEMES, Change, Kind, Measure, Per, Qualifier, Status
from geoplan.units import check_dimension, parse_unit

Fault = tuple[str, str]
"""Column and what is wrong with its cell."""

FIGURE_COLUMNS = ("measure", "value", "unit", "qualifier", "change", "per")
_VOCABULARIES: dict[str, type[StrEnum]] = {
    "kind": Kind, "status": Status, "measure": Measure, "qualifier": Qualifier, "change": Change, "per": Per,
}  # fmt: skip
# What plans and planners write for a term, beside its own Chinese label.
_SYNONYMS = {
    "qualifier": {
        "以上": "at_least", "不少于": "at_least", "超过": "at_least", "突破": "at_least",
        "以内": "at_most", "以下": "at_most", "左右": "about", "近": "about", "大约": "about",
    },
    "change": {"新建": "flow", "稳定在": "stock", "保持": "stock"},
    "per": {"各": "each", "每": "each", "共": "total"},
    "status": {"基期": "baseline", "规划": "target"},
}  # fmt: skip
_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"
_VALUE = re.compile(rf"({_NUMBER})(?:(?:\.\.|-)({_NUMBER}))?")
_INTEGER = re.compile(r"[0-9]{1,9}")
_SPAN = re.compile(r"([0-9]{1,9})(?:\.\.|-)([0-9]{1,9})")
_DATE = re.compile(r"[0-9]{1,4}[-/年月][0-9]{1,2}([-/月日].*)?|[0-9]{1,2}[-/][A-Za-z]{3}.*")


class Span(NamedTuple):
    """Characters ``[start, end)`` of a line."""

    start: int
    end: int


def in_terms(row: Row) -> Row:
    """`row` with Chinese words for terms (目标, 不低于, 新增) replaced by the terms themselves."""
    found = dict(row)
    for column, terms in _VOCABULARIES.items():
        words = {LABELS[term].zh: term.value for term in terms if LABELS[term].zh} | _SYNONYMS.get(column, {})
        found[column] = words.get(row[column], row[column])
    themes = {label.zh: theme for theme, label in THEMES.items()}
    found["theme"] = themes.get(row["theme"], row["theme"])
    return found


def fact_faults(row: Row) -> Iterator[Fault]:
    """Faults of the cells that describe a fact, in the first row of its id."""
    if not ID.fullmatch(row["id"]):
        yield "id", f"{row['id']!r} is no record id; write <plan>-<line>-<nn>."
    yield from _term_faults(row, ("kind", "status"), required=True)
    if row["theme"] not in THEMES:
        yield "theme", f"{row['theme']!r} is no theme; the themes are {', '.join(THEMES)}."
    if not 0 < len(row["name"]) <= 60:
        yield "name", f"a name has 1 to 60 characters, this has {len(row['name'])}."
    for column, longest in (("region", 60), ("note", 300)):
        if len(row[column]) > longest:
            yield column, f"at most {longest} characters, this has {len(row[column])}."
    if row["seq"] and (not _INTEGER.fullmatch(row["seq"]) or int(row["seq"]) < 1):
        yield "seq", f"{row['seq']!r} is no place in an order; write 1, 2, 3."
    items = place_items(row["places"])
    for item in items:
        try:
            PlaceRef.parse(item)
        except ValueError as error:
            yield "places", f"{error}."
    if not items and not row["region"]:
        yield "places", "a fact needs a place or a region; both cells are empty."


def figure_faults(row: Row) -> Iterator[Fault]:
    """Faults of the cells of a figure; none when the row has no figure."""
    yield from _term_faults(row, ("measure", "qualifier", "change", "per"), required=False)
    if any(row[column] for column in FIGURE_COLUMNS):
        for column in ("measure", "value", "unit"):
            if not row[column]:
                yield column, "a figure needs measure, value and unit; this cell is empty."
    if row["value"] and not _VALUE.fullmatch(row["value"]):
        yield (
            "value",
            f"{row['value']!r} is no number; write plain digits (30, 173.6) or a range (2..3){_hint(row['value'])}.",
        )
    if row["unit"]:
        yield from _unit_faults(row)


def citation_faults(row: Row) -> Iterator[Fault]:
    """Faults of line, span, status and period, which every row may have."""
    yield from _term_faults(row, ("status",), required=False)
    try:
        check_period(row["period"])
    except ValueError as error:
        yield "period", f"{error}."
    if not _INTEGER.fullmatch(row["line"]) or int(row["line"]) < 1:
        yield "line", f"{row['line']!r} is no line number; lines are counted from 1."
    match = _SPAN.fullmatch(row["span"])
    if match is None or int(match[1]) >= int(match[2]):
        yield "span", f"{row['span']!r} is no span; write start..end, characters counted from 0{_hint(row['span'])}."


def place_items(places: str) -> list[str]:
    """Items of a ``places`` cell."""
    return [item for part in places.split(";") if (item := part.strip())]


def parse_span(text: str) -> Span:
    """The span that a faultless cell gives."""
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"no span: {text!r}")
    return Span(int(match[1]), int(match[2]))


def parse_value(text: str) -> tuple[Decimal, Decimal | None]:
    """Value, and for a range its upper end, of a faultless cell."""
    match = _VALUE.fullmatch(text)
    if match is None:
        raise ValueError(f"no value: {text!r}")
    return Decimal(match[1]), Decimal(match[2]) if match[2] else None


def _term_faults(row: Row, columns: tuple[str, ...], *, required: bool) -> Iterator[Fault]:
    for column in columns:
        terms = [term.value for term in _VOCABULARIES[column]]
        if row[column] in terms or (not row[column] and not required):
            continue
        yield column, f"{row[column]!r} is not one of {', '.join(terms)}."


def _unit_faults(row: Row) -> Iterator[Fault]:
    try:
        unit = parse_unit(row["unit"])
        if row["measure"] in list(Measure):
            check_dimension(Measure(row["measure"]), unit)
    except UnitError as error:
        yield "unit", str(error)


def _hint(text: str) -> str:
    return "; the spreadsheet made a date of it, format the column as text" if _DATE.fullmatch(text) else ""
