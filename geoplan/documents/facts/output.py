"""Drafted facts as files: JSON lines, the CSV of a record file with two more columns, and the mentions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from geoplan.documents.document import Document
from geoplan.documents.facts.draft import Draft, DraftPlace, DraftQuantity
from geoplan.documents.facts.extract import is_division
from geoplan.documents.places.mention import Flag, Mention
from geoplan.gazetteer import Gazetteer
from geoplan.records import COLUMNS
from geoplan.terms import Level
from geoplan.units import convert, parse_unit

DRAFT_COLUMNS = (*COLUMNS, "confidence", "reasons")
_BOM = "\ufeff"


def draft_ids(document: str, drafts: Sequence[Draft]) -> list[str]:
    """Ids of the drafts in order: ``<doc>-<line>-<nn>``, counted within the line."""
    counts: dict[int, int] = {}
    ids = []
    for draft in drafts:
        counts[draft.span.line] = counts.get(draft.span.line, 0) + 1
        ids.append(f"{document}-{draft.span.line}-{counts[draft.span.line]:02d}")
    return ids


def json_lines(document: Document, drafts: Sequence[Draft], gazetteer: Gazetteer) -> Iterator[str]:
    """One JSON object a draft, as ``geoplan extract --format jsonl`` writes it."""
    ids = draft_ids(document.id, drafts)
    for draft_id, draft in zip(ids, drafts, strict=True):
        yield _json(draft_record(document, draft, draft_id, ids, gazetteer))


def draft_record(
    document: Document, draft: Draft, draft_id: str, ids: Sequence[str], gazetteer: Gazetteer
) -> dict[str, Any]:
    """The JSON object of one draft. Values are decimal strings: exact, as written and in SI."""
    return {
        "id": draft_id,
        "doc": document.id,
        "line": draft.span.line,
        "span": [draft.span.start, draft.span.end],
        "kind": draft.kind.value,
        "name": draft.name,
        "theme": draft.theme,
        "places": [_place(document, place, gazetteer) for place in draft.places],
        "scope": draft.scope,
        "region": draft.region,
        "quantities": [_quantity(document, quantity) for quantity in draft.quantities],
        "period": _period(draft.period),
        "status": draft.status.value,
        "precision": draft.precision.value,
        "confidence": draft.confidence,
        "reasons": list(draft.reasons),
        "part_of": ids[draft.part_of] if draft.part_of is not None else "",
        "seq": draft.seq,
        "headings": list(draft.headings),
    }


def _place(document: Document, place: DraftPlace, gazetteer: Gazetteer) -> dict[str, Any]:
    mention, span = place.mention, place.span
    return {
        "text": document.lines[span.line - 1][span.start : span.end],
        "line": span.line,
        "span": [span.start, span.end],
        "name": mention.name,
        "level": mention.level.value,
        "code": mention.code,
        "county": _at_level(gazetteer, mention, Level.COUNTY),
        "city": _at_level(gazetteer, mention, Level.CITY),
        "path": list(mention.path),
        "precision": mention.level.value,
        "flags": [flag.value for flag in mention.flags],
        "candidates": list(mention.candidates),
        "members": list(mention.members),
    }


def _at_level(gazetteer: Gazetteer, mention: Mention, level: Level) -> str:
    """Name of the county or city that a place is or lies in; empty where it is not known."""
    code = mention.code or mention.parent
    while code in gazetteer.divisions:
        division = gazetteer.divisions[code]
        if division.level is level:
            return division.name
        code = division.parent
    # A village's code is in no table; its path ends below its township.
    return _at_level(gazetteer, replace(mention, code="", parent=mention.parent), level) if mention.code else ""


def _quantity(document: Document, quantity: DraftQuantity) -> dict[str, Any]:
    amount, span = quantity.amount, quantity.span
    unit = parse_unit(amount.unit)
    record: dict[str, Any] = {
        "text": document.lines[span.line - 1][span.start : span.end],
        "line": span.line,
        "span": [span.start, span.end],
        "measure": amount.measure.value,
        "value": f"{amount.value:f}",
        "unit": amount.unit,
        "value_si": f"{convert(amount.value, unit):f}",
        "unit_si": unit.unit_si,
        "qualifier": amount.qualifier.value,
        "change": amount.change.value if amount.change else None,
        "per": amount.per.value if amount.per else None,
        "status": amount.status.value if amount.status else None,
        "period": _period(amount.period),
    }
    if amount.value_max is not None:
        record |= {"value_max": f"{amount.value_max:f}", "value_max_si": f"{convert(amount.value_max, unit):f}"}
    return record


def _period(period: str) -> dict[str, int] | None:
    if not period:
        return None
    begin, _, end = period.partition("-")
    return {"from": int(begin), "to": int(end)} if end else {"at": int(begin)}


def mention_lines(document: Document, mentions: Iterable[DraftPlace]) -> Iterator[str]:
    """One JSON object a place mention: line, start, end, text, level, name, code, flags."""
    for place in mentions:
        mention, span = place.mention, place.span
        yield _json(
            {
                "line": span.line,
                "start": span.start,
                "end": span.end,
                "text": document.lines[span.line - 1][span.start : span.end],
                "level": mention.level.value,
                "name": mention.name,
                "code": mention.code,
                "flags": [flag.value for flag in mention.flags],
            }
        )


def draft_csv(document: Document, drafts: Sequence[Draft], area_path: tuple[str, ...]) -> str:
    """The drafts as a record file with the columns ``confidence`` and ``reasons``; UTF-8 text with a byte order mark.

    Parameters
    ----------
    area_path
        Names from the province down to the document's own area: places are written relative to it.
    """
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, DRAFT_COLUMNS, lineterminator="\n", restval="")
    writer.writeheader()
    ids = draft_ids(document.id, drafts)
    for draft_id, draft in zip(ids, drafts, strict=True):
        writer.writerows(_csv_rows(draft, draft_id, ids, area_path))
    return _BOM + stream.getvalue()


def _csv_rows(draft: Draft, draft_id: str, ids: Sequence[str], area_path: tuple[str, ...]) -> list[dict[str, object]]:
    places, region = _record_places(draft, area_path)
    head: dict[str, object] = {
        "id": draft_id, "kind": draft.kind.value, "theme": draft.theme, "name": draft.name,
        "places": ";".join(places), "region": region, "status": draft.status.value, "period": draft.period,
        "part_of": ids[draft.part_of] if draft.part_of is not None else "", "seq": draft.seq or "",
        "line": draft.span.line, "span": f"{draft.span.start}..{draft.span.end}",
        "confidence": f"{draft.confidence:.2f}", "reasons": ";".join(draft.reasons),
    }  # fmt: skip
    rows = [_figure(draft_id, quantity, draft) for quantity in draft.quantities]
    return [head, *rows]


def _figure(draft_id: str, quantity: DraftQuantity, draft: Draft) -> dict[str, object]:
    amount, span = quantity.amount, quantity.span
    value = f"{amount.value:f}"
    if amount.value_max is not None:
        value += f"..{amount.value_max:f}"
    return {
        "id": draft_id, "measure": amount.measure.value, "value": value, "unit": amount.unit,
        "qualifier": "" if amount.qualifier == "exact" else amount.qualifier.value,
        "change": amount.change or "", "per": amount.per or "",
        "status": amount.status if amount.status and amount.status != draft.status else "",
        "period": amount.period if amount.period != draft.period else "",
        "line": span.line, "span": f"{span.start}..{span.end}",
    }  # fmt: skip


def _record_places(draft: Draft, area_path: tuple[str, ...]) -> tuple[list[str], str]:
    """The ``places`` and ``region`` cells: divisions as paths inside the area, everything else as text."""
    places: list[str] = []
    texts = [draft.region] if draft.region else []
    for place in draft.places:
        mention = place.mention
        if not is_division(mention.level) or Flag.OUTSIDE in mention.flags:
            if mention.text not in texts:
                texts.append(mention.text)
            continue
        places.append(_record_path(mention, area_path))
    if not places and not texts:
        places = [area_path[-1]]
    return list(dict.fromkeys(places)), "、".join(texts)[:60]


def _record_path(mention: Mention, area_path: tuple[str, ...]) -> str:
    inside = mention.path[len(area_path) :] if mention.path[: len(area_path)] == area_path else mention.path
    if not inside:
        return area_path[-1]
    *parents, last = inside
    sign = "?" if Flag.AMBIGUOUS in mention.flags else "~" if Flag.UNLISTED in mention.flags else ""
    written = f"={mention.text}" if {Flag.MISPRINT, Flag.OLD_NAME} & set(mention.flags) else ""
    return "/".join([*parents, sign + last]) + written


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))
