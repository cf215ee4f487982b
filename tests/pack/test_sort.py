"""The order of values, against Python's own sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoplan.pack import sort
from geoplan.pack.columns import ARROW_TYPES
from geoplan.pack.sort import count_pair, counted_pairs, order_codes, order_values

TEXTS = st.lists(
    st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=20), st.sampled_from(["14", "140"]))
)


def expected(values: list[Any]) -> list[int]:
    def key(row: int) -> Any:
        value = values[row]
        return value.encode() if isinstance(value, str) else value

    present = [row for row, value in enumerate(values) if value is not None]
    return sorted(present, key=key) + [row for row, value in enumerate(values) if value is None]


@given(TEXTS)
@example(["a", "a\0", "a\0\0", "", None, "\0", "b", "a"])
@example(["x" * 70, "x" * 69 + "w", "a", None])
@example(["12345678", "123456789", "1234567", "12345678"])
def test_texts(values: list[str | None]) -> None:
    assert order_values(pa.array(values, pa.large_string())).tolist() == expected(values)


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(-2, 2))))
def test_whole_numbers(values: list[int | None]) -> None:
    assert order_values(pa.array(values, pa.int64())).tolist() == expected(values)


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([0.5, -0.5]))))
def test_numbers(values: list[float | None]) -> None:
    values = [None if value is None else value + 0.0 for value in values]
    assert order_values(pa.array(values, pa.float64())).tolist() == expected(values)


@pytest.mark.parametrize("kind", ["date", "datetime"])
def test_times(kind: str) -> None:
    values = [3, -5, None, 3, 0]
    assert order_values(pa.array(values, ARROW_TYPES[kind])).tolist() == expected(values)


def test_a_slice_is_sorted_by_itself() -> None:
    assert order_values(pa.array(["z", "b", None, "a"], pa.large_string()).slice(1)).tolist() == [2, 0, 1]


def test_codes() -> None:
    order, starts = order_codes(np.array([2, 0, 2, 1, 0], np.uint8), 2, np.array([3, 4, 2, 1, 0], np.uint32))
    assert order.tolist() == [4, 1, 3, 2, 0]
    assert starts.tolist() == [0, 2, 3, 5]


def test_pairs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted_pairs([3, 0, 5, 60_000, 2], 10**7) == [(0, 2), (0, 4), (2, 4)]
    assert counted_pairs([3, 5], 8 * 15) == [(0, 1)]
    assert counted_pairs([3, 5], 8 * 15 - 1) == []
    monkeypatch.setattr(sort, "LARGEST_PAIRS", 18)
    assert counted_pairs([3, 0, 5, 2], 10**7) == [(0, 3), (2, 3)]
    first, second = np.array([0, 1, 1], np.uint8), np.array([2, 0, 0], np.uint16)
    assert count_pair(first, second, (2, 3)).tolist() == [[0, 0, 1], [2, 0, 0]]
