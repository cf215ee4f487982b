"""The headings and boxes in force while a document is read from its beginning."""

from __future__ import annotations

from dataclasses import dataclass, field

from geoplan.documents.document import Heading
from geoplan.documents.reading.headings import LONGEST, SECTION, Label, is_heading_line, label, run_in
from geoplan.documents.reading.mending import Line


@dataclass(slots=True)
class Entry:
    """A heading in force; a run-in heading stands above deeper numbers only."""

    heading: Heading
    run_in: bool = False


@dataclass(slots=True)
class Box:
    """A box in force.

    `last_line` is the end of its frame (0: none), `tight` whether a blank line ends it, `place` the number of headings
    down to its caption, `first` the depth of the first number inside it.
    """

    last_line: int
    tight: bool
    place: int
    first: int = 0
    lines: int = 0


@dataclass(slots=True)
class HeadingStack:
    """The headings in force from the top, and the boxes among them."""

    entries: list[Entry] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)

    def chain(self, first: Line | None = None) -> tuple[Heading, ...]:
        """The headings above a paragraph, or above a table where no line is given."""
        found = label(first.text) if first else None
        depth = self.depth(found) if found else 0
        number = first.number if first else 0
        return tuple(
            entry.heading
            for entry in self.entries
            if not entry.run_in or (entry.heading.line != number and depth > entry.heading.depth)
        )

    def depth(self, found: Label) -> int:
        """The depth of a numbering where it stands: inside a box all of them lie below the box."""
        if not self.boxes or found.depth <= SECTION:
            return found.depth
        return self.entries[self.boxes[-1].place - 1].heading.depth + found.depth - SECTION

    def next_depth(self) -> int:
        """The depth of an unnumbered heading: below the last numbered one or box."""
        depths = [e.heading.depth for e in self.entries if e.heading.box or label(e.heading.text)]
        return (depths[-1] if depths else 0) + 1

    def names(self, text: str) -> bool:
        """Whether a chapter or section in force has this text."""
        return any(entry.heading.text == text and entry.heading.depth <= SECTION for entry in self.entries)

    def push(self, heading: Heading, *, run: bool = False) -> None:
        """Put a heading in force: those of its depth and deeper end."""
        while self.entries and self.entries[-1].heading.depth >= heading.depth:
            self.entries.pop()
        self.entries.append(Entry(heading, run))

    def push_run_in(self, line: Line, found: Label | None) -> None:
        """Let the first clause of a long numbered line head the deeper numbers after it; other text ends such a one."""
        if found is None:
            self.drop_run_in()
            return
        text = run_in(line.text, found) or line.text[:LONGEST]
        self.push(Heading(text, self.depth(found), line.number), run=True)

    def drop_run_in(self) -> None:
        """End the run-in headings at the bottom."""
        while self.entries and self.entries[-1].run_in:
            self.entries.pop()

    def is_box_open(self, text: str) -> bool:
        """Whether a box with this caption is in force."""
        return any(entry.heading.box and entry.heading.text == text for entry in self.entries)

    def open_box(self, line: Line, *, inner: bool, last_line: int, tight: bool) -> None:
        """A box begins; one box ends another unless it stands inside it."""
        nested = inner and bool(self.boxes)
        while len(self.boxes) > nested:
            self.close_box()
        if nested:
            del self.entries[self.boxes[0].place :]
            last_line = last_line or self.boxes[0].last_line
        else:
            self.drop_run_in()
        depth = (self.entries[-1].heading.depth if self.entries else 0) + 1
        self.entries.append(Entry(Heading(line.text, depth, line.number, box=True)))
        self.boxes.append(Box(last_line, tight and not last_line, len(self.entries)))

    def close_box(self) -> None:
        """The innermost box ends, with the headings inside it."""
        box = self.boxes.pop()
        del self.entries[box.place - 1 :]

    def ends_box(self, line: Line, blanks: int) -> bool:
        """Whether the innermost box does not reach this line."""
        if not self.boxes:
            return False
        box = self.boxes[-1]
        found = label(line.text)
        if found and found.depth <= SECTION and is_heading_line(line.text, found):
            return True
        if box.last_line:
            return line.number > box.last_line
        if box.tight:
            return blanks > 0 and box.lines > 0
        if found is None:
            return False
        box.first = box.first or found.depth
        above = [entry.heading.depth for entry in self.entries[: box.place - 1] if not entry.run_in]
        shallow = found.depth < box.first or found.depth <= (above[-1] if above else 0)
        return shallow and is_heading_line(line.text, found)
