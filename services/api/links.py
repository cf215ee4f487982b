"""Links, and the address under which a client reached the service."""

from __future__ import annotations

from typing import Any

from starlette.types import Scope

JSON_TYPE = "application/json"
GEOJSON_TYPE = "application/geo+json"
HTML_TYPE = "text/html"
SCHEMA_TYPE = "application/schema+json"
OPENAPI_TYPE = "application/vnd.oai.openapi+json;version=3.0"
MVT_TYPE = "application/vnd.mapbox-vector-tile"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
"""Begin of the relation types that OGC registers."""

Link = dict[str, Any]


def base_url(scope: Scope) -> str:
    """Address of the service without a slash at its end, as the client wrote it."""
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    if host is None:
        name, port = scope.get("server") or ("localhost", None)
        host = (f"{name}:{port}" if port else str(name)).encode()
    root = str(scope.get("root_path", "")).rstrip("/")
    return f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}{root}"


def link(href: str, rel: str, media_type: str = JSON_TYPE, title: str = "", *, templated: bool = False) -> Link:
    """A link; `templated` where the address has variables in braces."""
    made: Link = {"href": href, "rel": rel, "type": media_type}
    if title:
        made["title"] = title
    if templated:
        made["templated"] = True
    return made


def both(address: str, title: str = "", media_type: str = JSON_TYPE, *, html: bool = False) -> list[Link]:
    """Links of a document to itself and to its other form: JSON and a page for people."""
    json_link = link(f"{address}?f=json", "alternate" if html else "self", media_type, title)
    page_link = link(f"{address}?f=html", "self" if html else "alternate", HTML_TYPE, title)
    return [page_link, json_link] if html else [json_link, page_link]
