"""The gazetteer's tables on disk and its lookups."""

from __future__ import annotations

import doctest
from pathlib import Path

import pandas as pd
import pytest

from geoplan.errors import BuildError
from geoplan.gazetteer import Gazetteer, index, load_gazetteer, resolve_place, save_gazetteer
from geoplan.gazetteer.index import TABLES, short_names
from geoplan.layers.store import Build, gazetteer
from geoplan.terms import Level


@pytest.fixture(scope="module")
def known(build: Build) -> Gazetteer:
    return gazetteer(build)


def test_it_holds_the_country(known: Gazetteer) -> None:
    assert len(known.divisions) > 42_000
    assert known.villages.num_rows == 620_573
    assert sum(code.startswith("14") for code in known.villages["code"].to_pylist()) == 21_895


def test_every_division_hangs_on_one_that_is_there(known: Gazetteer) -> None:
    for code, division in known.divisions.items():
        assert division.code == code
        assert (division.parent in known.divisions) == (division.level is not Level.PROVINCE), division
        assert known.path(code)[-1] == division.name
        assert known.contains(division.parent, code) or not division.parent


def test_every_division_has_a_reading(known: Gazetteer) -> None:
    assert set(known.pinyin) == set(known.divisions)
    for code, division in known.divisions.items():
        if code.startswith("14"):
            reading, initials = known.pinyin[code]
            assert reading.isalpha(), division
            assert len(initials) == len(division.name), division


def test_units_that_only_the_polygons_have_hang_on_their_province(known: Gazetteer) -> None:
    assert known.path("810101") == ("香港特别行政区", "中西区")
    assert known.path("500105") == ("重庆市", "江北区")
    assert resolve_place(known, "江北区", "重庆市").one.code == "500105"


@pytest.mark.parametrize(
    ("code", "path"),
    [
        ("140321107", ("山西省", "阳泉市", "平定县", "巨城镇")),
        ("140000", ("山西省",)),
        ("140971", ("山西省", "忻州市", "五台山风景名胜区")),
        ("999999", ()),
    ],
)
def test_paths_run_from_the_province_down(known: Gazetteer, code: str, path: tuple[str, ...]) -> None:
    assert known.path(code) == path


@pytest.mark.parametrize(
    ("ancestor", "code", "inside"),
    [
        ("140321", "140321107", True), ("140300", "140321107", True), ("140000", "140321", True),
        ("140321", "140321", True), ("140322", "140321107", False), ("140321107", "140321", False),
        ("140971", "140922101", True), ("140971", "140971", True), ("140971", "140922", False),
        ("140971", "140922100", False), ("140171", "140702", True), ("140000", "999999", False),
    ],
)  # fmt: skip
def test_what_lies_in_what(known: Gazetteer, ancestor: str, code: str, *, inside: bool) -> None:
    assert known.contains(ancestor, code) is inside


@pytest.mark.parametrize(
    ("name", "within", "codes"),
    [
        ("南庄村", "140321107", ["140321107221"]),
        ("南庄", "140321107", ["140321107221"]),
        ("没有这个村", None, []),
        ("南庄社区", "140321107", []),
    ],
)
def test_villages_by_name(known: Gazetteer, name: str, within: str | None, codes: list[str]) -> None:
    assert [village.code for village in known.find_villages(name, within)] == codes


def test_common_village_names_are_all_found(known: Gazetteer) -> None:
    found = known.find_villages("南庄村", "140000")
    assert len(found) > 20
    assert {village.name for village in found} == {"南庄村"}


@pytest.mark.parametrize(
    ("name", "level", "short"),
    [
        ("山西省", Level.PROVINCE, ["山西"]),
        ("广西壮族自治区", Level.PROVINCE, ["广西"]),
        ("香港特别行政区", Level.PROVINCE, ["香港"]),
        ("忻州市", Level.CITY, ["忻州"]),
        ("湘西土家族苗族自治州", Level.CITY, ["湘西"]),
        ("平定县", Level.COUNTY, ["平定"]),
        ("祁县", Level.COUNTY, []),
        ("城区", Level.COUNTY, []),
        ("巨城镇", Level.TOWNSHIP, ["巨城"]),
        ("臧寨乡", Level.TOWNSHIP, ["臧寨"]),
        ("新华街街道", Level.TOWNSHIP, ["新华街"]),
        ("宋𦙶乡", Level.TOWNSHIP, ["宋𦙶"]),
        ("南庄村", Level.VILLAGE, ["南庄"]),
    ],
)
def test_short_names(name: str, level: Level, short: list[str]) -> None:
    assert [text for text in short_names(name, level) if text in short or not short] == short


def frames() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    names = pd.DataFrame(
        [
            ["140000", "山西省", "province", "", "MCA", "2025", "shanxisheng", "sxs", ""],
            ["140971", "区𦙶", "county", "140000", "NBS", "2023", "qu", "q", "140922101 140922106"],
        ],
        columns=["code", "name", "level", "parent", "code_system", "as_of", "pinyin", "initials", "members"],
    )
    aliases = pd.DataFrame([["晋", "abbreviation", "140000", "", ""]])
    aliases.columns = pd.Index(["alias", "alias_kind", "target_code", "as_of", "source"])
    villages = pd.DataFrame([["140971001201", "子村", "子", "", "旧镇", "140971", "2023"]])
    villages.columns = pd.Index(["code", "name", "stem", "township", "township_name", "county", "as_of"])
    return names, aliases, villages


def test_what_was_saved_is_loaded_and_saving_again_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        folder.mkdir()
        save_gazetteer(folder, *frames())
    loaded = load_gazetteer(first)
    assert loaded.divisions["140971"].name == "区𦙶"
    assert loaded.divisions["140971"].members == ("140922101", "140922106")
    assert loaded.divisions["140000"].members == ()
    assert [alias.alias for alias in loaded.aliases] == ["晋"]
    assert loaded.pinyin["140000"] == ("shanxisheng", "sxs")
    assert [village.code for village in loaded.find_villages("子村", None)] == ["140971001201"]
    for table in TABLES:
        assert (first / f"{table}.parquet").read_bytes() == (second / f"{table}.parquet").read_bytes()


@pytest.mark.parametrize("table", TABLES)
def test_a_missing_table_is_named(tmp_path: Path, table: str) -> None:
    save_gazetteer(tmp_path, *frames())
    (tmp_path / f"{table}.parquet").unlink()
    with pytest.raises(BuildError, match=f"no {table} table; run `geoplan build`"):
        load_gazetteer(tmp_path)


def test_examples_in_the_docstrings() -> None:
    result = doctest.testmod(index)
    assert (result.attempted > 0, result.failed) == (True, 0)
