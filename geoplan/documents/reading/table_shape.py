"""The shape of a table's cells: rows shifted back into their columns, merged cells, the rows of the head."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from geoplan.documents.document import Passage
from geoplan.documents.reading.grid import GridCell

Matrix = list[list[Passage | None]]
"""Passages by row and column, None for a blank cell."""

_FIGURE = re.compile(r"[<>＜＞≥≤±约]?\s?[-+−]?[\[［（(]?\d[\d,，]*(?:\.\d+)?[\]］）)]?(?:\s?[^\d\s]{0,6})")
_YEAR = re.compile(r"(?:19|20)\d\d\s?年?(?:[\W_]*[^\d]{0,8})")
_ORDINAL = re.compile(r"\d{1,3}")
_LABEL = 24


def is_figure(text: str) -> bool:
    """Whether a cell holds a figure (14.2, >80, [5.06], 600万只) and no year."""
    return bool(_FIGURE.fullmatch(text)) and not _YEAR.fullmatch(text)


def shape_grid(rows: Matrix) -> tuple[GridCell, ...]:
    """The cells of a table read from text: aligned, and those merged downwards with their span of rows."""
    columns = Counter(len(row) for row in rows if sum(cell is not None for cell in row) > 1).most_common(1)
    count = max((len(row) for row in rows), default=0) if not columns else columns[0][0]
    ordinal = ordinal_column(rows, count)
    aligned = _align(rows, count, ordinal)
    heads = count_heads([[cell.text if cell else "" for cell in row] for row in aligned])
    spans = _merge_down(aligned, heads, ordinal)
    wide = _merge_right(aligned, heads)
    cells: list[GridCell] = []
    for r, row in enumerate(aligned):
        for c, found in enumerate(row):
            if found is not None:
                cells.append(GridCell(r, c, found, spans.get((r, c), 1), wide.get((r, c), 1)))
    return tuple(cells)


def ordinal_column(rows: Matrix, count: int) -> int:
    """The column that numbers the rows 1, 2, 3 …, or -1."""
    for column in range(min(3, count)):
        last, hits, seen = 0, 0, 0
        for row in rows:
            text = row[column].text if column < len(row) and row[column] else ""  # type: ignore[union-attr]
            if _ORDINAL.fullmatch(text):
                hits += int(text) == last + 1
                last = int(text)
                seen += 1
        if seen >= 2 and hits * 10 >= seen * 6:
            return column
    return -1


def _align(rows: Matrix, count: int, ordinal: int) -> Matrix:
    """Rows whose blank cells stand at the wrong end, shifted so that their number stands in the numbers' column."""
    aligned: Matrix = []
    last = 0
    for row in rows:
        cells = list(row)
        if ordinal > 0:
            shift = _shift(cells, count, ordinal, last)
            if shift:
                kept = len(cells) - shift if len(cells) >= count else len(cells)
                cells = [*(None for _ in range(shift)), *cells[:kept]]
            text = cells[ordinal].text if ordinal < len(cells) and cells[ordinal] else ""  # type: ignore[union-attr]
            last = int(text) if _ORDINAL.fullmatch(text) else last
        aligned.append(cells)
    return aligned


def _shift(cells: list[Passage | None], count: int, ordinal: int, last: int) -> int:
    if sum(cell is not None for cell in cells) < 2:
        return 0
    for shift in range(1, ordinal + 1):
        number = cells[ordinal - shift] if ordinal - shift < len(cells) else None
        there = cells[ordinal] if ordinal < len(cells) else None
        spare = count - len(cells) + _trailing(cells)
        if number and number.text == str(last + 1) and spare >= shift and not (there and there.text == str(last + 1)):
            return shift
    return 0


def _trailing(cells: Sequence[Passage | None]) -> int:
    blank = 0
    for cell in reversed(cells):
        if cell is not None:
            break
        blank += 1
    return blank


def count_heads(texts: Sequence[Sequence[str]]) -> int:
    """Number of leading rows that name columns: 0 where the first row already holds figures."""
    if not texts or not _names_columns(texts[0]):
        return 0
    heads = 1
    while heads < len(texts) - 1 and _is_further_head(texts[heads], texts[heads - 1], texts[heads + 1 :]):
        heads += 1
    return heads


def _names_columns(row: Sequence[str]) -> bool:
    filled = [text for text in row if text]
    figures = sum(1 for text in filled if is_figure(text))
    return bool(filled) and figures * 3 < len(filled) and not _ORDINAL.fullmatch(filled[0])


def _is_further_head(row: Sequence[str], above: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    filled = [text for text in row if text]
    if len(filled) < 2 or (row and row[0]) or any(is_figure(text) or len(text) > _LABEL for text in filled):
        return False
    # A second head fills what the first one left open, above columns of figures.
    opened = any(c >= len(above) or not above[c] for c, text in enumerate(row) if text)
    figures = any(is_figure(text) for later in below[:3] for text in later)
    return opened and figures


def _merge_down(rows: Matrix, heads: int, ordinal: int) -> dict[tuple[int, int], int]:
    """Spans of rows of the leading columns, where a cell is filled once for several rows."""
    spans: dict[tuple[int, int], int] = {}
    body = [r for r in range(heads, len(rows)) if sum(cell is not None for cell in rows[r]) > 1]
    inside = _from_to(body)
    for column in range(_leading(rows, body, ordinal)):
        anchor = -1
        for r in range(heads, len(rows)):
            cell = rows[r][column] if column < len(rows[r]) else None
            if cell is not None:
                anchor = r
            elif anchor >= 0 and r in inside:
                spans[anchor, column] = r - anchor + 1
    if heads > 1:
        for c, cell in enumerate(rows[0]):
            depth = 1
            while cell is not None and depth < heads and (c >= len(rows[depth]) or rows[depth][c] is None):
                depth += 1
            if depth > 1:
                spans[0, c] = depth
    return spans


def _from_to(body: list[int]) -> range:
    """The rows from the first to the last one of the body."""
    return range(body[0], body[-1] + 1) if body else range(0)


def _leading(rows: Matrix, body: Sequence[int], ordinal: int) -> int:
    """Number of leading columns that may hold merged cells: those before the first that every row fills."""
    width = max((len(rows[r]) for r in body), default=0)
    last = 0
    for column in range(width):
        cells = [rows[r][column] if column < len(rows[r]) else None for r in body]
        blank = sum(cell is None for cell in cells)
        if not blank and column != ordinal:
            break
        if column != ordinal and (cells[0] is None or any(cell and is_figure(cell.text) for cell in cells)):
            break
        if blank:
            last = column + 1
    return last


def _merge_right(rows: Matrix, heads: int) -> dict[tuple[int, int], int]:
    """Spans of columns in a head of several rows: a name above the blank cells right of it."""
    wide: dict[tuple[int, int], int] = {}
    for r in range(heads - 1):
        row = rows[r]
        for c, cell in enumerate(row):
            span = 1
            while cell is not None and c + span < len(row) and row[c + span] is None and _below(rows, r, c, span):
                span += 1
            if span > 1:
                wide[r, c] = span
    return wide


def _below(rows: Matrix, r: int, c: int, span: int) -> bool:
    lower = rows[r + 1]
    return all(i < len(lower) and lower[i] is not None for i in (c, c + span))
