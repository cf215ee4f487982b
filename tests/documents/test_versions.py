"""Record files and drafts read as versions of a plan, whatever the file is called."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from geoplan.documents.diff import Class, compare
from geoplan.documents.versions import read_version
from geoplan.errors import RecordError
from geoplan.records import COLUMNS, Mark, read_records, write_records

RECORDS = Path(__file__).parents[2] / "layers" / "records" / "clusters.csv"


def test_a_record_file_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "去年.csv"
    path.write_bytes(RECORDS.read_bytes())
    version = read_version(path)
    assert (version.plan, version.records) == ("clusters", read_records(RECORDS).records)


def test_a_draft_has_more_columns(tmp_path: Path) -> None:
    path = tmp_path / "draft.csv"
    rows = list(csv.reader(io.StringIO(write_records(read_records(RECORDS).records))))
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows([[*rows[0], "confidence", "reasons"], *([*row, "0.8", "a;b"] for row in rows[1:])])
    assert read_version(path).records == read_records(RECORDS).records


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such record file"),
        (b"a,b\n1,2\n", "missing: .*duplicate_of"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (f"{','.join(COLUMNS)}\np-1-01,base,dairy,x,应县,,target,,,,,area,much,亩,,,,1,0..2,\n".encode(), "1 faults"),
    ],
)
def test_a_file_that_cannot_be_compared_is_said(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "old.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RecordError, match=said):
        read_version(path)


def line(**changes: Any) -> dict[str, Any]:
    """A record of the output contract."""
    place = {"text": "应县", "span": [0, 2], "name": "应县", "level": "county", "code": "140622", "flags": []}
    figure = {"text": "30万头", "span": [4, 8], "measure": "headcount", "value": "30", "unit": "万头"}
    figure |= {"qualifier": "exact", "change": None, "per": None, "status": None, "period": None, "line": 3}
    return {
        "id": "p-3-01", "doc": "p", "line": 3, "span": [0, 9], "kind": "base", "theme": "dairy", "name": "奶牛基地",
        "places": [place | {"path": ["山西省", "朔州市", "应县"]}], "scope": "", "region": "", "quantities": [figure],
        "period": {"from": 2021, "to": 2025}, "status": "target", "part_of": "", "seq": None,
    } | changes  # fmt: skip


def write_lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), "utf-8")
    return path


def test_json_lines_are_read_like_a_record_file(tmp_path: Path) -> None:
    town = {
        "text": "南河种镇",
        "level": "township",
        "path": ["山西省", "朔州市", "应县", "南河种镇"],
        "flags": ["inherited"],
    }
    spot = {"text": "木塔景区", "level": "site", "path": [], "flags": []}
    far = {"text": "某村", "level": "village", "path": ["山西省", "朔州市", "山阴县", "某村"], "flags": ["unlisted"]}
    rows = [line(), line(id="p-3-02", places=[town, spot]), line(id="p-3-03", places=[far], quantities=[], period=None)]
    rows.append(line(id="p-3-04", places=[], scope="朔州市"))
    records = read_version(write_lines(tmp_path / "a.jsonl", *rows)).records
    assert [[str(place) for place in one.places] for one in records] == [
        ["应县"],
        ["应县/南河种镇"],
        ["山阴县/~某村"],
        ["朔州市"],
    ]
    assert [one.region for one in records] == ["", "木塔景区", "", ""]
    assert (records[0].period, records[0].quantities[0].text, records[2].period) == ("2021-2025", "30 万头", "")
    assert records[2].places[0].mark is Mark.UNLISTED
    (tmp_path / "b.csv").write_text(write_records(records), "utf-8")
    both = compare(records, read_version(tmp_path / "b.csv").records)
    assert {difference.classes for difference in both} == {(Class.SAME,)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "line 1"), ("[]\n", "no record of"), ("[" * 100_000, "no record of"), ('{"doc": "p"}\n', "no record of"),
        (json.dumps(line(theme="x")), "record 1: .*theme"),
        (json.dumps(line(line=4)), "record 1: .*does not fit line 4"),
    ],
)  # fmt: skip
def test_broken_json_lines_are_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text, "utf-8")
    with pytest.raises(RecordError, match=said):
        read_version(path)
    with pytest.raises(RecordError, match="no such file"):
        read_version(tmp_path / "none.jsonl")


def test_a_site_outside_the_divisions_leaves_the_others_their_names(tmp_path: Path) -> None:
    site = {"text": "武引灌区", "span": [0, 4], "name": "武引灌区", "level": "site", "code": "", "flags": []}
    other = line(id="p-4-01", line=4, places=[site | {"path": ["武引灌区"]}])
    records = read_version(write_lines(tmp_path / "a.jsonl", line(), other)).records
    plain = read_version(write_lines(tmp_path / "b.jsonl", line())).records
    assert records[0].places == plain[0].places
    assert (records[1].places, records[1].region) == ((), "武引灌区")
