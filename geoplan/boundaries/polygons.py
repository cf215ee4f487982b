"""Province, city and county polygons of the country, as Tianditu publishes them."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoplan.boundaries.sources import Source
from geoplan.codes import normalise_code
from geoplan.crs import STORAGE, require_crs
from geoplan.errors import SourceError
from geoplan.terms import GeometrySource, Level

COLUMNS = ["code", "name", "level", "parent", "geometry_source", "source", "as_of", "datum", "geometry"]
"""Columns of every boundary frame."""


def read_polygons(path: Path, level: Level, source: Source) -> gpd.GeoDataFrame:
    """Polygons of one level of the whole country.

    Boundary lines that the file carries beside the polygons are left out; several rows of one code
    become one multipolygon.

    Returns
    -------
    GeoDataFrame
        `COLUMNS`, sorted by code, RangeIndex, EPSG:4490. `parent` is the code of the unit one level up
        (the province itself for counties that no city administers), empty for provinces.

    Raises
    ------
    SourceError
        If a code is unreadable.
    CRSError
        If the file does not declare EPSG:4490.
    """
    frame = gpd.read_file(path, columns=["name", "gb"], use_arrow=True)
    require_crs(frame, STORAGE)
    frame = frame[frame["gb"].fillna("").ne("")]
    frame = frame.assign(code=[_code(text, path) for text in frame["gb"]])
    # Three rings of the source touch themselves (黑龙江省, twice 铁门关市); the same area in valid form.
    frame.geometry = shapely.make_valid(frame.geometry.array, method="structure", keep_collapsed=False)
    if frame["code"].duplicated().any():
        frame = frame.dissolve("code", as_index=False)
    frame = frame.sort_values("code", ignore_index=True)
    frame["level"] = level.value
    frame["parent"] = [_parent(code, level) for code in frame["code"]]
    frame["geometry_source"] = GeometrySource.GENERALISED.value
    frame["source"], frame["as_of"], frame["datum"] = source.id, source.as_of, source.datum
    return frame[COLUMNS]


def fix_parents(counties: gpd.GeoDataFrame, cities: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Counties whose city is in `cities` keep it as parent; the others belong to the province."""
    known = counties["parent"].isin(cities["code"])
    province = counties["code"].str[:2] + "0000"
    return counties.assign(parent=np.where(known, counties["parent"], province))


def replace_divisions(base: gpd.GeoDataFrame, other: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """`base` with the divisions that a user imported in place of the embedded ones."""
    if other is None or other.empty:
        return base
    kept = base[~base["code"].isin(other["code"])]
    joined = pd.concat([kept, other[COLUMNS]], ignore_index=True)
    return gpd.GeoDataFrame(joined, crs=STORAGE).sort_values("code", ignore_index=True)


def _code(text: str, path: Path) -> str:
    try:
        return normalise_code(text)
    except ValueError as error:
        raise SourceError(f"{path.name}: {error}") from None


def _parent(code: str, level: Level) -> str:
    if level is Level.PROVINCE:
        return ""
    return code[:2] + "0000" if level is Level.CITY else code[:4] + "00"
