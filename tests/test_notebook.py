"""What ``import geoplan`` offers."""

from __future__ import annotations

from pathlib import Path

import pytest

import geoplan
from geoplan.errors import BuildError, SettingsError
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.settings import MARKER, Settings


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


def test_no_project_and_no_build_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEOPLAN_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="no geoplan project here"):
        geoplan.list_layers()
    (tmp_path / MARKER).parent.mkdir(parents=True)
    (tmp_path / MARKER).touch()
    with pytest.raises(BuildError, match="nothing is built yet"):
        geoplan.list_layers()
