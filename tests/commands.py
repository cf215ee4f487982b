"""geoplan as its users run it: the real command, on a copy of the project that may be broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from geoplan.layers import store

ROOT = Path(__file__).parents[1]
GEOPLAN = str(Path(sys.executable).with_name("geoplan"))


def environment(project: Path, build_dir: Path | None = None) -> dict[str, str]:
    """Environment of a command that works on `project`; its builds lie there unless `build_dir` says otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GEOPLAN_")}
    named = {"GEOPLAN_PROJECT": str(project), "GEOPLAN_BUILD": str(build_dir or project / "build")}
    return kept | named | {"COLUMNS": "200", "NO_COLOR": "1"}


def geoplan(*arguments: str, project: Path, build_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [GEOPLAN, *arguments],
        env=environment(project, build_dir), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def start(*arguments: str, project: Path, build_dir: Path | None = None) -> subprocess.Popen[str]:
    """Run the command beside the test; its error stream can be read line by line."""
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([GEOPLAN, *arguments], env=environment(project, build_dir), **pipes)


def copy_project(folder: Path, build: store.Build | None = None) -> Path:
    """A copy of the project's own files, with links to what is installed; with `build` as its current build."""
    tables = folder / "data" / "boundaries"
    tables.mkdir(parents=True)
    for path in (ROOT / "data" / "boundaries").iterdir():
        if path.is_file():
            shutil.copy2(path, tables)
    (tables / "node_modules").symlink_to(ROOT / "data" / "boundaries" / "node_modules")
    (folder / "services").symlink_to(ROOT / "services")
    shutil.copytree(ROOT / "layers", folder / "layers")
    if build is not None:
        shutil.copytree(build.path, folder / "build" / "versions" / build.version)
        (folder / "build" / store.CURRENT).symlink_to(Path("versions") / build.version)
    return folder


def contents(build: store.Build) -> dict[str, str]:
    """SHA-256 of every file of a build, by its path in there."""
    from geoplan.provenance import sha256_file

    files = sorted(path for path in build.path.rglob("*") if path.is_file())
    return {path.relative_to(build.path).as_posix(): sha256_file(path) for path in files}
