"""Checking a project: every bad cell is found, with its file, row and column, before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import LayerError, RecordError, SourceError
from geoplan.gazetteer import Gazetteer, read_regions
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.pipeline import check_project
from geoplan.pipeline.check import read_project
from geoplan.settings import Settings
from tests.commands import ROOT, copy_project


@pytest.fixture(scope="module")
def names(build: Build) -> Gazetteer:
    return store.gazetteer(build)


@pytest.fixture
def project(tmp_path: Path) -> Settings:
    folder = copy_project(tmp_path / "project")
    return Settings(folder, folder / "build")


def change(project: Settings, name: str, old: str, new: str) -> int:
    """Replace the first occurrence of a text in a file; the number of its row."""
    path = project.layers_dir / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_projects_own_files_have_no_fault(settings: Settings, names: Gazetteer) -> None:
    findings = check_project(settings, names)
    assert findings.problems == []
    assert findings.records > 1500
    assert all(note.file.endswith(".csv") and note.row for note in findings.notes)


@pytest.mark.parametrize(
    ("old", "new", "column", "message"),
    [
        (",忻府区,,target", ",忻府镇区,,target", "places", "no place '忻府镇区' in 山西省/忻州市"),
        (",area,173.6,", ",area,much,", "value", "'much' is no number; write plain digits"),
        (",area,173.6,万亩", ",area,173.6,万筐筐", "unit", "unknown unit '万筐筐'"),
        (",area,173.6,万亩", ",area,173.6,亿元", "unit", "'亿元' is a unit of CNY"),
        ("high_standard_farmland,高标准农田规划任务", "gold,高标准农田规划任务", "theme", "'gold' is no theme"),
        (",330,346..371", ",331,346..371", "id", "does not fit line 331"),
        (",330,346..371", ",330,371..346", "span", "is no span"),
        ("xinzhou-330-01,,,area,30", "xinzhou-9-99,,,area,30", "part_of", "names 'xinzhou-9-99', which is no other"),
    ],
)
def test_a_bad_cell_is_named(
    project: Settings, names: Gazetteer, old: str, new: str, column: str, message: str
) -> None:
    row = change(project, "records/xinzhou.csv", old, new)
    problems = check_project(project, names).problems
    found = [p for p in problems if p.column == column and message in p.message]
    assert found, problems
    assert found[0].file == "xinzhou.csv"
    assert found[0].row == row


def test_all_bad_cells_of_a_row_are_told_at_once(project: Settings, names: Gazetteer) -> None:
    row = change(project, "records/xinzhou.csv", ",忻府区,,target", ",忻府镇区,,aim")
    file = project.layers_dir / "records" / "xinzhou.csv"
    lines = file.read_text("utf-8").split("\n")
    assert ",area," in lines[row - 1]
    lines[row - 1] = lines[row - 1].replace(",area,", ",surface,")
    file.write_text("\n".join(lines), "utf-8")
    problems = check_project(project, names).problems
    assert {(p.file, p.row, p.column) for p in problems} == {
        ("xinzhou.csv", row, column) for column in ("places", "status", "measure")
    }
    assert len(problems) == 3
    assert "no place '忻府镇区' in 山西省/忻州市" in next(p.message for p in problems if p.column == "places")


def test_quotas_that_do_not_add_up_are_noted_and_no_fault(project: Settings, names: Gazetteer) -> None:
    before = check_project(project, names).notes
    row = change(project, "records/xinzhou.csv", ",area,173.6,", ",area,173.7,")
    found = check_project(project, names)
    assert found.problems == []
    (note,) = [note for note in found.notes if note not in before and note.code == "sum-differs"]
    # The fact begins in the row above that of its figure.
    assert (note.file, note.row) == ("xinzhou.csv", row - 1)
    assert "the 14 parts of xinzhou-330-01 add up to 173.6 万亩, it states 173.7 万亩" in note.message


def test_problems_come_in_the_order_of_files_and_rows(project: Settings, names: Gazetteer) -> None:
    change(project, "records/xinzhou.csv", ",area,173.6,", ",area,much,")
    change(project, "records/shanxi.csv", ",target,", ",aim,")
    change(project, "records/xinzhou.csv", ",baseline,", ",now,")
    where = [(p.file, p.row) for p in check_project(project, names).problems]
    assert len(where) >= 3
    assert where == sorted(where)


@pytest.mark.parametrize("area", ["山西省/忻洲市", "鼓楼区"])
def test_a_plan_for_no_one_division_is_refused(project: Settings, names: Gazetteer, area: str) -> None:
    change(project, "plans.toml", 'area = "山西省/忻州市"', f'area = "{area}"')
    with pytest.raises(LayerError, match=r"layers/plans\.toml: plan 'xinzhou', area: "):
        check_project(project, names)


def test_texts_that_were_compared_are_named(project: Settings, names: Gazetteer, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    with pytest.raises(LayerError, match=r"texts is no folder"):
        check_project(project, names, texts)
    texts.mkdir()
    assert check_project(project, names, texts).compared == ()
    (texts / "xinzhou.txt").write_text("\n" * 2000, "utf-8")
    found = check_project(project, names, texts)
    assert found.compared == ("xinzhou",)
    assert found.problems, "an empty text has none of the figures"


def test_a_line_the_plan_does_not_have_is_no_citation(project: Settings, names: Gazetteer) -> None:
    change(project, "plans.toml", "lines = 1706", "lines = 376")
    problems = check_project(project, names).problems
    cited = [p for p in problems if p.code == "bad-citation"]
    assert any("xinzhou-377-01 cites line 377" in p.message for p in cited)
    assert not any("xinzhou-330-01" in p.message for p in cited)


def test_a_record_file_without_a_plan_is_refused(project: Settings) -> None:
    (project.layers_dir / "records" / "datong.csv").write_text("id\n", "utf-8")
    with pytest.raises(LayerError, match=r"layers/records/datong\.csv belongs to no plan; list its plan in"):
        read_project(project.layers_dir)


@pytest.mark.parametrize("text", ["plan = 3\n", "plan = [3]\n", "a = 1\n", "plan = [\n", "[[plan]]\nid = 1\n"])
def test_a_broken_list_of_plans_is_refused(project: Settings, text: str) -> None:
    (project.layers_dir / "plans.toml").write_text(text, "utf-8")
    with pytest.raises(LayerError, match=r"^plans\.toml: "):
        read_project(project.layers_dir)


def test_a_plan_is_listed_once(project: Settings) -> None:
    path = project.layers_dir / "plans.toml"
    path.write_text(path.read_text("utf-8") * 2, "utf-8")
    with pytest.raises(LayerError, match=r"plans\.toml: .*'xinzhou' .*twice"):
        read_project(project.layers_dir)


@pytest.mark.parametrize("name", ["plans.toml", "records/xinzhou.csv"])
def test_a_file_in_another_encoding_is_refused(project: Settings, name: str) -> None:
    path = project.layers_dir / name
    path.write_bytes(path.read_text("utf-8").encode("gb18030"))
    with pytest.raises((LayerError, RecordError), match=rf"{path.name}.*(UTF-8|utf-8)"):
        read_project(project.layers_dir)


def test_regions_are_read_by_name(names: Gazetteer) -> None:
    regions = read_regions(ROOT / "data" / "boundaries" / "regions.csv", names)
    assert regions
    assert all(code in names.divisions for codes in regions.values() for code in codes)


@pytest.mark.parametrize("text", ["name,member_code\n北部,999999\n", "a,b\n1,2\n", None])
def test_a_broken_table_of_regions_is_refused(tmp_path: Path, names: Gazetteer, text: str | None) -> None:
    path = tmp_path / "regions.csv"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(SourceError, match=r"regions\.csv"):
        read_regions(path, names)
