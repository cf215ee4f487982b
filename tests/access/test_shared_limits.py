"""Token buckets that processes share: together they give what one alone would."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access.shared_limits import FILE_BYTES, SETS, SLOTS, SharedRateLimiter
from geoplan.errors import SettingsError
from tests.key_files import Clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rates.bin"


@pytest.fixture(scope="module")
def ever(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that goes through all examples; each takes a name of its own."""
    return tmp_path_factory.mktemp("rates") / "rates.bin"


def test_two_workers_count_together(path: Path, clock: Clock) -> None:
    one, other = SharedRateLimiter(path, clock), SharedRateLimiter(path, clock)
    assert [limiter.take("a", 2.0, 5) for limiter in (one, other, one, other, one)] == [0.0] * 5
    assert other.wait("a", 2.0, 5) == other.take("a", 2.0, 5) == pytest.approx(0.5)
    assert one.take("b", 2.0, 5) == 0.0
    clock.now += 0.5
    assert other.take("a", 2.0, 5) == 0.0
    assert one.take("a", 2.0, 5) > 0
    clock.now += 100
    assert sum(limiter.take("a", 2.0, 5) == 0.0 for _ in range(10) for limiter in (one, other)) == 5


@given(
    st.uuids(), st.floats(0.1, 100), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=100), st.data()
)
def test_never_more_than_the_burst_and_the_rate_allow(
    ever: Path, name: object, rate: float, burst: int, pauses: list[float], data: st.DataObject
) -> None:
    clock = Clock(1000.0)
    workers = [SharedRateLimiter(ever, clock) for _ in range(2)]
    taken = 0
    for pause in pauses:
        clock.now += pause
        taken += data.draw(st.sampled_from(workers)).take(str(name), rate, burst) == 0.0
    assert taken <= burst + rate * (clock.now - 1000.0) + 1e-6


def _take(path: Path, times: int) -> int:
    limiter = SharedRateLimiter(path)
    return sum(limiter.take("key:a", 0.001, 500) == 0.0 for _ in range(times))


def test_processes_at_once(path: Path) -> None:
    """They may lose a count now and then, but do not have the burst each."""
    with ProcessPoolExecutor(4, get_context("spawn")) as pool:
        taken = sum(pool.map(_take, [path] * 4, [400] * 4))
    assert 500 <= taken <= 520


def test_what_is_left_from_before_a_restart_of_the_machine_is_no_bucket(path: Path, clock: Clock) -> None:
    clock.now = 1e6
    SharedRateLimiter(path, clock).take("a", 0.01, 2)
    clock.now = 10.0
    assert SharedRateLimiter(path, clock).take("a", 0.01, 2) == 0.0


def test_very_many_callers(path: Path, clock: Clock) -> None:
    limiter = SharedRateLimiter(path, clock)
    for number in range(2 * SETS * SLOTS):
        limiter.take(f"192.0.2.{number}", 1.0, 5)
    assert path.stat().st_size == FILE_BYTES
    for _ in range(5):
        assert limiter.take("new", 1.0, 5) == 0.0
    assert limiter.take("new", 1.0, 5) > 0


def test_one_that_waits_keeps_its_place_before_those_that_are_full(path: Path, clock: Clock) -> None:
    limiter = SharedRateLimiter(path, clock)
    while limiter.take("busy", 0.001, 20) == 0.0:
        pass
    for number in range(SETS * SLOTS // 4):
        limiter.take(f"192.0.2.{number}", 1e6, 5)
        clock.now += 1e-4
    assert limiter.take("busy", 0.001, 20) > 0


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * FILE_BYTES, b"\xff" * (FILE_BYTES + 1)])
def test_a_file_of_anything(path: Path, clock: Clock, content: bytes) -> None:
    path.write_bytes(content)
    limiter = SharedRateLimiter(path, clock)
    assert [limiter.take("a", 2.0, 2) for _ in range(2)] == [0.0] * 2
    assert limiter.take("a", 2.0, 2) > 0
    os.truncate(path, 20)
    assert limiter.take("a", 2.0, 2) == 0.0
    assert sorted(one.name for one in path.parent.iterdir()) == ["rates.bin"]


def test_names_do_not_stand_in_the_file(path: Path, clock: Clock) -> None:
    SharedRateLimiter(path, clock).take("key:abcdefghijkl", 1.0, 5)
    assert b"abcdefghijkl" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "none" / "rates.bin", tmp_path / "file" / "rates.bin"):
        with pytest.raises(SettingsError, match=r"rates\.bin"):
            SharedRateLimiter(place)


def test_it_is_quick(path: Path) -> None:
    """A request waits for it on the event loop."""
    limiter = SharedRateLimiter(path)
    began = time.perf_counter()
    for number in range(2000):
        limiter.take(f"a{number % 50}", 1e6, 5)
    assert (time.perf_counter() - began) / 2000 < 0.001


HALTED = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


def test_a_worker_that_was_halted_with_a_lock_stops_nobody(path: Path) -> None:
    limiter = SharedRateLimiter(path)
    command = [sys.executable, "-c", HALTED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        began = time.perf_counter()
        assert limiter.take("a", 0.001, 1) == 0.0
        assert limiter.take("a", 0.001, 1) > 0
        assert time.perf_counter() - began < 1
        holder.communicate()
