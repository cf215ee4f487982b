"""Small layers made in code; all shapes are in EPSG:4490 degrees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import geopandas as gpd
import pytest
from shapely import LineString, Point, box

from geoplan.crs import STORAGE

MakeLayer = Callable[..., gpd.GeoDataFrame]


def _layer(geometries: Sequence[Any], **columns: Sequence[Any]) -> gpd.GeoDataFrame:
    n = len(geometries)
    data = {"fid": range(10, 10 + n), "name": [f"f{i}" for i in range(n)], "class": [-1] * n, **columns}
    return gpd.GeoDataFrame(data, geometry=list(geometries), crs=STORAGE)


@pytest.fixture(scope="session")
def make_layer() -> MakeLayer:
    """Makes a layer frame from geometries; fids are 10, 11, 12, ..."""
    return _layer


@pytest.fixture
def mixed() -> gpd.GeoDataFrame:
    """A polygon, a line, a point and a fact without a place."""
    return _layer(
        [box(112, 37, 113, 38), LineString([(112, 37), (113, 38)]), Point(112.5, 37.5), None],
        division_code=["140100", None, "140300", None],
        value=[12.5, float("nan"), 1.0, 2.0],
        unit=["km2", None, "km2", "km2"],
        line=[4.0, float("nan"), 7.0, 8.0],
        note=["not for tiles"] * 4,
    )
