"""Filters that requests bring, compiled once for each version of a collection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query import Filter, compile_filter
from services.api.collection import Collection
from services.api.crs import system

LANGUAGES = ("cql2-text", "cql2-json")


def compiled_filter(collection: Collection, text: str, language: str = "", crs: str = "") -> Filter:
    """The filter of a request; raises `QueryError`.

    Parameters
    ----------
    text
        CQL2.
    language
        One of `LANGUAGES`; empty: the first.
    crs
        URI of the system of its shapes; empty: CRS84.
    """
    if language and language not in LANGUAGES:
        raise QueryError(f"filter-lang: must be one of {', '.join(LANGUAGES)}")
    chosen = language or LANGUAGES[0]
    name = system(crs or None, "filter-crs").name

    def make() -> Filter:
        return compile_filter(text, pack=collection.pack, language=chosen, crs=name)

    return collection.filters.get_or_make((chosen, name, text), make)


def filter_mask(collection: Collection, part: Part, text: str, language: str = "", crs: str = "") -> NDArray[np.bool_]:
    """Which rows of a part a filter keeps (n); kept for the tiles around. Raises as `compiled_filter`."""

    def make() -> NDArray[np.bool_]:
        return compiled_filter(collection, text, language, crs).mask(part)

    return collection.masks.get_or_make((part.min_zoom, language, crs, text), make)
