"""Divisions of the country, read from the registered sources and from what the user imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.boundaries import names as name_tables
from geoplan.boundaries.anchors import read_points, township_anchors
from geoplan.boundaries.import_store import read_imports
from geoplan.boundaries.polygons import COLUMNS, fix_parents, read_polygons, replace_divisions
from geoplan.boundaries.schematic import partition_counties
from geoplan.boundaries.sources import Source, load_sources, verified_path
from geoplan.codes import is_inside
from geoplan.crs import STORAGE
from geoplan.terms import Level

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Divisions:
    """Boundaries and names of one build.

    `provinces`, `cities`, `counties` cover the country, `townships` the areas that were asked for (imported
    polygons, or schematic cells); all have the columns of `polygons.COLUMNS` and EPSG:4490. `names`, `aliases`,
    `villages` are the tables of the gazetteer.
    """

    provinces: gpd.GeoDataFrame
    cities: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    townships: gpd.GeoDataFrame
    names: pd.DataFrame
    aliases: pd.DataFrame
    villages: pd.DataFrame

    def drawn(self, level: Level) -> gpd.GeoDataFrame:
        """The polygons of one level."""
        frames = {
            Level.PROVINCE: self.provinces,
            Level.CITY: self.cities,
            Level.COUNTY: self.counties,
            Level.TOWNSHIP: self.townships,
        }
        return frames[level]


def load_divisions(folder: Path, imports: Path, areas: list[str], progress: Progress = lambda _step: None) -> Divisions:
    """Read, verify and join all sources.

    Parameters
    ----------
    folder
        ``data/boundaries``: the registry of sources and the alias, reading and region tables.
    imports
        Folder of imported boundaries; it need not exist.
    areas
        Names or paths of the divisions whose townships are drawn.
    progress
        Called with the name of each step when it begins.

    Raises
    ------
    SourceError
        If a source is missing or altered, or a table names an unknown division.
    """
    sources = load_sources(folder)
    progress("polygons")
    tianditu = sources["tianditu"]
    drawn = {
        level: read_polygons(verified_path(tianditu, level.value, folder), level, tianditu)
        for level in (Level.PROVINCE, Level.CITY, Level.COUNTY)
    }
    counties = fix_parents(drawn[Level.COUNTY], drawn[Level.CITY])
    progress("names")
    mca = sources["mca"]
    listed = name_tables.read_names(verified_path(mca, "names", folder), mca)
    drawn[Level.COUNTY] = counties = name_tables.take_listed_codes(counties, listed)
    names, aliases, villages = _read_tables(folder, sources, listed, [*drawn.values()])
    counties = replace_divisions(counties, read_imports(imports, Level.COUNTY))
    progress("townships")
    points = read_points(verified_path(sources["geonames"], "points", folder))
    codes = [name_tables.division_code(names, area) for area in areas]
    townships = draw_townships(counties, names, points, codes, read_imports(imports, Level.TOWNSHIP))
    return Divisions(drawn[Level.PROVINCE], drawn[Level.CITY], counties, townships, names, aliases, villages)


def draw_townships(
    counties: gpd.GeoDataFrame,
    names: pd.DataFrame,
    points: gpd.GeoDataFrame,
    areas: list[str],
    imported: gpd.GeoDataFrame | None,
) -> gpd.GeoDataFrame:
    """Townships of `areas`: the imported polygons, and schematic cells for all others.

    In a county that was imported in part, the cells of the others share what the imported ones leave of it.
    """
    inside = [any(is_inside(code, area) for area in areas) for code in counties["code"]]
    wanted = counties[inside]
    rows = names[names["level"].eq(Level.TOWNSHIP.value) & names["parent"].isin(wanted["code"])]
    if imported is not None and not imported.empty:
        imported = imported[[any(is_inside(code, area) for area in areas) for code in imported["code"]]]
        rows = rows[~rows["code"].isin(imported["code"])]
        wanted = _without(wanted, imported)
    anchors = township_anchors(rows, wanted, points)
    cells = partition_counties(wanted, rows, anchors)
    if imported is None or imported.empty:
        return cells
    joined = pd.concat([cells, imported[COLUMNS].assign(anchored=False)], ignore_index=True)
    return gpd.GeoDataFrame(joined, crs=STORAGE).sort_values("code", ignore_index=True)


def _without(counties: gpd.GeoDataFrame, townships: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Counties less their `townships`; those that nothing is left of are taken out."""
    taken = townships.dissolve("parent").geometry
    left = [
        shape.difference(taken[code]) if code in taken.index else shape
        for code, shape in zip(counties["code"], counties.geometry, strict=True)
    ]
    rest = counties.set_geometry([shapely.union_all(_polygons(shape)) for shape in left], crs=STORAGE)
    return rest[~rest.geometry.is_empty]


def _polygons(shape: BaseGeometry) -> list[BaseGeometry]:
    return [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]


def _read_tables(
    folder: Path, sources: dict[str, Source], listed: pd.DataFrame, drawn: list[gpd.GeoDataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Names with zones and readings, aliases, villages."""
    nbs = sources["nbs"]
    names = name_tables.add_drawn_units(listed, drawn)
    rows = name_tables.read_aliases(folder / "aliases.csv", names)
    villages = name_tables.read_villages(
        verified_path(nbs, "villages", folder), verified_path(nbs, "townships", folder), listed, rows
    )
    zones = name_tables.read_zones(verified_path(nbs, "counties", folder), rows, names, nbs)
    aliases = name_tables.point_to_zones(rows, zones)
    names = pd.concat([names.assign(members=""), zones], ignore_index=True)
    readings = name_tables.read_readings(folder / "readings.csv", names)
    names = name_tables.add_readings(names, readings)[name_tables.NAME_COLUMNS]
    return names.sort_values("code", ignore_index=True), aliases, villages.assign(as_of=nbs.as_of)
