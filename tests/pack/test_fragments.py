"""Ready-made bytes, against orjson and against a decoder of the wire format."""

from __future__ import annotations

import struct
from itertools import pairwise
from typing import Any

import orjson
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from geoplan.pack.columns import ARROW_TYPES
from geoplan.pack.fragments import value_fragments


def pieces(kind: str, values: list[Any]) -> tuple[list[bytes], list[bytes]]:
    found = value_fragments(kind, pa.array(values, ARROW_TYPES[kind]))
    cut = [
        [bytes(data[a:b]) for a, b in pairwise(offsets)]
        for offsets, data in ((found.mvt_offsets, found.mvt), (found.json_offsets, found.json))
    ]
    return cut[0], cut[1]


def varint(data: bytes) -> tuple[int, bytes]:
    value = shift = 0
    for place, byte in enumerate(data):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, data[place + 1 :]
    raise AssertionError("unfinished")


def decoded(message: bytes) -> Any:
    """The value of a ``Value`` message."""
    tag, rest = message[0], message[1:]
    if tag == 0x0A:
        length, text = varint(rest)
        assert length == len(text)
        return text.decode()
    if tag == 0x19:
        return struct.unpack("<d", rest)[0]
    value, rest = varint(rest)
    assert rest == b""
    if tag == 0x30:
        return (value >> 1) ^ -(value & 1)
    return bool(value) if tag == 0x38 else value


@given(st.lists(st.one_of(st.none(), st.text(st.characters(codec="utf-8")))))
@example(["", '"\\/', "\0\x1f\x7f\n\r\t\b\f", "中𠀀", None])
def test_texts(values: list[str | None]) -> None:
    mvt, json = pieces("string", values)
    assert json == [orjson.dumps(value) for value in values]
    assert [decoded(m) if m else None for m in mvt] == values


@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1))))
@example([0, 127, 128, -1, -(2**63), 2**63 - 1])
def test_whole_numbers(values: list[int | None]) -> None:
    mvt, json = pieces("integer", values)
    assert json == [orjson.dumps(value) for value in values]
    assert [decoded(m) if m else None for m in mvt] == values


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False))))
@example([0.0, 0.1, 1e22, 5e-324, 1.7976931348623157e308, -2.5])
def test_numbers_read_back_the_same(values: list[float | None]) -> None:
    mvt, json = pieces("number", values)
    assert [orjson.loads(text) for text in json] == values
    assert [decoded(m) if m else None for m in mvt] == values


def test_the_rest() -> None:
    assert pieces("boolean", [True, None, False]) == ([b"\x38\x01", b"", b"\x38\x00"], [b"true", b"null", b"false"])
    mvt, json = pieces("json", ['{"a":[1]}', None])
    assert (json, decoded(mvt[0]), mvt[1]) == ([b'{"a":[1]}', b"null"], '{"a":[1]}', b"")
    _, json = pieces("datetime", [0, 1_000_000, 500_000, None])
    assert json == [b'"1970-01-01T00:00:00Z"', b'"1970-01-01T00:00:01Z"', b'"1970-01-01T00:00:00.500000Z"', b"null"]
