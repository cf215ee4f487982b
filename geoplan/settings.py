"""Where a project lies and how it is served; built once, at the edge, and passed inward."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geoplan.errors import SettingsError

MARKER = Path("data/boundaries/SOURCES.toml")
"""File that makes a folder a geoplan project."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Folders of a project and the address of its service.

    `root` holds ``data/boundaries``, ``layers`` and ``services``; `build_dir` the builds, apart from the sources;
    `plans_dir` the user's own copies of plan texts, apart from both (None: there are none).
    """

    root: Path
    build_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    plans_dir: Path | None = None

    @property
    def boundaries_dir(self) -> Path:
        """Registry of sources, alias tables and imported boundaries."""
        return self.root / "data" / "boundaries"

    @property
    def imports_dir(self) -> Path:
        """Boundaries that the user imported."""
        return self.boundaries_dir / "imported"

    @property
    def layers_dir(self) -> Path:
        """Layer files, plan documents and records."""
        return self.root / "layers"

    @property
    def viewer_dir(self) -> Path:
        """The web page."""
        return self.root / "services" / "viewer"


def find_settings(environ: Mapping[str, str], start: Path, **overrides: object) -> Settings:
    """Settings of the project that `start` lies in.

    ``GEOPLAN_PROJECT`` names the folder instead, ``GEOPLAN_BUILD`` the folder of the builds (``build`` in the
    project), ``GEOPLAN_HOST`` and ``GEOPLAN_PORT`` the address, ``GEOPLAN_PLANS`` the folder of the copies of plans
    (``geoplan/plans`` in the user's data folder). Arguments given as `overrides` win.

    Raises
    ------
    SettingsError
        If no project is found or the port is no port number.
    """
    named = environ.get("GEOPLAN_PROJECT")
    root = _project(Path(named)) if named else _enclosing_project(start)
    build = Path(environ.get("GEOPLAN_BUILD") or root / "build")
    values: dict[str, object] = {
        "host": environ.get("GEOPLAN_HOST", "127.0.0.1"),
        "port": environ.get("GEOPLAN_PORT", "8000"),
    }
    values |= {key: value for key, value in overrides.items() if value is not None}
    port = str(values["port"])
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"{port!r} is no port; use a number from 1 to 65535.")
    return Settings(root.resolve(), build.resolve(), str(values["host"]), int(port), plans_folder(environ))


def plans_folder(environ: Mapping[str, str]) -> Path:
    """Where the user's copies of plans are: ``GEOPLAN_PLANS``, or ``geoplan/plans`` in ``XDG_DATA_HOME``.

    Without either it is ``~/.local/share/geoplan/plans``, as the XDG Base Directory Specification has it.
    """
    named = environ.get("GEOPLAN_PLANS")
    data = Path(environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser()
    return Path(named).expanduser().absolute() if named else data.absolute() / "geoplan" / "plans"


def _project(folder: Path) -> Path:
    if not (folder / MARKER).is_file():
        raise SettingsError(f"{folder} is no geoplan project: it has no {MARKER}.")
    return folder


def _enclosing_project(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / MARKER).is_file():
            return folder
    raise SettingsError(
        f"no geoplan project here: neither {start} nor a folder above it has {MARKER}. "
        "Go into a clone of the project, or set GEOPLAN_PROJECT."
    )
