"""A version of a plan as a table of facts: a record file, or a draft as ``geoplan extract`` writes it."""

from __future__ import annotations

import csv
import io
import json
import re
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from geoplan.errors import GeoplanError, RecordError
from geoplan.provenance import Citation
from geoplan.records import COLUMNS, Mark, PlaceRef, PlanRecord, Quantity, read_records
from geoplan.records.sheet import MAX_BYTES

_ID = re.compile(r"([a-z][a-z0-9_]*)-\d+-\d{2,}")


class Version(NamedTuple):
    """The facts of one version and the id of the plan that they are of."""

    plan: str
    records: list[PlanRecord]


def read_version(path: Path) -> Version:
    """Facts of a record file or a draft (CSV, or JSON lines), whatever its name; the plan is that of the first id.

    Columns beside those of a record file (confidence, reasons) are passed over.

    Raises
    ------
    RecordError
        If the file is missing or no table, or a cell is faulty: a fact that is not read would seem dropped or added.
    """
    if path.suffix == ".jsonl":
        return _read_json_lines(path)
    header, plan = _peek(path)
    file = read_records(path, plan=plan, also=sorted(set(header) - set(COLUMNS)))
    if file.problems:
        raise RecordError(f"{path.name}: {len(file.problems)} faults; nothing was compared.", file.problems)
    return Version(plan, file.records)


def _peek(path: Path) -> tuple[list[str], str]:
    """The columns of a file, and the plan of its first id; nothing where it is no such table, which is told later."""
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        return [], path.stem
    text = path.read_bytes().decode("utf-8-sig", errors="replace")
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""))
        header = [(name or "").strip() for name in rows.fieldnames or ()]
        ids = (_ID.fullmatch(str(row.get("id") or "").strip()) for row in rows)
        return header, next((match[1] for match in ids if match), path.stem)
    except csv.Error:
        return [], path.stem


def _read_json_lines(path: Path) -> Version:
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise RecordError(f"{path.name}: there is no such file, or it is larger than {MAX_BYTES >> 20} MB.")
    number = 0
    rows: list[dict[str, Any]] = []
    records: list[PlanRecord] = []
    try:
        for line in path.read_text("utf-8-sig").splitlines():
            number += 1
            rows += [json.loads(line)] if line.strip() else []
        above = _common_path(rows)
        number = 0
        for row in rows:
            number += 1
            records.append(_record(row, above))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"{'.'.join(map(str, first['loc']))} {first['msg'].removeprefix('Value error, ')}".strip()
        raise RecordError(f"{path.name}, record {number}: {message}; nothing was compared.") from None
    except GeoplanError as error:
        raise RecordError(f"{path.name}, record {number}: {error} Nothing was compared.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RecordError(f"{path.name}, line {number}: no record of `geoplan extract --format jsonl`.") from None
    return Version(records[0].plan if records else path.stem, records)


def _common_path(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """The names that all divisions begin with: the plan's own area, inside which record files name their places."""
    paths = [place["path"] for row in rows for place in row["places"] if place["path"] and _is_division(place)]
    common = list(paths[0]) if paths else []
    for path in paths:
        common = [name for name, _ in takewhile(lambda pair: pair[0] == pair[1], zip(common, path, strict=False))]
    return tuple(common)


def _record(row: dict[str, Any], above: tuple[str, ...]) -> PlanRecord:
    plan = str(row["doc"])
    divisions = [place for place in row["places"] if _is_division(place) and place["path"]]
    places = tuple(_place(place, above) for place in divisions)
    others = [str(place["text"]) for place in row["places"] if place not in divisions]
    region = "、".join(dict.fromkeys(filter(None, [row.get("region", ""), *others])))[:60]
    if not places and not region:
        places = (PlaceRef(path=(row.get("scope") or (above[-1] if above else plan),)),)
    return PlanRecord(
        id=row["id"], kind=row["kind"], theme=row["theme"], name=row["name"], places=places, region=region,
        status=row["status"], period=_period(row["period"]), part_of=row.get("part_of", ""), seq=row.get("seq"),
        quantities=tuple(_quantity(quantity, row, plan) for quantity in row["quantities"]),
        citation=Citation(plan, row["line"], *row["span"]),
    )  # fmt: skip


def _is_division(place: dict[str, Any]) -> bool:
    return place["level"] not in {"region", "site"}


def _place(place: dict[str, Any], above: tuple[str, ...]) -> PlaceRef:
    path = tuple(place["path"])
    inside = path[len(above) :] if path[: len(above)] == above else path
    mark = next((Mark(flag) for flag in place["flags"] if flag in set(Mark)), Mark.LISTED)
    return PlaceRef(path=inside or path[-1:], mark=mark)


def _quantity(quantity: dict[str, Any], row: dict[str, Any], plan: str) -> Quantity:
    optional = {key: quantity[key] for key in ("value_max", "change", "per", "status") if quantity.get(key) is not None}
    period = _period(quantity.get("period"))
    return Quantity(
        measure=quantity["measure"], value=quantity["value"], unit=quantity["unit"], qualifier=quantity["qualifier"],
        period="" if period == _period(row["period"]) else period,
        citation=Citation(plan, quantity.get("line", row["line"]), *quantity["span"]), **optional,
    )  # fmt: skip


def _period(period: dict[str, int] | None) -> str:
    return "-".join(str(year) for year in period.values()) if period else ""
