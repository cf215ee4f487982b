"""Builds that are stopped, killed, repeated at once, or without room: the pack is whole or not there."""

from __future__ import annotations

import filecmp
import subprocess
import sys
from pathlib import Path

import pytest

from geoplan.errors import PackError
from geoplan.pack import journal, spill
from geoplan.pack.build import build_pack, pack_frame
from geoplan.pack.open import open_pack
from geoplan.pack.verify import verify_pack
from tests.pack.parcels import OPTIONS, parcels, small, written

__all__ = ["small"]


@pytest.mark.usefixtures("small")
def test_a_stopped_build_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path / "p.parquet", parcels())
    build_pack(source, tmp_path / "whole", OPTIONS)

    def stop(step: str, done: int, _total: int) -> None:
        if step == "reading" and done >= 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_pack(source, tmp_path / "pack", OPTIONS, progress=stop)
    assert not (tmp_path / "pack").exists()
    spilled = sorted((tmp_path / ".pack.scratch").glob("batch-*.arrow"))
    assert len(spilled) >= 3
    times = [path.stat().st_mtime_ns for path in spilled]
    spilled[-1].write_bytes(spilled[-1].read_bytes()[:100])  # the machine went down before it was on the disk
    calls: list[int] = []
    prepare = spill.prepare
    monkeypatch.setattr(
        spill, "prepare", lambda batch, first, plan: (calls.append(first), prepare(batch, first, plan))[1]
    )
    seen: list[int] = []

    def tell(step: str, _done: int, _total: int) -> None:
        if step == "sorting" and not seen:
            seen.extend(path.stat().st_mtime_ns for path in spilled[:-1])

    build_pack(source, tmp_path / "pack", OPTIONS, progress=tell)
    assert min(calls) == 64 * (len(spilled) - 1)
    assert seen == times[:-1]
    names = list(open_pack(tmp_path / "whole").manifest.files)
    assert filecmp.cmpfiles(tmp_path / "whole", tmp_path / "pack", names, shallow=False)[0] == names
    assert not (tmp_path / ".pack.scratch").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from geoplan.pack import merge, read
from geoplan.pack.build import PackOptions, build_pack
read.BATCH_ROWS, merge.BUCKET_ROWS = 64, 37
def kill(step, done, total):
    if step == sys.argv[3]:
        os.kill(os.getpid(), signal.SIGKILL)
build_pack(Path(sys.argv[1]), Path(sys.argv[2]), PackOptions(id="parcels"), progress=kill)
"""


@pytest.mark.parametrize("step", ["reading", "sorting", "fragments", "writing"])
def test_a_killed_build_leaves_nothing_half_made(tmp_path: Path, step: str) -> None:
    source = written(tmp_path / "p.parquet", parcels())
    command = [sys.executable, "-c", KILLED, str(source), str(tmp_path / "pack"), step]
    assert subprocess.run(command, check=False, timeout=300).returncode == -9
    assert not (tmp_path / "pack").exists()
    assert build_pack(source, tmp_path / "pack", OPTIONS).count == 500
    verify_pack(tmp_path / "pack")
    assert not list(tmp_path.glob(".pack*"))


@pytest.mark.usefixtures("small")
def test_what_another_source_left_is_removed(tmp_path: Path) -> None:
    def stop(step: str, _done: int, _total: int) -> None:
        if step == "sorting":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_pack(written(tmp_path / "p.parquet", parcels()), tmp_path / "pack", OPTIONS, progress=stop)
    other = written(tmp_path / "q.parquet", parcels(90, seed=9))
    assert build_pack(other, tmp_path / "pack", OPTIONS).count == 90
    verify_pack(tmp_path / "pack")


def test_only_one_build_at_a_time(tmp_path: Path) -> None:
    with journal.lock(tmp_path / "pack"), pytest.raises(PackError, match="another build"):
        pack_frame(parcels(3), tmp_path / "pack", OPTIONS)
    pack_frame(parcels(3), tmp_path / "pack", OPTIONS)


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from geoplan.errors import PackError
from geoplan.pack.build import PackOptions, build_pack
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    build_pack(Path(sys.argv[1]), Path(sys.argv[2]), PackOptions(id="parcels"))
except PackError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [20_000, 70_000])
def test_a_full_disk_is_one_message_and_no_pack(tmp_path: Path, size: int) -> None:
    source = written(tmp_path / "p.parquet", parcels())
    command = [sys.executable, "-c", FULL_DISK, str(source), str(tmp_path / "pack"), str(size)]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert "no room left on the disk" in run.stdout
    assert run.stderr == ""
    assert not (tmp_path / "pack").exists()
    assert not (tmp_path / ".pack.new").exists()
    assert build_pack(source, tmp_path / "pack", OPTIONS).count == 500
