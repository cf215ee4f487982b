"""Record files: the five real ones, round trips, and one problem for every planted fault."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from geoplan.provenance import Citation
from geoplan.records import COLUMNS, PlaceRef, PlanRecord, read_records, write_records
from geoplan.records.consistency import check_references
from geoplan.records.table import FACT_COLUMNS, schema
from geoplan.terms import Change, Qualifier
from tests.records.sheets import FACT, NEXT, OTHER, text_of, write

RECORDS = Path(__file__).parents[2] / "layers" / "records"
PLANS = ("clusters", "shanxi", "shuozhou", "xinzhou", "yangquan")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.csv"


# --- the real files


@pytest.mark.parametrize("plan", PLANS)
def test_real_records_are_read_whole_and_written_so_that_they_read_equal(plan: str, tmp_path: Path) -> None:
    source = RECORDS / f"{plan}.csv"
    read = read_records(source)
    assert read.problems == []
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [record.id for record in read.records] == list(dict.fromkeys(row["id"] for row in rows))
    assert sum(len(record.quantities) for record in read.records) == sum(bool(row["value"]) for row in rows)
    assert list(read.rows) == [record.id for record in read.records]
    assert read.unread == {}
    assert all(rows[number - 2]["id"] == id_ and rows[number - 2]["kind"] for id_, number in read.rows.items())

    copy = tmp_path / f"{plan}.csv"
    copy.write_text(write_records(read.records), "utf-8")
    again = read_records(copy)
    assert again.records == read.records
    assert again.problems == []
    assert write_records(again.records) == copy.read_text("utf-8")


@pytest.mark.parametrize("plan", PLANS)
def test_real_figures_keep_their_digits(plan: str, tmp_path: Path) -> None:
    with (RECORDS / f"{plan}.csv").open(encoding="utf-8-sig", newline="") as stream:
        written = [row["value"] for row in csv.DictReader(stream) if row["value"]]
    records = read_records(RECORDS / f"{plan}.csv").records
    (tmp_path / "out.csv").write_text(write_records(records), "utf-8")
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as stream:
        assert [row["value"] for row in csv.DictReader(stream) if row["value"]] == written


def test_real_records_refer_to_records_that_are_there() -> None:
    records = [record for plan in PLANS for record in read_records(RECORDS / f"{plan}.csv").records]
    assert check_references(records) == []
    assert len({record.id for record in records}) == len(records)


def test_the_fourteen_county_quotas_of_xinzhou_are_its_total() -> None:
    records = read_records(RECORDS / "xinzhou.csv").records
    (total,) = [r for r in records if r.id == "xinzhou-330-01"]
    quotas = [r for r in records if r.part_of == total.id]
    assert {r.theme for r in quotas} == {"high_standard_farmland"}
    assert [len(r.quantities) for r in quotas] == [1] * 14
    assert len({str(place) for r in quotas for place in r.places}) == 14
    figures = [r.quantities[0] for r in quotas]
    assert {(q.unit, q.qualifier, q.change) for q in figures} == {("万亩", Qualifier.EXACT, Change.FLOW)}
    assert sum(q.value for q in figures) == Decimal("173.6") == total.quantities[0].value
    assert str(sum(q.value for q in figures)) == "173.6"
    # In hectares the fourteen roundings of 1e-6 do not add up to more than their halves.
    assert abs(sum(q.value_si for q in figures) - total.quantities[0].value_si) <= Decimal("0.0000075")


def test_small_figures_are_written_as_plain_digits(path: Path) -> None:
    write(path, FACT | {"value": "0.00000001"})
    records = read_records(path).records
    assert "0.00000001" in write_records(records)
    path.write_text(write_records(records), "utf-8")
    assert read_records(path).records == records


# --- planted faults: (changes of the first row, column that is told, words that are said)

FAULTS = [
    *[("value", bad, "value", "is no number") for bad in (
        "abc", "NaN", "inf", "1e5", "1_000", "1,000", "-5", "3-", "-", "3--4", "3-NaN", "1.", ".5", "３０", "三十",
        "=1+1", "9" * 5000, "1e999999999",
    )],
    ("value", "", "value", "this cell is empty"),
    ("unit", "", "unit", "this cell is empty"),
    ("measure", "", "measure", "this cell is empty"),
    ("unit", "斗", "unit", "unknown unit '斗'"),
    ("unit", "亿元", "unit", "'亿元' is a unit of CNY"),
    ("measure", "weight", "measure", "weight"),
    ("qualifier", "maybe", "qualifier", "maybe"),
    ("qualifier", "range", "value", "a range has two ends"),
    ("value", "2-3", "value", "a range has two ends"),
    ("change", "grow", "change", "grow"),
    ("per", "all", "per", "all"),
    ("kind", "gold", "kind", "gold"),
    ("kind", "", "kind", "''"),
    ("theme", "gold", "theme", "'gold' is no theme"),
    ("theme", "", "theme", "'' is no theme"),
    ("status", "maybe", "status", "maybe"),
    ("status", "", "status", "''"),
    ("period", "25", "period", "'25' is no period"),
    ("period", "2025-2021", "period", "ends before it begins"),
    ("name", "", "name", "1 to 60 characters"),
    ("name", "长" * 61, "name", "1 to 60 characters"),
    ("note", "长" * 301, "note", "at most 300"),
    ("region", "长" * 61, "region", "at most 60"),
    ("seq", "0", "seq", "no place in an order"),
    ("seq", "first", "seq", "first"),
    ("places", "", "places", "needs a place or a region"),
    ("places", " ; ", "places", "needs a place or a region"),
    ("places", "平定县/", "places", "not a place path: '平定县/'"),
    ("places", "五台县;?平定县/巨城镇", "places", "not a place path"),
    ("line", "", "line", "is no line number"),
    ("line", "0", "line", "'0' is no line number"),
    ("line", "5.0", "line", "'5.0' is no line number"),
    ("line", "9" * 5000, "line", "is no line number"),
    ("line", "6", "id", "does not fit line 6 of p"),
    ("span", "", "span", "is no span"),
    ("span", "9", "span", "'9' is no span"),
    ("span", "9-5", "span", "'9-5' is no span"),
    ("span", "5-5", "span", "'5-5' is no span"),
    ("span", "0-" + "9" * 5000, "span", "is no span"),
    ("id", "", "id", "no record id"),
    ("id", "p-5", "id", "no record id"),
    ("id", "q-5-01", "id", "does not fit line 5 of p"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "bad", "column", "said"), FAULTS, ids=[f"{i}-{f[0]}-{f[1][:12]}" for i, f in enumerate(FAULTS)]
)
def test_a_bad_cell_is_one_problem_with_its_row_and_column(
    path: Path, cell: str, bad: str, column: str, said: str
) -> None:
    # Row 4 of the spreadsheet: row 3 is blank.
    lines = text_of(OTHER, FACT | {cell: bad}, FACT | {"id": "p-5-02"}).split("\n")
    path.write_text("\n".join([*lines[:2], "," * (len(COLUMNS) - 1), *lines[2:]]), "utf-8")
    read = read_records(path)
    (problem,) = read.problems
    assert (problem.code, problem.file, problem.row, problem.column) == ("bad-cell", "p.csv", 4, column)
    assert said in problem.message
    assert [record.id for record in read.records] == ["p-6-01", "p-5-02"]


@pytest.mark.parametrize(
    ("cell", "bad", "column"),
    [
        ("value", "abc", "value"), ("unit", "斗", "unit"), ("unit", "亩", "unit"), ("measure", "weight", "measure"),
        ("status", "maybe", "status"), ("period", "25", "period"), ("line", "0", "line"), ("span", "9", "span"),
        ("value", "", "value"),
    ],
)  # fmt: skip
def test_a_bad_cell_of_a_further_figure_is_told_in_its_own_row(path: Path, cell: str, bad: str, column: str) -> None:
    read = read_records(write(path, FACT, NEXT, NEXT | {cell: bad}, OTHER))
    assert [(p.code, p.row, p.column) for p in read.problems] == [("bad-cell", 4, column)]
    assert [record.id for record in read.records] == ["p-6-01"]


def test_a_continuation_without_a_figure_is_told(path: Path) -> None:
    read = read_records(write(path, FACT, {"id": "p-5-01", "line": "5", "span": "0-9"}, OTHER))
    assert [(p.row, p.column) for p in read.problems] == [(3, "measure")]
    assert "repeats the id 'p-5-01' and gives no figure" in read.problems[0].message
    assert [record.id for record in read.records] == ["p-6-01"]


def test_several_bad_cells_are_each_told(path: Path) -> None:
    read = read_records(write(path, FACT | {"theme": "gold", "unit": "斗", "places": "/"}, NEXT | {"value": "x"}))
    assert sorted((p.row, p.column) for p in read.problems) == [
        (2, "places"), (2, "theme"), (2, "unit"), (3, "value"),
    ]  # fmt: skip


def test_places_of_a_fact_with_a_bad_cell_can_still_be_looked_up(path: Path) -> None:
    read = read_records(write(path, FACT | {"unit": "斗"}, NEXT, OTHER | {"theme": "gold", "places": "?平定县/巨城镇"}))
    assert read.records == []
    # Of places that are no places nothing is left to be looked up.
    assert read.unread == {2: [PlaceRef.parse("五台县"), PlaceRef.parse("平定县/巨城镇=巨镇")]}


@pytest.mark.parametrize(
    ("column", "word", "term"),
    [
        ("kind", "生产基地", "base"), ("theme", "奶业", "dairy"), ("status", "目标", "target"),
        ("status", "规划", "target"), ("measure", "产量", "output"), ("qualifier", "不低于", "at_least"),
        ("qualifier", "以上", "at_least"), ("qualifier", "左右", "about"), ("change", "新增", "flow"),
        ("change", "稳定在", "stock"), ("per", "各", "each"),
    ],
)  # fmt: skip
def test_chinese_words_for_terms_are_the_terms(path: Path, column: str, word: str, term: str) -> None:
    figure = {"unit": "万吨"} if column == "measure" else {}
    read = read_records(write(path, FACT | figure | {column: word}))
    assert read.problems == []
    assert read.records == read_records(write(path, FACT | figure | {column: term})).records
    assert f",{term}," in write_records(read.records)


def test_a_word_is_a_term_in_its_own_column_only(path: Path) -> None:
    read = read_records(write(path, FACT | {"status": "各", "name": "目标"}, OTHER | {"name": "目标"}))
    assert [(p.row, p.column) for p in read.problems] == [(2, "status")]
    assert [record.name for record in read.records] == ["目标"]


@pytest.mark.parametrize("text", ["12-25", "12..25"])
def test_a_span_has_two_dots_or_a_dash_and_is_written_with_dots(path: Path, text: str) -> None:
    (record,) = read_records(write(path, FACT | {"span": text})).records
    assert (record.citation.start, record.citation.end) == (12, 25)
    assert ",12..25," in write_records([record])


@pytest.mark.parametrize("text", ["2-3", "2..3"])
def test_a_range_has_two_dots_or_a_dash_and_is_written_with_dots(path: Path, text: str) -> None:
    (record,) = read_records(write(path, FACT | {"value": text, "qualifier": "range"})).records
    assert (record.quantities[0].value, record.quantities[0].value_max) == (Decimal(2), Decimal(3))
    assert ",2..3," in write_records([record])


@pytest.mark.parametrize("column", ["span", "value"])
@pytest.mark.parametrize(("text", "is_date"), [
    ("3月5日", True), ("2025/3/5", True), ("2025-3-5", True), ("5-Mar", True), ("3/5", True),
    ("三到五", False), ("x", False), ("3.5.7", False),
])  # fmt: skip
def test_what_a_spreadsheet_made_a_date_of_is_told_as_such(
    path: Path, column: str, text: str, *, is_date: bool
) -> None:
    (problem,) = read_records(write(path, FACT | {column: text})).problems
    assert problem.column == column
    assert ("made a date of it, format the column as text" in problem.message) == is_date


@pytest.mark.parametrize("between", [(), (OTHER,)])
def test_a_second_fact_of_the_same_id_is_told_with_the_row_of_the_first(
    path: Path, between: tuple[dict[str, str], ...]
) -> None:
    read = read_records(write(path, FACT, *between, FACT | {"name": "别的"}))
    (problem,) = read.problems
    assert (problem.code, problem.row, problem.column) == ("duplicate-id", 3 + len(between), "id")
    assert "row 2" in problem.message
    assert read.records[0].name == "基地"


def test_further_figures_belong_to_the_fact_before(path: Path) -> None:
    later = NEXT | {"period": "2030", "status": "baseline", "line": "7", "span": "1-4"}
    (record,) = read_records(write(path, FACT, NEXT, later)).records
    assert [q.measure for q in record.quantities] == ["area", "output", "output"]
    assert [(q.status, q.period) for q in record.quantities] == [(None, ""), (None, ""), ("baseline", "2030")]
    assert record.quantities[2].citation == Citation("p", 7, 1, 4)
    assert (record.status, record.period, record.citation.line) == ("target", "2025", 5)


def test_a_further_figure_that_repeats_the_time_of_the_fact_has_none_of_its_own(path: Path) -> None:
    (record,) = read_records(write(path, FACT, NEXT | {"period": "2025", "status": "target"})).records
    assert (record.quantities[1].status, record.quantities[1].period) == (None, "")


@pytest.mark.parametrize("column", FACT_COLUMNS)
def test_a_row_with_a_cell_of_the_fact_is_no_continuation(path: Path, column: str) -> None:
    read = read_records(write(path, FACT, NEXT | {column: "x"}))
    assert [(p.code, p.row) for p in read.problems] == [("duplicate-id", 3)]


@pytest.mark.parametrize("cell", ["=SUM(A1:A9)", "+cmd|'/C calc'!A0", "@SUM(1)", '-1+2,"x"', '=HYPERLINK("x")'])
def test_cells_that_look_like_formulas_stay_text(path: Path, cell: str) -> None:
    (record,) = read_records(write(path, FACT | {"name": cell, "note": cell, "region": cell})).records
    assert (record.name, record.note, record.region) == (cell, cell, cell)
    path.write_text(write_records([record]), "utf-8")
    assert read_records(path).records == [record]


def test_characters_outside_the_bmp_and_line_breaks_survive(path: Path) -> None:
    (record,) = read_records(write(path, FACT | {"name": "宋𦙶乡基地", "note": "第一行\n第二行，“引”"})).records
    assert (record.name, record.note) == ("宋𦙶乡基地", "第一行\n第二行，“引”")
    read = read_records(write(path, FACT | {"note": "a\nb"}, OTHER | {"theme": "gold"}))
    # A cell of two lines is one row of the spreadsheet.
    assert read.problems[0].row == 3


# --- references between facts


@pytest.mark.parametrize("column", ["part_of", "duplicate_of"])
@pytest.mark.parametrize("target", ["p-9-99", "p-5-01"])
def test_a_reference_to_no_other_fact_is_told(path: Path, column: str, target: str) -> None:
    records = read_records(write(path, FACT | {column: target}, OTHER)).records
    (problem,) = check_references(records)
    assert (problem.code, problem.file, problem.column) == ("unknown-reference", "p.csv", column)
    assert f"p-5-01 names '{target}'" in problem.message
    assert check_references(records, rows={"p-5-01": 2})[0].row == 2
    assert check_references(records, ["p-9-99"]) == ([] if target == "p-9-99" else [problem])
    assert check_references(read_records(write(path, FACT | {column: "p-6-01"}, OTHER)).records) == []


def test_a_repetition_of_a_repetition_is_told(path: Path) -> None:
    third = FACT | {"id": "p-7-01", "line": "7", "duplicate_of": "p-6-01"}
    records = read_records(write(path, FACT, OTHER | {"duplicate_of": "p-5-01"}, third)).records
    (problem,) = check_references(records)
    assert (problem.code, problem.column) == ("chained-repetition", "duplicate_of")
    assert "p-7-01 repeats p-6-01, which is marked as a repetition itself" in problem.message


def test_the_schema_names_every_field_of_a_record() -> None:
    described = schema()
    assert set(described["properties"]) == set(PlanRecord.model_fields)  # type: ignore[arg-type]
    assert described["additionalProperties"] is False
