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
    crs_of,
    definition,
    levels,
    limits_of,
    title_of,
)  # fmt: skip

SETS = (WEB_MERCATOR_QUAD, CGCS2000_QUAD)
"""Tile matrix sets; every collection has tiles in each."""


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
        "tilesets": [_summary(collections, f"{base}{path}/{id_}", id_, base) for id_ in SETS],
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
            for z in levels(id_, min(one.min_zoom for one in collections))
            for held in [limits_of(id_, bounds, z)]
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


def tilejson(
    collections: Sequence[Collection], templates: Sequence[str], name: str, id_: str = WEB_MERCATOR_QUAD
) -> dict[str, Any]:
    """TileJSON 3.0.0 of the vector tiles of collections in a tile matrix set.

    The format knows Web Mercator alone: for another set the members ``crs`` and ``tileMatrixSet`` are added, so that
    who looks for them is told.
    """
    bounds = merged(collections)
    depths = levels(id_, min(one.min_zoom for one in collections))
    other = {} if id_ == WEB_MERCATOR_QUAD else {"crs": crs_of(id_), "tileMatrixSet": id_}
    return {
        "tilejson": "3.0.0",
        "name": name,
        "scheme": "xyz",
        "tiles": list(templates),
        **other,
        "minzoom": depths.start,
        "maxzoom": depths.stop - 1,
        "bounds": list(bounds),
        "center": _center(bounds, depths),
        # Maps read it as HTML.
        "attribution": html.escape(credit(collections)),
        "vector_layers": [
            {
                "id": one.id,
                "description": one.description,
                "minzoom": levels(id_, one.min_zoom).start,
                "maxzoom": depths.stop - 1,
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


def _center(bounds: Bounds, depths: range) -> list[float]:
    """Middle of the bounds and the zoom at which they fill about one tile."""
    last = depths.stop - 1
    span = max(bounds.east - bounds.west, bounds.north - bounds.south, 360 / 2**last)
    zoom = min(max(math.floor(math.log2(360 / span)), depths.start), last)
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
