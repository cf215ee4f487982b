"""Spatial questions to a layer: by box, by point, by division."""

from __future__ import annotations

from geoplan.query.places import Places, division_area, division_of, find_places
from geoplan.query.select import (
    LonLat,
    Selection,
    UnknownFeatureError,
    find_feature,
    parse_bbox,
    parse_point,
    select_features,
)

__all__ = [
    "LonLat",
    "Places",
    "Selection",
    "UnknownFeatureError",
    "division_area",
    "division_of",
    "find_feature",
    "find_places",
    "parse_bbox",
    "parse_point",
    "select_features",
]
