"""Features of live layers: the rows that a request needs are read, and answered as those of a pack are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.part import Part
from geoplan.query.access import mask
from geoplan.query.answer import plan_of, select
from geoplan.query.distance import MOST_METRES
from geoplan.query.model import Query, Selected
from geoplan.query.order import read_cursor, write_id_cursor
from geoplan.query.plan import Plan
from geoplan.sources.postgis.live import Reach
from geoplan.sources.postgis.selection import Selection
from services.api.answers import Answer, tag_of
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.items import etag_of, feature_answer, feature_asked, page_answer, page_asked, page_selected
from services.api.live import LiveSource, held

_DEGREE_M = 110_000.0
"""Less than the metres of a degree of latitude anywhere."""
_READERS: dict[str, Callable[[str], Any]] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": lambda text: {"true": True, "false": False}.get(text.lower()),
}
Box = tuple[float, float, float, float]


async def live_items(source: LiveSource, shelf: Shelf, query: bytes, base: str, *, html: bool) -> Callable[[], Answer]:
    """Makes a page of features; parameters are as for `services.api.items.items_request`.

    In the order of ids a page reads the rows that it needs. For a place or another order all rows that may answer are
    read, as many as the layer may read at once.

    Raises
    ------
    QueryError
        As `items_request`.
    SourceError, SourceUnavailableError, SourceLimitError
        If the rows cannot be read, or are too many.
    """
    known = await source.described()
    asked, wanted, within = page_asked(shelf, known, query, base, html=html)
    # Without features nothing is found, but everything is checked.
    select(known.pack, wanted)
    selection = _selection(source, known, wanted)
    if wanted.nearest is not None and wanted.near is not None:
        rows = await source.nearest(selection, wanted.near, wanted.nearest, _reach(known, wanted))
        found = asked._replace(collection=rows)
        return lambda: page_selected(found, wanted, plan_of(rows.pack, wanted), within, "")
    if wanted.sortby or within is not None or wanted.point is not None or wanted.near is not None:
        found = asked._replace(collection=await source.rows(selection))
        return lambda: page_selected(found, wanted, plan_of(found.collection.pack, wanted), within, "")
    after = None if wanted.after is None else read_cursor(wanted.after, (), known.pack.source)[1]
    is_all = wanted.bbox is None and wanted.filter is None and len(selection.equal) == len(wanted.equal)
    matches = None if is_all and source.decides(selection.equal) else _matches(known, wanted)
    page = await source.page(replace(selection, after=after), wanted.limit, matches)
    part = page.part
    cursor = None if page.next_after is None else write_id_cursor(page.next_after)
    selected = Selected(part.ids_order.astype(np.int64), page.matched or 0, 0, cursor)
    # Without the count where counting would read more rows than the layer may.
    counted = {} if page.matched is None else {"numberMatched": page.matched}
    found = asked._replace(collection=held(known, part, None))
    return lambda: page_answer(found, selected, {**counted, "numberReturned": selected.returned})


async def live_feature(
    source: LiveSource, feature: str, query: bytes, base: str, *, html: bool
) -> Callable[[], Answer]:
    """Makes one feature; raises as `services.api.items.feature_request` and `live_items`."""
    asked, number = feature_asked(await source.described(), feature, query, base, html=html)
    found = asked._replace(collection=await source.rows(Selection(ids=(number,))))

    def make() -> Answer:
        answer = feature_answer(found, number, etag_of(found))
        return answer if found.collection.version else answer._replace(etag=tag_of(answer.body))

    return make


def _selection(source: LiveSource, known: Collection, wanted: Query) -> Selection:
    """The least that has to be read for a question, whose page is still to be said."""
    types = {column.name: column.type for column in known.pack.source.columns}
    equal = {
        name: value
        for name, text in wanted.equal.items()
        if (read := _READERS.get(types[name])) is not None
        and (value := read(text)) is not None
        and source.decides({name: value})
    }
    box, or_missing = _box(plan_of(known.pack, wanted), wanted)
    return Selection(box=box, ids=wanted.ids, equal=equal, or_missing=or_missing)


def _box(plan: Plan, wanted: Query) -> tuple[Box | None, bool]:
    """A box that all shapes touch that answer, and whether features without a shape answer too."""
    if wanted.point is not None:
        return (*wanted.point, *wanted.point), False
    if wanted.near is not None and (wanted.radius_m is not None or wanted.nearest is None):
        return around(*wanted.near, wanted.radius_m or 0), False
    boxes = [(window, False) for window in plan.windows] + sorted(plan.boxes, key=lambda box: box[1])
    anywhere = None if wanted.near is None else around(*wanted.near, MOST_METRES)
    return next(((box, missing) for box, missing in boxes if all(map(math.isfinite, box))), (anywhere, False))


def around(longitude: float, latitude: float, radius_m: float) -> Box:
    """A box in degrees that holds the circle; its west is greater than its east across the 180th meridian."""
    high = radius_m / _DEGREE_M
    south, north = latitude - high, latitude + high
    wide = high / max(math.cos(math.radians(max(abs(south), abs(north)))), 1e-9)
    if max(abs(south), abs(north)) >= 89 or wide >= 180:
        return -180.0, max(south, -90.0), 180.0, min(north, 90.0)
    west, east = longitude - wide, longitude + wide
    return (west + 360 if west < -180 else west), south, (east - 360 if east > 180 else east), north


def _reach(known: Collection, wanted: Query) -> Reach:
    """The box around the circle that holds the nearest features of a part, where it has enough of them."""

    def reach(part: Part) -> Box | None:
        pack = held(known, part, None).pack
        found = select(pack, wanted, plan_of(pack, wanted))
        if wanted.near is None or found.distances_m is None or found.returned < (wanted.nearest or 0):
            return None
        return around(*wanted.near, float(found.distances_m[-1]))

    return reach


def _matches(known: Collection, wanted: Query) -> Callable[[Part], NDArray[np.bool_]]:
    """Which rows answer, decided as for a pack."""

    def matches(part: Part) -> NDArray[np.bool_]:
        return mask(plan_of(held(known, part, None).pack, wanted))

    return matches
