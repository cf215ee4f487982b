"""Filters that are refused: too long, too deep, of mixed types or unknown names; and none ends the process."""

from __future__ import annotations

import operator
import subprocess
import sys
import time
from collections.abc import Callable
from json import dumps
from typing import Any

import pyarrow as pa
import pytest
import shapely
from hypothesis import assume, example, given
from hypothesis import strategies as st

from geoplan.errors import QueryError
from geoplan.pack.assemble import memory_part
from geoplan.pack.part import Part
from geoplan.query.filters import compile_filter
from geoplan.query.language import MOST_TEXT, parse_json, parse_text
from geoplan.query.like import like_matcher


@pytest.fixture(scope="module")
def part() -> Part:
    table = pa.table({"name": ["a", "b"], "year": [1, None], "day": pa.array([0, 1], pa.date32())})
    return memory_part(table, [shapely.Point(1, 1), shapely.Point(2, 2)])


@pytest.fixture(scope="module")
def large() -> Part:
    return memory_part(pa.table({"id": pa.array(LARGE, pa.int64())}), [shapely.Point(1, 1)] * len(LARGE))


@pytest.mark.parametrize("levels", [65, 10_000])
@pytest.mark.parametrize(
    "build",
    [
        lambda n: "(" * n + "name='a'" + ")" * n,
        lambda n: "NOT " * (8 * n) + "name='a'",
        lambda n: "year=" + "-" * (8 * n) + "1",
        lambda n: "year=" + "+".join(["1"] * 8 * n),
        lambda n: "year=" + "^".join(["1"] * 8 * n),
        lambda n: "casei(" * n + "name" + ")" * n + "='a'",
        lambda n: "NOT(" * n + "name='a'" + ")" * n,
        lambda n: "name in (" + "(" * n + "1" + ")" * n + ")",
        lambda n: "s_intersects(geometry, " + "GEOMETRYCOLLECTION(" * n + "POINT(1 1)" + ")" * n + ")",
        lambda n: "s_intersects(geometry, POINT(" + "-" * 8 * n + "1 1))",
    ],
)
def test_depth_of_text_is_bounded(part: Part, build: Any, levels: int) -> None:
    with pytest.raises(QueryError, match=r"^filter:"):
        compile_filter(build(levels), pack=part)


@pytest.mark.parametrize("levels", [70, 10_000])
@pytest.mark.parametrize(
    "build",
    [
        lambda n: '{"op":"not","args":[' * n + '{"op":"=","args":[1,1]}' + "]}" * n,
        lambda n: "[" * n + "]" * n,
        lambda n: '{"op":"=","args":[1,' + '{"op":"+","args":[1,' * n + "1" + "]}" * n + "]}",
        lambda n: '{"op":"a_equals","args":[' + "[" * n + "]" * n + ",[]]}",
        lambda n: (
            '{"op":"s_intersects","args":[{"property":"geometry"},'
            + '{"type":"GeometryCollection","geometries":[' * n
            + "]}" * n
            + "]}"
        ),
    ],
)
def test_depth_of_json_is_bounded(part: Part, build: Any, levels: int) -> None:
    with pytest.raises(QueryError):
        compile_filter(build(levels), pack=part, language="cql2-json")


def test_the_deepest_text_that_is_read_does_not_end_the_process() -> None:
    """The parser recurses: what passes the check must fit a thread's stack with room to spare."""
    code = """
import threading
from geoplan.query.language import parse_text
texts = ["(" * 60 + "a=1" + ")" * 60, "a=" + "+".join(["1"] * 500), "NOT " * 500 + "a=1", "a=" + "-" * 500 + "1",
         "a=" + "^".join(["2"] * 500), "((" .join(["a=1 AND "] * 29) + "a=1" + "))" * 28]
failed = []
def run():
    for text in texts:
        parse_text(text)
    failed.append(False)
threading.stack_size(1 << 19)
thread = threading.Thread(target=run); thread.start(); thread.join()
assert failed == [False]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_text, parse_json):
        try:
            parse(text)
        except QueryError as exc:
            refusal = str(exc)
            assert refusal.startswith("filter:")


LARGE = [2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2, 2**60 + 1, 2**63 - 1, -(2**53) - 1, -(2**63), 7, None]
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "<>": operator.ne,
}  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**64), 2**64),
    st.sampled_from([value + step for value in LARGE if value for step in (-1, 0, 1)]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([2.0**53, 2.0**63, -(2.0**63), 7.5]),
)


@given(st.sampled_from(sorted(OPERATORS)), NUMBERS, st.sampled_from(["text", "json"]))
@example("=", 2**53 + 1, "text")
@example("=", 2.0**63, "json")
@example("=", -(2**63) - 1, "text")
def test_whole_numbers_that_are_no_floats_are_compared_exactly_or_refused(
    large: Part, op: str, number: float, language: str
) -> None:
    if language == "json":
        # Beyond 64 bits a number of JSON is a float as well.
        assume(number >= -(2**63))
        tree = {"op": op, "args": [{"property": "id"}, number]}
        found = compile_filter(dumps(tree), pack=large, language="cql2-json")
    else:
        text = str(number)
        try:
            found = compile_filter(f"id {op} {text}", pack=large)
        except QueryError as exc:
            refusal = str(exc)
            assert 2**53 < abs(number) < 2**63 + 1025
            assert int(float(number)) != number
            assert "beyond 2^53 = 9007199254740992" in refusal
            return
    assert found.mask(large).tolist() == [value is not None and OPERATORS[op](value, number) for value in LARGE]


@pytest.mark.parametrize(
    "text",
    [
        "id in (1, 9007199254740993)", "id between 1 and 9007199254740993", "id = -9007199254740993",
        "id=1+9007199254740993", "not(9007199254740993=id)", "id = 9007199254740993.0",
        "id=" + "0" * 60 + "9007199254740993",
    ],
)  # fmt: skip
def test_a_number_that_would_be_read_as_its_neighbour_is_refused_wherever_it_stands(large: Part, text: str) -> None:
    with pytest.raises(QueryError, match=r"is beyond 2\^53 = 9007199254740992, .* as CQL2 JSON"):
        compile_filter(text, pack=large)


@pytest.mark.parametrize(
    "text", ["name = '9007199254740993'", '"x9007199254740993" is null', "x9007199254740993 = 1", "id < 1e23"]
)
def test_digits_that_are_no_such_number_are_not_refused(text: str) -> None:
    table = pa.table({"name": ["9007199254740993"], "x9007199254740993": [1], "id": [5]})
    one = memory_part(table, [shapely.Point(1, 1)])
    assert compile_filter(text, pack=one).mask(one).tolist() == ["null" not in text]


def test_two_columns_of_whole_numbers_and_floats_are_compared_exactly() -> None:
    table = pa.table({"whole": LARGE[:-1], "float": [float(value) for value in LARGE if value]})
    two = memory_part(table, [shapely.Point(1, 1)] * len(table))
    expected = [value is not None and value == float(value) for value in LARGE[:-1]]
    assert compile_filter("whole = float", pack=two).mask(two).tolist() == expected
    assert not all(expected)


WORDS = (
    "( ) NOT AND OR = <> < - + * / ^ IN LIKE BETWEEN IS NULL name year 1 'a' , casei( DATE('2020-01-01') POINT( 1 "
    "BBOX( "
    "s_intersects( t_after( a_contains( geometry interval( '..' true % div"
)
TOKENS = st.sampled_from(WORDS.split())


@given(st.lists(TOKENS, max_size=25).map(" ".join))
def test_any_words_of_the_language_are_answered_or_refused(part: Part, text: str) -> None:
    try:
        found = compile_filter(text, pack=part).mask(part)
    except QueryError:
        return
    assert len(found) == len(part)


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.floats(),
        st.sampled_from(["a", "name", "..", "2020-01-01"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.fixed_dictionaries(
            {
                "op": st.sampled_from(
                    [
                        "and",
                        "not",
                        "=",
                        "in",
                        "between",
                        "isNull",
                        "like",
                        "s_within",
                        "t_after",
                        "+",
                        "casei",
                        "a_equals",
                    ]
                ),
                "args": st.one_of(inner, st.lists(inner, max_size=3)),
            }
        ),
        st.fixed_dictionaries({"property": st.sampled_from(["name", "year", "day", "geometry", "x"])}),
        st.fixed_dictionaries({"interval": inner}),
        st.fixed_dictionaries({"bbox": inner}),
        st.fixed_dictionaries({"type": st.sampled_from(["Point", "Polygon", "x"]), "coordinates": inner}),
        st.fixed_dictionaries({"date": inner}),
        st.fixed_dictionaries({"timestamp": inner}),
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_tree_is_answered_or_refused(part: Part, tree: Any) -> None:
    try:
        found = compile_filter(
            tree if isinstance(tree, dict) else {"op": "not", "args": [tree]}, pack=part, language="cql2-json"
        ).mask(part)
    except QueryError:
        return
    assert len(found) == len(part)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour='a'", r"'colour'; there are: name, year, day, geometry"),
        ("name=1", r"a text \(name\) with a number"),
        ("year='x'", r"a number \(year\) with a text"),
        ("day='x'", "not an instant"),
        ("day>DATE('2020-02-30')", "not a date"),
        ("year", "needs true or false"),
        ("name like year", "needs a text"),
        ("geometry='a'", "does not compare|compares a geometry"),
        ("soundex(name)='a'", "no function 'soundex'"),
        ("year+name=1", "needs a number"),
        ("s_intersects(name, POINT(1 1))", "needs a geometry"),
        ("s_intersects(geometry, POINT(90 180))", "no position"),
        ("s_intersects(geometry, POLYGON((0 0, 2 2, 0 2, 2 0, 0 0)))", "not valid"),
        ("s_intersects(geometry, BBOX(1,2,3))", "4 or 6"),
        ("t_meets(day, DATE('2020-01-01'))", "intervals"),
        ("t_after(day, INTERVAL('2021-01-01','2020-01-01'))", "ends before"),
        ("name='a' AND", "cannot be read from character"),
        ("", "empty"),
        ("name='" + "a" * MOST_TEXT + "'", "longer than"),
    ],
)
def test_messages(part: Part, text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        compile_filter(text, pack=part)


def test_vertices_are_bounded(part: Part) -> None:
    line = {"type": "LineString", "coordinates": [[x / 1e4, 0] for x in range(10_001)]}
    with pytest.raises(QueryError, match="10000 positions"):
        compile_filter(
            {"op": "s_intersects", "args": [{"property": "geometry"}, line]}, pack=part, language="cql2-json"
        )


def test_systems_of_filters(part: Part) -> None:
    def ids(text: str, crs: str) -> list[int]:
        return list(part.ids[compile_filter(text, pack=part, crs=crs).mask(part)])

    assert ids("s_intersects(geometry, BBOX(0.5,0.5,1.5,1.5))", "CRS84") == [1]
    assert ids("s_intersects(geometry, BBOX(1.5,1.9,2.5,2.1))", "EPSG:4326") == [2]
    assert ids("s_within(geometry, POLYGON((1.5 1.9, 2.5 1.9, 2.5 2.1, 1.5 2.1, 1.5 1.9)))", "EPSG:4490") == [2]
    assert ids("s_intersects(geometry, BBOX(100000,100000,120000,120000))", "EPSG:3857") == [1]
    with pytest.raises(QueryError, match="EPSG:2380"):
        ids("true", "EPSG:2380")


def test_patterns_take_no_time() -> None:
    started = time.perf_counter()
    matches = like_matcher("%a" * 200 + "%b")
    assert not matches("a" * 20_000)
    assert time.perf_counter() - started < 2


@given(st.text("ab%_\\", max_size=8), st.text("ab%_\\", max_size=8))
def test_patterns(pattern: str, text: str) -> None:
    from tests.query.brute import _like

    assert like_matcher(pattern)(text) == _like(text, pattern)
