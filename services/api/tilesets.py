"""Tile sets and tile matrix sets (OGC API Tiles, Part 1; OGC 17-083r4)."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from geoplan.crs import Bounds
from services.api.collection import Collection, said
from services.api.crs import CRS84
from services.api.documents import titles
from services.api.links import GEOJSON_TYPE, JSON_TYPE, MVT_TYPE, REL, Link, both, link
from services.api.tile_matrix_sets import (
    CGCS2000_QUAD,
    WEB_MERCATOR_QUAD,
    WEB_MERCATOR_QUAD_URI,
    definition,
    limits,
    title_of,
)  # fmt: skip
from services.api.tile_requests import MAX_TILE_ZOOM

SETS = (WEB_MERCATOR_QUAD, CGCS2000_QUAD)
"""Tile matrix sets that are described."""
TILED = (WEB_MERCATOR_QUAD,)
"""Those in which there are tiles."""


def tile_matrix_sets(base: str) -> dict[str, Any]:
    """The list of tile matrix sets."""
    listed = []
    for id_ in SETS:
        address = f"{base}/tileMatrixSets/{id_}"
        entry: dict[str, Any] = {"id": id_, "title": title_of(id_), "crs": definition(id_)["crs"]}
        if "uri" in definition(id_):
            entry["uri"] = definition(id_)["uri"]
        links = [link(address, "self", JSON_TYPE, title_of(id_)), link(address, "item", JSON_TYPE, title_of(id_))]
        listed.append({**entry, "links": links})
    return {"tileMatrixSets": listed, "links": both(f"{base}/tileMatrixSets")}


def tile_matrix_set(id_: str, base: str) -> dict[str, Any]:
    """The definition of a tile matrix set; raises `KeyError`."""
    return {**definition(id_), "links": both(f"{base}/tileMatrixSets/{id_}")}


def tilesets(collections: Sequence[Collection], path: str, base: str) -> dict[str, Any]:
    """The list of tile sets of a collection or of all, at ``path`` (``/tiles`` or ``/collections/{id}/tiles``)."""
    return {
        "tilesets": [_summary(collections, f"{base}{path}/{id_}", id_, base) for id_ in TILED],
        "links": both(f"{base}{path}"),
    }


def tileset(collections: Sequence[Collection], path: str, id_: str, base: str) -> dict[str, Any]:
    """One tile set at ``path/id_``: what is in it, how far it reaches, and the addresses of its tiles."""
    address = f"{base}{path}/{id_}"
    bounds = merged(collections)
    template = f"{address}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        **_described(collections, id_),
        "tileMatrixSetLimits": [
            {
                "tileMatrix": str(z),
                "minTileRow": held.min_row,
                "maxTileRow": held.max_row,
                "minTileCol": held.min_col,
                "maxTileCol": held.max_col,
            }
            for z in range(min(one.min_zoom for one in collections), MAX_TILE_ZOOM + 1)
            for held in [limits(bounds, z)]
        ],
        "boundingBox": {
            "lowerLeft": [bounds.west, bounds.south],
            "upperRight": [bounds.east, bounds.north],
            "crs": CRS84,
        },
        "centerPoint": {"coordinates": [(bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2]},
        "layers": [_layer(one) for one in collections],
        "attribution": credit(collections),
        "links": [
            *both(address),
            _scheme(base, id_),
            link(f"{address}?f=tilejson", "describedby", JSON_TYPE, "TileJSON"),
            link(f"{template}?f=mvt", "item", MVT_TYPE, "Vector tiles", templated=True),
            link(f"{template}?f=geojson", "item", GEOJSON_TYPE, "GeoJSON tiles", templated=True),
        ],
    }


def tilejson(collections: Sequence[Collection], templates: Sequence[str], name: str) -> dict[str, Any]:
    """TileJSON 3.0.0 of the vector tiles of collections."""
    bounds = merged(collections)
    return {
        "tilejson": "3.0.0",
        "name": name,
        "scheme": "xyz",
        "tiles": list(templates),
        "minzoom": min(one.min_zoom for one in collections),
        "maxzoom": MAX_TILE_ZOOM,
        "bounds": list(bounds),
        "center": _center(bounds),
        # Maps read it as HTML.
        "attribution": html.escape(credit(collections)),
        "vector_layers": [
            {
                "id": one.id,
                "description": one.description,
                "minzoom": one.min_zoom,
                "maxzoom": MAX_TILE_ZOOM,
                "fields": {column.name: _tilejson_type(column.type) for column in _tile_columns(one)},
            }
            for one in collections
        ],
    }


def merged(collections: Sequence[Collection]) -> Bounds:
    """Bounds of several collections together, in degrees."""
    west, south, east, north = zip(*(one.bounds for one in collections), strict=True)
    return Bounds(min(west), min(south), max(east), max(north))


def credit(collections: Sequence[Collection]) -> str:
    """The sources of collections, each once, as plain text."""
    return " · ".join(dict.fromkeys(said(s.get("title")) for one in collections for s in one.sources if s.get("title")))


def _center(bounds: Bounds) -> list[float]:
    """Middle of the bounds and the zoom at which they fill about one tile."""
    span = max(bounds.east - bounds.west, bounds.north - bounds.south, 360 / 2**MAX_TILE_ZOOM)
    zoom = min(max(math.floor(math.log2(360 / span)), 0), MAX_TILE_ZOOM)
    return [round((bounds.west + bounds.east) / 2, 7), round((bounds.south + bounds.north) / 2, 7), zoom]


def _described(collections: Sequence[Collection], id_: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": " · ".join(one.title for one in collections[:5]),
        "dataType": "vector",
        "crs": definition(id_)["crs"],
    }
    if id_ == WEB_MERCATOR_QUAD:
        found["tileMatrixSetURI"] = WEB_MERCATOR_QUAD_URI
    return found


def _summary(collections: Sequence[Collection], address: str, id_: str, base: str) -> dict[str, Any]:
    # Every link of this list is itself JSON: the official test suite opens each of them as such.
    return {**_described(collections, id_), "links": [link(address, "self", JSON_TYPE), _scheme(base, id_)]}


def _scheme(base: str, id_: str) -> Link:
    return link(f"{base}/tileMatrixSets/{id_}", f"{REL}tiling-scheme", JSON_TYPE, title_of(id_))


def _layer(one: Collection) -> dict[str, Any]:
    dimension = {"point": 0, "linestring": 1, "polygon": 2}
    kind = str(one.pack.manifest.geometry or "").lower().removeprefix("multi")
    known = {"geometryDimension": dimension[kind]} if kind in dimension else {}
    named = titles(one)
    schemas = {
        column.name: {"title": named.get(column.name) or column.name, **_json_type(column.type)}
        for column in _tile_columns(one)
    }
    return {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "dataType": "vector",
        **known,
        "propertiesSchema": {"type": "object", "properties": schemas},
    }


def _tile_columns(one: Collection) -> list[Any]:
    return [column for column in one.pack.source.columns if column.in_tiles]


def _json_type(kind: str) -> dict[str, str]:
    return {"type": kind} if kind in {"integer", "number", "boolean"} else {"type": "string"}


def _tilejson_type(kind: str) -> str:
    return {"integer": "Number", "number": "Number", "boolean": "Boolean"}.get(kind, "String")
