"""The rows of a table as its format gives them, before its head and unit are understood."""

from __future__ import annotations

from dataclasses import dataclass

from geoplan.documents.document import Passage


@dataclass(frozen=True, slots=True)
class GridCell:
    """A cell in its place; `rows` and `columns` above one for a merged cell."""

    row: int
    column: int
    passage: Passage
    rows: int = 1
    columns: int = 1


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the document: its cells in reading order, and the lines that it takes up (first, last)."""

    first_line: int
    last_line: int
    cells: tuple[GridCell, ...]
