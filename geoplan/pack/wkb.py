"""Well-known binary read straight into nested lists, a whole batch in one pass (OGC 06-103r4, 8.2; EWKB's flags too).

No object is made for a feature: at ten million parcels they would cost more than all the rest. The bytes come from
other people's files, so that every length is checked before it is used.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numba import njit
from numpy.typing import NDArray

READ, UNREADABLE, COLLECTION = 0, 1, 2
"""States of a feature: read (or without a shape), not readable, of a type that a pack cannot hold."""
_SMALLEST_RING = 20
"""Bytes of a ring with one position; it may need a second one to be closed."""
_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000


class Shapes(NamedTuple):
    """Shapes as nested lists, as in `geoplan.pack.part.Geometry`, with positions as they were read.

    Attributes
    ----------
    kinds
        uint8 (n): 0 none, 1 point, 2 line, 3 polygon; plus 4 for a multi-geometry.
    members, rings, vertices
        int32 offsets: features → members → rings → vertices.
    positions
        float64 (v, 2): x and y in the source's CRS.
    """

    kinds: NDArray[np.uint8]
    members: NDArray[np.int32]
    rings: NDArray[np.int32]
    vertices: NDArray[np.int32]
    positions: NDArray[np.float64]


class _Output(NamedTuple):
    """Where shapes are read to: longer than needed. Positions are kept as their bits."""

    members: NDArray[np.int32]
    rings: NDArray[np.int32]
    vertices: NDArray[np.int32]
    bits: NDArray[np.uint64]


def read_wkb(column: pa.Array) -> tuple[Shapes, NDArray[np.uint8]]:
    """Shapes of a binary column, and the state of each row (`READ`, `UNREADABLE`, `COLLECTION`).

    Heights and measures are dropped, rings closed, rings of fewer than four positions left out. A row that is null,
    empty or not read has kind 0.
    """
    column = column.cast(pa.large_binary())
    offsets = np.frombuffer(column.buffers()[1], np.int64)[column.offset : column.offset + len(column) + 1]
    data = column.buffers()[2]
    content = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
    missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else np.zeros(len(column), np.bool_)
    size = int(offsets[-1] - offsets[0])
    # No ring and no member is shorter than its own count, no position than two numbers.
    rings, positions = size // 4 + 1, size * 2 // _SMALLEST_RING + 2
    n = len(column)
    kinds, states = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    members = np.zeros(n + 1, np.int32)
    ring_offsets, vertices = np.zeros(rings + 1, np.int32), np.zeros(rings + 1, np.int32)
    bits = np.empty((positions, 2), np.uint64)
    m, r, v = _read(content, offsets, missing, kinds, states, _Output(members, ring_offsets, vertices, bits))
    points = bits[:v].view(np.float64)
    shapes = Shapes(kinds, members, ring_offsets[: m + 1].copy(), vertices[: r + 1].copy(), points.copy())
    return shapes, states


@njit(cache=True, nogil=True)
def _number(data: Any, at: Any, little: Any, width: Any) -> Any:
    """An unsigned number of `width` bytes."""
    value = np.uint64(0)
    if little:
        for k in range(width):
            value |= np.uint64(data[at + k]) << np.uint64(8 * k)
    else:
        for k in range(width):
            value = (value << np.uint64(8)) | np.uint64(data[at + k])
    return value


@njit(cache=True, nogil=True)
def _header(data: Any, at: Any, end: Any) -> Any:
    """Byte order, type, numbers a position and where the content begins (-1: not readable)."""
    if at + 5 > end or data[at] > 1:
        return False, 0, 2, -1
    little = data[at] == 1
    code = np.int64(_number(data, at + 1, little, 4))
    at += 5
    if code & _SRID:
        at += 4
    plain = code & 0x1FFFFFFF
    dimensions = plain // 1000
    width = 2
    if (code & _Z) != 0 or dimensions in (1, 3):
        width += 1
    if (code & _M) != 0 or dimensions in (2, 3):
        width += 1
    if dimensions > 3 or at > end:
        return False, 0, 2, -1
    return little, plain % 1000, width, at


@njit(cache=True, nogil=True)
def _positions(data: Any, at: Any, end: Any, little: Any, width: Any, count: Any, bits: Any, first: Any) -> Any:
    """Copy `count` positions; where they end, or -1."""
    if count > (end - at) // (8 * width):
        return -1
    for k in range(count):
        for axis in range(2):
            value = _number(data, at + 8 * axis, little, 8)
            # All bits of the exponent set: not a number, or infinite.
            if (value >> np.uint64(52)) & np.uint64(0x7FF) == np.uint64(0x7FF):
                return -1
            bits[first + k, axis] = value
        at += 8 * width
    return at


@njit(cache=True, nogil=True)
def _polygon(data: Any, at: Any, end: Any, little: Any, width: Any, r: Any, v: Any, out: Any) -> Any:
    """Rings of a polygon; where they end (-1: not readable), and the new counts of rings and vertices."""
    if at + 4 > end:
        return -1, r, v
    count = np.int64(_number(data, at, little, 4))
    at += 4
    if count > (end - at) // 4:
        return -1, r, v
    outer = True
    for _ in range(count):
        if at + 4 > end:
            return -1, r, v
        length = np.int64(_number(data, at, little, 4))
        at = _positions(data, at + 4, end, little, width, length, out.bits, v)
        if at < 0:
            return -1, r, v
        stop = v + length
        if length > 0 and (out.bits[v, 0] != out.bits[stop - 1, 0] or out.bits[v, 1] != out.bits[stop - 1, 1]):
            out.bits[stop] = out.bits[v]
            stop += 1
        if stop - v >= 4:
            v, r = stop, r + 1
            out.vertices[r] = v
        elif outer and (length > 0 or count > 1):
            return -1, r, v
        outer = False
    return at, r, v


@njit(cache=True, nogil=True)
def _line(data: Any, at: Any, end: Any, little: Any, width: Any, r: Any, v: Any, out: Any) -> Any:
    if at + 4 > end:
        return -1, r, v
    length = np.int64(_number(data, at, little, 4))
    at = _positions(data, at + 4, end, little, width, length, out.bits, v)
    if at < 0 or length == 1:
        return -1, r, v
    if length > 0:
        v, r = v + length, r + 1
        out.vertices[r] = v
    return at, r, v


@njit(cache=True, nogil=True)
def _point(data: Any, at: Any, end: Any, little: Any, width: Any, r: Any, v: Any, out: Any) -> Any:
    if at + 8 * width > end:
        return -1, r, v
    if _positions(data, at, end, little, width, 1, out.bits, v) > 0:  # an empty point is written as not-a-number
        v, r = v + 1, r + 1
        out.vertices[r] = v
    return at + 8 * width, r, v


@njit(cache=True, nogil=True)
def _member(data: Any, at: Any, end: Any, wanted: Any, r: Any, v: Any, out: Any) -> Any:
    """One point, line or polygon (type `wanted`; 0: any); where it ends, its type, the new counts."""
    little, kind, width, start = _header(data, at, end)
    if start < 0 or wanted not in (0, kind):
        return -1, kind, r, v
    if kind == 1:
        at, r, v = _point(data, start, end, little, width, r, v, out)
    elif kind == 2:
        at, r, v = _line(data, start, end, little, width, r, v, out)
    else:
        at, r, v = _polygon(data, start, end, little, width, r, v, out)
    return at, kind, r, v


@njit(cache=True, nogil=True)
def _feature(data: Any, at: Any, end: Any, m: Any, r: Any, v: Any, out: Any) -> Any:
    """One feature: its state, kind and the new counts of members, rings and vertices."""
    little, kind, _, start = _header(data, at, end)
    if start < 0:
        return UNREADABLE, 0, m, r, v
    if kind < 1 or kind > 6:
        return COLLECTION, 0, m, r, v
    count, wanted = 1, 0
    if kind > 3:
        if start + 4 > end:
            return UNREADABLE, 0, m, r, v
        count, wanted = int(_number(data, start, little, 4)), kind - 3
        at = start + 4
    if count > end - at:
        return UNREADABLE, 0, m, r, v
    for _ in range(count):
        before = r
        at, _, r, v = _member(data, at, end, wanted, r, v, out)
        if at < 0:
            return UNREADABLE, 0, m, r, v
        if r > before:
            m += 1
            out.rings[m] = r
    return READ, kind + 1 if kind > 3 else kind, m, r, v


@njit(cache=True, nogil=True)
def _read(data: Any, offsets: Any, missing: Any, kinds: Any, states: Any, out: Any) -> Any:
    m, r, v = 0, 0, 0
    for i in range(len(kinds)):
        out.members[i + 1] = m
        if missing[i]:
            continue
        state, kind, new_m, new_r, new_v = _feature(data, offsets[i], offsets[i + 1], m, r, v, out)
        states[i] = state
        if state == READ and new_m > m:
            # MULTI is 4: type 4 (multi-point) is kind 1 + 4, and so on.
            kinds[i] = kind
            m, r, v = new_m, new_r, new_v
            out.members[i + 1] = m
    return m, r, v
