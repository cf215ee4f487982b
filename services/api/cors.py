"""Pages of other origins that may read answers (CORS); none unless the operator names them."""

from __future__ import annotations

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from geoplan.access.settings import AccessSettings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ASKED = ("Accept-Crs", "Authorization", "Content-Crs", "Content-Type", "If-Match", "If-None-Match", "X-API-Key")
SHOWN = ("Content-Crs", "ETag", "Link", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id")
MAX_AGE_S = 600


def cors(settings: AccessSettings) -> list[Middleware]:
    """The middleware for the origins of the settings; none when there are no origins.

    It must stand outside of `services.api.access.Access`: a browser asks beforehand without credentials, and has to
    be shown refusals too. Keys travel in headers that the page sets itself, never in cookies, so credentials in the
    sense of CORS are not allowed for any origin, and ``*`` gives nothing away.
    """
    if not settings.origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=METHODS,
            allow_headers=ASKED,
            allow_credentials=False,
            expose_headers=SHOWN,
            max_age=MAX_AGE_S,
        )
    ]
