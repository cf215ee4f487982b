"""Whether the figures of a table add up to the total that it, or the text before it, states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from geoplan.documents.document import Cell, Table
from geoplan.documents.reading.table_heads import (
    column_label,
    column_unit,
    column_year,
    is_total,
    is_total_row,
    unit_in,
)
from geoplan.documents.reading.table_shape import is_figure
from geoplan.errors import Problem

_SUBTOTAL = re.compile(r"(?:小计|其中.{0,6})[：:]?")
_NOT_SUMMED = re.compile(r"[率比速价]|均|%|％|序号|编号|年份|年度")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_STATED = re.compile(
    r"(?:合计|共计|总计|总共|共|累计|任务|总量|总规模|总面积|总产量|总投资)[^，。；：\d]{0,12}(\d[\d,]{0,15}(?:\.\d{1,8})?)\s?"
)


def check_totals(table: Table, stated: str = "") -> list[Problem]:
    """Compare the sums of a table's figures with its total row or column, and with a total stated in the text before.

    Columns that hold rates, averages, or anything but plain numbers are left alone.
    """
    lines = _series(table)
    problems: list[Problem] = []
    for name, unit, parts, total, line in lines:
        whole = sum(parts, Decimal(0))
        if total is not None and whole != total:
            problems.append(_mismatch(name, unit, whole, total, line))
        problems.extend(_against_text(name, unit, whole if total is None else total, stated, line))
    return problems


def _mismatch(name: str, unit: str, whole: Decimal, total: Decimal, line: int) -> Problem:
    return Problem(
        "total-mismatch",
        f"the parts of {name!r} sum to {whole} {unit}, the stated total is {total} {unit}.".replace(" ,", ","),
        row=line,
        column=name,
        remedy="Compare the table with the printed plan.",
    )


class _Series(NamedTuple):
    name: str
    unit: str
    parts: list[Decimal]
    total: Decimal | None
    line: int


def _series(table: Table) -> list[_Series]:
    """The runs of figures that may be summed: columns, or rows of a sideways table."""
    body = [row for row in table.rows[table.heads :] if row]
    found: list[_Series] = []
    if table.sideways:
        totals = {cell.column for row in table.rows[: table.heads] for cell in row if is_total(cell.text)}
        for row in body:
            entries = [(cell.column in totals, cell) for cell in row if cell.column > 0]
            found.extend(_run(row[0].text, unit_in(row[0].text) or table.unit, entries))
        return found
    width = max((cell.column for row in body for cell in row), default=-1) + 1
    by_column: list[list[tuple[bool, Cell]]] = [[] for _ in range(width)]
    for row in body:
        first = next((cell.text for cell in row if not is_figure(cell.text)), "")
        if _SUBTOTAL.fullmatch(re.sub(r"\s", "", first)):
            continue
        whole = is_total_row(row)
        for cell in row:
            by_column[cell.column].append((whole, cell))
    for column, entries in enumerate(by_column):
        name = column_label(table, column)
        if column and name and column_year(table, column) is None:
            found.extend(_run(name, column_unit(table, column), entries))
    return found


def _run(name: str, unit: str, entries: Sequence[tuple[bool, Cell]]) -> list[_Series]:
    totals = [cell for whole, cell in entries if whole]
    parts = [cell for whole, cell in entries if not whole]
    cells = [*parts, *totals]
    if _NOT_SUMMED.search(name) or unit == "%" or len(parts) < 2 or len(totals) > 1:
        return []
    if not all(_NUMBER.fullmatch(cell.text) for cell in cells):
        return []
    values = [Decimal(cell.text.replace(",", "")) for cell in cells]
    total = values.pop() if totals else None
    return [_Series(name, unit, values, total, cells[-1].passage.pieces[0].line)]


def _against_text(name: str, unit: str, whole: Decimal, stated: str, line: int) -> list[Problem]:
    """A problem where the text states totals in this unit and none of them is the sum."""
    if not unit or not stated:
        return []
    every = {
        Decimal(match[0].replace(",", "")) for match in _NUMBER.finditer(stated) if stated.startswith(unit, match.end())
    }
    totals = [match for match in _STATED.finditer(stated) if stated.startswith(unit, match.end())]
    if whole in every or not totals:
        return []
    return [_mismatch(name, unit, whole, Decimal(totals[-1][1].replace(",", "")), line)]
