"""PMTiles archives: their tiles, their TileJSON, and ranges of the files themselves for readers of the format."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from geoplan.access.gate import hidden
from geoplan.access.grant import current_grant
from geoplan.errors import LayerError, PackError
from geoplan.tiles.archive import archive_tile
from geoplan.tiles.grid import tile_at
from services.api.access import problem_of_refusal
from services.api.archive_check import MEDIA_TYPES, unpacked
from services.api.archives import (
    FOLDER,
    ArchiveDamagedError,
    ArchiveNotReadyError,
    Archives,
    Served,
    is_packed,
    is_visible,
    tilejson,
)  # fmt: skip
from services.api.errors import Problem
from services.api.http_cache import accepts_gzip, matching_etag
from services.api.links import base_url
from services.api.parameters import only
from services.api.responses import A_MINUTE, JSON, REVALIDATE, File

router = APIRouter(prefix=f"/{FOLDER}", tags=["archives"], include_in_schema=False)

Name = Annotated[str, Path(max_length=100)]
Number = Annotated[int, Path(ge=0, lt=1 << 31)]
BAD_TILE = "This tile of the archive {name} is damaged; make or fetch the archive again."
RETRY_S = 3


class ArchiveFile(File):
    """The file of an archive that was checked: of the very version, whatever has its name now."""

    def __init__(self, served: Served) -> None:
        self.served = served  # Keeps the file open until it is sent.
        headers = {"Cache-Control": REVALIDATE}
        media_type = "application/vnd.pmtiles"
        super().__init__(served.file.path(), media_type=media_type, headers=headers, stat_result=served.state)


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
        if _is_listed(request, name)
    ]
    return JSON({"archives": found})


@router.get("/{name}.json", dependencies=[only()])
def get_archive_tilejson(request: Request, name: Name) -> Response:
    """TileJSON 3.0.0 of an archive."""
    found = _open(request, name)
    if not isinstance(found, Served):
        return found
    return JSON(tilejson(name, found.archive, base_url(request.scope)))


@router.get("/{name}.pmtiles", dependencies=[only()])
def get_archive_file(request: Request, name: Name) -> Response:
    """The archive itself, or ranges of it."""
    found = _open(request, name)
    if not isinstance(found, Served):
        return found
    response = ArchiveFile(found)
    etag = response.headers["etag"]
    if "range" not in request.headers and matching_etag(request.headers, etag) is not None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag, "Cache-Control": REVALIDATE})
    return response


@router.get("/{name}/{z}/{x}/{y}.{ending}", dependencies=[only()])
def get_archive_tile(request: Request, name: Name, z: Number, x: Number, y: Number, ending: str) -> Response:
    """A tile of an archive; 204 when it has none at this address."""
    found = _open(request, name)
    if not isinstance(found, Served):
        return found
    archive, tile = found.archive, tile_at(z, x, y)
    media_type, endings = MEDIA_TYPES[archive.header["tile_type"]]
    if ending not in endings:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"Cache-Control": A_MINUTE}
    try:
        body = archive_tile(archive, tile)
        if body and is_packed(archive):
            headers["Vary"] = "Accept-Encoding"
            if accepts_gzip(request.headers):
                headers["Content-Encoding"] = "gzip"
            else:
                body = unpacked(body)
    except PackError:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, BAD_TILE.format(name=name))
    if not body:
        return Response(status_code=HTTPStatus.NO_CONTENT, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


def _is_listed(request: Request, name: str) -> bool:
    """Whether the caller sees an archive; one that is not known yet is hidden where callers are told apart."""
    grant = current_grant.get()
    try:
        return is_visible(name, _archives(request).served(name))
    except ArchiveNotReadyError:
        return grant is None
    except (LayerError, PackError):
        return False


def _open(request: Request, name: str) -> Served | Problem:
    """An archive that the caller may have, or the answer in its place."""
    grant = current_grant.get()
    try:
        found = _archives(request).served(name)
    except ArchiveNotReadyError as error:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": str(RETRY_S)})
    except ArchiveDamagedError as error:
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
    return found if grant is None or is_visible(name, found) else problem_of_refusal(hidden(grant, name))


def _archives(request: Request) -> Archives:
    state = request.app.state
    if not hasattr(state, "archives"):
        state.archives = Archives(state.settings.build_dir / FOLDER)
    found: Archives = state.archives
    return found
