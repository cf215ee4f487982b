"""Rows of a spreadsheet's CSV file with fixed columns, and the rows of one fact together."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Sequence
from pathlib import Path

from geoplan.errors import RecordError

MAX_BYTES = 32 << 20

Row = dict[str, str]


def read_sheet(
    path: Path, columns: Sequence[str], *, what: str, remedy: str, also: Collection[str] = ()
) -> list[tuple[int, Row]]:
    """Rows that are not blank, each with its number as a spreadsheet counts it (the header is row 1).

    A byte order mark is accepted, columns may stand in any order, and cells are stripped.

    Parameters
    ----------
    columns
        The columns the file must have.
    what, remedy
        What the file is (``record file``) and what to do where it is no such file, for the message.
    also
        Columns that it may have beside them.

    Raises
    ------
    RecordError
        If the file is missing, larger than `MAX_BYTES`, no UTF-8 CSV, or has other columns.
    """
    lines = _read_lines(path, what)
    header = [cell.strip() for cell in lines[0]] if lines else []
    if set(header) - set(also) != set(columns) or len(set(header)) != len(header):
        missing, unknown = sorted(set(columns) - set(header)), sorted(set(header) - set(columns) - set(also))
        raise RecordError(
            f"{path.name}, row 1: the columns are not those of a {what} (missing: {', '.join(missing) or 'none'}; "
            f"unknown: {', '.join(unknown) or 'none'}). {remedy}"
        )
    rows = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise RecordError(f"{path.name}, row {number}: {len(cells)} cells where the header has {len(header)}.")
        rows.append((number, {key: cell.strip() for key, cell in zip(header, cells, strict=True)}))
    return rows


def _read_lines(path: Path, what: str) -> list[list[str]]:
    if not path.is_file():
        raise RecordError(f"{path.name}: there is no such {what}.")
    if path.stat().st_size > MAX_BYTES:
        raise RecordError(f"{path.name}: larger than {MAX_BYTES >> 20} MB; split it by plan.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path.name}: byte {error.start} is not UTF-8. Save the file as 'CSV UTF-8'.") from None
    try:
        return list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise RecordError(f"{path.name}: not a CSV file ({error}). Save it again as 'CSV UTF-8'.") from None


def group_rows(rows: Sequence[tuple[int, Row]], fact_columns: Sequence[str]) -> list[list[tuple[int, Row]]]:
    """Rows of one fact together: a row with the id of the one before and none of `fact_columns` continues it."""
    groups: list[list[tuple[int, Row]]] = []
    for number, row in rows:
        if groups and groups[-1][0][1]["id"] == row["id"] and not any(row[column] for column in fact_columns):
            groups[-1].append((number, row))
        else:
            groups.append([(number, row)])
    return groups
