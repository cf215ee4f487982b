"""Known points of townships: a GeoNames place of the township's name inside its county."""

from __future__ import annotations

import json
import re
from pathlib import Path

import geopandas as gpd
import pandas as pd

from geoplan.crs import STORAGE

_SUFFIX = re.compile(r"(?<=..)(街道|镇|乡)$")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]{2,}")


def read_points(path: Path) -> gpd.GeoDataFrame:
    """Chinese places of GeoNames, one row a Chinese name.

    Returns
    -------
    GeoDataFrame
        ``place`` (GeoNames id), ``name`` (as GeoNames writes it, simplified or traditional), point in EPSG:4490;
        sorted by place and name. WGS 84 and CGCS2000 agree within a metre, so the coordinates are taken over.
    """
    cities = json.loads(path.read_text("utf-8"))
    rows = [
        (int(city["geonameid"]), name, city["longitude"], city["latitude"])
        for city in cities.values()
        if city["countrycode"] == "CN"
        for name in city["alternatenames"]
        if _HAN.fullmatch(name)
    ]
    frame = pd.DataFrame(rows, columns=["place", "name", "x", "y"]).drop_duplicates()
    frame = frame.sort_values(["place", "name"], ignore_index=True)
    points = gpd.points_from_xy(frame.pop("x"), frame.pop("y"), crs=STORAGE)
    return gpd.GeoDataFrame(frame, geometry=points)


def township_anchors(townships: pd.DataFrame, counties: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Townships that a point can be found for: same name stem, inside the county's polygon.

    A stem that two townships of the county share, or that several points there carry, gives no anchor: nothing
    says which is meant.

    Returns
    -------
    GeoDataFrame
        ``code`` of the township and its point in EPSG:4490, sorted by code.
    """
    inside = points.sjoin(counties[["code", "geometry"]].rename(columns={"code": "county"}), predicate="within")
    inside = inside.assign(stem=inside["name"].str.replace(_SUFFIX, "", regex=True))
    inside = inside.drop_duplicates(["place", "stem"])
    inside = inside[~inside.duplicated(["county", "stem"], keep=False)]
    wanted = townships.assign(county=townships["parent"], stem=townships["name"].str.replace(_SUFFIX, "", regex=True))
    wanted = wanted[~wanted.duplicated(["county", "stem"], keep=False)]
    found = inside.merge(wanted[["county", "stem", "code"]], on=["county", "stem"])
    # One point carries several names; it anchors one township only.
    found = found.sort_values("code").drop_duplicates("place").drop_duplicates("code")
    return gpd.GeoDataFrame(found[["code", "geometry"]], crs=STORAGE).reset_index(drop=True)
