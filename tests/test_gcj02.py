"""The GCJ-02 formula and its inverse."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geoplan import gcj02
from geoplan.errors import DatumError

china = {"lon": st.floats(73.0, 136.0), "lat": st.floats(3.0, 54.0)}


def test_known_pair_from_the_public_implementations() -> None:
    lon, lat = gcj02.from_wgs84(116.404, 39.915)
    assert (float(lon), float(lat)) == pytest.approx((116.41024449916938, 39.91640428150164), abs=1e-11)


@pytest.mark.parametrize(
    ("lon", "lat", "east", "north"), [(112.55, 37.87, 554, 58), (113.3, 40.08, 598, 133), (111.0, 35.02, 527, -85)]
)
def test_offset_in_shanxi(lon: float, lat: float, east: float, north: float) -> None:
    assert gcj02.offset_m(lon, lat) == pytest.approx((east, north), abs=1.0)


@given(**china)
def test_round_trip_from_wgs84(lon: float, lat: float) -> None:
    back = gcj02.to_wgs84(*gcj02.from_wgs84(lon, lat))
    assert np.allclose(back, (lon, lat), rtol=0, atol=1e-9)


@given(**china)
def test_round_trip_from_gcj02(lon: float, lat: float) -> None:
    there = gcj02.from_wgs84(*gcj02.to_wgs84(lon, lat))
    assert np.allclose(there, (lon, lat), rtol=0, atol=1e-9)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_far_from_china_nothing_moves(lon: float, lat: float) -> None:
    inside = gcj02.WEST <= lon <= gcj02.EAST and gcj02.SOUTH <= lat <= gcj02.NORTH
    moved = tuple(map(float, gcj02.from_wgs84(lon, lat))) != (lon, lat)
    assert moved == inside


def test_shapes_broadcast_and_missing_stays_missing() -> None:
    lon, lat = gcj02.to_wgs84(np.array([[112.0, np.nan]]), np.array([[37.0], [38.0]]))
    assert lon.shape == lat.shape == (2, 2)
    assert np.isnan(lon[:, 1]).all()
    assert np.isfinite(lon[:, 0]).all()


def test_one_step_is_not_enough_for_the_inverse() -> None:
    lon, lat = gcj02.from_wgs84(112.55, 37.87)
    once = 2 * lon - gcj02.from_wgs84(lon, lat)[0]
    assert abs(float(once) - 112.55) > 1e-6
    assert abs(float(gcj02.to_wgs84(lon, lat)[0]) - 112.55) < 1e-10


def test_geometries_keep_shared_vertices_and_come_back() -> None:
    shapes = np.array([shapely.box(112, 37, 113, 38), shapely.box(113, 37, 114, 38)], dtype=object)
    shifted = gcj02.geometries_from_wgs84(shapes)
    assert shapely.coverage_is_valid(shifted)
    assert not shapely.equals_exact(shifted, shapes, tolerance=1e-3).any()
    assert shapely.equals_exact(gcj02.geometries_to_wgs84(shifted), shapes, tolerance=1e-9).all()


def test_no_inverse_is_an_error_not_a_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gcj02, "_MAX_STEPS", 1)
    with pytest.raises(DatumError, match="did not settle"):
        gcj02.to_wgs84(112.0, 37.0)
