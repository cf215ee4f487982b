"""Passages and tables of a document in order, each under its headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from geoplan.documents.document import Block, Heading
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.heading_stack import HeadingStack
from geoplan.documents.reading.headings import (
    SECTION,
    Caption,
    Label,
    caption,
    contents_lines,
    is_front_word,
    is_heading_line,
    label,
)
from geoplan.documents.reading.mending import (
    Line,
    carries_on,
    clean,
    find_setting,
    is_finished,
    is_page_number,
    is_prose,
    is_unclosed,
    passage,
    running_heads,
    width,
)
from geoplan.documents.reading.table_heads import Above, read_above, understand
from geoplan.documents.reading.tables import Frame, find_layout


class Role(Enum):
    """What a line of the document is."""

    BLANK = "blank"
    TEXT = "text"
    CELL = "cell"
    HEADING = "heading"
    TITLE = "title of a table"
    CONTENTS = "contents"
    MARK = "mark"
    RUNNING = "running head"


class Reading(NamedTuple):
    """The blocks of a text and the role of each of its lines."""

    blocks: tuple[Block, ...]
    roles: tuple[Role, ...]


def structure(lines: Sequence[str], grids: Sequence[Grid] = ()) -> tuple[Block, ...]:
    """The passages and tables of a document in order.

    Parameters
    ----------
    lines
        The lines as they stand in the file.
    grids
        Tables that the format itself gives; the tables that stand in the text are found besides.
    """
    return read_structure(lines, grids).blocks


def read_structure(lines: Sequence[str], grids: Sequence[Grid] = ()) -> Reading:
    """The blocks of a document, and for every line what became of it."""
    return _Assembly(lines, grids).read()


@dataclass(slots=True)
class _State:
    """What has been read, and the paragraph that is still open."""

    roles: list[Role]
    blocks: list[Block] = field(default_factory=list)
    headings: HeadingStack = field(default_factory=HeadingStack)
    paragraph: list[Line] = field(default_factory=list)
    prose: bool = False
    apart: bool = False
    blanks: int = 0


class _Assembly:
    """The reading of one document, line by line."""

    def __init__(self, lines: Sequence[str], grids: Sequence[Grid]) -> None:
        self.lines = lines
        self.cleaned = [clean(raw, number) for number, raw in enumerate(lines, 1)]
        self.grids, self.frames, rules = self.lay_out(grids)
        taken = frozenset(n for grid in self.grids for n in range(grid.first_line, grid.last_line + 1))
        self.contents = contents_lines(self.cleaned) - taken
        outside = [line for line in self.cleaned if line.number not in taken and line.number not in self.contents]
        self.running = running_heads([line for line in outside if not caption(line.text)], outside)
        self.noise = self.running | self.contents | rules | _marks(outside)
        self.after = self.following(taken)
        self.above = {grid.first_line: self.titles(grid, taken) for grid in self.grids}
        texts = [line for line in outside if line.number not in self.noise and not label(line.text)]
        self.setting = find_setting(texts)
        self.state = _State([Role.BLANK] * len(lines))

    # What is known before the lines are read in order

    def lay_out(self, given: Sequence[Grid]) -> tuple[list[Grid], dict[int, Frame], frozenset[int]]:
        """The format's own tables and those of the text that do not overlap them."""
        layout = find_layout(self.lines, self.cleaned)
        taken = {n for grid in given for n in range(grid.first_line, grid.last_line + 1)}
        found = [grid for grid in layout.grids if taken.isdisjoint(range(grid.first_line, grid.last_line + 1))]
        frames = {frame.first_line: frame for frame in layout.frames if frame.first_line not in taken}
        return sorted([*given, *found], key=lambda grid: grid.first_line), frames, layout.rules - taken

    def following(self, taken: frozenset[int]) -> list[Line | None]:
        """For every line the next one with text; None where a table or the end comes first."""
        after: list[Line | None] = [None] * len(self.cleaned)
        coming: Line | None = None
        for index in range(len(self.cleaned) - 1, -1, -1):
            after[index] = coming
            line = self.cleaned[index]
            if line.number in taken:
                coming = None
            elif line.text and line.number not in self.noise:
                coming = line
        return after

    def titles(self, grid: Grid, taken: frozenset[int]) -> Above:
        """What stands above a table."""
        candidates: list[tuple[int, str]] = []
        for index in range(grid.first_line - 2, max(-1, grid.first_line - 12), -1):
            line = self.cleaned[index]
            if line.number in taken or len(candidates) == 2:
                break
            if line.text and line.number not in self.noise:
                candidates.append((line.number, line.text))
        return read_above(candidates)

    # The lines in order

    def read(self) -> Reading:
        """All lines, one after the other."""
        titles = {number for above in self.above.values() for number in above.lines}
        grids = {grid.first_line: grid for grid in self.grids}
        index = 0
        while index < len(self.cleaned):
            line = self.cleaned[index]
            grid = grids.get(line.number)
            if grid:
                self.take_grid(grid)
                index = max(grid.last_line, index + 1)
            else:
                index = self.take(line, titles)
        self.flush()
        return Reading(tuple(self.state.blocks), tuple(self.state.roles))

    def take(self, line: Line, titles: set[int]) -> int:
        """One line that is in no table; the index of the next one."""
        state = self.state
        if line.number in self.noise:
            state.apart = True
            state.roles[line.number - 1] = self.noise_role(line)
            return line.number
        if not line.text:
            state.apart = True
            state.blanks += 1
            return line.number
        self.close_boxes(line)
        last = line.number
        if line.number in titles:
            self.flush()
            state.roles[line.number - 1] = Role.TITLE
        else:
            last = self.take_text(line)
        state.apart, state.blanks = False, 0
        return last

    def noise_role(self, line: Line) -> Role:
        """The role of a line that is no text."""
        if line.number in self.contents:
            return Role.CONTENTS
        return Role.RUNNING if line.number in self.running else Role.MARK

    def take_text(self, line: Line) -> int:
        """A line of text: a caption, a heading or part of a paragraph."""
        kind = caption(line.text)
        if kind in (Caption.BOX, Caption.INNER_BOX):
            return self.open_box(line, inner=kind is Caption.INNER_BOX)
        found = label(line.text)
        if found and self.is_repeated(line, found):
            self.state.roles[line.number - 1] = Role.RUNNING
            return line.number
        if self.is_heading(line, found):
            return self.take_heading(line, found)
        state = self.state
        before = state.paragraph[-1] if state.paragraph else None
        if before and carries_on(before, line, apart=state.apart, prose=state.prose, setting=self.setting):
            state.paragraph.append(line)
        else:
            self.flush()
            state.paragraph = [line]
            state.headings.push_run_in(line, found)
        state.prose = state.prose or is_prose(line.text)
        state.roles[line.number - 1] = Role.TEXT
        return line.number

    def flush(self) -> None:
        """The paragraph so far becomes a passage."""
        state = self.state
        if state.paragraph:
            chain = state.headings.chain(state.paragraph[0])
            state.blocks.append(passage(state.paragraph, self.lines, chain))
        state.paragraph, state.prose = [], False

    def take_grid(self, grid: Grid) -> None:
        """A table, with the title above it."""
        self.flush()
        state = self.state
        while state.headings.boxes and 0 < state.headings.boxes[-1].last_line < self.start_of(grid):
            state.headings.close_box()
        state.headings.drop_run_in()
        above = self.above[grid.first_line]
        texts = [self.cleaned[number - 1].text for number in reversed(above.lines)]
        table = understand(grid, texts, state.headings.chain())
        state.blocks.append(table)
        covered = {piece.line for row in table.rows for cell in row for piece in cell.passage.pieces}
        for number in range(grid.first_line, grid.last_line + 1):
            if number in covered:
                state.roles[number - 1] = Role.CELL
            elif number in self.noise or is_page_number(self.cleaned[number - 1]):
                state.roles[number - 1] = Role.MARK
            elif self.cleaned[number - 1].text:
                # The head of the table, printed again on the next page.
                state.roles[number - 1] = Role.RUNNING
        state.apart, state.blanks = True, 1

    def start_of(self, grid: Grid) -> int:
        """Number of the first line that belongs to a table, its title included."""
        return min((grid.first_line, *self.above[grid.first_line].lines))

    # Headings and boxes

    def is_repeated(self, line: Line, found: Label) -> bool:
        """Whether a chapter's or section's heading is printed again on a further page."""
        state = self.state
        broken = bool(state.paragraph) and not is_finished(state.paragraph[-1].text)
        return found.depth <= SECTION and state.headings.names(line.text) and (broken or state.apart)

    def is_heading(self, line: Line, found: Label | None) -> bool:
        """Whether a line only heads what follows it."""
        if found is None:
            return is_front_word(line.text) or self.is_unnumbered_heading(line)
        if not is_heading_line(line.text, found) or self.is_cut_off(line):
            return False
        if found.depth <= SECTION:
            return True
        after = self.after[line.number - 1]
        if after is None:
            return any(other.number in self.above for other in self.cleaned[line.number : line.number + 6])
        following = label(after.text)
        # An item of a list has nothing below it but the next item.
        return following is None or following.depth > found.depth or caption(after.text) is not None

    def is_cut_off(self, line: Line) -> bool:
        """Whether the paragraph before ends amid a bracket, so that a number here is part of it."""
        if not self.state.paragraph or line.indented:
            return False
        last = self.state.paragraph[-1].text
        return is_unclosed(last) and not is_finished(last)

    def is_unnumbered_heading(self, line: Line) -> bool:
        """Whether a short line without a number, between blank lines, clearly heads the paragraph after it."""
        state = self.state
        after = self.after[line.number - 1]
        if not state.headings.entries or not state.apart or after is None or not 4 <= len(line.text) <= 24:
            return False
        if is_finished(line.text) or any(c.isdigit() or c in "，。；！？、：《（" for c in line.text):
            return False
        if state.paragraph and not is_finished(state.paragraph[-1].text):
            return False
        gap = line.number < len(self.cleaned) and not self.cleaned[line.number].text
        return gap and len(after.text) >= 40 and label(after.text) is None and is_prose(after.text)

    def take_heading(self, line: Line, found: Label | None) -> int:
        """A heading and the lines that its words run over; the index after them."""
        self.flush()
        state = self.state
        parts = [line]
        while len(parts) < 3:
            following = self.after[parts[-1].number - 1]
            if following is None or not self.heading_goes_on(parts[-1], following, found):
                break
            parts.append(following)
        for number in range(line.number, parts[-1].number + 1):
            if number in self.noise:
                state.roles[number - 1] = self.noise_role(self.cleaned[number - 1])
        for part in parts:
            state.roles[part.number - 1] = Role.HEADING
        unnumbered = 1 if is_front_word(line.text) else state.headings.next_depth()
        depth = state.headings.depth(found) if found else unnumbered
        text = passage(parts, self.lines).text.lstrip("# ")
        state.headings.push(Heading(text, depth, line.number))
        return parts[-1].number

    def heading_goes_on(self, last: Line, after: Line, found: Label | None) -> bool:
        """Whether the words of a heading run on in the next line."""
        if found is None or after.number - last.number > 2 or after.tab or len(after.text) > 30:
            return False
        if is_finished(last.text) or is_finished(after.text) or is_prose(after.text):
            return False
        if label(after.text) or caption(after.text):
            return False
        full = bool(self.setting.wrap) and width(last.text) >= self.setting.wrap - 3
        if found.depth > SECTION:
            return full
        beyond = self.after[after.number - 1]
        return found.depth == 1 or is_unclosed(last.text) or full or (beyond is not None and len(last.text) >= 20)

    def open_box(self, line: Line, *, inner: bool) -> int:
        """The caption of a box; printed again on a further page it says nothing new."""
        state = self.state
        if state.headings.is_box_open(line.text):
            state.roles[line.number - 1] = Role.RUNNING
            return line.number
        self.flush()
        frame = self.frames.get(line.number)
        tight = line.number < len(self.cleaned) and bool(self.cleaned[line.number].text)
        state.headings.open_box(line, inner=inner, last_line=frame.last_line if frame else 0, tight=tight)
        state.roles[line.number - 1] = Role.HEADING
        return line.number

    def close_boxes(self, line: Line) -> None:
        """End the boxes that do not reach this line."""
        headings = self.state.headings
        while headings.ends_box(line, self.state.blanks):
            self.flush()
            headings.close_box()
        if headings.boxes:
            headings.boxes[-1].lines += 1


def _marks(lines: Sequence[Line]) -> frozenset[int]:
    """Lines that hold a mark, a page number or a figure's caption and no text."""
    return frozenset(
        line.number
        for line in lines
        if (not line.text and line.marked) or is_page_number(line) or caption(line.text) is Caption.FIGURE
    )
