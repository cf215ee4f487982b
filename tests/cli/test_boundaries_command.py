"""`geoplan boundaries` as a user runs it, on files made from the schematic townships of one county."""

from __future__ import annotations

import subprocess
from pathlib import Path

import geopandas as gpd
import pytest

from geoplan import gcj02
from geoplan.layers.store import Build, read_boundaries
from geoplan.settings import Settings
from tests.commands import geoplan

COUNTY = "140321"


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Path:
    """A project whose boundary folder is empty but for the registry of sources."""
    folder = tmp_path / "project"
    (folder / "data" / "boundaries").mkdir(parents=True)
    (folder / "data" / "boundaries" / "SOURCES.toml").symlink_to(settings.boundaries_dir / "SOURCES.toml")
    return folder


@pytest.fixture
def townships(build: Build) -> gpd.GeoDataFrame:
    """The township cells of 平定县 under the column names of a land survey."""
    frame = read_boundaries(build, "townships")
    part = frame[frame["parent"] == COUNTY]
    return part[["code", "name", "geometry"]].rename(columns={"code": "XZQDM", "name": "XZQMC"})


def _run(project: Path, settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return geoplan("boundaries", *arguments, project=project, build_dir=settings.build_dir)


def _refused(result: subprocess.CompletedProcess[str], project: Path, *words: str) -> None:
    assert result.returncode == 1, result.stdout + result.stderr
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr
    store = project / "data" / "boundaries" / "imported"
    assert not store.exists() or not list(store.glob("[!.]*"))


def test_a_gbk_shapefile_is_imported_listed_and_removed(
    project: Path, settings: Settings, townships: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "xzq.shp"
    townships.to_file(path, encoding="GBK")
    path.with_suffix(".cpg").unlink()
    result = _run(project, settings, "import", str(path), "--level", "township", "--as-of", "2024-12-31")
    assert result.returncode == 0, result.stderr
    assert f"{len(townships)} divisions imported" in result.stdout
    (stored,) = (project / "data" / "boundaries" / "imported").glob("[!.]*")
    frame = gpd.read_parquet(stored / "boundaries.parquet")
    assert sorted(frame["name"]) == sorted(townships["XZQMC"])
    assert set(frame["geometry_source"]) == {"official"}
    assert stored.name in _run(project, settings, "list").stdout
    assert _run(project, settings, "remove", stored.name).returncode == 0
    assert not stored.exists()


def test_a_missing_crs_is_asked_for(
    project: Path, settings: Settings, townships: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "xzq.shp"
    townships.to_file(path, encoding="GBK")
    path.with_suffix(".prj").unlink()
    _refused(_run(project, settings, "import", str(path), "--level", "township"), project, "xzq.shp", "--crs EPSG:4490")
    result = _run(project, settings, "import", str(path), "--level", "township", "--crs", "EPSG:4490")
    assert result.returncode == 0, result.stderr


def test_wrong_features_are_named(
    project: Path, settings: Settings, townships: gpd.GeoDataFrame, tmp_path: Path
) -> None:
    path = tmp_path / "xzq.gpkg"
    wrong = townships.copy()
    wrong.iloc[3, 0], wrong.iloc[3, 1] = "140321999", "巨成镇"
    wrong.to_file(path)
    result = _run(project, settings, "import", str(path), "--level", "township")
    _refused(result, project, "xzq.gpkg: feature 4 (巨成镇)", "巨城镇")


def test_gcj02_under_another_label_is_found(project: Path, settings: Settings, build: Build, tmp_path: Path) -> None:
    counties = read_boundaries(build, "counties")
    county = counties[counties["code"] == COUNTY][["code", "name", "geometry"]]
    county = county.set_geometry(list(gcj02.geometries_from_wgs84(county.geometry.to_numpy())), crs="EPSG:4326")
    path = tmp_path / "county.geojson"
    county.to_file(path, driver="GeoJSON")
    result = _run(project, settings, "import", str(path), "--level", "county")
    _refused(result, project, "GCJ-02", "--accept-gcj02")
    result = _run(project, settings, "import", str(path), "--level", "county", "--accept-gcj02")
    assert result.returncode == 0, result.stderr
