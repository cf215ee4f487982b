"""Record files: one CSV a plan, which a planner edits in a spreadsheet.

One row is one fact with at most one figure. Further figures of the same fact follow in rows that repeat the
id and leave every other column of the fact empty. Every bad cell becomes a `Problem` with its row (the header
is row 1) and column; a fact with a bad cell is not read, the others are.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from geoplan.errors import Problem
from geoplan.provenance import Citation
from geoplan.records.cells import (
    FIGURE_COLUMNS,
    citation_faults,
    fact_faults,
    figure_faults,
    in_terms,
    parse_span,
    parse_value,
    place_items,
)
from geoplan.records.model import PlaceRef, PlanRecord, Quantity
from geoplan.records.sheet import Row, group_rows, read_sheet
from geoplan.terms import Measure

FACT_COLUMNS = ("kind", "theme", "name", "places", "region", "part_of", "seq", "duplicate_of", "note")
COLUMNS = (
    "id", "kind", "theme", "name", "places", "region", "status", "period", "part_of", "seq", "duplicate_of",
    *FIGURE_COLUMNS, "line", "span", "note",
)  # fmt: skip


class RecordFile(NamedTuple):
    """What a record file holds: its records in order, the row each begins in, and every fault found.

    `unread` gives, by row, the places of facts that a bad cell kept from being read: they can be checked all the same.
    """

    records: list[PlanRecord]
    rows: dict[str, int]
    problems: list[Problem]
    unread: dict[int, list[PlaceRef]]


def read_records(path: Path, plan: str | None = None, also: Collection[str] = ()) -> RecordFile:
    """Records of one file and every fault found in it.

    A spreadsheet's byte order mark is accepted.

    Parameters
    ----------
    plan
        Id of the plan; without it, the file's stem.
    also
        Further columns that the file may have; they are passed over.

    Raises
    ------
    RecordError
        If the file is no UTF-8 CSV with the columns of the schema, so that no row can be read.
    """
    remedy = f"The columns are {', '.join(COLUMNS)}."
    sheet = read_sheet(path, COLUMNS, what="record file", remedy=remedy, also=also)
    rows = [(number, in_terms(row)) for number, row in sheet]
    problems: list[Problem] = []
    records: list[PlanRecord] = []
    seen: dict[str, int] = {}
    unread: dict[int, list[PlaceRef]] = {}
    for group in group_rows(rows, FACT_COLUMNS):
        number, first = group[0]
        if first["id"] in seen:
            message = f"the id {first['id']!r} stands in row {seen[first['id']]} already."
            problems.append(Problem("duplicate-id", message, path.name, number, "id", "Give this fact its own number."))
            continue
        seen[first["id"]] = number
        record, faults = _record(group, path, plan or path.stem)
        problems += faults
        if record is not None:
            records.append(record)
        elif not any(problem.column == "places" for problem in faults):
            unread[number] = [PlaceRef.parse(item) for item in place_items(first["places"])]
    return RecordFile(records, seen, problems, unread)


def write_records(records: Iterable[PlanRecord]) -> str:
    """Text of a record file; reading it gives equal records."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    for record in records:
        writer.writerows(_rows_of(record))
    return stream.getvalue()


def _record(group: list[tuple[int, Row]], path: Path, plan: str) -> tuple[PlanRecord | None, list[Problem]]:
    number, first = group[0]
    faults = [
        Problem("bad-cell", message, path.name, row_number, column)
        for row_number, row in group
        for column, message in _row_faults(row, is_first=row is first)
    ]
    if faults:
        return None, faults
    try:
        record = _fact(first, plan, [_quantity(row, first, plan) for _, row in group if row["measure"]])
    except ValidationError as error:
        return None, [Problem("bad-cell", text, path.name, number, column) for column, text in _messages(error)]
    return record, []


def _row_faults(row: Row, *, is_first: bool) -> Iterator[tuple[str, str]]:
    """Faults of every cell of a row, a column at most once."""
    faults = [*(fact_faults(row) if is_first else ()), *figure_faults(row), *citation_faults(row)]
    if not is_first and not any(row[column] for column in FIGURE_COLUMNS):
        faults.append(("measure", f"the row repeats the id {row['id']!r} and gives no figure."))
    yield from {column: (column, message) for column, message in reversed(faults)}.values()


def _fact(row: Row, plan: str, quantities: list[Quantity]) -> PlanRecord:
    texts = ("id", "kind", "theme", "name", "region", "status", "period", "part_of", "duplicate_of", "note")
    values: dict[str, Any] = {key: row[key] for key in texts}
    places = tuple(PlaceRef.parse(item) for item in place_items(row["places"]))
    citation = _citation(row, plan)
    return PlanRecord(
        **values,
        seq=int(row["seq"]) if row["seq"] else None,
        citation=citation,
        places=places,
        quantities=tuple(quantities),
    )


def _quantity(row: Row, first: Row, plan: str) -> Quantity:
    own = {key: row[key] for key in ("status", "period") if row is not first and row[key] and row[key] != first[key]}
    optional: dict[str, Any] = own | {key: row[key] for key in ("qualifier", "change", "per") if row[key]}
    value, value_max = parse_value(row["value"])
    return Quantity(
        measure=Measure(row["measure"]), value=value, value_max=value_max, unit=row["unit"],
        citation=_citation(row, plan), **optional,
    )  # fmt: skip


def _citation(row: Row, plan: str) -> Citation:
    return Citation(plan, int(row["line"]), *parse_span(row["span"]))


def _messages(error: ValidationError) -> list[tuple[str, str]]:
    """Column and text of faults that only several cells together show: the id and its line, a range's two ends."""
    found = []
    for item in error.errors(include_url=False, include_context=False):
        message = str(item["msg"]).removeprefix("Value error, ").rstrip(".")
        found.append(("value" if error.title == "Quantity" else "id", f"{message}."))
    return found


def _rows_of(record: PlanRecord) -> list[dict[str, object]]:
    head: dict[str, object] = {
        "id": record.id, "kind": record.kind.value, "theme": record.theme, "name": record.name,
        "places": ";".join(map(str, record.places)), "region": record.region, "status": record.status.value,
        "period": record.period, "part_of": record.part_of, "seq": record.seq or "",
        "duplicate_of": record.duplicate_of, "line": record.citation.line, "span": _span(record.citation),
        "note": record.note,
    }  # fmt: skip
    rows = [_figure_row(quantity) for quantity in record.quantities]
    if not rows:
        return [head]
    # The fact's own citation leads; a first figure cited elsewhere keeps its own row.
    if record.quantities[0].citation == record.citation and not _has_own_time(record.quantities[0]):
        return [rows[0] | head, *({"id": record.id} | row for row in rows[1:])]
    return [head, *({"id": record.id} | row for row in rows)]


def _has_own_time(quantity: Quantity) -> bool:
    return quantity.status is not None or bool(quantity.period)


def _figure_row(quantity: Quantity) -> dict[str, object]:
    value = f"{quantity.value:f}"
    if quantity.value_max is not None:
        value += f"..{quantity.value_max:f}"
    return {
        "measure": quantity.measure.value, "value": value, "unit": quantity.unit,
        "qualifier": "" if quantity.qualifier == "exact" else quantity.qualifier.value,
        "change": quantity.change or "", "per": quantity.per or "",
        "status": quantity.status or "", "period": quantity.period,
        "line": quantity.citation.line, "span": _span(quantity.citation),
    }  # fmt: skip


def _span(citation: Citation) -> str:
    """With two dots: a spreadsheet makes a date of 1-3."""
    return f"{citation.start}..{citation.end}"


def schema() -> dict[str, object]:
    """JSON Schema of a record, for `layers/records/schema.json`."""
    return PlanRecord.model_json_schema()
