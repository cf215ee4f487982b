"""OGC API: the documents. Features and tiles themselves are answered by the raw front."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from geoplan.access.grant import visible
from services.api import documents, openapi, pages, tilesets
from services.api.answers import prefers_html
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.errors import Problem, UnknownFormatError
from services.api.links import HTML_TYPE, OPENAPI_TYPE, SCHEMA_TYPE, base_url
from services.api.live import documented, listed
from services.api.parameters import only
from services.api.responses import JSON, REVALIDATE
from services.api.static import file_response
from services.api.targets import parse_query
from services.api.tile_requests import named_collections

router = APIRouter(tags=["ogc"], include_in_schema=False)

_FORMATS = ("json", "html")


@router.get("/")
def get_landing(request: Request) -> Response:
    """The map for browsers, which ask for HTML; the landing page for all others, and with the parameter ``f``."""
    if "f" in request.query_params or not prefers_html(request.headers.get("accept", "").encode()):
        parse_query(request.scope["query_string"], {"f"})
        return _document(request, documents.landing, pages.landing_page)
    return _varying(file_response(request.app.state.settings.viewer_dir, "index.html", REVALIDATE))


@router.get("/conformance", dependencies=[only("f")])
def get_conformance(request: Request) -> Response:
    """The classes of requirements that are met."""
    return _document(request, documents.conformance, pages.conformance_page)


@router.get("/api", dependencies=[only("f")])
def get_api(request: Request) -> Response:
    """The API in OpenAPI 3.0.3."""
    if _format(request) == "html":
        return _page(pages.api_page(_api(request)))
    return _varying(JSON(_api(request), media_type=OPENAPI_TYPE))


@router.get("/api.html", dependencies=[only()])
def get_api_page(request: Request) -> Response:
    """The API as a page."""
    return _page(pages.api_page(_api(request)))


@router.get("/collections", dependencies=[only("f")])
def get_collections(request: Request) -> Response:
    """The collections that the caller sees."""
    shelf = _shelf(request)
    shelf = shelf._replace(collections=listed(one for id_, one in shelf.collections.items() if visible(id_)))
    return _document(
        request, lambda base: documents.collections(shelf, shelf.collections, base), pages.collections_page
    )


@router.get("/collections/{collection_id}", dependencies=[only("f")])
def get_collection(request: Request, collection_id: str) -> Response:
    """One collection."""
    one = documented(_shelf(request).collection(collection_id))
    return _document(request, lambda base: documents.collection(one, base), pages.collection_page)


@router.get("/collections/{collection_id}/queryables", dependencies=[only("f")])
def get_queryables(request: Request, collection_id: str) -> Response:
    """What its features can be filtered by."""
    return _schema(request, collection_id, documents.queryables)


@router.get("/collections/{collection_id}/sortables", dependencies=[only("f")])
def get_sortables(request: Request, collection_id: str) -> Response:
    """What its features can be sorted by."""
    return _schema(request, collection_id, documents.sortables)


@router.get("/collections/{collection_id}/schema", dependencies=[only("f")])
def get_schema(request: Request, collection_id: str) -> Response:
    """What its features hold."""
    return _schema(request, collection_id, documents.schema)


@router.get("/tileMatrixSets", dependencies=[only("f")])
def get_tile_matrix_sets(request: Request) -> Response:
    """The tile matrix sets."""
    return _document(request, tilesets.tile_matrix_sets, pages.document_page)


@router.get("/tileMatrixSets/{set_id}", dependencies=[only("f")])
def get_tile_matrix_set(request: Request, set_id: str) -> Response:
    """One tile matrix set."""
    if set_id not in tilesets.SETS:
        return _no_set()
    return _document(request, lambda base: tilesets.tile_matrix_set(set_id, base), pages.document_page)


@router.get("/collections/{collection_id}/tiles", dependencies=[only("f")])
def get_collection_tilesets(request: Request, collection_id: str) -> Response:
    """The tile sets of a collection."""
    found = [documented(_shelf(request).collection(collection_id))]
    path = f"/collections/{collection_id}/tiles"
    return _document(request, lambda base: tilesets.tilesets(found, path, base), pages.document_page)


@router.get("/collections/{collection_id}/tiles/{set_id}", dependencies=[only("f")])
def get_collection_tileset(request: Request, collection_id: str, set_id: str) -> Response:
    """A tile set of a collection."""
    one = documented(_shelf(request).collection(collection_id))
    return _tileset(request, [one], f"/collections/{collection_id}/tiles", set_id)


@router.get("/tiles", dependencies=[only("f", "collections")])
def get_dataset_tilesets(request: Request) -> Response:
    """The tile sets of all collections together."""
    found = _named(request)
    return _document(request, lambda base: tilesets.tilesets(found, "/tiles", base), pages.document_page)


@router.get("/tiles/{set_id}", dependencies=[only("f", "collections")])
def get_dataset_tileset(request: Request, set_id: str) -> Response:
    """A tile set of all collections together."""
    return _tileset(request, _named(request), "/tiles", set_id)


def answered_by_the_front() -> Response:
    """Never called: the front answers GET on these routes, which tell what other methods get."""
    raise HTTPException(HTTPStatus.NOT_FOUND)


_TILE = "{set_id}/{tile_matrix}/{tile_row}/{tile_col}"
for _path in ("items", "items/{feature_id}", f"tiles/{_TILE}"):
    router.add_api_route(f"/collections/{{collection_id}}/{_path}", answered_by_the_front)
router.add_api_route(f"/tiles/{_TILE}", answered_by_the_front)


def _tileset(request: Request, collections: list[Collection], path: str, set_id: str) -> Response:
    if set_id not in tilesets.SETS:
        return _no_set()
    base = base_url(request.scope)
    if request.query_params.get("f") == "tilejson":
        template = f"{base}{path}/{set_id}/{{z}}/{{y}}/{{x}}?f=mvt"
        return JSON(tilesets.tilejson(collections, [template], collections[0].title, set_id))
    return _document(request, lambda base: tilesets.tileset(collections, path, set_id, base), pages.document_page)


def _named(request: Request) -> list[Collection]:
    shelf = _shelf(request)
    ids = named_collections(shelf, dict(request.query_params))
    return [documented(shelf.collection(id_)) for id_ in ids if visible(id_)]


def _schema(request: Request, id_: str, make: Callable[[Collection, str], dict[str, Any]]) -> Response:
    one = documented(_shelf(request).collection(id_))
    base = base_url(request.scope)
    if _format(request) == "html":
        return _page(pages.schema_page(make(one, base)))
    return _varying(JSON(make(one, base), media_type=SCHEMA_TYPE))


def _document(
    request: Request, make: Callable[[str], dict[str, Any]], page: Callable[[dict[str, Any]], str]
) -> Response:
    """A document as JSON, or as a page where the client prefers that."""
    document = make(base_url(request.scope))
    if _format(request) == "html":
        return _page(page(document))
    return _varying(JSON(document))


def _format(request: Request) -> str:
    named = request.query_params.get("f")
    if named is None:
        return "html" if prefers_html(request.headers.get("accept", "").encode()) else "json"
    if named not in _FORMATS:
        raise UnknownFormatError(f"f: must be one of {', '.join(_FORMATS)}")
    return named


def _page(text: str) -> Response:
    return _varying(Response(text, media_type=HTML_TYPE, headers={"Cache-Control": REVALIDATE}))


def _varying(response: Response) -> Response:
    """The answer, marked as one that depends on what the client accepts."""
    response.headers["Vary"] = "Accept"
    return response


def _no_set() -> Response:
    return Problem(HTTPStatus.NOT_FOUND, "There is no such tile matrix set; GET /tileMatrixSets lists them.")


def _api(request: Request) -> dict[str, Any]:
    shelf = request.app.state.builds.shelf()
    ids = [id_ for id_ in shelf.collections if visible(id_)]
    return openapi.document(base_url(request.scope), ids)


def _shelf(request: Request) -> Shelf:
    shelf: Shelf = request.app.state.builds.shelf()
    return shelf
