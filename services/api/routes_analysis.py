"""Planners' questions: counts and sums by classes, and everything the layers have about a division."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from geoplan.access.grant import visible
from geoplan.errors import QueryError
from geoplan.gazetteer import Status, resolve_place
from geoplan.pack.writer import write_features
from geoplan.query.summary import DivisionLayer, about_division, summarise
from geoplan.query.used import LayerUse
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.errors import Problem
from services.api.item_parameters import query_of
from services.api.items import excluded_by
from services.api.parameters import only
from services.api.responses import JSON
from services.api.targets import Parameters, parse_query
from services.api.within import within_division

router = APIRouter(tags=["analysis"], include_in_schema=False)

MAX_CLASSES = 3
MAX_SUMS = 3
MAX_FEATURES = 1000
SUMMARY_PARAMETERS = frozenset(
    {"by", "sum", "filter", "filter-lang", "filter-crs", "bbox", "bbox-crs", "datetime", "within"}
)


@router.get("/collections/{collection_id}/summary")
def get_summary(request: Request, collection_id: str) -> Response:
    """Counts and sums of a collection by the values of up to three properties."""
    shelf = _shelf(request)
    collection = shelf.collection(collection_id)
    parameters = parse_query(request.scope["query_string"], SUMMARY_PARAMETERS)
    by = _names(parameters, "by", MAX_CLASSES)
    sums = _names(parameters, "sum", MAX_SUMS)
    if not by:
        raise QueryError(f"by: name 1 to {MAX_CLASSES} properties with commas between; GET …/schema lists them")
    chosen: Parameters = {name: value for name, value in parameters.items() if name not in {"by", "sum"}}
    within = within_division(shelf, collection, chosen["within"]) if "within" in chosen else None
    found = summarise(collection.pack, by, sums, query=query_of(collection, chosen, 1, within))
    groups = [
        {
            "values": dict(zip(found.by, labels, strict=True)),
            "count": count,
            "sums": {
                name: {"sum": total, "missing": missing}
                for name, (total, missing) in zip(found.sums, totals, strict=True)
            },
        }
        for labels, count, totals in found.groups
    ]
    answer: dict[str, Any] = {"by": found.by, "sum": found.sums, "groups": groups, **_use(found.layer)}
    if within is not None:
        answer["excludedSchematic"] = excluded_by(collection, chosen, within)
    return JSON(answer)


@router.get("/divisions/{division}", dependencies=[only("limit")])
def get_division(
    request: Request,
    division: Annotated[str, Path(max_length=100)],
    limit: Annotated[int, Query(ge=1, le=MAX_FEATURES)] = 100,
) -> Response:
    """What the layers that the caller sees have in a division, named by its code or name."""
    shelf = _shelf(request)
    if shelf.snapshot is None:
        raise QueryError("there is no build here, so no division is known")
    resolution = resolve_place(shelf.snapshot.gazetteer, division)
    if resolution.status is Status.UNKNOWN:
        return Problem(HTTPStatus.NOT_FOUND, f"There is no division {division!r}; GET /places?q=… looks for names.")
    place = resolution.one
    if place.members:
        raise QueryError(f"{place.name} is put together of {', '.join(place.members)}; ask for one of them")
    seen = {id_: one for id_, one in shelf.collections.items() if visible(id_)}
    found = about_division([one.pack for one in seen.values()], place.code, limit=limit)
    packs = {one.pack.manifest.id: one for one in seen.values()}
    bounds = shelf.snapshot.bounds_of(place)
    return JSON(
        {
            "code": place.code,
            "name": place.name,
            "level": place.level.value,
            "parent": place.parent,
            "as_of": place.as_of,
            "bounds": list(bounds) if bounds else None,
            "layers": [_layer(packs[layer.id], layer) for layer in found.layers],
            "layersWithoutCodes": list(found.without_codes),
        }
    )


def _layer(collection: Collection, found: DivisionLayer) -> dict[str, Any]:
    """A layer's features as GeoJSON without shapes: where they are is asked of their collection."""
    features = write_features(collection.pack.source, found.rows, geometry=False)
    return {
        "title": dict(found.title),
        "numberMatched": found.matched,
        "numberReturned": len(found.rows),
        "approximate": found.approximate,
        "features": orjson.Fragment(b"[" + features + b"]"),
        "citations": [{"plan": plan, "line": line, "span": span or None} for plan, line, span in found.citations],
        **_use(found.layer),
    }


def _use(layer: LayerUse) -> dict[str, Any]:
    return {
        "collection": layer.id,
        "version": layer.version,
        "numberOfFeatures": layer.features,
        "sources": list(layer.sources),
    }


def _names(parameters: Parameters, name: str, most: int) -> tuple[str, ...]:
    names = tuple(part for part in parameters.get(name, "").split(",") if part)
    if len(names) > most or len(set(names)) != len(names):
        raise QueryError(f"{name}: up to {most} properties, each once, with commas between")
    return names


def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.app.state.builds.shelf()
    return shelf
