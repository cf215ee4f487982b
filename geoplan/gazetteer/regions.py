"""Informal regions whose members a source states (``data/boundaries/regions.csv``)."""

from __future__ import annotations

import csv
from pathlib import Path

from geoplan.errors import SourceError
from geoplan.gazetteer.index import Gazetteer

_COLUMNS = ("name", "member_code")


def read_regions(path: Path, gazetteer: Gazetteer) -> dict[str, tuple[str, ...]]:
    """Member codes of informal regions by name, both sorted.

    Raises
    ------
    SourceError
        If the file is missing or lacks a column, or a member is no division.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path.name} cannot be read ({error}); take it from the repository again.") from None
    members: dict[str, list[str]] = {}
    for number, row in enumerate(rows, start=2):
        if missing := [column for column in _COLUMNS if not row.get(column)]:
            raise SourceError(f"{path.name}, row {number}: the column {missing[0]!r} is missing or empty.")
        name, code = row["name"], row["member_code"]
        if code not in gazetteer.divisions:
            raise SourceError(f"{path.name}, row {number}: {code!r}, a member of {name!r}, is no division.")
        members.setdefault(name, []).append(code)
    return {name: tuple(sorted(members[name])) for name in sorted(members)}
