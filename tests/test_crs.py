"""Coordinate systems: areas against the national formula, refusals, axis order."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from geoplan.crs import (
    DISPLAY,
    EQUAL_AREA,
    STORAGE,
    WEB_MERCATOR,
    Bounds,
    area_m2,
    bounds_of,
    require_crs,
    to_equal_area,
    to_storage,
    transformer,
)
from geoplan.errors import CRSError
from geoplan.layers.store import Build, read_boundaries

# CGCS2000 ellipsoid.
A, INVERSE_F = 6_378_137.0, 298.257222101
F = 1 / INVERSE_F
B2, E2 = (A * (1 - F)) ** 2, F * (2 - F)
# Coefficients of 国土调查办发〔2008〕32号: rows A to E, columns the powers e2, e4, e6, e8 (and the 1 of A).
_SERIES = {
    1: (1, Fraction(3, 6), Fraction(30, 80), Fraction(35, 112), Fraction(630, 2304)),
    3: (0, Fraction(1, 6), Fraction(15, 80), Fraction(21, 112), Fraction(420, 2304)),
    5: (0, 0, Fraction(3, 80), Fraction(7, 112), Fraction(180, 2304)),
    7: (0, 0, 0, Fraction(1, 112), Fraction(45, 2304)),
    9: (0, 0, 0, 0, Fraction(5, 2304)),
}


def trapezoid_m2(lon_mean: Any, south: Any, north: Any) -> Any:
    """Area between two parallels from the reference meridian to the mean longitude; radians."""
    total = 0.0
    half, middle = (north - south) / 2, (north + south) / 2
    for k, coefficients in _SERIES.items():
        value = sum(float(c) * E2**power for power, c in enumerate(coefficients))
        total = total + (-1) ** (k // 2) * value * np.sin(k * half) * np.cos(k * middle)
    return 2 * B2 * lon_mean * total


def official_m2(geometry: shapely.Geometry) -> float:
    """Area of a polygon in degrees as the signed sum of the trapezoids under its edges."""
    total = 0.0
    for polygon in shapely.get_parts(geometry):
        for i, ring in enumerate(shapely.get_rings(polygon)):
            lon, lat = np.radians(shapely.get_coordinates(ring) - (112.0, 0.0)).T
            area = abs(math.fsum(trapezoid_m2((lon[:-1] + lon[1:]) / 2, lat[:-1], lat[1:])))
            total += area if i == 0 else -area
    return total


def zone_m2(south: float, north: float, width: float) -> float:
    """Closed form of the area of a quadrangle on the ellipsoid; degrees."""
    e = math.sqrt(E2)

    def half(latitude: float) -> float:
        s = math.sin(math.radians(latitude))
        return s / (2 * (1 - E2 * s * s)) + math.log((1 + e * s) / (1 - e * s)) / (4 * e)

    return B2 * math.radians(width) * (half(north) - half(south))


def degrees(*shapes: shapely.Geometry, crs: object = STORAGE) -> gpd.GeoSeries:
    return gpd.GeoSeries(list(shapes), crs=crs)


@pytest.mark.parametrize(("south", "north"), [(0, 1), (18, 19), (34.5, 40.75), (37, 37.01), (53, 54)])
def test_the_formula_of_this_test_is_the_ellipsoid(south: float, north: float) -> None:
    series = official_m2(shapely.box(112, south, 113, north))
    assert series == pytest.approx(zone_m2(south, north, 1), rel=1e-10)


def test_county_areas_are_those_of_the_official_formula(build: Build) -> None:
    counties = read_boundaries(build, "counties")
    counties = counties[counties["code"].str.startswith("14")]
    official = np.array([official_m2(geometry) for geometry in counties.geometry])
    assert len(official) == 117
    assert np.max(np.abs(area_m2(counties.geometry) / official - 1)) < 1e-10  # the bar is 1e-6
    # The closed form says the same of the whole: published 156,698 km2, generalised 156,666 km2.
    assert official.sum() / 1e6 == pytest.approx(156_665.5, abs=1.0)


@given(
    st.floats(73, 134), st.floats(4, 53), st.floats(1e-4, 2), st.floats(1e-4, 2),
    st.lists(st.floats(0, 1), min_size=3, max_size=12, unique=True),
)  # fmt: skip
@settings(max_examples=50)
def test_area_of_any_star_is_that_of_the_formula(
    lon: float, lat: float, width: float, height: float, radii: list[float]
) -> None:
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    reach = 0.2 + 0.8 * np.array(radii)
    ring = np.column_stack([lon + width * reach * np.cos(angles), lat + height * reach * np.sin(angles)])
    star = shapely.Polygon(ring)
    assert area_m2(degrees(star))[0] == pytest.approx(official_m2(star), rel=1e-6)


def test_area_takes_holes_off_and_keeps_the_order() -> None:
    whole, hole = shapely.box(112, 37, 113, 38), shapely.box(112.4, 37.4, 112.6, 37.6)
    areas = area_m2(degrees(whole.difference(hole), hole, whole))
    assert areas[0] + areas[1] == pytest.approx(areas[2], rel=1e-12)
    assert areas[1] < areas[0]


def test_area_adds_up_over_cuts() -> None:
    strips = [shapely.box(w, 36, e, 39) for w, e in pairwise(np.linspace(111, 114, 13))]
    assert area_m2(degrees(*strips)).sum() == pytest.approx(zone_m2(36, 39, 3), rel=1e-9)


@pytest.mark.parametrize(
    "crs",
    [
        WEB_MERCATOR, "ESRI:102100", "ESRI:102113", "EPSG:3395", "+proj=webmerc +datum=WGS84",
        pytest.param(CRS(WEB_MERCATOR).to_wkt("WKT1_ESRI"), id="prj"),
        pytest.param(CRS(WEB_MERCATOR).to_wkt(), id="wkt"),
    ],
)  # fmt: skip
def test_areas_in_mercator_are_refused(crs: str) -> None:
    shape = degrees(shapely.box(112, 37, 113, 38)).to_crs(crs)
    with pytest.raises(CRSError, match="wrong by half and more; use EPSG:4490"):
        area_m2(shape)


def test_mercator_would_have_been_wrong_by_half_and_more() -> None:
    shape = degrees(shapely.box(112, 37, 113, 38))
    assert shape.to_crs(WEB_MERCATOR).area.iloc[0] / area_m2(shape)[0] > 1.48


@pytest.mark.parametrize("crs", ["EPSG:4508", "EPSG:4547", "EPSG:4326", EQUAL_AREA])
def test_areas_in_other_systems_are_the_same(crs: str) -> None:
    shape = degrees(shapely.box(112.0, 37.0, 112.01, 37.01))
    assert area_m2(shape.to_crs(crs))[0] == pytest.approx(area_m2(shape)[0], rel=1e-6)


def test_an_area_without_crs_is_an_error() -> None:
    with pytest.raises(CRSError, match="needs a CRS"):
        area_m2(degrees(shapely.box(0, 0, 1, 1), crs=None))


@pytest.mark.parametrize(("crs", "said"), [(None, "has no CRS; EPSG:4490"), (DISPLAY, "EPSG:4326; EPSG:4490")])
def test_a_frame_in_another_system_is_refused(crs: str | None, said: str) -> None:
    frame = gpd.GeoDataFrame(geometry=degrees(shapely.Point(112, 37), crs=crs))
    with pytest.raises(CRSError, match=said):
        require_crs(frame, STORAGE)


def test_a_frame_in_the_right_system_passes() -> None:
    require_crs(degrees(shapely.Point(112, 37)), STORAGE)


def test_storage_turns_zone_coordinates_round_and_keeps_the_index() -> None:
    zone = gpd.GeoDataFrame(
        {"n": [7]}, index=[42], geometry=degrees(shapely.Point(112.55, 37.87)).to_crs("EPSG:4526").values
    )
    stored = to_storage(zone)
    assert (stored.crs.to_epsg(), list(stored.index), list(stored["n"])) == (4490, [42], [7])
    assert (stored.geometry.x[42], stored.geometry.y[42]) == pytest.approx((112.55, 37.87), abs=1e-9)
    assert zone.crs.to_epsg() == 4526


@pytest.mark.parametrize(
    ("crs", "datum"),
    [
        ("EPSG:4610", "Xian 1980"), ("EPSG:2361", "Xian 1980"), ("EPSG:4214", "Beijing 1954"),
        ("EPSG:21413", "Beijing 1954"),
        pytest.param(CRS("EPSG:4610").to_wkt("WKT1_ESRI"), "Xian 1980", id="prj-xian"),
        pytest.param(CRS("EPSG:2361").to_wkt("WKT1_ESRI"), "Xian 1980", id="prj-xian-zone"),
        pytest.param(CRS("EPSG:4214").to_wkt("WKT1_ESRI"), "Beijing 1954", id="prj-beijing"),
    ],
)  # fmt: skip
def test_datums_without_a_public_shift_are_refused(crs: str, datum: str) -> None:
    frame = gpd.GeoDataFrame(geometry=degrees(shapely.Point(112, 37), crs=crs))
    with pytest.raises(CRSError, match=f"{datum}.*local parameters"):
        to_storage(frame)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:4490", "EPSG:4547", "EPSG:32649"])
def test_a_prj_that_names_no_code_is_accepted_where_the_datum_is_sound(crs: str) -> None:
    esri = CRS(crs).to_wkt("WKT1_ESRI")
    frame = gpd.GeoDataFrame(geometry=degrees(shapely.Point(112, 37)).to_crs(crs).set_crs(esri, allow_override=True))
    stored = to_storage(frame)
    assert (stored.geometry.x[0], stored.geometry.y[0]) == pytest.approx((112, 37), abs=1e-8)


def test_storage_without_crs_is_an_error() -> None:
    with pytest.raises(CRSError, match="Say which one it is in"):
        to_storage(gpd.GeoDataFrame(geometry=degrees(shapely.Point(112, 37), crs=None)))


def test_transformers_take_longitude_first() -> None:
    x, y = transformer(STORAGE, EQUAL_AREA).transform(112.0, 37.0)
    assert x > y > 0
    assert transformer(STORAGE, "EPSG:4526").transform(114.0, 37.0)[0] == pytest.approx(38_500_000)


def test_equal_area_of_one_geometry_is_that_of_the_series() -> None:
    shape = shapely.box(112, 37, 113, 38)
    assert to_equal_area(shape).area == pytest.approx(area_m2(degrees(shape))[0], rel=1e-12)


def test_bounds_are_west_south_east_north_of_what_is_drawn() -> None:
    shapes = degrees(shapely.box(111, 35, 112, 36), None, shapely.Polygon(), shapely.Point(114, 40))
    assert bounds_of(shapes) == Bounds(west=111, south=35, east=114, north=40)
    assert bounds_of(degrees(None, shapely.Polygon())) is None
