"""What ``import geoplan`` offers."""

from __future__ import annotations

from pathlib import Path

import pytest

import geoplan
from geoplan.documents.library import add_copy
from geoplan.errors import BuildError, DocumentError, SettingsError
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.provenance import Citation
from geoplan.settings import MARKER, Settings
from tests.commands import HOSTILE, cited_text, copy_project, register_text


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Path:
    """An otherwise empty project with the shared build."""
    (tmp_path / MARKER).parent.mkdir(parents=True)
    (tmp_path / MARKER).touch()
    (tmp_path / "build").symlink_to(settings.build_dir)
    return tmp_path


def test_layers_of_a_project(project: Path, build: Build) -> None:
    listed = geoplan.list_layers(project)
    assert [meta["id"] for meta in listed] == store.layer_ids(build)
    frame = geoplan.read_layer("counties", project=str(project))
    assert (frame.crs.to_epsg(), len(frame)) == (4490, listed[0]["count"])
    assert list(frame.index) == list(range(len(frame)))
    assert geoplan.read_report("counties", project)["selected"] == len(frame)
    assert geoplan.resolve_place("平定东回", project=project).one.code == "140321104"


def test_a_citation_opens_where_there_is_a_copy(tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = copy_project(tmp_path / "project", build)
    path = register_text(copied, "xinzhou", cited_text())
    monkeypatch.setenv("GEOPLAN_PLANS", str(tmp_path / "plans"))
    closed = geoplan.cite("xinzhou-377-01", copied)
    assert (closed.text, closed.sentence) == (None, "")
    assert str(closed).endswith("第 377 行（第 2-3 字）")
    assert "geoplan plans add" in closed._repr_html_()
    assert "<mark>" not in closed._repr_html_()
    add_copy(Settings(copied, copied / "build", plans_dir=tmp_path / "plans"), path)
    opened = geoplan.cite("xinzhou-377-01", copied)
    assert "一【30】万亩的任务由各县承担，其余另行安排。" in str(opened)
    page = opened._repr_html_()
    assert "一<mark>30</mark>万亩" in page
    assert "第三章 农业设施 › 第二节 农田建设" in page
    row = geoplan.read_layer("farmland", copied).set_index("record").loc["xinzhou-377-01"]
    assert geoplan.cite(row, copied) == opened
    assert geoplan.cite(opened.citation, copied) == opened
    other = Citation("xinzhou", 376, 0, 6)
    assert HOSTILE in geoplan.cite(other, copied).sentence
    assert "<script>" not in geoplan.cite(other, copied)._repr_html_()
    assert "<img" not in geoplan.cite(other, copied)._repr_html_()


@pytest.mark.parametrize(
    "record", ["xinzhou-1-99", "nothing", "../../x-1-01", {"plan": "x"}, Citation("none", 1, 0, 1)]
)
def test_a_citation_of_nothing_is_said(tmp_path: Path, build: Build, record: object) -> None:
    copied = copy_project(tmp_path / "project", build)
    with pytest.raises(DocumentError, match=r"no (record|plan)"):
        geoplan.cite(record, copied)  # type: ignore[arg-type]


def test_no_project_and_no_build_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEOPLAN_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="no geoplan project here"):
        geoplan.list_layers()
    (tmp_path / MARKER).parent.mkdir(parents=True)
    (tmp_path / MARKER).touch()
    with pytest.raises(BuildError, match="nothing is built yet"):
        geoplan.list_layers()
