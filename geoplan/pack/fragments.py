"""Ready-made bytes of attribute values: JSON text, and the ``Value`` message of vector tiles (MVT 2.1, 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from numpy.typing import NDArray

from geoplan.pack.part import Fragments

# Tags of the message's fields: number << 3 | wire type (protocol buffers' encoding).
_STRING, _DOUBLE, _UNSIGNED, _SIGNED, _BOOLEAN = 0x0A, 0x19, 0x28, 0x30, 0x38
_QUOTE, _BACKSLASH = 0x22, 0x5C


def value_fragments(kind: str, values: pa.Array) -> Fragments:
    """Fragments of the values of a column of type `kind` (see `geoplan.pack.part.Column`), one each, in order."""
    missing = values.is_null().to_numpy(zero_copy_only=False)
    texts = value_texts(kind, values)
    offsets, content = text_buffers(texts)
    if kind in {"integer", "number", "boolean"}:
        json_offsets, json = _plain_json(offsets, content, missing)
        bits = _bits(kind, values)
        mvt_offsets = np.zeros(len(values) + 1, np.int64)
        mvt = np.empty(len(values) * 11, np.uint8)
        tag = {"integer": 0, "number": _DOUBLE, "boolean": _BOOLEAN}[kind]
        size = _number_messages(bits, missing, tag, mvt_offsets, mvt)
        return Fragments(mvt_offsets, mvt[:size].copy(), json_offsets, json)
    mvt_offsets = np.zeros(len(values) + 1, np.int64)
    mvt = np.empty(len(content) + 11 * len(values), np.uint8)
    size = _text_messages(offsets, content, missing, mvt_offsets, mvt)
    if kind == "json":
        json_offsets, json = _plain_json(offsets, content, missing)
    else:
        json_offsets, json = _quoted_json(offsets, content, missing)
    return Fragments(mvt_offsets, mvt[:size].copy(), json_offsets, json)


def value_texts(kind: str, values: pa.Array) -> pa.Array:
    """Text of each value (large_string): numbers so that they read back the same, dates and times as in RFC 3339."""
    if kind == "datetime":
        texts = values.cast(pa.timestamp("us")).cast(pa.large_string())
        texts = pc.replace_substring(texts, " ", "T", max_replacements=1)
        return pc.replace_substring_regex(texts, r"(\.?0{6})?$", "Z")
    return values.cast(pa.large_string())


def text_buffers(texts: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Offsets (n + 1) and bytes of a large_string array, without a copy."""
    _, offsets, data = texts.buffers()
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    if offsets is None or offsets.size == 0:
        return np.zeros(len(texts) + 1, np.int64), content
    return np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1], content


def join_fragments(parts: Sequence[Fragments]) -> Fragments:
    """Fragments of several columns one after another."""
    return Fragments(
        _joined([part.mvt_offsets for part in parts]),
        np.concatenate([np.zeros(0, np.uint8), *(part.mvt for part in parts)]),
        _joined([part.json_offsets for part in parts]),
        np.concatenate([np.zeros(0, np.uint8), *(part.json for part in parts)]),
    )


def _joined(offsets: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part) for part in offsets)])
    return np.cumsum(lengths)


def _bits(kind: str, values: pa.Array) -> NDArray[np.int64]:
    if kind == "number":
        return np.asarray(pc.fill_null(values, 0.0).to_numpy(zero_copy_only=False), np.float64).view(np.int64)
    if kind == "boolean":
        return np.asarray(pc.fill_null(values, False).to_numpy(zero_copy_only=False), np.int64)  # noqa: FBT003
    return np.asarray(pc.fill_null(values, 0).to_numpy(zero_copy_only=False), np.int64)


def _plain_json(
    offsets: NDArray[np.int64], content: NDArray[np.uint8], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    found = np.zeros(len(missing) + 1, np.int64)
    json = np.empty(int(offsets[-1] - offsets[0]) + 4 * len(missing), np.uint8)
    size = _copy_texts(offsets, content, missing, found, json)
    return found, json[:size].copy()


def _quoted_json(
    offsets: NDArray[np.int64], content: NDArray[np.uint8], missing: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    found = np.zeros(len(missing) + 1, np.int64)
    size = _quoted_size(offsets, content, missing)
    json = np.empty(size, np.uint8)
    _quote_texts(offsets, content, missing, found, json)
    return found, json


@njit(cache=True, nogil=True)
def _varint(value: Any, target: Any, at: Any) -> Any:
    while value >= np.uint64(128):
        target[at] = np.uint8(value & np.uint64(127)) | np.uint8(128)
        value >>= np.uint64(7)
        at += 1
    target[at] = np.uint8(value)
    return at + 1


@njit(cache=True, nogil=True)
def _number_messages(bits: Any, missing: Any, tag: Any, offsets: Any, target: Any) -> Any:
    at = 0
    for i in range(len(bits)):
        if not missing[i]:
            value = bits[i]
            if tag == _DOUBLE:
                target[at] = _DOUBLE
                word = np.uint64(value)
                for k in range(8):
                    target[at + 1 + k] = np.uint8((word >> np.uint64(8 * k)) & np.uint64(255))
                at += 9
            elif tag == _BOOLEAN:
                target[at], target[at + 1] = _BOOLEAN, np.uint8(value)
                at += 2
            elif value >= 0:
                target[at] = _UNSIGNED
                at = _varint(np.uint64(value), target, at + 1)
            else:
                target[at] = _SIGNED
                at = _varint(np.uint64((value << 1) ^ (value >> 63)), target, at + 1)
        offsets[i + 1] = at
    return at


@njit(cache=True, nogil=True)
def _text_messages(offsets: Any, content: Any, missing: Any, found: Any, target: Any) -> Any:
    at = 0
    for i in range(len(missing)):
        if not missing[i]:
            target[at] = _STRING
            at = _varint(np.uint64(offsets[i + 1] - offsets[i]), target, at + 1)
            for k in range(offsets[i], offsets[i + 1]):
                target[at] = content[k]
                at += 1
        found[i + 1] = at
    return at


@njit(cache=True, nogil=True)
def _null(target: Any, at: Any) -> Any:
    target[at], target[at + 1], target[at + 2], target[at + 3] = 0x6E, 0x75, 0x6C, 0x6C
    return at + 4


@njit(cache=True, nogil=True)
def _copy_texts(offsets: Any, content: Any, missing: Any, found: Any, target: Any) -> Any:
    at = 0
    for i in range(len(missing)):
        if missing[i]:
            at = _null(target, at)
        else:
            for k in range(offsets[i], offsets[i + 1]):
                target[at] = content[k]
                at += 1
        found[i + 1] = at
    return at


@njit(cache=True, nogil=True)
def _short(byte: Any) -> Any:
    """Letter of the two-character escape of a control character (RFC 8259, 7); 0 if it has none."""
    if byte == 8:
        return 0x62
    if byte == 9:
        return 0x74
    if byte == 10:
        return 0x6E
    if byte == 12:
        return 0x66
    if byte == 13:
        return 0x72
    return 0


@njit(cache=True, nogil=True)
def _quoted_size(offsets: Any, content: Any, missing: Any) -> Any:
    size = 0
    for i in range(len(missing)):
        if missing[i]:
            size += 4
            continue
        size += 2 + offsets[i + 1] - offsets[i]
        for k in range(offsets[i], offsets[i + 1]):
            byte = content[k]
            if byte in (_QUOTE, _BACKSLASH):
                size += 1
            elif byte < 0x20:
                size += 1 if _short(byte) != 0 else 5
    return size


@njit(cache=True, nogil=True)
def _escape(byte: Any, target: Any, at: Any) -> Any:
    target[at] = _BACKSLASH
    if byte in (_QUOTE, _BACKSLASH):
        target[at + 1] = byte
        return at + 2
    if _short(byte) != 0:
        target[at + 1] = _short(byte)
        return at + 2
    target[at + 1], target[at + 2], target[at + 3] = 0x75, 0x30, 0x30
    target[at + 4] = 0x30 + (byte >> 4)
    low = byte & 15
    target[at + 5] = 0x30 + low if low < 10 else 0x57 + low
    return at + 6


@njit(cache=True, nogil=True)
def _quote_texts(offsets: Any, content: Any, missing: Any, found: Any, target: Any) -> None:
    at = 0
    for i in range(len(missing)):
        if missing[i]:
            at = _null(target, at)
        else:
            target[at] = _QUOTE
            at += 1
            for k in range(offsets[i], offsets[i + 1]):
                byte = content[k]
                if byte < 0x20 or byte in (_QUOTE, _BACKSLASH):
                    at = _escape(byte, target, at)
                else:
                    target[at] = byte
                    at += 1
            target[at] = _QUOTE
            at += 1
        found[i + 1] = at
