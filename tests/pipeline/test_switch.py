"""What was changed and changed back is not built again: its version is still kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geoplan.layers import store
from geoplan.pipeline import build as pipeline
from geoplan.pipeline import run_build
from geoplan.pipeline.inputs import read_inputs
from geoplan.pipeline.publish import finished_version, publish, switch_to, work_folder
from geoplan.settings import Settings
from tests.commands import ROOT


def finished(build_dir: Path, version: str) -> Path:
    work = work_folder(build_dir, version)
    totals = {"records": len(version)}
    (work / store.MANIFEST).write_text(json.dumps({"version": version, "totals": totals}), "utf-8")
    return publish(work, build_dir, version)


def test_a_kept_version_is_used_again(tmp_path: Path) -> None:
    first = finished(tmp_path, "v1")
    finished(tmp_path, "v2")
    assert store.open_build(tmp_path).version == "v2"
    assert finished_version(tmp_path, "v1") == first
    switch_to(tmp_path, first)
    assert store.open_build(tmp_path).version == "v1"
    assert (tmp_path / "versions" / "v2").is_dir()


def test_an_unfinished_or_unknown_version_is_none(tmp_path: Path) -> None:
    (tmp_path / "versions" / "half").mkdir(parents=True)
    assert finished_version(tmp_path, "half") is None
    assert finished_version(tmp_path, "none") is None


def test_a_build_switches_back_without_building(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(ROOT, tmp_path / "build")
    version = read_inputs(settings).version
    finished(settings.build_dir, version)
    finished(settings.build_dir, "other")

    def refuse(*_: object) -> None:
        raise AssertionError("nothing is to be built")

    monkeypatch.setattr(pipeline, "_build_into", refuse)
    made = run_build(settings)
    assert (made.build.version, made.rebuilt, made.totals) == (version, (), {"records": len(version)})
    assert store.open_build(settings.build_dir).version == version
    switch_to(settings.build_dir, settings.build_dir / "versions" / "other")
    with pytest.raises(AssertionError, match="nothing is to be built"):
        run_build(settings, force=True)
