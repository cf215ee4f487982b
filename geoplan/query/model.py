"""What is asked of a pack, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.query.filters import Filter
from geoplan.query.shapes import CRS84

MOST_FEATURES = 10_000
"""Features of one page."""
MOST_NEAREST = 1000
MOST_IDS = 10_000


class Query(NamedTuple):
    """A question to a pack; all its conditions have to be met.

    Attributes
    ----------
    bbox, bbox_crs
        Four numbers, or six of which the heights are ignored, in the axis order of the system (``CRS84``,
        ``EPSG:4326``, ``EPSG:4490``, ``EPSG:3857``): features whose shapes meet the box. West may be greater than
        east: the box crosses the antimeridian.
    or_missing
        Whether `bbox` and `datetime` also match features without a shape or a time, as OGC API Features Part 1
        requires (core, fc-bbox-response C and fc-time-response C).
    point
        Longitude and latitude in degrees: features whose shapes hold it, borders included.
    near, radius_m
        Longitude and latitude, and metres on the ellipsoid: features whose shapes come so near.
    nearest
        The so many nearest to `near` that meet the other conditions, nearest first; up to 100 km away, or
        `radius_m`.
    within, within_column
        Codes of divisions: features whose `within_column` lies inside one of them.
    ids
        Ids of features; unknown ones are not found.
    datetime
        An instant, a date, or ``start/end`` with open ends (``..``): features whose time meets it.
    filter
        A compiled filter.
    equal
        Values of properties, as text.
    sortby
        ``name`` or ``+name`` ascending, ``-name`` descending; then by id. Without, by id.
    limit
        Largest number of features, up to 10,000.
    after
        The cursor of the page before (`Selected.next_cursor`).
    columns
        Properties to write; None: all.
    skip_geometry
        Whether to leave the shapes out.
    """

    bbox: tuple[float, ...] | None = None
    bbox_crs: str = CRS84
    or_missing: bool = True
    point: tuple[float, float] | None = None
    near: tuple[float, float] | None = None
    radius_m: float | None = None
    nearest: int | None = None
    within: tuple[str, ...] = ()
    within_column: str = "division_code"
    ids: tuple[int, ...] | None = None
    datetime: str | None = None
    filter: Filter | None = None
    equal: Mapping[str, Any] = MappingProxyType({})
    sortby: tuple[str, ...] = ()
    limit: int = 100
    after: str | None = None
    columns: tuple[str, ...] | None = None
    skip_geometry: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """One page of an answer.

    Attributes
    ----------
    rows
        Rows of the pack's source part, in the order of the answer (k).
    matched
        How many features match on all pages.
    excluded_approximate
        How many more would match, but are drawn only approximately and say nothing of a place on the ground.
    next_cursor
        `Query.after` of the next page; None on the last one.
    distances_m
        With `Query.near` the distance of each row (k), otherwise None.
    """

    rows: NDArray[np.int64]
    matched: int
    excluded_approximate: int = 0
    next_cursor: str | None = None
    distances_m: NDArray[np.float64] | None = None

    @property
    def returned(self) -> int:
        """How many features are on the page."""
        return len(self.rows)
