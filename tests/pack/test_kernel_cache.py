"""Compiled kernels do not outlive a change of the sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.pack.kernel_cache import PACKAGES, discard_stale, state_of_sources


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name in PACKAGES:
        (tmp_path / name / "__pycache__").mkdir(parents=True)
        (tmp_path / name / "kernel.py").write_text("inner = 1")
    discard_stale(tmp_path)
    for name in PACKAGES:
        (tmp_path / name / "__pycache__" / "kernel.outer-12.py311.nbi").touch()
        (tmp_path / name / "__pycache__" / "kernel.outer-12.py311.1.nbc").touch()
    return tmp_path


def test_nothing_is_removed_while_the_sources_are_the_same(package: Path) -> None:
    assert not discard_stale(package)
    assert len(list(package.rglob("*.nb?"))) == 2 * len(PACKAGES)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_change_of_any_source_removes_all_kernels(package: Path, name: str) -> None:
    before = state_of_sources(package)
    (package / name / "kernel.py").write_text("inner = 22")
    assert state_of_sources(package) != before
    assert discard_stale(package)
    assert not list(package.rglob("*.nb?"))
    assert not discard_stale(package)
