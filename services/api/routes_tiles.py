"""Tiles of one layer by z, x and y: answered here for the review page, which has no raw front."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from services.api import tilesets
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.links import base_url
from services.api.live import documented
from services.api.parameters import only
from services.api.responses import JSON
from services.api.state import CurrentSnapshot
from services.api.tile_requests import xyz_request

router = APIRouter(prefix="/tiles", tags=["tiles"], include_in_schema=False)


@router.get("/{layer_id}.json", dependencies=[only()])
def get_tilejson(request: Request, layer_id: str) -> Response:
    """TileJSON 3.0.0 of a collection's vector tiles."""
    one = _collection(request, layer_id)
    template = f"{base_url(request.scope)}/tiles/{one.id}/{{z}}/{{x}}/{{y}}.mvt"
    return JSON(tilesets.tilejson([one], [template], one.title))


@router.get("/{layer_id}/{z}/{x}/{y}.mvt")
def get_mvt(request: Request, layer_id: str, z: str, x: str, y: str, snapshot: CurrentSnapshot) -> Response:
    """A vector tile; 204 when nothing lies in it."""
    shelf = Shelf(snapshot, snapshot.collections, 1)
    return _answer(shelf, layer_id, (z, x, f"{y}.mvt"), request)


@router.get("/{layer_id}/{z}/{x}/{y}.geojson")
def get_geojson(request: Request, layer_id: str, z: str, x: str, y: str, snapshot: CurrentSnapshot) -> Response:
    """A tile as a GeoJSON FeatureCollection, with the features of the vector tile."""
    shelf = Shelf(snapshot, snapshot.collections, 1)
    return _answer(shelf, layer_id, (z, x, f"{y}.geojson"), request)


def _answer(shelf: Shelf, layer_id: str, address: tuple[str, str, str], request: Request) -> Response:
    answer = xyz_request(shelf, layer_id, address, request.scope["query_string"]).make()
    headers = {"ETag": answer.etag, "Cache-Control": answer.cache}
    return Response(answer.body, answer.status, headers, answer.media_type or None)


def _collection(request: Request, layer_id: str) -> Collection:
    builds = request.app.state.builds
    if hasattr(builds, "shelf"):
        shelf: Shelf = builds.shelf()
        return documented(shelf.collection(layer_id))
    one: Collection = builds.current().layer(layer_id).collection
    return one
