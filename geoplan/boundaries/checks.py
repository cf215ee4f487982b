"""What the geometry of an import must keep to, said in words: neighbours, places, edges, areas, completeness.

Each function returns `Problem` values and raises nothing. Frames are in EPSG:4490, indexed by feature
number, with ``code, name, parent, county``; `counties` is the default layer, indexed by code.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.boundaries.coverage import check_coverage, check_nesting
from geoplan.crs import area_m2
from geoplan.errors import Problem

AREA_WARNING = 0.02
"""Relative difference in area from the default layer that is worth a warning."""
EDGE_P90_M = 630.0
"""Nine tenths of the default layer's vertices are nearer to a detailed layer than this."""
BEYOND_SHARE = 0.001
"""Share of a county that may lie beyond the edge tolerance: a spike, not a displacement."""

_LEAST_INSIDE = 0.5
_MOST_LISTED = 20

Labeller = Callable[[int], str]


def check_neighbours(
    polygons: gpd.GeoSeries, counties: gpd.GeoSeries, label: Labeller, tolerance_m2: float, file: str
) -> tuple[list[Problem], list[Problem]]:
    """Overlaps and gaps above the tolerance as faults, the sum of the smaller ones as a warning.

    Parameters
    ----------
    polygons
        Valid polygons in the CRS of the file, indexed by feature number.
    counties
        The reference counties that they belong to; a hole that is not theirs is no gap.
    """
    report = check_coverage(polygons, within=counties)
    faults = []
    for row in report.overlaps[report.overlaps["area_m2"] > tolerance_m2].itertuples():
        message = f"{label(row.left)} and {label(row.right)} overlap by {row.area_m2:,.0f} m²."
        faults.append(Problem("overlap", message, file, remedy="Snap the common line in a GIS (topology check)."))
    for row in report.gaps[report.gaps["area_m2"] > tolerance_m2].itertuples():
        x, y = _lonlat(row.geometry, polygons)
        beside = ", ".join(label(number) for number in row.beside[:4])
        message = f"a gap of {row.area_m2:,.0f} m² at {x:.5f}° E {y:.5f}° N between {beside}."
        remedy = "Close it in a GIS, or add the missing feature."
        faults.append(Problem("gap", message, file, remedy=remedy))
    warnings = []
    small_overlap = report.overlaps["area_m2"][report.overlaps["area_m2"] <= tolerance_m2]
    small_gap = report.gaps["area_m2"][report.gaps["area_m2"] <= tolerance_m2]
    if len(small_overlap) or len(small_gap):
        message = (
            f"{len(small_overlap)} overlaps ({small_overlap.sum():,.1f} m² in all) and {len(small_gap)} gaps "
            f"({small_gap.sum():,.1f} m²) are each below {tolerance_m2:,.0f} m² and were kept."
        )
        warnings.append(Problem("slivers", message, file))
    return faults, warnings


def check_places(frame: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, label: Labeller, file: str) -> list[Problem]:
    """Features that do not lie, with at least half of their area, in the county they are said to be of."""
    if frame.empty:
        return []
    target = counties.geometry.loc[frame["county"]].to_numpy()
    shapes = frame.geometry.to_numpy()
    inside = gpd.GeoSeries(shapely.intersection(shapes, target), index=frame.index, crs=frame.crs)
    share = area_m2(inside) / area_m2(frame.geometry)
    faults = []
    for number, part in zip(frame.index, share, strict=True):
        if part < _LEAST_INSIDE:
            name, county = frame.loc[number, "name"], frame.loc[number, "county"]
            message = (
                f"{label(number)}: {1 - part:.0%} of it lies outside {_called(county, counties)}, where {name} "
                f"({frame.loc[number, 'code']}) should be."
            )
            remedy = "Check its name and code: two rows may be swapped, or it is another county's."
            faults.append(Problem("misplaced", message, file, remedy=remedy))
    return faults


def check_edges(
    frame: gpd.GeoDataFrame,
    counties: gpd.GeoDataFrame,
    incomplete: Collection[str],
    tolerance_m: float,
    file: str,
) -> tuple[list[Problem], list[Problem]]:
    """Whether the features of a county fill it, within what the generalised default edge allows.

    Parameters
    ----------
    incomplete
        Counties of which townships are missing: what they leave open is no fault.
    tolerance_m
        Farthest that the edge may be off; beyond it more than `BEYOND_SHARE` of the county is a fault.
    """
    faults: list[Problem] = []
    warnings: list[Problem] = []
    nesting = check_nesting(frame, counties, parent_column="county", edge_tolerance_m=tolerance_m)
    remedy = "Check names and position; if the boundary really changed, allow more with --edge-tolerance."
    for row in nesting:
        place = _called(row.parent, counties)
        least = BEYOND_SHARE * row.area_m2
        if row.outside_beyond_m2 > least:
            message = (
                f"{place}: {row.outside_beyond_m2 / 1e6:,.2f} km² lie more than {tolerance_m:,.0f} m outside "
                f"the default boundary (up to {row.outside_max_m:,.0f} m)."
            )
            faults.append(Problem("outside-parent", message, file, remedy=remedy))
        elif row.edge_p90_m > EDGE_P90_M:
            message = (
                f"{place}: a tenth of the edge outside the default boundary is more than {row.edge_p90_m:,.0f} "
                f"m off (at most {row.outside_max_m:,.0f} m; {row.outside_m2 / 1e6:,.2f} km² outside, "
                f"{row.uncovered_m2 / 1e6:,.2f} km² open)."
            )
            warnings.append(Problem("edge", message, file))
        if row.uncovered_beyond_m2 > least and row.parent not in incomplete:
            message = (
                f"{place}: {row.uncovered_beyond_m2 / 1e6:,.2f} km² of it are more than {tolerance_m:,.0f} m "
                "from every feature, though none is missing."
            )
            faults.append(Problem("uncovered-parent", message, file, remedy=remedy))
    return faults, warnings


def check_areas(
    frame: gpd.GeoDataFrame, counties: gpd.GeoDataFrame, incomplete: Collection[str], file: str
) -> list[Problem]:
    """Counties whose features add up to an area more than `AREA_WARNING` off the default layer's."""
    ours = pd.Series(area_m2(frame.geometry), index=frame["county"].to_numpy()).groupby(level=0).sum()
    ours = ours.drop([code for code in ours.index if code in incomplete])
    theirs = pd.Series(area_m2(counties.geometry.loc[ours.index]), index=ours.index)
    relative = ours / theirs - 1
    return [
        Problem(
            "area",
            f"{_called(str(code), counties)}: {ours[code] / 1e6:,.2f} km² are {relative[code]:+.1%} off the "
            f"{theirs[code] / 1e6:,.2f} km² of the default layer.",
            file,
        )
        for code in relative.index[relative.abs() > AREA_WARNING]
    ]


def missing_divisions(
    names: pd.DataFrame, parents: Collection[str], have: Collection[str], file: str
) -> tuple[tuple[str, ...], list[Problem]]:
    """Divisions of the given parents that are not there yet, and a warning for each such parent.

    Parameters
    ----------
    names
        ``name, parent`` of the divisions of the level, indexed by code.
    have
        Codes in the file and in the store.
    """
    absent = names[names["parent"].isin(list(parents)) & ~names.index.isin(list(have))].sort_index()
    totals = names["parent"].value_counts()
    warnings = []
    for parent, group in absent.groupby("parent", sort=True):
        listed = "、".join(group["name"][:_MOST_LISTED]) + ("…" if len(group) > _MOST_LISTED else "")
        message = f"{len(group)} of the {totals[parent]} divisions of {parent} are missing: {listed}."
        warnings.append(Problem("missing", message, file))
    return tuple(absent.index), warnings


def _called(code: str, counties: gpd.GeoDataFrame) -> str:
    """A county with its code, and its name where the layer has one."""
    return f"{counties.loc[code, 'name']} ({code})" if "name" in counties else f"county {code}"


def _lonlat(shape: BaseGeometry, polygons: gpd.GeoSeries) -> tuple[float, float]:
    """A point within a shape given in the CRS of `polygons`, in degrees."""
    point = gpd.GeoSeries([shape.representative_point()], crs=polygons.crs).to_crs("EPSG:4490").iloc[0]
    return float(point.x), float(point.y)
