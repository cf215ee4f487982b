"""Where the project is found, and which settings win."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from geoplan.errors import SettingsError
from geoplan.settings import MARKER, Settings, find_settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "项目"
    (folder / MARKER).parent.mkdir(parents=True)
    (folder / MARKER).touch()
    return folder


@pytest.mark.parametrize("below", [".", "layers", "layers/records/deep"])
def test_the_enclosing_project_is_found(project: Path, below: str) -> None:
    start = project / below
    start.mkdir(parents=True, exist_ok=True)
    found = find_settings({}, start)
    copies = Path.home() / ".local" / "share" / "geoplan" / "plans"
    assert found == Settings(project.resolve(), project.resolve() / "build", "127.0.0.1", 8000, copies)


def test_the_nearest_project_wins(project: Path) -> None:
    inner = project / "inner"
    (inner / MARKER).parent.mkdir(parents=True)
    (inner / MARKER).touch()
    assert find_settings({}, inner).root == inner.resolve()


def test_folders_hang_on_the_root(project: Path) -> None:
    found = find_settings({}, project)
    assert found.boundaries_dir / "SOURCES.toml" == found.root / MARKER
    assert found.imports_dir == found.root / "data/boundaries/imported"
    assert found.layers_dir == found.root / "layers"
    assert found.viewer_dir == found.root / "services/viewer"


def test_the_environment_wins_over_the_folder_and_arguments_over_both(project: Path, tmp_path: Path) -> None:
    environ = {
        "GEOPLAN_PROJECT": str(project), "GEOPLAN_BUILD": str(tmp_path / "out"), "GEOPLAN_HOST": "0.0.0.0",  # noqa: S104
        "GEOPLAN_PORT": "9000", "GEOPLAN_PLANS": str(tmp_path / "texts"),
    }  # fmt: skip
    expected = Settings(project.resolve(), tmp_path / "out", "0.0.0.0", 9000, tmp_path / "texts")  # noqa: S104
    assert find_settings(environ, tmp_path) == expected
    found = find_settings(environ, tmp_path, host="::1", port=80)
    assert (found.host, found.port) == ("::1", 80)
    unset = find_settings(environ, tmp_path, host=None, port=None)
    assert (unset.host, unset.port) == ("0.0.0.0", 9000)  # noqa: S104


@pytest.mark.parametrize(
    ("environ", "folder"),
    [
        ({"XDG_DATA_HOME": "/srv/data"}, "/srv/data/geoplan/plans"),
        ({"XDG_DATA_HOME": "/srv/data", "GEOPLAN_PLANS": "/srv/plans"}, "/srv/plans"),
        ({"XDG_DATA_HOME": "", "GEOPLAN_PLANS": ""}, str(Path.home() / ".local/share/geoplan/plans")),
        ({"GEOPLAN_PLANS": "~/texts"}, str(Path.home() / "texts")),
    ],
)
def test_copies_of_plans_lie_in_the_users_data_folder(project: Path, environ: dict[str, str], folder: str) -> None:
    assert find_settings(environ, project).plans_dir == Path(folder)


def test_no_project_says_where_it_looked_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="set GEOPLAN_PROJECT") as error:
        find_settings({}, tmp_path)
    assert str(tmp_path) in str(error.value)


def test_a_named_folder_that_is_no_project_is_refused(project: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no geoplan project") as error:
        find_settings({"GEOPLAN_PROJECT": str(tmp_path)}, project)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "80.0", "", "99999999999"])
def test_a_port_that_is_none_is_refused(project: Path, port: str) -> None:
    with pytest.raises(SettingsError, match="is no port; use a number from 1 to 65535") as error:
        find_settings({"GEOPLAN_PORT": port}, project)
    assert repr(port) in str(error.value)


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_last_port_are_ports(project: Path, port: str) -> None:
    assert find_settings({"GEOPLAN_PORT": port}, project).port == int(port)


def test_settings_do_not_change(project: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        find_settings({}, project).port = 1  # type: ignore[misc]
