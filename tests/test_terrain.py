"""Elevation statistics against what can be computed by hand on small rasters made here."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin
from shapely import box

from geoplan.crs import STORAGE, area_m2
from geoplan.errors import CRSError, VectorError
from geoplan.terrain import COLUMNS, elevation_of


def _raster(path: Path, values: NDArray[np.float32], *, crs: str | None = "EPSG:4326", bands: int = 1) -> Path:
    """Ten by ten cells of 0.1 degrees with the north-west corner at 112 E, 39 N."""
    height, width = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=height, width=width, count=bands, dtype="float32", nodata=-9999,
        crs=crs, transform=from_origin(112, 39, 0.1, 0.1),
    ) as target:  # fmt: skip
        for band in range(1, bands + 1):
            target.write(values, band)
    return path


def _divisions(*boxes: tuple[float, float, float, float], source: str = "generalised") -> gpd.GeoDataFrame:
    codes = [f"14000{i}" for i in range(len(boxes))]
    data = {"code": codes, "name": codes, "geometry_source": source}
    return gpd.GeoDataFrame(data, geometry=[box(*b) for b in boxes], crs=STORAGE)


@pytest.fixture
def slope(tmp_path: Path) -> Path:
    """Rows fall from 1000 m in the north to 100 m in the south, 100 m a row."""
    values = np.repeat(np.arange(1000, 0, -100, dtype=np.float32)[:, None], 10, axis=1)
    return _raster(tmp_path / "slope.tif", values)


def test_mean_is_weighted_by_the_area_of_the_cells(slope: Path) -> None:
    table = elevation_of(slope, _divisions((112, 38, 113, 39)))
    bands = _divisions(*[(112, 39 - 0.1 * (i + 1), 113, 39 - 0.1 * i) for i in range(10)])
    expected = np.average(np.arange(1000, 0, -100), weights=area_m2(bands.geometry))
    assert tuple(table.columns) == COLUMNS
    row = table.iloc[0]
    assert (row["elevation_min_m"], row["elevation_max_m"], row["covered_share"]) == (100, 1000, 1)
    assert row["elevation_mean_m"] == pytest.approx(expected, rel=1e-4)
    # A mean of plain cells would be 550 exactly; northern, higher cells are smaller.
    assert row["elevation_mean_m"] < 550


def test_part_cover_and_holes_are_reported(tmp_path: Path, slope: Path) -> None:
    beyond = elevation_of(slope, _divisions((113.5, 38, 114, 39)))
    assert beyond.loc[0, "covered_share"] == 0
    assert np.isnan(beyond.loc[0, "elevation_mean_m"])
    values = np.full((10, 10), 500, dtype=np.float32)
    values[:, :5] = -9999
    holed = elevation_of(_raster(tmp_path / "holed.tif", values), _divisions((112, 38, 113, 39)))
    assert holed.loc[0, "covered_share"] == pytest.approx(0.5)
    assert holed.loc[0, "elevation_mean_m"] == 500


def test_unusable_input_is_refused(tmp_path: Path, slope: Path) -> None:
    flat = np.zeros((10, 10), dtype=np.float32)
    whole = _divisions((112, 38, 113, 39))
    with pytest.raises(CRSError, match="states no CRS"):
        elevation_of(_raster(tmp_path / "none.tif", flat, crs=None), whole)
    with pytest.raises(VectorError, match="2 bands"):
        elevation_of(_raster(tmp_path / "two.tif", flat, bands=2), whole)
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    with pytest.raises(VectorError, match=r"text\.tif cannot be read"):
        elevation_of(text, whole)
    with pytest.raises(VectorError, match="schematic"):
        elevation_of(slope, _divisions((112, 38, 113, 39), source="schematic"))
    with pytest.raises(CRSError):
        elevation_of(slope, whole.set_crs("EPSG:4326", allow_override=True))
