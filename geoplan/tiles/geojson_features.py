"""Features of GeoJSON tiles (RFC 7946) as bytes: a compiled loop over the rows of a tile.

A feature is in a GeoJSON tile when it is in the vector tile of the same address. One that lies inside the
window is written from the pack's degrees as they are; another is cut in degrees, at the same window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import LINE, MULTI, POINT, POLYGON
from geoplan.tiles.arrays import Layout, Shapes, Source, Values
from geoplan.tiles.chains import Chains
from geoplan.tiles.compiled import inner, int64, outer
from geoplan.tiles.frame import Frame
from geoplan.tiles.kernel import box_within, cut_shape, tile_shape
from geoplan.tiles.shape import DONE, KIND, NOTHING, REPAIR, RINGS, VERTICES, Shape
from geoplan.tiles.text import LONGEST_POSITION, copy_text, padded, put_position, put_whole

NEXT, POSITION, GIVEN, NEEDED, FEATURES = range(5)
"""Places in the state: next row, bytes written, whether the shape of the next row is given, bytes needed, features."""
GROW_OUT, CUT_REPAIR = 4, 5
"""Further statuses: the output is too small; the shape in degrees is for GEOS."""

_COMMA, _OPEN, _SHUT, _BRACE = 44, 91, 93, 125


_HEAD, _HEAD_SIZE = padded(b'{"type":"Feature","id":'), 23
_PROPERTIES, _PROPERTIES_SIZE = padded(b',"properties":{'), 15
_NAMES = [
    b',"geometry":{"type":"%s","coordinates":' % name
    for name in (b"Point", b"LineString", b"Polygon", b"MultiPoint", b"MultiLineString", b"MultiPolygon")
]
_TYPE_TEXT = padded(b"".join(_NAMES))
_TYPE_OFFSETS = np.concatenate([[0], np.cumsum([len(name) for name in _NAMES])]).astype(np.int64)


@inner
def _write_type(out: NDArray[np.uint8], at: int, kind: int, several: int) -> int:
    """Member ``geometry`` up to its coordinates."""
    index = kind - 1 + 3 * several
    return copy_text(out, at, _TYPE_TEXT, _TYPE_OFFSETS[index], _TYPE_OFFSETS[index + 1])


@inner
def _write_vertex(out: NDArray[np.uint8], at: int, shape: Shape, i: int) -> int:
    """A position and a comma."""
    return put_position(out, at, shape.vertices[i].x, shape.vertices[i].y)


@inner
def _write_ring(out: NDArray[np.uint8], at: int, shape: Shape, ring: int) -> int:
    """A closed ring: shells counter-clockwise, holes clockwise."""
    first, last = shape.rings[ring].start, shape.rings[ring + 1].start
    forward = (shape.rings[ring].turn > 0) == (shape.rings[ring].hole == 0)
    out[at] = _OPEN
    at += 1
    for k in range(last - first):
        at = _write_vertex(out, at, shape, first + k if forward else last - 1 - k)
    at = _write_vertex(out, at, shape, first if forward else last - 1)
    out[at - 1] = _SHUT
    return at


@inner
def _write_polygons(out: NDArray[np.uint8], at: int, shape: Shape, several: int) -> int:
    """Coordinates of polygons."""
    if several:
        out[at] = _OPEN
        at += 1
    for k in range(shape.counts[RINGS]):
        ring = shape.rings[k].sequence
        if shape.rings[ring].hole == 0:
            if k > 0:
                out[at] = _SHUT
                out[at + 1] = _COMMA
                at += 2
            out[at] = _OPEN
        else:
            out[at] = _COMMA
        at = _write_ring(out, at + 1, shape, ring)
    out[at] = _SHUT
    at += 1
    if several:
        out[at] = _SHUT
        at += 1
    return at


@inner
def _write_pieces(out: NDArray[np.uint8], at: int, shape: Shape, several: int) -> int:
    """Coordinates of lines, or of points (one ring holds them all)."""
    lines = shape.counts[KIND] == LINE
    if several and lines:
        out[at] = _OPEN
        at += 1
    for ring in range(shape.counts[RINGS]):
        if lines or several:
            out[at] = _OPEN
            at += 1
        for i in range(shape.rings[ring].start, shape.rings[ring + 1].start):
            at = _write_vertex(out, at, shape, i)
        if lines or several:
            out[at - 1] = _SHUT
            out[at] = _COMMA
            at += 1
    at -= 1
    if several and lines:
        out[at] = _SHUT
        at += 1
    return at


@inner
def _copy_run(out: NDArray[np.uint8], at: int, positions: NDArray[np.int32], first: int, last: int) -> int:
    """A ring or line of the pack as it is, and a comma."""
    out[at] = _OPEN
    at += 1
    for i in range(first, last):
        at = put_position(out, at, positions[i, 0], positions[i, 1])
    out[at - 1] = _SHUT
    out[at] = _COMMA
    return at + 1


@inner
def _copy_member(out: NDArray[np.uint8], at: int, degrees: Shapes, member: int, kind: int) -> int:
    """A point, line or polygon of the pack as it is, and a comma."""
    first, last = degrees.rings[member], degrees.rings[member + 1]
    positions, vertices = degrees.positions, degrees.vertices
    if kind == POINT:
        return put_position(out, at, positions[vertices[first], 0], positions[vertices[first], 1])
    if kind == LINE:
        return _copy_run(out, at, positions, int64(vertices[first]), int64(vertices[first + 1]))
    out[at] = _OPEN
    at += 1
    for ring in range(first, last):
        at = _copy_run(out, at, positions, int64(vertices[ring]), int64(vertices[ring + 1]))
    out[at - 1] = _SHUT
    out[at] = _COMMA
    return at + 1


@inner
def _write_whole(out: NDArray[np.uint8], at: int, degrees: Shapes, row: int) -> int:
    """The feature's shape as the pack has it, as a geometry."""
    kind = degrees.kinds[row] & 3
    several = 1 if degrees.kinds[row] & MULTI else 0
    at = _write_type(out, at, kind, several)
    if several:
        out[at] = _OPEN
        at += 1
    for member in range(degrees.members[row], degrees.members[row + 1]):
        at = _copy_member(out, at, degrees, member, kind)
    at -= 1
    if several:
        out[at] = _SHUT
        at += 1
    out[at] = _BRACE
    return at + 1


@inner
def _shells(shape: Shape) -> int:
    """How many polygons, lines or points the shape has."""
    counts = shape.counts
    if counts[KIND] == POINT:
        return int64(counts[VERTICES])
    if counts[KIND] == LINE:
        return int64(counts[RINGS])
    shells = 0
    for ring in range(counts[RINGS]):
        shells += 1 - shape.rings[ring].hole
    return shells


@inner
def _write_cut(out: NDArray[np.uint8], at: int, shape: Shape, declared: int) -> int:
    """The shape that has been worked out, as a geometry."""
    kind = shape.counts[KIND]
    several = 1 if declared & MULTI or _shells(shape) > 1 else 0
    at = _write_type(out, at, kind, several)
    at = _write_polygons(out, at, shape, several) if kind == POLYGON else _write_pieces(out, at, shape, several)
    out[at] = _BRACE
    return at + 1


@inner
def _write_properties(out: NDArray[np.uint8], at: int, row: int, values: Values, layout: Layout) -> int:
    """Member ``properties``, without the values that are missing."""
    at = copy_text(out, at, _PROPERTIES, 0, _PROPERTIES_SIZE)
    begin = at
    names, name_offsets, offsets, content = layout.names, layout.name_offsets, values.json_offsets, values.json
    present = values.mvt_offsets
    for k in range(len(layout.cells)):
        cell = layout.cells[k]
        fragment = int64(values.cells[row, cell]) if cell >= 0 else layout.firsts[k] + row
        if present[fragment + 1] > present[fragment]:
            at = copy_text(out, at, names, name_offsets[k], name_offsets[k + 1])
            at = copy_text(out, at, content, offsets[fragment], offsets[fragment + 1])
            out[at] = _COMMA
            at += 1
    if at > begin:
        at -= 1
    out[at] = _BRACE
    return at + 1


@inner
def _room_for(source: Source, degrees: Shapes, row: int, shape: Shape, layout: Layout) -> int:
    """Bytes that a feature takes at most."""
    members, rings, vertices = degrees.members, degrees.rings, degrees.vertices
    first, last = rings[members[row]], rings[members[row + 1]]
    n = shape.counts[VERTICES] + shape.counts[RINGS] + int64(vertices[last]) - vertices[first]
    r = shape.counts[RINGS] + int64(last) - first + members[row + 1] - members[row]
    size = 200 + LONGEST_POSITION * n + 8 * r + layout.name_offsets[len(layout.cells)]
    offsets = source.values.json_offsets
    for k in range(len(layout.cells)):
        cell = layout.cells[k]
        fragment = int64(source.values.cells[row, cell]) if cell >= 0 else layout.firsts[k] + row
        size += offsets[fragment + 1] - offsets[fragment] + 2
    return int64(size)


@inner
def _shape(
    source: Source, degrees: Shapes, row: int, frame: Frame, cut: Frame, shape: Shape, chains: Chains, inside: int
) -> int:
    """Work out the shape; of a feature that lies inside only whether it is in the tile."""
    status = tile_shape(source, row, frame, shape, chains, inside)
    if status != DONE or inside:
        return status
    status = cut_shape(degrees, row, cut, shape, chains)
    # What is left on the tile's coarse units must not be lost in degrees: both encodings hold the same features.
    return CUT_REPAIR if status in (REPAIR, NOTHING) else status


@outer
def write_features(
    source: Source,
    degrees: Shapes,
    rows: NDArray[np.uint32],
    layout: Layout,
    frames: tuple[Frame, Frame],
    work: tuple[Shape, Chains],
    out: NDArray[np.uint8],
    state: NDArray[np.int64],
) -> int:
    """Write the features of `rows`, from where `state` says, with commas between.

    `frames` are the tile's, and the same window in degrees.

    Returns
    -------
    int
        `DONE`, or what the next row waits for: `GROW`, `GROW_OUT`; `REPAIR`: whether it is in the tile is to be
        found out by GEOS; `CUT_REPAIR`: its shape in degrees has to be put into `shape`. In both cases
        ``state[GIVEN]`` is to be set: 1 for a shape that is given, 2 for a feature inside the window.
    """
    frame, cut = frames
    shape, chains = work
    for i in range(state[NEXT], len(rows)):
        state[NEXT] = i
        row = int64(rows[i])
        inside = 1 if box_within(source.boxes, row, frame) else 0
        if state[GIVEN] == 0:
            status = _shape(source, degrees, row, frame, cut, shape, chains, inside)
            if status == NOTHING:
                continue
            if status != DONE:
                return status
            state[GIVEN] = 1 + inside
        state[NEEDED] = state[POSITION] + _room_for(source, degrees, row, shape, layout)
        if state[NEEDED] > len(out):
            return GROW_OUT
        at = state[POSITION]
        if at > 0:
            out[at] = _COMMA
            at += 1
        at = copy_text(out, at, _HEAD, 0, _HEAD_SIZE)
        at = put_whole(out, at, source.values.ids[row])
        if state[GIVEN] == 1:
            at = _write_cut(out, at, shape, degrees.kinds[row])
        else:
            at = _write_whole(out, at, degrees, row)
        at = _write_properties(out, at, row, source.values, layout)
        out[at] = _BRACE
        state[POSITION] = at + 1
        state[FEATURES] += 1
        state[GIVEN] = 0
    state[NEXT] = len(rows)
    return DONE
