"""Import of county and township boundaries: real files in many shapes, and planted faults."""

from __future__ import annotations

import json
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from official_files import PINGDING, Edit, all_townships, counties, refused, renamed, run, townships, write

from geoplan import gcj02
from geoplan.boundaries import importer
from geoplan.boundaries.importer import list_imports, read_imports
from geoplan.errors import ImportRefusedError, VectorError
from geoplan.terms import Level


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def test_gbk_shapefile_without_prj_and_cpg(tmp_path: Path, store: Path) -> None:
    path = write(townships(), tmp_path, "乡镇.shp", encoding="GB18030")
    path.with_suffix(".prj").unlink()
    path.with_suffix(".cpg").unlink()
    with pytest.raises(VectorError, match="--crs EPSG:4490"):
        run(path, store)
    report = run(path, store, crs="EPSG:4490")
    assert (report.count, report.datum.verdict, report.missing, report.converted) == (10, "ok", (), False)
    assert report.warnings == ()
    frame = read_imports(store, "township")
    assert frame is not None
    assert list(frame.columns) == list(importer.COLUMNS)
    assert frame.crs.to_epsg() == 4490
    assert list(frame["code"]) == sorted(all_townships()["XZQDM"])
    assert set(frame["name"]) == set(all_townships()["XZQMC"])
    assert set(zip(frame["geometry_source"], frame["datum"], frame["source"], frame["parent"], strict=True)) == {
        ("official", "CGCS2000", "平定县自然资源局", PINGDING)
    }
    (stored,) = list_imports(store)
    assert stored.import_id == report.import_id == f"township-{stored.provenance['sha256'][:12]}"
    assert (stored.level, stored.count) == (Level.TOWNSHIP, 10)
    assert stored.provenance["encoding"] == "GB18030"
    assert stored.provenance["crs_declared"] is False
    assert str(tmp_path) not in json.dumps(stored.provenance)
    assert read_imports(store, Level.COUNTY) is None


@pytest.mark.parametrize("zone", [4546, 4547, 4525, 4526, 4326])
def test_zones_of_gauss_krueger_are_fine(tmp_path: Path, store: Path, zone: int) -> None:
    report = run(write(townships().to_crs(zone), tmp_path), store)
    assert (report.count, report.warnings) == (10, ())
    frame = read_imports(store, "township")
    assert frame is not None
    assert set(frame["datum"]) == {"WGS84" if zone == 4326 else "CGCS2000"}
    by_code = townships().set_index("XZQDM").geometry
    assert all(
        by_code[c].symmetric_difference(g).area < 1e-7 for c, g in zip(frame["code"], frame.geometry, strict=True)
    )


def test_file_geodatabase_and_layer_choice(tmp_path: Path, store: Path) -> None:
    path = write(townships(), tmp_path, "三调.gdb", driver="OpenFileGDB", layer="XZQ", promote_to_multi=True)
    townships().head(1).to_file(
        path, driver="OpenFileGDB", layer="CJDCQ", engine="pyogrio", append=True, promote_to_multi=True
    )
    with pytest.raises(VectorError, match="2 layers"):
        run(path, store)
    assert run(path, store, layer="XZQ").count == 10


def bow(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    x, y = frame.geometry[2].representative_point().coords[0]
    frame.loc[2, "geometry"] = shapely.Polygon([(x, y), (x + 0.1, y + 0.1), (x + 0.1, y), (x, y + 0.1)])
    return frame


def null(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.loc[2, "geometry"] = None
    return frame


def overlapping(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.loc[2, "geometry"] = frame.geometry[2].union(
        shapely.box(*frame.geometry[2].representative_point().buffer(0.02).bounds)
    )
    frame.loc[2, "geometry"] = frame.geometry[2].union(frame.geometry[3].buffer(-0.01))
    return frame


def holed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.loc[2, "geometry"] = frame.geometry[2].difference(frame.geometry[2].representative_point().buffer(0.005))
    return frame


def far_off(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.loc[2, "geometry"] = shapely.transform(frame.geometry[2], lambda xy: xy + np.array([-1.0, -1.0]))
    return frame


def shrunken(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    west, south, east, north = frame.total_bounds
    lower = shapely.box(west, south, east, (south + north) / 2)
    frame.loc[3:6, "geometry"] = shapely.intersection(frame.geometry.to_numpy()[3:7], lower)
    return frame


def pointed(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    frame.loc[2, "geometry"] = frame.geometry[2].representative_point()
    return frame


@pytest.mark.parametrize(
    ("edit", "code", "words"),
    [
        (bow, "geometry", r"feature 3 \(.+\): its geometry is invalid: Self-intersection"),
        (null, "geometry", r"feature 3 \(.+\): it has no geometry"),
        (pointed, "not-polygon", r"feature 3 \(.+\): it is a Point, not an area"),
        (
            renamed(2, "无此镇", "140321999"),
            "unknown-division",
            r"平定县 has no .+ division '无此镇'.*Correct the name",
        ),
        (renamed(2, "无此镇", "1403"), "unknown-division", r"has 6, 9 or 12 digits"),
        (renamed(2, "某村", "140321107201"), "unknown-division", r"is that of a village, not of a township"),
        (renamed(2, "古城镇", ""), "unknown-division", r"平定县 has no"),
        (renamed(2, "巨城镇", "140321107"), "duplicate", r"features \d+, \d+ are all 巨城镇 \(140321107\)"),
        (overlapping, "overlap", r"feature 3 \(.+\) and feature 4 \(.+\) overlap by [\d,]+ m²"),
        (holed, "gap", r"a gap of [\d,]+ m² at 113\.\d+° E 37\.\d+° N between feature 3"),
        (far_off, "misplaced", r"feature 3 \(.+\): 100% of it lies outside 平定县 \(140321\)"),
        (far_off, "outside-parent", r"平定县 \(140321\): [\d,.]+ km² lie more than 3,000 m outside"),
        (shrunken, "uncovered-parent", r"more than 3,000 m from every feature, though none is missing"),
    ],
)
def test_planted_fault_is_named(tmp_path: Path, store: Path, edit: Edit, code: str, words: str) -> None:
    error = refused(write(edit(townships()), tmp_path), store)
    found = [str(p) for p in error.problems if p.code == code]
    assert found, error.problems
    assert any(re.search(words, text) for text in found), found
    assert "the store is as it was" in str(error)


def test_all_faults_are_gathered(tmp_path: Path, store: Path) -> None:
    frame = renamed(5, "无此镇", "140321999")(null(townships()))
    frame = renamed(6, "巨城镇", "140321107")(frame)
    error = refused(write(frame, tmp_path), store)
    assert {p.code for p in error.problems} >= {"geometry", "unknown-division", "duplicate"}
    assert str(error).startswith(f"乡镇.gpkg was not imported, it has {len(error.problems)} faults")


def test_swapped_names_are_misplaced(tmp_path: Path, store: Path) -> None:
    frame = counties("140321", "140322", "140311")
    frame["NAME"], frame["PAC"] = frame["NAME"].to_numpy()[[1, 0, 2]], frame["PAC"].to_numpy()[[1, 0, 2]]
    error = refused(write(frame, tmp_path), store, level="county")
    assert sum(p.code == "misplaced" for p in error.problems) == 2


def test_gcj02_is_refused_or_converted(tmp_path: Path, store: Path) -> None:
    frame = townships()
    frame.geometry = gcj02.geometries_from_wgs84(frame.geometry.to_numpy())
    path = write(frame, tmp_path)
    (problem,) = refused(path, store).problems
    assert problem.code == "gcj02"
    assert "-57" in problem.message
    assert "--accept-gcj02" in problem.remedy
    report = run(path, store, accept_gcj02=True)
    assert report.converted
    stored = read_imports(store, "township")
    assert stored is not None
    truth = townships().set_index("XZQDM").geometry
    assert all(truth[c].hausdorff_distance(g) < 1e-8 for c, g in zip(stored["code"], stored.geometry, strict=True))
    (kept,) = list_imports(store)
    assert kept.provenance["datum"]["verdict"] == "gcj02"
    assert kept.provenance["datum"]["converted"] is True
    assert set(stored["datum"]) == {"WGS84, converted from GCJ-02"}


def test_honest_file_is_not_converted(tmp_path: Path, store: Path) -> None:
    report = run(write(townships(), tmp_path), store, accept_gcj02=True)
    assert not report.converted
    assert [w.code for w in report.warnings] == ["not-gcj02"]


def test_bd09_is_refused(tmp_path: Path, store: Path) -> None:
    frame = townships()
    frame.geometry = frame.geometry.translate(0.0125, 0.0065)
    assert "displaced" in {p.code for p in refused(write(frame, tmp_path), store).problems}


@pytest.mark.parametrize("crs", [4610, 2384, 4214])
def test_old_datums_are_refused(tmp_path: Path, store: Path, crs: int) -> None:
    path = write(townships().to_crs(crs), tmp_path, "旧.shp")
    assert [p.code for p in refused(path, store).problems] == ["crs"]


def test_old_datum_spelt_out_is_refused(tmp_path: Path, store: Path) -> None:
    path = write(townships().to_crs(4610), tmp_path, "旧.shp")
    wkt = path.with_suffix(".prj").read_text().replace("6378140.0", "6378140.5")
    path.with_suffix(".prj").write_text(wkt)
    assert [p.code for p in refused(path, store).problems] == ["crs"]


def test_wrong_zone_is_recognised(tmp_path: Path, store: Path) -> None:
    zoned = townships().to_crs(4526).set_crs(4547, allow_override=True)
    (problem,) = refused(write(zoned, tmp_path), store).problems
    assert problem.code == "elsewhere"
    assert "EPSG:4526" in problem.remedy


def test_missing_townships_are_listed_not_refused(tmp_path: Path, store: Path) -> None:
    report = run(write(townships().iloc[:8], tmp_path), store)
    gone = sorted(all_townships()["XZQDM"][8:])
    assert sorted(report.missing) == gone
    (warning,) = [w for w in report.warnings if w.code == "missing"]
    assert warning.message.startswith(f"2 of the 10 divisions of {PINGDING} are missing: ")
    rest = run(write(townships().iloc[8:], tmp_path, "其余.gpkg"), store)
    assert rest.missing == ()
    frame = read_imports(store, "township")
    assert frame is not None
    assert len(frame) == 10


def test_county_with_an_enclave_is_no_gap(tmp_path: Path, store: Path) -> None:
    report = run(write(counties("140525"), tmp_path), store, level="county")
    assert (report.count, report.datum.verdict) == (1, "ok")
    assert len(report.missing) == 5


def test_area_off_the_default_is_a_warning(tmp_path: Path, store: Path) -> None:
    frame = counties(PINGDING)
    frame.geometry = shapely.buffer(frame.geometry.to_numpy(), 0.007)
    report = run(write(frame, tmp_path), store, level="county")
    assert {"area", "edge"} <= {w.code for w in report.warnings}


def test_level_must_be_county_or_township(tmp_path: Path, store: Path) -> None:
    with pytest.raises(ImportRefusedError, match="level city"):
        run(tmp_path / "a.gpkg", store, level="city")


def test_progress_counts_to_the_end(tmp_path: Path, store: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    run(write(townships(), tmp_path), store, progress=lambda *step: seen.append(step))
    assert [done for _, done, _ in seen] == list(range(1, seen[-1][2] + 1))
