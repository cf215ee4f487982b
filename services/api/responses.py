"""JSON as the service writes it, and the cache rules of its answers."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

REVALIDATE = "no-cache"
"""Kept by the client, asked again with its ETag: answers that change with the build."""
A_MINUTE = "public, max-age=60"
"""Tiles: shown again without asking while the map moves."""
A_DAY = "public, max-age=86400"
"""Vendored files: they change with a release only."""
NEVER = "no-store"


class JSON(Response):
    """A JSON body; missing numbers must already be None."""

    media_type = "application/json"

    def __init__(self, content: Any, *, cache: str = REVALIDATE, media_type: str | None = None) -> None:
        super().__init__(orjson.dumps(content), media_type=media_type, headers={"Cache-Control": cache})


class GeoJSON(JSON):
    """A GeoJSON body (RFC 7946)."""

    media_type = "application/geo+json"
