"""Which features of a part a tile shows: those of a filter, and of a time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query.access import mask
from geoplan.query.answer import plan_of
from geoplan.query.instants import parse_datetime
from geoplan.query.model import Query
from services.api.collection import Collection
from services.api.crs import system
from services.api.filters import check_language, compiled_filter, filter_mask
from services.api.item_parameters import interval
from services.api.targets import Parameters

_SUBSET = re.compile(r'datetime\((\*|"[^"]*")(?::(\*|"[^"]*"))?\)')
_MOST_SUBSET = 100


class Shown(NamedTuple):
    """What is asked for.

    Attributes
    ----------
    filter_key
        Text, language and system of a filter (`services.api.filters.filter_mask`), or None.
    instants
        An instant or interval as the engine takes it, or None.
    """

    filter_key: tuple[str, str, str] | None
    instants: str | None

    def check(self, collection: Collection) -> None:
        """Raise `QueryError` where the filter is not one of the collection."""
        if self.filter_key is not None:
            compiled_filter(collection, *self.filter_key)

    def tests(self, part: Part) -> int:
        """How many rows have to be looked at before a tile can be made of a part."""
        return len(part) if self.filter_key or self.instants else 0

    def rows(self, collection: Collection, part: Part) -> NDArray[np.bool_] | None:
        """The rows to show (n); None for all.

        Raises
        ------
        QueryError
            If the part has no longer the properties that are asked for.
        """
        rows = None if self.filter_key is None else filter_mask(collection, part, *self.filter_key)
        # As for features: what has no time is always shown.
        if self.instants is None or collection.pack.manifest.datetime is None:
            return rows
        then = _then(collection, part, self.instants)
        return then if rows is None else rows & then


def shown(parameters: Parameters) -> Shown:
    """What parameters ask for; raises `QueryError`."""
    check_language(parameters.get("filter-lang", ""))
    system(parameters.get("filter-crs"), "filter-crs")
    given = (parameters.get("filter", ""), parameters.get("filter-lang", ""), parameters.get("filter-crs", ""))
    return Shown(given if "filter" in parameters else None, _instants(parameters))


def _instants(parameters: Parameters) -> str | None:
    if "datetime" in parameters and "subset" in parameters:
        raise QueryError("subset: give the time either by it or by datetime")
    text = parameters.get("datetime")
    if "subset" in parameters:
        text = _subset(parameters["subset"])
    if text is None:
        return None
    text = interval(text)
    parse_datetime(text)
    return text


def _subset(text: str) -> str:
    """An interval of ``datetime("first":"last")``; ``*`` is an open end."""
    match = _SUBSET.fullmatch(text) if len(text) <= _MOST_SUBSET else None
    if match is None or match[0] == "datetime(*)":
        raise QueryError('subset: must be datetime("first":"last") or datetime("instant"), with * for an open end')
    ends = [".." if end == "*" else end.strip('"') for end in match.groups() if end is not None]
    return "/".join(ends)


def _then(collection: Collection, part: Part, instants: str) -> NDArray[np.bool_]:
    """Rows of a part whose time meets an interval, or that have none; kept for the tiles around."""

    def make() -> NDArray[np.bool_]:
        of_part = replace(collection.pack, parts=(part,))
        return mask(plan_of(of_part, Query(datetime=instants)))

    return collection.masks.get_or_make((part.min_zoom, "datetime", instants), make)
