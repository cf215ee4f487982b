"""Features of a collection: what a request asks for, and the GeoJSON or page that answers it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

import geoplan
from geoplan.errors import QueryError
from geoplan.pack.writer import write_features
from geoplan.query import UnknownFeatureError
from geoplan.query.answer import find_row, plan_of, select
from geoplan.query.model import Query, Selected
from geoplan.query.plan import Plan
from services.api import pages
from services.api.answers import Answer, strong_etag, tag_of
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.crs import System, content_crs, system
from services.api.item_parameters import RESERVED, chosen_columns, flag, is_heavy, limit_of, query_of
from services.api.json_fg import JSON_FG, PLAIN, PROFILES, to_json_fg
from services.api.links import GEOJSON_TYPE, HTML_TYPE, JSON_TYPE, Link, link
from services.api.responses import REVALIDATE
from services.api.targets import Parameters, digits, parse_query, query_text, refuse_parameter
from services.api.within import Within, within_division

FORMATS = {"json": GEOJSON_TYPE, "geojson": GEOJSON_TYPE, "html": HTML_TYPE}
FEATURE_PARAMETERS = frozenset({"f", "crs", "profile", "properties", "skipGeometry"})
_PLAIN = re.compile(rb"[A-Za-z0-9_.~!*():,;@$/?=&%+-]*")
"""Queries that can stand in a link as they came."""
_HTML_FEATURES = 500
"""A page for people has no more rows."""


class ItemsRequest(NamedTuple):
    """An answer that may be made.

    Attributes
    ----------
    etag
        Tag of the answer; weak where the answer tells the time at which it was made.
    cache
        Its ``Cache-Control``.
    make
        Makes the answer.
    is_heavy
        Whether that belongs in a thread.
    """

    etag: str
    cache: str
    make: Callable[[], Answer]
    is_heavy: bool


class Asked(NamedTuple):
    """A request for features, read."""

    collection: Collection
    parameters: Parameters
    query: str
    address: str
    media_type: str
    crs: System


def items_request(shelf: Shelf, id_: str, query: bytes, base: str, *, html: bool) -> ItemsRequest:
    """The request of a page of features.

    Parameters
    ----------
    query
        The query string.
    base
        Address of the service, for links.
    html
        Whether the client prefers pages, where the parameter ``f`` says nothing.

    Raises
    ------
    LayerError
        If there is no such collection.
    QueryError, PlaceError
        If a parameter is not as it should be.
    """
    collection = shelf.collection(id_)
    asked, wanted, within = page_asked(shelf, collection, query, base, html=html)
    etag = f"W/{etag_of(asked)}"
    plan = plan_of(collection.pack, wanted)
    is_page = asked.media_type == HTML_TYPE

    def make() -> Answer:
        return page_selected(asked, wanted, plan, within, etag)

    heavy = is_page or is_heavy(collection.pack.source, wanted, plan, wanted.limit)
    return ItemsRequest(etag, REVALIDATE, make, heavy)


def page_asked(
    shelf: Shelf, collection: Collection, query: bytes, base: str, *, html: bool
) -> tuple[Asked, Query, Within | None]:
    """What a request for a page of features asks for; raises as `items_request`."""
    parameters = parse_query(query)
    for name in parameters:
        if name not in RESERVED and name not in collection.names:
            refuse_parameter(name, RESERVED | collection.names)
    asked = _asked(collection, parameters, query, f"{base}/collections/{collection.id}/items", html=html)
    limit = limit_of(parameters)
    if asked.media_type == HTML_TYPE:
        limit = min(limit, _HTML_FEATURES)
    within = within_division(shelf, collection, parameters["within"]) if "within" in parameters else None
    return asked, query_of(collection, parameters, limit, within), within


def feature_request(shelf: Shelf, address: tuple[str, str], query: bytes, base: str, *, html: bool) -> ItemsRequest:
    """The request of one feature, by its collection and id.

    Raises as `items_request`, and `UnknownFeatureError` when it is not there.
    """
    asked, number = feature_asked(shelf.collection(address[0]), address[1], query, base, html=html)
    etag = etag_of(asked)

    def make() -> Answer:
        return feature_answer(asked, number, etag)

    return ItemsRequest(etag, REVALIDATE, make, is_heavy=False)


def feature_asked(collection: Collection, feature: str, query: bytes, base: str, *, html: bool) -> tuple[Asked, int]:
    """What a request for one feature asks for, and its id; raises as `feature_request`."""
    number = digits(feature)
    if number is None or number >= 1 << 63:
        raise UnknownFeatureError("a feature's id is a whole number")
    parameters = parse_query(query, FEATURE_PARAMETERS)
    address = f"{base}/collections/{collection.id}/items/{number}"
    return _asked(collection, parameters, query, address, html=html), number


def _asked(collection: Collection, parameters: Parameters, query: bytes, address: str, *, html: bool) -> Asked:
    named = parameters.get("f", "html" if html else "json")
    media_type = FORMATS.get(named)
    if media_type is None:
        raise QueryError(f"f: must be one of {', '.join(FORMATS)}")
    if parameters.get("profile", PLAIN) not in PROFILES:
        raise QueryError(f"profile: must be one of {', '.join(PROFILES)}")
    as_sent = query.decode("ascii") if _PLAIN.fullmatch(query) else query_text(parameters)
    return Asked(collection, parameters, as_sent, address, media_type, system(parameters.get("crs"), "crs"))


def etag_of(asked: Asked) -> str:
    """Strong tag of an answer, by the version of its collection."""
    return strong_etag(geoplan.__version__, asked.collection.version, asked.address, asked.query, asked.media_type)


def excluded_by(collection: Collection, parameters: Parameters, within: Within | None) -> int:
    """How many features would lie in the division, were they drawn where they are."""
    if within is None or within.excluded is None:
        return 0
    return select(collection.pack, query_of(collection, parameters, 0, Within(within.excluded, None))).matched


def page_selected(asked: Asked, wanted: Query, plan: Plan, within: Within | None, etag: str) -> Answer:
    """The page of the features that a pack has; without a tag it gets one of its content."""
    selected = select(asked.collection.pack, wanted, plan)
    closing: dict[str, Any] = {"numberMatched": selected.matched, "numberReturned": selected.returned}
    if not {"point", "near", "within"}.isdisjoint(asked.parameters):
        excluded = excluded_by(asked.collection, asked.parameters, within)
        closing["excludedApproximate"] = selected.excluded_approximate + excluded
    return page_answer(asked, selected, closing, etag)


def page_answer(asked: Asked, selected: Selected, closing: dict[str, Any], etag: str = "") -> Answer:
    """The page of selected features, with what is to be told of them."""
    features = _written(asked, selected.rows)
    if selected.distances_m is not None:
        closing["distancesM"] = (np.rint(selected.distances_m * 100) / 100).tolist()
    if not etag:
        etag = f"W/{tag_of(features + orjson.dumps([closing, _page_links(asked, selected)]))}"
    closing["timeStamp"] = _now()
    closing["links"] = _page_links(asked, selected)
    body = b"".join((b'{"type":"FeatureCollection","features":[', features, b"],", orjson.dumps(closing)[1:]))
    if asked.media_type == HTML_TYPE:
        body = pages.items_page(asked.collection.title, orjson.loads(body)).encode()
    elif asked.parameters.get("profile") == JSON_FG:
        up = asked.address.removesuffix("/items")
        body = to_json_fg(body, asked.collection, asked.crs, f"{up}/schema")
    return Answer(HTTPStatus.OK, _typed(asked.media_type), body, etag, REVALIDATE, (content_crs(asked.crs),))


def _now() -> str:
    """The present moment in UTC, to the millisecond (RFC 3339)."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def feature_answer(asked: Asked, number: int, etag: str) -> Answer:
    """One feature; raises `UnknownFeatureError`."""
    row = find_row(asked.collection.pack.source, number)
    if row is None:
        raise UnknownFeatureError(f"no feature {number} in {asked.collection.id}")
    up = asked.address.removesuffix(f"/items/{number}")
    links = [*_forms(asked.address, asked), link(up, "collection", JSON_TYPE, asked.collection.title)]
    body = _written(asked, np.array([row]), orjson.dumps(links))
    if asked.media_type == HTML_TYPE:
        body = pages.feature_page(asked.collection.title, orjson.loads(body)).encode()
    elif asked.parameters.get("profile") == JSON_FG:
        body = to_json_fg(body, asked.collection, asked.crs, f"{up}/schema")
    return Answer(HTTPStatus.OK, _typed(asked.media_type), body, etag, REVALIDATE, (content_crs(asked.crs),))


def _written(asked: Asked, rows: NDArray[np.int64], links: bytes | None = None) -> bytes:
    return write_features(
        asked.collection.pack.source,
        rows,
        columns=chosen_columns(asked.collection, asked.parameters),
        crs=asked.crs.name,
        geometry=not flag(asked.parameters, "skipGeometry"),
        links=links,
    )


def _page_links(asked: Asked, selected: Selected) -> list[Link]:
    up = asked.address.removesuffix("/items")
    links = [*_forms(asked.address, asked), link(up, "collection", JSON_TYPE, asked.collection.title)]
    if selected.next_cursor is not None:
        links.append(link(_changed(asked, "cursor", selected.next_cursor), "next", asked.media_type))
    return links


def _forms(address: str, asked: Asked) -> list[Link]:
    """Links of an answer to itself and to its other form."""
    is_page = asked.media_type == HTML_TYPE
    other = GEOJSON_TYPE if is_page else HTML_TYPE
    here = f"{address}?{asked.query}" if asked.query else address
    form = "f=json" if is_page else "f=html"
    there = f"{here}&{form}" if asked.query else f"{here}?{form}"
    if "f" in asked.parameters:
        there = _changed(asked, "f", form[2:])
    return [link(here, "self", asked.media_type), link(there, "alternate", other)]


def _changed(asked: Asked, name: str, value: str) -> str:
    """The address of the answer with another value of one parameter."""
    if name in asked.parameters:
        return f"{asked.address}?{query_text({**asked.parameters, name: value})}"
    added = query_text({name: value})
    return f"{asked.address}?{asked.query}&{added}" if asked.query else f"{asked.address}?{added}"


def _typed(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type == HTML_TYPE else media_type
