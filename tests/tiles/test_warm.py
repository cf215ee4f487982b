"""Warming compiles every kernel, for mapped and for in-memory parts alike."""

from __future__ import annotations

from shapely import box

from geoplan.tiles import geojson_features, kernel, vector_features
from geoplan.tiles.grid import Tile
from geoplan.tiles.warm import warm
from tests.tiles.parts import geojson_tile, part_of, vector_tile


def compiled() -> list[int]:
    functions = (vector_features.write_features, vector_features.write_values, geojson_features.write_features)
    return [len(function.signatures) for function in (*functions, kernel.box_within, kernel.which_shape)]  # type: ignore[attr-defined]


def test_nothing_is_compiled_after_warming() -> None:
    warm()
    before = compiled()
    assert all(before[:3])
    part = part_of([box(112, 37, 113, 38), None], code=["a", None])
    for array in (part.geometry.mercator, part.ids, part.cells):
        array.setflags(write=False)
    assert len(vector_tile(part, Tile(5, 25, 12))) == len(geojson_tile(part, Tile(5, 25, 12))) == 1
    assert compiled()[:3] == before[:3] == [1, 1, 1]
