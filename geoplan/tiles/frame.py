"""The grid on which a tile's shapes are cut: where its units lie among the pack's, and its buffered window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoplan.pack.mercator import EXACT_ZOOM, EXTENT_BITS, WORLD_BITS, from_mercator, to_degree_units
from geoplan.tiles.grid import Tile

_HALF_WORLD = 2**31
_SLACK = 2
"""Grid units; more than rounding to 1e-7 degrees moves a position."""
NO_ZOOM = -1
"""In `Frame.zoom`: shapes are valid as they are."""


class Frame(NamedTuple):
    """How positions become a tile's units, and the window that is kept of them.

    A unit is ``((p - origin) >> shift) << lift``; y is multiplied by `flip`, so that it always grows to the
    north, outer rings run counter-clockwise and a shape's inside lies to the left of its rings.

    Attributes
    ----------
    x, y
        The tile's origin among the positions, less half a unit: shifting then rounds.
    shift, lift
        Bits by which units are coarser (finer) than positions.
    flip
        -1 for grid positions, whose y grows to the south, 1 for degrees.
    west, south, east, north
        The buffered window in units.
    zoom
        The zoom whose grid this is, for the set of zooms in `geoplan.pack.part.Validity`, 31 where the
        set says nothing, or `NO_ZOOM`.
    """

    x: int
    y: int
    shift: int
    lift: int
    flip: int
    west: int
    south: int
    east: int
    north: int
    zoom: int


def unit_frame(tile: Tile, extent: int, buffer: int) -> Frame:
    """Frame of a tile of ``extent`` units (a power of two) a side, `buffer` of them beyond each side."""
    bits = extent.bit_length() - 1
    grid_zoom = tile.z + bits - EXTENT_BITS
    shift, lift = max(EXACT_ZOOM - grid_zoom, 0), max(grid_zoom - EXACT_ZOOM, 0)
    half = (1 << shift) >> 1
    side = WORLD_BITS - tile.z
    return Frame(
        x=(tile.x << side) - _HALF_WORLD - half,
        y=(tile.y << side) - _HALF_WORLD - half,
        shift=shift,
        lift=lift,
        flip=-1,
        west=-buffer,
        south=-extent - buffer,
        east=extent + buffer,
        north=buffer,
        zoom=min(grid_zoom, EXACT_ZOOM) if grid_zoom >= 0 else 31,
    )


def degree_frame(tile: Tile, extent: int, buffer: int) -> Frame:
    """The same window in whole 1e-7 degrees, a little wider: no position on the window is outside in degrees."""
    west, north, east, south = grid_window(unit_frame(tile, extent, buffer))
    edge = np.clip(
        np.array([[west - _SLACK, south + _SLACK], [east + _SLACK, north - _SLACK]]), -_HALF_WORLD, _HALF_WORLD
    )
    low, high = to_degree_units(from_mercator(edge)).tolist()
    return Frame(0, 0, 0, 0, 1, low[0], low[1], high[0], high[1], NO_ZOOM)


def grid_window(frame: Frame) -> tuple[int, int, int, int]:
    """Positions (min x, min y, max x, max y) that fall on the window of a frame of grid positions."""
    return (
        frame.x + (-(-frame.west >> frame.lift) << frame.shift),
        frame.y + (-(frame.north >> frame.lift) << frame.shift),
        frame.x + (((frame.east >> frame.lift) + 1) << frame.shift) - 1,
        frame.y + (((-frame.south >> frame.lift) + 1) << frame.shift) - 1,
    )
