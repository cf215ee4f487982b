"""Rows of a fact layer: one feature for every place of a fact, for a fact as a whole, or for a route's extent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.documents import PlanDocument
from geoplan.layers.definition import MeasureSpec, SelectRecords
from geoplan.layers.placement import COARSE_TO_FINE, Located, Shapes
from geoplan.records import PlanRecord, Quantity
from geoplan.terms import GeometrySource, Per, Precision, label
from geoplan.units import parse_unit

Row = dict[str, Any]

_SI_ZH = {
    "hectare": "公顷", "kg": "千克", "CNY": "元", "head": "头（只）", "one": "个", "metre": "米",
    "watt": "瓦", "joule": "焦", "cubic metre": "立方米", "hectare-treatment": "公顷次",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """The reviewed facts of all plans with the divisions they are known to lie in.

    `located` holds the places of every record by its id; `regions` the member codes of informal regions whose
    members a source states.
    """

    plans: Mapping[str, PlanDocument]
    records: Sequence[PlanRecord]
    located: Mapping[str, tuple[Located, ...]]
    regions: Mapping[str, tuple[str, ...]]


def select_records(facts: Facts, select: SelectRecords) -> list[PlanRecord]:
    """Records that a layer shows, in the order of the plans and their lines."""
    return [
        record
        for record in facts.records
        if record.kind in select.kinds and (not select.themes or record.theme in select.themes)
    ]


def record_rows(
    record: PlanRecord, facts: Facts, shapes: Shapes, select: SelectRecords, measure: MeasureSpec | None
) -> list[Row]:
    """Features of one record, geometry in EPSG:4490 or None where only a name is known."""
    located = facts.located[record.id]
    common = _common(record, facts)
    if not located:
        return [common | _figure(record, measure, 1) | _region(record, facts, shapes)]
    if select.shape == "union":
        return [common | _figure(record, measure, 1) | _union(located, shapes)]
    if select.shape == "extent":
        return [common | _figure(record, measure, 1) | _extent(record, facts, shapes, located)]
    figure = _figure(record, measure, len(located))
    return [common | figure | _place(place, shapes) for place in located]


def si_text(value: Decimal, unit: str) -> str:
    """A converted value for people, in Chinese: ``20,000 公顷``, ``50%``."""
    if unit == "fraction":
        return f"{(value * 100).normalize():f}%"
    base, _, rate = unit.partition("/")
    rounded = value.quantize(Decimal("0.01")) if value != value.to_integral_value() and abs(value) >= 1 else value
    return f"{rounded.normalize():,f} {_SI_ZH[base]}{'/年' if rate else ''}"


def _common(record: PlanRecord, facts: Facts) -> Row:
    plan = facts.plans[record.plan]
    return {
        "record": record.id, "name": record.name, "kind": record.kind.value, "theme": record.theme,
        "plan": record.plan, "plan_title": plan.title, "line": record.citation.line, "span": record.citation.span,
        "status": record.status.value, "period": record.period or None, "region": record.region or None,
        "note": record.note or None, "part_of": record.part_of or None, "seq": record.seq,
        "duplicate_of": record.duplicate_of or None, "kind_zh": label(record.kind).zh,
        "theme_zh": label(record.theme).zh, "status_zh": label(record.status).zh,
        "quantities": [_quantity(quantity, record) for quantity in record.quantities],
    }  # fmt: skip


def _figure(record: PlanRecord, measure: MeasureSpec | None, places: int) -> Row:
    """The figure a feature shows.

    A total that several features share is not repeated on each of them as its value: it would be summed over and
    over. Its text says so instead, and `shared_by` counts the features.
    """
    quantity = _chosen(record, measure)
    names = (
        "measure",
        "value",
        "value_max",
        "unit",
        "value_si",
        "unit_si",
        "qualifier",
        "qualifier_zh",
        "change",
        "per",
    )
    row: Row = dict.fromkeys((*names, "value_text", "value_si_text", "shared_by", "measure_value"))
    if quantity is None:
        return row
    shared = places > 1 and quantity.per is not Per.EACH
    row |= {
        "measure": quantity.measure.value, "unit": quantity.unit, "unit_si": quantity.unit_si,
        "qualifier": quantity.qualifier.value, "qualifier_zh": label(quantity.qualifier).zh or None,
        "change": quantity.change, "per": quantity.per,
        "value_text": f"合计 {quantity.text}（{places} 处共同）" if shared else quantity.text,
        "value_si_text": si_text(quantity.value_si, quantity.unit_si), "shared_by": places if shared else None,
        "status": (quantity.status or record.status).value, "period": quantity.period or record.period or None,
    }  # fmt: skip
    row["status_zh"] = label(quantity.status or record.status).zh
    if not shared:
        row |= {"value": float(quantity.value), "value_si": float(quantity.value_si)}
        row["value_max"] = None if quantity.value_max is None else float(quantity.value_max)
        row["measure_value"] = _in_unit(quantity, measure)
    return row


def _chosen(record: PlanRecord, measure: MeasureSpec | None) -> Quantity | None:
    wanted = [quantity for quantity in record.quantities if measure is None or quantity.measure is measure.name]
    return next(iter(wanted or record.quantities), None)


def _in_unit(quantity: Quantity, measure: MeasureSpec | None) -> float | None:
    """The value in the unit that the layer compares in; None where it measures something else."""
    if measure is None or quantity.measure is not measure.name:
        return None
    own, common = parse_unit(quantity.unit), parse_unit(measure.unit)
    return float(Fraction(quantity.value) * own.factor / common.factor) if own.unit_si == common.unit_si else None


def _quantity(quantity: Quantity, record: PlanRecord) -> Row:
    """A figure for the list of all figures of a fact; the exact decimals are kept as text."""
    return {
        "measure": quantity.measure.value, "measure_zh": label(quantity.measure).zh, "text": quantity.text,
        "value": str(quantity.value), "unit": quantity.unit, "value_si": f"{quantity.value_si:f}",
        "unit_si": quantity.unit_si, "si_text": si_text(quantity.value_si, quantity.unit_si),
        "qualifier": quantity.qualifier.value, "qualifier_zh": label(quantity.qualifier).zh,
        "change": quantity.change, "change_zh": label(quantity.change).zh if quantity.change else None,
        "per": quantity.per, "status": (quantity.status or record.status).value,
        "status_zh": label(quantity.status or record.status).zh, "period": quantity.period or record.period or None,
        "line": quantity.citation.line, "span": quantity.citation.span,
    }  # fmt: skip


def _place(place: Located, shapes: Shapes) -> Row:
    geometry, source = shapes.of(place.division)
    # A name the lists do not have, or that fits several places, is no place of the city it is said to be in.
    if (
        place.flags
        and place.flags[0].startswith(("unlisted", "ambiguous"))
        and place.precision in {Precision.CITY, Precision.PROVINCE}
    ):
        geometry, source = None, GeometrySource.NONE
    return _where([place], geometry, source, place.precision)


def _union(located: Sequence[Located], shapes: Shapes) -> Row:
    parts = [shapes.of(place.division) for place in located]
    drawn = [(geometry, source) for geometry, source in parts if geometry is not None]
    precision = min((place.precision for place in located), key=COARSE_TO_FINE.index)
    if not drawn:
        return _where(located, None, GeometrySource.NONE, precision)
    sources = {source for _, source in drawn}
    source = GeometrySource.SCHEMATIC if GeometrySource.SCHEMATIC in sources else min(sources)
    return _where(located, shapely.union_all([geometry for geometry, _ in drawn]), source, precision)


def _extent(record: PlanRecord, facts: Facts, shapes: Shapes, located: Sequence[Located]) -> Row:
    """The counties that a route's stops lie in, or its own places where no stop is placed to a county.

    No plan gives the course of a road, and most townships have no known place, so no line is drawn.
    """
    stops = [stop for stop in facts.records if stop.part_of == record.id and stop.seq is not None]
    by_stop = [{code for place in facts.located[stop.id] for code in _counties(place)} for stop in stops]
    counties = tuple(sorted(set().union(*by_stop)))
    counts = {"stops_named": len(stops), "stops_placed": sum(map(bool, by_stop))}
    if not counties:
        return _union(located, shapes) | counts
    geometry, source = shapes.union(counties)
    return _where(located, geometry, source, Precision.COUNTY) | counts


def _counties(place: Located) -> set[str]:
    """Codes of the counties that a place lies in; none for a city or a province."""
    codes = place.division.members or (place.division.drawn_code,)
    return {code[:6] for code in codes if not code[:6].endswith("00")}


def _region(record: PlanRecord, facts: Facts, shapes: Shapes) -> Row:
    codes = facts.regions.get(record.region, ())
    geometry, source = shapes.union(codes)
    return _where([], geometry, source, Precision.REGION) | {"division_name": record.region}


def _where(
    located: Sequence[Located], geometry: BaseGeometry | None, source: GeometrySource, precision: Precision
) -> Row:
    divisions = [place.division for place in located]
    one = divisions[0] if len({division.code for division in divisions}) == 1 else None
    names = "、".join(dict.fromkeys(division.name for division in divisions)) or None
    return {
        "division_name": one.name if one else names, "division_code": one.code if one else None,
        "division_path": f"{one.parent}/{one.name}".strip("/") if one else None,
        "places": [place.name for place in located],
        "candidates": [candidate for place in located for candidate in place.candidates],
        "flags": [flag for place in located for flag in place.flags],
        "precision": precision.value, "precision_zh": label(precision).zh,
        "geometry_source": source.value, "geometry_source_zh": label(source).zh, "geometry": geometry,
    }  # fmt: skip
