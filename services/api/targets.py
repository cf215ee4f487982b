"""Paths and queries taken apart by hand: a request of the raw front meets no router and no model.

Every limit on text is here: how long a query may be is checked before (`security.MAX_TARGET_BYTES`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NoReturn
from urllib.parse import quote, unquote_plus

from geoplan.errors import QueryError
from services.api.errors import UnknownParameterError

MAX_PARAMETERS = 50
_NOT_UTF_8 = "the query is not UTF-8 behind its percent signs."
Parameters = dict[str, str]
"""Query parameters by name, each given once."""


def parse_query(query: bytes, known: Collection[str] | None = None) -> Parameters:
    """The parameters of a query string, percent-decoded.

    Parameters
    ----------
    query
        What stands behind the question mark.
    known
        Names that may be given; None takes any.

    Raises
    ------
    UnknownParameterError
        If one is not known, or given twice.
    QueryError
        If there are more than `MAX_PARAMETERS`, or the text is not UTF-8.
    """
    found: Parameters = {}
    if not query:
        return found
    try:
        text = query.decode()
    except UnicodeDecodeError:
        raise QueryError(_NOT_UTF_8) from None
    pairs = text.split("&", MAX_PARAMETERS)
    if len(pairs) > MAX_PARAMETERS:
        raise QueryError(f"the query has more than {MAX_PARAMETERS} parameters.")
    is_plain = "%" not in text and "+" not in text
    for pair in pairs:
        if not pair:
            continue
        name, _, value = pair.partition("=")
        if not is_plain:
            name, value = _decoded(name), _decoded(value)
        if known is not None and name not in known:
            refuse_parameter(name, known)
        if name in found:
            raise UnknownParameterError(f"query parameter {name[:100]!r} is given 2 times")
        found[name] = value
    return found


def refuse_parameter(name: str, known: Collection[str]) -> NoReturn:
    """Raise the `UnknownParameterError` for a parameter that is not among the known ones."""
    words = ", ".join(sorted(known)) if known else "none"
    raise UnknownParameterError(f"unknown query parameter {name[:100]!r}; known here: {words}")


def query_text(parameters: Mapping[str, str]) -> str:
    """A query string with these parameters, in their order."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe=',:/')}" for name, value in parameters.items())


def whole_number(text: str, what: str, least: int, most: int) -> int:
    """A whole number in a range, in plain digits; raises `QueryError`."""
    value = digits(text)
    if value is None or not least <= value <= most:
        raise QueryError(f"{what}: must be a whole number from {least} to {most}")
    return value


def digits(text: str) -> int | None:
    """The number that up to 19 ASCII digits mean; None for anything else."""
    if not 1 <= len(text) <= 19 or not text.isascii() or not text.isdigit():
        return None
    return int(text)


def _decoded(part: str) -> str:
    try:
        return unquote_plus(part, errors="strict")
    except UnicodeDecodeError:
        raise QueryError(_NOT_UTF_8) from None
