"""A citation opened in a copy of its plan: the sentence with its span, the lines around it, the headings above."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from geoplan.documents.document import Cell, Document, Heading, Table
from geoplan.documents.library import find_copy
from geoplan.documents.outline import headings_above
from geoplan.documents.plans import PlanDocument
from geoplan.errors import DocumentError
from geoplan.settings import Settings

AROUND = 8
"""Lines with text that are shown before and after the cited one; more where they are short, as cells of a table are."""
_MAX_NAME = 40
_MOST_LINES = 60
_LEAST_LETTERS = 160
MAX_LINE = 2_000
"""Characters of one line that are shown; of the cited line as many before and after the span."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a plan, or its beginning; `cut` where more follows."""

    line: int
    text: str
    cut: bool = False


@dataclass(frozen=True, slots=True)
class CitedText:
    """A cited line, in three parts around its span, with what stands above and below it.

    `marked` is empty when the citation gives no span. `cut_before` and `cut_after` say that the line goes on. `cell`
    names the cell of a table that the line is in, by the table's title and the heads of its column and row.
    """

    line: int
    before: str
    marked: str
    after: str
    headings: tuple[Heading, ...] = ()
    cell: tuple[str, ...] = ()
    above: tuple[TextLine, ...] = ()
    below: tuple[TextLine, ...] = ()
    cut_before: bool = False
    cut_after: bool = False


def open_copy(settings: Settings, plan: PlanDocument) -> Document | None:
    """The copy of a plan, read; None when there is none whose bytes are the registered ones.

    Raises
    ------
    DocumentError
        If the copy cannot be read.
    """
    path = find_copy(settings, plan.sha256)
    if path is None:
        return None
    document = _read(path, plan.id, path.stat().st_mtime_ns)
    # The bytes that were read are what counts, whatever happened to the file since its hash was taken.
    return document if document.sha256 == plan.sha256 else None


def cited_text(document: Document, line: int, span: tuple[int, int] | None = None) -> CitedText:
    """The words of a citation in their place.

    Parameters
    ----------
    span
        Characters ``[start, end)`` of the line; None for the line as a whole.

    Raises
    ------
    DocumentError
        If the document has no such line, or the line no such span.
    """
    if not 1 <= line <= len(document.lines):
        raise DocumentError(f"the plan has no line {line}; it has {len(document.lines)}.")
    text = document.lines[line - 1]
    start, end = span or (0, 0)
    if span is not None and not 0 <= start < end <= len(text):
        raise DocumentError(f"line {line} has no span {start}-{end}; it has {len(text)} characters.")
    marked = text[start : min(end, start + MAX_LINE)]
    return CitedText(
        line=line,
        before=text[max(0, start - MAX_LINE) : start],
        marked=marked,
        after=text[end : end + MAX_LINE],
        headings=headings_above(document, line),
        cell=_cell_names(document, line),
        above=_around(document, range(line - 1, 0, -1))[::-1],
        below=_around(document, range(line + 1, len(document.lines) + 1)),
        cut_before=start > MAX_LINE,
        cut_after=len(text) > end + MAX_LINE,
    )


def citation_words(title: str, where: str, line: int, span: str = "") -> str:
    """A citation in Chinese words: 「某规划」第三章 第一节，第 377 行（第 1-12 字）.

    >>> citation_words("某市规划", "第三章", 377, "0-2")
    '「某市规划」第三章，第 377 行（第 1-2 字）'
    """
    start, _, end = span.partition("-")
    first = int(start) + 1 if end else 0
    letters = f"（第 {first if first == int(end) else f'{first}-{end}'} 字）" if end else ""
    return f"「{title}」{where}{'，' if where else ''}第 {line} 行{letters}"


def _cell_names(document: Document, line: int) -> tuple[str, ...]:
    for table in document.blocks:
        if not isinstance(table, Table):
            continue
        for number, row in enumerate(table.rows):
            cell = next((cell for cell in row if any(piece.line == line for piece in cell.passage.pieces)), None)
            if cell is not None:
                column = [head for heads in table.rows[: table.heads] for head in heads if _covers(head, cell)]
                names = [head.text for head in column if head is not cell]
                # The row is named by its first cell that is no running number.
                left = [other.text for other in row if other.column < cell.column and not other.text.isdecimal()]
                names += left[:1] if number >= table.heads else []
                return tuple(dict.fromkeys(_shortened(name) for name in (table.title, *names) if name))
    return ()


def _shortened(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


def _covers(head: Cell, cell: Cell) -> bool:
    return head.column <= cell.column < head.column + head.columns


def _around(document: Document, numbers: range) -> tuple[TextLine, ...]:
    """The next lines with text among those, of a page at most: between the paragraphs of a page are empty lines."""
    found: list[TextLine] = []
    letters = 0
    for number in numbers[:_MOST_LINES]:
        text = document.lines[number - 1].strip()
        if text:
            found.append(TextLine(number, text[:MAX_LINE], len(text) > MAX_LINE))
            letters += len(text)
        if len(found) >= AROUND and letters >= _LEAST_LETTERS:
            break
    return tuple(found)


@lru_cache(maxsize=8)
def _read(path: Path, plan_id: str, _mtime_ns: int) -> Document:
    from geoplan.documents.reading import read_document

    return read_document(path, plan_id)
