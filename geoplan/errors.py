"""Everything that can go wrong, and the `Problem` that is counted instead of raised.

::

    GeoplanError
    ├── SettingsError       the project folder or a setting is not usable
    ├── SourceError         a source of boundaries or names is missing or altered
    ├── CRSError            a frame has no CRS, or not the one that is required
    │   └── DatumError      coordinates look like GCJ-02 under another label
    ├── UnitError           a unit that is not in the table, or of the wrong dimension
    ├── PlaceError          a place name that does not resolve to one division
    ├── DocumentError       a plan document that cannot be read
    ├── RecordError         cells of a record file that break its schema
    ├── LayerError          a layer file that breaks its schema, or an unknown layer
    ├── VectorError         a vector file that cannot be read
    ├── ImportRefusedError  a boundary file that failed its checks
    ├── QueryError          a spatial query that cannot be answered as asked
    ├── PackError           a layer pack that cannot be built, or is damaged
    └── BuildError          a build that could not be made or is not there

Exceptions are for broken input and programming mistakes. Expected faults of the data
(a fact whose place is not drawn, a repeated row) are `Problem` values: they are counted
and reported, never raised. This module imports nothing of geoplan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GeoplanError(Exception):
    """Base of all errors meant for the user; the message says what, where and what to do."""


class SettingsError(GeoplanError):
    """The project folder or a setting is not usable."""


class SourceError(GeoplanError):
    """A source of boundaries or names is missing, or its bytes are not the registered ones."""


class CRSError(GeoplanError):
    """A frame has no CRS, or not the one that is required."""


class DatumError(CRSError):
    """Coordinates do not lie where their declared datum says."""


class UnitError(GeoplanError):
    """A unit that is not in the table, or that does not fit the measure."""


class PlaceError(GeoplanError):
    """A place name that does not resolve to one division."""


class DocumentError(GeoplanError):
    """A plan document that cannot be read as it stands."""


class LayerError(GeoplanError):
    """A layer file that breaks its schema, or a layer that does not exist."""


class VectorError(GeoplanError):
    """A vector file that cannot be read as it stands."""


class QueryError(GeoplanError):
    """A spatial query that cannot be answered as asked."""


class PackError(GeoplanError):
    """A layer pack that cannot be built, or whose files are not those that were written."""


class BuildError(GeoplanError):
    """A build that could not be made, or that is not there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault found in the data, with the place where it is and what to do about it.

    Attributes
    ----------
    code
        Stable word for the kind of fault, e.g. ``unknown-place``.
    message
        What is wrong, with the offending value.
    file, row, column
        Where: the file's name, the row as a spreadsheet numbers it (the header is row 1) and
        the column's name; empty or 0 where there is none.
    remedy
        What the reader can do.
    """

    code: str
    message: str
    file: str = ""
    row: int = 0
    column: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """One line: place, fault, remedy."""
        where = self.file
        if self.row:
            where += f", row {self.row}"
        if self.column:
            where += f", column {self.column}"
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.remedy}".rstrip() if self.remedy else text


class _ProblemsError(GeoplanError):
    """An error that carries every fault that was found, not only the first."""

    def __init__(self, message: str, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  {p}" for p in self.problems)]))


class RecordError(_ProblemsError):
    """Cells of a record file that break its schema."""


class ImportRefusedError(_ProblemsError):
    """A boundary file that failed its checks; the store is as it was."""
