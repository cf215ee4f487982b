"""One real build of the repository's own layers and records, shared by all tests that read it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import hypothesis
import pytest

from geoplan.layers.store import Build
from geoplan.pack.kernel_cache import state_of_sources
from geoplan.pipeline import run_build
from geoplan.settings import Settings
from tests.postgis_land import cluster, land, scratch  # noqa: F401 - fixtures for all folders, so that there is one

# How long one example takes says how busy the machine is, not whether the code is right.
hypothesis.settings.register_profile("geoplan", deadline=None)
hypothesis.settings.load_profile("geoplan")

ROOT = Path(__file__).parents[1]

# Two processes that compile one function for different arguments at the same time spoil numba's cache on the disk.
if "PYTEST_XDIST_WORKER" in os.environ:
    place = ROOT / ".pytest_cache" / "numba" / state_of_sources()[:16] / os.environ["PYTEST_XDIST_WORKER"]
    os.environ["NUMBA_CACHE_DIR"] = str(place)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of this repository with the builds in a folder of the test run."""
    base = tmp_path_factory.getbasetemp()
    # Workers of one run have a folder each below a common one; they share the build.
    shared = base.parent if base.name.startswith("popen-") else base
    return Settings(ROOT, shared / "build")


@pytest.fixture(scope="session")
def build(settings: Settings) -> Build:
    """The build, made by the first worker that asks for it."""
    settings.build_dir.mkdir(parents=True, exist_ok=True)
    with (settings.build_dir / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return run_build(settings).build
