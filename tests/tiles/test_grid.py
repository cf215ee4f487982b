"""The tile grid against its closed forms and against PROJ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.crs import DISPLAY, WEB_MERCATOR, transformer
from geoplan.errors import QueryError
from geoplan.tiles import grid


@st.composite
def tiles(draw: st.DrawFn, max_zoom: int = grid.MAX_ZOOM) -> grid.Tile:
    z = draw(st.integers(0, max_zoom))
    return grid.Tile(z, draw(st.integers(0, 2**z - 1)), draw(st.integers(0, 2**z - 1)))


def test_zoom_zero_is_the_world() -> None:
    half = 20037508.342789
    assert grid.bounds(grid.Tile(0, 0, 0)) == pytest.approx((-180, -85.0511287798066, 180, 85.0511287798066))
    assert grid.mercator_bounds(grid.Tile(0, 0, 0)) == pytest.approx((-half, -half, half, half))


@given(tiles())
def test_degrees_and_metres_name_the_same_rectangle(tile: grid.Tile) -> None:
    to_m = transformer(DISPLAY, WEB_MERCATOR)
    degrees = grid.bounds(tile)
    assert (*to_m.transform(degrees.west, degrees.south), *to_m.transform(degrees.east, degrees.north)) == (
        pytest.approx(grid.mercator_bounds(tile), abs=1e-4)
    )


@given(tiles(grid.MAX_ZOOM - 1))
def test_children_tile_their_parent(tile: grid.Tile) -> None:
    parent = grid.mercator_bounds(tile)
    parts = [grid.mercator_bounds(child) for child in grid.children(tile)]
    assert min(p.left for p in parts) == pytest.approx(parent.left, abs=1e-6)
    assert max(p.top for p in parts) == pytest.approx(parent.top, abs=1e-6)
    assert sum((p.right - p.left) * (p.top - p.bottom) for p in parts) == (
        pytest.approx((parent.right - parent.left) * (parent.top - parent.bottom))
    )


@given(tiles())
def test_middle_of_a_tile_lies_in_it(tile: grid.Tile) -> None:
    west, south, east, north = grid.bounds(tile)
    assert grid.tile_of((west + east) / 2, (south + north) / 2, tile.z) == tile


@pytest.mark.parametrize(("longitude", "latitude"), [(180.0, 90.0), (-180.0, -90.0), (200.0, 0.0)])
def test_points_beyond_the_grid_go_to_its_edge(longitude: float, latitude: float) -> None:
    tile = grid.tile_of(longitude, latitude, 5)
    assert grid.tile_at(*tile) == tile


@given(tiles(), st.integers(0, 256))
def test_buffer_widens_every_side_by_units(tile: grid.Tile, buffer: int) -> None:
    plain, wide = grid.mercator_bounds(tile), grid.mercator_bounds(tile, buffer=buffer)
    margin = buffer * grid.unit_m(tile.z)
    assert (plain.left - wide.left, plain.bottom - wide.bottom) == pytest.approx((margin, margin), abs=1e-6)
    assert (wide.right - plain.right, wide.top - plain.top) == pytest.approx((margin, margin), abs=1e-6)


@pytest.mark.parametrize("address", [(-1, 0, 0), (23, 0, 0), (10**30, 0, 0), (3, 8, 0), (3, 0, 8), (3, -1, 0)])
def test_addresses_outside_the_grid_are_refused(address: tuple[int, int, int]) -> None:
    with pytest.raises(grid.TileAddressError, match="must be within"):
        grid.tile_at(*address)
    assert issubclass(grid.TileAddressError, QueryError)


def test_corner_addresses_are_accepted() -> None:
    assert grid.tile_at(22, 2**22 - 1, 0) == grid.Tile(22, 4194303, 0)
