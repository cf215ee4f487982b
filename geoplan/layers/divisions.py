"""Rows of the layers that show divisions themselves: boundaries, and what the plans say of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import geopandas as gpd
import numpy as np

from geoplan.boundaries.load import Divisions
from geoplan.codes import is_inside
from geoplan.crs import area_m2
from geoplan.errors import LayerError, PlaceError
from geoplan.gazetteer import Gazetteer, resolve_place
from geoplan.layers.facts import Facts, Row
from geoplan.terms import GeometrySource, Kind, Level, Precision, label


def area_codes(gazetteer: Gazetteer, names: Sequence[str], file: str) -> list[str]:
    """Codes of the divisions that a layer file selects in.

    Raises
    ------
    LayerError
        If a name is not one division.
    """
    try:
        return [resolve_place(gazetteer, name).one.code for name in names]
    except PlaceError as error:
        raise LayerError(f"layers/{file}: select.within: {error}") from None


def division_rows(divisions: Divisions, level: Level, areas: list[str]) -> list[Row]:
    """One row a division of `level` inside `areas`, geometry in EPSG:4490.

    ``area_km2`` is on the ellipsoid and empty for schematic shapes, which have no area of their own.
    """
    frame = _inside(divisions.drawn(level), areas)
    areas_km2 = np.round(area_m2(frame.geometry) / 1e6, 6)
    names = dict(zip(divisions.names["code"], divisions.names["name"], strict=True))
    townships = Counter(divisions.names.loc[divisions.names["level"].eq(Level.TOWNSHIP.value), "parent"])
    rows = []
    for row, area in zip(frame.itertuples(index=False), areas_km2, strict=True):
        source = GeometrySource(row.geometry_source)
        rows.append(
            _division(row.code, row.name, Precision(level.value), source, names.get(row.parent, ""))
            | {
                "area_km2": None if source is GeometrySource.SCHEMATIC else float(area),
                "townships": townships.get(row.code) if level is Level.COUNTY else None,
                "siting": _siting(source, getattr(row, "anchored", None)), "source": row.source,
                "as_of": row.as_of, "datum": row.datum, "geometry": row.geometry,
            }
        )  # fmt: skip
    return rows


def coverage_rows(divisions: Divisions, level: Level, areas: list[str], facts: Facts) -> list[Row]:
    """One row a division with the facts that name it or a place inside it; repetitions are not counted."""
    frame = _inside(divisions.drawn(level), areas)
    known = set(frame["code"])
    by_division: dict[str, dict[str, list[str]]] = {}
    kinds: dict[str, Counter[Kind]] = {}
    for record in facts.records:
        if record.duplicate_of:
            continue
        codes = {code for place in facts.located[record.id] for code in place.codes}
        for code in {_among(known, code) for code in codes} - {""}:
            by_division.setdefault(code, {}).setdefault(record.plan, []).append(f"{record.plan}:{record.citation.line}")
            kinds.setdefault(code, Counter())[record.kind] += 1
    names = dict(zip(divisions.names["code"], divisions.names["name"], strict=True))
    rows = []
    for row in frame.itertuples(index=False):
        cited = by_division.get(row.code, {})
        plan = next((plan for plan in facts.plans if plan in cited), None)
        counts = kinds.get(row.code, Counter())
        source = GeometrySource(row.geometry_source)
        rows.append(
            _division(row.code, row.name, Precision(level.value), source, names.get(row.parent, ""))
            | {
                "facts": sum(map(len, cited.values())),
                "plans": [f"{plan} {len(cited[plan])}" for plan in facts.plans if plan in cited],
                "kinds": [f"{label(kind).zh} {counts[kind]}" for kind in Kind if counts[kind]],
                "citations": [citation for plan in facts.plans for citation in cited.get(plan, ())],
                "plan": plan, "plan_title": facts.plans[plan].title if plan else None,
                "line": int(cited[plan][0].split(":")[1]) if plan else None,
                "source": row.source, "as_of": row.as_of, "geometry": row.geometry,
            }
        )  # fmt: skip
    return rows


def _inside(frame: gpd.GeoDataFrame, areas: list[str]) -> gpd.GeoDataFrame:
    return frame[[any(is_inside(code, area) for area in areas) for code in frame["code"]]]


def _among(codes: set[str], code: str) -> str:
    """The one of `codes` that is `code` or contains it; empty when `code` is coarser than all of them."""
    return next((ancestor for ancestor in (code, code[:9], code[:6]) if ancestor in codes), "")


def _division(code: str, name: str, precision: Precision, source: GeometrySource, parent: str) -> Row:
    return {
        "name": name, "division_name": name, "division_code": code, "parent_name": parent,
        "precision": precision.value, "precision_zh": label(precision).zh,
        "geometry_source": source.value, "geometry_source_zh": label(source).zh,
    }  # fmt: skip


def _siting(source: GeometrySource, anchored: object) -> str | None:
    """What a drawn township's place rests on, a key of `terms.SITINGS`; None for other levels."""
    if anchored is None:
        return None
    if source is not GeometrySource.SCHEMATIC:
        return "official"
    return "anchored" if anchored else "unknown"
