"""The words of the plan around a draft, with the characters that state it marked."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from geoplan.documents.document import Document, Heading, Passage, Table
from geoplan.documents.review.cells import FactCells
from geoplan.records import PlaceRef
from geoplan.records.cells import parse_span, place_items

LINES_AROUND = 8
"""How far above and below lines are looked for: tables may have a cell a line."""
WINDOW = 600
"""Characters of a line that are shown before and after what is marked; plans may have a page in one line."""
GLIMPSE = 90
"""Characters that are shown of a line above or below, and about as many of all lines on that side."""
_MOST_MARKS = 100
_SUFFIX = re.compile(r"(省|市|县|区|旗|镇|乡|街道|村|社区)$")


@dataclass(frozen=True, slots=True)
class TextMark:
    """Characters ``[start, end)`` of a shown text: its role is fact, place or figure."""

    start: int
    end: int
    role: str


@dataclass(frozen=True, slots=True)
class ShownLine:
    """A line of the plan, or the part of it from character `offset` on; `cut` says that more follows."""

    number: int
    text: str
    offset: int = 0
    cut: bool = False
    marks: tuple[TextMark, ...] = ()


@dataclass(frozen=True)
class PlanText:
    """A plan's lines, and the headings that every line stands under."""

    lines: tuple[str, ...]
    headings: tuple[tuple[int, tuple[Heading, ...]], ...] = ()
    """First line of each block and its headings, by line."""

    def headings_of(self, line: int) -> tuple[Heading, ...]:
        """Headings above a line, from the top; those of the block that it stands in, or of the one before."""
        index = bisect_right(self.headings, line, key=lambda item: item[0]) - 1
        found = self.headings[index][1] if index >= 0 else ()
        return tuple(heading for heading in found if heading.line < line)

    def holds(self, cells: FactCells) -> bool:
        """Whether the text has the characters that a draft cites."""
        line, end = int(cells.line), parse_span(cells.span).end
        return line <= len(self.lines) and end <= len(self.lines[line - 1])


def plan_text(document: Document) -> PlanText:
    """Lines and headings of a plan that was read."""
    found: dict[int, tuple[Heading, ...]] = {}
    for block in document.blocks:
        for line in _lines_of(block):
            found.setdefault(line, block.headings)
    return PlanText(document.lines, tuple(sorted(found.items())))


def shown_lines(text: PlanText, cells: FactCells) -> tuple[ShownLine, ...]:
    """The line of a draft with its marks, the lines of its figures, and a little of the lines around it."""
    line = int(cells.line)
    own = {line, *(int(figure.line) for figure in cells.figures if figure.line.isdecimal())}
    shown = [_own_line(text.lines[number - 1], number, cells) for number in own if 0 < number <= len(text.lines)]
    headings = {heading.line for heading in text.headings_of(line)}
    for number in _around(text.lines, line, own | headings):
        whole = text.lines[number - 1]
        start = max(0, len(whole) - GLIMPSE) if number < line else 0
        shown.append(ShownLine(number, whole[start : start + GLIMPSE], start, start + GLIMPSE < len(whole)))
    return tuple(sorted(shown, key=lambda one: one.number))


def _own_line(whole: str, number: int, cells: FactCells) -> ShownLine:
    marks = sorted(_marks(whole, number, cells), key=lambda mark: (mark.start, -mark.end, mark.role))
    first = min((mark.start for mark in marks), default=0)
    last = max((mark.end for mark in marks), default=first)
    start, end = max(0, first - WINDOW), min(len(whole), min(last, first + 4 * WINDOW) + WINDOW)
    inside = tuple(
        TextMark(mark.start - start, min(mark.end, end) - start, mark.role) for mark in marks if mark.start < end
    )
    return ShownLine(number, whole[start:end], start, end < len(whole), inside)


def _around(lines: Sequence[str], line: int, known: Collection[int]) -> Iterator[int]:
    """The nearest lines before and after one that have text and are not shown anyway."""
    for step in (-1, 1):
        number, left = line + step, GLIMPSE
        while 0 < number <= len(lines) and left > 0 and abs(number - line) <= LINES_AROUND:
            text = lines[number - 1].strip()
            if text and number not in known:
                yield number
                left -= len(text)
            number += step


def _marks(text: str, number: int, cells: FactCells) -> Iterator[TextMark]:
    """Marks of one line: the fact, its figures where they are written, its places inside the fact or before it."""
    if number == int(cells.line):
        span = parse_span(cells.span)
        start, end = min(span.start, len(text)), min(span.end, len(text))
        if start < end:
            yield TextMark(start, end, "fact")
        yield from _place_marks(text, start, end, cells)
    for figure in cells.figures:
        try:
            cited = parse_span(figure.span)
        except ValueError:
            continue
        if figure.line == str(number) and cited.start < len(text):
            yield from _figure_marks(text, cited.start, min(cited.end, len(text)), figure.value, figure.unit)


def _figure_marks(text: str, start: int, end: int, value: str, unit: str) -> Iterator[TextMark]:
    """Every end of a figure with its unit where the cited words have its digits; else all of the words, if few."""
    found = False
    for part in filter(None, value.split("..")):
        wanted = rf"(?<![0-9.]){re.escape(part)}(?![0-9]|\.[0-9])\s*(?:{re.escape(unit)})?"
        match = re.compile(wanted).search(text, start, end) if unit else None
        if match:
            found = True
            yield TextMark(match.start(), match.end(), "figure")
    if not found and end - start <= 12:
        yield TextMark(start, end, "figure")


def _place_marks(text: str, start: int, end: int, cells: FactCells) -> Iterator[TextMark]:
    """Names of the places inside the fact; of a place that is not named there, the last time before it."""
    marked: list[range] = []
    for forms in _written_names(cells):
        found = False
        for name in forms:
            for match in re.finditer(re.escape(name), text[start:end]):
                at = start + match.start()
                if not any(at < other.stop and other.start < at + len(name) for other in marked):
                    marked.append(range(at, at + len(name)))
                found = True
            before = -1 if found else text.rfind(name, 0, start)
            if before >= 0 and name in forms[:2]:
                marked.append(range(before, before + len(name)))
                found = True
    yield from (TextMark(part.start, part.stop, "place") for part in marked[:_MOST_MARKS])


def _written_names(cells: FactCells) -> list[list[str]]:
    """For each place how the text may write it: as noted, else in full and without its suffix; then what it lies in."""
    names = [[cells.region]] if cells.region else []
    for item in place_items(cells.places):
        try:
            place = PlaceRef.parse(item)
        except ValueError:
            continue
        own = [place.written] if place.written else _forms(place.name)
        names.append(own + [form for parent in reversed(place.path[:-1]) for form in _forms(parent)])
    return names


def _forms(name: str) -> list[str]:
    """A name in full, and without its suffix where two characters are left."""
    short = _SUFFIX.sub("", name)
    return [name, short] if len(short) >= 2 and short != name else [name]


def _lines_of(block: Passage | Table) -> list[int]:
    if isinstance(block, Passage):
        return [piece.line for piece in block.pieces]
    return [piece.line for row in block.rows for cell in row for piece in cell.passage.pieces]
