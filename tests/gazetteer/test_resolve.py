"""Names of real plans and tables resolved against the real gazetteer, and the rules on a small one."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.errors import PlaceError
from geoplan.gazetteer import Division, Gazetteer, Resolution, Status, resolve_place
from geoplan.gazetteer.index import Alias
from geoplan.gazetteer.resolve import MAX_LENGTH
from geoplan.layers.store import Build, gazetteer
from geoplan.terms import Level


@pytest.fixture(scope="module")
def known(build: Build) -> Gazetteer:
    return gazetteer(build)


def codes(resolution: Resolution) -> list[str]:
    return [candidate.code for candidate in resolution.candidates]


@pytest.mark.parametrize(
    ("text", "within", "code", "via"),
    [
        # full and short names
        ("巨城镇", None, "140321107", "full"),
        ("平定县", None, "140321", "full"),
        ("平定", None, "140321", "short"),
        ("忻州", None, "140900", "short"),
        ("山西", None, "140000", "short"),
        ("臧寨", None, "140622202", "short"),
        ("臧寨乡", "应县", "140622202", "full"),
        ("古城镇", "山阴县", "140621102", "full"),
        ("古城", "山阴", "140621102", "short"),
        ("城区", "阳泉市", "140302", "full"),
        ("城区", "晋城市", "140502", "full"),
        # outside the BMP, and its other spelling
        ("宋𦙶乡", None, "140781201", "full"),
        ("宋𦙶", None, "140781201", "short"),
        ("宋古乡", None, "140781201", "alias"),
        # old names and misprints
        ("怀仁县", None, "140681", "alias"),
        ("太谷县", None, "140703", "alias"),
        ("大同县", None, "140215", "alias"),
        ("长治县", None, "140404", "alias"),
        ("屯留县", None, "140405", "alias"),
        ("潞城市", None, "140406", "alias"),
        ("离石市", None, "141102", "alias"),
        ("榆次市", None, "140702", "alias"),
        ("朔县", None, "140602", "alias"),
        ("巨镇", "平定县", "140321107", "alias"),
        # run together from the top
        ("平定东回", None, "140321104", "short"),
        ("平定县巨城镇", None, "140321107", "full"),
        ("山西省忻州市五台县", None, "140922", "full"),
        ("山阴县古城镇", None, "140621102", "full"),
        ("阳泉城区", None, "140302", "full"),
        ("巨城镇南庄村", None, "140321107221", "full"),
        # explicit paths
        ("平定县/巨城镇", None, "140321107", "full"),
        ("山西省/阳泉市/平定县/巨城镇", None, "140321107", "full"),
        ("/平定县/巨城镇/", None, "140321107", "full"),
        ("平定县/巨城镇/南庄村", None, "140321107221", "full"),
        ("巨城镇/南庄", "平定县", "140321107221", "full"),
        ("平定县/巨镇", None, "140321107", "alias"),
        ("太谷县/侯城乡", None, None, "full"),
        # codes
        ("140000", None, "140000", "code"),
        ("140321", None, "140321", "code"),
        ("140321107", "阳泉市", "140321107", "code"),
        ("１４０３２１", None, "140321", "code"),
        # as people type
        (" 平定 县 ", None, "140321", "full"),
        ("平定县　巨城镇", None, "140321107", "full"),
    ],
)
def test_one_division_is_meant(known: Gazetteer, text: str, within: str | None, code: str | None, via: str) -> None:
    resolution = resolve_place(known, text, within)
    assert resolution.status is Status.UNIQUE, codes(resolution)
    assert resolution.text == text
    if code is not None:
        assert resolution.one.code == code
    if len(text.strip("/").split("/")) == 1 and "东回" not in text:
        assert resolution.one.via == via


def test_a_candidate_says_all_there_is_to_know(known: Gazetteer) -> None:
    one = resolve_place(known, "巨城镇").one
    assert (one.name, one.code, one.level) == ("巨城镇", "140321107", Level.TOWNSHIP)
    assert (one.parent, one.as_of, one.code_system) == ("山西省/阳泉市/平定县", "2025-12-31", "MCA")
    village = resolve_place(known, "平定县/巨城镇/南庄村").one
    assert (village.parent, village.as_of, village.code_system) == ("山西省/阳泉市/平定县/巨城镇", "2023-06-30", "NBS")


@pytest.mark.parametrize(
    ("text", "within", "some"),
    [
        ("古城镇", None, ["140221104", "140621102", "140827102", "141023104"]),
        ("古城镇", "山西省", ["140221104", "140621102", "140827102", "141023104"]),
        ("城区", None, ["140302", "140502"]),
        ("城区", "山西省", ["140302", "140502"]),
        ("口泉", "云冈区", ["140214020", "140214200"]),
        ("神头", "朔城区", ["140602003", "140602100"]),
        # one old district went to several new ones: ask, do not guess
        ("南郊区", "大同市", ["140213", "140214"]),
    ],
)
def test_several_divisions_may_be_meant(known: Gazetteer, text: str, within: str | None, some: list[str]) -> None:
    resolution = resolve_place(known, text, within)
    assert resolution.status is Status.AMBIGUOUS
    assert set(some) <= set(codes(resolution))
    assert codes(resolution) == sorted(set(codes(resolution)))
    if within == "山西省":
        assert codes(resolution) == some
    with pytest.raises(PlaceError, match=f"{text}.*Name the division it lies in") as error:
        _ = resolution.one
    assert all(f"{c.parent}/{c.name}" in str(error.value) for c in resolution.candidates[:8])


@pytest.mark.parametrize(
    ("text", "within"),
    [
        ("不存在的地方", None), ("", None), (" ", None), ("/", None), ("999999", None), ("140321", "忻州市"),
        ("巨城镇", "盂县"), ("平定县/不存在", None), ("平定县/古城镇", None), ("盂县巨城镇", None),
        ("巨城镇/平定县", None), ("平定县", "平定县"), ("豆村镇", "五台山风景名胜区"), ("x" * MAX_LENGTH, None),
        ("平" * MAX_LENGTH, None), ("'; DROP TABLE--", None), ("\x00", None), ("٣٤", None),
    ],
)  # fmt: skip
def test_nothing_is_meant(known: Gazetteer, text: str, within: str | None) -> None:
    resolution = resolve_place(known, text, within)
    assert (resolution.status, resolution.candidates) == (Status.UNKNOWN, ())
    with pytest.raises(PlaceError, match="no place is called") as error:
        _ = resolution.one
    assert repr(text) in str(error.value)


@pytest.mark.parametrize(
    ("text", "within", "said"),
    [
        ("巨" * (MAX_LENGTH + 1), None, f"at most {MAX_LENGTH} characters; this text has {MAX_LENGTH + 1}"),
        ("巨城镇", "巨" * (MAX_LENGTH + 1), f"at most {MAX_LENGTH} characters"),
        ("巨城镇", "城区", "'城区' may be any of: 山西省/阳泉市/城区; 山西省/晋城市/城区"),
        ("巨城镇", "不存在", "no place is called '不存在'"),
    ],
)
def test_a_question_that_cannot_be_put_is_an_error(known: Gazetteer, text: str, within: str | None, said: str) -> None:
    with pytest.raises(PlaceError, match=said):
        resolve_place(known, text, within)


@pytest.mark.parametrize(
    ("text", "code", "members"),
    [
        ("五台山风景名胜区", "140971", ("140922101", "140922106", "140922212")),
        ("五台山风景区", "140971", ("140922101", "140922106", "140922212")),
        ("山西大同经济开发区", "140271", ("140200",)),
        ("山西朔州经济开发区", "140671", ("140600",)),
    ],
)
def test_zones_of_the_statistics_have_members(known: Gazetteer, text: str, code: str, members: tuple[str, ...]) -> None:
    zone = resolve_place(known, text).one
    assert (zone.code, zone.members, zone.code_system) == (code, members, "NBS")
    assert all(member in known.divisions for member in members)


def test_the_reform_zone_lies_in_two_cities(known: Gazetteer) -> None:
    zone = resolve_place(known, "山西转型综合改革示范区").one
    assert zone.code == "140171"
    assert {known.path(member)[1] for member in zone.members} == {"太原市", "晋中市"}


def test_a_zone_is_a_division_to_look_in(known: Gazetteer) -> None:
    zone = "五台山风景名胜区"
    assert resolve_place(known, "台怀镇", zone).one.code == "140922101"
    names = {known.divisions[code].name for code in resolve_place(known, zone).one.members}
    assert names == {"台怀镇", "石咀镇", "金岗库乡"} or "台怀镇" in names


def test_every_county_and_township_of_shanxi_is_found_by_its_path(known: Gazetteer) -> None:
    mine = [d for d in known.divisions.values() if d.code.startswith("14") and d.code_system == "MCA"]
    levels = Counter(division.level for division in mine)
    assert levels == {Level.PROVINCE: 1, Level.CITY: 11, Level.COUNTY: 117, Level.TOWNSHIP: 1283}
    for division in mine:
        assert resolve_place(known, "/".join(known.path(division.code))).one.code == division.code


def test_every_code_resolves_to_itself(known: Gazetteer) -> None:
    for code in list(known.divisions)[::50]:
        assert resolve_place(known, code).one.code == code


def test_names_shared_in_shanxi_are_ambiguous_and_become_unique_in_their_county(known: Gazetteer) -> None:
    townships = [d for d in known.divisions.values() if d.level is Level.TOWNSHIP and d.code.startswith("14")]
    times = Counter(division.name for division in townships)
    shared = [division for division in townships if times[division.name] > 1]
    assert (len({d.name for d in shared}), len(shared)) == (46, 100)
    for division in shared:
        resolution = resolve_place(known, division.name, "山西省")
        assert resolution.status is Status.AMBIGUOUS
        assert len(resolution.candidates) == times[division.name]
        assert resolve_place(known, division.name, division.parent).one.code == division.code


def test_every_alias_leads_to_its_division(known: Gazetteer) -> None:
    for alias in known.aliases:
        target = known.divisions[alias.code]
        found = codes(resolve_place(known, alias.alias, target.parent or None))
        if alias.alias not in known.by_name:
            assert alias.code in found, alias


# --- the rules, on a gazetteer of a few divisions


def small(*aliases: Alias) -> Gazetteer:
    rows = [
        ("110000", "甲省", Level.PROVINCE, ""),
        ("110100", "乙市", Level.CITY, "110000"),
        ("110121", "丙丁县", Level.COUNTY, "110100"),
        ("110122", "戊己县", Level.COUNTY, "110100"),
        ("110121100", "丙丁镇", Level.TOWNSHIP, "110121"),
        ("110121101", "庚辛镇", Level.TOWNSHIP, "110121"),
        ("110122100", "庚辛乡", Level.TOWNSHIP, "110122"),
        ("110122101", "壬癸镇", Level.TOWNSHIP, "110122"),
    ]
    divisions = {code: Division(code, name, level, parent, "MCA", "2025") for code, name, level, parent in rows}
    villages = pa.table(
        {
            "code": ["110121100201", "110122101201"], "name": ["子丑村", "丙丁村"], "stem": ["子丑", "丙丁"],
            "township": ["110121100", "110122101"], "county": ["110121", "110122"], "as_of": ["2023", "2023"],
        }
    )  # fmt: skip
    return Gazetteer(divisions, aliases, villages, dict.fromkeys(divisions, ("", "")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("丙丁", ["110121"]),  # a county goes before a township and a village of the same stem
        ("丙丁镇", ["110121100"]),
        ("丙丁村", ["110122101201"]),
        ("庚辛", ["110121101", "110122100"]),
        ("庚辛镇", ["110121101"]),
        ("丙丁庚辛", ["110121101"]),
        ("乙市庚辛乡", ["110122100"]),
        ("乙", []),  # one character is no short name
        ("子丑", ["110121100201"]),
    ],
)
def test_full_names_win_over_short_and_higher_over_lower(text: str, expected: list[str]) -> None:
    assert codes(resolve_place(small(), text)) == expected


def test_full_names_win_over_aliases_and_aliases_over_short_names() -> None:
    known = small(Alias("壬癸镇", "former_name", "110121101"), Alias("庚辛", "former_name", "110122101"))
    assert codes(resolve_place(known, "壬癸镇")) == ["110122101"]
    assert codes(resolve_place(known, "庚辛")) == ["110122101"]
    assert resolve_place(known, "庚辛").one.via == "alias"


def test_an_alias_of_a_division_that_is_not_there_is_passed_over() -> None:
    assert codes(resolve_place(small(Alias("旧县", "former_name", "999999")), "旧县")) == []


@given(st.text("甲乙丙丁戊己庚辛壬癸省市县镇乡村/1 ", max_size=12), st.sampled_from([None, "乙市", "丙丁县"]))
def test_any_text_gets_an_answer_inside_the_scope(text: str, within: str | None) -> None:
    known = small(Alias("丁丙", "misprint", "110121"))
    resolution = resolve_place(known, text, within)
    assert len(codes(resolution)) == len(set(codes(resolution)))
    assert {Status.UNKNOWN: 0, Status.UNIQUE: 1}.get(resolution.status, 2) == min(len(codes(resolution)), 2)
    if within:
        scope = resolve_place(known, within).one.code
        for code in codes(resolution):
            assert known.contains(scope, code[:9] if len(code) == 12 else code)
