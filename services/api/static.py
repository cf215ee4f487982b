"""The web page and the libraries it uses, as files."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.api.responses import A_DAY, REVALIDATE

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".woff2": "font/woff2",
}
"""Kinds of files that are served; any other is not found."""


def static_router(viewer: Path) -> APIRouter:
    """Routes to the files of the web page in the folder `viewer`."""
    router = APIRouter(include_in_schema=False)
    modules = viewer / "node_modules"

    @router.get("/viewer/{path:path}")
    def get_viewer_file(path: str) -> Response:
        return file_response(viewer / "src", path, REVALIDATE)

    @router.get("/vendor/maplibre-gl/{path:path}")
    def get_maplibre_file(path: str) -> Response:
        return file_response(modules / "maplibre-gl" / "dist", path, A_DAY)

    @router.get("/vendor/noto-sans-sc/{path:path}")
    def get_font_file(path: str) -> Response:
        return file_response(modules / "@fontsource-variable" / "noto-sans-sc", path, A_DAY)

    return router


def file_response(folder: Path, path: str, cache: str) -> Response:
    """A file below `folder`; anything else, also a link that leads out of it, is not found."""
    try:
        root = folder.resolve()
        file = (root / path).resolve()
        media_type = MEDIA_TYPES.get(file.suffix)
        if media_type is None or not file.is_relative_to(root) or not file.is_file():
            raise HTTPException(404)
        return Response(file.read_bytes(), media_type=media_type, headers={"Cache-Control": cache})
    except (OSError, ValueError) as error:  # a name too long, or with a null byte
        raise HTTPException(404) from error
