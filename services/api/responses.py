"""JSON as the service writes it, and the cache rules of its answers."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send

REVALIDATE = "no-cache"
"""Kept by the client, asked again with its ETag: answers that change with the build."""
A_MINUTE = "public, max-age=60"
"""Tiles: shown again without asking while the map moves."""
A_DAY = "public, max-age=86400"
"""Vendored files: they change with a release only."""
NEVER = "no-store"
IS_HEAD = "geoplan.is_head"
"""Key of a request's scope: whether the client asked with HEAD, which routes see as GET."""


class JSON(Response):
    """A JSON body; missing numbers must already be None."""

    media_type = "application/json"

    def __init__(self, content: Any, *, cache: str = REVALIDATE, media_type: str | None = None) -> None:
        super().__init__(orjson.dumps(content), media_type=media_type, headers={"Cache-Control": cache})


class GeoJSON(JSON):
    """A GeoJSON body (RFC 7946)."""

    media_type = "application/geo+json"


class File(FileResponse):
    """A file of any size, or ranges of it: sent in parts and never held whole."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; for HEAD it is not read."""
        if not scope.get(IS_HEAD):
            await super().__call__(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            # As one of several parts, so that its length is left as it is said.
            await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

        await super().__call__({**scope, "method": "HEAD"}, receive, send_head)
