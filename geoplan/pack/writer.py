"""GeoJSON features from the arrays of a part, as bytes: compiled loops over ready-made fragments.

Positions are whole 1e-7 degrees or grid units, so the text of a number is exact and as short as it can
be; values are JSON fragments that the pack holds ready. No Python object is made for a feature.
"""

from __future__ import annotations

import json
import threading
import weakref
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.crs import DISPLAY, STORAGE, WEB_MERCATOR
from geoplan.errors import QueryError
from geoplan.pack.compiled import compiled
from geoplan.pack.digits import Bytes, padded, write_bytes, write_integer, write_millimetres, write_text, write_units
from geoplan.pack.mercator import UNIT_M
from geoplan.pack.part import LINE, MULTI, NONE, POINT, Column, Part
from geoplan.pack.words import CHUNK, prefetch

CRS84 = "CRS84"
"""Longitude, latitude on WGS 84: the default of OGC API Features."""
_LON_LAT, _LAT_LON, _METRES = 0, 1, 2
AXES = {CRS84: _LON_LAT, DISPLAY: _LAT_LON, STORAGE: _LAT_LON, WEB_MERCATOR: _METRES}
"""Order and unit of the positions written for each system, by its name (``CRS84`` or ``EPSG:n``)."""

_MILLIMETRES = 1000 * UNIT_M
_POSITION_BYTES = 32
"""No position is longer: ``[-20037508.343,-20037508.343],``."""
_FEATURE_BYTES = 160
"""A feature's own text, brackets of its geometry and its id included."""
_LINE_VERTICES = 8
"""Positions in a line of the processor's cache."""
_AHEAD = 256
"""Positions of a feature that are asked for ahead; those that follow come by themselves."""
_FEW_ROWS = 16
"""Up to so many rows are asked for in the order they are written in."""
_KEPT_BYTES = 4 << 20
"""A thread keeps its buffer up to this size."""


def _words(*texts: bytes) -> tuple[Bytes, NDArray[np.int64]]:
    """Several texts end to end, padded, and where each begins."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return padded(b"".join(texts)), offsets


_WORDS, (_HEAD, _GEOMETRY, _NULL, _WORDS_END) = _words(b'{"type":"Feature","id":', b',"geometry":', b"null")
_KINDS, _KIND_OFFSETS = _words(
    *(
        b'{"type":"%s","coordinates":' % name
        for name in (b"", b"Point", b"LineString", b"Polygon", b"", b"MultiPoint", b"MultiLineString", b"MultiPolygon")
    )
)


@compiled
def write_position(buffer: Bytes, position: int, x: int, y: int, axes: int) -> int:
    """Write ``[x,y]``: int32 degrees in either order (`axes` 0 or 1) or grid units as metres (2)."""
    buffer[position] = 91
    position += 1
    if axes == _METRES:
        position = write_millimetres(buffer, position, np.int64(np.rint(x * _MILLIMETRES)))
        buffer[position] = 44
        position = write_millimetres(buffer, position + 1, np.int64(np.rint(-y * _MILLIMETRES)))
    elif axes == _LAT_LON:
        position = write_units(buffer, position, y)
        buffer[position] = 44
        position = write_units(buffer, position + 1, x)
    else:
        position = write_units(buffer, position, x)
        buffer[position] = 44
        position = write_units(buffer, position + 1, y)
    buffer[position] = 93
    return position + 1


@compiled
def _write_ring(buffer: Bytes, position: int, positions: NDArray[np.int32], start: int, stop: int, axes: int) -> int:
    """Write ``[[x,y],...]``."""
    buffer[position] = 91
    position += 1
    for vertex in range(start, stop):
        position = write_position(buffer, position, positions[vertex, 0], positions[vertex, 1], axes)
        buffer[position] = 44
        position += 1
    if stop == start:
        position += 1
    buffer[position - 1] = 93
    return position


@compiled
def _write_member(buffer: Bytes, position: int, shapes: Any, member: int, kind: int, axes: int) -> int:
    """Write the coordinates of one point, line or polygon."""
    _, _, rings, vertices, positions = shapes
    first = rings[member]
    start = vertices[first]
    if kind == POINT:
        return write_position(buffer, position, positions[start, 0], positions[start, 1], axes)
    if kind == LINE:
        return _write_ring(buffer, position, positions, start, vertices[first + 1], axes)
    buffer[position] = 91
    position += 1
    for ring in range(first, rings[member + 1]):
        position = _write_ring(buffer, position, positions, vertices[ring], vertices[ring + 1], axes)
        buffer[position] = 44
        position += 1
    buffer[position - 1] = 93
    return position


@compiled
def write_shape(buffer: Bytes, position: int, shapes: Any, row: int, axes: int) -> int:
    """Write a feature's GeoJSON geometry, ``null`` where it has none; returns the position after it.

    `shapes` are kinds, members, rings, vertices and the positions that belong to `axes`.
    """
    kinds, members, _, _, _ = shapes
    kind = kinds[row] & 3
    first, last = members[row], members[row + 1]
    if kind == NONE or first == last:
        return write_text(buffer, position, _WORDS, _NULL, _WORDS_END)
    several = kinds[row] & MULTI
    name = kinds[row] & 7
    position = write_text(buffer, position, _KINDS, _KIND_OFFSETS[name], _KIND_OFFSETS[name + 1])
    if several:
        buffer[position] = 91
        position += 1
    for member in range(first, last):
        position = _write_member(buffer, position, shapes, member, kind, axes)
        buffer[position] = 44
        position += 1
    position -= 1
    if several:
        buffer[position] = 93
        position += 1
    buffer[position] = 125
    return position + 1


@compiled
def _fragment(cells: NDArray[np.uint32], columns: NDArray[np.int64], index: int, row: int) -> Any:
    """Position of a row's fragment of the chosen column `index`."""
    if columns[index, 0] >= 0:
        return np.int64(cells[row, columns[index, 0]])
    return columns[index, 1] + row


@compiled
def _room(shapes: Any, rows: NDArray[np.int64], values: Any, columns: NDArray[np.int64]) -> Any:
    """Largest number of bytes that the rows can take, without the names of the columns.

    All that will be read of the rows is asked for on the way: one read after another, each waiting for its memory, is
    what writing would take longest for.
    """
    _, members, rings, vertices, positions = shapes
    cells, offsets, fragments = values
    total = np.int64(0)
    for row in rows:
        first, last = rings[members[row]], rings[members[row + 1]]
        start, stop = np.int64(vertices[first]), np.int64(vertices[last])
        for vertex in range(start, min(stop, start + _AHEAD), _LINE_VERTICES):
            prefetch(positions, 2 * vertex)
        total += _FEATURE_BYTES + (stop - start) * _POSITION_BYTES
        total += 4 * np.int64(last - first + members[row + 1] - members[row])
        for index in range(len(columns)):
            fragment = _fragment(cells, columns, index, row)
            total += offsets[fragment + 1] - offsets[fragment]
            if columns[index, 0] < 0:
                prefetch(fragments, offsets[fragment])
    return total


@compiled
def _write(buffer: Bytes, ids: NDArray[np.int64], shapes: Any, rows: Any, values: Any, plan: Any) -> Any:
    """Write the features, with commas between; `rows` are as they are to be written, and as they are stored.

    Returns
    -------
    int
        How many bytes, or less than 0 where the buffer has no room: so many are needed.
    """
    cells, offsets, fragments = values
    columns, names, name_offsets, tail, axes, with_geometry = plan
    wanted, stored = rows
    room = _room(shapes, stored, values, columns) + len(wanted) * (len(names) + len(tail)) + CHUNK
    if room > len(buffer):
        return -room
    position = 0
    for row in wanted:
        if position > 0:
            buffer[position] = 44
            position += 1
        position = write_text(buffer, position, _WORDS, _HEAD, _GEOMETRY)
        position = write_integer(buffer, position, ids[row])
        position = write_text(buffer, position, _WORDS, _GEOMETRY, _NULL)
        if with_geometry:
            position = write_shape(buffer, position, shapes, row, axes)
        else:
            position = write_text(buffer, position, _WORDS, _NULL, _WORDS_END)
        for index in range(len(columns)):
            position = write_text(buffer, position, names, name_offsets[index], name_offsets[index + 1])
            fragment = _fragment(cells, columns, index, row)
            position = write_bytes(buffer, position, fragments, offsets[fragment], offsets[fragment + 1])
        position = write_text(buffer, position, tail, 0, len(tail) - CHUNK)
    return position


_Written = tuple[NDArray[np.int64], Bytes, NDArray[np.int64], bool]
_all_columns: weakref.WeakKeyDictionary[Part, _Written] = weakref.WeakKeyDictionary()


def _columns_of(part: Part, names: tuple[str, ...] | list[str] | None) -> _Written:
    """Where the values of the columns are (k, 2), the text before each (``,"name":``), and whether there are none."""
    if names is not None:
        return _written(chosen_columns(part, names))
    found = _all_columns.get(part)
    if found is None:
        found = _all_columns[part] = _written(part.columns)
    return found


def _written(columns: tuple[Column, ...]) -> _Written:
    before = [
        (b"," if index else b',"properties":{') + json.dumps(column.name, ensure_ascii=False).encode() + b":"
        for index, column in enumerate(columns)
    ]
    where = np.array([(column.cell, column.first_fragment) for column in columns], np.int64).reshape(-1, 2)
    return where, *_words(*before), not columns


@lru_cache(maxsize=64)
def _tail(links: bytes, bare: bool) -> Bytes:  # noqa: FBT001 - a key of the cache
    """What ends a feature; without columns the properties begin here too."""
    start = b',"properties":{}' if bare else b"}"
    return padded(start + (b',"links":' + links if links else b"") + b"}")


_local = threading.local()


def _buffer(size: int) -> Bytes:
    """A buffer of at least `size` bytes; a small one is kept for the thread's next answer."""
    kept: Bytes | None = getattr(_local, "buffer", None)
    if kept is None or len(kept) < size:
        kept = np.empty(max(size, 1 << 16), np.uint8)
        if size <= _KEPT_BYTES:
            _local.buffer = kept
    return kept


def chosen_columns(part: Part, names: tuple[str, ...] | list[str] | None) -> tuple[Column, ...]:
    """The columns of these names, in the order of the part; all without names.

    Raises
    ------
    QueryError
        If the part has no column of a name.
    """
    if names is None:
        return part.columns
    known = {column.name for column in part.columns}
    for name in names:
        if name not in known:
            raise QueryError(f"there is no property {name!r}; there are: {', '.join(sorted(known))}.")
    return tuple(column for column in part.columns if column.name in names)


def write_features(
    part: Part,
    rows: NDArray[Any],
    *,
    columns: tuple[str, ...] | list[str] | None = None,
    crs: str = CRS84,
    geometry: bool = True,
    links: bytes | None = None,
) -> bytes:
    """Features of a part as the comma-joined objects of a GeoJSON ``features`` array.

    Parameters
    ----------
    part
        The part.
    rows
        Rows to write, in this order (n).
    columns
        Names of the properties to write; None writes all.
    crs
        ``CRS84`` (longitude, latitude), ``EPSG:4326`` or ``EPSG:4490`` (latitude, longitude: the axis order
        of their definition; the numbers are the same) or ``EPSG:3857`` (metres to the east and north, to the
        millimetre, from grid positions 9 mm apart).
    geometry
        Whether to write the shapes; without, every geometry is null.
    links
        JSON text of a ``links`` member for each feature.

    Returns
    -------
    bytes
        UTF-8, without brackets around; empty without rows.

    Raises
    ------
    QueryError
        For an unknown system or property.
    """
    return bytes(view_features(part, rows, columns=columns, crs=crs, geometry=geometry, links=links))


def view_features(
    part: Part,
    rows: NDArray[Any],
    *,
    columns: tuple[str, ...] | list[str] | None = None,
    crs: str = CRS84,
    geometry: bool = True,
    links: bytes | None = None,
) -> memoryview:
    """As `write_features`, without a copy: the text is there until the thread writes features again."""
    axes = AXES.get(crs)
    if axes is None:
        raise QueryError(f"features are not written in {crs!r}; use one of {', '.join(AXES)}.")
    where, names, name_offsets, bare = _columns_of(part, columns)
    tail = _tail(links or b"", bare)
    shape = part.geometry
    positions = shape.mercator if axes == _METRES else shape.degrees
    shapes = (shape.kinds, shape.members, shape.rings, shape.vertices, positions)
    values = (part.cells, part.fragments.json_offsets, part.fragments.json)
    wanted = np.ascontiguousarray(rows, np.int64)
    stored = wanted
    if len(wanted) > _FEW_ROWS:
        stored = wanted.copy()
        stored.sort()
    plan = (where, names, name_offsets, tail, axes, geometry)
    buffer = _buffer(1 << 16)
    written = _write(buffer, part.ids, shapes, (wanted, stored), values, plan)
    if written < 0:
        buffer = _buffer(-written)
        written = _write(buffer, part.ids, shapes, (wanted, stored), values, plan)
    return memoryview(buffer)[:written]  # type: ignore[arg-type]
