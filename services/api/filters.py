"""Filters that requests bring, compiled once for each version of a collection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query.filters import Filter, Language, compile_filter
from services.api.collection import Collection
from services.api.crs import system

LANGUAGES = ("cql2-text", "cql2-json")
MAX_TEXT = 4000
"""Characters of a filter in an address."""


def check_language(language: str) -> None:
    """Raise `QueryError` for a language that is not read; empty is the default one."""
    if language and language not in LANGUAGES:
        raise QueryError(f"filter-lang: must be one of {', '.join(LANGUAGES)}")


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
    check_language(language)
    if len(text) > MAX_TEXT:
        raise QueryError(f"filter: longer than {MAX_TEXT} characters; simplify it or its shapes.")
    chosen: Language = "cql2-json" if language == "cql2-json" else "cql2-text"
    name = system(crs or None, "filter-crs").name

    def make() -> Filter:
        return compile_filter(text, pack=collection.pack, language=chosen, crs=name)

    return collection.filters.get_or_make((chosen, name, text), make)


def filter_mask(collection: Collection, part: Part, text: str, language: str = "", crs: str = "") -> NDArray[np.bool_]:
    """Which rows of a part a filter keeps (n); kept for the tiles around. Raises as `compiled_filter`."""

    def make() -> NDArray[np.bool_]:
        return compiled_filter(collection, text, language, crs).mask(part)

    return collection.masks.get_or_make((part.min_zoom, language, crs, text), make)
