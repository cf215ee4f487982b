"""Compiling the kernels before the first request: at a build, and when a service starts."""

from __future__ import annotations

import numpy as np

from geoplan.pack import search
from geoplan.pack.part import POLYGON, Fragments, Geometry, Part, Tree, Validity, empty_geometry
from geoplan.tiles.encode import TileLayer, encode_geojson, encode_mvt
from geoplan.tiles.grid import Tile


def warm() -> None:
    """Compile all kernels of tiles, or read them from the cache (a second; without a cache half a minute)."""
    search.warm()
    layer = TileLayer("warm", _triangle())
    encode_mvt([layer], Tile(0, 0, 0))
    encode_geojson([layer], Tile(0, 0, 0))


def _triangle() -> Part:
    """A part of one triangle, without attributes."""
    half = 2**30
    positions = np.array([[-half, half], [half, half], [0, -half], [-half, half]], np.int32)
    degrees = np.array([[-9, -6], [9, -6], [0, 6], [-9, -6]], np.int32) * 10**8
    one = np.array([0, 1], np.int32)
    boxes = np.array([[-half, -half, half, half]], np.int32)
    nothing = np.zeros(1, np.int64), np.zeros(0, np.uint8)
    return Part(
        min_zoom=0,
        max_zoom=22,
        ids=np.zeros(1, np.int64),
        ids_order=np.zeros(1, np.uint32),
        rank=None,
        geometry=Geometry(np.array([POLYGON], np.uint8), one, one, np.array([0, 4], np.int32), positions, degrees),
        tree=Tree(boxes, boxes, np.array([0, 1], np.int64)),
        validity=Validity(np.full(1, 2**32 - 1, np.uint32), np.zeros(0, np.uint64), empty_geometry()),
        columns=(),
        cells=np.zeros((1, 0), np.uint32),
        fragments=Fragments(*nothing, *nothing),
        pairs={},
    )
