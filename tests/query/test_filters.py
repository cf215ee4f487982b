"""Filters against the same filter worked out row by row, for columns with codes and plain ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoplan.query.access import first
from geoplan.query.filters import Filter, compile_filter, queryables
from tests.query.brute import holds
from tests.query.conftest import WORDS, MemoryPack, make_rows, make_shapes

COUNT = 120
ROWS = make_rows(COUNT, 1)
SHAPES = make_shapes(COUNT, 2)
IDS = np.random.default_rng(3).permutation(1000)[:COUNT]


@pytest.fixture
def pack(build_pack: Callable[..., MemoryPack]) -> MemoryPack:
    return build_pack(ROWS, SHAPES, IDS)


def expected(tree: Any) -> set[int]:
    return {int(IDS[i]) for i in range(COUNT) if holds(tree, ROWS[i], SHAPES[i]) is True}


def found(pack: MemoryPack, compiled: Filter) -> set[int]:
    """The matching ids; count, rows, mask and the first page have to agree on them."""
    part = pack.source
    mask = compiled.mask(part)
    ids = {int(one) for one in part.ids[mask]}
    assert compiled.count(part) == len(ids)
    assert list(compiled.rows(part)) == list(np.flatnonzero(mask))
    for after, limit in ((-1, 7), (400, 3), (-1, 200)):
        rows, total = first(compiled.plan(part), after, limit)
        assert total == len(ids)
        assert [int(one) for one in part.ids[rows]] == sorted(one for one in ids if one > after)[:limit]
    return ids


def prop(name: str) -> dict[str, str]:
    return {"property": name}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


COMPARE = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
TEXT = st.sampled_from(["word", "other"]).map(prop)
TEXT_VALUE = st.one_of(TEXT, st.sampled_from(WORDS))
NUMBER = st.sampled_from(["whole", "real"]).map(prop)
NUMBER_LITERAL = st.one_of(st.integers(-4, 9), st.sampled_from([0.5, 2.25, -3.0, 1e300]))
NUMBER_VALUE = st.recursive(
    st.one_of(NUMBER, NUMBER_LITERAL),
    lambda inner: st.builds(op, st.sampled_from(["+", "-", "*", "/", "div", "%"]), inner, inner),
    max_leaves=4,
)
FOLDED = st.recursive(
    TEXT_VALUE, lambda inner: st.builds(op, st.sampled_from(["casei", "accenti"]), inner), max_leaves=3
)
DAY = st.integers(8, 21).map(lambda day: {"date": f"2022-04-{day:02d}"})
INSTANT = st.builds(
    lambda day, hour: {"timestamp": f"2022-04-{day:02d}T{hour:02d}:00:00Z"},
    st.integers(9, 19),
    st.sampled_from([0, 6, 12]),
)


@st.composite
def intervals(draw: Any) -> Any:
    ends = sorted(draw(st.lists(INSTANT.map(lambda one: one["timestamp"]), min_size=2, max_size=2)))
    choice = draw(st.integers(0, 4))
    return {
        "interval": [
            [ends[0], ends[1]],
            ["..", ends[1]],
            [ends[0], ".."],
            [prop("start"), prop("end")],
            [ends[0], prop("end")],
        ][choice]
    }


RELATIONS = ["after", "before", "disjoint", "equals", "intersects"]
OF_INTERVALS = ["contains", "during", "finishedby", "finishes", "meets", "metby", "overlappedby"]
TEMPORAL = st.sampled_from([*RELATIONS, *OF_INTERVALS, "overlaps", "startedby", "starts"])
LIST = st.one_of(st.just(prop("list")), st.lists(st.sampled_from(["a", "b", 1, 2, True]), max_size=3))
X, Y = st.floats(109.5, 116.5).map(lambda x: round(x, 3)), st.floats(33.5, 40.5).map(lambda y: round(y, 3))


@st.composite
def literals(draw: Any) -> Any:
    (w, e), (s, n) = sorted([draw(X), draw(X)]), sorted([draw(Y), draw(Y)])
    e, n = e + 0.25, n + 0.25
    return draw(
        st.sampled_from(
            [
                {"bbox": [w, s, e, n]},
                {"type": "Polygon", "coordinates": [[[w, s], [e, s], [e, n], [w, s]]]},
                {"type": "LineString", "coordinates": [[w, s], [e, n]]},
                {"type": "Point", "coordinates": [w, s]},
                {"type": "MultiPoint", "coordinates": [[w, s], [e, n]]},
            ]
        )
    )


SPATIAL = st.sampled_from(
    ["intersects", "disjoint", "equals", "touches", "within", "contains", "overlaps", "crosses"]
).map(lambda name: f"s_{name}")
SIMPLE = st.one_of(
    st.builds(op, COMPARE, TEXT_VALUE, TEXT_VALUE),
    st.builds(op, COMPARE, FOLDED, FOLDED),
    st.builds(op, COMPARE, NUMBER_VALUE, NUMBER_VALUE),
    st.builds(op, COMPARE, st.just(prop("flag")), st.one_of(st.booleans(), st.just(prop("flag")))),
    st.builds(op, COMPARE, st.just(prop("day")), st.one_of(DAY, st.just(prop("day")))),
    st.builds(op, COMPARE, st.sampled_from([prop("start"), prop("end")]), st.one_of(INSTANT, st.just(prop("end")))),
    st.builds(
        op,
        st.just("like"),
        FOLDED,
        st.sampled_from(["%", "_%", "", "a%", "%a", "b\\_ta", "%e%a%", "_lph_", "beta\\%", "%%", "a\\\\b", "%ta"]),
    ),
    st.builds(op, st.just("between"), NUMBER_VALUE, NUMBER_VALUE, NUMBER_VALUE),
    st.builds(op, st.just("in"), NUMBER, st.lists(NUMBER_LITERAL, min_size=1, max_size=4)),
    st.builds(op, st.just("in"), FOLDED, st.lists(FOLDED, min_size=1, max_size=4)),
    st.builds(op, st.just("in"), st.just(prop("day")), st.lists(DAY, min_size=1, max_size=3)),
    st.builds(op, st.just("isNull"), st.sampled_from(["word", "real", "list", "start", "geometry", "flag"]).map(prop)),
    st.just(prop("flag")),
    st.booleans(),
)
TIMES = st.one_of(
    st.builds(lambda name, a, b: op(f"t_{name}", a, b), TEMPORAL, intervals(), intervals()),
    st.builds(
        lambda name, a, b: op(f"t_{name}", a, b),
        st.sampled_from(["after", "before", "disjoint", "equals", "intersects"]),
        st.one_of(st.sampled_from(["start", "end"]).map(prop), INSTANT),
        st.one_of(intervals(), INSTANT, st.just(prop("start"))),
    ),
)
ARRAYS = st.builds(op, st.sampled_from(["a_equals", "a_contains", "a_containedby", "a_overlaps"]), LIST, LIST)
SHAPED = st.one_of(
    st.builds(op, SPATIAL, st.just(prop("geometry")), literals()),
    st.builds(op, SPATIAL, literals(), st.just(prop("geometry"))),
)
LEAF = st.one_of(SIMPLE, SIMPLE, SIMPLE, TIMES, ARRAYS, SHAPED)
TREE = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(op, st.just("not"), inner),
        st.builds(
            lambda name, args: op(name, *args), st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4)
        ),
    ),
    max_leaves=6,
)
MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@MANY
@given(tree=TREE)
def test_any_filter_selects_what_it_selects_row_by_row(pack: MemoryPack, tree: Any) -> None:
    assert found(pack, compile_filter(tree, pack=pack, language="cql2-json")) == expected(tree)


@MANY
@given(tree=st.one_of(TIMES, ARRAYS, SHAPED))
def test_relations(pack: MemoryPack, tree: Any) -> None:
    assert found(pack, compile_filter(tree, pack=pack, language="cql2-json")) == expected(tree)


def test_queryables(pack: MemoryPack) -> None:
    found = queryables(pack)
    assert found["geometry"] == "geometry"
    assert (found["word"], found["whole"], found["list"], found["start"]) == ("string", "integer", "json", "datetime")
