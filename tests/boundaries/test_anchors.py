"""Which GeoNames point stands for which township, and when none does."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoplan.boundaries.anchors import read_points, township_anchors
from geoplan.boundaries.sources import load_sources, verified_path
from geoplan.crs import STORAGE
from geoplan.layers.store import Build, read_boundaries
from geoplan.settings import Settings

COUNTIES = gpd.GeoDataFrame(
    {"code": ["140321", "140322"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=STORAGE
)


def townships(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame([(code, name, code[:6]) for code, name in rows], columns=["code", "name", "parent"])


def points(*rows: tuple[int, str, float]) -> gpd.GeoDataFrame:
    places, names, eastings = zip(*rows, strict=True)
    shapes = gpd.points_from_xy(eastings, [0.5] * len(rows), crs=STORAGE)
    return gpd.GeoDataFrame({"place": places, "name": names}, geometry=shapes)


def anchored(names: pd.DataFrame, known: gpd.GeoDataFrame) -> dict[str, float]:
    found = township_anchors(names, COUNTIES, known)
    assert found.crs.to_epsg() == 4490
    assert list(found["code"]) == sorted(found["code"])
    return dict(zip(found["code"], found.geometry.x, strict=True))


@pytest.mark.parametrize("written", ["巨城", "巨城镇", "巨城乡", "巨城街道"])
def test_the_stem_of_the_name_inside_the_county_counts(written: str) -> None:
    assert anchored(townships(("140321107", "巨城镇")), points((1, written, 0.5))) == {"140321107": 0.5}


@pytest.mark.parametrize(
    ("names", "known"),
    [
        # another name; the same name in another county; on the line between two counties
        ([("140321107", "巨城镇")], [(1, "古城", 0.5)]),
        ([("140321107", "巨城镇")], [(1, "巨城", 1.5)]),
        ([("140321107", "巨城镇")], [(1, "巨城", 1.0)]),
        # two townships of the stem
        ([("140321107", "口泉街道"), ("140321200", "口泉乡")], [(1, "口泉", 0.5)]),
        # two points of the stem
        ([("140321107", "巨城镇")], [(1, "巨城", 0.5), (2, "巨城镇", 0.6)]),
        # one character is no stem
        ([("140321107", "巨镇")], [(1, "巨", 0.5)]),
    ],
)
def test_what_is_not_certain_anchors_nothing(names: list[tuple[str, str]], known: list[tuple[int, str, float]]) -> None:
    assert anchored(townships(*names), points(*known)) == {}


def test_the_same_name_in_two_counties_is_two_anchors() -> None:
    names = townships(("140321107", "巨城镇"), ("140322107", "巨城镇"))
    known = points((1, "巨城", 0.5), (2, "巨城", 1.5))
    assert anchored(names, known) == {"140321107": 0.5, "140322107": 1.5}


def test_two_names_of_one_point_anchor_one_township() -> None:
    names = townships(("140321107", "巨城镇"), ("140321108", "岩会乡"))
    assert anchored(names, points((1, "岩会", 0.5), (1, "巨城", 0.5))) == {"140321107": 0.5}
    assert anchored(names, points((1, "巨城", 0.5), (1, "巨城镇", 0.5))) == {"140321107": 0.5}


def test_points_are_the_chinese_names_of_places_in_china(tmp_path: Path) -> None:
    def city(number: int, country: str, *names: str) -> dict[str, object]:
        return {
            "geonameid": number, "countrycode": country, "longitude": 112.5, "latitude": 37.5,
            "alternatenames": list(names),
        }  # fmt: skip

    cities = {
        "2": city(2, "CN", "Jucheng", "巨城", "巨城", "巨", "Jù城", ""),
        "1": city(1, "CN", "薛圐圙", "宋𦙶"),
        "3": city(3, "JP", "東京"),
    }
    path = tmp_path / "cities.json"
    path.write_text(json.dumps(cities), "utf-8")
    found = read_points(path)
    assert list(zip(found["place"], found["name"], strict=True)) == [(1, "宋𦙶"), (1, "薛圐圙"), (2, "巨城")]
    assert found.crs.to_epsg() == 4490
    assert (found.geometry.x[0], found.geometry.y[0]) == (112.5, 37.5)


def test_a_fifth_of_the_townships_of_shanxi_has_an_anchor_in_its_own_county(settings: Settings, build: Build) -> None:
    source = load_sources(settings.boundaries_dir)["geonames"]
    counties = read_boundaries(build, "counties")
    counties = counties[counties["code"].str.startswith("14")]
    names = pd.read_parquet(build.path / "gazetteer" / "names.parquet")
    names = names[names["level"].eq("township") & names["code"].str.startswith("14")]
    known = read_points(verified_path(source, "points", settings.boundaries_dir))
    found = township_anchors(names, counties, known)
    assert 240 <= len(found) <= 260
    assert found["code"].is_unique
    shapes = counties.set_index("code").geometry
    assert all(shapes[code[:6]].contains(point) for code, point in zip(found["code"], found.geometry, strict=True))
    assert found.geometry.to_wkb().is_unique
