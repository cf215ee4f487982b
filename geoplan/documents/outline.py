"""Chapters and sections of a plan by line, as numbers only (第三章 第一节), so that a citation says where it stands.

The file ``layers/outlines/<plan id>.csv`` holds no word of the plan: its headings are plan text too, and that stays
with whoever has a copy. The numbers are read from a copy once, with ``geoplan plans outline``.
"""

from __future__ import annotations

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from geoplan.documents.document import Document, Heading, Passage, Table
from geoplan.errors import LayerError

COLUMNS = ("line", "where")

_NUMERAL = "〇零一二三四五六七八九十百0-9０-９"
_NUMBER = re.compile(
    rf"第[{_NUMERAL}]{{1,6}}[编篇章节条部]|专栏\s?[{_NUMERAL}]{{0,4}}|表[{_NUMERAL}]{{1,4}}"
    rf"|[（(][{_NUMERAL}]{{1,4}}[）)]|[{_NUMERAL}]{{1,4}}(?=[、.．])"
)
_WHERE = re.compile(rf"[第编篇章节条部专栏表（）() {_NUMERAL}]{{1,60}}")


@dataclass(frozen=True, slots=True)
class Outline:
    """Where the lines of a plan stand: from each of `lines` on, the numbers in `places` hold."""

    lines: tuple[int, ...] = ()
    places: tuple[str, ...] = ()

    def at(self, line: int) -> str:
        """Numbers of the headings above a line, from the top: ``第三章 第一节``; empty above the first."""
        index = bisect_right(self.lines, line) - 1
        return self.places[index] if index >= 0 else ""


def outline_of(document: Document) -> Outline:
    """The outline of a plan as read, to the depth of （一）."""
    lines: list[int] = []
    places: list[str] = []
    for line, headings in _changes(document):
        numbers = filter(None, (heading_number(heading) for heading in headings if _is_shown(heading)))
        place = " ".join(numbers).replace(" （", "（")
        if place != (places[-1] if places else ""):
            lines.append(line)
            places.append(place)
    return Outline(tuple(lines), tuple(places))


def headings_above(document: Document, line: int) -> tuple[Heading, ...]:
    """The headings that a line stands under, from the top; a heading stands under itself."""
    found: tuple[Heading, ...] = ()
    for begin, headings in _changes(document):
        if begin > line:
            break
        found = headings
    return found


def heading_number(heading: Heading) -> str:
    """The number that a heading begins with (第三章, 一, （二）, 专栏3); empty when it has none."""
    match = _NUMBER.match(heading.text.strip())
    return match[0].replace(" ", "") if match else ""


def load_outline(path: Path) -> Outline:
    """The outline in a file; an empty one where there is no such file.

    Raises
    ------
    LayerError
        If the file is no outline, or holds more than numbers.
    """
    if not path.is_file():
        return Outline()
    name = f"outlines/{path.name}"
    try:
        rows = list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise LayerError(f"{name}: not a CSV file in UTF-8 ({error}).") from None
    if not rows or tuple(rows[0]) != COLUMNS:
        raise LayerError(f"{name}, row 1: the columns are {', '.join(COLUMNS)}.")
    lines: list[int] = []
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS) or not re.fullmatch(r"[0-9]{1,9}", row[0]) or not _is_numbers(row[1]):
            raise LayerError(f"{name}, row {number}: not a line and the numbers of its headings: {row!r:.80}.")
        if lines and int(row[0]) <= lines[-1]:
            raise LayerError(f"{name}, row {number}: the lines do not rise.")
        lines.append(int(row[0]))
    return Outline(tuple(lines), tuple(row[1] for row in rows[1:]))


def outline_text(outline: Outline) -> str:
    """Text of an outline file; `load_outline` gives the outline back."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(zip(outline.lines, outline.places, strict=True))
    return stream.getvalue()


def _is_numbers(text: str) -> bool:
    return not text or _WHERE.fullmatch(text) is not None


def _is_shown(heading: Heading) -> bool:
    return heading.box or heading.depth <= 4


def _changes(document: Document) -> Iterator[tuple[int, tuple[Heading, ...]]]:
    """Lines at which other headings begin to hold, in order, with these headings."""
    found: dict[int, tuple[Heading, ...]] = {}
    for block in document.blocks:
        found.setdefault(_first_line(block), block.headings)
        for depth, heading in enumerate(block.headings, start=1):
            found[heading.line] = block.headings[:depth]
    yield from sorted(found.items())


def _first_line(block: Passage | Table) -> int:
    passages = [block] if isinstance(block, Passage) else [cell.passage for row in block.rows for cell in row]
    return min((piece.line for passage in passages for piece in passage.pieces), default=1)
