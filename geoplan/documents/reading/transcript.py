"""A document read out: its lines as they come, and the tables among them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from geoplan.documents.document import Passage, Piece
from geoplan.documents.reading.grid import Grid, GridCell
from geoplan.errors import DocumentError

MAX_SLOTS = 1_000_000
MAX_COLUMNS = 1000

# Control characters, separators that some programs take for a line end, lone surrogates, marks inside the text.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
_BLANKS = re.compile(r"[ \t\r\n\xa0]+")


def clean(text: str) -> str:
    r"""The text with every character that no reader sees put to a space, columns unmoved; ``\t`` and ``\n`` stay."""
    return _UNSAFE.sub(" ", text)


@dataclass(frozen=True, slots=True)
class RawCell:
    """A cell as a row of the file gives it: its text, and how many rows and columns it takes up."""

    text: str
    rows: int = 1
    columns: int = 1


@dataclass(slots=True)
class Transcript:
    """What a format reader hands on: `lines` (counted from 1), `grids` of the native tables, the file's own `title`."""

    name: str
    lines: list[str] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    title: str = ""

    def write(self, text: str) -> None:
        """Add the text as one line, or as several where it has line ends; blank ones are left out."""
        for part in clean(text).split("\n"):
            line = part.strip(" \t\xa0")
            if line.strip("\u3000\u200b"):
                self.lines.append(line)

    def write_table(self, rows: Sequence[Sequence[RawCell]]) -> None:
        """Add a table, one row a line with its cells joined by tabs.

        A cell stands in the first row and column that it takes up; the places of the others stay empty.
        A table of one column is no table but a frame around text (专栏): its cells become lines.

        Raises
        ------
        DocumentError
            If the spans of its cells make it wider or larger than any table of a plan.
        """
        placed = self._place(rows)
        if not any(cell.text for _, _, cell in placed):
            return
        if all(column == 0 for _, column, cell in placed if cell.text):
            for _, _, cell in placed:
                self.write(cell.text)
            return
        first = len(self.lines) + 1
        fields: list[dict[int, str]] = [{} for _ in rows]
        for row, column, cell in placed:
            fields[row][column] = flatten(cell.text)
        cells: dict[tuple[int, int], GridCell] = {}
        for row, texts in enumerate(fields):
            at, parts = 0, []
            for column in range(max(texts, default=-1) + 1):
                text = texts.get(column, "")
                if text:
                    cells[row, column] = GridCell(row, column, Passage(text, (Piece(0, first + row, at),)))
                parts.append(text)
                at += len(text) + 1
            self.lines.append("\t".join(parts).rstrip("\t"))
        spans = {(row, column): cell for row, column, cell in placed}
        ready = tuple(
            GridCell(row, column, cell.passage, spans[row, column].rows, spans[row, column].columns)
            for (row, column), cell in sorted(cells.items())
        )
        self.grids.append(Grid(first, len(self.lines), ready))

    def _place(self, rows: Sequence[Sequence[RawCell]]) -> list[tuple[int, int, RawCell]]:
        """Each cell with its row and column, as HTML's table model places cells around the merged ones above."""
        free: dict[int, int] = {}
        placed: list[tuple[int, int, RawCell]] = []
        slots = 0
        for row, cells in enumerate(rows):
            column = 0
            for raw in cells:
                while free.get(column, 0) > row:
                    column += 1
                height, width = max(1, min(raw.rows, len(rows) - row)), max(1, min(raw.columns, MAX_COLUMNS + 1))
                # A span ends where a merged cell from above stands.
                end = next((at for at in range(column, column + width) if free.get(at, 0) > row), column + width)
                width = end - column
                slots += width
                if column + width > MAX_COLUMNS or slots > MAX_SLOTS:
                    raise DocumentError(
                        f"{self.name}: table {len(self.grids) + 1} (after line {len(self.lines)}), row {row + 1}: "
                        f"its merged cells make it over {MAX_COLUMNS} columns wide or {MAX_SLOTS} places large. "
                        "Mend the table, or save the plan as text."
                    )
                free.update(dict.fromkeys(range(column, column + width), row + height))
                placed.append((row, column, RawCell(raw.text.strip(), height, width)))
                column += width
        return placed


def flatten(text: str) -> str:
    """The text of a cell in one line: line ends and tabs become a space, for two names may stand one a line."""
    return _BLANKS.sub(" ", clean(text)).strip(" \u3000")
