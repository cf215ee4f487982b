"""Features of a collection: what a request asks for, and the GeoJSON or page that answers it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

import geoplan
from geoplan.pack.writer import view_features
from geoplan.query import UnknownFeatureError
from geoplan.query.answer import find_row, plan_of, select
from geoplan.query.model import Query, Selected
from geoplan.query.plan import Plan
from services.api import pages
from services.api.answers import Answer, strong_etag, tag_of
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.crs import content_crs
from services.api.item_parameters import RESERVED, is_heavy, limit_of, query_of
from services.api.json_fg import to_json_fg
from services.api.links import HTML_TYPE, link
from services.api.representation import FORM_PARAMETERS, Representation, representation
from services.api.responses import REVALIDATE
from services.api.targets import Parameters, digits, parse_query, query_text, refuse_parameter
from services.api.within import Within, within_division

_PLAIN = re.compile(rb"[A-Za-z0-9_.~!*():,;@$/?=&%+-]*")
"""Queries that can stand in a link as they came."""
_PLACES = frozenset({"point", "near", "within"})
"""Parameters that ask for a place, of which features that are drawn schematically say nothing."""
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
    """A request for features, read.

    Attributes
    ----------
    collection
        Where the features are from.
    parameters
        All that was given.
    query
        The same as text for links.
    address
        Address of the answer without them.
    form
        How it is written.
    """

    collection: Collection
    parameters: Parameters
    query: str
    address: str
    form: Representation


def items_request(shelf: Shelf, collection: Collection, query: bytes, base: str, *, html: bool) -> ItemsRequest:
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
    QueryError, PlaceError
        If a parameter is not as it should be.
    """
    asked, wanted, within = page_asked(shelf, collection, query, base, html=html)
    etag = f"W/{etag_of(asked)}"
    plan = plan_of(collection.pack, wanted)

    def make() -> Answer:
        return page_selected(asked, wanted, plan, within, etag)

    heavy = asked.form.is_page or is_heavy(collection.pack.source, wanted, plan, wanted.limit)
    return ItemsRequest(etag, REVALIDATE, make, heavy)


def page_asked(
    shelf: Shelf, collection: Collection, query: bytes, base: str, *, html: bool
) -> tuple[Asked, Query, Within | None]:
    """What a request for a page of features asks for; raises as `items_request`."""
    parameters = parse_query(query)
    for name in parameters:
        if name not in RESERVED and name not in collection.names:
            refuse_parameter(name, RESERVED | collection.names)
    form = representation(collection, parameters, base, html=html)
    asked = Asked(collection, parameters, _as_text(query, parameters), form.address, form)
    limit = limit_of(parameters)
    if form.is_page:
        limit = min(limit, _HTML_FEATURES)
    within = within_division(shelf, collection, parameters["within"]) if "within" in parameters else None
    return asked, query_of(collection, parameters, limit, within), within


def feature_request(collection: Collection, feature: str, query: bytes, base: str, *, html: bool) -> ItemsRequest:
    """The request of one feature, by its id.

    Raises as `items_request`, and `UnknownFeatureError` when it is not there.
    """
    asked, number = feature_asked(collection, feature, query, base, html=html)
    etag = etag_of(asked)

    def make() -> Answer:
        return feature_answer(asked, number, etag)

    return ItemsRequest(etag, REVALIDATE, make, is_heavy=False)


def feature_asked(collection: Collection, feature: str, query: bytes, base: str, *, html: bool) -> tuple[Asked, int]:
    """What a request for one feature asks for, and its id; raises as `feature_request`."""
    number = digits(feature)
    if number is None or number >= 1 << 63:
        raise UnknownFeatureError("a feature's id is a whole number")
    parameters = parse_query(query, FORM_PARAMETERS)
    form = representation(collection, parameters, base, html=html)
    address = f"{form.address}/{number}"
    return Asked(collection, parameters, _as_text(query, parameters), address, form), number


def _as_text(query: bytes, parameters: Parameters) -> str:
    """A query as it came, or written anew where that cannot stand in a link."""
    return query.decode("ascii") if _PLAIN.fullmatch(query) else query_text(parameters)


def etag_of(asked: Asked) -> str:
    """Strong tag of an answer, by the version of its collection."""
    return strong_etag(geoplan.__version__, asked.collection.version, asked.address, asked.query, asked.form.media_type)


def excluded_by(collection: Collection, parameters: Parameters, within: Within | None) -> int:
    """How many features would lie in the division, were they drawn where they are."""
    if within is None or within.excluded is None:
        return 0
    return select(collection.pack, query_of(collection, parameters, 0, Within(within.excluded, None))).matched


def page_selected(asked: Asked, wanted: Query, plan: Plan, within: Within | None, etag: str) -> Answer:
    """The page of the features that a pack has; without a tag it gets one of its content."""
    selected = select(asked.collection.pack, wanted, plan)
    counts = {"numberMatched": selected.matched, "numberReturned": selected.returned}
    if not _PLACES.isdisjoint(asked.parameters):
        excluded = excluded_by(asked.collection, asked.parameters, within)
        counts["excludedApproximate"] = selected.excluded_approximate + excluded
    return page_answer(asked, selected, counts, etag)


def page_answer(asked: Asked, selected: Selected, counts: Mapping[str, int], etag: str = "") -> Answer:
    """The page of selected features, with what is to be told of them."""
    form = asked.form
    features, about = _written(asked, selected.rows), orjson.dumps(counts)[1:-1]
    if selected.distances_m is not None:
        distances = np.rint(selected.distances_m * 100) / 100
        about += b',"distancesM":' + orjson.dumps(distances, option=orjson.OPT_SERIALIZE_NUMPY)
    links = _page_links(asked, selected)
    if not etag:
        etag = f"W/{tag_of(b''.join((features, about, links)))}"
    time_ = b',"timeStamp":"%b","links":' % _now()
    body = b"".join((b'{"type":"FeatureCollection","features":[', features, b"],", about, time_, links, b"}"))
    if form.is_page:
        body = pages.items_page(asked.collection.title, orjson.loads(body)).encode()
    return _answer(asked, body, etag)


def _now() -> bytes:
    """The present moment in UTC, to the millisecond (RFC 3339)."""
    seconds, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return b"%b.%03dZ" % (_second(seconds), milliseconds)


@lru_cache(maxsize=4)
def _second(seconds: int) -> bytes:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)).encode()


def feature_answer(asked: Asked, number: int, etag: str) -> Answer:
    """One feature; raises `UnknownFeatureError`."""
    row = find_row(asked.collection.pack.source, number)
    if row is None:
        raise UnknownFeatureError(f"no feature {number} in {asked.collection.id}")
    body = bytes(_written(asked, np.array([row]), b"".join((*_forms(asked), b"]"))))
    if asked.form.is_page:
        body = pages.feature_page(asked.collection.title, orjson.loads(body)).encode()
    return _answer(asked, body, etag)


def _answer(asked: Asked, body: bytes, etag: str) -> Answer:
    form = asked.form
    if form.json_fg and not form.is_page:
        body = to_json_fg(body, asked.collection, form.crs, f"{form.address.removesuffix('/items')}/schema")
    media_type = f"{HTML_TYPE}; charset=utf-8" if form.is_page else form.media_type
    return Answer(HTTPStatus.OK, media_type, body, etag, REVALIDATE, (content_crs(form.crs),))


def _written(asked: Asked, rows: NDArray[np.int64], links: bytes | None = None) -> memoryview:
    """The features as text, which is there until others are written."""
    form = asked.form
    return view_features(
        asked.collection.pack.source,
        rows,
        columns=form.columns,
        crs=form.crs.name,
        geometry=form.geometry,
        links=links,
    )


def _page_links(asked: Asked, selected: Selected) -> bytes:
    texts = _forms(asked)
    if selected.next_cursor is not None:
        address = _changed(asked, "cursor", selected.next_cursor)
        texts = (*texts, b",", orjson.dumps(link(address, "next", asked.form.media_type)))
    return b"".join((*texts, b"]"))


def _forms(asked: Asked) -> tuple[bytes, ...]:
    """JSON of the links of an answer to itself, to its other form and to its collection, without a bracket behind."""
    form = asked.form
    here = f"{asked.address}?{asked.query}" if asked.query else asked.address
    there = _changed(asked, "f", "json" if form.is_page else "html")
    begin, between, end = form.link_texts
    return begin, orjson.dumps(here), between, orjson.dumps(there), end


def _changed(asked: Asked, name: str, value: str) -> str:
    """The address of the answer with another value of one parameter, a text that need not be quoted."""
    if name in asked.parameters:
        return f"{asked.address}?{query_text({**asked.parameters, name: value})}"
    return f"{asked.address}?{asked.query}&{name}={value}" if asked.query else f"{asked.address}?{name}={value}"
