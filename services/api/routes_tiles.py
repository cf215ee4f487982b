"""Tiles of a layer, as vector tiles and as GeoJSON."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

import geoplan
from geoplan.provenance import sha256_parts
from geoplan.tiles import Tile, encode_mvt, geojson_tile, tile_at, tilejson
from services.api.http_cache import matching_etag
from services.api.parameters import only
from services.api.responses import A_MINUTE, JSON, GeoJSON
from services.api.state import CurrentSnapshot, LayerState, Snapshot

router = APIRouter(prefix="/tiles", tags=["tiles"])

MVT = "application/vnd.mapbox-vector-tile"


@router.get("/{layer_id}.json", dependencies=[only()])
def get_tilejson(request: Request, layer_id: str, snapshot: CurrentSnapshot) -> Response:
    """TileJSON 3.0.0 of a layer's vector tiles."""
    metadata = snapshot.layer(layer_id).metadata
    return JSON(tilejson(metadata, [f"{request.base_url}tiles/{layer_id}/{{z}}/{{x}}/{{y}}.mvt"]))


@router.get("/{layer_id}/{z}/{x}/{y}.mvt", dependencies=[only()])
def get_mvt(request: Request, layer_id: str, z: int, x: int, y: int, snapshot: CurrentSnapshot) -> Response:
    """A Mapbox vector tile; 204 when nothing lies in it."""
    layer, tile = snapshot.layer(layer_id), tile_at(z, x, y)
    return _answer(request, snapshot, layer, tile, MVT, lambda: encode_mvt(layer.index, tile, layer_id))


@router.get("/{layer_id}/{z}/{x}/{y}.geojson", dependencies=[only()])
def get_geojson(request: Request, layer_id: str, z: int, x: int, y: int, snapshot: CurrentSnapshot) -> Response:
    """A tile as a GeoJSON FeatureCollection, with the features of the vector tile."""
    layer, tile = snapshot.layer(layer_id), tile_at(z, x, y)
    return _answer(
        request, snapshot, layer, tile, GeoJSON.media_type, lambda: orjson.dumps(geojson_tile(layer.index, tile))
    )


def _answer(
    request: Request, snapshot: Snapshot, layer: LayerState, tile: Tile, media_type: str, make: Callable[[], bytes]
) -> Response:
    """The tile from the cache or made now; or 304, before it is made, to a client that has it."""
    address = (layer.id, *map(str, tile), media_type)
    etag = f'"{sha256_parts(geoplan.__version__, snapshot.build.version, *address)}"'
    headers = {"ETag": etag, "Cache-Control": A_MINUTE}
    known = matching_etag(request.headers, etag)
    if known is not None:
        return Response(
            status_code=HTTPStatus.NOT_MODIFIED, headers={**headers, "ETag": known, "Vary": "Accept-Encoding"}
        )
    body = snapshot.tiles.get_or_make(address, make)
    if not body:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
