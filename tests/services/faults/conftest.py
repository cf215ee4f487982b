"""A service over three builds and three packs that can be told apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from geoplan.pack.publish import publish_pack
from tests.services.faults import grids
from tests.services.faults.service import Service, serving

VERSIONS = (1, 2, 3)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Builds by the name of their version; each has the layer ``places``."""
    folder = tmp_path_factory.mktemp("builds")
    return {f"v{version}": grids.write_build(folder / f"v{version}", version, "places") for version in VERSIONS}


@pytest.fixture(scope="module")
def build_dir(tmp_path_factory: pytest.TempPathFactory, builds: dict[str, Path]) -> Path:
    """A folder of builds with build v1 in use and version 1 of the pack ``plots``."""
    folder = tmp_path_factory.mktemp("served") / "build"
    grids.switch(folder, builds["v1"])
    publish_pack(grids.plots(1), folder / "packs", grids.options("plots"))
    return folder


@pytest.fixture(scope="module")
def service(build_dir: Path) -> Iterator[Service]:
    """Two workers that serve it, for all tests of a file."""
    with serving(build_dir, build_dir.with_name("service.log")) as running:
        yield running
