"""PMTiles archives: their tiles, their TileJSON, and ranges of the files themselves for readers of the format."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from geoplan.access.grant import visible
from geoplan.errors import PackError
from geoplan.tiles.archive import Archive, archive_tile
from geoplan.tiles.grid import tile_at
from services.api.archives import FOLDER, MEDIA_TYPES, Archives, archive_path, is_packed, tilejson, unpacked
from services.api.errors import Problem
from services.api.http_cache import accepts_gzip, matching_etag
from services.api.links import base_url
from services.api.parameters import only
from services.api.responses import A_MINUTE, JSON, REVALIDATE, File

router = APIRouter(prefix=f"/{FOLDER}", tags=["archives"], include_in_schema=False)

Name = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=0, lt=1 << 31)]
UNREADABLE = "This archive cannot be read; why is in the log of the server."


@router.get("", dependencies=[only()])
def list_archives(request: Request) -> Response:
    """The archives that the caller sees."""
    base = base_url(request.scope)
    found = [
        {
            "id": name,
            "links": [
                {"href": f"{base}/{FOLDER}/{name}.json", "rel": "describedby", "type": "application/json"},
                {"href": f"{base}/{FOLDER}/{name}.pmtiles", "rel": "enclosure", "type": "application/vnd.pmtiles"},
            ],
        }
        for name in _archives(request).names()
        if visible(name)
    ]
    return JSON({"archives": found})


@router.get("/{name}.json", dependencies=[only()])
def get_archive_tilejson(request: Request, name: Name) -> Response:
    """TileJSON 3.0.0 of an archive."""
    found = _open(request, name)
    return JSON(tilejson(name, found, base_url(request.scope))) if isinstance(found, Archive) else found


@router.get("/{name}.pmtiles", dependencies=[only()])
def get_archive_file(request: Request, name: Name) -> Response:
    """The archive itself, or ranges of it."""
    found = _open(request, name)
    if not isinstance(found, Archive):
        return found
    path, state = archive_path(found)
    media_type = "application/vnd.pmtiles"
    response = File(path, media_type=media_type, headers={"Cache-Control": REVALIDATE}, stat_result=state)
    etag = response.headers["etag"]
    if "range" not in request.headers and matching_etag(request.headers, etag) is not None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag, "Cache-Control": REVALIDATE})
    return response


@router.get("/{name}/{z}/{x}/{y}.{ending}", dependencies=[only()])
def get_archive_tile(request: Request, name: Name, z: Number, x: Number, y: Number, ending: str) -> Response:
    """A tile of an archive; 204 when it has none at this address."""
    found = _open(request, name)
    if not isinstance(found, Archive):
        return found
    tile = tile_at(z, x, y)
    media_type, endings = MEDIA_TYPES[found.header["tile_type"]]
    if ending not in endings:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"Cache-Control": A_MINUTE}
    try:
        body = archive_tile(found, tile)
        if body and is_packed(found):
            headers["Vary"] = "Accept-Encoding"
            if accepts_gzip(request.headers):
                headers["Content-Encoding"] = "gzip"
            else:
                body = unpacked(body)
    except PackError:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, UNREADABLE)
    if not body:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _open(request: Request, name: str) -> Archive | Problem:
    try:
        return _archives(request).archive(name)
    except PackError:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, UNREADABLE)


def _archives(request: Request) -> Archives:
    state = request.app.state
    if not hasattr(state, "archives"):
        state.archives = Archives(state.settings.build_dir / FOLDER)
    found: Archives = state.archives
    return found
