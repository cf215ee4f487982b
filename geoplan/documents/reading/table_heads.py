"""What a table's head says of its columns and rows: names, units, years, totals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from geoplan.documents.document import Cell, Heading, Passage, Table
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.headings import Caption, caption, label
from geoplan.documents.reading.mending import is_prose
from geoplan.documents.reading.table_shape import count_heads, is_figure
from geoplan.errors import Problem, UnitError
from geoplan.units import parse_unit

_UNIT_LINE = re.compile(r"[（(]?\s?(?:计量)?单\s{0,4}位\s?[：:]\s?([^\s，,；;）)]{1,20})[）)]?")
_IN_BRACKETS = re.compile(r"[（(]([^（()）]{1,12})[）)]")
_NAMED_UNIT = re.compile(r"[（(]?单位[：:]([^\s，,；;）)]{1,12})[）)]?$")
_AFTER_SLASH = re.compile(r"[/，,]\s?([^/，,]{1,8})$")
_YEAR = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d|\s?[-—–~至到]\s?\d)")
_YEARS = re.compile(r"(?:19|20)\d\d\s?年?\s?[-—–~至到]")
_TOTAL = re.compile(
    r"(?:总?合计|总计|共计|总和|总数|[全][市省县区州盟旗国]|[全][市省县区]合计)(?:[（(].{0,12}[）)])?[：:]?"
)
_SUBTOTAL = re.compile(r"(?:小计|其中.{0,6})[：:]?")
_NOT_SUMMED = re.compile(r"[率比速价]|均|%|％|序号|编号|年份|年度")
_DIVISION = re.compile(r"[一-鿿]{1,7}(?:县|市|区|旗|州|盟|乡|镇|街道|办事处|村)")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_STATED = re.compile(
    r"(?:合计|共计|总计|总共|共|累计|任务|总量|总规模|总面积|总产量|总投资)[^，。；：\d]{0,12}(\d[\d,]{0,15}(?:\.\d{1,8})?)\s?"
)
_LONGEST_TITLE = 60


class Above(NamedTuple):
    """What the lines above a table say: its title and unit, and the numbers of the lines that say it."""

    title: str
    unit: str
    lines: tuple[int, ...]


def read_above(candidates: Sequence[tuple[int, str]]) -> Above:
    """Title and unit from the lines above a table, the nearest first, each with its number.

    A line that reads as a sentence or is numbered as a heading is no title.
    """
    title, unit = "", ""
    used: list[int] = []
    for number, text in candidates:
        if len(text) > _LONGEST_TITLE:
            break
        found = _UNIT_LINE.fullmatch(text)
        if found and not unit:
            unit = found[1]
        elif caption(text) is Caption.TABLE or _is_title(text):
            title = text
            inside = _UNIT_LINE.search(text)
            unit = unit or (inside[1] if inside else "")
            used.append(number)
            break
        else:
            break
        used.append(number)
    return Above(title, unit, tuple(reversed(used)))


def _is_title(text: str) -> bool:
    ends = text.endswith(("。", "；", "，", "：", "、", "”"))
    return len(text) >= 4 and not ends and not label(text) and not caption(text) and not is_prose(text)


def understand(grid: Grid, above: Sequence[str] = (), headings: tuple[Heading, ...] = ()) -> Table:
    """The table of a grid: its head counted, repeated heads dropped, its unit and its direction known.

    Parameters
    ----------
    grid
        The cells in their places.
    above
        The lines above the table, the nearest first; title and unit are taken from them.
    headings
        Headings that the table stands under.
    """
    said = read_above([(0, text) for text in above])
    rows = _rows(grid, headings)
    heads = _heads(rows)
    rows = rows[:heads] + [row for row in rows[heads:] if not _repeats(row, rows[:heads])]
    sideways = _is_sideways(rows, heads)
    unit = said.unit
    labels = [row[0].text for row in rows[heads:] if row and row[0].column == 0]
    if not unit and sideways and len(set(labels)) == 1 and len(labels) == len(rows) - heads and is_unit(labels[0]):
        unit = labels[0]
    return Table(said.title, unit, tuple(tuple(row) for row in rows), heads, headings, sideways)


def _rows(grid: Grid, headings: tuple[Heading, ...]) -> list[list[Cell]]:
    rows: dict[int, list[Cell]] = {}
    for cell in grid.cells:
        if cell.passage.text:
            held = Passage(cell.passage.text, cell.passage.pieces, headings)
            rows.setdefault(cell.row, []).append(Cell(cell.row, cell.column, held, cell.rows, cell.columns))
    return [sorted(rows[number], key=lambda cell: cell.column) for number in sorted(rows)]


def _heads(rows: Sequence[Sequence[Cell]]) -> int:
    if not rows:
        return 0
    width = max(cell.column + cell.columns for row in rows for cell in row)
    texts = [[""] * width for _ in rows]
    for r, row in enumerate(rows):
        for cell in row:
            texts[r][cell.column] = cell.text
    heads = count_heads(texts)
    if heads and len(rows) > 1:
        # A head cell over several rows makes them all head.
        deepest = max(cell.rows for cell in rows[0])
        heads = max(heads, deepest if deepest < len(rows) and deepest <= 4 else heads)
    return heads


def _repeats(row: Sequence[Cell], heads: Sequence[Sequence[Cell]]) -> bool:
    texts = [cell.text for cell in row]
    return any(texts == [cell.text for cell in head] for head in heads)


def _is_sideways(rows: Sequence[Sequence[Cell]], heads: int) -> bool:
    if heads != 1 or len(rows) < 2 or len(rows[0]) < 3:
        return False
    names = [cell.text for cell in rows[0][1:] if not is_total(cell.text)]
    first = [row[0].text for row in rows[1:] if row[0].column == 0]
    divisions = sum(1 for name in names if _DIVISION.fullmatch(name))
    if first and all(is_unit(text) for text in first):
        return not any(_YEAR.search(name) for name in names)
    below = sum(1 for text in first if _DIVISION.fullmatch(text))
    return divisions * 2 >= len(names) > 1 and below * 2 < max(1, len(first))


def is_unit(text: str) -> bool:
    """Whether a text is a unit and nothing else."""
    try:
        parse_unit(text)
    except UnitError:
        return False
    return True


def column_label(table: Table, column: int) -> str:
    """The names above a column from top to bottom, joined."""
    names: list[str] = []
    for row in table.rows[: table.heads]:
        for cell in row:
            if cell.column <= column < cell.column + cell.columns and cell.text not in names:
                names.append(cell.text)
    return "".join(names)


def unit_in(text: str) -> str:
    """The unit that a label gives: in brackets at its end, behind a slash, or alone."""
    named = _NAMED_UNIT.search(text[-24:])
    if named:
        return named[1]
    for inside in reversed(_IN_BRACKETS.findall(text[-80:])):
        body = str(inside).strip()
        if is_unit(body):
            return body
        head = body.split("/")[0].strip()
        if "/" in body and is_unit(head):
            return head
    slash = _AFTER_SLASH.search(text[-12:])
    if slash and is_unit(slash[1]):
        return slash[1]
    return text if is_unit(text) else ""


def column_unit(table: Table, column: int) -> str:
    """The unit of a column's figures: from its head, else the table's own."""
    return unit_in(column_label(table, column)) or table.unit


def label_column(table: Table) -> int:
    """The column that names the rows: the first of words, past the numbers of order and the merged groups; or -1."""
    body = [cell for row in table.rows[table.heads :] for cell in row]
    grouped = {cell.column for cell in body if cell.rows > 1}
    figures = {cell.column for cell in body if is_figure(cell.text)}
    words = {cell.column for cell in body} - grouped - figures
    return min(words, default=-1)


def row_label(table: Table, row: Sequence[Cell]) -> str:
    """The text of a row that names what it holds, or empty."""
    column = label_column(table)
    return next((cell.text for cell in row if cell.column == column), "")


def row_unit(table: Table, row: Sequence[Cell]) -> str:
    """The unit of a row's figures: from a column of units, from the row's label, else the table's own."""
    for cell in row:
        if column_label(table, cell.column) in {"单位", "计量单位"} and is_unit(cell.text):
            return cell.text
    return unit_in(row_label(table, row)) or table.unit


def column_year(table: Table, column: int) -> int | None:
    """The one year that a column's head names, or None."""
    text = column_label(table, column)
    years = {int(year) for year in _YEAR.findall(text)}
    return years.pop() if len(years) == 1 and not _YEARS.search(text) else None


def is_total(text: str) -> bool:
    """Whether a label says that the figures beside it are sums of the others (合计, 全市)."""
    return bool(_TOTAL.fullmatch(re.sub(r"\s", "", text[:40])))


def is_total_row(row: Sequence[Cell]) -> bool:
    """Whether a row holds totals: its first words say so."""
    words = [cell.text for cell in row if not is_figure(cell.text)]
    return bool(words) and is_total(words[0])


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
        f"the parts of {name!r} sum to {whole}{unit}, the stated total is {total}{unit}",
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
