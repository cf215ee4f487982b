"""Tables that stand in plain text: one cell a line behind a tab, or a row a line with tabs, bars or wide blanks.

In the first kind every cell begins with a tab, a blank cell is a tab alone, a blank line ends a row, two end the table,
and lines without a tab go on with the cell before them (a name printed one character a line, a list of companies).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from geoplan.documents.document import Passage
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.headings import Caption, caption, label
from geoplan.documents.reading.mending import Line, is_page_number, passage
from geoplan.documents.reading.table_shape import shape_grid

_SHORT = 40
_MOST_CELLS = 200
_RULE = re.compile(r"[\s|:：+=\-─━—│┃┼├┤┬┴┌┐└┘╋┣┫┳┻┏┓┗┛]+")
# Not isdigit: ② and ² are digits that int refuses, as it does numbers of thousands of digits.
_ORDINAL = re.compile(r"\d{1,6}")
_WIDE = re.compile(r"[ \u00a0\u2002\u2003\u3000]{2,40}")

Parts = list[Line]
"""The lines of one cell."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Lines that a tab opens and two blank lines close, without columns: the frame of a box."""

    first_line: int
    last_line: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The grids and frames of a text, in order, and the lines that only rule a table."""

    grids: tuple[Grid, ...]
    frames: tuple[Frame, ...]
    rules: frozenset[int]


def find_layout(lines: Sequence[str], cleaned: Sequence[Line]) -> Layout:
    """The tables, frames and ruling lines of a text whose lines are cleaned already."""
    grids: list[Grid] = []
    frames: list[Frame] = []
    rules: set[int] = set()
    reader = _Reader(lines, cleaned)
    index = 0
    while index < len(cleaned):
        grid, end = reader.table_at(index, rules)
        if grid:
            grids.append(grid)
        elif cleaned[index].tab:
            end = reader.frame_end(index)
            frames.append(Frame(index + 1, end))
        index = max(end, index + 1)
    return Layout(tuple(grids), tuple(frames), frozenset(rules))


class _Reader:
    """The lines with what is looked up about them while tables are found."""

    def __init__(self, lines: Sequence[str], cleaned: Sequence[Line]) -> None:
        self.lines = lines
        self.cleaned = cleaned
        size = len(lines)
        # Lines that may be read in vain; a bound, so that odd texts are read in linear time too.
        self.spare = 1000 + 4 * size
        # From each line on: the next cell behind a tab, and the next pair of blank lines.
        self.next_tab = [size] * (size + 1)
        self.next_gap = [size] * (size + 1)
        for index in range(size - 1, -1, -1):
            self.next_tab[index] = index if cleaned[index].tab else self.next_tab[index + 1]
            gap = self.blank(index) and (index + 1 == size or self.blank(index + 1))
            self.next_gap[index] = index if gap else self.next_gap[index + 1]

    def blank(self, index: int) -> bool:
        """Whether the line is blank; a tab alone is a blank cell, not a blank line."""
        return not self.cleaned[index].text and not self.cleaned[index].tab

    def table_at(self, index: int, rules: set[int]) -> tuple[Grid | None, int]:
        """The table that begins at a line, and the index after it."""
        line = self.cleaned[index]
        if (not line.text and not line.tab) or self.spare < 0:
            return None, index
        for split in (_by_tabs, _by_bars, _by_blanks):
            cells = split(self.lines[index], line)
            if cells:
                grid, end, ruled = self.delimited(index, split, 3 if split is _by_blanks else 2)
                if grid:
                    rules.update(ruled)
                    return grid, end
        return self.stacked(index) if line.tab else (None, index)

    # One row a line

    def delimited(self, start: int, split: Splitter, least: int) -> tuple[Grid | None, int, list[int]]:
        """Rows that a separator cuts into cells, from a line on; blank lines and page numbers may lie between them."""
        rows: list[list[Parts]] = []
        ruled: list[int] = []
        index, end, blanks = start, start, 0
        while index < len(self.lines) and blanks <= 2:
            line = self.cleaned[index]
            cells = split(self.lines[index], line)
            if cells:
                rows.append([[cell] for cell in cells])
                end, blanks = index + 1, 0
            elif line.text and split is _by_bars and _RULE.fullmatch(line.text[:2000]):
                ruled.append(index + 1)
                blanks = 0
            elif not line.text or is_page_number(line):
                blanks += 1
            else:
                break
            index += 1
        if len(rows) < least or not _is_regular(rows, least):
            self.spare -= index - start
            return None, start, []
        return self.grid(rows, start + 1, end), end, [number for number in ruled if number <= end]

    # One cell a line

    def stacked(self, start: int) -> tuple[Grid | None, int]:
        """Cells one a line behind tabs, from a line on."""
        rows: list[list[Parts]] = []
        index, end, blanks = start, start, 0
        while index < len(self.lines) and blanks < 2:
            line = self.cleaned[index]
            if self.blank(index):
                blanks += 1
                index += 1
                continue
            if line.tab:
                if not rows or blanks:
                    rows.append([])
                    if len(rows) == 2 and not _may_be_head(rows[0]):
                        self.spare -= index - start
                        return None, start
                rows[-1].append([line])
            elif rows and self.goes_on(index, rows, apart=blanks > 0):
                rows[-1][-1].append(line)
            else:
                break
            index += 1
            end, blanks = index, 0
        rows = _settle(rows)
        if len(rows) < 2 or not _may_be_head(rows[0]) or not _is_regular(rows, 2):
            self.spare -= index - start
            return None, start
        return self.grid(rows, start + 1, end), end

    def goes_on(self, index: int, rows: list[list[Parts]], *, apart: bool) -> bool:
        """Whether a line without a tab belongs to the cell before it."""
        line = self.cleaned[index]
        found = label(line.text)
        if caption(line.text) or (found and found.depth <= 2 and len(line.text) <= 60):
            return False
        more = self.next_tab[index] < self.next_gap[index]
        complete = len(rows) > 1 and len(rows[-1]) >= len(rows[0])
        if not complete:
            return more or not apart
        if apart:
            return more and len(line.text) <= 12
        return more or len(line.text) <= 12

    def grid(self, rows: list[list[Parts]], first: int, last: int) -> Grid:
        """The grid of the rows found, each cell a passage."""
        cells: list[list[Passage | None]] = []
        for row in rows:
            passages = [passage(parts, self.lines, cell=True) for parts in row]
            cells.append([found if found.text else None for found in passages])
        return Grid(first, last, shape_grid(cells))

    def frame_end(self, start: int) -> int:
        """Index after the last line of the frame that a line opens."""
        end = start + 1
        stop = min(self.next_gap[start], len(self.lines))
        for index in range(start + 1, stop):
            line = self.cleaned[index]
            found = label(line.text)
            kind = caption(line.text)
            if found and found.depth <= 2 and len(line.text) <= 60:
                break
            if kind in (Caption.BOX, Caption.TABLE) or (line.tab and self.opens_table(index)):
                break
            if line.text:
                end = index + 1
        return end

    def opens_table(self, index: int) -> bool:
        """Whether two short cells stand at this line, as in the head of a table inside a frame."""
        following = self.cleaned[index + 1] if index + 1 < len(self.cleaned) else None
        if following is None or not following.tab or (index and self.cleaned[index - 1].tab):
            return False
        return self.spare >= 0 and self.stacked(index)[0] is not None


Splitter = Callable[[str, Line], list[Line]]


def _by_tabs(raw: str, line: Line) -> list[Line]:
    # A tab at the beginning alone is an indent, or opens a cell of its own.
    if not 0 < raw.count("\t") - raw.startswith("\t") <= _MOST_CELLS:
        return []
    if not line.text or ("\t" not in raw.rstrip().lstrip("\t \u3000") and not raw.endswith("\t")):
        return []
    return _cut(line, [(match.start(), match.end()) for match in re.finditer("\t", raw)], len(raw))


def _by_bars(raw: str, line: Line) -> list[Line]:
    if not 0 < sum(raw.count(bar) for bar in "|│┃") <= _MOST_CELLS:
        return []
    bars = [(match.start(), match.end()) for match in re.finditer("[|│┃]", raw)]
    if _RULE.fullmatch(line.text[:2000]):
        return []
    cells = _cut(line, bars, len(raw))
    # The bars at both ends frame the row, they part nothing.
    if cells and not raw[: bars[0][0]].strip():
        cells = cells[1:]
    if cells and not raw[bars[-1][1] :].strip():
        cells = cells[:-1]
    return cells if len(cells) > 1 else []


def _by_blanks(raw: str, line: Line) -> list[Line]:
    if not line.text or len(raw) > 400:
        return []
    first, last = line.kept[0][0], line.kept[-1][1]
    gaps = [match.span() for match in _WIDE.finditer(raw, first, last)]
    if len(gaps) < 2:
        return []
    cells = _cut(line, gaps, len(raw))
    return cells if all(sum(b - a for a, b in cell.kept) <= _SHORT for cell in cells) else []


def _cut(line: Line, separators: Sequence[tuple[int, int]], size: int) -> list[Line]:
    edges = [0, *(edge for separator in separators for edge in separator), size]
    return [line.cut(edges[i], edges[i + 1]) for i in range(0, len(edges), 2)]


def _is_regular(rows: Sequence[Sequence[Parts]], least: int) -> bool:
    """Whether most rows have the same number of cells, at least `least`, and some of them are filled."""
    if sum(bool(part.kept) for row in rows for cell in row for part in cell) < 2:
        return False
    counts = Counter(len(row) for row in rows)
    count, times = max(counts.items(), key=lambda item: (item[1], item[0]))
    return count >= least and (
        times * 10 >= len(rows) * 6 or (len(rows) <= 3 and abs(len(rows[0]) - len(rows[1])) <= 1)
    )


def _may_be_head(row: Sequence[Parts]) -> bool:
    """Whether a first row can name columns: two cells or more, none of them a sentence or a chapter's heading."""
    if len(row) < 2:
        return False
    for cell in row:
        text = "".join(part.text for part in cell)
        found = label(text)
        if len(text) > _SHORT or text.endswith(("。", "；")) or (found and found.depth <= 2):
            return False
        if caption(text) in (Caption.BOX, Caption.INNER_BOX):
            return False
    return True


def _settle(rows: list[list[Parts]]) -> list[list[Parts]]:
    """Put together rows that a blank line inside a cell cut in two, and part rows without blank lines between them."""
    if not rows:
        return rows
    if len(rows) == 1:
        return _by_ordinals(rows[0])
    counts = Counter(len(row) for row in rows)
    columns = max(counts.items(), key=lambda item: (item[1], item[0]))[0]
    settled: list[list[Parts]] = []
    for row in rows:
        if settled and len(settled[-1]) < columns and len(settled[-1]) + len(row) == columns:
            settled[-1].extend(row)
        elif len(row) > columns and len(row) % columns == 0:
            settled.extend(row[i : i + columns] for i in range(0, len(row), columns))
        else:
            settled.append(list(row))
    return settled


def _by_ordinals(cells: list[Parts]) -> list[list[Parts]]:
    """Cells without blank lines between their rows, parted where the numbers 1, 2, 3 recur at one distance."""
    places = {"".join(part.text for part in cell): index for index, cell in reversed(list(enumerate(cells)))}
    if "1" not in places or "2" not in places:
        return [cells]
    columns = places["2"] - places["1"]
    if not 2 <= columns <= 20 or len(cells) % columns or places["1"] >= 2 * columns:
        return [cells]
    numbers = ["".join(part.text for part in cell) for cell in cells[places["1"] :: columns]]
    if not all(_ORDINAL.fullmatch(number) for number in numbers):
        return [cells]
    if any(int(after) != int(before) + 1 for before, after in pairwise(numbers)):
        return [cells]
    return [cells[i : i + columns] for i in range(0, len(cells), columns)]
