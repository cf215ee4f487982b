"""Gaps, overlaps and nesting are found with their areas, and sound partitions pass."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoplan.boundaries.coverage import check_coverage, check_nesting
from geoplan.crs import area_m2
from geoplan.errors import CRSError

COUNTY = shapely.box(112.0, 37.0, 112.6, 37.4)


def series(shapes: list[shapely.Geometry], crs: str = "EPSG:4490") -> gpd.GeoSeries:
    return gpd.GeoSeries(shapes, index=range(1, len(shapes) + 1), crs=crs)


def square_m2(shape: shapely.Geometry) -> float:
    return float(area_m2(gpd.GeoSeries([shape], crs="EPSG:4490"))[0])


def partition(seeds: list[tuple[float, float]]) -> list[shapely.Geometry]:
    """Cells of the county around seeds, with common vertices."""
    points = shapely.MultiPoint([(112.0 + 0.6 * x, 37.0 + 0.4 * y) for x, y in seeds])
    lines = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=COUNTY, only_edges=True))
    noded = shapely.union_all([*lines, COUNTY.exterior])
    faces = shapely.get_parts(shapely.polygonize([noded]))
    return [face for face in faces if COUNTY.buffer(1e-9).contains(face) and square_m2(face) > 1.0]


seeds = st.lists(
    st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)).map(lambda p: (round(p[0], 3), round(p[1], 3))),
    min_size=5,
    max_size=25,
    unique=True,
)


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_random_partition_has_neither_gap_nor_overlap(points: list[tuple[float, float]]) -> None:
    report = check_coverage(series(partition(points)))
    assert report.gap_m2 == 0.0
    assert report.overlap_m2 < 1.0
    assert not (report.overlaps["area_m2"] > 1.0).any()


@settings(max_examples=40, deadline=None)
@given(seeds, st.integers(0, 100))
def test_removed_inner_cell_is_found_with_its_area(points: list[tuple[float, float]], pick: int) -> None:
    cells = partition(points)
    inner = [n for n, cell in enumerate(cells) if not cell.touches(COUNTY.exterior) and COUNTY.contains_properly(cell)]
    if not inner:
        return
    removed = cells.pop(inner[pick % len(inner)])
    report = check_coverage(series(cells))
    assert len(report.gaps) == 1
    assert report.gap_m2 == pytest.approx(square_m2(removed), rel=1e-6, abs=1.0)


@settings(max_examples=30, deadline=None)
@given(seeds, st.integers(0, 100))
def test_repeated_cell_overlaps_by_its_area(points: list[tuple[float, float]], pick: int) -> None:
    cells = partition(points)
    twice = cells[pick % len(cells)]
    report = check_coverage(series([*cells, twice]))
    assert report.overlaps.iloc[0]["area_m2"] == pytest.approx(square_m2(twice), rel=1e-6)
    assert report.overlaps.iloc[0]["right"] == len(cells) + 1


def test_overlap_and_gap_name_their_neighbours() -> None:
    left, right = shapely.box(0, 30, 1.01, 31), shapely.box(1, 30, 2, 31)
    report = check_coverage(series([left, right]))
    assert report.overlaps[["left", "right"]].to_numpy().tolist() == [[1, 2]]
    assert report.overlap_m2 == pytest.approx(square_m2(shapely.box(1, 30, 1.01, 31)))
    ring = COUNTY.difference(shapely.box(112.2, 37.1, 112.3, 37.2))
    west, east = (
        ring.intersection(shapely.box(112, 37, 112.25, 38)),
        ring.intersection(shapely.box(112.25, 37, 113, 38)),
    )
    report = check_coverage(series([west, east]))
    assert list(report.gaps["beside"]) == [(1, 2)]


def test_hole_of_somebody_else_is_no_gap() -> None:
    enclave = shapely.box(112.2, 37.1, 112.3, 37.2)
    ring = COUNTY.difference(enclave)
    assert len(check_coverage(series([ring])).gaps) == 1
    within = gpd.GeoSeries([COUNTY.difference(enclave.buffer(0.001))], crs="EPSG:4490")
    assert check_coverage(series([ring]), within=within).gap_m2 == 0.0
    filled = gpd.GeoSeries([COUNTY], crs="EPSG:4490")
    assert check_coverage(series([ring]), within=filled).gap_m2 == pytest.approx(square_m2(enclave))


def test_cell_within_the_hole_of_another_fills_it() -> None:
    enclave = shapely.box(112.2, 37.1, 112.3, 37.2)
    report = check_coverage(series([COUNTY.difference(enclave), enclave]))
    assert report.gaps.empty
    smaller = enclave.buffer(-0.01)
    report = check_coverage(series([COUNTY.difference(enclave), smaller]))
    assert report.gap_m2 == pytest.approx(square_m2(enclave) - square_m2(smaller))


def test_edges_are_straight_in_the_system_of_the_file() -> None:
    """Neighbours that share an edge with different vertices fit in their zone, and gape in degrees."""
    left = shapely.box(500_000, 4_100_000, 520_000, 4_130_000)
    right = shapely.Polygon(
        [(520_000, 4_100_000), (540_000, 4_100_000), (540_000, 4_130_000), (520_000, 4_130_000), (520_000, 4_111_111)]
    )
    top = shapely.box(500_000, 4_130_000, 540_000, 4_140_000)
    zone = series([left, right, top], "EPSG:4547")
    report = check_coverage(zone)
    assert report.overlap_m2 == report.gap_m2 == 0.0
    degrees = check_coverage(zone.to_crs("EPSG:4490"))
    assert degrees.overlap_m2 + degrees.gap_m2 > 100.0


def test_unfit_input_is_refused() -> None:
    bow = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    with pytest.raises(ValueError, match="valid polygons"):
        check_coverage(series([bow]))
    with pytest.raises(CRSError):
        check_coverage(gpd.GeoSeries([COUNTY]))
    twice = gpd.GeoSeries([COUNTY, COUNTY], index=[1, 1], crs="EPSG:4490")
    with pytest.raises(ValueError, match="unique keys"):
        check_coverage(twice)


def nesting(children: list[shapely.Geometry], **options: float):  # noqa: ANN201 (one Nesting)
    frame = gpd.GeoDataFrame({"parent": ["140321"] * len(children)}, geometry=children, crs="EPSG:4490")
    parents = gpd.GeoDataFrame(geometry=gpd.GeoSeries([COUNTY], index=["140321"], crs="EPSG:4490"))
    (found,) = check_nesting(frame, parents, **options)
    return found


def test_exact_children_nest_exactly() -> None:
    west, east = shapely.box(112, 37, 112.3, 37.4), shapely.box(112.3, 37, 112.6, 37.4)
    found = nesting([west, east])
    assert (found.outside_m2, found.uncovered_m2) == pytest.approx((0.0, 0.0), abs=0.1)
    assert (found.outside_max_m, found.edge_p90_m) == pytest.approx((0.0, 0.0), abs=0.1)
    assert found.area_m2 == pytest.approx(square_m2(COUNTY))


def test_child_beyond_the_parent_is_measured() -> None:
    degree = np.cos(np.radians(37.2)) * 111_320
    child = shapely.box(112.0, 37.0, 112.65, 37.4)
    found = nesting([child])
    assert found.outside_m2 == pytest.approx(square_m2(shapely.box(112.6, 37.0, 112.65, 37.4)))
    assert found.outside_max_m == pytest.approx(0.05 * degree, rel=0.01)
    beyond = square_m2(shapely.box(112.6 + 3000 / degree, 37.0, 112.65, 37.4))
    assert found.outside_beyond_m2 == pytest.approx(beyond, rel=0.02)
    assert nesting([child], edge_tolerance_m=5000).outside_beyond_m2 == 0.0


def test_open_part_of_the_parent_is_measured() -> None:
    found = nesting([shapely.box(112.0, 37.0, 112.5, 37.4)])
    assert found.outside_m2 == pytest.approx(0.0, abs=0.1)
    assert found.uncovered_m2 == pytest.approx(square_m2(shapely.box(112.5, 37.0, 112.6, 37.4)))
    assert 0 < found.uncovered_beyond_m2 < found.uncovered_m2
