"""What is written: JSON lines as the contract has them, and a record file with two more columns."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from geoplan.documents.document import Document
from geoplan.documents.facts.extract import Extraction
from geoplan.documents.facts.output import DRAFT_COLUMNS, draft_csv, draft_ids, json_lines, mention_lines
from geoplan.layers.store import Build, gazetteer
from geoplan.records import COLUMNS, read_records
from geoplan.records.model import ID
from geoplan.terms import THEMES, Kind, Measure, Precision, Qualifier, Status
from geoplan.units import convert, parse_unit
from tests.documents.facts_help import Reader, stacked
from tests.documents.test_facts_stops import ROUTE

PLAN = "\n".join(
    [
        "忻州市农业规划",
        "第一章 种植",
        "到2025年，繁峙县砂河镇、代县峨口镇各建设黄芪基地2-3万亩，产值不低于5亿元。",
        "“十四五”期间，全市新建高标准农田20万亩；繁峙县现有奶牛3000头，到2025年达到1.2万头。",
        "雁门关农牧交错带发展肉羊500万只，在定襄县支持青年返乡。",
        stacked("表一：指标", ["指标", "2020年", "2025年"], ["粮食产量（万吨）", "170", "180.50"]),
        ROUTE,
    ]
)
FACT_KEYS = {
    "doc", "line", "span", "kind", "name", "theme", "places", "scope", "quantities", "period", "status", "precision",
    "confidence", "reasons",
}  # fmt: skip
MORE_FACT_KEYS = {"id", "region", "part_of", "seq", "headings"}
PLACE_KEYS = {"text", "span", "name", "level", "code", "county", "city", "precision", "flags"}
QUANTITY_KEYS = {
    "text", "measure", "value", "unit", "value_si", "unit_si", "qualifier", "change", "per"
}  # fmt: skip
LEVELS = {"province", "city", "county", "township", "village", "region", "site"}
UNITS_SI = {"hectare", "kg", "head", "CNY", "one", "metre", "fraction", "watt", "cubic metre"}


@pytest.fixture(scope="module")
def reader(build: Build) -> Reader:
    return Reader(gazetteer(build))


@pytest.fixture(scope="module")
def plan(reader: Reader) -> tuple[Document, Extraction]:
    return reader.read(PLAN)


@pytest.fixture(scope="module")
def rows(reader: Reader, plan: tuple[Document, Extraction]) -> list[dict[str, Any]]:
    document, found = plan
    return [json.loads(line) for line in json_lines(document, found.drafts, reader.names)]


def test_every_object_has_the_keys_of_the_contract(rows: list[dict[str, Any]]) -> None:
    assert len(rows) > 10
    for row in rows:
        assert set(row) == FACT_KEYS | MORE_FACT_KEYS
        for place in row["places"]:
            assert set(place) >= PLACE_KEYS
            assert place["level"] in LEVELS
        for quantity in row["quantities"]:
            assert set(quantity) >= QUANTITY_KEYS


def test_values_are_of_the_vocabulary(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["doc"] == "trial"
        assert row["kind"] in list(Kind)
        assert row["theme"] in THEMES
        assert row["status"] in list(Status)
        assert row["precision"] in list(Precision)
        assert 0 < row["confidence"] < 1
        assert row["reasons"]
        assert bool(row["places"]) != bool(row["scope"])
        for quantity in row["quantities"]:
            assert quantity["measure"] in list(Measure)
            assert quantity["qualifier"] in list(Qualifier)
            assert quantity["change"] in {None, "stock", "flow"}
            assert quantity["per"] in {None, "total", "each"}
            assert quantity["unit_si"].removesuffix("/year") in UNITS_SI


def test_spans_slice_to_their_text(plan: tuple[Document, Extraction], rows: list[dict[str, Any]]) -> None:
    document, found = plan
    for row in rows:
        for item in [*row["places"], *row["quantities"]]:
            start, end = item["span"]
            assert document.lines[item["line"] - 1][start:end] == item["text"] != ""
        start, end = row["span"]
        assert 0 <= start < end <= len(document.lines[row["line"] - 1])
    for line in mention_lines(document, found.mentions):
        mention = json.loads(line)
        assert list(mention) == ["line", "start", "end", "text", "level", "name", "code", "flags"]
        assert document.lines[mention["line"] - 1][mention["start"] : mention["end"]] == mention["text"]


def test_values_are_exact_decimals(rows: list[dict[str, Any]]) -> None:
    figures = [quantity for row in rows for quantity in row["quantities"]]
    for quantity in figures:
        unit = parse_unit(quantity["unit"])
        assert Decimal(quantity["value_si"]) == convert(Decimal(quantity["value"]), unit)
        assert "E" not in quantity["value"] + quantity["value_si"]
    written = {quantity["text"]: quantity for quantity in figures}
    assert written["2-3万亩"]["value"] == "2"
    assert written["2-3万亩"]["value_max"] == "3"
    assert Decimal(written["2-3万亩"]["value_max_si"]) > Decimal(written["2-3万亩"]["value_si"])
    assert (written["2-3万亩"]["qualifier"], written["2-3万亩"]["per"]) == ("range", "each")
    assert (written["不低于5亿元"]["value_si"], written["不低于5亿元"]["unit_si"]) == ("500000000", "CNY")
    assert written["180.50"]["value"] == "180.50"


def test_periods(rows: list[dict[str, Any]]) -> None:
    periods = {quantity["text"]: row["period"] for row in rows for quantity in row["quantities"]}
    assert periods["不低于5亿元"] == {"at": 2025}
    assert periods["20万亩"] == {"from": 2021, "to": 2025}
    assert periods["500万只"] is None


def test_places_say_where_they_lie(rows: list[dict[str, Any]]) -> None:
    places = {place["name"]: place for row in rows for place in row["places"]}
    township = places["峨口镇"]
    assert (township["code"], township["county"], township["city"]) == ("140923102", "代县", "忻州市")
    region = places["雁门关农牧交错带"]
    assert (region["level"], region["code"], region["county"]) == ("region", "", "")


def test_stops_name_their_route(rows: list[dict[str, Any]]) -> None:
    ids = {row["id"]: row for row in rows}
    stops = [row for row in rows if row["part_of"]]
    assert len(stops) == 7
    assert {ids[stop["part_of"]]["kind"] for stop in stops} == {"route"}


def test_ids_are_unique_and_of_their_line(plan: tuple[Document, Extraction], rows: list[dict[str, Any]]) -> None:
    document, found = plan
    ids = draft_ids(document.id, found.drafts)
    assert [row["id"] for row in rows] == ids
    assert len(set(ids)) == len(ids)
    for row in rows:
        assert ID.fullmatch(row["id"])
        assert row["id"].split("-")[:2] == ["trial", str(row["line"])]


def test_a_draft_file_is_a_record_file_with_two_more_columns(
    reader: Reader, plan: tuple[Document, Extraction], tmp_path: Path
) -> None:
    document, found = plan
    text = draft_csv(document, found.drafts, reader.names.path("140900"))
    assert text.startswith("\ufeff")
    table = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    assert tuple(table[0]) == DRAFT_COLUMNS == (*COLUMNS, "confidence", "reasons")
    path = tmp_path / "trial.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows(row[: len(COLUMNS)] for row in table)
    records, _, problems, unread = read_records(path)
    assert (problems, unread) == ([], {})
    assert [record.id for record in records] == draft_ids(document.id, found.drafts)
    for record, draft in zip(records, found.drafts, strict=True):
        assert (record.kind, record.theme, record.status) == (draft.kind, draft.theme, draft.status)
        assert [quantity.value for quantity in record.quantities] == [q.amount.value for q in draft.quantities]
        assert [q.citation.start for q in record.quantities] == [q.span.start for q in draft.quantities]


@pytest.mark.parametrize(
    "text",
    [
        stacked("", ["", "2020年", "2025年"], ["（一）", "1万亩", "2万亩"]),
        "各县：3万亩。",
        "12个。",
        "|  | 2025年 |\n| --- | --- |\n| 总量（万吨） | 3 |\n",
    ],
)
def test_a_fact_without_words_has_a_name_too(reader: Reader, text: str, tmp_path: Path) -> None:
    document, found = reader.read(text)
    path = tmp_path / "trial.csv"
    path.write_text(draft_csv(document, found.drafts, reader.names.path("140900")), "utf-8")
    records, _, problems, _ = read_records(path, also=("confidence", "reasons"))
    assert problems == []
    assert len(records) == len(found.drafts)
