"""Search as officials type: each way of typing finds its division."""

from __future__ import annotations

import pytest

from geoplan.errors import PlaceError
from geoplan.gazetteer import Gazetteer, search_places
from geoplan.gazetteer.resolve import MAX_LENGTH
from geoplan.layers.store import Build, gazetteer


@pytest.fixture(scope="module")
def known(build: Build) -> Gazetteer:
    return gazetteer(build)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hongtong", "141024"), ("hongtongxian", "141024"), ("fanshi", "140924"), ("Fanshi", "140924"),
        ("jiexiu", "140781"), ("yuci", "140702"), ("pingding", "140321"), ("pdx", "140321"), ("fsx", "140924"),
        ("jucheng", "140321107"), ("juchengzhen", "140321107"), ("巨城镇", "140321107"), ("巨城", "140321107"),
        ("平定", "140321"), ("140321", "140321"), ("140321107", "140321107"), ("太谷县", "140703"),
        ("怀仁县", "140681"), ("巨镇", "140321107"), ("平定东回", "140321104"), ("宋𦙶乡", "140781201"),
        ("五台山风景名胜区", "140971"), ("１４０３２１", "140321"), (" 平定 县", "140321"),
    ],
)  # fmt: skip
def test_the_division_leads_the_answers(known: Gazetteer, text: str, code: str) -> None:
    assert search_places(known, text)[0].code == code


@pytest.mark.parametrize(("text", "code"), [("巨成镇", "140321107"), ("太古区", "140703"), ("洪桐县", "141024")])
def test_a_misprint_finds_what_looks_like_it(known: Gazetteer, text: str, code: str) -> None:
    found = {candidate.code: candidate.via for candidate in search_places(known, text)}
    assert found.get(code) == "similar"


def test_a_general_reading_does_not_replace_the_local_one(known: Gazetteer) -> None:
    assert "141024" not in [candidate.code for candidate in search_places(known, "hongdongxian")]


def test_initials_of_a_township_find_it_in_its_county(known: Gazetteer) -> None:
    assert [c.code for c in search_places(known, "jcz", within="140321")] == ["140321107"]


def test_the_beginning_of_a_code_lists_what_is_inside_from_the_top(known: Gazetteer) -> None:
    found = [candidate.code for candidate in search_places(known, "1403", limit=100)]
    assert found[:6] == ["140300", "140302", "140303", "140311", "140321", "140322"]
    assert all(code.startswith("1403") for code in found)
    assert [c.code for c in search_places(known, "140321")][1:3] == ["140321100", "140321101"]


def test_higher_divisions_go_before_lower_ones(known: Gazetteer) -> None:
    found = search_places(known, "平定", limit=20)
    assert (found[0].code, found[0].via) == ("140321", "short")
    assert {candidate.level for candidate in found[1:]} == {"township"}


def test_no_answer_comes_twice_and_never_more_than_the_limit(known: Gazetteer) -> None:
    for limit in (1, 2, 7):
        found = [candidate.code for candidate in search_places(known, "古城镇", limit=limit)]
        assert len(found) == limit
        assert len(set(found)) == limit


def test_only_inside_the_given_division(known: Gazetteer) -> None:
    assert [c.code for c in search_places(known, "古城镇", within="140621")] == ["140621102"]
    inside = search_places(known, "zhen", within="140321", limit=50) + search_places(known, "镇", within="140321")
    assert inside
    assert all(known.contains("140321", candidate.code) for candidate in inside)
    assert all(known.contains("140321", c.code) for c in search_places(known, "巨成镇", within="140321"))


@pytest.mark.parametrize("text", ["", " ", "　", "qqqqqq", "ω", "\x00"])
def test_nothing_is_found(known: Gazetteer, text: str) -> None:
    assert search_places(known, text) == []


def test_a_text_too_long_is_refused(known: Gazetteer) -> None:
    with pytest.raises(PlaceError, match=f"at most {MAX_LENGTH} characters"):
        search_places(known, "巨" * (MAX_LENGTH + 1))


def test_counties_of_shanxi_are_found_by_their_reading_and_initials(known: Gazetteer) -> None:
    counties = [d for d in known.divisions.values() if d.level == "county" and d.code.startswith("14")]
    assert len(counties) == 117 + 4
    for county in counties[::4]:
        reading, initials = known.pinyin[county.code]
        assert reading.isascii()
        assert reading.islower()
        for text in (reading, initials):
            found = search_places(known, text, within=county.parent, limit=1000)
            assert county.code in [candidate.code for candidate in found], (county, text)
