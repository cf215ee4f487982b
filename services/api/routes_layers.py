"""Layers and their features."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from geoplan.layers.geojson import geojson_features
from geoplan.query import (
    Selection,
    division_of,
    find_feature,
    parse_bbox,
    parse_point,
    select_features,
)
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
from services.api.parameters import only
from services.api.responses import JSON, GeoJSON
from services.api.state import CurrentSnapshot

router = APIRouter(tags=["layers"])

MAX_LIMIT = 10_000
Bbox = Annotated[
    str | None,
    Query(max_length=200, description="west,south,east,north in degrees (CRS84)", examples=["112,37,113,38"]),
]
Point = Annotated[
    str | None,
    Query(
        max_length=100,
        description="longitude,latitude in degrees (CRS84). Schematic shapes are left out and counted.",
        examples=["112.5,37.8"],
    ),
]
Within = Annotated[str | None, Query(max_length=100, description="Code of a division, or a name that means only one.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0, le=2**31)]


@router.get("/layers", dependencies=[only()])
def list_layers(snapshot: CurrentSnapshot) -> Response:
    """All layers with their metadata, the version of the build, the plans behind it, and the words for the codes."""
    return JSON(
        {
            "layers": [layer.metadata for layer in snapshot.layers.values()],
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
    layer = snapshot.layer(layer_id)
    division = division_of(snapshot.gazetteer, within) if within is not None else None
    selection = select_features(
        layer.frame,
        bbox=parse_bbox(bbox) if bbox is not None else None,
        point=parse_point(point) if point is not None else None,
        within=(division.members or (division.code,)) if division else None,
        within_area=snapshot.division_area(division.code) if division else None,
        limit=limit,
        offset=offset,
    )
    features = geojson_features(selection.frame)
    return GeoJSON(
        {
            "type": "FeatureCollection",
            "numberMatched": selection.matched,
            "numberReturned": len(features),
            "excludedSchematic": selection.excluded_schematic,
            "features": features,
            "links": _page_links(request, selection, limit, offset),
        }
    )


@router.get("/layers/{layer_id}/items/{fid}", dependencies=[only()])
def get_item(layer_id: str, fid: Annotated[int, Path(ge=0, lt=2**63)], snapshot: CurrentSnapshot) -> Response:
    """One feature of a layer, with all its properties."""
    (feature,) = geojson_features(find_feature(snapshot.layer(layer_id).frame, fid))
    return GeoJSON(feature)


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


def _page_links(request: Request, selection: Selection, limit: int, offset: int) -> list[dict[str, str]]:
    pages = {"self": offset}
    if offset + limit < selection.matched:
        pages["next"] = offset + limit
    if offset > 0:
        pages["prev"] = max(offset - limit, 0)
    return [
        {
            "rel": rel,
            "type": GeoJSON.media_type,
            "href": str(request.url.include_query_params(limit=limit, offset=start)),
        }
        for rel, start in pages.items()
    ]
