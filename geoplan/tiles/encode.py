"""Tiles of layers: vector tiles (Mapbox Vector Tile 2.1) and GeoJSON tiles, from the parts of layer packs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import POLYGON, Part
from geoplan.pack.search import search
from geoplan.tiles import geojson_features as plain
from geoplan.tiles import vector_features as vector
from geoplan.tiles.arrays import Layout, Prepared, Source, Workspace, field, prepared
from geoplan.tiles.frame import Frame, degree_frame, grid_window, unit_frame
from geoplan.tiles.grid import BUFFER, EXTENT, Tile
from geoplan.tiles.kernel import box_within, which_shape
from geoplan.tiles.repair import Polygons, cut_polygons, in_degrees, put_polygons, unit_polygons
from geoplan.tiles.shape import DONE, GROW, REPAIR

MIN_EXTENT, MAX_EXTENT = 256, 8192
MAX_BUFFER = 512
_LAST_BASE = 2**30
_NOT_THERE, _GIVEN, _WHOLE = 0, 1, 2


ToDegrees = Callable[[Polygons, Frame], Polygons]


class _Window(NamedTuple):
    """The window of a GeoJSON tile: in units, in whole 1e-7 degrees, and the way from the one to the other."""

    frame: Frame
    cut: Frame
    to_degrees: ToDegrees


class TileLayer(NamedTuple):
    """What a tile shows of one part.

    Attributes
    ----------
    name
        Name of the layer in a vector tile.
    part
        The part for the tile's zoom.
    columns
        Names of the properties; None for those that tiles carry by default.
    rows
        bool (n): the rows to show; None for all.
    """

    name: str
    part: Part
    columns: Sequence[str] | None = None
    rows: NDArray[np.bool_] | None = None


def encode_mvt(layers: Sequence[TileLayer], tile: Tile, *, extent: int = EXTENT, buffer: int = BUFFER) -> bytes:
    """A vector tile; no bytes at all when it holds nothing.

    Parameters
    ----------
    layers
        The layers, each with a name of its own; one without features in the tile is left out.
    tile
        Address of the tile (`geoplan.tiles.grid.tile_at`).
    extent
        Units along the tile's side: a power of two from 256 to 8192.
    buffer
        Units beyond each side, 0 to 512.

    Returns
    -------
    bytes
        Geometry in EPSG:3857; polygons are valid and wound as the standard asks; ids are the features' ids.
        Missing values have no key. Not compressed.

    Raises
    ------
    QueryError
        For another extent or buffer, a layer's name used twice, or a property that a layer does not have.
    """
    check_options(extent, buffer)
    if len({layer.name for layer in layers}) < len(layers):
        raise QueryError("a tile's layers must have different names; give each layer once.")
    frame = unit_frame(tile, extent, buffer)
    return b"".join(_layer(layer, frame, extent) for layer in layers)


def encode_geojson(layers: Sequence[TileLayer], tile: Tile, *, buffer: int = BUFFER) -> bytes:
    """A GeoJSON tile: a FeatureCollection (RFC 7946) of all layers' features, one layer after the other.

    Parameters
    ----------
    layers
        The layers.
    tile
        Address of the tile.
    buffer
        As for the vector tile of 4096 units.

    Returns
    -------
    bytes
        UTF-8. Features, ids and properties are those of the vector tile; positions are longitude and latitude to
        1e-7 degrees. A feature inside the buffered tile has its full detail, another is cut at it; polygons are
        valid, outer rings counter-clockwise.

    Raises
    ------
    QueryError
        For another buffer, or a property that a layer does not have.
    """
    check_options(EXTENT, buffer)
    frame, cut = unit_frame(tile, EXTENT, buffer), degree_frame(tile, EXTENT, buffer)
    parts = [features for layer in layers if (features := plain_layer(layer, frame, cut, in_degrees))]
    return b"".join((b'{"type":"FeatureCollection","features":[', b",".join(parts), b"]}"))


def check_options(extent: int, buffer: int) -> None:
    """Refuse an extent that is not a power of two from 256 to 8192, or a buffer not within 0 to 512."""
    if not MIN_EXTENT <= extent <= MAX_EXTENT or extent & (extent - 1):
        raise QueryError(f"extent must be a power of two from {MIN_EXTENT} to {MAX_EXTENT}.")
    if not 0 <= buffer <= MAX_BUFFER:
        raise QueryError(f"buffer must be within 0 to {MAX_BUFFER} units.")


def rows_in(layer: TileLayer, frame: Frame) -> NDArray[np.uint32]:
    """Rows whose boxes meet a frame's window, in the order of drawing."""
    rows = search(layer.part.tree, grid_window(frame))
    if layer.rows is not None:
        rows = rows[layer.rows[rows]]
    if layer.part.rank is not None:
        rows = rows[np.argsort(layer.part.rank[rows], kind="stable")]
    return rows


def _layer(layer: TileLayer, frame: Frame, extent: int) -> bytes:
    rows = rows_in(layer, frame)
    if not len(rows):
        return b""
    made = prepared(layer.part)
    layout, keys = made.layout(layer.columns)
    workspace = made.take_workspace()
    try:
        features = _features(made, layout, rows, frame, workspace)
    finally:
        made.give_back(workspace)
    if not features:
        return b""
    head = b"\x78\x02" + field(0x0A, layer.name.encode())
    tail = keys + b"\x28" + bytes([extent & 127 | 128, extent >> 7])
    size = len(head) + len(features) + len(tail)
    return b"".join((_tag(0x1A, size), head, features, tail))


def _tag(tag: int, size: int) -> bytes:
    """Tag and length of a field whose content follows."""
    head = [tag]
    while size > 127:
        head.append(size & 127 | 128)
        size >>= 7
    return bytes([*head, size])


def _features(made: Prepared, layout: Layout, rows: NDArray[np.uint32], frame: Frame, workspace: Workspace) -> bytes:
    """The layer's features and values as bytes; none without a feature."""
    source = made.source
    state = np.zeros(8, np.int64)
    state[vector.BASE] = _next_base(workspace)
    while True:
        memory = vector.Memory(workspace.out, workspace.stamps, workspace.used)
        status = vector.write_features(source, rows, layout, frame, workspace.shape, workspace.chains, memory, state)
        if status == DONE:
            status = vector.write_values(source.values, memory, state)
        workspace.base = int(state[vector.BASE] + state[vector.FOUND])
        if status == DONE:
            break
        _provide(status, source, int(rows[min(state[vector.NEXT], len(rows) - 1)]), frame, workspace, state)
    return workspace.out[: state[vector.POSITION]].tobytes() if state[vector.FEATURES] else b""


def plain_layer(layer: TileLayer, frame: Frame, cut: Frame, to_degrees: ToDegrees) -> bytes:
    """A layer's features as GeoJSON, with commas between.

    Parameters
    ----------
    layer
        The layer.
    frame
        The tile, in units.
    cut
        Its window in whole 1e-7 degrees.
    to_degrees
        Makes whole 1e-7 degrees of polygons in units of the frame.
    """
    rows = rows_in(layer, frame)
    if not len(rows):
        return b""
    made = prepared(layer.part)
    layout, _ = made.layout(layer.columns)
    workspace = made.take_workspace()
    try:
        return _plain_features(made, layout, rows, _Window(frame, cut, to_degrees), workspace)
    finally:
        made.give_back(workspace)


def _plain_features(
    made: Prepared, layout: Layout, rows: NDArray[np.uint32], window: _Window, workspace: Workspace
) -> bytes:
    state = np.zeros(8, np.int64)
    frames = window.frame, window.cut
    while True:
        work = workspace.shape, workspace.chains
        status = plain.write_features(made.source, made.degrees, rows, layout, frames, work, workspace.out, state)
        if status == DONE:
            return workspace.out[: state[plain.POSITION]].tobytes()
        if status == GROW:
            workspace.grow_shape()
        elif status == plain.GROW_OUT:
            workspace.grow_out(int(state[plain.POSITION]), int(state[plain.NEEDED]))
        else:
            given = _give_degrees(made, int(rows[state[plain.NEXT]]), window, workspace)
            state[plain.GIVEN] = given
            state[plain.NEXT] += given == _NOT_THERE


def _give_degrees(made: Prepared, row: int, window: _Window, workspace: Workspace) -> int:
    """Find out by GEOS how a feature is in a GeoJSON tile: `_NOT_THERE`, `_GIVEN` (in the workspace) or `_WHOLE`."""
    frame, cut, to_degrees = window
    if made.source.shapes.kinds[row] & 3 != POLYGON:
        return _WHOLE
    coarse = repaired_in_tile(made.source, row, frame)
    if not len(coarse):
        return _NOT_THERE
    if box_within(made.source.boxes, row, frame):
        return _WHOLE
    polygons = cut_polygons(unit_polygons(made.degrees, row, cut), cut, valid=False)
    if not len(polygons):
        # What is left on the tile's coarse units must not be lost in degrees.
        polygons = to_degrees(coarse, frame)
    if not len(polygons):
        return _WHOLE
    put_polygons(workspace, polygons)
    return _GIVEN


def _next_base(workspace: Workspace) -> int:
    """A number above all stamps."""
    if workspace.base > _LAST_BASE:
        workspace.stamps[:] = 0
        workspace.base = 0
    return workspace.base + 1


def _provide(
    status: int, source: Source, row: int, frame: Frame, workspace: Workspace, state: NDArray[np.int64]
) -> None:
    """Give the kernel what it has stopped for."""
    if status == GROW:
        workspace.grow_shape()
    elif status == vector.GROW_OUT:
        workspace.grow_out(int(state[vector.POSITION]), int(state[vector.NEEDED]))
    elif status == vector.GROW_USED:
        workspace.grow_used(int(state[vector.NEEDED]))
    elif status == REPAIR:
        put_polygons(workspace, repaired_in_tile(source, row, frame))
        state[vector.GIVEN] = 1


def repaired_in_tile(source: Source, row: int, frame: Frame) -> NDArray[np.object_]:
    """A feature's polygons in a tile by GEOS, in units of the frame."""
    which = which_shape(source, row, frame)
    shapes, index = (source.repaired, which) if which >= 0 else (source.shapes, row)
    return cut_polygons(unit_polygons(shapes, index, frame), frame, valid=which != -2)
