"""Small record files for the tests."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from geoplan.records import COLUMNS

FACT = {
    "id": "p-5-01", "kind": "base", "theme": "grain", "name": "基地", "places": "五台县;平定县/巨城镇=巨镇",
    "status": "target", "period": "2025", "measure": "area", "value": "30", "unit": "万亩", "line": "5", "span": "0-9",
}  # fmt: skip
NEXT = {"id": "p-5-01", "measure": "output", "value": "5", "unit": "万吨", "line": "5", "span": "4-9"}
OTHER = FACT | {"id": "p-6-01", "line": "6"}


def text_of(*rows: dict[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write(path: Path, *rows: dict[str, str]) -> Path:
    path.write_text(text_of(*rows), "utf-8")
    return path
