"""Checking a project: every bad cell is found, with its file, row and column, before anything is built."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import LayerError, RecordError, SourceError
from geoplan.gazetteer import Gazetteer
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.pipeline import check_project
from geoplan.pipeline.check import read_project, read_regions
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
    count, problems = check_project(settings, names)
    assert problems == []
    assert count > 1500


@pytest.mark.parametrize(
    ("old", "new", "column", "message"),
    [
        (",忻府区,,target", ",忻府镇区,,target", "places", "no place '忻府镇区' in 山西省/忻州市"),
        (",area,173.6,", ",area,much,", "value", "'much' is no number; write plain digits"),
        (",area,173.6,万亩", ",area,173.6,万担", "unit", "unknown unit '万担'"),
        (",area,173.6,万亩", ",area,173.6,亿元", "unit", "'亿元' is a unit of CNY"),
        ("high_standard_farmland,高标准农田规划任务", "gold,高标准农田规划任务", "theme", "'gold' is no theme"),
        (",330,346-371", ",331,346-371", "id", "does not fit line 331"),
        (",330,346-371", ",330,371-346", "span", "is no span"),
        ("xinzhou-330-01,,,area,30", "xinzhou-9-99,,,area,30", "part_of", "names 'xinzhou-9-99', which is no other"),
    ],
)
def test_a_bad_cell_is_named(
    project: Settings, names: Gazetteer, old: str, new: str, column: str, message: str
) -> None:
    row = change(project, "records/xinzhou.csv", old, new)
    _, problems = check_project(project, names)
    found = [p for p in problems if p.column == column and message in p.message]
    assert found, problems
    assert found[0].file == "xinzhou.csv"
    assert found[0].row == row or found[0].message.startswith("xinzhou-377-01 ")


def test_a_line_the_plan_does_not_have_is_no_citation(project: Settings, names: Gazetteer) -> None:
    change(project, "plans.toml", "lines = 1706", "lines = 376")
    _, problems = check_project(project, names)
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
