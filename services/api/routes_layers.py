"""Layers and their features."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated

import numpy as np
import orjson
from fastapi import APIRouter, Path, Request
from fastapi import Query as Parameter
from numpy.typing import NDArray
from starlette.responses import Response

from geoplan.access.grant import visible
from geoplan.pack.writer import write_features
from geoplan.query import UnknownFeatureError, parse_bbox
from geoplan.query.answer import select
from geoplan.query.model import Query, Selected
from geoplan.terms import (
    LABELS,
    SITINGS,
    THEMES,
    Change,
    GeometrySource,
    Kind,
    Label,
    Level,
    Measure,
    Per,
    Precision,
    Qualifier,
    Status,
)
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.item_parameters import query_of
from services.api.items import excluded_by
from services.api.links import GEOJSON_TYPE
from services.api.parameters import only
from services.api.responses import JSON
from services.api.state import CurrentSnapshot
from services.api.within import within_division

router = APIRouter(tags=["layers"])

MAX_LIMIT = 10_000
Bbox = Annotated[
    str | None,
    Parameter(max_length=200, description="west,south,east,north in degrees (CRS84)", examples=["112,37,113,38"]),
]
Point = Annotated[
    str | None,
    Parameter(
        max_length=100,
        description="longitude,latitude in degrees (CRS84). Schematic shapes are left out and counted.",
        examples=["112.5,37.8"],
    ),
]
Within = Annotated[
    str | None, Parameter(max_length=100, description="Code of a division, or a name that means only one.")
]
Limit = Annotated[int, Parameter(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Parameter(ge=0, le=2**31)]


@router.get("/layers", dependencies=[only()])
def list_layers(snapshot: CurrentSnapshot) -> Response:
    """All layers with their metadata, the version of the build, the plans behind it, and the words for the codes."""
    return JSON(
        {
            "layers": [layer.metadata for layer in snapshot.layers.values() if visible(layer.id)],
            "build": {"version": snapshot.build.version},
            "plans": snapshot.plans,
            "terms": _terms(),
        }
    )


@router.get("/layers/{layer_id}", dependencies=[only()])
def get_layer(layer_id: str, snapshot: CurrentSnapshot) -> Response:
    """Metadata of one layer."""
    return JSON(snapshot.layer(layer_id).metadata)


@router.get("/layers/{layer_id}/items", dependencies=[only("bbox", "point", "within", "limit", "offset")])
def list_items(
    request: Request,
    layer_id: str,
    snapshot: CurrentSnapshot,
    bbox: Bbox = None,
    point: Point = None,
    within: Within = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """Features of a layer as GeoJSON, ordered by id; the conditions are joined by and."""
    collection = snapshot.layer(layer_id).collection
    named = {"bbox": bbox, "point": point}
    parameters = {name: value for name, value in named.items() if value is not None}
    if bbox is not None:
        parse_bbox(bbox)
    shelf = Shelf(snapshot, snapshot.collections, 1)
    division = within_division(shelf, collection, within) if within is not None else None
    # Here a box asks what to draw.
    query = query_of(collection, parameters, limit, division)._replace(or_missing=False)
    rows, selected = _rows_from(collection, query, offset)
    closing = {
        "numberMatched": selected.matched,
        "numberReturned": len(rows),
        "excludedSchematic": selected.excluded_approximate + excluded_by(collection, parameters, division),
        "links": _page_links(request, selected.matched, limit, offset),
    }
    features = write_features(collection.pack.source, rows)
    body = b'{"type":"FeatureCollection","features":[' + features + b"]," + orjson.dumps(closing)[1:]
    return Response(body, media_type=GEOJSON_TYPE)


@router.get("/layers/{layer_id}/items/{fid}", dependencies=[only()])
def get_item(layer_id: str, fid: Annotated[int, Path(ge=0, lt=2**63)], snapshot: CurrentSnapshot) -> Response:
    """One feature of a layer, with all its properties."""
    pack = snapshot.layer(layer_id).collection.pack
    selected = select(pack, Query(ids=(fid,), limit=1))
    if not selected.returned:
        raise UnknownFeatureError(f"no feature {fid} in this layer")
    return Response(write_features(pack.source, selected.rows), media_type=GEOJSON_TYPE)


def _rows_from(collection: Collection, query: Query, offset: int) -> tuple[NDArray[np.int64], Selected]:
    """The rows of the page after so many features, and the answer that they are of."""
    selected = select(collection.pack, query._replace(limit=min(offset + query.limit, MAX_LIMIT)))
    before = 0
    while selected.next_cursor is not None and before + len(selected.rows) <= offset:
        before += len(selected.rows)
        selected = select(collection.pack, query._replace(limit=MAX_LIMIT, after=selected.next_cursor))
    start = max(offset - before, 0)
    rows = selected.rows[start : start + query.limit]
    if len(rows) < query.limit and selected.next_cursor is not None:
        more = select(collection.pack, query._replace(limit=query.limit - len(rows), after=selected.next_cursor))
        rows = np.concatenate([rows, more.rows])
    return rows, selected


Terms = dict[str, dict[str, dict[str, str]]]
_FAMILIES: dict[str, type[StrEnum]] = {
    "kinds": Kind,
    "level": Level,
    "precision": Precision,
    "geometry_source": GeometrySource,
    "status": Status,
    "qualifier": Qualifier,
    "change": Change,
    "per": Per,
    "measure": Measure,
}
"""Families of codes in the properties of features."""


@cache
def _terms() -> Terms:
    """The vocabulary of the features' properties: family, code, then the label as ``{"zh", "en"}``."""
    plain = {"themes": THEMES, "siting": SITINGS}
    families = {name: {term.value: LABELS[term] for term in family} for name, family in _FAMILIES.items()}
    return {
        name: {code: _bilingual(label) for code, label in labels.items()} for name, labels in (plain | families).items()
    }


def _bilingual(label: Label) -> dict[str, str]:
    return {"zh": label.zh, "en": label.en}


def _page_links(request: Request, matched: int, limit: int, offset: int) -> list[dict[str, str]]:
    pages = {"self": offset}
    if offset + limit < matched:
        pages["next"] = offset + limit
    if offset > 0:
        pages["prev"] = max(offset - limit, 0)
    return [
        {
            "rel": rel,
            "type": GEOJSON_TYPE,
            "href": str(request.url.include_query_params(limit=limit, offset=start)),
        }
        for rel, start in pages.items()
    ]
