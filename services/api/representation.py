"""How an answer of features is written: its form, its system, and all of its text that is the same in every answer.

Requests that differ in their conditions alone share it, so it is read from the parameters once.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from geoplan.errors import QueryError
from services.api.collection import Collection
from services.api.crs import System, system
from services.api.json_fg import JSON_FG, PLAIN, PROFILES
from services.api.links import GEOJSON_TYPE, HTML_TYPE, JSON_TYPE, link
from services.api.targets import Parameters

FORMATS = {"json": GEOJSON_TYPE, "geojson": GEOJSON_TYPE, "html": HTML_TYPE}
FORM_PARAMETERS = ("f", "crs", "profile", "properties", "skipGeometry")


class Representation(NamedTuple):
    """A form of the features of a collection.

    Attributes
    ----------
    address
        Where the features are, without parameters.
    media_type
        GeoJSON or HTML.
    crs
        The system of the positions.
    columns
        Properties to write; None for all.
    geometry
        Whether to write the shapes.
    json_fg
        Whether the answer is JSON-FG.
    link_texts
        JSON of the links, around the addresses of the answer itself and of its other form.
    """

    address: str
    media_type: str
    crs: System
    columns: tuple[str, ...] | None
    geometry: bool
    json_fg: bool
    link_texts: tuple[bytes, bytes, bytes]

    @property
    def is_page(self) -> bool:
        """Whether it is for people."""
        return self.media_type == HTML_TYPE


def representation(collection: Collection, parameters: Parameters, base: str, *, html: bool) -> Representation:
    """The form that a request asks for.

    Parameters
    ----------
    base
        Address of the service.
    html
        Whether the client prefers pages, where the parameter ``f`` says nothing.

    Raises
    ------
    QueryError
        If a parameter is not as it should be.
    """
    given = tuple(map(parameters.get, FORM_PARAMETERS))
    return collection.representations.get_or_make(
        (base, html, given), lambda: _read(collection, parameters, base, html)
    )


def _read(collection: Collection, parameters: Parameters, base: str, html: bool) -> Representation:  # noqa: FBT001
    media_type = FORMATS.get(parameters.get("f", "html" if html else "json"))
    if media_type is None:
        raise QueryError(f"f: must be one of {', '.join(FORMATS)}")
    profile = parameters.get("profile", PLAIN)
    if profile not in PROFILES:
        raise QueryError(f"profile: must be one of {', '.join(PROFILES)}")
    up = f"{base}/collections/{collection.id}"
    other = GEOJSON_TYPE if media_type == HTML_TYPE else HTML_TYPE
    texts = (
        b'[{"href":',
        b',"rel":"self","type":"%b"},{"href":' % media_type.encode(),
        b',"rel":"alternate","type":"%b"},' % other.encode()
        + orjson.dumps(link(up, "collection", JSON_TYPE, collection.title)),
    )
    return Representation(
        f"{up}/items",
        media_type,
        system(parameters.get("crs"), "crs"),
        _columns(collection, parameters),
        geometry=not _flag(parameters, "skipGeometry"),
        json_fg=profile == JSON_FG,
        link_texts=texts,
    )


def _columns(collection: Collection, parameters: Parameters) -> tuple[str, ...] | None:
    text = parameters.get("properties")
    if text is None:
        return None
    names = tuple(filter(None, text.split(",")))
    for name in names:
        if name not in collection.names:
            raise QueryError(f"properties: there is no property {name[:100]!r}; GET …/schema lists them")
    return names


def _flag(parameters: Parameters, name: str) -> bool:
    """A yes or no; raises `QueryError`."""
    text = parameters.get(name, "false")
    if text not in {"true", "false"}:
        raise QueryError(f"{name}: must be true or false")
    return text == "true"
