"""A build that is killed: what was in use stays whole, and the next build succeeds as if nothing had happened."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.pipeline.publish import KEPT_VERSIONS
from tests.commands import contents, copy_project, environment, geoplan, start

# Steps of a whole build after whose beginning the process is killed, and of one that keeps the boundaries.
WHOLE = ("names", "writing boundaries")
KEPT = ("layer coverage", "layer stops", "done")
# Runs the command; the process kills itself before or after the named call of the publishing.
DIES = """
import os, signal, sys
from pathlib import Path
from geoplan.cli import main
name, when = sys.argv.pop(1), sys.argv.pop(1)
call = getattr(Path, name)
def dies(path, *rest, **named):
    if not any(part in ("versions", "build") for part in path.parts[-3:]):
        return call(path, *rest, **named)
    if when == "after":
        call(path, *rest, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(Path, name, dies)
main()
"""
PUBLISHING = [("rename", "before"), ("rename", "after"), ("symlink_to", "after"), ("replace", "after")]


@pytest.fixture(scope="module")
def project(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is killed again and again."""
    return copy_project(tmp_path_factory.mktemp("crash") / "project", build)


def touch_records(project: Path) -> None:
    """Change a record file, so that there is something to build."""
    path = project / "layers" / "records" / "clusters.csv"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")


def read_all(build: Build) -> None:
    """Read everything that a service reads."""
    for layer in store.layer_ids(build):
        assert len(store.read_layer_frame(build, layer)) == store.layer_metadata(build, layer)["count"]
        assert store.layer_report(build, layer)["selected"]
    assert store.plans(build)
    assert store.gazetteer(build).divisions


def kill_at(step: str, *arguments: str, project: Path) -> None:
    """Start a build and kill it a moment after `step` has begun."""
    process = start("build", *arguments, project=project)
    assert process.stderr is not None
    with process.stderr as lines:
        seen = next((line for line in lines if line.rstrip().endswith(f": {step}")), "")
        assert seen, step
        # A layer is made in a moment: waiting longer would kill a build that has been published.
        is_short = step == "done" or step.startswith("layer")
        time.sleep(random.uniform(0, 0.05 if is_short else 0.4))  # noqa: S311
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode in ({-signal.SIGKILL, 0} if step == "done" else {-signal.SIGKILL})


@pytest.mark.parametrize("step", [*(f"{step} --force" for step in WHOLE), *KEPT])
def test_a_kill_while_building_leaves_the_last_build(project: Path, step: str) -> None:
    before = store.open_build(project / "build")
    whole = contents(before)
    name, _, option = step.partition(" --")
    touch_records(project)
    kill_at(name, *([f"--{option}"] if option else []), project=project)
    after = store.open_build(project / "build")
    read_all(after)
    if name != "done":
        assert (after, contents(after)) == (before, whole)


@pytest.mark.parametrize(("call", "when"), PUBLISHING)
def test_a_kill_while_publishing_leaves_the_last_build_or_the_new_one(project: Path, call: str, when: str) -> None:
    before = store.open_build(project / "build")
    whole = contents(before)
    touch_records(project)
    ended = subprocess.run(
        [sys.executable, "-c", DIES, call, when, "build"],
        env=environment(project), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    after = store.open_build(project / "build")
    read_all(after)
    assert (after != before) == (call == "replace")
    if after == before:
        assert contents(after) == whole


def test_the_next_build_succeeds_and_is_what_it_would_have_been(project: Path, build: Build) -> None:
    touch_records(project)
    ended = geoplan("build", project=project)
    assert ended.returncode == 0, ended.stderr
    made = store.open_build(project / "build")
    read_all(made)
    unkilled, found = contents(build), contents(made)
    # An empty line at the end of a record file changes the version and nothing else.
    assert found | {store.MANIFEST: ""} == unkilled | {store.MANIFEST: ""}
    versions = sorted(path.name for path in (project / "build" / "versions").iterdir())
    assert not [name for name in versions if name.startswith(".")]
    assert len(versions) <= KEPT_VERSIONS
