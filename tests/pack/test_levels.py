from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack import dissolve, simplify, statistics
from geoplan.pack.assemble import memory_part
from geoplan.pack.levels import DISSOLVED_ID, LevelRule, build_levels
from geoplan.pack.mercator import from_mercator
from geoplan.pack.outlines import count_corners, label, trace
from geoplan.pack.part import Geometry, Part
from geoplan.pack.validity import repair, zoom_mask

Shapes = NDArray[np.object_]
WEST, NORTH = 1_330_000_000, -450_000_000  # somewhere in Shanxi, on the grid


def coverage(side: int, steps: int, size: int, seed: int) -> Shapes:
    """side x side polygons in degrees that meet in jittered edges of `steps` segments; `size` in grid units."""
    rng = np.random.default_rng(seed)
    n = side * steps + 1
    nodes = np.stack(np.meshgrid(np.arange(n), np.arange(n)), -1) * (size / steps)
    nodes += rng.normal(0, size / steps / 8, nodes.shape)
    degrees = from_mercator((nodes + np.array([WEST, NORTH])).round().astype(np.int64).reshape(-1, 2)).reshape(n, n, 2)
    path = [(0, k) for k in range(steps)] + [(k, steps) for k in range(steps)]
    path += [(steps, steps - k) for k in range(steps)] + [(steps - k, 0) for k in range(steps)]
    corners = [(steps * j, steps * i) for j in range(side) for i in range(side)]
    rings = [[degrees[j + y, i + x] for y, x in [*path, path[0]]] for j, i in corners]
    return np.asarray(shapely.polygons(np.array(rings)), dtype=object)


def parcels(side: int, size: int, seed: int, *, classes: int = 3) -> Part:
    rng = np.random.default_rng(seed)
    shapes = coverage(side, 3, size, seed)
    n = len(shapes)
    zones = np.array([f"zone {k}" for k in range(classes)])[rng.integers(0, classes, n)]
    table = pa.table(
        {
            "number": [f"P{k}" for k in range(n)],
            "zone": zones,
            "county": ["one"] * n,
            "floors": rng.integers(1, 40, n),
            "price": pa.array(rng.lognormal(6, 1, n), mask=rng.random(n) < 0.1),
        }
    )
    return memory_part(table, shapes)


def on_grid(geometry: Geometry) -> Shapes:
    offsets = (geometry.vertices, geometry.rings, geometry.members)
    shapes: Shapes = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, geometry.mercator.astype(float), offsets
    )
    return shapes


def values(part: Part, name: str) -> list[Any]:
    column = part.column(name)
    if column.codes is None:
        return list(column.values.to_pylist())
    listed = [*column.values.to_pylist(), None]
    return [listed[code] for code in column.codes]


def cell_at(zoom: int) -> int:
    """A pixel of a 512-pixel tile, in grid units."""
    return 8 << (20 - zoom)


def test_there_is_no_level_for_what_is_light_enough_nor_for_points() -> None:
    assert list(build_levels(parcels(5, 30_000, 1))) == []
    points = memory_part({"a": [1, 2]}, shapely.points([[112.0, 37.0], [112.5, 37.5]]))
    assert list(build_levels(points, LevelRule(max_zoom=9))) == []
    assert list(build_levels(memory_part({"a": pa.array([], pa.int64())}, []))) == []


@settings(max_examples=25)
@given(st.integers(2, 14), st.integers(2_000, 90_000), st.integers(0, 99), st.integers(1, 5), st.integers(6, 9))
def test_dissolved_levels_leave_no_gap_and_keep_every_sum(
    side: int, size: int, seed: int, classes: int, top: int
) -> None:
    part = parcels(side, size, seed, classes=classes)
    rule = LevelRule(max_zoom=top, dissolve=("zone",), statistics={"floors": "sum", "price": "sum"})
    source = shapely.union_all(on_grid(part.geometry))
    zooms: list[int] = []
    for _, level in build_levels(part, rule):
        zooms += range(level.min_zoom, level.max_zoom + 1)
        shapes = on_grid(level.geometry)
        assert shapely.is_valid(shapes).all()
        assert not shapely.is_empty(shapes).any()
        whole = shapely.union_all(shapes)
        assert shapely.area(whole) == pytest.approx(shapely.area(shapes).sum(), rel=1e-12)
        # No cell is further from the source than itself, and nothing further inside than that is uncovered.
        reach = 1.5 * math.sqrt(2) * cell_at(level.max_zoom)
        assert shapely.area(shapely.difference(shapely.buffer(source, -reach), whole)) == 0
        assert shapely.area(shapely.difference(whole, shapely.buffer(source, reach))) == 0
        assert sum(values(level, "count")) == len(part)
        assert sum(v for v in values(level, "floors_sum") if v is not None) == sum(values(part, "floors"))
        prices = [v for v in values(level, "price_sum") if v is not None]
        assert math.fsum(prices) == pytest.approx(
            math.fsum(v for v in values(part, "price") if v is not None), rel=1e-12
        )
    assert sorted(zooms) == list(range(top + 1))


def test_shapes_carry_their_class_and_what_their_parcels_have_in_common() -> None:
    part = parcels(12, 90_000, 4)
    notes: dict[str, Any] = {}
    rule = LevelRule(max_zoom=9, statistics={"price": "max", "number": "count", "floors": "min"})
    (name, level), *_ = build_levels(part, rule, notes=notes)
    # Parcels of several cells: each is drawn as itself or with neighbours of its class.
    assert notes[name]["by"] == ["zone"]
    assert notes[name]["not_in_level"] == []
    assert sum(values(level, "number_count")) == len(part)
    assert set(values(level, "county")) <= {"one", None}
    assert min(values(level, "share")) == 1.0
    assert level.ids.min() == DISSOLVED_ID
    by_class = Counter(values(part, "zone"))
    found: Counter[str] = Counter()
    for zone, count in zip(values(level, "zone"), values(level, "count"), strict=True):
        found[zone] += count
    assert found == by_class
    prices = [v for v in values(part, "price") if v is not None]
    assert max(v for v in values(level, "price_max") if v is not None) == max(prices)
    assert min(v for v in values(level, "floors_min") if v is not None) == min(values(part, "floors"))
    # Each shape has the class of the parcels it covers.
    parcels_there, zones = on_grid(part.geometry), np.array(values(part, "zone"))
    for shape, zone in zip(on_grid(level.geometry), values(level, "zone"), strict=True):
        same = shapely.union_all(parcels_there[zones == zone])
        assert shapely.area(shapely.intersection(shape, same)) > 0.5 * shapely.area(shape)


def test_columns_without_anything_in_common_are_named() -> None:
    notes: dict[str, Any] = {}
    levels = list(build_levels(parcels(20, 9_000, 4, classes=1), LevelRule(max_zoom=7), notes=notes))
    assert [notes[name]["not_in_level"] for name, _ in levels] == [["number"]] * len(levels)
    for _, level in levels:
        assert [c.name for c in level.columns if c.in_tiles] == ["count", "zone", "county"]
        assert "floors_mean" in {c.name for c in level.columns}


def test_names_of_the_source_are_not_taken() -> None:
    part = memory_part({"count": ["a", "b"], "share": [1, 2]}, coverage(2, 3, 9_000, 1)[:2])
    notes: dict[str, Any] = {}
    ((name, level),) = build_levels(part, LevelRule(max_zoom=8, dissolve=("count",)), notes=notes)
    assert notes[name]["count"] == "count_"
    assert {"count", "count_", "share_", "share_mean"} == {c.name for c in level.columns}


def test_two_columns_that_belong_together_are_both_kept() -> None:
    shapes = coverage(20, 3, 9_000, 2)
    column = np.arange(400) % 20 // 5
    rng = np.random.default_rng(0)
    table = {"code": [f"{c}" for c in column], "name": [f"name {c}" for c in column]}
    part = memory_part(table | {"noise": rng.choice(["x", "y", "z"], 400)}, shapes)
    notes: dict[str, Any] = {}
    list(build_levels(part, LevelRule(max_zoom=8), notes=notes))
    assert all(note["by"] == ["code", "name"] for note in notes.values())


def test_a_small_budget_makes_coarser_cells_and_loses_nothing() -> None:
    part = parcels(40, 20_000, 8)
    sizes = []
    for budget in (300_000, 3_000, 300):
        (_, level), *_ = build_levels(part, LevelRule(max_zoom=9, tile_bytes=budget))
        sizes.append(len(level))
        assert sum(values(level, "count")) == len(part)
    assert sizes[0] > 2 * sizes[1] > 4 * sizes[2]


def test_the_automatic_rule_dissolves_where_complete_tiles_would_be_too_heavy() -> None:
    part = parcels(60, 400_000, 8)
    levels = [level for _, level in build_levels(part, LevelRule(tile_bytes=40_000))]
    assert levels
    top = max(level.max_zoom for level in levels)
    assert top < 9
    # A feature takes between 20 and 40 bytes.
    middles = part.tree.boxes[:, :2].astype(np.int64) + 2**31
    heaviest = [int(np.unique(middles >> (32 - z), axis=0, return_counts=True)[1].max()) for z in (top, top + 1)]
    assert heaviest[0] * 40 > 40_000
    assert heaviest[1] * 20 < 40_000
    assert sorted(z for level in levels for z in range(level.min_zoom, level.max_zoom + 1)) == list(range(top + 1))


def test_a_parcel_that_lies_alone_keeps_a_cell() -> None:
    shapes = np.concatenate([coverage(6, 3, 9_000, 3), [shapely.box(113.0, 37.0, 113.0001, 37.0001)]])
    part = memory_part({"zone": ["a"] * 36 + ["b"]}, shapes)
    for _, level in build_levels(part, LevelRule(max_zoom=9, dissolve=("zone",))):
        assert values(level, "zone").count("b") == 1
        assert sum(values(level, "count")) == 37


def test_a_wide_gap_stays_open_and_a_hole_too() -> None:
    cell = cell_at(9)
    shapes = coverage(9, 3, 2 * cell, 3)
    keep = np.ones(81, dtype=bool)
    keep[[30, 31, 32, 39, 40, 41, 48, 49, 50]] = False
    ((_, level), *_) = build_levels(memory_part({"zone": ["a"] * 72}, shapes[keep]), LevelRule(max_zoom=9, dissolve=()))
    whole = shapely.union_all(on_grid(level.geometry))
    gap = shapely.union_all(on_grid(memory_part({}, shapes[~keep]).geometry))
    assert shapely.area(shapely.intersection(whole, shapely.buffer(gap, -1.5 * cell))) == 0
    ring = shapely.difference(shapely.union_all(shapes[keep]), shapely.Point(0, 0))
    ((_, one), *_) = build_levels(memory_part({"zone": ["a"]}, [ring]), LevelRule(max_zoom=9, dissolve=()))
    assert shapely.area(shapely.union_all(on_grid(one.geometry))) == pytest.approx(shapely.area(whole), rel=0.1)


def test_a_polygon_over_several_tiles_is_counted_once() -> None:
    part = memory_part({"zone": ["a"], "floors": [7]}, [shapely.box(111.0, 36.0, 113.0, 38.0)])
    for _, level in build_levels(part, LevelRule(max_zoom=9, statistics={"floors": "sum"})):
        assert sum(values(level, "count")) == 1
        assert [v for v in values(level, "floors_sum") if v is not None] == [7]
        shapes = on_grid(level.geometry)
        assert shapely.area(shapes).sum() == pytest.approx(shapely.area(on_grid(part.geometry))[0], rel=0.1)


_grids = st.integers(1, 9).flatmap(
    lambda w: st.lists(st.lists(st.integers(-1, 2), min_size=w, max_size=w), min_size=1, max_size=9)
)


@settings(max_examples=300)
@given(_grids)
def test_outlines_are_valid_and_cover_just_their_cells(rows: list[list[int]]) -> None:
    cells = np.array(rows, np.int32)
    labels, count = label(cells)
    outlines = trace(labels, count_corners(labels))
    corners, offsets, owner, shell = outlines
    rings = [corners[a:b] for a, b in pairwise(offsets)]
    assert Counter(owner[shell].tolist()) == dict.fromkeys(range(count), 1)
    for number in range(count):
        mine = [ring for ring, of in zip(rings, owner, strict=True) if of == number]
        outer = [bool(s) for s, of in zip(shell, owner, strict=True) if of == number]
        holes = [ring for ring, is_outer in zip(mine, outer, strict=True) if not is_outer]
        shape = shapely.Polygon(mine[outer.index(True)], holes)
        assert shapely.is_valid(shape)
        there = np.argwhere(labels == number)
        assert shapely.area(shape) == len(there)
        assert shapely.contains_xy(shape, there[:, 1] + 0.5, there[:, 0] + 0.5).all()
        assert len(np.unique(cells[labels == number])) == 1


def test_large_shapes_are_simplified_with_their_neighbours() -> None:
    shapes = coverage(5, 150, 2_000_000, 6)
    shapes = np.concatenate([shapes, shapes[:3]])  # three more features of the same shapes
    part = memory_part({"name": [f"{k}" for k in range(28)]}, shapes)
    notes: dict[str, Any] = {}
    levels = list(build_levels(part, notes=notes))
    assert {note["method"] for note in notes.values()} == {"simplified"}
    assert min(level.min_zoom for _, level in levels) == 0
    vertices = len(part.geometry.mercator)
    for _, level in levels:
        assert len(level.geometry.mercator) <= 0.75 * vertices
        vertices = len(level.geometry.mercator)
        assert (level.ids == part.ids).all()
        assert values(level, "name") == values(part, "name")
        simple = on_grid(level.geometry)
        names = values(level, "name")
        assert shapely.equals(simple[names.index("25")], simple[names.index("0")])
        once = simple[[int(name) < 25 for name in names]]
        assert shapely.is_valid(once).all()
        whole = shapely.union_all(once)
        unit = 1 << (20 - level.max_zoom)
        # Common edges are common still: neither overlaps nor gaps, but for repairs of less than a unit.
        slack = unit * shapely.length(once).sum() / 100
        assert abs(shapely.area(whole) - shapely.area(once).sum()) <= slack
        assert sum(shapely.area(shapely.Polygon(ring)) for ring in shapely.get_parts(whole)[0].interiors) <= slack
        source = shapely.union_all(on_grid(part.geometry))
        assert shapely.hausdorff_distance(shapely.boundary(source), shapely.boundary(whole)) < 16 * unit
        assert (
            zoom_mask(level.geometry, range(level.max_zoom, level.max_zoom + 1)) >> np.uint32(level.max_zoom) & 1
        ).all()


def test_a_heavy_shape_without_neighbours_is_thinned_first(monkeypatch: pytest.MonkeyPatch) -> None:
    lone = shapely.Point(115, 37).buffer(0.3, quad_segs=9000)
    pair = [shapely.Point(112 + k / 10, 37).buffer(0.3, quad_segs=9000) for k in range(2)]
    part = memory_part({"a": [1, 2, 3]}, np.array([lone, *pair], object))
    thinned: list[int] = []

    def seen(geometry: Geometry, *rest: Any) -> Any:
        if len(geometry.kinds) == 1:
            thinned.append(len(geometry.mercator))
        return repair(geometry, *rest)

    monkeypatch.setattr(simplify, "repair", seen)
    levels = [level for _, level in build_levels(part)]
    # The two that meet must go on meeting: they are simplified as they are.
    assert thinned == [36_001]
    assert min(level.min_zoom for level in levels) == 0
    for level in levels:
        assert shapely.is_valid(on_grid(level.geometry)).all()
        assert len(level.geometry.mercator) < 6000
        assert shapely.area(on_grid(level.geometry)) == pytest.approx(shapely.area(on_grid(part.geometry)), rel=0.1)


def test_one_heavy_shape_among_many_small_ones_has_levels() -> None:
    small = coverage(45, 1, 40_000, 3)
    for quads, expected in ((9000, True), (5000, False)):
        heavy = shapely.Point(116, 37).buffer(0.3, quad_segs=quads)
        part = memory_part({"a": list(range(2026))}, np.array([*small, heavy], object))
        levels = [level for _, level in build_levels(part)]
        assert bool(levels) == expected
        assert all(len(level.geometry.mercator) < 0.5 * len(part.geometry.mercator) for level in levels)


def test_levels_do_not_depend_on_how_the_rows_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    part = parcels(30, 30_000, 5)
    rule = LevelRule(max_zoom=9, dissolve=("zone",), statistics={"floors": "sum", "price": "max", "number": "count"})
    whole = list(build_levels(part, rule))
    monkeypatch.setattr(dissolve, "_VERTICES", 40)
    monkeypatch.setattr(dissolve, "_ROWS", 7)
    monkeypatch.setattr(statistics, "_BLOCK", 11)
    pieces = list(build_levels(part, rule))
    for (name, level), (same, other) in zip(whole, pieces, strict=True):
        assert name == same
        assert np.array_equal(level.geometry.mercator, other.geometry.mercator)
        assert [values(level, column.name) for column in level.columns] == [
            values(other, column.name) for column in other.columns
        ]


def test_shapes_that_overlap_are_simplified_one_by_one() -> None:
    shapes = np.array([shapely.Point(112 + k / 10, 37).buffer(0.3, quad_segs=1000) for k in range(3)])
    levels = list(build_levels(memory_part({"a": [1, 2, 3]}, shapes)))
    assert levels
    for _, level in levels:
        assert len(level.geometry.mercator) < 6000
        for simple, row in zip(on_grid(level.geometry), level.ids - 1, strict=True):
            area = shapely.area(on_grid(memory_part({}, shapes[[row]]).geometry))[0]
            assert shapely.area(simple) == pytest.approx(area, rel=0.1)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (LevelRule(dissolve=("colour",)), "no column 'colour'; there are county, floors"),
        (LevelRule(statistics={"height": "sum"}), "no column 'height'"),
        (LevelRule(statistics={"zone": "sum"}), "'zone' holds no numbers"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused(rule: LevelRule, message: str) -> None:
    with pytest.raises(PackError, match=message):
        list(build_levels(parcels(3, 9_000, 1), rule))
