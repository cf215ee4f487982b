"""What records say of one another: references that must hold, and differences a reader should know of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction

from geoplan.errors import Problem
from geoplan.records.model import PlanRecord, Quantity
from geoplan.terms import Kind, Qualifier
from geoplan.units import parse_unit


def check_references(
    records: Sequence[PlanRecord], also: Iterable[str] = (), rows: Mapping[str, int] | None = None
) -> list[Problem]:
    """Faults of `part_of` and `duplicate_of` over all files.

    A reference names another record; an original is no repetition itself, so that of facts that repeat one another
    one stays counted.

    Parameters
    ----------
    also
        Ids that stand in the files too, of facts that a bad cell kept from being read.
    rows
        Row of each record, for the problems.
    """
    known = {*also, *(record.id for record in records)}
    repeating = {record.id for record in records if record.duplicate_of}
    problems = []
    for record in records:
        where = (f"{record.plan}.csv", (rows or {}).get(record.id, 0))
        for column, target in (("part_of", record.part_of), ("duplicate_of", record.duplicate_of)):
            if target and (target not in known or target == record.id):
                message = f"{record.id} names {target!r}, which is no other record."
                problems.append(Problem("unknown-reference", message, *where, column))
        if record.duplicate_of in repeating and record.duplicate_of != record.id:
            message = f"{record.id} repeats {record.duplicate_of}, which is marked as a repetition itself."
            problems.append(Problem("chained-repetition", message, *where, "duplicate_of", "Name the first of them."))
    return problems


def note_differences(records: Sequence[PlanRecord], rows: Mapping[str, int] | None = None) -> list[Problem]:
    """What is no fault of the records but of the plans, or worth a second look.

    Parts of a farmland quota that do not add up to the quota, and repetitions whose figure differs from the original's.
    """
    by_id = {record.id: record for record in records}
    notes = []
    for record in records:
        where = (f"{record.plan}.csv", (rows or {}).get(record.id, 0))
        original = by_id.get(record.duplicate_of)
        if original is not None and (message := _difference(record, original)):
            notes.append(Problem("repetition-differs", message, *where, "duplicate_of"))
        if record.kind is Kind.FARMLAND and (message := _sum_of_parts(record, records)):
            notes.append(Problem("sum-differs", message, *where, "value"))
    return notes


def _difference(record: PlanRecord, original: PlanRecord) -> str:
    for quantity in record.quantities:
        same = [
            other
            for other in original.quantities
            if other.measure is quantity.measure
            and (other.status or original.status) is (quantity.status or record.status)
        ]
        if same and not any(_figure(other) == _figure(quantity) for other in same):
            return f"{record.id} repeats {original.id} with another figure: {_text(quantity)}, there {_text(same[0])}."
    return ""


def _sum_of_parts(total: PlanRecord, records: Sequence[PlanRecord]) -> str:
    """A message when at least two parts of a total, of the same measure and change, do not add up to it."""
    for quantity in total.quantities:
        if quantity.qualifier is not Qualifier.EXACT:
            continue
        parts = [
            part
            for record in records
            if record.part_of == total.id and record.theme == total.theme and not record.duplicate_of
            for part in record.quantities
            if (part.measure, part.change, part.unit_si) == (quantity.measure, quantity.change, quantity.unit_si)
        ]
        stated, found = _exact(quantity), sum(map(_exact, parts))
        if len(parts) > 1 and found != stated:
            shown = float(found / parse_unit(quantity.unit).factor)
            sums = f"the {len(parts)} parts of {total.id} add up to {shown:g} {quantity.unit}"
            return f"{sums}, it states {quantity.text}."
    return ""


def _exact(quantity: Quantity) -> Fraction:
    return Fraction(quantity.value) * parse_unit(quantity.unit).factor


def _figure(quantity: Quantity) -> tuple[Fraction, Qualifier]:
    return _exact(quantity), quantity.qualifier


def _text(quantity: Quantity) -> str:
    return quantity.text if quantity.qualifier is Qualifier.EXACT else f"{quantity.qualifier.value} {quantity.text}"
