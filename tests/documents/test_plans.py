"""The registered plan documents and the citations that must lie in them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from geoplan.documents import PlanDocument, check_against_text, check_citations, load_plans
from geoplan.errors import LayerError
from geoplan.gazetteer import resolve_place
from geoplan.layers.store import Build, gazetteer
from geoplan.provenance import Citation
from geoplan.records import PlaceRef, PlanRecord, Quantity, read_records
from geoplan.settings import Settings

TEXT = "第一行\n高标准农田３０万亩，投资十二亿元\n建成2-3个园区和173.6万亩农田\n"
ENTRY = {
    "id": "p", "title": "t", "issuer": "i", "area": "山西省", "lines": 3,
    "sha256": hashlib.sha256(TEXT.encode()).hexdigest(),
}  # fmt: skip
PLAN = PlanDocument.model_validate(ENTRY)


def record(line: int, start: int, end: int, *figures: dict[str, object]) -> PlanRecord:
    citation = Citation("p", line, start, end)
    quantities = tuple(Quantity.model_validate({"citation": citation} | figure) for figure in figures)
    return PlanRecord(
        id=f"p-{line}-01", kind="base", theme="grain", name="基地", places=(PlaceRef(path=("五台县",)),),
        status="target", citation=citation, quantities=quantities,
    )  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "p.txt"
    path.write_bytes(TEXT.encode())
    return path


def test_the_five_plans_are_registered_in_order(settings: Settings) -> None:
    plans = load_plans(settings.layers_dir / "plans.toml")
    assert list(plans) == ["xinzhou", "shanxi", "shuozhou", "yangquan", "clusters"]
    assert all(plan.id == key and len(plan.sha256) == 64 and plan.lines > 0 for key, plan in plans.items())
    assert {path.stem for path in (settings.layers_dir / "records").glob("*.csv")} == set(plans)


def test_the_area_of_every_plan_is_one_division(settings: Settings, build: Build) -> None:
    known = gazetteer(build)
    for plan in load_plans(settings.layers_dir / "plans.toml").values():
        assert resolve_place(known, plan.area).one.code.endswith("00")


def test_all_records_cite_lines_that_the_plans_have(settings: Settings) -> None:
    for plan in load_plans(settings.layers_dir / "plans.toml").values():
        records = read_records(settings.layers_dir / "records" / f"{plan.id}.csv").records
        assert records
        assert check_citations(plan, records) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "is missing"),
        (b"", r"no \[\[plan\]\]"),
        (b"plan = 3", r"no \[\[plan\]\]"),
        (b"plan = [", "not TOML"),
        ("plan = '忻州'".encode("gb18030"), "not TOML"),
        (b"[[plan]]\nid = 'p'", "title: Field required"),
        (b"[[plan]]\nid = 'p'\ncolour = 1", "colour: Extra inputs|title: Field required"),
    ],
)
def test_a_broken_list_of_plans_names_file_and_fault(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "plans.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LayerError, match=rf"^plans\.toml.*({said})"):
        load_plans(path)


def test_a_citation_beyond_the_plan_is_one_problem() -> None:
    figure = {"measure": "count", "value": "1", "unit": "个", "citation": Citation("p", 5, 0, 1)}
    fine, beyond, elsewhere = record(3, 0, 2), record(4, 0, 2), record(1, 0, 2, figure)
    problems = check_citations(PLAN, [fine, beyond, elsewhere])
    assert [(p.code, p.file) for p in problems] == [("bad-citation", "p.csv")] * 2
    assert "line 4, span 0-2" in problems[0].message
    assert "line 5, span 0-1" in problems[1].message


@pytest.mark.parametrize(
    ("line", "start", "end", "figure"),
    [
        (2, 5, 9, {"measure": "area", "value": "30", "unit": "万亩"}),
        (2, 10, 16, {"measure": "investment", "value": "12", "unit": "亿元"}),
        (3, 2, 6, {"measure": "count", "value": "2", "value_max": "3", "unit": "个", "qualifier": "range"}),
        (3, 9, 16, {"measure": "area", "value": "173.6", "unit": "万亩"}),
        (1, 0, 3, None),
    ],
)
def test_figures_that_stand_in_their_span_are_found(
    text: Path, line: int, start: int, end: int, figure: dict[str, object] | None
) -> None:
    assert check_against_text(PLAN, [record(line, start, end, *([figure] if figure else []))], text) == []


@pytest.mark.parametrize(
    ("line", "start", "end", "value", "said"),
    [
        (2, 5, 9, "3", "does not stand"),
        (2, 5, 9, "300", "does not stand"),
        (3, 9, 16, "73.6", "does not stand"),
        (3, 9, 16, "173", "does not stand"),
        (2, 0, 5, "30", "does not stand"),
    ],
)
def test_figures_that_do_not_are_told(text: Path, line: int, start: int, end: int, value: str, said: str) -> None:
    figure = {"measure": "area", "value": value, "unit": "万亩"}
    (problem,) = check_against_text(PLAN, [record(line, start, end, figure)], text)
    assert problem.code == "bad-citation"
    assert said in problem.message


def test_a_span_beyond_its_line_is_told(text: Path) -> None:
    (problem,) = check_against_text(PLAN, [record(1, 0, 4)], text)
    assert "beyond the end of the line" in problem.message
    assert check_against_text(PLAN, [record(1, 0, 3)], text) == []


def test_a_line_the_text_does_not_have_is_left_to_the_check_of_lines(text: Path) -> None:
    figure = {"measure": "area", "value": "30", "unit": "万亩"}
    assert check_against_text(PLAN, [record(99, 0, 4, figure)], text) == []


def test_another_text_is_not_checked_against(text: Path) -> None:
    text.write_text(TEXT + " ", "utf-8")
    (problem,) = check_against_text(PLAN, [record(1, 0, 99)], text)
    assert problem.code == "other-text"
    assert "p.txt" in problem.message
