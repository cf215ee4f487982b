"""What a table's head says of its columns and rows: names, units, years, totals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from geoplan.documents.document import Cell, Heading, Passage, Table
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.headings import Caption, caption, label
from geoplan.documents.reading.mending import is_prose
from geoplan.documents.reading.table_shape import count_heads, is_figure
from geoplan.errors import UnitError
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
_DIVISION = re.compile(r"[一-鿿]{1,7}(?:县|市|区|旗|州|盟|乡|镇|街道|办事处|村)")
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
