"""Well-known binary, read against shapely's own reader, and bytes that are none."""

from __future__ import annotations

import struct

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoplan.pack.wkb import COLLECTION, READ, UNREADABLE, read_wkb

SHAPES = [
    shapely.Point(1, 2),
    shapely.Point(1, 2, 3),
    shapely.LineString([(0, 0), (1, 1), (2, 0)]),
    shapely.box(0, 0, 2, 2),
    shapely.Polygon([(0, 0, 1), (4, 0, 1), (4, 4, 1)], [[(1, 0.5, 1), (2, 0.5, 1), (2, 1, 1)]]),
    shapely.MultiPoint([(1, 2), (3, 4)]),
    shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3), (4, 4)]]),
    shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(2, 2, 3, 3)]),
]


@pytest.mark.parametrize("order", [0, 1])
@pytest.mark.parametrize("flavor", ["iso", "extended"])
def test_all_types_are_read(order: int, flavor: str) -> None:
    binary = shapely.to_wkb(np.array(SHAPES), byte_order=order, flavor=flavor)
    shapes, states = read_wkb(pa.array([None, *binary]))
    assert not states.any()
    assert list(shapes.kinds) == [0, 1, 1, 2, 3, 3, 5, 6, 7]
    for row, shape in enumerate(SHAPES, 1):
        first, last = (shapes.vertices[shapes.rings[shapes.members[row + k]]] for k in (0, 1))
        assert np.array_equal(shapes.positions[first:last], shapely.get_coordinates(shape))
    holed = shapes.members[5]
    assert np.diff(shapes.vertices[shapes.rings[holed] : shapes.rings[holed + 1] + 1]).tolist() == [4, 4]


def test_reference_system_numbers_are_skipped() -> None:
    shapes, states = read_wkb(
        pa.array([shapely.to_wkb(shapely.set_srid(shapely.Point(5, 6), 4490), include_srid=True)])
    )
    assert states[0] == READ
    assert shapes.positions.tolist() == [[5, 6]]


def test_empty_shapes_have_no_kind() -> None:
    empty = [shapely.Point(), shapely.LineString(), shapely.Polygon(), shapely.MultiPolygon(), shapely.MultiPoint()]
    shapes, states = read_wkb(pa.array(list(shapely.to_wkb(np.array(empty)))))
    assert not states.any()
    assert not shapes.kinds.any()


def test_a_ring_that_is_not_closed_is_closed() -> None:
    ring = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    binary = struct.pack("<BIII", 1, 3, 1, 3) + b"".join(struct.pack("<dd", *xy) for xy in ring)
    shapes, states = read_wkb(pa.array([binary]))
    assert states[0] == READ
    assert shapes.positions.tolist() == [[0, 0], [1, 0], [1, 1], [0, 0]]


def test_collections_and_nonsense_are_told_apart() -> None:
    collection = shapely.to_wkb(shapely.GeometryCollection([shapely.Point(1, 1)]))
    endless = struct.pack("<BII", 1, 2, 2**32 - 1)
    infinite = struct.pack("<BIIdddd", 1, 2, 2, 0, 0, float("inf"), 0)
    box = shapely.to_wkb(shapely.box(0, 0, 1, 1))
    shapes, states = read_wkb(pa.array([collection, b"", b"\1", endless, infinite, box[:-1], box]))
    assert list(states) == [COLLECTION, *[UNREADABLE] * 5, READ]
    assert list(shapes.kinds) == [0] * 6 + [3]
    assert list(shapes.members) == [0] * 7 + [1]
    assert len(shapes.positions) == 5


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(SHAPES).map(shapely.to_wkb)), max_size=8), st.data())
def test_broken_bytes_do_no_harm(rows: list[bytes], data: st.DataObject) -> None:
    """Whatever the bytes, the offsets hold together, and the rows beside are read."""
    broken = []
    for row in rows:
        at = data.draw(st.integers(0, max(len(row) - 1, 0)))
        broken.append(row[:at] + bytes([data.draw(st.integers(0, 255))]) + row[at + 1 :])
    sound = shapely.to_wkb(shapely.box(5, 5, 6, 6))
    shapes, states = read_wkb(pa.array([*broken, sound], pa.binary()))
    for offsets, end in (
        (shapes.members, len(shapes.rings) - 1),
        (shapes.rings, len(shapes.vertices) - 1),
        (shapes.vertices, len(shapes.positions)),
    ):
        assert offsets[0] == 0
        assert offsets[-1] == end
        assert np.all(np.diff(offsets) >= 0)
    assert states[-1] == READ
    assert shapes.positions[-5:].tolist() == shapely.get_coordinates(shapely.box(5, 5, 6, 6)).tolist()
    assert np.all(np.isfinite(shapes.positions))
