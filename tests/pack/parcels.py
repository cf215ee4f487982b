"""Parcels to be packed, and batches so small that a few hundred of them make many."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan.pack import merge, read, spill
from geoplan.pack.build import PackOptions

OPTIONS = PackOptions(id="parcels")


def parcels(n: int = 500, seed: int = 3) -> gpd.GeoDataFrame:
    """Parcels in rows of 40, shuffled; some without a shape or a value."""
    random = np.random.default_rng(seed)
    order = random.permutation(n)
    x, y = 112.5 + order % 40 * 0.001, 37.8 + order // 40 * 0.001
    shapes = shapely.box(x, y, x + 0.001, y + 0.001)
    shapes[random.random(n) < 0.02] = None
    return gpd.GeoDataFrame(
        {
            "fid": order + 10,
            "number": [f"14{k:08}" for k in order],
            "use": random.choice(["耕地", "林地", 'x"\\'], n),
            "year": pd.array(random.choice([2019, 2020, 2021], n), "Int64"),
            "price": np.where(random.random(n) < 0.1, np.nan, np.round(random.lognormal(6, 1, n), 2)),
            "day": pd.to_datetime("2020-01-01") + pd.to_timedelta(random.integers(0, 900, n), "D"),
        },
        geometry=shapes,
        crs=4490,
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches and ranges so small that a few hundred features make many of them."""
    monkeypatch.setattr(read, "BATCH_ROWS", 64)
    monkeypatch.setattr(merge, "BUCKET_ROWS", 37)
    monkeypatch.setattr(spill, "MOST_CODES", 60)


def written(path: Path, frame: gpd.GeoDataFrame, **options: Any) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, **options)
    else:
        frame.to_file(path, **options)
    return path
