"""The predicates of the CQL2 standard's abstract tests (OGC 21-065r2, annex A) and the numbers it expects."""
# ruff: noqa: E501 - the predicates are as they are published

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geoplan.errors import QueryError
from geoplan.pack.assemble import memory_part
from geoplan.pack.part import Part
from geoplan.query.filters import compile_filter

DATA = Path(__file__).parent / "data"
TIMES = {  # boolean, date, start, end
    "København": (True, date(2022, 4, 16), "2022-04-16T10:13:19Z", "2023-04-16T10:15:10Z"),
    "Roma": (True, date(2021, 4, 16), "2021-04-16T10:15:59Z", "2022-04-16T10:16:06Z"),
    "Rome": (True, date(2021, 4, 16), "2021-04-16T10:15:59Z", "2022-04-16T10:16:06Z"),
    "Berlin": (False, date(2023, 4, 16), "2022-04-16T10:15:10Z", "2022-04-16T10:16:06Z"),
}


def read(name: str) -> tuple[pa.Table, np.ndarray]:
    table = pq.read_table(DATA / f"{name}.parquet")
    return table.drop(["geometry"]), shapely.from_wkb(table["geometry"].to_numpy())


@pytest.fixture(scope="module")
def countries() -> Part:
    return memory_part(*read("ne_110m_admin_0_countries"))


@pytest.fixture(scope="module")
def places() -> Part:
    table, shapes = read("ne_110m_populated_places")
    names = ["Kiev" if name == "Kyiv" else name for name in table["name"].to_pylist()]
    table = pa.table({"name": names})
    rows = [TIMES.get(name, (None, None, None, None)) for name in names]

    def instants(texts: list[str | None]) -> pa.Array:
        return pa.array(
            [None if text is None else datetime.fromisoformat(text).astimezone(UTC) for text in texts],
            pa.timestamp("us", "UTC"),
        )

    flags, days, starts, ends = (list(column) for column in zip(*rows, strict=True))
    table = table.append_column("boolean", pa.array(flags, pa.bool_()))
    table = table.append_column("date", pa.array(days, pa.date32()))
    return memory_part(table.append_column("start", instants(starts)).append_column("end", instants(ends)), shapes)


COUNTRIES = """
S_TOUCHES(geom,POLYGON((6.043073357781111 50.128051662794235,6.242751092156993 49.90222565367873,6.186320428094177 49.463802802114515,5.897759230176348 49.44266714130711,5.674051954784829 49.529483547557504,5.782417433300907 50.09032786722122,6.043073357781111 50.128051662794235))) |3
NAME='Luxembourg' |1
NAME>='Luxembourg' |84
NAME>'Luxembourg' |83
NAME<='Luxembourg' |94
NAME<'Luxembourg' |93
NAME<>'Luxembourg' |176
POP_EST=37589262 |1
POP_EST>=37589262 |39
POP_EST>37589262 |38
POP_EST<=37589262 |139
POP_EST<37589262 |138
POP_EST<>37589262 |176
POP_EST=37589260+2 |1
POP_EST>=37589264-2*2^0 |39
POP_EST>37589264-20/10 |38
POP_EST>37589264-21 div 10 |38
POP_EST>37589263-5%2 |38
37589262<POP_EST |38
S_INTERSECTS(geom,BBOX(0,40,10,50)) |8
S_INTERSECTS(geom,BBOX(150,-90,-150,90)) |10
S_INTERSECTS(geom,POINT(7.02 49.92)) |1
S_INTERSECTS(geom,BBOX(0,40,10,50)) and S_INTERSECTS(geom,BBOX(5,50,10,60)) |3
S_INTERSECTS(geom,BBOX(0,40,10,50)) and not S_INTERSECTS(geom,BBOX(5,50,10,60)) |5
S_INTERSECTS(BBOX(0,40,10,50),geom) |8
S_INTERSECTS(BBOX(150,-90,-150,90),geom) |10
S_INTERSECTS(POINT(7.02 49.92),geom) |1
S_INTERSECTS(geom,POLYGON((0 40,10 40,10 50,0 50,0 40))) |8
S_INTERSECTS(geom,LINESTRING(0 40,10 50)) |4
S_DISJOINT(geom,BBOX(0,40,10,50)) |169
S_DISJOINT(geom,POLYGON((0 40,10 40,10 50,0 50,0 40))) |169
S_DISJOINT(geom,LINESTRING(0 40,10 50)) |173
S_DISJOINT(geom,POINT(7.02 49.92)) |176
S_WITHIN(geom,BBOX(-180,-90,0,90)) |44
S_CONTAINS(geom,BBOX(7,50,8,51)) |1
S_CONTAINS(geom,LINESTRING(7 50,8 51)) |1
S_CONTAINS(geom,POINT(7.02 49.92)) |1
S_OVERLAPS(geom,BBOX(-180,-90,0,90)) |11
S_CONTAINS(BBOX(-180,-90,0,90),geom) |44
S_WITHIN(BBOX(7,50,8,51),geom) |1
S_WITHIN(POINT(7.02 49.92),geom) |1
S_OVERLAPS(BBOX(-180,-90,0,90),geom) |11
S_TOUCHES(geom,POINT(6.043073357781111 50.128051662794235)) |3
S_TOUCHES(geom,POINT(6.242751092156993 49.90222565367873)) |2
S_TOUCHES(geom,LINESTRING(6.043073357781111 50.128051662794235,6.242751092156993 49.90222565367873)) |3
S_TOUCHES(POINT(6.043073357781111 50.128051662794235),geom) |3
"""
PLACES = """
name IS NOT NULL |243
name IS NULL |0
name='København' |1
name>='København' |137
name>'København' |136
name<='København' |107
name<'København' |106
name<>'København' |242
"date" IS NOT NULL |3
"date" IS NULL |240
"date"=DATE('2022-04-16') |1
"date">=DATE('2022-04-16') |2
"date">DATE('2022-04-16') |1
"date"<=DATE('2022-04-16') |2
"date"<DATE('2022-04-16') |1
"date"<>DATE('2022-04-16') |2
start IS NOT NULL |3
start=TIMESTAMP('2022-04-16T10:13:19Z') |1
start<=TIMESTAMP('2022-04-16T10:13:19Z') |2
start<TIMESTAMP('2022-04-16T10:13:19Z') |1
start>=TIMESTAMP('2022-04-16T10:13:19Z') |2
start>TIMESTAMP('2022-04-16T10:13:19Z') |1
start<>TIMESTAMP('2022-04-16T10:13:19Z') |2
boolean IS NULL |240
boolean=true |2
boolean=false |1
name LIKE 'B_r%' |3
name NOT LIKE 'B_r%' |240
name IN ('Kiev','kobenhavn','Berlin','athens','foo') |2
name NOT IN ('Kiev','kobenhavn','Berlin','athens','foo') |241
"date" in (DATE('2021-04-16'),DATE('2022-04-16'),DATE('2022-04-18')) |2
"date" not in (DATE('2021-04-16'),DATE('2022-04-16'),DATE('2022-04-18')) |1
start in (TIMESTAMP('2022-04-16T10:13:19Z')) |1
start not in (TIMESTAMP('2022-04-16T10:13:19Z')) |2
boolean in (true) |2
boolean not in (false) |2
CASEI(name)=casei('KIEV') |1
CASEI(name)=casei('KØBENHAVN') |1
CASEI(name) LIKE casei('B_R%') |3
CASEI(name) IN (casei('Kiev'), casei('kobenhavn'), casei('Berlin'), casei('athens'), casei('foo')) |3
ACCENTI(name)=accenti('København') |1
ACCENTI(name)=accenti('Kobenhavn') |1
ACCENTI(CASEI(name))=accenti(casei('KOBENHAVN')) |1
ACCENTI(CASEI(name))=accenti(casei('KØBENHAVN')) |1
ACCENTI(name) LIKE accenti('Ko%') |2
ACCENTI(CASEI(name)) LIKE accenti(casei('kØ%')) |2
ACCENTI(CASEI(name)) IN (accenti(casei('Kiev')), accenti(casei('kobenhavn')), accenti(casei('Berlin')), accenti(casei('athens')), accenti(casei('foo'))) |4
'København'=name |1
'København'<=name |137
'København'<name |136
'København'>=name |107
'København'>name |106
'København'<>name |242
name=name |243
start=end |0
start<=end |3
start<end |3
start>=end |0
start>end |0
start<>end |3
'København' LIKE 'K_benhavn' |243
'København' NOT LIKE 'K_benhavn' |0
S_INTERSECTS(geom,BBOX(0,40,10,50)) |7
S_INTERSECTS(geom,POLYGON((0 40,10 40,10 50,0 50,0 40))) |7
S_DISJOINT(geom,BBOX(0,40,10,50)) |236
S_WITHIN(geom,BBOX(-180,-90,0,90)) |74
S_CONTAINS(BBOX(-180,-90,0,90),geom) |74
t_after("date",date('2022-04-16')) |1
t_before("date",date('2022-04-16')) |1
t_disjoint("date",date('2022-04-16')) |2
t_equals("date",date('2022-04-16')) |1
t_intersects("date",date('2022-04-16')) |1
t_after("date",interval('2022-01-01','2022-12-31')) |1
t_before("date",interval('2022-01-01','2022-12-31')) |1
t_disjoint("date",interval('2022-01-01','2022-12-31')) |2
t_equals("date",interval('2022-01-01','2022-12-31')) |0
t_equals("date",interval('2022-04-16','2022-04-16')) |1
t_intersects("date",interval('2022-01-01','2022-12-31')) |1
t_after(start,timestamp('2022-04-16T10:13:19Z')) |1
t_disjoint(start,timestamp('2022-04-16T10:13:19Z')) |2
t_after(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z')) |0
t_before(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z')) |1
t_intersects(start,interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z')) |2
t_after(interval(start,end),interval('..','2022-04-16T10:13:19Z')) |1
t_before(interval(start,end),interval('2023-01-01T00:00:00Z','..')) |2
t_disjoint(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:09Z')) |1
t_equals(interval(start,end),interval('2021-04-16T10:15:59Z','2022-04-16T10:16:06Z')) |1
t_intersects(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:09Z')) |2
T_CONTAINS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |1
T_DURING(interval(start,end),interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z')) |1
T_FINISHES(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:16:06Z')) |1
T_FINISHEDBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:16:06Z')) |1
T_MEETS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |0
T_METBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |1
T_OVERLAPPEDBY(interval(start,end),interval('2020-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |2
T_OVERLAPS(interval(start,end),interval('2022-04-16T10:13:19Z','2023-04-16T10:15:10Z')) |1
T_STARTEDBY(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |1
T_STARTS(interval(start,end),interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')) |0
t_after(interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z'),start) |1
T_CONTAINS(interval('2021-04-16T10:13:19Z','2023-04-16T10:15:10Z'),interval(start,end)) |2
T_DURING(interval('2022-07-01T00:00:00Z','2022-12-31T23:59:59Z'),interval(start,end)) |1
T_MEETS(interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'),interval(start,end)) |1
T_STARTS(interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z'),interval(start,end)) |1
name>'København' and start IS NULL |135
"""


def cases(text: str) -> list[tuple[str, int]]:
    return [(line.rpartition("|")[0].strip(), int(line.rpartition("|")[2])) for line in text.strip().splitlines()]


@pytest.mark.parametrize(("predicate", "number"), cases(COUNTRIES))
def test_countries(countries: Part, predicate: str, number: int) -> None:
    assert compile_filter(predicate, pack=countries).count(countries) == number


@pytest.mark.parametrize(("predicate", "number"), cases(PLACES))
def test_places(places: Part, predicate: str, number: int) -> None:
    assert compile_filter(predicate, pack=places).count(places) == number


@pytest.mark.parametrize("shape", ["POINT(90 180)", "BBOX(-190,0,0,1)"])
def test_positions_that_are_none(countries: Part, shape: str) -> None:
    with pytest.raises(QueryError, match="position"):
        compile_filter(f"S_INTERSECTS(geom,{shape})", pack=countries)
