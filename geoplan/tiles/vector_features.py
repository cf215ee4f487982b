"""Features of vector tiles (Mapbox Vector Tile 2.1) as bytes: a compiled loop over the rows of a tile."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import LINE, POINT
from geoplan.tiles.arrays import Layout, Source, Values
from geoplan.tiles.chains import Chains
from geoplan.tiles.compiled import inner, int64, outer
from geoplan.tiles.frame import Frame
from geoplan.tiles.kernel import box_within, tile_shape
from geoplan.tiles.shape import DONE, GROW, KIND, NOTHING, RINGS, VERTICES, Shape
from geoplan.tiles.text import copy_text

NEXT, POSITION, FOUND, GIVEN, NEEDED, FEATURES, BASE = range(7)
"""Places in the state: next row, bytes written, values met, whether the shape of the next row is given,
what is needed of the array that was too small, features written, and the number before those of the tile's values in
`Memory.stamps`."""
GROW_OUT, GROW_USED = 4, 5
"""Further statuses: the output, or the list of values, is too small."""


class Memory(NamedTuple):
    """What a tile is written to.

    Attributes
    ----------
    out
        uint8: the tile.
    stamps
        int32 by fragment: number of the value in the tile (0: it is missing), counted from ``state[BASE]``; less than
        that when it has not been met in this tile.
    used
        int64: fragments of the tile's values, in their order.
    """

    out: NDArray[np.uint8]
    stamps: NDArray[np.int32]
    used: NDArray[np.int64]


# Tags of fields: number << 3 | wire type.
_FEATURE, _VALUE, _ID, _TAGS, _TYPE, _GEOMETRY = 0x12, 0x22, 0x08, 0x12, 0x18, 0x22
_MOVE, _LINE, _CLOSE = 1, 2, 15


@inner
def _long_varint(out: NDArray[np.uint8], at: int, value: int) -> int:
    """A varint of any length, and not a byte more."""
    while value > 127:
        out[at] = value & 127 | 128
        value >>= 7
        at += 1
    out[at] = value
    return at + 1


@inner
def _varint(out: NDArray[np.uint8], at: int, value: int) -> int:
    """A varint; the byte behind it may be overwritten."""
    if value >= 1 << 14:
        return _long_varint(out, at, value)
    # Lengths one and two are mixed at random in a tile: without a branch there is nothing to guess wrongly.
    several = 1 if value > 127 else 0
    out[at] = value & 127 | several << 7
    out[at + 1] = value >> 7
    return at + 1 + several


@inner
def _step(out: NDArray[np.uint8], at: int, step: int) -> int:
    """A coordinate's difference, zigzag."""
    return _varint(out, at, (step << 1) ^ (step >> 63))


@inner
def _close(out: NDArray[np.uint8], start: int, end: int, room: int) -> int:
    """Write the length of ``start:end`` into the `room` bytes before it, moving the content if it does not fit."""
    size = end - start
    width = 1
    rest = size >> 7
    while rest > 0:
        width += 1
        rest >>= 7
    move = width - room
    if move > 0:
        for i in range(end - 1, start - 1, -1):
            out[i + move] = out[i]
    elif move < 0:
        for i in range(start, end):
            out[i + move] = out[i]
    _long_varint(out, start - room, size)
    return end + move


@inner
def _rings(out: NDArray[np.uint8], at: int, shape: Shape) -> int:
    """Commands of polygons: outer rings clockwise on the screen, holes the other way."""
    cx = 0
    cy = 0
    v = shape.vertices
    for k in range(shape.counts[RINGS]):
        ring = shape.rings[k].sequence
        first, last = shape.rings[ring].start, shape.rings[ring + 1].start
        # Our y is to the north: what runs clockwise in it is an outer ring of a vector tile.
        reverse = (shape.rings[ring].turn > 0) == (shape.rings[ring].hole == 0)
        i = last - 1 if reverse else first
        step = -1 if reverse else 1
        at = _varint(out, at, 1 << 3 | _MOVE)
        at = _step(out, at, v[i].x - cx)
        at = _step(out, at, -v[i].y - cy)
        cx, cy = v[i].x, -v[i].y
        at = _varint(out, at, (last - first - 1) << 3 | _LINE)
        for _ in range(last - first - 1):
            i += step
            at = _step(out, at, v[i].x - cx)
            at = _step(out, at, -v[i].y - cy)
            cx, cy = v[i].x, -v[i].y
        out[at] = _CLOSE
        at += 1
    return at


@inner
def _pieces(out: NDArray[np.uint8], at: int, shape: Shape) -> int:
    """Commands of lines."""
    v = shape.vertices
    cx = 0
    cy = 0
    for k in range(shape.counts[RINGS]):
        first, last = shape.rings[k].start, shape.rings[k + 1].start
        at = _varint(out, at, 1 << 3 | _MOVE)
        for i in range(first, last):
            if i == first + 1:
                at = _varint(out, at, (last - first - 1) << 3 | _LINE)
            at = _step(out, at, v[i].x - cx)
            at = _step(out, at, -v[i].y - cy)
            cx, cy = v[i].x, -v[i].y
    return at


@inner
def _points(out: NDArray[np.uint8], at: int, shape: Shape) -> int:
    """One command for all points."""
    v = shape.vertices
    cx = 0
    cy = 0
    n = shape.counts[VERTICES]
    at = _varint(out, at, n << 3 | _MOVE)
    for i in range(n):
        at = _step(out, at, v[i].x - cx)
        at = _step(out, at, -v[i].y - cy)
        cx, cy = v[i].x, -v[i].y
    return at


@inner
def _value_number(
    fragment: int,
    offsets: NDArray[np.int64],
    memory: Memory,
    state: NDArray[np.int64],
) -> int:
    """Number of a value among the tile's, from 1; 0 when it is missing. A value met for the first time is added."""
    number = int64(memory.stamps[fragment] - state[BASE])
    if number >= 0:
        return number
    number = 0
    if offsets[fragment + 1] > offsets[fragment]:
        memory.used[state[FOUND]] = fragment
        state[FOUND] += 1
        number = int64(state[FOUND])
    memory.stamps[fragment] = state[BASE] + number
    return number


@inner
def _tags(
    out: NDArray[np.uint8],
    at: int,
    row: int,
    values: Values,
    layout: Layout,
    memory: Memory,
    state: NDArray[np.int64],
) -> int:
    offsets = values.mvt_offsets
    for k in range(len(layout.cells)):
        cell = layout.cells[k]
        if cell >= 0:
            number = _value_number(values.cells[row, cell], offsets, memory, state)
        else:
            fragment = layout.firsts[k] + row
            number = 0
            if offsets[fragment + 1] > offsets[fragment]:
                memory.used[state[FOUND]] = fragment
                state[FOUND] += 1
                number = state[FOUND]
        if number > 0:
            at = _varint(out, at, k)
            at = _varint(out, at, number - 1)
    return at


@inner
def _feature(
    row: int,
    values: Values,
    layout: Layout,
    shape: Shape,
    memory: Memory,
    state: NDArray[np.int64],
) -> None:
    """Write one feature; there is room for it."""
    out = memory.out
    kind = shape.counts[KIND]
    vertices = shape.counts[VERTICES]
    body_room = 2 if 3 * vertices + 2 * len(layout.cells) > 100 else 1
    at = state[POSITION]
    out[at] = _FEATURE
    body = at + 1 + body_room
    out[body] = _ID
    at = _varint(out, body + 1, values.ids[row])
    if len(layout.cells) > 0:
        out[at] = _TAGS
        tags = at + 2
        end = _tags(out, tags, row, values, layout, memory, state)
        # A field without content is left out.
        at = _close(out, tags, end, 1) if end > tags else at
    out[at] = _TYPE
    out[at + 1] = kind
    out[at + 2] = _GEOMETRY
    room = 2 if vertices > 45 else 1
    commands = at + 3 + room
    if kind == POINT:
        end = _points(out, commands, shape)
    elif kind == LINE:
        end = _pieces(out, commands, shape)
    else:
        end = _rings(out, commands, shape)
    end = _close(out, commands, end, room)
    state[POSITION] = _close(out, body, end, body_room)
    state[FEATURES] += 1


@inner
def _room_for(shape: Shape, columns: int) -> int:
    """Bytes that a feature takes at most."""
    return int64(64 + 20 * shape.counts[VERTICES] + 16 * shape.counts[RINGS] + 10 * columns)


@outer
def write_features(
    source: Source,
    rows: NDArray[np.uint32],
    layout: Layout,
    frame: Frame,
    shape: Shape,
    chains: Chains,
    memory: Memory,
    state: NDArray[np.int64],
) -> int:
    """Write the features of `rows`, from where `state` says.

    Returns
    -------
    int
        `DONE`, or what the next row waits for: `GROW`, `GROW_OUT`, `GROW_USED`, or `REPAIR`: its shape has to be
        put into `shape`, and ``state[GIVEN]`` set.
    """
    columns = len(layout.cells)
    for i in range(state[NEXT], len(rows)):
        state[NEXT] = i
        row = int64(rows[i])
        if state[GIVEN] == 0:
            status = tile_shape(source, row, frame, shape, chains, box_within(source.boxes, row, frame))
            if status == NOTHING:
                continue
            if status >= GROW:
                return status
        state[GIVEN] = 1
        state[NEEDED] = state[POSITION] + _room_for(shape, columns)
        if state[NEEDED] > len(memory.out):
            return GROW_OUT
        if state[FOUND] + columns > len(memory.used):
            state[NEEDED] = state[FOUND] + columns
            return GROW_USED
        if shape.counts[RINGS] > 0:
            _feature(row, source.values, layout, shape, memory, state)
        state[GIVEN] = 0
    state[NEXT] = len(rows)
    return DONE


@outer
def write_values(values: Values, memory: Memory, state: NDArray[np.int64]) -> int:
    """Write the tile's values behind its features; `DONE` or `GROW_OUT`."""
    offsets, content, out, used = values.mvt_offsets, values.mvt, memory.out, memory.used
    needed = state[POSITION]
    for i in range(state[FOUND]):
        needed += offsets[used[i] + 1] - offsets[used[i]] + 11
    needed += 8
    state[NEEDED] = needed
    if needed > len(out):
        return GROW_OUT
    at = state[POSITION]
    for i in range(state[FOUND]):
        first, last = offsets[used[i]], offsets[used[i] + 1]
        out[at] = _VALUE
        at = _varint(out, at + 1, last - first)
        at = copy_text(out, at, content, first, last)
    state[POSITION] = at
    return DONE
