"""A small pack with codes, numbers, JSON, missing values and missing shapes, and a folder of jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from shapely import LineString, Point, box

from geoplan.crs import STORAGE
from geoplan.pack.build import PackOptions, pack_frame
from geoplan.processes import jobs
from geoplan.processes.model import Context

COUNT = 60


def make_frame() -> gpd.GeoDataFrame:
    """Points, lines and squares between 112°-113° E and 37°-38° N; ids 5, 10, 15, ..."""
    shapes: list[Any] = []
    for i in range(COUNT):
        x, y = 112 + i % 10 / 10, 37 + i // 10 / 10
        kinds = [Point(x, y), LineString([(x, y), (x + 0.03, y + 0.05)]), box(x, y, x + 0.05, y + 0.05), None]
        shapes.append(kinds[i % 4])
    return gpd.GeoDataFrame(
        {
            "fid": [5 * (i + 1) for i in range(COUNT)],
            "name": [None if i % 7 == 0 else f'地块"{i}",\n' for i in range(COUNT)],
            "use": [("farm", "wood", "town")[i % 3] for i in range(COUNT)],
            "area": [float("nan") if i % 5 == 0 else i / 4 for i in range(COUNT)],
            "year": [2020 + i % 4 for i in range(COUNT)],
            # Missing in some batches and not in others: a file has one type for all.
            "floors": pd.array([None if i < 20 and i % 2 else 2**60 + i for i in range(COUNT)], "Int64"),
            "remark": [None if i < 30 else "x" for i in range(COUNT)],
            "checked": pd.array([None if i > 40 else i % 2 == 0 for i in range(COUNT)], "boolean"),
            "notes": [["a", i] if i % 2 else [] for i in range(COUNT)],
        },
        geometry=shapes,
        crs=STORAGE,
    )


def make_squares(side: float, uses: list[str]) -> gpd.GeoDataFrame:
    """Squares side by side from 112° E, 37° N to the east."""
    shapes = [box(112 + i * side, 37, 112 + (i + 1) * side, 37.4) for i in range(len(uses))]
    return gpd.GeoDataFrame({"fid": range(1, len(uses) + 1), "use": uses}, geometry=shapes, crs=STORAGE)


def options(id_: str) -> PackOptions:
    """As the build packs a layer."""
    return PackOptions(id=id_, title={"zh": "地块", "en": "Parcels"}, id_column="fid", sources=({"title": "来源"},))


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folder of the pack by collection id."""
    folder = tmp_path_factory.mktemp("packs")
    frames = {
        "parcels": make_frame(),
        "nothing": make_frame().iloc[:0],
        "west": make_squares(0.2, ["farm", "wood", "farm"]),
        "zones": make_squares(0.3, ["core", "edge"]),
    }
    for id_, frame in frames.items():
        pack_frame(frame, folder / id_, options(id_))
    return {id_: folder / id_ for id_ in frames}


@pytest.fixture
def context(tmp_path: Path, packs: dict[str, Path]) -> Context:
    """What a run is given."""
    folder = tmp_path / "job"
    folder.mkdir()
    return Context(folder, packs, lambda *_: None)


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Jobs wait: no runner is started. The folders for which one would have been."""
    started: list[Path] = []
    monkeypatch.setattr(jobs, "start_runner", started.append)
    return started


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Folder of jobs; what still runs in it is ended."""
    path = tmp_path / "jobs"
    yield path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "start_runner", lambda _: None)
        for job in jobs.list_jobs(path):
            if not job.ended:
                jobs.cancel(path, job.id)
