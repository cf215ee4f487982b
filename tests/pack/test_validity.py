from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from geoplan.pack import validity
from geoplan.pack.geometry import shapes_of, to_geometry
from geoplan.pack.mercator import from_mercator, to_degree_units
from geoplan.pack.part import LINE, MULTI, NONE, POINT, POLYGON, Geometry
from geoplan.pack.validity import repair, zoom_mask

Ring = list[tuple[int, int]]
Member = list[Ring]

UNIT_14 = 64  # grid units in a tile unit at zoom 14


def _shoelace(ring: Ring) -> int:
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))


def _turned(ring: Ring, *, shell: bool) -> Ring:
    """The ring closed, counter-clockwise in degrees when it is a shell (y grows to the south here)."""
    closed = ring if ring[0] == ring[-1] else [*ring, ring[0]]
    return closed[::-1] if (_shoelace(closed) > 0) == shell else closed


def _geometry(features: list[list[Member]], *, kind: int = POLYGON) -> Geometry:
    members, rings, vertices, positions = [0], [0], [0], []
    for feature in features:
        for member in feature:
            for at, ring in enumerate(member):
                positions.extend(_turned(ring, shell=at == 0) if kind == POLYGON else ring)
                vertices.append(len(positions))
            rings.append(len(vertices) - 1)
        members.append(len(rings) - 1)
    kinds = [kind + MULTI * (len(feature) > 1) if feature else NONE for feature in features]
    mercator = np.array(positions, np.int32).reshape(-1, 2)
    nested = [np.array(array, np.int32) for array in (members, rings, vertices)]
    degrees = to_degree_units(from_mercator(mercator))
    return Geometry(np.array(kinds, np.uint8), nested[0], nested[1], nested[2], mercator, degrees)


def _ring_at(geometry: Geometry, ring: int, zoom: int) -> Ring:
    """A ring in units of a zoom, without repeated vertices: the definition, in plain integers."""
    shift = max(20 - zoom, 0)
    half = 1 << (shift - 1) if shift else 0
    points: Ring = []
    for x, y in geometry.mercator[geometry.vertices[ring] : geometry.vertices[ring + 1]].tolist():
        point = ((x + half) >> shift, (y + half) >> shift)
        if not points or points[-1] != point:
            points.append(point)
    return points


def _expected(geometry: Geometry, row: int, zoom: int) -> bool:
    members = []
    for member in range(geometry.members[row], geometry.members[row + 1]):
        rings = [_ring_at(geometry, ring, zoom) for ring in range(geometry.rings[member], geometry.rings[member + 1])]
        if any(len(ring) < 4 or _shoelace(ring) == 0 for ring in rings):
            return False
        if any((_shoelace(ring) < 0) != (at == 0) for at, ring in enumerate(rings)):
            return False
        members.append(shapely.Polygon(rings[0], rings[1:]))
    return bool(shapely.is_valid(shapely.MultiPolygon(members)))


def _shapes(geometry: Geometry) -> NDArray[np.object_]:
    offsets = (geometry.vertices, geometry.rings, geometry.members)
    shapes: NDArray[np.object_] = shapely.from_ragged_array(
        shapely.GeometryType.MULTIPOLYGON, geometry.mercator.astype(float), offsets
    )
    return shapes


def _at_14(*members: Member) -> Geometry:
    """One feature whose positions are given in units of zoom 14."""
    scaled = [[[(x * UNIT_14, y * UNIT_14) for x, y in ring] for ring in member] for member in members]
    return _geometry([scaled])


def _valid_at(geometry: Geometry, zoom: int) -> bool:
    return bool(zoom_mask(geometry, range(zoom, zoom + 1))[0] >> np.uint32(zoom) & 1)


SQUARE: Ring = [(0, 0), (40, 0), (40, 40), (0, 40)]


@pytest.mark.parametrize(
    ("name", "members", "valid"),
    [
        ("square", [[SQUARE]], True),
        ("square turned", [[[(20, 0), (40, 20), (20, 40), (0, 20)]]], True),
        ("bow-tie", [[[(0, 0), (40, 40), (40, 0), (0, 30)]]], False),
        ("spike out", [[[(0, 0), (40, 0), (60, 0), (40, 0), (40, 40), (0, 40)]]], False),
        ("spike in", [[[(0, 0), (40, 0), (40, 40), (20, 40), (20, 20), (20, 40), (0, 40)]]], False),
        ("vertex on a straight edge", [[[(0, 0), (20, 0), (40, 0), (40, 40), (0, 40)]]], True),
        ("touches itself in a vertex", [[[(0, 0), (20, 20), (40, 0), (40, 40), (20, 20), (0, 40)]]], False),
        ("touches itself on an edge", [[[(0, 0), (40, 0), (40, 40), (20, 0), (0, 40)]]], False),
        ("no area", [[[(0, 0), (20, 0), (40, 0)]]], False),
        ("two vertices", [[[(0, 0), (20, 0), (0, 0)]]], False),
        ("hole", [[SQUARE, [(10, 10), (20, 10), (20, 20)]]], True),
        ("hole touches in a point", [[SQUARE, [(0, 10), (20, 10), (20, 20)]]], True),
        ("hole touches in two points", [[SQUARE, [(0, 10), (20, 15), (40, 10), (20, 20)]]], False),
        ("hole shares an edge", [[SQUARE, [(0, 10), (20, 15), (0, 20)]]], False),
        ("hole outside", [[SQUARE, [(50, 50), (60, 50), (60, 60)]]], False),
        ("hole crosses", [[SQUARE, [(30, 10), (60, 10), (60, 20)]]], False),
        ("hole in hole", [[SQUARE, [(5, 5), (35, 5), (35, 35), (5, 35)], [(10, 10), (20, 10), (20, 20)]]], False),
        ("holes touch", [[SQUARE, [(5, 5), (15, 5), (15, 15)], [(15, 15), (25, 15), (25, 25)]]], True),
        ("members apart", [[SQUARE], [[(50, 0), (60, 0), (60, 10)]]], True),
        ("members touch in a point", [[SQUARE], [[(40, 40), (60, 40), (60, 60)]]], True),
        ("members share an edge", [[SQUARE], [[(40, 0), (60, 0), (60, 40), (40, 40)]]], False),
        ("members overlap", [[SQUARE], [[(30, 30), (60, 30), (60, 60)]]], False),
        ("member in member", [[SQUARE], [[(10, 10), (20, 10), (20, 20)]]], False),
        (
            "member in a hole",
            [[SQUARE, [(5, 5), (35, 5), (35, 35), (5, 35)]], [[(10, 10), (20, 10), (20, 20)]]],
            True,
        ),
    ],
)
def test_planted(name: str, members: list[Member], *, valid: bool) -> None:
    geometry = _at_14(*members)
    assert _expected(geometry, 0, 14) == valid, name
    assert _valid_at(geometry, 14) == valid
    assert _valid_at(geometry, 20) == valid


def test_sliver_collapses_only_where_the_unit_is_coarser() -> None:
    sliver = _at_14([[(0, 0), (400, 0), (400, 1), (0, 1)]])
    mask = zoom_mask(sliver, range(10, 23))[0]
    # One unit of zoom 14 is half a unit of zoom 13, which rounds up.
    assert [zoom for zoom in range(10, 23) if mask >> np.uint32(zoom) & 1] == list(range(13, 23))


def test_triangle_that_turns_over_when_rounded_counts_as_invalid() -> None:
    # A flat triangle whose tip (100, 31) rounds past the base it lies above.
    geometry = _geometry([[[[(0, 30), (200, 33), (90, 31)]]]])
    turned = [zoom for zoom in range(10, 21) if len(_ring_at(geometry, 0, zoom)) == 4]
    assert turned
    for zoom in range(10, 21):
        assert _valid_at(geometry, zoom) == _expected(geometry, 0, zoom)


def test_points_lines_and_missing_shapes() -> None:
    zooms = range(10, 21)
    assert zoom_mask(_geometry([[[[(5, 5)]]]], kind=POINT), zooms).tolist() == [0xFFFFFFFF]
    line = zoom_mask(_geometry([[[[(0, 0), (UNIT_14, 0)]]]], kind=LINE), zooms)[0]
    # One unit of zoom 14 is half a unit of zoom 13, which rounds up, and a quarter at zoom 12.
    assert [zoom for zoom in zooms if not line >> np.uint32(zoom) & 1] == [10, 11, 12]
    keys, repaired = repair(_geometry([[[[(0, 0), (UNIT_14, 0)]]]], kind=LINE), np.array([line]), zooms)
    assert keys.tolist() == [10, 11, 12]
    assert repaired.kinds.tolist() == [0, 0, 0]
    assert zoom_mask(_geometry([[]]), zooms).tolist() == [0xFFFFFFFF]


_point = st.tuples(st.integers(0, 7), st.integers(0, 7))
_ring = st.lists(_point, min_size=3, max_size=8)
_feature = st.lists(st.lists(_ring, min_size=1, max_size=3), min_size=1, max_size=3)


@settings(max_examples=400)
@given(st.lists(_feature, min_size=1, max_size=6), st.integers(0, 6))
def test_agrees_with_geos_on_small_grids(features: list[list[Member]], scale: int) -> None:
    geometry = _geometry([[[[(x << scale, y << scale) for x, y in r] for r in m] for m in f] for f in features])
    zooms = range(12, 21)
    mask = zoom_mask(geometry, zooms)
    for row in range(len(features)):
        for zoom in zooms:
            assert bool(mask[row] >> np.uint32(zoom) & 1) == _expected(geometry, row, zoom), (features[row], zoom)


@settings(max_examples=150)
@given(st.lists(_feature, min_size=1, max_size=6), st.integers(0, 6))
def test_repaired_shapes_are_valid_on_the_grid(features: list[list[Member]], scale: int) -> None:
    geometry = _geometry([[[[(x << scale, y << scale) for x, y in r] for r in m] for m in f] for f in features])
    zooms = range(13, 22)
    mask = zoom_mask(geometry, zooms)
    _check_repaired(geometry, mask, zooms)


def _check_repaired(geometry: Geometry, mask: NDArray[np.uint32], zooms: range) -> None:
    keys, repaired = repair(geometry, mask, zooms)
    unset = [(r << 5 | z) for r in range(len(mask)) for z in zooms if not mask[r] >> np.uint32(z) & 1]
    assert keys.tolist() == unset
    shapes = _shapes(repaired)
    assert shapely.is_valid(shapes).all()
    assert (shapely.is_empty(shapes) == (repaired.kinds == NONE)).all()
    owner = np.repeat(keys & np.uint64(31), np.diff(repaired.vertices[repaired.rings[repaired.members]]))
    units = 1 << np.maximum(20 - owner.astype(np.int64), 0)
    assert (repaired.mercator % units[:, None] == 0).all()
    # Rounding them again changes nothing, and they turn the right way round.
    for at, key in enumerate(keys.tolist()):
        assert repaired.kinds[at] == NONE or _expected(repaired, at, key & 31)


def _parcels(count: int, seed: int) -> Geometry:
    """Parcels of 12 jittered vertices that share their edges, 40 m across, some of them long and thin."""
    rng = np.random.default_rng(seed)
    side = round(count**0.5)
    step = np.array([600.0, 900.0])
    nodes = np.stack(np.meshgrid(np.arange(3 * side + 1), np.arange(3 * side + 1)), -1) * step
    nodes += rng.normal(0, 1, nodes.shape) * step / rng.choice([3, 8, 40], size=(*nodes.shape[:2], 1))
    grid = (nodes + np.array([5.1e8, -4.2e8])).round().astype(np.int64)
    a, b = (3 * v.ravel() for v in np.meshgrid(np.arange(side), np.arange(side)))
    path = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (3, 3), (3, 2), (3, 1), (3, 0), (2, 0), (1, 0), (0, 0)]
    rings = np.stack([grid[b + j, a + i] for i, j in path], axis=1)
    n = side * side
    one = np.arange(n + 1, dtype=np.int32)
    mercator = rings.reshape(-1, 2).astype(np.int32)
    return Geometry(
        np.full(n, POLYGON, np.uint8), one, one, one * 13, mercator, to_degree_units(from_mercator(mercator))
    )


def test_agrees_with_geos_on_many_parcels() -> None:
    geometry = _parcels(100_000, 11)
    zooms = range(8, 21)
    mask = zoom_mask(geometry, zooms)
    assert np.count_nonzero(mask >> np.uint32(20) & 1) < len(mask)
    for zoom in zooms:
        shift = 20 - zoom
        units = (geometry.mercator.astype(np.int64) + ((1 << shift) >> 1)) >> shift
        offsets = (geometry.vertices, geometry.rings)
        valid = shapely.is_valid(shapely.from_ragged_array(shapely.GeometryType.POLYGON, units.astype(float), offsets))
        x, y = units.reshape(-1, 13, 2)[..., 0], units.reshape(-1, 13, 2)[..., 1]
        doubled = (x[:, :-1] * y[:, 1:] - x[:, 1:] * y[:, :-1]).sum(axis=1)
        assert ((mask >> np.uint32(zoom) & 1).astype(bool) == (valid & (doubled < 0))).all(), zoom


def test_repaired_parcels_keep_their_area() -> None:
    geometry = _parcels(400, 5)
    zooms = range(9, 15)
    mask = zoom_mask(geometry, zooms)
    keys, repaired = repair(geometry, mask, zooms)
    assert len(keys) > 50
    _check_repaired(geometry, mask, zooms)
    rows, unit = (keys >> np.uint64(5)).astype(int), 2.0 ** (20 - (keys & np.uint64(31)).astype(int))
    originals = shapely.make_valid(_shapes(geometry)[rows], method="structure")
    changed = np.abs(shapely.area(_shapes(repaired)) - shapely.area(originals))
    assert (changed <= shapely.length(originals) * unit).all()


def test_long_rings_agree_with_geos() -> None:
    rng = np.random.default_rng(3)
    features: list[list[Member]] = []
    for wobble in (0.002, 0.02, 0.1):
        angle = np.linspace(0, 2 * np.pi, 3000, endpoint=False)
        radius = 200_000 * (1 + np.cumsum(rng.normal(0, wobble / 40, 3000)) + wobble * rng.random(3000))
        ring = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]).round().astype(int)
        features.append([[[(int(x), int(y)) for x, y in ring]]])
    geometry = _geometry(features)
    zooms = range(5, 21)
    mask = zoom_mask(geometry, zooms)
    for row in range(len(features)):
        for zoom in zooms:
            assert bool(mask[row] >> np.uint32(zoom) & 1) == _expected(geometry, row, zoom)
    _check_repaired(geometry, mask, zooms)


def test_a_hostile_ring_takes_bounded_time() -> None:
    # 100,000 segments that all span the same x: a sweep along x alone would look at 5 * 10^9 pairs.
    high = 50_000
    zigzag: Ring = [((v & 1) * 1000, 4 * v) for v in range(high)]
    ring = [*zigzag, (2000, 4 * high), (2000, -4)]
    assert _valid_at(_geometry([[[ring]]]), 20)


def _wavy(vertices: int, waves: int) -> Geometry:
    """A disc of 0.4 degrees whose edge waves by 0.002 degrees: at low zooms it folds thousands of times."""
    turn = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    radius = 0.4 + 0.002 * np.sin(turn * waves)
    disc = shapely.Polygon(np.column_stack([112.5 + radius * np.cos(turn), 37.5 + radius * np.sin(turn)]))
    return to_geometry(shapes_of(np.array([disc], object)))


def test_a_heavy_polygon_is_repaired_from_few_vertices() -> None:
    disc = _wavy(80_000, 4000)
    zooms = range(6, 13)
    mask = zoom_mask(disc, zooms)
    keys, repaired = repair(disc, mask, zooms)
    invalid = [int(key) & 31 for key in keys]
    assert 8 in invalid
    shapes = _shapes(repaired)
    assert shapely.is_valid(shapes).all()
    edge = shapely.boundary(_shapes(disc)[0])
    shapely.prepare(edge)
    for zoom, shape in zip(invalid, shapes, strict=True):
        corners = shapely.points(shapely.get_coordinates(shape))
        assert len(corners) < 32_768
        assert shapely.dwithin(edge, corners, 4 << (20 - zoom)).all()
        assert shapely.area(shape) == pytest.approx(shapely.area(_shapes(disc)[0]), rel=0.02)


def test_a_polygon_that_is_not_heavy_keeps_every_vertex(monkeypatch: pytest.MonkeyPatch) -> None:
    disc = _wavy(20_000, 500)
    nowhere = np.zeros(1, np.uint32)
    _, plain = repair(disc, nowhere, range(13, 14))
    monkeypatch.setattr(validity, "HEAVY", 1000)
    _, thin = repair(disc, nowhere, range(13, 14))
    monkeypatch.setattr(validity, "_THINNED_BY", 0.0)
    _, same = repair(disc, nowhere, range(13, 14))
    assert len(plain.mercator) > 15_000
    assert len(thin.mercator) < 0.5 * len(plain.mercator)
    assert shapely.equals(_shapes(same)[0], _shapes(plain)[0])
    unit = 1 << 7
    assert shapely.hausdorff_distance(_shapes(thin)[0], _shapes(plain)[0]) <= 3 * unit
