"""Pages of mapped arrays are given back, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geoplan.pack.raw import RawArrays, release_pages

MEBIBYTE = 1 << 20


def mapped_mebibytes() -> float:
    """Pages of files that this process has in memory."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("RssFile:"))


def test_pages_are_given_back_and_values_stay(tmp_path: Path) -> None:
    raw = RawArrays(tmp_path)
    wanted = np.arange(8 * MEBIBYTE, dtype=np.int32).reshape(-1, 2)
    raw.append("positions", wanted)
    found = raw.load("positions", np.int32, 2)
    assert found.sum() == wanted.sum()
    held = mapped_mebibytes()
    half = len(found) // 2
    release_pages(found[:half])
    assert held - mapped_mebibytes() == pytest.approx(16, abs=2)
    release_pages(found[half:])
    assert held - mapped_mebibytes() == pytest.approx(32, abs=2)
    assert np.array_equal(found, wanted)
    raw.close()


@pytest.mark.parametrize("piece", [slice(0, 0), slice(1, 3), slice(1000, 5000), slice(9_999, 10_000)])
def test_any_piece_may_be_given_back(tmp_path: Path, piece: slice) -> None:
    raw = RawArrays(tmp_path)
    raw.append("ids", np.arange(10_000))
    found = raw.load("ids", np.int64)
    release_pages(found[piece])
    assert np.array_equal(found, np.arange(10_000))
    raw.close()


def test_arrays_in_memory_are_left_alone() -> None:
    values = np.arange(MEBIBYTE)
    release_pages(values[5:])
    release_pages(np.frombuffer(values.tobytes(), np.int64))
    assert np.array_equal(values, np.arange(MEBIBYTE))
