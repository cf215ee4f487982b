"""All sources together: what comes out, what imports replace, and what stops it."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoplan.boundaries.load import Divisions, draw_townships, load_divisions
from geoplan.boundaries.polygons import COLUMNS
from geoplan.crs import STORAGE
from geoplan.errors import SourceError
from geoplan.layers.store import Build, read_boundaries
from geoplan.settings import Settings
from geoplan.terms import Level

pytestmark = pytest.mark.xdist_group("load")


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def divisions(settings: Settings, tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> Divisions:
    nothing = tmp_path_factory.mktemp("imports") / "absent"
    return load_divisions(settings.boundaries_dir, nothing, ["山西省/阳泉市"], steps.append)


def test_it_tells_its_steps(divisions: Divisions, steps: list[str]) -> None:
    assert divisions is not None
    assert steps == ["polygons", "names", "townships"]


@pytest.mark.parametrize(
    ("level", "least"), [(Level.PROVINCE, 34), (Level.CITY, 330), (Level.COUNTY, 2800), (Level.TOWNSHIP, 40)]
)
def test_every_level_has_its_frame(divisions: Divisions, level: Level, least: int) -> None:
    frame = divisions.drawn(level)
    assert len(frame) >= least
    assert list(frame.columns)[: len(COLUMNS)] == COLUMNS
    assert set(frame["level"]) == {level.value}
    assert frame.crs.to_epsg() == 4490
    assert frame["code"].is_unique


def test_a_village_level_is_not_drawn(divisions: Divisions) -> None:
    with pytest.raises(KeyError):
        divisions.drawn(Level.VILLAGE)


def test_only_the_townships_asked_for_are_drawn(divisions: Divisions, build: Build) -> None:
    assert set(divisions.townships["parent"]) == {"140302", "140303", "140311", "140321", "140322"}
    # They are the cells that the build of the whole province has.
    built = read_boundaries(build, "townships").set_index("code")
    for code, shape in zip(divisions.townships["code"], divisions.townships.geometry, strict=True):
        assert built.geometry[code].wkb == shape.wkb


def test_every_parent_is_a_division(divisions: Divisions) -> None:
    names = divisions.names
    known = set(names["code"])
    assert set(names.loc[~names["level"].eq("province"), "parent"]) <= known
    for level in (Level.CITY, Level.COUNTY, Level.TOWNSHIP):
        assert set(divisions.drawn(level)["parent"]) <= known
    assert set(divisions.aliases["target_code"]) <= known
    assert set(divisions.villages["township"]) - {""} <= known


def test_tables_are_those_of_the_build(divisions: Divisions, build: Build) -> None:
    for table, frame in (("names", divisions.names), ("aliases", divisions.aliases), ("villages", divisions.villages)):
        built = pd.read_parquet(build.path / "gazetteer" / f"{table}.parquet")
        key = [column for column in ("code", "alias", "target_code") if column in frame]
        ours = frame[list(built.columns)].sort_values(key, ignore_index=True)
        pd.testing.assert_frame_equal(built.sort_values(key, ignore_index=True), ours, check_dtype=False)


# --- imported townships


def imported(*rows: tuple[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    codes, shapes = zip(*rows, strict=True)
    values = dict.fromkeys(COLUMNS[:-1], "x") | {"code": list(codes), "parent": [code[:6] for code in codes]}
    values |= {"geometry_source": "official", "level": "township"}
    return gpd.GeoDataFrame(values, geometry=list(shapes), crs=STORAGE)


@pytest.fixture
def no_points() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"place": [0], "name": ["无"]}, geometry=[shapely.Point(0, 0)], crs=STORAGE)


def test_the_other_townships_share_what_imported_ones_leave_of_their_county(
    divisions: Divisions, no_points: gpd.GeoDataFrame
) -> None:
    county = divisions.counties.set_index("code").geometry["140321"]
    inside = county.representative_point().buffer(0.03)
    own = imported(("140321107", inside), ("140921100", shapely.box(0, 0, 1, 1)))
    drawn = draw_townships(divisions.counties, divisions.names, no_points, ["140300"], own)
    pingding = drawn[drawn["parent"].eq("140321")]
    listed = divisions.names[divisions.names["parent"].eq("140321")]
    assert list(pingding["code"]) == sorted(listed["code"])
    assert len(pingding) == 10
    official = pingding["geometry_source"].eq("official")
    assert list(pingding.loc[official, "code"]) == ["140321107"]
    assert pingding.loc[official].geometry.item().equals(own.geometry[0])
    assert not pingding.loc[official, "anchored"].any()
    assert set(pingding.loc[~official, "geometry_source"]) == {"schematic"}
    assert county.covers(inside)
    assert shapely.union_all(pingding.geometry.array).symmetric_difference(county).area < 1e-9
    assert shapely.area(pingding.geometry.array).sum() == pytest.approx(county.area, abs=1e-9)  # no overlaps
    assert (shapely.area(pingding.geometry.array) > 0).all()
    # The others stay schematic, and what is imported elsewhere is not asked for.
    others = drawn[~drawn["parent"].eq("140321")]
    assert set(others["parent"]) == {"140302", "140303", "140311", "140322"}
    assert set(others["geometry_source"]) == {"schematic"}
    assert list(drawn["code"]) == sorted(drawn["code"])


def test_a_county_imported_whole_has_no_cell(divisions: Divisions, no_points: gpd.GeoDataFrame) -> None:
    county = divisions.counties.set_index("code").geometry["140302"]
    codes = sorted(divisions.names.loc[divisions.names["parent"].eq("140302"), "code"])
    west, south, east, north = county.bounds
    edges = [west + (east - west) * n / len(codes) for n in range(len(codes) + 1)]
    strips = [county & shapely.box(a, south, b, north) for a, b in pairwise(edges)]
    own = imported(*zip(codes, strips, strict=True))
    drawn = draw_townships(divisions.counties, divisions.names, no_points, ["140302"], own)
    assert list(drawn["code"]) == codes
    assert set(drawn["geometry_source"]) == {"official"}
    assert [shape.wkb for shape in drawn.geometry] == [strip.wkb for strip in strips]


def test_nothing_imported_is_as_no_import(divisions: Divisions, no_points: gpd.GeoDataFrame) -> None:
    none = draw_townships(divisions.counties, divisions.names, no_points, ["140302"], None)
    empty = draw_townships(divisions.counties, divisions.names, no_points, ["140302"], imported(("1" * 9, None))[:0])
    assert list(none.geometry.to_wkb()) == list(empty.geometry.to_wkb())
    assert not none["anchored"].any()


def test_no_area_draws_no_townships(divisions: Divisions, no_points: gpd.GeoDataFrame) -> None:
    assert draw_townships(divisions.counties, divisions.names, no_points, [], None).empty


# --- what stops it


@pytest.fixture
def registry(settings: Settings, tmp_path: Path) -> Path:
    """The repository's registry in a folder of its own."""
    for name in ("SOURCES.toml", "aliases.csv", "readings.csv"):
        shutil.copyfile(settings.boundaries_dir / name, tmp_path / name)
    (tmp_path / "node_modules").symlink_to(settings.boundaries_dir / "node_modules")
    return tmp_path


def test_an_altered_hash_stops_it_before_anything_is_read(registry: Path) -> None:
    path = registry / "SOURCES.toml"
    path.write_text(path.read_text("utf-8").replace('sha256 = "8416', 'sha256 = "9416'), "utf-8")
    with pytest.raises(SourceError, match=r"'tianditu': province\.geojson is not the registered file"):
        load_divisions(registry, registry / "imported", [])


def test_a_missing_registry_stops_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"SOURCES\.toml is missing"):
        load_divisions(tmp_path, tmp_path, [])


def test_an_alias_of_no_division_stops_it(registry: Path) -> None:
    with (registry / "aliases.csv").open("a", encoding="utf-8") as stream:
        stream.write("假县,former_name,山西省/假县,149999,,,,\n")
    with pytest.raises(SourceError, match=r"aliases\.csv, row \d+: '假县' stands for '149999'"):
        load_divisions(registry, registry / "imported", [])
