"""From a layer definition, the records and the boundaries to the layer: frame, legend, sources, join report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from geoplan.boundaries.load import Divisions
from geoplan.boundaries.sources import Source
from geoplan.crs import STORAGE, bounds_of
from geoplan.documents import PlanDocument
from geoplan.errors import LayerError
from geoplan.gazetteer import Gazetteer
from geoplan.layers.definition import LayerDefinition, SelectCoverage, SelectDivisions, SelectRecords
from geoplan.layers.divisions import area_codes, coverage_rows, division_rows
from geoplan.layers.facts import FACT_COLUMNS, Facts, Row, record_rows, select_records
from geoplan.layers.legend import classify, fill_classes
from geoplan.layers.placement import COARSE_TO_FINE, Shapes
from geoplan.layers.shares import add_shares
from geoplan.terms import Kind, Precision

LIST_COLUMNS = ("places", "candidates", "flags", "plans", "kinds", "citations", "quantities")
_INTEGERS = ("line", "seq", "shared_by", "stops_named", "stops_placed", "townships", "facts")
_DEPTH = {precision.value: i for i, precision in enumerate(COARSE_TO_FINE)}


@dataclass(frozen=True)
class Layer:
    """A built layer.

    `frame` is in EPSG:4490 with a RangeIndex, coarse features before fine ones so that these are drawn on top;
    `metadata` is what services and pages need to know of it; `report` is the join report.
    """

    frame: gpd.GeoDataFrame
    metadata: dict[str, Any]
    report: dict[str, Any]


def build_layer(
    definition: LayerDefinition,
    divisions: Divisions,
    shapes: Shapes,
    facts: Facts,
    gazetteer: Gazetteer,
    sources: Mapping[str, Source],
) -> Layer:
    """Build one declared layer.

    Raises
    ------
    LayerError
        If the definition names a column, source or division that does not exist, or leaves rows unmatched although
        it refuses that.
    """
    select = definition.select
    file = f"{definition.id}.toml"
    if isinstance(select, SelectDivisions | SelectCoverage):
        areas = area_codes(gazetteer, select.within, file)
        if isinstance(select, SelectDivisions):
            rows = division_rows(divisions, select.level, areas)
        else:
            rows = coverage_rows(divisions, select.level, areas, facts)
    else:
        records = select_records(facts, select)
        rows = [row for record in records for row in record_rows(record, facts, shapes, select, definition.measure)]
    for number, row in enumerate(rows, start=1):
        row["fid"] = number
    frame = _frame(rows) if rows else _empty(definition)
    if definition.measure is not None and definition.measure.shares:
        frame = add_shares(frame, divisions)
    classes, legend = classify(frame, definition)
    legend["unclassed"] = int((classes == -1).sum())
    frame.insert(1, "class", classes)
    frame.insert(2, "fill", fill_classes(frame, legend))
    report = join_report(frame)
    if report["unmatched"] and definition.unmatched == "refuse":
        raise LayerError(
            f"layers/{file}: {report['unmatched']} of {report['selected']} rows are not joined; see the join report."
        )
    return Layer(frame, _metadata(definition, frame, legend, report, facts, sources), report)


def join_report(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """What was selected, joined to a division and drawn, and why the rest was not.

    ``selected = joined + unmatched`` and ``joined = drawn + undrawn``. A row is joined when it is known to lie in a
    listed division; it stays undrawn when all that is known is a city or a province around a bare name.
    """
    drawn = ~frame.geometry.isna()
    joined = drawn | frame["division_code"].notna() | frame["places"].map(bool) if "places" in frame else drawn
    reasons: Counter[str] = Counter()
    listed = []
    for row in frame[~drawn].to_dict("records"):
        reason = _reason(row)
        reasons[reason] += 1
        listed.append(
            {"fid": row["fid"], "record": row.get("record"), "name": row["name"], "plan": row.get("plan"),
             "chapter": _text(row.get("chapter")), "line": row.get("line"), "span": _text(row.get("span")),
             "reason": reason}
        )  # fmt: skip
    return {
        "selected": len(frame), "joined": int(joined.sum()), "unmatched": int((~joined).sum()),
        "drawn": int(drawn.sum()), "undrawn": int((joined & ~drawn).sum()),
        "reasons": dict(sorted(reasons.items())), "rows": listed,
    }  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _reason(row: Row) -> str:
    flags = " ".join(row.get("flags") or ())
    if "ambiguous" in flags:
        return "the name fits several places"
    if "unlisted" in flags:
        return "the name is in no list and only its city is known"
    if row.get("precision") == Precision.REGION.value:
        return "an informal region without stated members"
    if row.get("kind") == Kind.ATTRACTION.value:
        return "only its city is known"
    return "the division has no polygon"


def _empty(definition: LayerDefinition) -> gpd.GeoDataFrame:
    """A fact layer that no plan has a fact for yet; a layer of divisions that selects none is a mistake.

    Raises
    ------
    LayerError
        If the layer selects divisions.
    """
    if not isinstance(definition.select, SelectRecords):
        raise LayerError(f"layers/{definition.id}.toml: select.within: no such division is drawn at this level.")
    frame = pd.DataFrame(
        {column: pd.Series(dtype=object) for column in FACT_COLUMNS} | {"fid": pd.Series(dtype="int64")}
    )
    return gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries([], crs=STORAGE))


def _frame(rows: list[Row]) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(rows)
    order = frame["precision"].map(_DEPTH)
    frame = frame.assign(_order=order).sort_values(["_order", "fid"], ignore_index=True).drop(columns="_order")
    columns = ["fid", *(column for column in frame.columns if column not in {"fid", "geometry"}), "geometry"]
    frame = frame[columns]
    for column in _INTEGERS:
        if column in frame:
            frame[column] = frame[column].astype("Int64")
    for column in LIST_COLUMNS:
        if column in frame:
            frame[column] = [value if isinstance(value, list) else [] for value in frame[column]]
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=STORAGE)


def _metadata(
    definition: LayerDefinition,
    frame: gpd.GeoDataFrame,
    legend: dict[str, Any],
    report: dict[str, Any],
    facts: Facts,
    sources: Mapping[str, Source],
) -> dict[str, Any]:
    unknown = [source for source in definition.sources if source not in sources]
    if unknown:
        raise LayerError(f"layers/{definition.id}.toml: sources: {', '.join(unknown)} is not in SOURCES.toml.")
    bounds = bounds_of(frame.geometry)
    cited = (
        [] if "plan" not in frame else [plan for plan in facts.plans.values() if plan.id in set(frame["plan"].dropna())]
    )
    return {
        "id": definition.id,
        "title": definition.title.model_dump(),
        "description": definition.description.model_dump(),
        "group": definition.group,
        "geometry": definition.geometry,
        "visible": definition.style.visible,
        "count": len(frame),
        "unplaced": int(frame.geometry.isna().sum()),
        "bounds": None if bounds is None else list(bounds),
        "legend": legend,
        "fill_levels": [Precision(level).value for level in definition.style.fill_levels],
        # Names of facts would cover the names of the divisions they lie in.
        "label_field": "name" if isinstance(definition.select, SelectDivisions) else None,
        "fields": [{"name": name, "type": _json_type(frame[name])} for name in frame.columns if name != "geometry"],
        "sources": [
            *map(_plan_source, cited),
            *(_boundary_source(sources[name]) for name in definition.sources),
            *_import_sources(frame, sources),
        ],
        "report": {key: value for key, value in report.items() if key != "rows"},
    }  # fmt: skip


def _plan_source(plan: PlanDocument) -> dict[str, str]:
    inferred = "标题据内容推定" if plan.title_inferred else ""
    detail = " ".join(filter(None, (plan.issuer, plan.number, plan.date, inferred)))
    return {"kind": "plan", "id": plan.id, "title": plan.title, "detail": detail}


def _boundary_source(source: Source) -> dict[str, str]:
    detail = "; ".join(filter(None, (source.publisher, source.as_of, source.approval_number, source.notice)))
    return {"kind": "boundary", "id": source.id, "title": source.title, "detail": detail}


def _import_sources(frame: gpd.GeoDataFrame, sources: Mapping[str, Source]) -> list[dict[str, str]]:
    """Files that the user imported boundaries from, as far as the layer shows them."""
    if "source" not in frame:
        return []
    own = frame[~frame["source"].isin([*sources, "schematic"])]
    dates = own.drop_duplicates("source").sort_values("source")
    return [
        {"kind": "boundary", "id": source, "title": source, "detail": f"imported; {as_of or 'no date stated'}"}
        for source, as_of in zip(dates["source"], dates["as_of"], strict=True)
    ]


def _json_type(column: pd.Series[Any]) -> str:
    if column.name in LIST_COLUMNS:
        return "array"
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    return "number" if pd.api.types.is_float_dtype(column) else "string"
