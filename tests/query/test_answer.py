"""Questions to a pack against the same question asked feature by feature, with shapely and geodesics."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from geoplan.errors import QueryError
from geoplan.pack.assemble import memory_part
from geoplan.pack.writer import write_features
from geoplan.query.answer import find_row, select
from geoplan.query.distance import MOST_METRES, rows_near
from geoplan.query.filters import compile_filter
from geoplan.query.model import Query
from tests.query.conftest import MemoryPack, make_rows, make_shapes

COUNT = 150
ROWS = make_rows(COUNT, 5)
SHAPES = make_shapes(COUNT, 6)
IDS = np.random.default_rng(7).permutation(2000)[:COUNT]
ROW_OF = {int(one): index for index, one in enumerate(IDS)}
GEOD = Geod(ellps="GRS80")
MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
X = st.floats(109.8, 116.8).map(lambda x: round(x, 4))
Y = st.floats(33.8, 40.8).map(lambda y: round(y, 4))


@pytest.fixture
def pack(build_pack: Callable[..., MemoryPack]) -> MemoryPack:
    return build_pack(ROWS, SHAPES, IDS, datetime="start")


def ids(pack: MemoryPack, **conditions: Any) -> list[int]:
    """Ids of all pages of 7, with the count checked on each."""
    after, found = None, []
    while True:
        answer = select(pack, Query(**{"limit": 7, **conditions}, after=after))
        found += pack.source.ids[answer.rows].tolist()
        assert answer.returned <= 7
        if answer.next_cursor is None:
            assert answer.matched == len(found)
            return found
        after = answer.next_cursor


def expected(test: Callable[[dict[str, Any], Any], bool]) -> list[int]:
    return sorted(int(one) for one, row, shape in zip(IDS, ROWS, SHAPES, strict=True) if test(row, shape))


@MANY
@given(x=X, y=Y, w=st.sampled_from([0, 0.01, 0.3, 2, 9]), h=st.sampled_from([0, 0.02, 0.5, 9]), missing=st.booleans())
def test_boxes(pack: MemoryPack, x: float, y: float, w: float, h: float, *, missing: bool) -> None:
    box = shapely.box(x, y, x + w, y + h)
    found = ids(pack, bbox=(x, y, x + w, y + h), or_missing=missing)
    assert found == expected(lambda _, shape: missing if shape is None else bool(shapely.intersects(shape, box)))
    assert ids(pack, bbox=(x, y, -5.0, x + w, y + h, 9.0), or_missing=missing) == found
    assert ids(pack, bbox=(y, x, y + h, x + w), bbox_crs="EPSG:4490", or_missing=missing) == found


def test_boxes_in_metres(pack: MemoryPack) -> None:
    corners = Transformer.from_crs(4490, 3857, always_xy=True)
    west, south = corners.transform(112, 36)
    east, north = corners.transform(114, 38)
    assert ids(pack, bbox=(west, south, east, north), bbox_crs="EPSG:3857") == ids(pack, bbox=(112, 36, 114, 38))


@MANY
@given(st.integers(0, COUNT - 1), st.sampled_from(["vertex", "middle", "edge", "away"]), X, Y)
def test_points(pack: MemoryPack, index: int, where: str, x: float, y: float) -> None:
    shape = SHAPES[index]
    if where != "away" and shape is not None:
        vertices = shapely.get_coordinates(shape)
        x, y = vertices[0]
        if where == "middle":
            x, y = np.round(shape.bounds[0] + 0.3 * (shape.bounds[2] - shape.bounds[0]), 6), y + 0.0004
        if where == "edge" and len(vertices) > 1:
            x, y = vertices[0][0], vertices[1][1]
    point = shapely.Point(np.round(x, 7), np.round(y, 7))
    assert ids(pack, point=(point.x, point.y)) == expected(
        lambda _, shape: shape is not None and bool(shapely.intersects(shape, point))
    )


def geodesic(shape: Any, x: float, y: float) -> float:
    """Distance in metres by geodesics to densified edges: an independent, slow way."""
    if shape is None:
        return np.inf
    if shapely.intersects(shape, shapely.Point(x, y)):
        return 0.0
    near = shapely.segmentize(
        shapely.clip_by_rect(shape.boundary if shape.area else shape, x - 2, y - 2, x + 2, y + 2), 0.002
    )
    if shapely.is_empty(near):
        return np.inf
    vertices = shapely.get_coordinates(near)
    _, _, metres = GEOD.inv(np.full(len(vertices), x), np.full(len(vertices), y), vertices[:, 0], vertices[:, 1])
    place = int(np.argmin(metres))
    around = shapely.segmentize(
        shapely.clip_by_rect(near, *(vertices[place] - 0.004), *(vertices[place] + 0.004)), 5e-6
    )
    fine = shapely.get_coordinates(around)
    if not len(fine):
        return float(metres[place])
    return float(
        min(GEOD.inv(np.full(len(fine), x), np.full(len(fine), y), fine[:, 0], fine[:, 1])[2].min(), metres[place])
    )


@settings(MANY, max_examples=40)
@given(x=X, y=Y, radius=st.sampled_from([50.0, 3000.0, 20_000.0, 100_000.0]))
def test_distances_are_those_of_geodesics(pack: MemoryPack, x: float, y: float, radius: float) -> None:
    rows, metres = rows_near(pack.source, x, y, radius)
    found = dict(zip(pack.source.ids[rows].tolist(), metres.tolist(), strict=True))
    for one, shape in zip(IDS.tolist(), SHAPES, strict=True):
        exact = geodesic(shape, x, y)
        tolerance = 0.001 * exact + 0.05
        if one in found:
            assert found[one] == pytest.approx(exact, abs=tolerance)
        else:
            assert exact > radius - tolerance
    answer = select(pack, Query(near=(x, y), radius_m=radius, limit=1000))
    assert pack.source.ids[answer.rows].tolist() == sorted(found)
    assert answer.distances_m is not None
    assert [found[one] for one in pack.source.ids[answer.rows].tolist()] == answer.distances_m.tolist()


@pytest.mark.parametrize("far", [(112.0, -37.0), (-60.0, 80.0), (112.0, 85.0)])
@pytest.mark.parametrize("radius", [0.01, 0.2, 300.0])
def test_a_member_far_away_is_not_near(far: tuple[float, float], radius: float) -> None:
    """The scales are taken around the position; far from it they are only roughly right, but never nothing."""
    x, y = 112.0, 37.0
    shapes = [shapely.MultiPoint([(x + 0.01, y), far]), shapely.MultiPoint([(x + 1e-7, y), far])]
    part = memory_part({"name": ["889 m away", "9 mm away"]}, shapes)
    rows, metres = rows_near(part, x, y, radius)
    features = json.loads(b"[" + write_features(part, rows) + b"]")
    assert [feature["properties"]["name"] for feature in features] == ["9 mm away"]
    assert metres[0] == pytest.approx(GEOD.inv(x, y, x + 1e-7, y)[2], rel=1e-6)


@MANY
@given(x=X, y=Y, wanted=st.integers(1, 20))
def test_nearest(pack: MemoryPack, x: float, y: float, wanted: int) -> None:
    rows, metres = rows_near(pack.source, x, y, MOST_METRES)
    order = np.lexsort((pack.source.ids[rows], metres))[:wanted]
    answer = select(pack, Query(near=(x, y), nearest=wanted))
    assert pack.source.ids[answer.rows].tolist() == pack.source.ids[rows[order]].tolist()


def test_nearest_of_those_that_match(pack: MemoryPack) -> None:
    chosen = compile_filter("flag = true", pack=pack)
    answer = select(pack, Query(near=(113, 37), nearest=3, filter=chosen))
    assert answer.returned == 3
    assert all(ROWS[ROW_OF[one]]["flag"] for one in pack.source.ids[answer.rows].tolist())


def square(x: float, y: float) -> Any:
    return shapely.box(x, y, x + 0.5, y + 0.5)


def test_across_the_antimeridian(build_pack: Callable[..., MemoryPack]) -> None:
    shapes = [square(179.5, 10), square(-180, 10), square(-179, 10), square(0, 10), square(178, 10), None]
    pack = build_pack(make_rows(6, 1), shapes)
    assert ids(pack, bbox=(179, 9, -179.2, 12), or_missing=False) == [1, 2]
    assert ids(pack, bbox=(178.2, 9, -178.8, 12)) == [1, 2, 3, 5, 6]
    rows, metres = rows_near(pack.source, 179.99, 9.9, 20_000)
    found = dict(zip(pack.source.ids[rows].tolist(), metres.tolist(), strict=True))
    assert sorted(found) == [1, 2]
    assert found[2] == pytest.approx(GEOD.inv(179.99, 9.9, 180, 10)[2], rel=1e-3)
    predicate = compile_filter("s_intersects(geometry, BBOX(179,9,-179.2,12))", pack=pack)
    assert sorted(pack.source.ids[predicate.rows(pack.source)].tolist()) == [1, 2]
    assert predicate.count(pack.source) == 2


def test_ids(pack: MemoryPack) -> None:
    wanted = (int(IDS[3]), int(IDS[8]), 999_999, int(IDS[3]), -5, 2**70)
    assert ids(pack, ids=wanted) == sorted({int(IDS[3]), int(IDS[8])})
    assert pack.source.ids[find_row(pack.source, int(IDS[5]))] == IDS[5]
    assert find_row(pack.source, 999_999) is None
    assert find_row(pack.source, -1) is None


@pytest.mark.parametrize("code", ["140000", "140100", "140005", "150000"])
def test_within(pack: MemoryPack, code: str) -> None:
    start = {"140000": "14", "140100": "1401", "150000": "15"}.get(code, code)
    assert ids(pack, within=(code,), within_column="code") == expected(
        lambda row, _: (row["code"] or "").startswith(start)
    )
    with pytest.raises(QueryError, match="within"):
        ids(pack, within=("14x",), within_column="code")
    with pytest.raises(QueryError, match="division_code"):
        ids(pack, within=(code,))


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("2022-04-12T06:00:00Z", "2022-04-12T06:00:00+00:00", "2022-04-12T06:00:00+00:00"),
        ("2022-04-12", "2022-04-12T00:00:00+00:00", "2022-04-12T23:59:59.999999+00:00"),
        ("2022-04-12/2022-04-13", "2022-04-12T00:00:00+00:00", "2022-04-13T23:59:59.999999+00:00"),
        ("../2022-04-12T00:00:00Z", "0001-01-01T00:00:00+00:00", "2022-04-12T00:00:00+00:00"),
        ("2022-04-12T08:00:00+08:00/", "2022-04-12T00:00:00+00:00", "9999-01-01T00:00:00+00:00"),
        ("../..", "0001-01-01T00:00:00+00:00", "9999-01-01T00:00:00+00:00"),
    ],
)
def test_datetime(build_pack: Callable[..., MemoryPack], text: str, low: str, high: str, *, missing: bool) -> None:
    for name in ("start", "day"):
        pack = build_pack(ROWS, SHAPES, IDS, datetime=name)

        def meets(row: dict[str, Any], _: Any, name: str = name) -> bool:
            value = row[name]
            if value is None:
                return missing
            if name == "day":
                return str(value) >= low[:10] and datetime.fromisoformat(
                    f"{value}T00:00:00+00:00"
                ) <= datetime.fromisoformat(high)
            return bool(datetime.fromisoformat(low) <= value.astimezone(UTC) <= datetime.fromisoformat(high))

        assert ids(pack, datetime=text, or_missing=missing) == expected(meets)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("word", "中文", "中文"), ("whole", "3", 3), ("real", "1.5", 1.5), ("flag", "true", True), ("word", "", "")],
)
def test_equal(pack: MemoryPack, name: str, text: str, value: Any) -> None:
    assert ids(pack, equal={name: text}) == expected(lambda row, _: row[name] == value)


ORDER = st.lists(
    st.sampled_from(["word", "-word", "whole", "+whole", "-real", "flag", "-start", "day"]), min_size=1, max_size=3
)


@MANY
@given(names=ORDER, chosen=st.booleans())
def test_sorted_pages(pack: MemoryPack, names: list[str], *, chosen: bool) -> None:
    found = ids(pack, sortby=tuple(names), filter=compile_filter("whole > 0", pack=pack) if chosen else None)
    wanted = expected(lambda row, _: not chosen or (row["whole"] is not None and row["whole"] > 0))
    for name in reversed(names):
        values = {one: ROWS[ROW_OF[one]][name.lstrip("+-")] for one in wanted}
        there = [one for one in wanted if values[one] is not None]
        there.sort(key=lambda one, values=values: values[one], reverse=name.startswith("-"))  # type: ignore[misc]
        wanted = there + [one for one in wanted if values[one] is None]
    assert found == (wanted if len(names) == len({name.lstrip("+-") for name in names}) else found)


def test_a_page_goes_on_after_the_pack_is_built_anew(build_pack: Callable[..., MemoryPack]) -> None:
    before = build_pack(ROWS, SHAPES, IDS)
    for sortby in ((), ("-real", "word")):
        answer = select(before, Query(limit=20, sortby=sortby))
        kept = [index for index in range(COUNT) if index % 5]
        after = build_pack([ROWS[i] for i in kept], [SHAPES[i] for i in kept], IDS[kept])
        rest = select(after, Query(limit=1000, sortby=sortby, after=answer.next_cursor))
        seen = set(before.source.ids[answer.rows].tolist())
        assert set(after.source.ids[rest.rows].tolist()) == {int(IDS[i]) for i in kept} - seen


def test_what_is_drawn_approximately_says_nothing_of_a_place(build_pack: Callable[..., MemoryPack]) -> None:
    flags = {"column": "word", "values": ["alpha", "zeta"]}
    pack = build_pack(ROWS, [shapely.box(112, 37, 113, 38)] * COUNT, IDS, approximate=flags)
    schematic = sum(row["word"] in flags["values"] for row in ROWS)
    assert schematic > 0
    for question in (Query(point=(112.5, 37.5)), Query(near=(112.5, 37.5), radius_m=10.0)):
        answer = select(pack, question)
        assert (answer.matched, answer.excluded_approximate) == (COUNT - schematic, schematic)
    nearest = select(pack, Query(near=(112.5, 37.5), nearest=1000))
    assert (nearest.matched, nearest.excluded_approximate) == (COUNT - schematic, schematic)
    assert select(pack, Query(bbox=(112, 37, 113, 38))).matched == COUNT


@MANY
@given(
    x=X,
    y=Y,
    w=st.sampled_from([0.5, 3]),
    text=st.sampled_from(["whole > 2", "word like 'a%'", "real > whole", "code < '140020' and flag"]),
)
def test_conditions_are_joined_by_and(pack: MemoryPack, x: float, y: float, w: float, text: str) -> None:
    chosen = compile_filter(text, pack=pack)
    both = set(ids(pack, bbox=(x, y, x + w, y + w))) & set(pack.source.ids[chosen.mask(pack.source)].tolist())
    assert ids(pack, bbox=(x, y, x + w, y + w), filter=chosen) == sorted(both)
    near = set(pack.source.ids[rows_near(pack.source, x, y, 50_000)[0]].tolist())
    assert ids(pack, bbox=(x, y, x + w, y + w), filter=chosen, near=(x, y), radius_m=50_000.0) == sorted(both & near)


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (Query(limit=10_001), "limit"),
        (Query(bbox=(0, 10, 1, 5)), "bbox: the south"),
        (Query(bbox=(0, 0, 1)), "4 or 6"),
        (Query(bbox=(0, 0, 400, 1)), "no position"),
        (Query(point=(37, 112)), "longitude comes first"),
        (Query(near=(1, 1)), "radius_m"),
        (Query(near=(1, 1), radius_m=1e9), "at most"),
        (Query(radius_m=5.0), "needs near"),
        (Query(nearest=5), "needs near"),
        (Query(near=(1, 1), nearest=10**6), "1 to 1000"),
        (Query(datetime="yesterday"), "instant"),
        (Query(datetime="2022-01-02/2022-01-01"), "ends before"),
        (Query(equal={"colour": "x"}), "colour"),
        (Query(equal={"whole": "x"}), "type integer"),
        (Query(equal={"list": "x"}), "lists"),
        (Query(sortby=("colour",)), "sortby"),
        (Query(sortby=("list",)), "sortby"),
        (Query(after="!!"), "cursor"),
        (Query(after="W10"), "cursor"),
        (Query(after="WyJhIiwxXQ"), "cursor"),
        (Query(ids=tuple(range(10_001))), "ids"),
    ],
)
def test_refusals(pack: MemoryPack, question: Query, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        select(pack, question)


def test_an_empty_pack_answers(build_pack: Callable[..., MemoryPack]) -> None:
    pack = build_pack([], [])
    for question in (
        Query(),
        Query(bbox=(0, 0, 1, 1)),
        Query(point=(0, 0)),
        Query(near=(0, 0), nearest=2),
        Query(sortby=("word",)),
        Query(equal={"word": "x"}),
        Query(ids=(1,)),
    ):
        answer = select(pack, question)
        assert (answer.matched, answer.returned, answer.next_cursor) == (0, 0, None)
