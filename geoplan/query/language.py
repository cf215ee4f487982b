"""CQL2 (OGC 21-065r2) as text or JSON, read into a tree of plain values after its size has been bounded.

The parser of text recurses, so what would make it recurse deeply is refused before it sees it: brackets,
and chains of operators. JSON is read here and checked where it is compiled.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from geoplan.errors import QueryError

MOST_TEXT = 16_384
"""Bytes of a filter as text."""
MOST_JSON = 524_288
"""Bytes of a filter as JSON: room for a shape of `MOST_VERTICES` positions."""
MOST_DEPTH = 64
"""Levels of nested brackets or operators."""
MOST_OPERATORS = 512
"""Operators in a text, which may all nest in one another."""
MOST_VERTICES = 10_000
"""Positions of all shapes in a filter."""
_USUAL_DEPTH, _USUAL_OPERATORS, _LARGE_STACK = 8, 32, 64 << 20

_QUOTED = re.compile(r"'(?:[^']|'')*'?|\"[^\"]*\"?")
_SHAPE = re.compile(
    r"\b(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*Z?\s*\([0-9eE+\-.,()\s]*\)|\bBBOX\s*\([0-9eE+\-.,\s]*\)", re.IGNORECASE
)
_LONG_NUMBER = re.compile(r"(?<![\w.])(\d{16,})(?:\.0*)?(?![\w.])")
"""Whole numbers that may be none of the floats; with an exponent a number is meant as a float."""
_OPERATOR = re.compile(r"[-+*/%^]|<>|<=|>=|[<>=]|\b(?:NOT|AND|OR|DIV|IN|LIKE|BETWEEN|IS)\b", re.IGNORECASE)


def parse_text(text: str) -> Any:
    """The tree of a CQL2 text, in the form of CQL2 JSON.

    Raises
    ------
    QueryError
        If the text is too long, nested too deeply or not CQL2, or has a whole number that would be read as another.
    """
    import cql2

    deep = _check_text(text)
    try:
        return _with_large_stack(_parsed, text) if deep else _parsed(text)
    except cql2.ParseError as exc:
        raise QueryError(f"filter: not CQL2 text.{_place(str(exc), text)}") from None
    except Exception as exc:  # the parser raises bare exceptions for shapes it cannot write
        raise QueryError("filter: a shape in it has no or too few positions.") from exc


def parse_json(text: str | bytes) -> Any:
    """The tree of a CQL2 JSON text.

    Raises
    ------
    QueryError
        If the text is too long, nested too deeply or not JSON.
    """
    import orjson

    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > MOST_JSON:
        raise QueryError(f"filter: longer than {MOST_JSON} bytes; simplify its shapes.")
    # An operator takes two levels of JSON, a shape five more.
    if _depth(_without_strings(raw)) > 2 * MOST_DEPTH + 8:
        raise QueryError(f"filter: nested more than {MOST_DEPTH} levels deep.")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise QueryError(f"filter: not JSON (character {exc.pos}).") from None


def _parsed(text: str) -> Any:
    import cql2

    return cql2.parse_text(text).to_json()


def _with_large_stack(parse: Callable[[str], Any], text: str) -> Any:
    """The parser takes up to 16 KB of the stack for a level: what is nested deeply is read in a thread with room."""
    before = threading.stack_size(_LARGE_STACK)
    try:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(parse, text).result()
    finally:
        threading.stack_size(before)


def _check_text(text: str) -> bool:
    """Refuse what is too long or too deep; tells whether the text may nest more than is usual."""
    if len(text.encode("utf-8", "replace")) > MOST_TEXT:
        raise QueryError(f"filter: longer than {MOST_TEXT} bytes; send it as CQL2 JSON, or simplify its shapes.")
    if not text.strip():
        raise QueryError("filter: empty.")
    plain = _QUOTED.sub("''", text)
    depth = _depth(plain.encode("utf-8", "replace"))
    if depth > MOST_DEPTH:
        raise QueryError(f"filter: nested more than {MOST_DEPTH} levels deep.")
    # Signs inside of shapes are no operators.
    unshaped = _SHAPE.sub(" ", plain)
    _check_numbers(unshaped)
    operators = len(_OPERATOR.findall(unshaped))
    if operators > MOST_OPERATORS:
        raise QueryError(f"filter: more than {MOST_OPERATORS} operators.")
    return depth > _USUAL_DEPTH or operators > _USUAL_OPERATORS


def _check_numbers(plain: str) -> None:
    """Refuse whole numbers that a column may hold and the parser, which reads floats, takes for a neighbour."""
    for found in _LONG_NUMBER.findall(plain):
        # So many digits are beyond all columns; longer ones Python does not read at all.
        number = int(found.lstrip("0")[:40] or "0")
        if number > 2**53 and float(number) <= 2**63 and number != int(float(number)):
            raise QueryError(
                f"filter: {found[:40]} is beyond 2^53 = {2**53}, up to which CQL2 text has every whole number; send "
                "the filter as CQL2 JSON (filter-lang=cql2-json)."
            )


def _without_strings(raw: bytes) -> bytes:
    return re.sub(rb'"(?:[^"\\]|\\.)*"?', b"", raw)


def _depth(plain: bytes) -> int:
    """Deepest nesting of brackets."""
    depth = deepest = 0
    for byte in plain:
        if byte in b"([{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b")]}":
            depth -= 1
    return deepest


def _place(message: str, text: str) -> str:
    """Where the parser stopped, in words."""
    found = re.search(r"(\d+):(\d+)", message)
    if found is None:
        return ""
    column = int(found[2])
    return f" It cannot be read from character {column} on: {text[column - 1 : column + 29]!r}."
