"""Division codes: what files make of them, and which division lies in which."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan import codes
from geoplan.codes import is_inside, level_of, normalise_code, prefix
from geoplan.terms import Level

pairs = st.integers(1, 99).map("{:02d}".format)
counties = st.builds(lambda a, b, c: a + b + c, st.integers(11, 82).map(str), pairs, pairs)
townships = st.builds(lambda county, n: f"{county}{n:03d}", counties, st.integers(1, 999))
villages = st.builds(lambda township, n: f"{township}{n:03d}", townships, st.integers(1, 999))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("140321", "140321"),
        (" 140321 ", "140321"),
        ("140321.0", "140321"),
        ("140321107.0", "140321107"),
        ("156140000", "140000"),
        ("156140300", "140300"),
        ("156140321", "140321"),
        ("140321000000", "140321"),
        ("140321107000", "140321107"),
        ("140321107221", "140321107221"),
        ("140000000000", "140000"),
    ],
)
def test_codes_as_files_write_them(text: str, code: str) -> None:
    assert normalise_code(text) == code


@pytest.mark.parametrize(
    "text", ["", " ", "abc", "14032", "1403211", "14032110", "1403.21", "140321.5", "-140321", "1403211072211",
             "１４０３２１", "1e5", "None", "nan"],
)  # fmt: skip
def test_what_is_no_code_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="division code") as error:
        normalise_code(text)
    assert repr(text) in str(error.value)


@given(st.one_of(counties, townships, villages))
def test_normalising_twice_changes_nothing(code: str) -> None:
    once = normalise_code(code)
    assert normalise_code(once) == once
    assert normalise_code(f"{once}.0") == once


@given(counties)
def test_country_prefix_and_padding_come_off(county: str) -> None:
    assert normalise_code(f"156{county}") == county
    assert normalise_code(f"{county}000000") == county


@given(villages)
def test_a_village_lies_in_its_township_county_city_province(village: str) -> None:
    chain = [village, village[:9], village[:6], village[:4] + "00", village[:2] + "0000"]
    assert [level_of(code) for code in chain] == list(reversed(Level))
    for i, inner in enumerate(chain):
        for j, outer in enumerate(chain):
            assert is_inside(inner, outer) == (j >= i)


@given(counties, counties)
def test_of_two_counties_neither_lies_in_the_other(a: str, b: str) -> None:
    assert is_inside(a, b) == (a == b)
    assert is_inside(a, b[:4] + "00") == (a[:4] == b[:4])


@given(townships)
def test_prefix_is_what_all_inside_start_with(township: str) -> None:
    for ancestor in (township[:6], township[:4] + "00", township[:2] + "0000"):
        assert township.startswith(prefix(ancestor))
    assert prefix(township) == township


@pytest.mark.parametrize("code", ["", "14032", "1403211", "1403211072"])
def test_a_code_of_another_length_has_no_level(code: str) -> None:
    with pytest.raises(ValueError, match="not a normalised division code"):
        level_of(code)


def test_examples_in_the_docstrings() -> None:
    result = doctest.testmod(codes)
    assert (result.attempted > 0, result.failed) == (True, 0)
