"""What a table offers, and names that are hostile."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.errors import CRSError, GeoplanError, SourceError
from geoplan.sources.postgis.address import Address, SourceUnavailableError
from geoplan.sources.postgis.pull import open_snapshot
from geoplan.sources.postgis.relation import Relation, Wanted, quoted, table_sql
from tests.postgis_land import Land

HOSTILE = "x\"; drop table parcels; --$1 '%s"


def _relation(land: Land, **wanted: object) -> Relation:
    with open_snapshot(land.address, Wanted(**wanted)) as (relation, _):  # type: ignore[arg-type]
        return relation


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1))
def test_a_quoted_name_is_one_token(name: str) -> None:
    inner = quoted(name)[1:-1]
    assert inner.replace('""', "") == name.replace('"', "")
    assert quoted(name)[0] == quoted(name)[-1] == '"'


@pytest.mark.parametrize(
    ("name", "sql"),
    [
        ("parcels", '"parcels"'),
        ("cadastre.Parcels", '"cadastre"."Parcels"'),
        ('"my.schema"."a""b"', '"my.schema"."a""b"'),
        ("地块", '"地块"'),
    ],
)
def test_a_table_is_named_as_the_database_spells_it(name: str, sql: str) -> None:
    assert table_sql(name) == sql


@pytest.mark.parametrize("name", ["", ".", "a.b.c", "a.", ".b", 'a"b.c.d', "a\0b"])
def test_what_is_no_name_of_a_table_is_refused(name: str) -> None:
    with pytest.raises(SourceError):
        table_sql(name)


def test_types_key_and_crs_are_found(land: Land) -> None:
    relation = _relation(land, table="public.parcels")
    assert (relation.geometry, relation.srid, relation.id_column, relation.unique) == ("geom", 4326, "fid", True)
    assert {column.name: column.type for column in relation.columns} == {
        "parcel_no": "string", "class": "string", "zone": "string", "year": "integer",
        "price": "number", "ratio": "number", "area": "number", "irrigated": "boolean", "surveyed": "date",
        "updated": "datetime", "tags": "json", "extra": "json",
    }  # fmt: skip
    assert relation.rows == 3600
    assert not relation.mixed_srid


def test_only_the_columns_that_are_named(land: Land) -> None:
    relation = _relation(land, table="parcels", columns=("year",))
    assert [column.name for column in relation.columns] == ["year"]


def test_hostile_names_are_names(scratch: Land) -> None:
    name = quoted(HOSTILE)
    shape = quoted(f"{HOSTILE}g")
    scratch.run(
        f"create table parcels (a int); create schema {name}; "
        f"create table {name}.{name} ({name} int primary key, geometry text, c0 text, {shape} geometry(Point,4490))"
    )
    scratch.run(f"insert into {name}.{name} values (1, 'text', 'x', 'srid=4490;point(112 37)')")  # noqa: S608
    with open_snapshot(scratch.address, Wanted(table=f"{name}.{name}")) as (relation, batches):
        rows = [row for batch in batches for row in batch.to_pylist()]
    assert relation.id_column == HOSTILE
    assert [(row[HOSTILE], row["geometry"], row["c0"]) for row in rows] == [(1, "text", "x")]
    assert scratch.run("select count(*) from parcels") == "0"


def test_a_query_reads_and_cannot_write(scratch: Land) -> None:
    scratch.run("create table p (id int primary key, geom geometry(Point,4490)); insert into p select 1")
    relation = _relation(scratch, query="select id, geom from p -- those", srid=4490)
    assert (relation.id_column, relation.unique) == (None, False)
    for query in ("delete from p returning *", "select 1) t; drop table p; select (1", "select * from p; drop table p"):
        with pytest.raises(SourceError, match="SQLSTATE"):
            _relation(scratch, query=query, srid=4490)
    scratch.run("create function f() returns table (id int, geom geometry) language sql as 'delete from p returning *'")
    with (
        pytest.raises(SourceError, match="read-only"),
        open_snapshot(scratch.address, Wanted(query="select * from f()", srid=4490)) as (_, batches),
    ):
        list(batches)
    assert scratch.run("select count(*) from p") == "1"


@pytest.mark.parametrize(
    ("wanted", "kind", "said"),
    [
        ({"table": "nothing"}, SourceError, "there is no table nothing"),
        ({"table": "bare"}, SourceError, "no geometry column"),
        ({"table": "two"}, SourceError, r"several geometry columns \(a, b\)"),
        ({"table": "two", "geometry": "c"}, SourceError, "no geometry column 'c'"),
        ({"table": "two", "geometry": "a", "columns": ("x",)}, SourceError, "no column 'x'"),
        ({"table": "two", "geometry": "a", "id_column": "x"}, SourceError, "no column 'x' for the ids"),
        ({"table": "two", "geometry": "a", "id_column": "name"}, SourceError, "no whole numbers"),
        ({"table": "two", "geometry": "a"}, CRSError, "states no CRS"),
        ({"table": "two", "geometry": "b", "srid": 3857}, CRSError, "is in EPSG:4490, not EPSG:3857"),
        ({"query": "select 1 as a, 2 as a"}, SourceError, "two columns 'a'"),
        ({"query": "select"}, SourceError, "no geometry column"),
        ({"query": "selec"}, SourceError, "SQLSTATE 42601"),
    ],
)
def test_what_cannot_be_read_is_told(
    scratch: Land, wanted: dict[str, object], kind: type[GeoplanError], said: str
) -> None:
    scratch.run(
        "create table bare (id int); create table two (name text, a geometry, b geometry(Point,4490)); "
        "insert into two values ('x', 'point(1 2)', null)"
    )
    with pytest.raises(kind, match=said):
        _relation(scratch, **wanted)


def test_a_reader_s_rights_are_enough_and_needed(scratch: Land) -> None:
    scratch.run(
        "drop role if exists reader; create role reader login; create table seen (id int primary key, geom "
        "geometry(Point,3857)); create table hidden (like seen including all); grant select on seen to reader"
    )
    reader = Land(scratch.server, Address(scratch.address.dsn.replace("postgres@", "reader@")), "scratch")
    try:
        assert _relation(reader, table="seen").crs == "EPSG:3857"
        with pytest.raises(SourceError, match="as reader; grant it SELECT"):
            _relation(reader, table="hidden")
    finally:
        scratch.run("drop owned by reader; drop role reader")


def test_views_have_the_ids_that_are_declared(scratch: Land) -> None:
    scratch.run(
        "create table p (gid int primary key, geom geometry(Point,4490)); create view v as select * from p; "
        "create materialized view m as select * from p; create unique index on m (gid)"
    )
    view = _relation(scratch, table="v", id_column="gid")
    assert (view.srid, view.id_column, view.unique, view.has_xmin) == (4490, "gid", False, False)
    assert _relation(scratch, table="m", id_column="gid").has_xmin


def test_equality_is_left_to_the_database_only_where_it_is_the_same(scratch: Land) -> None:
    scratch.run(
        "create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
        "create table p (id int primary key, a text, b text collate loose, c char(4), d real, e numeric, f float8, "
        "g date, h uuid, geom geometry(Point,4490))"
    )
    relation = _relation(scratch, table="p")
    assert {column.name for column in relation.columns if column.pushable} == {"a", "f"}


def test_a_server_that_is_not_there_is_told_quickly(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceUnavailableError, match="does not answer now"),
        open_snapshot(Address(f"postgresql://postgres@/x?host={tmp_path}"), Wanted(table="p")),
    ):
        pass
