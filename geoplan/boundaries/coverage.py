"""Gaps and overlaps of neighbouring polygons, and how they nest in their parents, in square metres.

Polygons are compared in the CRS they come in, where their edges are straight: an edge that is straight
in a Gauss-Krüger zone is a slightly bent one in degrees, and two neighbours that share it with different
vertices would seem to gape. Areas are those of EPSG:6933.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

from geoplan.crs import STORAGE, area_m2, require_crs
from geoplan.errors import CRSError

NOISE_M2 = 0.01
"""Smaller gaps and overlaps are rounding of the overlay and are not listed."""
EDGE_TOLERANCE_M = 3000.0
"""How far the outlines of two good layers may differ: the default county layer is generalised (p90 about 630 m, at most
3.1 km from a detailed one in Shanxi)."""
STEP_M = 400.0
"""Longest distance between two vertices whose distance from the parent is measured."""

_AREAL = {"Polygon", "MultiPolygon"}
_LEAST_INSIDE = 0.5


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Faults of a polygon coverage; an empty frame means that there are none.

    Attributes
    ----------
    overlaps
        Frame ``left, right, area_m2, geometry`` in the CRS of the polygons, largest first; `left` and
        `right` are keys of the two polygons, `left` the smaller one.
    gaps
        Frame ``beside, area_m2, geometry``, largest first: holes of the union that belong to no
        polygon; `beside` holds the sorted keys of the polygons around, as a tuple. Gaps that are open
        to the outside are no holes; `check_nesting` measures them.
    """

    overlaps: gpd.GeoDataFrame
    gaps: gpd.GeoDataFrame

    @property
    def overlap_m2(self) -> float:
        """Sum over all pairs, in square metres."""
        return float(self.overlaps["area_m2"].sum())

    @property
    def gap_m2(self) -> float:
        """Sum over all gaps, in square metres."""
        return float(self.gaps["area_m2"].sum())


@dataclass(frozen=True, slots=True)
class Nesting:
    """How the children of one parent fill it; areas in square metres, lengths in metres.

    Attributes
    ----------
    parent
        Key of the parent.
    outside_m2, uncovered_m2, area_m2
        Area of the children beyond the parent, of the parent without a child, and of the parent.
    outside_max_m, edge_p90_m
        Distance from the parent of the farthest vertex of the children's outline outside it, and the 90th
        percentile of these distances; 0 where nothing is outside. Vertices are at most `STEP_M` apart.
    outside_beyond_m2, uncovered_beyond_m2
        Areas of the children and of the parent that are farther than the edge tolerance from the other.
    """

    parent: str
    outside_m2: float
    uncovered_m2: float
    area_m2: float
    outside_max_m: float
    edge_p90_m: float
    outside_beyond_m2: float
    uncovered_beyond_m2: float


def check_coverage(polygons: gpd.GeoSeries, *, within: gpd.GeoSeries | None = None) -> CoverageReport:
    """Overlaps and gaps between polygons.

    Parameters
    ----------
    polygons
        Valid polygons in any CRS; the index holds their keys (unique).
    within
        Polygons, in any CRS, that the coverage should fill. A hole with most of its area elsewhere
        (a foreign enclave) is then not a gap. Without it every hole of the union is one.

    Raises
    ------
    CRSError
        If a series has no CRS.
    ValueError
        If a key occurs twice or a polygon is missing or invalid: check that first.
    """
    if polygons.crs is None:
        raise CRSError("the polygons have no CRS; set it with set_crs().")
    if not polygons.index.is_unique or polygons.isna().any() or not polygons.is_valid.all():
        raise ValueError("coverage needs valid polygons with unique keys")
    shapes: NDArray[np.object_] = polygons.to_numpy()
    clean = bool(shapely.coverage_is_valid(shapes))
    union = shapely.coverage_union_all(shapes) if clean else shapely.union_all(shapes)
    overlaps = _overlaps(polygons, shapes, skip=clean)
    return CoverageReport(overlaps, _gaps(polygons, union, within))


def check_nesting(
    children: gpd.GeoDataFrame,
    parents: gpd.GeoDataFrame,
    *,
    parent_column: str = "parent",
    edge_tolerance_m: float = EDGE_TOLERANCE_M,
) -> tuple[Nesting, ...]:
    """How far the children of each parent reach beyond it, and what of the parent they leave open.

    Parameters
    ----------
    children
        EPSG:4490, with the column `parent_column` holding a key of `parents`.
    parents
        EPSG:4490, the index holds the keys. Parents without children are left out.
    edge_tolerance_m
        How far the two outlines may differ, in metres; what differs by more is also counted apart.

    Returns
    -------
    tuple of Nesting
        One for each parent that has children, sorted by key.

    Raises
    ------
    CRSError
        If a frame is not in EPSG:4490.
    KeyError
        If a child names a parent that is not there.
    """
    require_crs(children, STORAGE)
    require_crs(parents, STORAGE)
    found = []
    for key, group in children.groupby(parent_column, sort=True):
        parent = parents.geometry.loc[key]
        union = shapely.union_all(group.geometry.to_numpy())
        outside, uncovered = shapely.difference(union, parent), shapely.difference(parent, union)
        areas = area_m2(gpd.GeoSeries([outside, uncovered, parent], crs=STORAGE))
        edges = _beyond(union, parent, edge_tolerance_m)
        found.append(Nesting(key, float(areas[0]), float(areas[1]), float(areas[2]), *edges))
    return tuple(found)


def _overlaps(polygons: gpd.GeoSeries, shapes: NDArray[np.object_], *, skip: bool) -> gpd.GeoDataFrame:
    keys = polygons.index.to_numpy()
    pairs = np.empty((2, 0), dtype=np.intp)
    if not skip:
        pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects")
        pairs = pairs[:, pairs[0] < pairs[1]]
    common = np.array([_areal(g) for g in shapely.intersection(shapes[pairs[0]], shapes[pairs[1]])], dtype=object)
    left, right = keys[pairs[0]], keys[pairs[1]]
    swap = left > right
    columns = {"left": np.where(swap, right, left), "right": np.where(swap, left, right)}
    return _largest_first(gpd.GeoDataFrame(columns, geometry=list(common), crs=polygons.crs))


def _gaps(polygons: gpd.GeoSeries, union: BaseGeometry, within: gpd.GeoSeries | None) -> gpd.GeoDataFrame:
    parts = shapely.get_parts(union)
    rings = [shapely.Polygon(ring) for part in parts if isinstance(part, shapely.Polygon) for ring in part.interiors]
    # A part of the coverage may lie within a hole of another part.
    holes = [_areal(shapely.difference(ring, union)) for ring in rings]
    frame = gpd.GeoDataFrame({"beside": [()] * len(holes)}, geometry=holes, crs=polygons.crs)
    frame = _largest_first(frame)
    if within is not None and len(frame):
        target = shapely.union_all(within.to_crs(polygons.crs).to_numpy())
        inside = gpd.GeoSeries([_areal(shapely.intersection(h, target)) for h in frame.geometry], crs=polygons.crs)
        frame = frame[area_m2(inside) >= _LEAST_INSIDE * frame["area_m2"].to_numpy()].reset_index(drop=True)
    keys = polygons.index.to_numpy()
    tree = shapely.STRtree(polygons.to_numpy())
    touching = [tuple(sorted(keys[tree.query(hole, predicate="intersects")])) for hole in frame.geometry]
    frame["beside"] = pd.Series(touching, index=frame.index, dtype=object)
    return frame


def _areal(geometry: BaseGeometry) -> BaseGeometry:
    """The polygons of a geometry; touching edges and points have no area and are dropped."""
    if geometry.geom_type in _AREAL:
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]))


def _largest_first(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """`frame` with ``area_m2`` before the geometry, without noise, largest first."""
    areas = area_m2(frame.geometry) if len(frame) else np.empty(0)
    frame.insert(frame.columns.get_loc("geometry"), "area_m2", areas)
    kept = frame[frame["area_m2"] >= NOISE_M2]
    keys = [name for name in ("left", "right") if name in kept]
    return kept.sort_values(["area_m2", *keys], ascending=[False] + [True] * len(keys), ignore_index=True)


def _beyond(union: BaseGeometry, parent: BaseGeometry, tolerance_m: float) -> tuple[float, float, float, float]:
    """How far the outline of `union` lies outside `parent`, and the areas beyond the tolerance.

    Returns the largest distance and the 90th percentile in metres, over vertices at most `STEP_M` apart
    that lie outside (0 where there are none); then square metres of `union` and of `parent` that are farther
    than the tolerance from the other one. In an equal-area projection around the parent.
    """
    centre = parent.centroid
    local = f"+proj=laea +lat_0={centre.y} +lon_0={centre.x} +ellps=GRS80 +units=m"
    project = Transformer.from_crs(STORAGE, local, always_xy=True)
    # Edges are straight in degrees: vertices first, then the projection.
    dense = shapely.segmentize([union, parent], STEP_M / 111_320.0)
    ours, theirs = shapely.transform(dense, lambda xy: np.column_stack(project.transform(xy[:, 0], xy[:, 1])))
    shapely.prepare(theirs)
    vertices = shapely.points(shapely.get_coordinates(ours))
    distances = shapely.distance(vertices, theirs)
    distances = distances[distances > 0.0]
    farthest, p90 = (float(distances.max()), float(np.quantile(distances, 0.9))) if len(distances) else (0.0, 0.0)
    outside = shapely.area(shapely.difference(ours, shapely.buffer(theirs, tolerance_m)))
    uncovered = shapely.area(shapely.difference(theirs, shapely.buffer(ours, tolerance_m)))
    return farthest, p90, float(outside), float(uncovered)
