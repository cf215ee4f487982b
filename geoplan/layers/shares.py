"""Farmland quotas beside the land they lie in: per mu of the division, and of its cultivated land."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geoplan.boundaries.load import Divisions
from geoplan.crs import area_m2
from geoplan.terms import Level, Measure, Per, Qualifier

QUOTA_THEME = "high_standard_farmland"
CULTIVATED_THEME = "cultivated_land"
LAND_THEMES = (QUOTA_THEME, CULTIVATED_THEME, "permanent_basic_farmland", "grain_functional_zone")


def add_shares(frame: gpd.GeoDataFrame, divisions: Divisions) -> gpd.GeoDataFrame:
    """`frame` with the share of each quota in its division's area and in its cultivated land.

    ``area_share`` (mu of land per mu of division) is given for land of `LAND_THEMES` at one division with a polygon
    of its own, never for schematic ones. ``cultivated_share`` divides a quota by the cultivated land that a plan
    states for the same division; `cultivated_share_qualifier` says what follows from a stated bound: an exact quota
    over a lower bound is at most the quotient. A bound over a bound says nothing and gives no share.
    `cultivated_record` is the record that states the cultivated land.
    """
    levels = (Level.PROVINCE, Level.CITY, Level.COUNTY)
    polygons = pd.concat([divisions.drawn(level)[["code", "geometry"]] for level in levels]).drop_duplicates("code")
    wanted = polygons[polygons["code"].isin(frame["division_code"].dropna())]
    hectares = dict(zip(wanted["code"], area_m2(gpd.GeoSeries(wanted["geometry"], crs=frame.crs)) / 1e4, strict=True))
    is_area = frame["measure"].eq(Measure.AREA.value) & frame["value_si"].notna()
    division = frame["division_code"].map(hectares).astype("float64")
    is_land = is_area & frame["theme"].isin(LAND_THEMES) & frame["per"].ne(Per.EACH.value)
    frame = frame.assign(area_share=(frame["value_si"] / division).where(is_land).astype("float64"))

    stated = frame[frame["theme"].eq(CULTIVATED_THEME) & is_area & frame["duplicate_of"].isna()]
    stated = stated.drop_duplicates("division_code").set_index("division_code")
    quota = is_area & frame["theme"].eq(QUOTA_THEME) & frame["division_code"].isin(stated.index)
    base = frame["division_code"].map(stated["value_si"]).where(quota)
    base_bound = frame["division_code"].map(stated["qualifier"]).eq(Qualifier.AT_LEAST.value)
    is_exact = frame["qualifier"].eq(Qualifier.EXACT.value)
    says = quota & (is_exact | ~base_bound)
    qualifier = np.where(base_bound, Qualifier.AT_MOST.value, frame["qualifier"])
    return frame.assign(
        cultivated_share=(frame["value_si"] / base).where(says).astype("float64"),
        cultivated_share_qualifier=pd.Series(qualifier, index=frame.index, dtype=object).where(says, None),
        cultivated_record=frame["division_code"].map(stated["record"]).where(says, None),
    )
