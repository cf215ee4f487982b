"""Rows of a fact layer: one feature for every place of a fact, for a fact as a whole, or for a route's extent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from geoplan.documents import PlanDocument
from geoplan.documents.outline import Outline
from geoplan.layers.definition import MeasureSpec, SelectRecords
from geoplan.layers.placement import COARSE_TO_FINE, Located, Shape, Shapes, merge
from geoplan.records import PlanRecord, Quantity
from geoplan.terms import GeometrySource, Kind, Per, Precision, label
from geoplan.units import convert, parse_unit

Row = dict[str, Any]

FACT_COLUMNS = (
    "record", "name", "kind", "theme", "plan", "plan_title", "chapter", "line", "span", "status", "period", "region",
    "note", "part_of", "seq", "duplicate_of", "kind_zh", "theme_zh", "status_zh", "quantities", "measure", "value",
    "value_max", "unit", "value_si", "unit_si", "qualifier", "qualifier_zh", "change", "per", "value_text",
    "value_si_text", "shared_by", "measure_value", "division_name", "division_code", "division_path", "places",
    "candidates", "flags", "precision", "precision_zh", "geometry_source", "geometry_source_zh",
)  # fmt: skip
"""Columns of every fact layer."""

_SI_ZH = {
    "hectare": "公顷", "kg": "千克", "CNY": "元", "head": "头（只）", "one": "个", "metre": "米",
    "watt": "瓦", "joule": "焦", "volt-ampere": "伏安", "USD": "美元", "cubic metre": "立方米",
    "hectare-treatment": "公顷次", "month": "月", "day": "天",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """The reviewed facts of all plans with the divisions they are known to lie in.

    `located` holds the places of every record by its id; `regions` the member codes of informal regions whose
    members a source states; `outlines` the chapter numbers of the plans whose outline is known.
    """

    plans: Mapping[str, PlanDocument]
    records: Sequence[PlanRecord]
    located: Mapping[str, tuple[Located, ...]]
    regions: Mapping[str, tuple[str, ...]]
    outlines: Mapping[str, Outline] = field(default_factory=dict)


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
    if select.shape == "places" and located:
        figure = _figure(record, measure, len(located))
        return [common | figure | _where([place], drawn_shape(place, record.kind, shapes)) for place in located]
    if select.shape == "extent":
        where = _extent(record, facts, shapes)
    elif located:
        where = _union(record, located, shapes)
    else:
        where = _region(record, facts, shapes)
    return [common | _figure(record, measure, 1) | where]


def converted_text(quantity: Quantity) -> str | None:
    """The converted figure for people, in Chinese (``20,000 公顷``); None where it says nothing new (10 个, 50 %).

    Both ends of a range are converted. From a thousand on, whole units are shown: the figures of plans have four
    digits at most, and so have their conversions.
    """
    unit = parse_unit(quantity.unit)
    if unit.factor == 1 or unit.si == "fraction":
        return None
    ends = [quantity.value] if quantity.value_max is None else [quantity.value, quantity.value_max]
    rate = f"/{_SI_ZH.get(unit.rate, unit.rate)}" if unit.rate else ""
    name = f"{_SI_ZH[unit.si]}{rate}{'/年' if unit.per_year else ''}"
    return f"{' – '.join(_rounded(convert(end, unit)) for end in ends)} {name}"


def _rounded(value: Decimal) -> str:
    step = Decimal(1) if abs(value) >= 1000 else Decimal("0.01") if abs(value) >= 1 else value.normalize()
    return f"{value.quantize(step).normalize():,f}"


def _common(record: PlanRecord, facts: Facts) -> Row:
    plan = facts.plans[record.plan]
    chapter = facts.outlines.get(record.plan, Outline()).at(record.citation.line)
    return {
        "record": record.id, "name": record.name, "kind": record.kind.value, "theme": record.theme,
        "plan": record.plan, "plan_title": plan.title, "chapter": chapter or None,
        "line": record.citation.line, "span": record.citation.span, "status": record.status.value,
        "period": record.period or None, "region": record.region or None,
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
        "value_text": f"合计 {quantity.text}（规划点名 {places} 处）" if shared else quantity.text,
        "value_si_text": converted_text(quantity), "shared_by": places if shared else None,
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
    others = () if measure is not None and measure.only else record.quantities
    return next(iter(wanted or others), None)


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
        "unit_si": quantity.unit_si, "si_text": converted_text(quantity),
        "qualifier": quantity.qualifier.value, "qualifier_zh": label(quantity.qualifier).zh,
        "change": quantity.change, "change_zh": label(quantity.change).zh if quantity.change else None,
        "per": quantity.per, "status": (quantity.status or record.status).value,
        "status_zh": label(quantity.status or record.status).zh, "period": quantity.period or record.period or None,
        "line": quantity.citation.line, "span": quantity.citation.span,
    }  # fmt: skip


def drawn_shape(place: Located, kind: Kind, shapes: Shapes) -> Shape:
    """What is drawn for a place of a fact of some kind.

    A spot known only by its city is no place of that city; neither is a name that no list has, or that fits several
    places. Such names are listed, not drawn.
    """
    is_name = kind is Kind.ATTRACTION or any(flag.startswith(("unlisted", "ambiguous")) for flag in place.flags)
    if is_name and place.precision in {Precision.CITY, Precision.PROVINCE}:
        return Shape(None, GeometrySource.NONE, place.precision)
    return shapes.of(place)


def _union(record: PlanRecord, located: Sequence[Located], shapes: Shapes) -> Row:
    parts = [drawn_shape(place, record.kind, shapes) for place in located]
    precision = min((part.precision for part in parts), key=COARSE_TO_FINE.index)
    return _where(located, merge(parts, precision))


def _extent(record: PlanRecord, facts: Facts, shapes: Shapes) -> Row:
    """The counties that a route's stops lie in, or its own places where no stop is placed to a county.

    No plan gives the course of a road, and most townships have no known place, so no line is drawn.
    """
    stops = [stop for stop in facts.records if stop.part_of == record.id and stop.seq is not None]
    by_stop = [
        shapes.counties & {code[:6] for place in facts.located[stop.id] for code in place.codes} for stop in stops
    ]
    counties = sorted(set().union(*by_stop))
    counts = {"stops_named": len(stops), "stops_placed": sum(map(bool, by_stop))}
    located = facts.located[record.id]
    if counties:
        return _where(located, shapes.union(counties, Precision.COUNTY)) | counts
    return (_union(record, located, shapes) if located else _region(record, facts, shapes)) | counts


def _region(record: PlanRecord, facts: Facts, shapes: Shapes) -> Row:
    shape = shapes.union(facts.regions.get(record.region, ()), Precision.REGION)
    return _where([], shape) | {"division_name": record.region}


def _where(located: Sequence[Located], shape: Shape) -> Row:
    divisions = [place.division for place in located]
    one = divisions[0] if len({division.code for division in divisions}) == 1 else None
    names = "、".join(dict.fromkeys(division.name for division in divisions)) or None
    return {
        "division_name": one.name if one else names, "division_code": one.code if one else None,
        "division_path": f"{one.parent}/{one.name}".strip("/") if one else None,
        "places": [place.name for place in located],
        "candidates": [candidate for place in located for candidate in place.candidates],
        "flags": [flag for place in located for flag in place.flags],
        "precision": shape.precision.value, "precision_zh": label(shape.precision).zh,
        "geometry_source": shape.source.value, "geometry_source_zh": label(shape.source).zh, "geometry": shape.geometry,
    }  # fmt: skip
