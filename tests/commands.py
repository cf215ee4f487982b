"""geoplan as its users run it: the real command, on a copy of the project that may be broken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import pandas as pd

from geoplan.layers import store
from geoplan.layers.build import Layer
from geoplan.provenance import sha256_file

ROOT = Path(__file__).parents[1]
GEOPLAN = str(Path(sys.executable).with_name("geoplan"))


def environment(project: Path, build_dir: Path | None = None) -> dict[str, str]:
    """Environment of a command that works on `project`; its builds lie there unless `build_dir` says otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GEOPLAN_")}
    named = {"GEOPLAN_PROJECT": str(project), "GEOPLAN_BUILD": str(build_dir or project / "build")}
    # Beside the project, never the copies of whoever runs the tests.
    named["GEOPLAN_PLANS"] = str(project.with_name(f"{project.name}-plans"))
    return kept | named | {"COLUMNS": "200", "NO_COLOR": "1"}


def geoplan(*arguments: str, project: Path, build_dir: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [GEOPLAN, *arguments],
        env=environment(project, build_dir), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def start(
    *arguments: str, project: Path, build_dir: Path | None = None, errors: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Run the command beside the test; its error stream is read line by line, or goes to the file `errors`."""
    command = [GEOPLAN, *arguments]
    env = environment(project, build_dir)
    return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True)


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
    files = sorted(path for path in build.path.rglob("*") if path.is_file())
    return {path.relative_to(build.path).as_posix(): sha256_file(path) for path in files}


HOSTILE = """<img src=x onerror="window.hacked=1">'"</script><script>window.hacked=1</script>${7*7}"""


def hostile_project(folder: Path, build: store.Build) -> Path:
    """A copy of the project whose build has markup for names, titles, notes and labels."""
    project = copy_project(folder, build)
    made = store.open_build(project / "build")
    for layer in ("counties", "farmland"):
        frame = store.read_layer_frame(made, layer)
        for column in {"name", "note", "plan_title", "value_text", "division_name"} & set(frame.columns):
            frame[column] = HOSTILE
        if "places" in frame:
            frame["places"] = [[HOSTILE]] * len(frame)
        metadata = store.layer_metadata(made, layer)
        named = {"zh": HOSTILE, "en": HOSTILE}
        metadata |= {"title": named, "description": named}
        metadata["legend"]["title"] = named
        for entry in metadata["legend"]["entries"]:
            entry["label"] = named
        metadata["sources"] = [source | {"title": HOSTILE} for source in metadata["sources"]]
        store.write_layer(made.path, layer, Layer(frame, metadata, store.layer_report(made, layer)))
    table = made.path / "gazetteer" / "names.parquet"
    names = pd.read_parquet(table)
    names.loc[names["code"].eq("140902"), "name"] = HOSTILE
    names.to_parquet(table)
    return project


def cited_text(lines: int = 1706) -> str:
    """A plan in words of our own, as long as the registered one: chapters, a cited figure in line 377, markup."""
    text = [f"本行为说明文字之{number}。" for number in range(1, lines + 1)]
    text[0] = "甲市农业规划"
    text[9] = "第三章 农业设施"
    text[19] = "第二节 农田建设"
    text[375] = f"上一行有符号{HOSTILE}。"
    text[376] = "一30万亩的任务由各县承担，其余另行安排。"
    return "\n".join(text) + "\n"


def register_text(project: Path, plan: str, text: str) -> Path:
    """Make `text` the registered text of a plan of a copied project and of its build; the file with it."""
    path = project.with_name(f"{plan}.txt")
    path.write_bytes(text.encode())
    before, after = "", sha256_file(path)
    table = project / "layers" / "plans.toml"
    for entry in table.read_text("utf-8").split("[[plan]]"):
        if f'id = "{plan}"' in entry:
            before = entry.split('sha256 = "')[1][:64]
    for file in (table, project / "build" / store.CURRENT / store.MANIFEST):
        file.write_text(file.read_text("utf-8").replace(before, after), "utf-8")
    return path
