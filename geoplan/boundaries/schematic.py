"""A schematic partition of a county among its townships, for drawing where no boundary is known.

The cells are the Voronoi cells of one seed a township: its anchor where a point is known, else a seed spread
evenly over the rest of the county. They nest exactly in the county, are the same on every run, and say nothing
about where a township really lies: their source is always ``schematic``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geoplan.boundaries.polygons import COLUMNS
from geoplan.crs import STORAGE
from geoplan.terms import GeometrySource, Level

_RELAXATIONS = 12
_SAMPLES_PER_CELL = 60
_ON_OUTLINE = 1e-11  # degrees: a micrometre, far above rounding and far below any real edge

Points = NDArray[np.float64]


def partition_counties(
    counties: gpd.GeoDataFrame, townships: pd.DataFrame, anchors: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """One schematic cell for every township of `counties`.

    Parameters
    ----------
    counties
        ``code`` and polygons, EPSG:4490.
    townships
        ``code, name, parent, as_of`` of the townships to draw.
    anchors
        ``code`` and point of the townships whose place is known, EPSG:4490.

    Returns
    -------
    GeoDataFrame
        `COLUMNS` and ``anchored``, sorted by code, EPSG:4490. The cells of a county are a coverage whose union
        is the county; an anchor lies in its own cell.
    """
    shapes = counties.set_index("code").geometry
    points = anchors.set_index("code").geometry
    parts = []
    for county, group in townships.sort_values("code").groupby("parent", sort=True):
        if county not in shapes.index:
            continue
        known = {code: (points[code].x, points[code].y) for code in group["code"] if code in points.index}
        cells = partition(shapes[county], list(group["code"]), known)
        part = gpd.GeoDataFrame(group[["code", "name", "parent", "as_of"]], geometry=cells, crs=STORAGE)
        parts.append(part.assign(anchored=part["code"].isin(list(known))))
    if not parts:
        return gpd.GeoDataFrame(columns=[*COLUMNS, "anchored"], geometry="geometry", crs=STORAGE)
    frame = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=STORAGE)
    frame["level"], frame["geometry_source"] = Level.TOWNSHIP.value, GeometrySource.SCHEMATIC.value
    frame["source"], frame["datum"] = "schematic", "CGCS2000"
    return frame[[*COLUMNS, "anchored"]]


def partition(shape: BaseGeometry, codes: list[str], known: dict[str, tuple[float, float]]) -> list[BaseGeometry]:
    """Cells of `shape` for `codes`, in their order; all coordinates in longitude/latitude degrees.

    Every cell is what is nearer to its seed than to any other, cut by `shape`; a piece that the outline cuts off
    from its seed goes to the neighbour it shares most edge with, so a cell is in one piece wherever the county is.
    Cells meet the outline at its own vertices, so that they fill it in every projection.
    """
    if len(codes) == 1:
        return [_polygonal(shape)]
    # Longitudes shrunk by the cosine of the latitude make degrees locally comparable; the map is affine, so the
    # outline's edges stay straight.
    _, south, _, north = shape.bounds
    scale = np.array([np.cos(np.radians((south + north) / 2)), 1.0])
    flat = shapely.transform(shape, lambda xy: xy * scale)
    fixed = {code: np.multiply(point, scale) for code, point in known.items()}
    # Moving the ends of cell edges to the outline's vertices can fold a narrow cell; then other ends, and after
    # them another spread of the free seeds, are tried. Where none serves, the ends stay where they are.
    for relaxations in range(_RELAXATIONS, 0, -1):
        seeds = _seeds(flat, codes, fixed, relaxations)
        cells = _cut(shape, seeds, scale)
        inside = shapely.points(seeds / scale)
        for snapped in _snapped_to_vertices(cells, shape):
            if _is_partition(snapped, shape, inside):
                return [_polygonal(cell) for cell in snapped]
    return [_polygonal(cell) for cell in cells]


def _cut(shape: BaseGeometry, seeds: Points, scale: Points) -> list[BaseGeometry]:
    """Voronoi cells of `seeds` within `shape`; `shape` in degrees, `seeds` in scaled degrees."""
    reach = shapely.box(*shape.bounds).buffer(0.5)
    reach = shapely.transform(reach, lambda xy: xy * scale)
    diagram = shapely.voronoi_polygons(shapely.multipoints(seeds), extend_to=reach, only_edges=True)
    # Noding outline and diagram together gives neighbours the very same vertices.
    edges = shapely.transform(diagram, lambda xy: xy / scale)
    lines = shapely.union_all(np.array([shape.boundary, edges]))
    faces = [face for face in shapely.get_parts(shapely.polygonize([lines])) if shape.contains(face.point_on_surface())]
    insides = np.array([face.point_on_surface().coords[0] for face in faces])
    owner = np.argmin(_squared_distances(insides * scale, seeds), axis=1)
    owner = _attach_strays(faces, owner, np.asarray(shapely.points(seeds / scale)))
    groups = [[face for face, o in zip(faces, owner, strict=True) if o == i] for i in range(len(seeds))]
    return [shapely.coverage_union_all(group) for group in groups]


def _snapped_to_vertices(cells: list[BaseGeometry], shape: BaseGeometry) -> Iterator[list[BaseGeometry]]:
    """`cells` with every vertex that lies on an edge of the outline moved to an end of that edge.

    First to the nearer end, then with one, then with two of them moved to the farther end.
    """
    own = set(map(tuple, shapely.get_coordinates(shape)))
    vertices = np.unique(shapely.get_coordinates(cells), axis=0)
    added = np.array([xy for xy in vertices if tuple(xy) not in own]).reshape(-1, 2)
    added = added[shapely.distance(shapely.points(added), shape.boundary) < _ON_OUTLINE]
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(shape))]
    edges = np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings])
    edges = edges[shapely.STRtree(np.asarray(shapely.linestrings(edges))).nearest(shapely.points(added))]
    distance = np.hypot(*np.moveaxis(edges - added[:, None, :], -1, 0))
    near, far = distance.argmin(axis=1), distance.argmax(axis=1)
    flips = chain([()], combinations(range(len(added)), 1), combinations(range(len(added)), 2))
    for flipped in flips:
        end = near.copy()
        end[list(flipped)] = far[list(flipped)]
        moved = {tuple(xy): edge[i] for xy, edge, i in zip(added, edges, end, strict=True)}
        yield [_moved(cell, moved) for cell in cells]


def _moved(cell: BaseGeometry, moved: dict[tuple[float, ...], Points]) -> BaseGeometry:
    return shapely.transform(cell, lambda xys: np.array([moved.get(tuple(xy), xy) for xy in xys]))


def _is_partition(cells: list[BaseGeometry], shape: BaseGeometry, seeds: NDArray[np.object_]) -> bool:
    return bool(
        shapely.is_valid(cells).all()
        and shapely.coverage_is_valid(np.array(cells))
        and shapely.contains(cells, seeds).all()
        and shapely.coverage_union_all(cells).equals(shape)
    )


def _seeds(shape: BaseGeometry, codes: list[str], known: dict[str, Points], relaxations: int) -> Points:
    """One point inside `shape` a code: known points stay, the others are spread by Lloyd's relaxation."""
    samples = _grid(shape, len(codes) * _SAMPLES_PER_CELL)
    fixed = np.array([code in known for code in codes])
    free = np.flatnonzero(~fixed)
    seeds = np.array([known.get(code, (np.nan, np.nan)) for code in codes], dtype=np.float64)
    if len(free) == len(codes):
        middle = np.argmin(_squared_distances(samples, samples.mean(axis=0)[None]).ravel())
        seeds[free[0]], free = samples[middle], free[1:]
    taken = seeds[~np.isnan(seeds[:, 0])]
    nearest = _squared_distances(samples, taken).min(axis=1)
    for i in free:
        farthest = int(np.argmax(nearest))
        seeds[i] = samples[farthest]
        nearest = np.minimum(nearest, _squared_distances(samples, seeds[[i]]).ravel())
    for _ in range(relaxations):
        owner = np.argmin(_squared_distances(samples, seeds), axis=1)
        for i in np.flatnonzero(~fixed):
            mine = samples[owner == i]
            if len(mine):
                # The sample next to the centre, not the centre: a concave county may not contain that.
                centre = mine.mean(axis=0)[None]
                seeds[i] = mine[np.argmin(_squared_distances(mine, centre).ravel())]
    return seeds


def _grid(shape: BaseGeometry, count: int) -> Points:
    """About `count` points of a square grid inside `shape`, never fewer than a quarter of it."""
    west, south, east, north = shape.bounds
    step = float(np.sqrt(shape.area / count))
    while True:
        x, y = np.meshgrid(np.arange(west + step / 2, east, step), np.arange(south + step / 2, north, step))
        points: Points = np.column_stack([x.ravel(), y.ravel()])
        points = points[shapely.contains_xy(shape, points[:, 0], points[:, 1])]
        if len(points) >= count / 4:
            return points
        step /= 2


def _squared_distances(a: Points, b: Points) -> Points:
    difference = a[:, None, :] - b[None, :, :]
    distances: Points = np.einsum("ijk,ijk->ij", difference, difference)
    return distances


def _attach_strays(faces: list[Polygon], owner: NDArray[np.intp], seeds: NDArray[np.object_]) -> NDArray[np.intp]:
    """Give pieces that the outline cuts off from their seed to the neighbour with the longest common edge."""
    settled = np.array([bool(face.intersects(seeds[o])) for face, o in zip(faces, owner, strict=True)])
    owner = owner.copy()
    tree = shapely.STRtree(faces)
    changed = True
    while changed and not settled.all():
        changed = False
        for i in np.flatnonzero(~settled):
            near = [int(j) for j in tree.query(faces[i], predicate="intersects") if j != i and settled[j]]
            lengths = [faces[i].intersection(faces[j]).length for j in near]
            if near and max(lengths) > 0:
                owner[i] = owner[near[int(np.argmax(lengths))]]
                settled[i] = changed = True
    return owner  # An exclave that touches nothing stays with the seed it is nearest to.


def _polygonal(cell: BaseGeometry) -> MultiPolygon:
    return cell if isinstance(cell, MultiPolygon) else MultiPolygon(list(shapely.get_parts(cell)))
