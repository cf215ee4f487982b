"""GeoJSON as bytes: every number and every shape read back as it was stored."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from geoplan.errors import QueryError
from geoplan.pack.assemble import memory_part
from geoplan.pack.digits import write_integer, write_json_string, write_millimetres, write_units
from geoplan.pack.part import Part
from geoplan.pack.writer import write_features

INT32 = st.integers(-(2**31), 2**31 - 1)
SHAPES = [
    shapely.Point(112.5, 37.25),
    shapely.LineString([(112, 37), (112.1234567, 37.7654321), (113, 38)]),
    shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (1, 2), (2, 2), (2, 1)]]),
    shapely.MultiPoint([(0, 0), (-1.5, -2.25)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3), (4, 2)]]),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(-180, -85, -179, -84)]),
    None,
]
NAMES = ["a", '引号"\\\n', "", "c", None, "<script>", "a"]
VALUES = [1, None, -3, 4, 5, 6, 2**53]
LISTS = ['["x","y"]', None, "[]", '{"k":[1,2]}', "1", "null", '"t"']


@pytest.fixture(scope="module")
def part() -> Part:
    table = pa.table({'na"me': NAMES, "value": VALUES, "list": LISTS})
    return memory_part(table, np.array(SHAPES, dtype=object), np.arange(10, 80, 10), ordered=True)


def rows_of(part: Part, ids: list[int]) -> Any:
    return np.array([int(np.flatnonzero(part.ids == id_)[0]) for id_ in ids])


def features(part: Part, ids: list[int], **options: Any) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads(b"[" + write_features(part, rows_of(part, ids), **options) + b"]")
    return read


def text(write: Any, *values: Any) -> str:
    buffer = np.full(256, 65, np.uint8)
    end = write(buffer, 3, *values)
    assert bytes(buffer[:3]) == b"AAA"
    return bytes(buffer[3:end]).decode()


@given(INT32)
def test_degrees_are_exact_and_short(units: int) -> None:
    written = text(write_units, units)
    whole, _, fraction = written.partition(".")
    assert int(whole.lstrip("-") + fraction.ljust(7, "0")) == abs(units)
    assert written.startswith("-") == (units < 0)
    assert written[-1] not in (".", "0" if fraction else ".")
    assert json.loads(written) == pytest.approx(units / 1e7, abs=1e-12)


@given(st.integers(-20037508343, 20037508343))
def test_millimetres(value: int) -> None:
    assert round(float(text(write_millimetres, value)) * 1000) == value


@given(st.integers(0, 2**63 - 1))
def test_integers(value: int) -> None:
    assert text(write_integer, value) == str(value)


@given(st.text(max_size=30))
def test_strings_read_back(value: str) -> None:
    raw = np.frombuffer(value.encode("utf-8", "replace"), np.uint8)
    assert json.loads(text(write_json_string, raw)) == value.encode("utf-8", "replace").decode()


def test_every_kind_of_shape_and_value_reads_back(part: Part) -> None:
    read = features(part, list(range(10, 80, 10)))
    assert [one["id"] for one in read] == list(range(10, 80, 10))
    for one, shape, name, value, listed in zip(read, SHAPES, NAMES, VALUES, LISTS, strict=True):
        if shape is None:
            assert one["geometry"] is None
        else:
            assert one["geometry"]["type"] == shape.geom_type
            assert shapely.geometry.shape(one["geometry"]).normalize().equals_exact(shape.normalize(), 1e-7)
        assert one["properties"]['na"me'] == name
        assert one["properties"]["value"] == value
        assert set(one["properties"]) == {'na"me', "value", "list"}
        assert one["properties"]["list"] in (json.loads(listed) if listed else None, listed)


def test_axis_order_and_metres(part: Part) -> None:
    (lon_lat,) = features(part, [10])
    assert lon_lat["geometry"]["coordinates"] == [112.5, 37.25]
    for crs in ("EPSG:4326", "EPSG:4490"):
        (lat_lon,) = features(part, [10], crs=crs)
        assert lat_lon["geometry"]["coordinates"] == [37.25, 112.5]
    (metres,) = features(part, [10], crs="EPSG:3857")
    expected = Transformer.from_crs(4326, 3857, always_xy=True).transform(112.5, 37.25)
    assert metres["geometry"]["coordinates"] == pytest.approx(expected, abs=0.006)
    with pytest.raises(QueryError, match="EPSG:2380"):
        write_features(part, np.array([0]), crs="EPSG:2380")


def test_choice_of_properties_and_no_geometry(part: Part) -> None:
    (one,) = features(part, [20], columns=["value"], geometry=False)
    assert (one["properties"], one["geometry"]) == ({"value": None}, None)
    (bare,) = features(part, [20], columns=[])
    assert bare["properties"] == {}
    (linked,) = features(part, [20], links=b'[{"rel":"self","href":"x"}]')
    assert linked["links"] == [{"rel": "self", "href": "x"}]
    with pytest.raises(QueryError, match="colour"):
        write_features(part, np.array([0]), columns=["colour"])


def test_no_rows_no_bytes(part: Part) -> None:
    assert write_features(part, np.zeros(0, np.int64)) == b""
