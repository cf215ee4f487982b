"""Generated records: what was written is read again."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoplan.provenance import Citation
from geoplan.records import Mark, PlaceRef, PlanRecord, Quantity, read_records, write_records
from geoplan.terms import THEMES, Change, Kind, Measure, Per, Qualifier, Status
from geoplan.units import _BASE as UNIT_TABLE
from geoplan.units import _DIMENSIONS as DIMENSIONS
from geoplan.units import parse_unit

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(str.strip)
names = st.text(st.characters(categories=["Lo", "Nd"]), min_size=1, max_size=6)
spans = st.tuples(st.integers(0, 500), st.integers(1, 200)).map(lambda pair: (pair[0], pair[0] + pair[1]))
numbers = st.one_of(
    st.integers(0, 10**9).map(Decimal),
    st.decimals(0, 10**6, allow_nan=False, places=3),
    st.decimals(0, Decimal("0.0001"), allow_nan=False, places=9),
)
periods = st.one_of(
    st.just(""), st.integers(1949, 2099).map(str), st.integers(2000, 2050).map(lambda year: f"{year}-{year + 5}")
)
places = st.builds(
    PlaceRef,
    path=st.lists(names, min_size=1, max_size=3).map(tuple),
    mark=st.sampled_from(Mark),
    written=st.one_of(st.just(""), names),
)
FITTING = {
    measure: sorted(unit for unit in UNIT_TABLE if parse_unit(unit).si in DIMENSIONS[measure]) for measure in Measure
}


@st.composite
def quantities(draw: st.DrawFn, citation: Citation, status: Status, period: str) -> Quantity:
    measure = draw(st.sampled_from(Measure))
    low, high = draw(numbers), draw(st.one_of(st.none(), numbers))
    qualifiers = [q for q in Qualifier if q is not Qualifier.RANGE]
    values: dict[str, Any] = {"value": low, "qualifier": draw(st.sampled_from(qualifiers))}
    if high is not None and high != low:
        values = {"value": min(low, high), "value_max": max(low, high), "qualifier": Qualifier.RANGE}
    own = draw(st.tuples(st.integers(1, 99), spans))
    elsewhere = Citation(citation.plan, own[0], *own[1])
    return Quantity(
        measure=measure,
        unit=draw(st.sampled_from(["", "万", "亿"])) + draw(st.sampled_from(FITTING[measure])),
        change=draw(st.sampled_from([None, *Change])),
        per=draw(st.sampled_from([None, *Per])),
        status=draw(st.sampled_from([None, *(other for other in Status if other is not status)])),
        period=draw(st.one_of(st.just(""), periods.filter(lambda other: other != period))),
        citation=draw(st.sampled_from([citation, elsewhere])),
        **values,
    )


@st.composite
def record_lists(draw: st.DrawFn) -> list[PlanRecord]:
    made = []
    for number in range(1, draw(st.integers(1, 4)) + 1):
        line = draw(st.integers(1, 9999))
        citation = Citation("p", line, *draw(spans))
        status, period = draw(st.sampled_from(Status)), draw(periods)
        made.append(
            PlanRecord(
                id=f"p-{line}-{number:02d}",
                kind=draw(st.sampled_from(Kind)),
                theme=draw(st.sampled_from(sorted(THEMES))),
                name=draw(texts.filter(bool)),
                places=tuple(draw(st.lists(places, max_size=3))),
                region=draw(texts.filter(bool)),
                status=status,
                period=period,
                part_of=draw(st.sampled_from(["", "p-1-01"])),
                seq=draw(st.sampled_from([None, 1, 12])),
                duplicate_of=draw(st.sampled_from(["", "q-1-01"])),
                quantities=tuple(draw(st.lists(quantities(citation, status, period), max_size=3))),
                citation=citation,
                note=draw(texts),
            )
        )
    return made


@given(record_lists(), st.sampled_from(["\n", "\r\n"]))
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_generated_records_are_read_as_they_were_written(
    tmp_path: Path, records: list[PlanRecord], line_end: str
) -> None:
    file = tmp_path / "p.csv"
    text = write_records(records)
    # A spreadsheet puts a byte order mark before and ends lines with CRLF.
    file.write_bytes(text.replace("\n", line_end).encode("utf-8-sig" if line_end == "\r\n" else "utf-8"))
    read = read_records(file)
    assert read.problems == []
    assert read.records == records
    digits = [f"{q.value:f}" for record in records for q in record.quantities]
    assert [f"{q.value:f}" for record in read.records for q in record.quantities] == digits
