"""A part in memory: nothing is lost, nothing is moved by more than half a unit, every index says the truth."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from geoplan.errors import PackError
from geoplan.pack import assemble, columns
from geoplan.pack.assemble import memory_part
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.mercator import DEGREE_UNITS, MAX_LATITUDE
from geoplan.pack.part import NODE_SIZE, Part
from geoplan.pack.shapes import to_shapely

Shape = Any


def degrees_of(geometry: Shape) -> list[tuple[float, float]]:
    return [tuple(xy) for xy in shapely.get_coordinates(geometry)]


@st.composite
def shapes(draw: DrawFn) -> Shape:
    x, y = draw(st.floats(-170, 170)), draw(st.floats(-84, 84))
    size = draw(st.floats(1e-4, 5))
    box = shapely.box(x, y, x + size, min(y + size, 85))
    choice = draw(st.integers(0, 7))
    if choice == 0:
        return None
    return (
        box,
        shapely.Point(x, y),
        shapely.LineString([(x, y), (x + size, y), (x, y + size / 2)]),
        shapely.MultiPoint([(x, y), (x + size, y)]),
        shapely.MultiPolygon([box, shapely.box(x + 2 * size, y, x + 3 * size, min(y + size, 85))]),
        shapely.difference(box, shapely.box(x + size / 4, y + size / 4, x + size / 2, y + size / 2)),
        shapely.Polygon(),
    )[choice - 1]


TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=6))
WHOLE = st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 3))
REAL = st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, -0.0, 1.5]))
YES = st.one_of(st.none(), st.booleans())


@st.composite
def tables(draw: DrawFn) -> tuple[pa.Table, list[Shape]]:
    n = draw(st.integers(0, 40))
    drawn = {
        name: draw(st.lists(values, min_size=n, max_size=n))
        for name, values in (("text", TEXTS), ("whole", WHOLE), ("real", REAL), ("yes", YES))
    }
    types = {"text": pa.string(), "whole": pa.int64(), "real": pa.float64(), "yes": pa.bool_()}
    table = pa.table({name: pa.array(values, types[name]) for name, values in drawn.items()})
    return table, draw(st.lists(shapes(), min_size=n, max_size=n))


def check_values(part: Part, table: pa.Table, rows: np.ndarray[Any, Any]) -> None:
    for column in part.columns:
        wanted = table[column.name].take(pa.array(rows)).to_pylist()
        if column.codes is not None:
            listed = [*column.values.to_pylist(), None]
            assert [listed[code] for code in column.codes] == wanted
            cells = part.cells[:, column.cell] - column.first_fragment
            assert np.array_equal(cells, column.codes)
            assert column.starts is not None
            for code in range(len(listed)):
                found = column.order[column.starts[code] : column.starts[code + 1]]
                assert np.array_equal(found, part.ids_order[column.codes[part.ids_order] == code])
        else:
            assert column.values.to_pylist() == wanted
        ordered = [wanted[row] for row in column.order]
        present = [value for value in ordered if value is not None]
        by_bytes = [value.encode() if isinstance(value, str) else value for value in present]
        assert by_bytes == sorted(by_bytes)
        assert ordered[: len(present)] == present  # missing ones are last
        equal = [a == b for a, b in pairwise(ordered)]
        # What is equal stands by id where there are codes, otherwise by row.
        places = column.order if column.codes is None else part.ids[column.order]
        assert all(places[k] < places[k + 1] for k, same in enumerate(equal) if same)


def check_fragments(part: Part) -> None:
    pieces = part.fragments
    for column in part.columns:
        values = column.values.to_pylist() + ([None] if column.codes is not None else [])
        for place, value in enumerate(values, column.first_fragment):
            text = bytes(pieces.json[pieces.json_offsets[place] : pieces.json_offsets[place + 1]])
            found = json.loads(text)
            assert found == value
            assert (found is None) == (value is None)
            mvt = bytes(pieces.mvt[pieces.mvt_offsets[place] : pieces.mvt_offsets[place + 1]])
            assert (mvt == b"") == (value is None)


def check_tree(part: Part) -> None:
    tree = part.tree
    children = tree.boxes
    for level in range(len(tree.starts) - 1):
        nodes = tree.nodes[tree.starts[level] : tree.starts[level + 1]]
        assert len(nodes) == math.ceil(len(children) / NODE_SIZE)
        parents = nodes[np.arange(len(children)) // NODE_SIZE]
        assert np.all(parents[:, :2] <= children[:, :2])
        assert np.all(parents[:, 2:] >= children[:, 2:])
        children = nodes
    assert len(children) <= 1


@settings(max_examples=60)
@given(tables())
def test_nothing_is_lost(drawn: tuple[pa.Table, list[Shape]]) -> None:
    table, geometries = drawn
    part = memory_part(table, geometries, ordered=True)
    n = len(geometries)
    assert part.rank is not None
    assert sorted(part.ids) == list(range(1, n + 1))
    assert np.array_equal(part.ids - 1, part.rank)
    assert np.array_equal(part.ids[part.ids_order], np.arange(1, n + 1))
    check_values(part, table, part.rank)
    check_fragments(part)
    check_tree(part)
    for pair in part.pairs.values():
        assert pair.sum() == n


@settings(max_examples=60)
@given(st.lists(shapes(), max_size=30))
def test_positions_move_by_half_a_unit_at_most(geometries: list[Shape]) -> None:
    part = memory_part({}, geometries)
    back = to_shapely(part.geometry)
    for row, number in enumerate(part.ids):
        wanted = geometries[number - 1]
        if wanted is None or wanted.is_empty:
            assert part.geometry.kinds[row] == 0
            assert back[row] is None
            assert part.tree.boxes[row, 0] > part.tree.boxes[row, 2]
            continue
        found = back[row]
        assert found.geom_type == wanted.geom_type
        assert len(degrees_of(found)) == len(degrees_of(wanted))
        distance = np.abs(np.sort(degrees_of(found), axis=0) - np.sort(degrees_of(wanted), axis=0)).max()
        assert distance <= 0.5 / DEGREE_UNITS + 1e-12
        if found.geom_type == "Polygon":
            assert found.exterior.is_ccw
            assert not any(ring.is_ccw for ring in found.interiors)
        first, last = (part.geometry.vertices[part.geometry.rings[part.geometry.members[row + k]]] for k in (0, 1))
        grid = part.geometry.mercator[first:last]
        xy = part.geometry.degrees[first:last] / DEGREE_UNITS
        exact_x = xy[:, 0] / 360 * 2**32
        exact_y = -np.arctanh(np.sin(np.radians(np.clip(xy[:, 1], -MAX_LATITUDE, MAX_LATITUDE)))) / (2 * np.pi) * 2**32
        # The degrees kept are half a unit off themselves: 0.6 units of the grid, more to the poles.
        slack = 0.5 + 0.6 / np.cos(np.radians(np.abs(xy[:, 1])))
        assert np.all(np.abs(grid[:, 0] - exact_x) <= 0.5 + 0.6)
        assert np.all(np.abs(grid[:, 1] - exact_y) <= slack + 1e-3)
        assert list(part.tree.boxes[row]) == [*grid.min(axis=0), *grid.max(axis=0)]


def test_many_values_are_kept_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assemble, "MOST_CODES", 2)
    table = pa.table({"few": ["a", None, "b", "a"], "many": ["d", None, "é", ""], "real": [3.0, 1.0, None, -1.0]})
    part = memory_part(table, shapely.points([[4, 4], [3, 3], [2, 2], [1, 1]]), ordered=True)
    assert part.rank is not None
    assert [column.codes is None for column in part.columns] == [False, True, True]
    check_values(part, table, part.rank)
    check_fragments(part)
    assert part.cells.shape == (4, 1)


def test_types_keep_their_values() -> None:
    table = pa.table(
        {
            "short": pa.array([0.1, None], pa.float32()),
            "day": pa.array([19000, None], pa.date32()),
            "naive": pa.array([1_700_000_000_000, None], pa.timestamp("ms")),
            "zoned": pa.array([1_700_000_000_123_456, None], pa.timestamp("us", "Asia/Shanghai")),
            "list": pa.array([[1, 2], None], pa.list_(pa.int64())),
            "coded": pa.array(["x", None]).dictionary_encode(),
            "nothing": pa.nulls(2),
            "bytes": pa.array([b"x", None]),
            "decimal": pa.array([None, None], pa.decimal128(10, 2)),
        }
    )
    part = memory_part(table, [shapely.Point(1, 1), None])
    kinds = {column.name: column.type for column in part.columns}
    assert "bytes" not in kinds
    assert kinds["day"] == "date"
    assert kinds["naive"] == kinds["zoned"] == "datetime"
    pieces = part.fragments
    texts = {
        column.name: bytes(pieces.json[pieces.json_offsets[at] : pieces.json_offsets[at + 1]]).decode()
        for column in part.columns
        for at in [column.first_fragment]
    }
    assert texts == {
        "short": "0.1",
        "day": '"2022-01-08"',
        "naive": '"2023-11-14T22:13:20Z"',
        "zoned": '"2023-11-14T22:13:20.123456Z"',
        "list": "[1,2]",
        "coded": '"x"',
        "nothing": "null",
        "decimal": "null",
    }


def test_not_a_number_is_missing_and_zero_has_no_sign() -> None:
    part = memory_part({"v": pa.array([math.nan, math.inf, -0.0, 0.0])}, [None] * 4)
    assert part.column("v").values.to_pylist() == [0.0]
    assert math.copysign(1, part.column("v").values[0].as_py()) == 1
    assert part.column("v").starts is not None
    assert list(part.column("v").starts) == [0, 2, 4]


@pytest.mark.parametrize("ids", [[1, 1], [-1, 2]])
def test_ids_are_not_repeated_nor_negative(ids: list[int]) -> None:
    with pytest.raises(ValueError, match="ids"):
        memory_part({}, [None, None], ids)


def test_json_that_is_none_is_refused() -> None:
    with pytest.raises(PackError, match="'j'"):
        memory_part({"j": ["{"]}, [None], specs=[ColumnSpec("j", "json")])


def test_columns_that_are_not_there_are_named() -> None:
    with pytest.raises(PackError, match=r"'z'.*there are a"):
        memory_part({"a": ["x"]}, [None], specs=[ColumnSpec("z")])


def test_columns_of_one_name_are_refused() -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(PackError, match="more than one column 'a'"):
        memory_part(table, [None])


def test_collections_are_refused() -> None:
    with pytest.raises(ValueError, match="geometry 0 is a collection"):
        memory_part({}, [shapely.GeometryCollection([shapely.Point(1, 1)])])


def test_codes_and_the_missing_one_fit_their_type() -> None:
    assert columns.codes_type(255) is np.uint8
    assert columns.codes_type(256) is np.uint16
    assert np.iinfo(np.uint16).max >= columns.MOST_CODES
