"""Builds of a pack that end in the middle, by a full disk or by force: the last good version is served on."""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from geoplan.pack.publish import publish_pack
from geoplan.pack.verify import verify_pack
from tests.commands import GEOPLAN, ROOT, environment
from tests.services.faults import grids
from tests.services.faults.service import Service, serving

LARGE, SMALL = 240, 20
KILLS = 4


def build_command(file: Path) -> list[str]:
    """The command that builds the pack ``plots`` of a file and puts it in use."""
    return [GEOPLAN, "pack", "build", str(file), "--id", "plots", "--id-column", "fid", "--datetime", "day"]


def packed(file: Path, build_dir: Path, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        build_command(file), env=environment(ROOT, build_dir), preexec_fn=before, capture_output=True, text=True, timeout=120,  # noqa: E501
        check=False,
    )  # fmt: skip


def served_version(service: Service) -> int:
    """Version of the plots that is served; it must be whole."""
    answer = service.ask("/collections/plots/items?limit=10&filter=class=1")
    assert answer.status == 200, answer
    content = json.loads(answer.body)
    (version,) = {feature["properties"]["version"] for feature in content["features"]}
    return int(version)


def check_served(service: Service, build_dir: Path, version: int) -> None:
    """Version `version` is served, and it is whole on the disk."""
    for _ in range(4):
        assert served_version(service) == version
    assert verify_pack(build_dir / "packs" / "plots").source.columns[0].values[0].as_py() == version


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Sources by version: 2 is large, 3 is small."""
    folder = tmp_path_factory.mktemp("sources")
    for version, side in ((2, LARGE), (3, SMALL)):
        grids.plots(version, side).to_parquet(folder / f"{version}.parquet")
    return {version: folder / f"{version}.parquet" for version in (2, 3)}


def _file_size_limit() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def _wait(service: Service, version: int, most_s: float = 10) -> None:
    deadline = time.monotonic() + most_s
    while served_version(service) != version and time.monotonic() < deadline:
        time.sleep(0.3)
    time.sleep(1.2)  # the other worker looks once a second, too


def test_a_build_that_finds_no_room_changes_nothing(service: Service, build_dir: Path, files: dict[int, Path]) -> None:
    begin = served_version(service)
    failed = packed(files[2], build_dir, _file_size_limit)

    assert failed.returncode == 1, failed
    assert "Traceback" not in failed.stderr, failed.stderr[-2000:]
    assert failed.stderr.splitlines()[-1].startswith("geoplan: "), failed.stderr
    check_served(service, build_dir, begin)


def test_builds_that_are_killed_change_nothing_and_the_next_one_succeeds(
    service: Service, build_dir: Path, files: dict[int, Path]
) -> None:
    begin = served_version(service)
    chance = random.Random(7)  # noqa: S311 - not for secrets
    lasted = 0.0
    for _ in range(2):  # the first may have to compile, and says nothing of how long a build lasts
        clock = time.monotonic()
        assert packed(files[3], build_dir.with_name("other")).returncode == 0
        lasted = time.monotonic() - clock
    for _ in range(KILLS):
        process = subprocess.Popen(
            build_command(files[2]),
            env=environment(ROOT, build_dir),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.4, 0.95) * lasted)
        process.kill()
        process.wait()
        # It may have been killed after the switch, as its last act.
        _wait(service, 2, most_s=1.5)
        begin = served_version(service)
        check_served(service, build_dir, begin)

    done = packed(files[2], build_dir)
    assert done.returncode == 0, done.stderr
    _wait(service, 2)
    check_served(service, build_dir, 2)
    left = [
        path.name for path in (build_dir / "packs" / "plots").iterdir() if path.name.startswith(".") and path.is_dir()
    ]
    assert not left, f"a build left {left} behind"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    if not mounted:
        pytest.skip("no file system can be mounted here; the limit on a file's size is tested instead")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_changes_nothing_and_the_next_build_succeeds(
    full_disk: Path, builds: dict[str, Path], files: dict[int, Path], tmp_path: Path
) -> None:
    build_dir = full_disk / "build"
    grids.switch(build_dir, builds["v1"])
    publish_pack(grids.plots(1), build_dir / "packs", grids.options("plots"))
    with serving(build_dir, tmp_path / "service.log") as service:
        failed = packed(files[2], build_dir)
        assert failed.returncode == 1, failed
        assert "Traceback" not in failed.stderr, failed.stderr[-2000:]
        assert failed.stderr.splitlines()[-1].startswith("geoplan: "), failed.stderr
        check_served(service, build_dir, 1)
        # Even the last byte is taken.
        ballast = full_disk / "ballast"
        with pytest.raises(OSError, match="No space"), ballast.open("wb", buffering=0) as stream:
            stream.writelines(itertools.repeat(b"x" * 4096))
        check_served(service, build_dir, 1)
        ballast.unlink()
        done = packed(files[3], build_dir)
        assert done.returncode == 0, done.stderr
        _wait(service, 3)
        check_served(service, build_dir, 3)
        assert "Traceback" not in service.log, service.log[-2000:]


def test_a_build_that_is_stopped_by_ctrl_c_says_so_and_changes_nothing(
    service: Service, build_dir: Path, files: dict[int, Path]
) -> None:
    begin = served_version(service)
    process = subprocess.Popen(
        build_command(files[3]),
        env=environment(ROOT, build_dir),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors, errors[-1500:]
    assert served_version(service) in {begin, 3}
