"""What a plan document is after reading: numbered lines, and the passages and tables that its lines form."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Characters ``[start, end)`` of a line; lines are counted from 1."""

    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that stands above a passage.

    `depth` is 1 for a chapter (章), 2 for a section (节), then 3 (一、), 4 （一）, 5 (1.), 6 （1）; a box (专栏, 表)
    has `box` set and the depth of what it stands in plus one.
    """

    text: str
    depth: int
    line: int
    box: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage's text that stands in one line: from `start` of the text on, at `column` of `line`."""

    start: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that is read together: a paragraph mended over line and page ends, or one cell of a table.

    `pieces` lead every character of `text` back to its line; `headings` are the ones it stands under, from the top.
    """

    text: str
    pieces: tuple[Piece, ...]
    headings: tuple[Heading, ...] = ()

    def spans(self, start: int, end: int) -> tuple[Span, ...]:
        """Where the characters ``[start, end)`` of the text stand: one span a line, in order."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"not a span of the passage: {start}-{end} of {len(self.text)}")
        found: list[Span] = []
        starts = [piece.start for piece in self.pieces]
        index = bisect_right(starts, start) - 1
        while index < len(self.pieces) and starts[index] < end:
            piece = self.pieces[index]
            last = starts[index + 1] if index + 1 < len(self.pieces) else len(self.text)
            begin, stop = max(start, piece.start), min(end, last)
            span = Span(piece.line, piece.column + begin - piece.start, piece.column + stop - piece.start)
            # Pieces of one line are joined over what was taken out between them (a bookmark).
            if found and found[-1].line == span.line:
                span = Span(span.line, found.pop().start, span.end)
            found.append(span)
            index += 1
        return tuple(found)

    def span(self, start: int, end: int) -> Span:
        """The one line's span that stands for ``[start, end)``: where it runs over a line's end, the longest part."""
        return max(self.spans(start, end), key=lambda span: span.end - span.start)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table; merged cells have a span of rows or columns above one."""

    row: int
    column: int
    passage: Passage
    rows: int = 1
    columns: int = 1

    @property
    def text(self) -> str:
        """The cell's text, mended."""
        return self.passage.text


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its cells by row, with the rows that are its head.

    Attributes
    ----------
    title
        Text of the line above it (表二：…), or empty.
    unit
        Unit that holds for all its figures (单位：万亩), or empty.
    rows
        Cells of every row, from left to right. A merged cell stands in its first row only; an empty cell is left out.
    heads
        Number of leading rows that name the columns.
    headings
        Headings that it stands under, from the top.
    sideways
        True where the first column names the rows and each column is one thing (one county a column).
    """

    title: str
    unit: str
    rows: tuple[tuple[Cell, ...], ...]
    heads: int
    headings: tuple[Heading, ...] = ()
    sideways: bool = False


Block = Passage | Table


@dataclass(frozen=True, slots=True)
class Document:
    """A plan document as read.

    `lines` are the lines as they stand in the file (for docx, pdf and html: as read out, one paragraph or table row a
    line), `blocks` the passages and tables in order. Every character of a block leads back to a line.
    """

    id: str
    sha256: str
    format: str
    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    title: str = ""
