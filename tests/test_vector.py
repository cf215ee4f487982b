"""Reading foreign vector files: what they say, what they leave out and what they try."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoplan.errors import GeoplanError, VectorError
from geoplan.provenance import sha256_file
from geoplan.vector import Limits, read_vector

NAMES = ["巨城镇", "薛圐圙乡"]


def frame(crs: int = 4490) -> gpd.GeoDataFrame:
    shapes = [shapely.box(113, 37, 113.5, 37.5), shapely.box(113.5, 37, 114, 37.5)]
    columns = {"XZQMC": NAMES, "XZQDM": ["140321107", "140621201"], "n": [1, 2]}
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)


def shapefile(folder: Path, *, encoding: str = "GB18030", drop: tuple[str, ...] = ()) -> Path:
    path = folder / "界.shp"
    frame().to_file(path, encoding=encoding, engine="pyogrio")
    for suffix in drop:
        path.with_suffix(suffix).unlink()
    return path


@pytest.mark.parametrize("encoding", ["GB18030", "GBK", "UTF-8"])
@pytest.mark.parametrize("drop", [(), (".cpg",)])
def test_shapefile_names_read_right(tmp_path: Path, encoding: str, drop: tuple[str, ...]) -> None:
    got = read_vector(shapefile(tmp_path, encoding=encoding, drop=drop))
    assert list(got.frame["XZQMC"]) == NAMES
    assert list(got.frame.index) == [1, 2]
    assert got.frame.crs.to_epsg() == 4490
    assert got.crs_declared
    assert got.encoding == ("UTF-8" if encoding == "UTF-8" else "GB18030")


def test_utf8_character_cut_by_the_field_is_forgiven(tmp_path: Path) -> None:
    path = shapefile(tmp_path, encoding="UTF-8", drop=(".cpg",))
    table = path.with_suffix(".dbf")
    content = table.read_bytes()
    longest = NAMES[1].encode()
    table.write_bytes(content.replace(longest, longest[:-1] + b" "))
    assert read_vector(path).encoding == "UTF-8"


def test_wrong_cpg_is_named_and_can_be_overruled(tmp_path: Path) -> None:
    path = shapefile(tmp_path)
    path.with_suffix(".cpg").write_text("UTF-8")
    with pytest.raises(VectorError, match=r"says 'UTF-8', but .* --encoding GB18030"):
        read_vector(path)
    assert list(read_vector(path, encoding="GB18030").frame["XZQMC"]) == NAMES


def test_missing_crs_is_asked_for(tmp_path: Path) -> None:
    path = shapefile(tmp_path, drop=(".prj", ".cpg"))
    with pytest.raises(VectorError, match="--crs EPSG:4490"):
        read_vector(path)
    got = read_vector(path, crs="EPSG:4490")
    assert not got.crs_declared
    assert got.frame.crs.to_epsg() == 4490


def test_crs_argument_may_not_contradict_the_file(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="says EPSG:4490, not EPSG:4326"):
        read_vector(shapefile(tmp_path), crs="EPSG:4326")
    with pytest.raises(VectorError, match="'EPSG:0' is not known"):
        read_vector(shapefile(tmp_path, drop=(".prj",)), crs="EPSG:0")


def test_layers_are_listed_and_chosen(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    frame().to_file(path, layer="one")
    frame().to_file(path, layer="two")
    with pytest.raises(VectorError, match=r"2 layers \(one, two\); choose one with --layer"):
        read_vector(path)
    with pytest.raises(VectorError, match=r"no layer 'three'; its layers are: one, two"):
        read_vector(path, layer="three")
    got = read_vector(path, layer="two")
    assert (got.layer, got.driver, got.name) == ("two", "GPKG", "a.gpkg")
    assert got.sha256 == sha256_file(path)


def test_file_geodatabase(tmp_path: Path) -> None:
    path = tmp_path / "a.gdb"
    table = frame().set_crs(4547, allow_override=True).astype({"n": "int32"})
    table.to_file(path, driver="OpenFileGDB", layer="XZQ", engine="pyogrio")
    got = read_vector(path)
    assert list(got.frame["XZQMC"]) == NAMES
    assert got.frame.crs.to_epsg() == 4547
    assert len(got.sha256) == 64


def geojson(path: Path, **members: object) -> Path:
    content = json.loads(frame(4326).to_json()) | members
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return path


def test_geojson_without_crs_is_wgs84_but_not_declared(tmp_path: Path) -> None:
    got = read_vector(geojson(tmp_path / "a.geojson", crs=None))
    assert got.frame.crs.to_epsg() == 4326
    assert not got.crs_declared
    named = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    got = read_vector(geojson(tmp_path / "b.geojson", crs=named))
    assert got.frame.crs.to_epsg() == 4490
    assert got.crs_declared


def test_geojson_may_not_make_gdal_fetch_a_crs(tmp_path: Path) -> None:
    link = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}}
    with pytest.raises(VectorError, match="points elsewhere"):
        read_vector(geojson(tmp_path / "a.geojson", crs=link))


def test_faulty_geometry_is_reported_by_feature_number(tmp_path: Path) -> None:
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    short = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}
    flat = {"type": "Polygon", "coordinates": [[[0, 0, 5], [1, 0, 5], [1, 1, 5], [0, 0, 5]]]}
    features = [{"type": "Feature", "properties": {}, "geometry": g} for g in (flat, None, bow, short)]
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    got = read_vector(path)
    assert [str(p).split(":")[1].strip() for p in got.problems] == ["feature 2", "feature 3", "feature 4"]
    assert "Self-intersection" in got.problems[1].message
    assert not got.frame.geometry[1].has_z
    assert len(got.frame) == 4


def test_codes_become_text_on_request(tmp_path: Path) -> None:
    table = frame().assign(pac=[140321.0, None], adcode=[140321107000, 140621201000])
    table.to_file(tmp_path / "a.gpkg")
    got = read_vector(tmp_path / "a.gpkg", text_columns=["PAC", "ADCODE"]).frame
    assert list(got["pac"]) == ["140321", None]
    assert list(got["adcode"]) == ["140321107000", "140621201000"]
    assert list(got["n"]) == [1, 2]


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(features=1), "more than 1 features"),
        (Limits(vertices=9), "more than 9 vertices"),
        (Limits(bytes=100), "are more than"),
    ],
)
def test_limits(tmp_path: Path, limits: Limits, words: str) -> None:
    frame().to_file(tmp_path / "a.gpkg")
    with pytest.raises(VectorError, match=words):
        read_vector(tmp_path / "a.gpkg", limits=limits)


@pytest.mark.parametrize(
    "path", ["/vsizip/a.zip", "/vsicurl/http://127.0.0.1/a.shp", "https://x.test/a.gpkg", "zip://a.zip", "a.shp\0.gpkg"]
)
def test_hostile_paths(path: str) -> None:
    with pytest.raises(VectorError, match="not the path of a file"):
        read_vector(path)


def test_unknown_formats_and_disguises(tmp_path: Path) -> None:
    with pytest.raises(VectorError, match="no such file"):
        read_vector(tmp_path / "none.shp")
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK")
    with pytest.raises(VectorError, match="format is not known"):
        read_vector(archive)
    disguised = tmp_path / "a.gpkg"
    disguised.write_text("<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>")
    with pytest.raises(VectorError, match=r"not a \.gpkg source inside"):
        read_vector(disguised)
    path = shapefile(tmp_path, drop=(".shx",))
    with pytest.raises(VectorError, match=r"\.dbf and \.shx"):
        read_vector(path)
    bad = tmp_path / "a.geojson"
    bad.write_text("{" * 10)
    with pytest.raises(VectorError, match="not valid JSON"):
        read_vector(bad)


def test_damaged_files_end_in_a_plain_message(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = shapefile(tmp_path)
    parts = {p: p.read_bytes() for p in tmp_path.iterdir()}
    chance = random.Random(7)  # noqa: S311
    for _ in range(80):
        for part, content in parts.items():
            damaged = bytearray(content)
            for _ in range(3):
                damaged[chance.randrange(min(len(damaged), 200))] = chance.randrange(256)
            part.write_bytes(damaged if chance.random() < 0.5 else content)
        # Anything but a message of ours would end the test.
        with suppress(GeoplanError):
            read_vector(path)
    assert "GDAL" not in capfd.readouterr().err
