"""A live layer: what it reads, what it refuses, and what it does when the database changes or goes away."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoplan.errors import QueryError, SourceError
from geoplan.pack.part import Part
from geoplan.pack.shapes import to_shapely
from geoplan.sources.postgis.address import SourceLimitError, SourceUnavailableError
from geoplan.sources.postgis.blocking import BlockingLayer, Loop
from geoplan.sources.postgis.live import PostgisLayer
from geoplan.sources.postgis.relation import Wanted
from geoplan.sources.postgis.selection import Selection, box_of_tile
from tests.postgis_land import SIDE, Land
from tests.sources.land import SOUTH, WEST, parcel_rows, parcel_shapes

T = TypeVar("T")
POINTS = "create table p as select i as id, 'n' || i as name, st_setsrid(st_point(i, 1), 4490) as geom from "
BOXES = st.tuples(
    st.floats(WEST - 0.01, WEST + 0.1), st.floats(SOUTH - 0.01, SOUTH + 0.1), st.floats(0, 0.05), st.floats(0, 0.05)
).map(lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3]))


def ask(
    land: Land, question: Callable[[PostgisLayer], Awaitable[T]], wanted: Wanted | None = None, **options: Any
) -> T:
    """The answer of a new live layer."""

    async def answer() -> T:
        async with PostgisLayer(land.address, wanted or Wanted(table="parcels"), **options) as layer:
            return await question(layer)

    return asyncio.run(answer())


def touching(box: tuple[float, float, float, float]) -> Callable[[Part], Any]:
    """Which features of a part meet a box exactly."""
    window = shapely.box(*box)
    shapely.prepare(window)
    return lambda part: shapely.intersects(window, to_shapely(part.geometry))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(box=BOXES)
def test_a_box_leaves_out_nothing_and_counts_exactly(land: Land, box: tuple[float, float, float, float]) -> None:
    expected = set((np.flatnonzero(shapely.intersects(parcel_shapes(SIDE), shapely.box(*box))) + 1).tolist())
    selection = Selection(box=box)

    async def question(layer: PostgisLayer) -> tuple[Any, Any, Any]:
        return (
            await layer.read(selection),
            await layer.count_box(selection, touching(box)),
            await layer.page(selection, limit=7, matches=touching(box)),
        )

    rows, count, page = ask(land, question)
    assert expected <= set(rows.part.ids.tolist())
    assert set(rows.part.ids[touching(box)(rows.part)].tolist()) == expected
    assert count == page.matched == len(expected)
    assert page.part.ids[page.part.ids_order].tolist() == sorted(expected)[:7]


def test_pages_are_complete_and_in_the_order_of_ids(land: Land) -> None:
    def matches(part: Part) -> Any:
        return part.ids % 37 == 0

    async def question(layer: PostgisLayer) -> list[int]:
        found: list[int] = []
        after: int | None = None
        while True:
            page = await layer.page(Selection(after=after), limit=10, matches=matches)
            assert page.matched == SIDE * SIDE // 37
            found += page.part.ids[page.part.ids_order].tolist()
            if page.next_after is None:
                return found
            after = page.next_after

    assert ask(land, question) == list(range(37, SIDE * SIDE + 1, 37))


def test_a_scan_is_bounded_and_goes_on_where_it_ended(land: Land) -> None:
    async def question(layer: PostgisLayer) -> tuple[int, list[int], int | None]:
        pages, found, after = 0, [], None
        while True:
            page = await layer.page(Selection(after=after), limit=10, matches=lambda part: part.ids == 3000)
            assert page.matched is None
            pages, found, after = pages + 1, found + page.part.ids.tolist(), page.next_after
            if after is None:
                return pages, found, after

    pages, found, _ = ask(land, question, max_rows=1000)
    assert (pages, found) == (4, [3000])


def test_ids_and_plain_values_narrow_down(land: Land) -> None:
    rows = parcel_rows(SIDE * SIDE)
    wanted = {"class": "水田", "year": 2010, "zone": None, "irrigated": True}
    expected = [r[0] for r in rows if (r[2], r[4], r[3], r[8]) == ("水田", 2010, None, True)]

    async def question(layer: PostgisLayer) -> tuple[Any, Any, Any, Any]:
        ids = await layer.read(Selection(ids=(5, 3, 5, 10**18, -1, 2**70)))
        equal = await layer.read(Selection(equal=wanted))
        number = await layer.count(Selection(equal={"class": "水田"}))
        hostile = await layer.count(Selection(equal={"class": "' or true --"}))
        return ids.part.ids, equal.part.ids, number, hostile

    ids, equal, number, hostile = ask(land, question)
    assert sorted(ids.tolist()) == [3, 5]
    assert sorted(equal.tolist()) == expected
    assert number == sum(row[2] == "水田" for row in rows)
    assert hostile == 0
    with pytest.raises(QueryError, match="no attribute 'owner'"):
        ask(land, lambda layer: layer.read(Selection(equal={"owner": 1})))


def test_what_the_database_compares_differently_does_not_narrow_down(land: Land) -> None:
    selection = Selection(ids=(1, 2), equal={"price": 1.0, "ratio": 0.1, "year": "2010", "zone": 3})
    assert sorted(ask(land, lambda layer: layer.read(selection)).part.ids.tolist()) == [1, 2]


def test_a_table_in_another_crs_is_read_by_degrees(scratch: Land) -> None:
    scratch.run(
        "create table p (id int primary key, geom geometry(Point,4547)); insert into p select i, "
        "st_transform(st_setsrid(st_point(111 + i * 0.01, 37 + i * 0.01), 4490), 4547) from generate_series(1, 400) i"
    )
    box = (112.0, 37.0, 113.0, 40.0)
    rows = ask(scratch, lambda layer: layer.read(Selection(box=box)), Wanted(table="p"))
    bounds = ask(scratch, lambda layer: layer.bounds(), Wanted(table="p"))
    assert set(range(100, 201)) <= set(rows.part.ids.tolist()) < set(range(400))
    assert bounds is not None
    assert bounds == pytest.approx((111.01, 37.01, 115, 41), abs=0.3)


def test_a_box_across_the_180th_meridian_has_two_sides(scratch: Land) -> None:
    scratch.run(f"{POINTS} generate_series(-180, 180, 20) i; alter table p add primary key (id)")
    scratch.run("update p set id = id + 1000")
    rows = ask(scratch, lambda layer: layer.read(Selection(box=(150, 0, -150, 2))), Wanted(table="p"))
    assert sorted(rows.part.ids.tolist()) == [820, 840, 1160, 1180]


def test_more_rows_than_may_be_read_are_refused(land: Land) -> None:
    with pytest.raises(SourceLimitError, match="more than 100 features here; ask for a smaller area"):
        ask(land, lambda layer: layer.read(Selection()), max_rows=100)
    assert ask(land, lambda layer: layer.count(Selection())) == SIDE * SIDE


def test_shapes_of_too_many_bytes_are_refused(scratch: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoplan.sources.postgis.live.MAX_BYTES", 2**20)
    scratch.run(
        "create table p as select 1 as id, st_setsrid(st_buffer(st_point(1, 1), 0.5, 100000), 4490) as geom; "
        "alter table p add primary key (id)"
    )
    with pytest.raises(SourceLimitError, match="more than 1 MiB here"):
        ask(scratch, lambda layer: layer.read(Selection()), Wanted(table="p"))


def test_a_slow_statement_is_ended(scratch: Land) -> None:
    scratch.run(f"{POINTS} generate_series(1, 9) i")
    slow = Wanted(query="select p.*, pg_sleep(1)::text as s from p", id_column="id")
    begun = time.monotonic()
    with pytest.raises(SourceLimitError, match="took the database too long"):
        ask(scratch, lambda layer: layer.read(Selection()), slow, statement_timeout_s=0.5)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update p set id = 2 where id = 1", "missing, negative or repeated"),
        ("update p set id = -1 where id = 1", "missing, negative or repeated"),
        ("update p set id = null where id = 1", "missing, negative or repeated"),
        ("update p set geom = 'srid=4490;geometrycollection(point(1 1))' where id = 1", "geometry collection"),
        ("update p set geom = 'srid=4490;point(181 1)' where id = 1", "outside the world"),
    ],
)
def test_rows_that_cannot_be_features_are_told(scratch: Land, change: str, said: str) -> None:
    scratch.run(f"{POINTS} generate_series(1, 3) i; {change}")
    with pytest.raises(SourceError, match=said):
        ask(scratch, lambda layer: layer.read(Selection()), Wanted(table="p", id_column="id"))


def test_a_table_without_ids_is_refused(scratch: Land) -> None:
    scratch.run(f"{POINTS} generate_series(1, 3) i")
    with pytest.raises(SourceError, match="declare its column of ids"):
        ask(scratch, lambda layer: layer.read(Selection()), Wanted(table="p"))


def test_broken_and_missing_shapes(scratch: Land) -> None:
    scratch.run(
        "create table p (id int primary key, geom geometry(Geometry,4490)); insert into p values "
        "(1, 'srid=4490;polygon((0 0, 1 1, 1 0, 0 1, 0 0))'), (2, null), (3, 'srid=4490;polygon empty'), "
        "(4, 'srid=4490;point(nan nan)')"
    )
    part = ask(scratch, lambda layer: layer.read(Selection()), Wanted(table="p")).part
    shapes = dict(zip(part.ids.tolist(), to_shapely(part.geometry), strict=True))
    assert shapely.is_valid(shapes[1])
    assert shapes[1].area == pytest.approx(0.5)
    assert [shapes[k] for k in (2, 3, 4)] == [None] * 3


def test_a_version_changes_with_every_write_in_the_area_and_only_there(scratch: Land) -> None:
    scratch.run(f"{POINTS} generate_series(1, 100) i; alter table p add primary key (id)")
    here = Selection(box=(0, 0, 10.5, 2))

    async def versions(layer: PostgisLayer) -> str:
        version = await layer.version(here)
        assert version == (await layer.read(here)).version
        assert version is not None
        return version

    seen = [ask(scratch, versions, Wanted(table="p"))]
    for change in (
        "update p set name = 'x' where id = 5",
        "update p set name = name where id = 5",
        "delete from p where id = 3",
        "insert into p values (3, 'n3', st_setsrid(st_point(3, 1), 4490))",
        "update p set geom = st_setsrid(st_point(50, 1), 4490) where id = 7",
    ):
        scratch.run(change)
        seen.append(ask(scratch, versions, Wanted(table="p")))
    assert len(set(seen)) == len(seen)
    scratch.run(
        "update p set name = 'y' where id > 20; insert into p values (200, 'z', st_setsrid(st_point(60, 1), 4490))"
    )
    assert ask(scratch, versions, Wanted(table="p")) == seen[-1]


def test_edits_are_seen_at_once_and_a_changed_table_too(scratch: Land, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch.run(f"{POINTS} generate_series(1, 3) i; alter table p add primary key (id)")

    async def question(layer: PostgisLayer) -> None:
        assert len((await layer.read(Selection())).part) == 3
        scratch.run("insert into p values (4, 'n4', st_setsrid(st_point(4, 1), 4490))")
        assert len((await layer.read(Selection())).part) == 4
        scratch.run("alter table p rename column name to title; alter table p add note text default '新'")
        part = (await layer.read(Selection())).part
        assert [column.name for column in part.columns] == ["title", "note"]
        scratch.run("alter table p alter column title type int using id")
        monkeypatch.setattr("geoplan.sources.postgis.live.RELATION_AGE_S", 0)
        part = (await layer.read(Selection())).part
        assert part.column("title").values.to_pylist() == [1, 2, 3, 4]

    ask(scratch, question, Wanted(table="p"))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_restart_of_the_database_is_survived(scratch: Land, how: signal.Signals) -> None:
    scratch.run(f"{POINTS} generate_series(1, 3) i; alter table p add primary key (id); checkpoint")

    async def question(layer: PostgisLayer) -> None:
        await asyncio.gather(*(layer.read(Selection()) for _ in range(8)))
        scratch.server.stop(how)
        try:
            begun = time.monotonic()
            for _ in range(20):
                with pytest.raises(SourceUnavailableError, match="does not answer now; try again later"):
                    await layer.read(Selection())
            assert time.monotonic() - begun < 2
        finally:
            scratch.server.start()  # in this thread: the server ends with the thread that started it
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                assert len((await layer.read(Selection())).part) == 3
            except SourceUnavailableError:
                await asyncio.sleep(0.1)
            else:
                break
        answers = await asyncio.gather(*(layer.read(Selection()) for _ in range(8)))
        assert [len(rows.part) for rows in answers] == [3] * 8

    ask(scratch, question, Wanted(table="p"))


def test_a_restart_between_two_questions_is_not_noticed(scratch: Land) -> None:
    scratch.run(f"{POINTS} generate_series(1, 3) i; alter table p add primary key (id)")

    async def question(layer: PostgisLayer) -> None:
        await asyncio.gather(*(layer.read(Selection()) for _ in range(8)))
        scratch.server.stop()
        scratch.server.start()
        answers = await asyncio.gather(*(layer.read(Selection()) for _ in range(8)))
        assert [len(rows.part) for rows in answers] == [3] * 8

    ask(scratch, question, Wanted(table="p"))


def test_questions_during_a_restart_are_answered_right_or_refused(scratch: Land) -> None:
    made = POINTS.replace("st_point(i,", "st_point(i / 100.0,")
    scratch.run(f"{made} generate_series(1, 2000) i; alter table p add primary key (id); checkpoint")
    seen: Counter[str] = Counter()
    stopping = False

    async def asking(layer: PostgisLayer) -> None:
        while not stopping:
            try:
                rows = await layer.read(Selection())
            except SourceUnavailableError:
                seen["unavailable"] += 1
                await asyncio.sleep(0.01)
            else:
                seen["answered" if sorted(rows.part.ids.tolist()) == list(range(1, 2001)) else "wrong"] += 1

    async def all_of_them() -> None:
        async with PostgisLayer(scratch.address, Wanted(table="p")) as layer:
            await asyncio.gather(*(asking(layer) for _ in range(6)))

    loop = Loop()
    try:
        work = loop.begin(all_of_them())
        for how in (signal.SIGINT, signal.SIGQUIT):
            time.sleep(0.5)
            scratch.server.stop(how)
            time.sleep(0.3)
            scratch.server.start()
        before = seen["answered"]
        time.sleep(2.5)
        stopping = True
        work.result(30)
    finally:
        loop.close()
    assert seen["wrong"] == 0
    assert seen["unavailable"] > 0
    assert seen["answered"] > before > 0


def test_a_tile_s_box_holds_its_buffer() -> None:
    box = box_of_tile(14, 13290, 6350)
    inner = box_of_tile(14, 13290, 6350, buffer=0)
    width = 360 / 2**14
    assert box.west < inner.west < inner.east < box.east
    assert (box.east - box.west) / width == pytest.approx(1 + 132 / 4096, abs=1e-4)
    assert box_of_tile(0, 0, 0) == pytest.approx((-180, -85.0511, 180, 85.0511), abs=1e-3)


def test_a_notebook_need_not_wait_itself(land: Land) -> None:
    def cell() -> tuple[int, int | None, list[int]]:
        with BlockingLayer(PostgisLayer(land.address, Wanted(table="parcels"))) as layer:
            window = layer.bounds()
            assert window is not None
            assert layer.relation().id_column == "fid"
            assert len(layer.nothing()) == 0
            version = layer.version(Selection(ids=(1,)))
            assert version == layer.read(Selection(ids=(1,))).version
            page = layer.page(Selection(box=window), limit=2, matches=lambda part: part.ids > 5)
            return len(layer.read(Selection(box=window)).part), layer.count(Selection()), sorted(page.part.ids.tolist())

    async def notebook() -> tuple[int, int | None, list[int]]:
        return cell()  # a loop is running in this thread

    assert asyncio.run(notebook()) == cell() == (SIDE * SIDE, SIDE * SIDE, [6, 7])


def test_the_inner_count_needs_a_box_and_plain_values(land: Land) -> None:
    for selection in (Selection(), Selection(box=(112, 37, 113, 38), equal={"price": 1.0})):
        with pytest.raises(SourceLimitError, match="only a box and plain values"):
            ask(land, lambda layer, chosen=selection: layer.count_box(chosen, touching((112, 37, 113, 38))))
