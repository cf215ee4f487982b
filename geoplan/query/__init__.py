"""Spatial questions to a layer: by box, by point, by division."""

from __future__ import annotations

from geoplan.query.answer import find_row, select
from geoplan.query.filters import Filter, compile_filter, queryables
from geoplan.query.model import Query, Selected
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
    "Filter",
    "LonLat",
    "Places",
    "Query",
    "Selected",
    "Selection",
    "UnknownFeatureError",
    "compile_filter",
    "division_area",
    "division_of",
    "find_feature",
    "find_places",
    "find_row",
    "parse_bbox",
    "parse_point",
    "queryables",
    "select",
    "select_features",
]
