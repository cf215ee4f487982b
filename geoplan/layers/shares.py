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
_EXACT, _LEAST, _MOST, _ABOUT = (
    Qualifier.EXACT.value, Qualifier.AT_LEAST.value, Qualifier.AT_MOST.value, Qualifier.ABOUT.value,
)  # fmt: skip
# (qualifier of the quota, of the land it is divided by) → of the quotient
_QUOTIENTS = {
    (_EXACT, _EXACT): _EXACT, (_EXACT, _LEAST): _MOST, (_EXACT, _MOST): _LEAST,
    (_LEAST, _EXACT): _LEAST, (_LEAST, _MOST): _LEAST, (_MOST, _EXACT): _MOST, (_MOST, _LEAST): _MOST,
    (_ABOUT, _EXACT): _ABOUT, (_EXACT, _ABOUT): _ABOUT, (_ABOUT, _ABOUT): _ABOUT,
}  # fmt: skip
LAND_THEMES = (QUOTA_THEME, CULTIVATED_THEME, "permanent_basic_farmland", "grain_functional_zone")


def add_shares(frame: gpd.GeoDataFrame, divisions: Divisions) -> gpd.GeoDataFrame:
    """`frame` with the share of each quota in its division's area and in its cultivated land.

    ``area_share`` (mu of land per mu of division) is given for land of `LAND_THEMES` at one division with a polygon
    of its own, never for schematic ones. ``cultivated_share`` divides a quota by the cultivated land that a plan
    states for the same division and the same status (both targets, or both baselines);
    `cultivated_share_qualifier` says what follows from stated bounds: an exact quota over a lower bound is at most
    the quotient. A bound over a bound of the same side says nothing and gives no share. `cultivated_record` is the
    record that states the cultivated land.
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
    base = {(row.division_code, row.status): row for row in stated.itertuples()}
    shares, qualifiers, records = [], [], []
    for row, has_area in zip(frame.itertuples(), is_area, strict=True):
        land = base.get((row.division_code, row.status)) if has_area and row.theme == QUOTA_THEME else None
        qualifier = _QUOTIENTS.get((str(row.qualifier), str(land.qualifier))) if land is not None else None
        shares.append(row.value_si / land.value_si if land is not None and qualifier else np.nan)
        qualifiers.append(qualifier)
        records.append(land.record if land is not None and qualifier else None)
    return frame.assign(
        cultivated_share=np.array(shares, dtype="float64"),
        cultivated_share_qualifier=pd.Series(qualifiers, index=frame.index, dtype=object),
        cultivated_record=pd.Series(records, index=frame.index, dtype=object),
    )
