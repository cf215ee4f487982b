"""Plain text and Markdown: the file's own lines."""

from __future__ import annotations

import re

from geoplan.documents.document import Passage, Piece
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.source import Source, decode_text
from geoplan.documents.reading.table_shape import Matrix, shape_grid
from geoplan.documents.reading.transcript import Transcript, clean

_RULE = set("|-: \t")
_BAR = re.compile(r"\\.|\|")
_LEAD = re.compile(r"[ \t]{0,3}(?:#{1,6}(?=[ \t]|$)|(?:>[ \t]?)+|[-*+](?=[ \t]))[ \t]*")


def read_plain(source: Source) -> Transcript:
    """The lines of a text file, as an editor shows them; characters that no editor shows are spaces."""
    text = clean(decode_text(source))
    return Transcript(source.name, text.split("\n"))


def read_markdown(source: Source) -> Transcript:
    """The lines of a Markdown file, and its pipe tables."""
    transcript = read_plain(source)
    lines = transcript.lines
    index = 1
    while index < len(lines):
        width = _rule_width(lines[index])
        head = _cells(lines[index - 1]) if width > 1 else []
        if width < 2 or len(head) != width:
            index += 1
            continue
        stop = index + 1
        while stop < len(lines) and "|" in lines[stop] and lines[stop].strip():
            stop += 1
        transcript.grids.append(_grid(lines, index, stop))
        index = stop + 1
    return transcript


def without_marks(line: str) -> str:
    """A Markdown line with the marks around its text (``#``, ``>``, ``-``, ``**``) put to spaces, columns unmoved.

    Marks inside the text stay: a mark put to a space would part a word.
    """
    lead = _LEAD.match(line)
    if lead:
        line = " " * lead.end() + line[lead.end() :]
    body = line.strip()
    inner = body.strip("*_`").rstrip("# ") if lead and "#" in lead.group() else body.strip("*_`")
    if not inner.strip() or inner == body:
        return line
    start = line.index(inner)
    return " " * start + inner + " " * (len(line) - start - len(inner))


def _rule_width(line: str) -> int:
    """Number of columns of the rule under a table's head (``|---|:--:|``); 0 for any other line."""
    if "|" not in line or "-" not in line or not set(line) <= _RULE:
        return 0
    cells = [text.strip() for text, _ in _cells(line)]
    return len(cells) if all(cell.strip(":") and set(cell.strip(":")) == {"-"} for cell in cells) else 0


def _cells(line: str) -> list[tuple[str, int]]:
    """The cells of a row with the column where each begins, blanks taken off."""
    body = line.rstrip()
    begin = len(body) - len(body.lstrip())
    begin += body.startswith("|", begin)
    bars = [match.start() for match in _BAR.finditer(body) if match.group() == "|" and match.start() >= begin]
    if not bars or bars[-1] < len(body) - 1:
        bars.append(len(body))
    found: list[tuple[str, int]] = []
    for bar in bars:
        text = body[begin:bar]
        found.append((text.strip(), begin + len(text) - len(text.lstrip())))
        begin = bar + 1
    return found


def _grid(lines: list[str], rule: int, stop: int) -> Grid:
    """The table whose rule is the line of index `rule` and that ends before the line of index `stop`.

    Markdown has no merged cells: as in a text file, a blank stands for what was merged.
    """
    numbers = [rule - 1, *range(rule + 1, stop)]
    rows: Matrix = [
        [Passage(text, (Piece(0, number + 1, at),)) if text else None for text, at in _cells(lines[number])]
        for number in numbers
    ]
    return Grid(rule, stop, shape_grid(rows))
