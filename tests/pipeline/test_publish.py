"""Publishing: the finished folder is in use whole or not at all, at whichever moment the process dies."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from geoplan.errors import BuildError
from geoplan.layers import store
from geoplan.pipeline.publish import KEPT_VERSIONS, build_lock, publish, reuse, work_folder

FILES = 5
# Publishes a folder in a forked child that is killed at its n-th call to the file system, for n = 0, 1, 2 ...
DRIVER = """
import json, os, shutil, signal, sys
from pathlib import Path
from geoplan.layers.store import CURRENT, MANIFEST, open_build
from geoplan.pipeline.publish import publish, work_folder

base, files = Path(sys.argv[1]), int(sys.argv[2])

def fill(folder, text):
    for number in range(files):
        path = folder / "layers" / f"{number}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / MANIFEST).write_text(text)

def texts(folder):
    return sorted(path.read_text() for path in folder.rglob("*") if path.is_file())

def die_at(left):
    def hook(event, arguments):
        nonlocal left
        if event.startswith(("os.", "shutil.")) or event == "open":
            left -= 1
            if left == -1:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

outcomes = []
for moment in range(10_000):
    root = base / str(moment)
    for old in ("a", "b", "old"):
        fill(root / "versions" / old, old)
    (root / CURRENT).symlink_to("versions/old")
    fill(work_folder(root, "new"), "new")
    child = os.fork()
    if child == 0:
        die_at(moment)
        publish(root / "versions" / ".work-new", root, "new")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    used = open_build(root).path
    found = texts(used)
    assert found == [used.name] * (files + 1), (moment, found)
    new = root / "versions" / "new"
    assert not new.exists() or texts(new) == ["new"] * (files + 1), moment
    fill(work_folder(root, "next"), "next")
    assert {path.name for path in (root / "versions").iterdir()} <= {"a", "b", "old", "new", ".work-next"}
    publish(root / "versions" / ".work-next", root, "next")
    assert texts(open_build(root).path) == ["next"] * (files + 1), moment
    outcomes.append(used.name)
    shutil.rmtree(root)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
print(json.dumps(outcomes))
"""


def test_a_kill_at_any_call_leaves_the_old_build_or_the_new_one_whole(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(FILES)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    outcomes = json.loads(ended.stdout)
    switched = outcomes.index("new")
    assert outcomes == ["old"] * switched + ["new"] * (len(outcomes) - switched)
    assert switched > FILES  # each file is flushed before the switch
    assert len(outcomes) - switched > 2  # old versions are removed after it


def finished(build_dir: Path, version: str) -> Path:
    work = work_folder(build_dir, version)
    (work / store.MANIFEST).write_text(json.dumps({"version": version}), "utf-8")
    return publish(work, build_dir, version)


def test_a_version_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    first = finished(tmp_path, "v")
    again = finished(tmp_path, "v")
    assert (first.name, again.name) == ("v", "v-1")
    assert first.is_dir()
    assert store.open_build(tmp_path).path == again.resolve()


def test_old_versions_are_kept_for_readers_but_not_for_ever(tmp_path: Path) -> None:
    for number in range(KEPT_VERSIONS + 3):
        finished(tmp_path, f"v{number}")
        assert (tmp_path / "versions" / f"v{max(number - 1, 0)}").is_dir()
    left = {path.name for path in (tmp_path / "versions").iterdir()}
    assert len(left) == KEPT_VERSIONS
    assert store.open_build(tmp_path).version in left


def test_the_link_is_relative_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    finished(tmp_path / "build", "v")
    (tmp_path / "build").rename(tmp_path / "elsewhere")
    assert store.manifest(store.open_build(tmp_path / "elsewhere")) == {"version": "v"}


def test_one_build_at_a_time(tmp_path: Path) -> None:
    with (
        build_lock(tmp_path / "build"),
        pytest.raises(BuildError, match=r"another build is running in build/; wait for it to end\."),
        build_lock(tmp_path / "build"),
    ):
        pass
    with build_lock(tmp_path / "build"):
        pass


def test_a_file_taken_over_is_not_copied(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_text("x", "utf-8")
    reuse(source, tmp_path / "new" / "a")
    assert (tmp_path / "new" / "a").samefile(source)
