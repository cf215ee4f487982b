"""Which features of a layer a spatial question selects.

Schematic shapes say that something lies somewhere inside a division, not where: they answer no
question about a place on the ground. They are left out of such answers, and counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.codes import is_inside, level_of
from geoplan.crs import STORAGE, Bounds, require_crs
from geoplan.errors import QueryError
from geoplan.terms import GeometrySource

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

_Mask = NDArray[np.bool_]


class UnknownFeatureError(QueryError):
    """A layer has no feature with the id that was asked for."""


class LonLat(NamedTuple):
    """A position in degrees."""

    longitude: float
    latitude: float


class Selection(NamedTuple):
    """Answer to a query.

    Attributes
    ----------
    frame
        One page of the matching features, ordered by fid; the index is the layer's own.
    matched
        Number of matching features on all pages.
    excluded_schematic
        Number of features left out because their shape is schematic.
    """

    frame: gpd.GeoDataFrame
    matched: int
    excluded_schematic: int


def parse_bbox(text: str) -> Bounds:
    """Bounds from ``west,south,east,north`` in degrees (CRS84).

    Raises
    ------
    QueryError
        If these are not four numbers in range and in order; a box across the antimeridian (west
        greater than east) is refused.
    """
    bounds = Bounds(*_numbers(text, 4, "bbox", "west,south,east,north"))
    _check_position(LonLat(bounds.west, bounds.south), "bbox")
    _check_position(LonLat(bounds.east, bounds.north), "bbox")
    if bounds.west > bounds.east:
        raise QueryError(
            f"bbox: west ({bounds.west:g}) is greater than east ({bounds.east:g}). Boxes across the antimeridian "
            "are not answered: ask for the two sides one after the other."
        )
    if bounds.south > bounds.north:
        raise QueryError(f"bbox: south ({bounds.south:g}) is greater than north ({bounds.north:g}).")
    return bounds


def parse_point(text: str) -> LonLat:
    """A position from ``longitude,latitude`` in degrees (CRS84); raises `QueryError`."""
    point = LonLat(*_numbers(text, 2, "point", "longitude,latitude"))
    _check_position(point, "point")
    return point


def select_features(
    frame: gpd.GeoDataFrame,
    *,
    bbox: Bounds | None = None,
    point: LonLat | None = None,
    within: str | Sequence[str] | None = None,
    within_area: BaseGeometry | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Selection:
    """Features that meet all the conditions given, ordered by fid.

    Parameters
    ----------
    frame
        A layer's frame in EPSG:4490.
    bbox
        Keep features whose shape meets this box, in degrees. Schematic shapes are kept: a box asks
        what to draw.
    point
        Keep features whose shape holds this position. Schematic shapes are excluded.
    within
        Code of a division: keep features whose ``division_code`` lies inside it. For a zone that is
        made of several divisions, their codes.
    within_area
        Shape of that division in EPSG:4490: features without a code are kept when they lie within it.
        Without it they are not kept; schematic ones never are.
    limit, offset
        Which page: at most `limit` features after the first `offset`.

    Raises
    ------
    CRSError
        If the frame is not in EPSG:4490.
    QueryError
        If `within` is not a division code, or the page is negative.
    """
    require_crs(frame, STORAGE)
    if limit < 0 or offset < 0:
        raise QueryError("limit and offset must not be negative")
    keep: _Mask = np.ones(len(frame), dtype=bool)
    excluded: _Mask = np.zeros(len(frame), dtype=bool)
    schematic: _Mask = (frame["geometry_source"] == GeometrySource.SCHEMATIC.value).to_numpy(dtype=bool)
    if bbox is not None:
        keep &= _meets(frame, shapely.box(*bbox))
    if within is not None:
        divisions = (within,) if isinstance(within, str) else tuple(within)
        by_code, by_shape = _inside(frame, divisions, within_area)
        excluded |= by_shape & schematic
        keep &= by_code | by_shape
    if point is not None:
        keep &= _meets(frame, shapely.Point(*point))
        excluded |= schematic
    excluded &= keep
    matching = frame[keep & ~excluded].sort_values("fid", kind="stable")
    return Selection(matching.iloc[offset : offset + limit], len(matching), int(excluded.sum()))


def find_feature(frame: gpd.GeoDataFrame, fid: int) -> gpd.GeoDataFrame:
    """The one row with an id; raises `UnknownFeatureError`."""
    row = frame[frame["fid"] == fid]
    if row.empty:
        raise UnknownFeatureError(f"no feature {fid} in this layer")
    return row


def _meets(frame: gpd.GeoDataFrame, window: BaseGeometry) -> _Mask:
    mask: _Mask = np.zeros(len(frame), dtype=bool)
    mask[frame.sindex.query(window, predicate="intersects")] = True
    return mask


def _inside(frame: gpd.GeoDataFrame, divisions: tuple[str, ...], area: BaseGeometry | None) -> tuple[_Mask, _Mask]:
    """Rows inside the divisions: those known by their code, and those without a code known by their shape."""
    try:
        for division in divisions:
            level_of(division)
    except ValueError as error:
        raise QueryError(f"within: {error}") from error
    codes = frame["division_code"]
    missing: _Mask = codes.isna().to_numpy(dtype=bool)
    inside = {code: any(is_inside(code, division) for division in divisions) for code in codes[~missing].unique()}
    by_code = np.array([inside.get(code, False) for code in codes], dtype=bool)
    by_shape: _Mask = np.zeros(len(frame), dtype=bool)
    if area is not None:
        by_shape[frame.sindex.query(area, predicate="covers")] = True
    return by_code, by_shape & missing


def _numbers(text: str, count: int, what: str, form: str) -> list[float]:
    """Finite numbers from a list with commas."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise QueryError(f"{what}: must be {count} numbers, {form}, in degrees")
    return numbers


def _check_position(position: LonLat, what: str) -> None:
    if not (-180 <= position.longitude <= 180 and -90 <= position.latitude <= 90):
        raise QueryError(
            f"{what}: {position.longitude:g},{position.latitude:g} is not a longitude (-180 to 180) and a latitude "
            "(-90 to 90) in degrees; the longitude comes first."
        )
