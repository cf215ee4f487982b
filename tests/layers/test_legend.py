"""Classes and colours: every drawn colour is in the legend, no class is empty, repetitions are not classed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import geopandas as gpd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Point

from geoplan.crs import STORAGE
from geoplan.errors import LayerError
from geoplan.layers.definition import Style
from geoplan.layers.legend import OTHER_COLOUR, SEVERAL, classify, fill_classes
from tests.layers.small_world import definition

PALETTE = ("#111111", "#222222", "#333333", "#444444")


def frame(values: list[Any], **columns: Any) -> gpd.GeoDataFrame:
    own = {"value": values, "precision": "county", "duplicate_of": None} | columns
    geometry = own.pop("geometry", [Point(112, 37)] * len(values))
    return gpd.GeoDataFrame(own, geometry=geometry, crs=STORAGE)


def classed(made: gpd.GeoDataFrame, measure: Any = None, **style: Any) -> tuple[list[int], dict[str, Any]]:
    keys = {"scheme": "breaks", "field": "value", "palette": PALETTE, "fill_levels": ["county"]} | style
    classes, legend = classify(made, definition(style=Style(**keys), measure=measure))
    return classes.tolist(), legend


def test_a_break_begins_its_class() -> None:
    classes, legend = classed(frame([0, 4.9, 5, 9, 10, 60]), breaks=(0, 5, 10))
    assert classes == [0, 0, 1, 1, 2, 2]
    assert [(e["min"], e["max"], e["count"]) for e in legend["entries"]] == [(0, 5, 2), (5, 10, 2), (10, 60, 2)]
    assert [e["color"] for e in legend["entries"]] == ["#111111", "#333333", "#444444"]


def test_classes_without_features_are_left_out() -> None:
    classes, legend = classed(frame([1, 30]), breaks=(0, 5, 10, 20))
    assert classes == [0, 1]
    assert [(e["min"], e["max"]) for e in legend["entries"]] == [(0, 5), (20, 30)]


def test_only_what_is_drawn_filled_and_said_for_the_first_time_is_classed() -> None:
    made = frame(
        [1.0] * 6,
        precision=["county", "city", "county", "county", "county", "county"],
        duplicate_of=[None, None, "plan-1-01", None, None, None],
        geometry=[Point(1, 1)] * 3 + [None] + [Point(1, 1)] * 2,
        measure=["area"] * 4 + ["investment", "area"], change=["flow"] * 5 + ["stock"], theme="farmland",
    )  # fmt: skip
    spec = {"name": "area", "unit": "亩", "extensive": True, "change": "flow"}
    assert classed(made, spec, breaks=(0,))[0] == [0, -1, -1, -1, -1, -1]
    assert classed(made, spec | {"themes": ["grain"]}, breaks=(0,))[0] == [-1] * 6


def test_what_is_missing_has_no_class() -> None:
    classes, legend = classed(frame([None, 3.0, float("nan")]), breaks=(0,))
    assert (classes, sum(e["count"] for e in legend["entries"])) == ([-1, 0, -1], 1)
    assert classed(frame([None, None]), breaks=(0,))[1]["entries"] == []


def test_the_commonest_values_get_a_colour_and_the_rest_share_one() -> None:
    classes, legend = classed(frame([*list("aabbbcd"), None]), scheme="categories", palette=PALETTE[:2])
    assert classes == [1, 1, 0, 0, 0, 2, 2, -1]
    assert [(e["value"], e["count"], e["color"]) for e in legend["entries"]] == [
        ("b", 3, "#111111"), ("a", 2, "#222222"), (None, 2, OTHER_COLOUR),
    ]  # fmt: skip


def test_facts_on_one_shape_are_filled_once() -> None:
    here, there = Point(112, 37), Point(113, 37)
    made = frame([*list("aabab"), "b"], geometry=[here, here, there, there, None, Point(114, 37)])
    classes, legend = classed(made, scheme="categories")
    assert classes == [0, 0, 1, 0, 1, 1]
    assert fill_classes(made.assign(**{"class": classes}), legend).tolist() == [0, -1, SEVERAL, -1, 1, 1]
    assert legend["several"]["count"] == 1
    assert [entry["count"] for entry in legend["entries"]] == [3, 2]


def test_what_repeats_or_is_not_drawn_is_in_no_count() -> None:
    made = frame(list("aab"), duplicate_of=[None, "plan-1-01", None], geometry=[Point(1, 1), Point(1, 1), None])
    classes, legend = classed(made, scheme="categories")
    assert classes == [0, 0, -1]
    assert [(entry["value"], entry["count"]) for entry in legend["entries"]] == [("a", 1)]


def test_the_commonest_is_what_is_counted_most_often() -> None:
    made = frame(list("aaabbc"), duplicate_of=[None, "plan-1-01", "plan-1-01", None, None, None])
    classes, legend = classed(made, scheme="categories", palette=PALETTE[:2])
    assert classes == [1, 1, 1, 0, 0, 2]
    assert [(e["value"], e["count"]) for e in legend["entries"]] == [("b", 2), ("a", 1), (None, 1)]


def test_a_category_beside_none_is_no_second_one() -> None:
    made = frame([None, "a"])
    classes, legend = classed(made, scheme="categories")
    assert fill_classes(made.assign(**{"class": classes}), legend).tolist() == [0, -1]
    assert "several" not in legend


def test_intervals_fill_every_shape_with_its_class() -> None:
    made = frame([1.0, 9.0, None])
    classes, legend = classed(made, breaks=(0, 5))
    assert fill_classes(made.assign(**{"class": classes}), legend).tolist() == classes == [0, 1, -1]
    assert "several" not in legend


@pytest.mark.parametrize(
    ("values", "breaks", "labels"),
    [
        ([0.5, 4.9, 5, 10, 12.5], (0, 5, 10), ["0 – <5", "5 – <10", "10 – 12.5"]),
        ([0, 7, 10, 1234], (0, 5, 10), ["0 – 4", "5 – 9", "10 – 1,234"]),
        ([0, 1, 3], (0, 1, 2), ["0", "1", "2 – 3"]),
    ],
)
def test_an_interval_says_which_of_its_ends_it_holds(
    values: list[Any], breaks: tuple[float, ...], labels: list[str]
) -> None:
    _, legend = classed(frame(values), breaks=breaks)
    assert [e["label"]["zh"] for e in legend["entries"]] == labels


def test_themes_are_named_in_both_languages() -> None:
    _, legend = classed(frame(["dairy"]), scheme="categories")
    assert legend["entries"][0]["label"] == {"zh": "奶业", "en": "dairy"}


def test_a_single_colour_counts_all() -> None:
    classes, legend = classed(frame([1, 2]), scheme="single", field="")
    assert (classes, [e["count"] for e in legend["entries"]]) == ([0, 0], [2])


@pytest.mark.parametrize(
    ("values", "style", "message"),
    [
        ([1], {"field": "values", "breaks": (0,)}, "the layer has no column 'values'"),
        (["many"], {"breaks": (0,)}, "'value' cannot be drawn in breaks"),
        ([["a"], []], {"scheme": "categories"}, "'value' cannot be drawn in categories"),
        ([["a"], []], {"scheme": "quantiles"}, "'value' cannot be drawn in quantiles"),
    ],
)
def test_a_field_that_cannot_be_classed_is_named(values: list[Any], style: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError, match=rf"layers/farmland\.toml: style\.field: .*{message}"):
        classed(frame(values), **style)


NUMBERS = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None)
@given(values=NUMBERS, scheme=st.sampled_from(["breaks", "quantiles", "fisher_jenks"]), k=st.integers(2, 9))
def test_every_value_lies_in_its_class_and_no_class_is_empty(values: list[Any], scheme: str, k: int) -> None:
    style: dict[str, Any] = {"breaks": (-5, 0, 2)} if scheme == "breaks" else {"k": k}
    classes, legend = classed(frame([None if v is None else float(v) for v in values]), scheme=scheme, **style)
    entries = legend["entries"]
    assert len(entries) <= max(k, 4)
    assert Counter(c for c in classes if c >= 0) == {n: e["count"] for n, e in enumerate(entries)}
    assert [v is None for v in values] == [c < 0 for c in classes]
    for value, index in zip(values, classes, strict=True):
        if value is not None:
            low, high = entries[index]["min"], entries[index]["max"]
            assert low <= value and (value < high or index == len(entries) - 1)  # noqa: PT018
    assert {e["color"] for e in entries} <= set(PALETTE)
