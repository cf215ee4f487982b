"""A table streamed as one snapshot: values, shapes, order, and what happens meanwhile."""

from __future__ import annotations

import signal
from datetime import UTC, date, datetime

import pytest
import shapely

from geoplan.errors import CRSError, SourceError
from geoplan.sources.postgis.address import SourceUnavailableError
from geoplan.sources.postgis.pull import open_snapshot
from geoplan.sources.postgis.relation import Wanted
from tests.postgis_land import Land


def _rows(land: Land, **wanted: object) -> list[dict[str, object]]:
    with open_snapshot(land.address, Wanted(**wanted), batch_rows=2) as (_, batches):  # type: ignore[arg-type]
        return [row for batch in batches for row in batch.to_pylist()]


def test_values_arrive_as_what_they_mean(scratch: Land) -> None:
    scratch.run(
        """
        create type mood as enum ('好', '坏'); create type pair as (a int, b text);
        create table p (id int8 primary key, i2 int2, r real, d float8, n numeric, b bool, t text, v varchar(9),
          c char(4), e mood, u uuid, day date, moment timestamptz, naive timestamp, j json, jb jsonb, ai int[],
          at text[][], co pair, iv interval, by bytea, geom geometry(Point,4490));
        insert into p values (9007199254740993, -5, 0.1, 1e308, 12345678901234567890.5, true, E'引"号\\n<b>', '值',
          'ab', '坏', '00000000-0000-0000-0000-000000000001', '2024-02-29', '2024-05-01 08:00:00.123456+08',
          '2024-05-01 08:00:00', '{"b": 1, "a": 0.10}', '{"b":1}', '{1,null,3}', '{{a,b},{c,d}}', '(1,x)', '1 day',
          '\\x00', 'srid=4490;point(112.1 37.2)');
        insert into p (id) values (2);
        insert into p (id, r, d, n, day, moment, naive) values (3, 'nan', 'infinity', '1e400', 'infinity',
          '-infinity', '0044-03-15 BC');
        insert into p (id, n, day, moment) values (4, 'nan', '20000-01-01', '20000-01-01');
        """
    )
    by_id = {row["id"]: row for row in _rows(scratch, table="p")}
    full, none = by_id[9007199254740993], by_id[2]
    assert "by" not in full
    assert shapely.from_wkb(full.pop("geometry")) == shapely.Point(112.1, 37.2)  # type: ignore[arg-type]
    assert full == {
        "id": 9007199254740993, "i2": -5, "r": 0.1, "d": 1e308, "n": 12345678901234567890.5, "b": True,
        "t": '引"号\n<b>', "v": "值", "c": "ab", "e": "坏", "u": "00000000-0000-0000-0000-000000000001",
        "day": date(2024, 2, 29), "moment": datetime(2024, 5, 1, 0, 0, 0, 123456, UTC),
        "naive": datetime(2024, 5, 1, 8),  # noqa: DTZ001 - it has no zone in the table either
        "j": '{"b": 1, "a": 0.10}', "jb": '{"b": 1}', "ai": "[1, null, 3]", "at": '[["a", "b"], ["c", "d"]]',
        "co": '{"a": 1, "b": "x"}', "iv": "1 day",
    }  # fmt: skip
    assert set(none.values()) == {2, None}
    for row in (by_id[3], by_id[4]):
        assert [row["day"], row["moment"], row["naive"]] == [None] * 3


def test_the_snapshot_is_of_one_moment(scratch: Land) -> None:
    scratch.run(
        "create table p as select i as id, st_setsrid(st_point(i, 1), 4490) as geom from generate_series(1, 99) i"
    )
    with open_snapshot(scratch.address, Wanted(table="p"), batch_rows=10) as (_, batches):
        first = next(batches).num_rows
        scratch.run("delete from p where id > 50; insert into p select 1000, st_setsrid(st_point(1, 1), 4490)")
        assert first + sum(batch.num_rows for batch in batches) == 99
    assert len(_rows(scratch, table="p")) == 51


def test_positions_are_transformed_to_degrees(scratch: Land) -> None:
    scratch.run(
        "create table p as select 1 as id, st_transform(st_setsrid(st_makeenvelope(112, 37, 112.5, 37.5), 4490), 4547) "
        "as geom union all select 2, null union all select 3, st_geomfromtext('polygon empty', 4547)"
    )
    shapes = {row["id"]: row["geometry"] for row in _rows(scratch, table="p")}
    square = shapely.from_wkb(shapes[1])  # type: ignore[call-overload]
    assert square.normalize().equals_exact(shapely.box(112, 37, 112.5, 37.5).normalize(), 1e-9)  # type: ignore[arg-type]
    assert shapes[2] is None
    assert shapely.from_wkb(shapes[3]).is_empty  # type: ignore[arg-type]


def test_curves_become_lines_and_heights_do_not_matter(scratch: Land) -> None:
    scratch.run(
        "create table p (id int, geom geometry); insert into p values "
        "(1, 'srid=4490;curvepolygon(circularstring(112 37, 113 38, 114 37, 113 36, 112 37))'), "
        "(2, 'srid=4490;point zm(112 37 5 6)')"
    )
    circle, point = (shapely.from_wkb(row["geometry"]) for row in _rows(scratch, table="p"))  # type: ignore[call-overload]
    assert abs(circle.area - 3.14159) < 0.01
    assert (point.x, point.y) == (112, 37)


def test_rows_in_another_crs_are_refused(scratch: Land) -> None:
    scratch.run(
        "create table p (id int, geom geometry); insert into p values (1, 'srid=4490;point(112 37)'), "
        "(2, 'srid=3857;point(112 37)')"
    )
    with pytest.raises(CRSError, match="rows in EPSG:3857 among rows in EPSG:4490"):
        _rows(scratch, table="p")


def test_an_unsafe_datum_is_refused(scratch: Land) -> None:
    scratch.run("create table p as select 1 as id, st_setsrid(st_point(112, 37), 4610) as geom")
    with pytest.raises(CRSError, match="Xian 1980"):
        _rows(scratch, table="p")


def test_rows_without_an_id_come_in_the_order_of_their_key(scratch: Land) -> None:
    scratch.run(
        "create table p (name text primary key, geom geometry(Point,4490)); insert into p select chr(1000 - i), "
        "st_setsrid(st_point(i, 1), 4490) from generate_series(1, 99) i"
    )
    names = [row["name"] for row in _rows(scratch, table="p")]
    assert names == sorted(names)  # type: ignore[type-var]


def test_a_server_that_stops_in_the_middle_is_told(scratch: Land) -> None:
    scratch.run(
        "create table p as select i as id, repeat('x', 9999) as t, st_setsrid(st_point(1, 1), 4490) as geom "
        "from generate_series(1, 9999) i"
    )
    try:
        with open_snapshot(scratch.address, Wanted(table="p"), batch_rows=10) as (_, batches):
            next(batches)
            scratch.server.stop(signal.SIGINT)
            with pytest.raises(SourceUnavailableError, match="does not answer now"):
                list(batches)
    finally:
        scratch.server.start()


def test_leaving_early_ends_the_session(scratch: Land) -> None:
    scratch.run(
        "create table p as select i as id, st_setsrid(st_point(1, 1), 4490) as geom from generate_series(1, 999) i"
    )
    with open_snapshot(scratch.address, Wanted(table="p"), batch_rows=10) as (_, batches):
        next(batches)
    count = "select count(*) from pg_stat_activity where application_name = 'geoplan' and datname = 'scratch'"
    scratch.run(f"do $$ begin for i in 1..100 loop exit when ({count}) = 0; perform pg_sleep(0.05); "
                "perform pg_stat_clear_snapshot(); end loop; end $$")  # fmt: skip
    assert scratch.run(count) == "0"


def test_a_value_that_is_no_utf8_is_told(scratch: Land) -> None:
    scratch.server.run("drop database if exists ascii", "postgres")
    scratch.server.run(
        "create database ascii encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C' template template0", "postgres"
    )
    scratch.server.run("create extension postgis", "ascii")
    scratch.server.run(
        "create table p as select 1 as id, convert_from('\\xff', 'SQL_ASCII') as t, "
        "st_setsrid(st_point(1, 1), 4490) as geom", "ascii",
    )  # fmt: skip
    land = Land(scratch.server, type(scratch.address)(scratch.server.dsn("ascii")), "ascii")
    with pytest.raises(SourceError, match="cannot be read"):
        _rows(land, table="p")
