"""The documents of OGC API: landing page, conformance, collections, queryables, sortables, schema."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import pyarrow as pa

from geoplan.pack.part import Column
from services.api import json_fg
from services.api.catalog import Shelf
from services.api.collection import Collection, said
from services.api.crs import CRS84, STORAGE_CRS, SYSTEMS
from services.api.links import (
    GEOJSON_TYPE,
    HTML_TYPE,
    JSON_TYPE,
    OPENAPI_TYPE,
    REL,
    SCHEMA_TYPE,
    Link,
    both,
    link,
)  # fmt: skip

TITLE = "geoplan"
DESCRIPTION = "行政区划与规划事实：图层、要素、瓦片、地名 / Administrative divisions joined with what plans promise."
GEOMETRY = "geometry"
JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"

_SPEC = "http://www.opengis.net/spec/"
CONFORMANCE: tuple[str, ...] = (
    *(f"{_SPEC}ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "oas30")),
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    *(f"{_SPEC}ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "geojson")),
    f"{_SPEC}ogcapi-features-2/1.0/conf/crs",
    *json_fg.CONFORMANCE,
    *(
        f"{_SPEC}ogcapi-features-3/1.0/conf/{name}"
        for name in ("filter", "features-filter", "queryables", "queryables-query-parameters")
    ),
    *(
        f"{_SPEC}cql2/1.0/conf/{name}"
        for name in (
            "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
            "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus",
            "spatial-functions", "temporal-functions", "property-property", "arithmetic",
        )
    ),
    *(
        f"{_SPEC}ogcapi-tiles-1/1.0/conf/{name}"
        for name in (
            "core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "collections-selection",
            "datetime", "oas30", "mvt", "geojson",
        )
    ),
    *(f"{_SPEC}tms/2.0/conf/{name}" for name in ("tilematrixset", "json-tilematrixset")),
)  # fmt: skip

_TYPES: dict[str, dict[str, str]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "json": {},
}
_MOST_ENUMERATED = 50


def landing(base: str) -> dict[str, Any]:
    """The landing page."""
    return {
        "title": TITLE,
        "description": DESCRIPTION,
        "links": [
            *both(f"{base}/", "This document"),
            link(f"{base}/api", "service-desc", OPENAPI_TYPE, "The API, in OpenAPI 3.0"),
            link(f"{base}/api.html", "service-doc", HTML_TYPE, "The API, for people"),
            link(f"{base}/conformance", "conformance", JSON_TYPE, "Conformance classes"),
            link(f"{base}/conformance", f"{REL}conformance", JSON_TYPE, "Conformance classes"),
            link(f"{base}/collections", "data", JSON_TYPE, "Collections"),
            link(f"{base}/collections?f=html", "data", HTML_TYPE, "Collections"),
            link(f"{base}/tiles?f=json", f"{REL}tilesets-vector", JSON_TYPE, "Tile sets of all collections"),
            link(f"{base}/tileMatrixSets", f"{REL}tiling-schemes", JSON_TYPE, "Tile matrix sets"),
        ],
    }


def conformance(base: str) -> dict[str, Any]:
    """The classes of requirements that are met."""
    return {"conformsTo": list(CONFORMANCE), "links": both(f"{base}/conformance")}


def collections(shelf: Shelf, ids: Iterable[str], base: str) -> dict[str, Any]:
    """The list of collections."""
    return {
        "links": both(f"{base}/collections", "Collections"),
        "crs": list(SYSTEMS),
        "collections": [collection(shelf.collection(id_), base) for id_ in ids],
    }


def collection(one: Collection, base: str) -> dict[str, Any]:
    """One collection."""
    address = f"{base}/collections/{one.id}"
    return {
        "id": one.id,
        "title": one.title,
        "description": one.description,
        "attribution": " · ".join(dict.fromkeys(said(source.get("title")) for source in one.sources if source)),
        "itemType": "feature",
        "extent": {"spatial": {"bbox": [list(one.bounds)], "crs": CRS84}, **_temporal(one)},
        "crs": list(SYSTEMS),
        "storageCrs": STORAGE_CRS,
        # How many a live layer has is another answer at every moment.
        **({} if one.live else {"numberOfFeatures": len(one.pack.source)}),
        "links": [
            *both(address, one.title),
            link(f"{address}/items", "items", GEOJSON_TYPE, one.title),
            link(f"{address}/items?f=html", "items", HTML_TYPE, one.title),
            link(f"{address}/queryables", f"{REL}queryables", SCHEMA_TYPE, "Properties to filter by"),
            link(f"{address}/sortables", f"{REL}sortables", SCHEMA_TYPE, "Properties to sort by"),
            link(f"{address}/schema", f"{REL}schema", SCHEMA_TYPE, "Schema of the features"),
            link(f"{address}/tiles?f=json", f"{REL}tilesets-vector", JSON_TYPE, "Tile sets"),
        ],
    }


def queryables(one: Collection, base: str) -> dict[str, Any]:
    """What features can be filtered by, as a JSON Schema."""
    found = {column.name: _property(column, one) for column in one.pack.source.columns if column.name != GEOMETRY}
    return _schema(one, f"{base}/collections/{one.id}/queryables", {**found, GEOMETRY: _geometry(one)})


def sortables(one: Collection, base: str) -> dict[str, Any]:
    """What features can be sorted by, as a JSON Schema."""
    found = {column.name: _property(column, one) for column in one.pack.source.columns if column.type != "json"}
    return _schema(one, f"{base}/collections/{one.id}/sortables", found)


def schema(one: Collection, base: str) -> dict[str, Any]:
    """What a feature holds, as a JSON Schema."""
    found = {column.name: _property(column, one) for column in one.pack.source.columns if column.name != GEOMETRY}
    return _schema(one, f"{base}/collections/{one.id}/schema", {**found, GEOMETRY: _geometry(one)})


def _schema(one: Collection, address: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": JSON_SCHEMA,
        "$id": address,
        "type": "object",
        "title": one.title,
        "description": one.description,
        "properties": properties,
        "additionalProperties": False,
    }


def _property(column: Column, one: Collection) -> dict[str, Any]:
    described: dict[str, Any] = {"title": titles(one).get(column.name) or column.name, **_TYPES[column.type]}
    if one.pack.manifest.id_column == column.name:
        described["x-ogc-role"] = "id"
    if one.pack.manifest.datetime == column.name:
        described["x-ogc-role"] = "primary-instant"
    if column.type == "string" and column.codes is not None and 0 < len(column.values) <= _MOST_ENUMERATED:
        described["enum"] = column.values.to_pylist()
    return described


def titles(one: Collection) -> dict[str, str]:
    """Titles of the properties by name."""
    return {column.name: said(column.title) for column in one.pack.manifest.columns}


def _geometry(one: Collection) -> dict[str, Any]:
    kind = str(one.pack.manifest.geometry or "any").lower()
    shapes = {"point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"}
    name = kind if kind in shapes else "any"
    return {"title": "几何", "x-ogc-role": "primary-geometry", "format": f"geometry-{name}"}


def _temporal(one: Collection) -> dict[str, Any]:
    name = one.pack.manifest.datetime
    if not name:
        return {}
    first, last = _interval(one, name)
    return {"temporal": {"interval": [[first, last]], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}}


@lru_cache(maxsize=256)
def _interval(one: Collection, name: str) -> tuple[str | None, str | None]:
    column = one.pack.source.column(name)
    values = column.values if column.codes is not None else column.values.take(pa.array(column.order))
    known = values.drop_null()
    if not len(known):
        return None, None
    return _instant(known[0]), _instant(known[-1])


def _instant(value: pa.Scalar) -> str:
    text = str(value.as_py())
    return text if "T" in text else f"{text[:10]}T00:00:00Z"


def parents(base: str) -> list[Link]:
    """Links from a page of a collection up."""
    return [link(f"{base}/collections", "up", JSON_TYPE, "Collections")]
