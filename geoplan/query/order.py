"""The order of answers and the cursors of their pages: by id, or by values and then by id.

A cursor holds the values and the id of the last feature of a page, so that a link goes on where it stood even when
the pack has been built anew in between. Missing values come last in either direction.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Column, Part
from geoplan.query.columns import bound, take, values_of
from geoplan.query.scopes import place_of

Rows = NDArray[np.int64]
MOST_KEYS = 4
"""Properties that an answer is sorted by."""
_MOST_CURSOR = 2000
_TEXT = ("string", "json")


@dataclass(frozen=True, slots=True)
class Key:
    """A property to sort by."""

    name: str
    descending: bool


def parse_sortby(texts: Sequence[str], part: Part) -> tuple[Key, ...]:
    """The keys of ``name``, ``+name`` and ``-name``.

    Raises
    ------
    QueryError
        For an unknown property, one of lists, or more than `MOST_KEYS`.
    """
    if len(texts) > MOST_KEYS:
        raise QueryError(f"sortby: at most {MOST_KEYS} properties.")
    keys = tuple(Key(text.lstrip("+-") if text[:1] in "+-" else text, text.startswith("-")) for text in texts)
    sortable = [column.name for column in part.columns if column.type != "json"]
    for key in keys:
        if key.name not in sortable:
            raise QueryError(f"sortby: {key.name[:80]!r} is no property to sort by; there are: {', '.join(sortable)}.")
    return keys


def write_cursor(part: Part, row: int, keys: Sequence[Key]) -> str:
    """The cursor of the page that comes after a row."""
    values = []
    for key in keys:
        array, missing = take(part.columns[place_of(part, key.name)], np.array([row]))
        value = array[0].item() if isinstance(array[0], np.generic) else array[0]
        values.append(None if missing[0] else value)
    return base64.urlsafe_b64encode(orjson.dumps([*values, int(part.ids[row])])).decode().rstrip("=")


def write_id_cursor(after: int) -> str:
    """The cursor of the page of greater ids, in the order of ids."""
    return base64.urlsafe_b64encode(orjson.dumps([after])).decode().rstrip("=")


def read_cursor(text: str, keys: Sequence[Key], part: Part) -> tuple[list[Any], int]:
    """Values and id of the last feature of the page before; raises `QueryError`."""
    try:
        if len(text) > _MOST_CURSOR:
            raise QueryError("the cursor of the next page is too long; begin with the first page again.")
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        values = None
    if not _fits(values, keys, part):
        raise QueryError("this is no cursor of a next page of this question; begin with the first page again.")
    return values[:-1], values[-1]


def _fits(values: Any, keys: Sequence[Key], part: Part) -> bool:
    if not isinstance(values, list) or len(values) != len(keys) + 1:
        return False
    last = values[-1]
    if isinstance(last, bool) or not isinstance(last, int) or not 0 <= last < 2**63:
        return False
    for key, value in zip(keys, values, strict=False):
        kind = part.columns[place_of(part, key.name)].type
        wanted: tuple[type, ...] = {"string": (str,), "boolean": (bool,)}.get(kind, (int, float))
        if value is not None and (not isinstance(value, wanted) or (bool not in wanted and isinstance(value, bool))):
            return False
    return True


def page(part: Part, rows: Rows, keys: Sequence[Key], after: tuple[list[Any], int] | None, limit: int) -> Rows:
    """The first `limit` of the rows in order, after the cursor."""
    if after is not None:
        rows = rows[_behind(part, rows, keys, after)]
    rows = _head(part, rows, keys, limit)
    sorting: list[NDArray[Any]] = [part.ids[rows]]
    for key in reversed(keys):
        places, missing = _ranks(part, rows, key)
        sorting += [places, missing]
    return rows[np.lexsort(sorting)][:limit]


def _ranks(part: Part, rows: Rows, key: Key) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Whole numbers or floats that sort as the values do, and which are missing."""
    column = part.columns[place_of(part, key.name)]
    if column.codes is not None:
        codes = column.codes[rows].astype(np.int64)
        return (-codes if key.descending else codes), codes == len(column.values)
    array, missing = take(column, rows)
    if column.type in _TEXT:
        array = np.unique(array.astype(str), return_inverse=True)[1] if len(array) else np.zeros(0, np.int64)
    return (-array if key.descending else array), missing


def _head(part: Part, rows: Rows, keys: Sequence[Key], limit: int) -> Rows:
    """The rows that can be among the first, by the first key: only these are sorted in full."""
    column = part.columns[place_of(part, keys[0].name)]
    if len(rows) <= 4 * limit + 1000 or (column.codes is None and column.type in _TEXT):
        return rows
    places, missing = _ranks(part, rows, keys[0])
    if int((~missing).sum()) <= limit:
        return rows
    bound = np.partition(places[~missing], limit - 1)[limit - 1] if limit else 0
    return rows[~missing & (places <= bound)]


def _behind(part: Part, rows: Rows, keys: Sequence[Key], after: tuple[list[Any], int]) -> NDArray[np.bool_]:
    """Which rows come after the cursor."""
    values, last = after
    behind = part.ids[rows] > last
    for key, value in zip(reversed(keys), reversed(values), strict=True):
        array, missing = take(part.columns[place_of(part, key.name)], rows)
        if value is None:
            behind = missing & behind
            continue
        beyond = array < value if key.descending else array > value
        behind = missing | beyond.astype(bool) | ((array == value).astype(bool) & behind)
    return np.asarray(behind, bool)


def enough(part: Part, key: Key, after: tuple[list[Any], int] | None, limit: int) -> Rows:
    """Rows among which the first `limit` of the whole part after the cursor are, by the index of the first key."""
    column = part.columns[place_of(part, key.name)]
    total = len(column.order)
    present = int(column.starts[-2]) if column.starts is not None else values_of(column).present
    value = after[0][0] if after is not None else None
    start, stop = 0, present
    if after is not None and value is None:
        start = present
    elif after is not None:
        # Of those with the cursor's own value some or all have been seen.
        low, high = _ties(column, value)
        limit += high - low
        start, stop = (0, high) if key.descending else (low, present)
    if not key.descending:
        taken = _whole_ties(column, min(start + limit, total), present, total)
        found = column.order[start : max(taken, start)]
        return np.asarray(found, np.int64)
    low = _first_of_tie(column, max(stop - limit, 0)) if start < present else present
    rest = limit - (stop - low)
    missing = column.order[present:total] if rest > 0 or start >= present else column.order[:0]
    return np.concatenate([column.order[low : max(stop, low)], missing]).astype(np.int64)


def _ties(column: Column, value: Any) -> tuple[int, int]:
    """The span of the order with a value."""
    low, high = (bound(column, value, right=right) for right in (False, True))
    if column.starts is not None:
        low, high = int(column.starts[low]), int(column.starts[high])
    return low, high


def _whole_ties(column: Column, place: int, present: int, total: int) -> int:
    """The next place of the order, from `place` on, at which another value begins."""
    if place >= present:
        return total
    value, _ = take(column, column.order[place : place + 1].astype(np.int64))
    end = bound(column, value[0], right=True)
    return int(column.starts[end]) if column.starts is not None else end


def _first_of_tie(column: Column, place: int) -> int:
    """The place of the order at which the value at `place` begins."""
    if place >= len(column.order):
        return place
    value, missing = take(column, column.order[place : place + 1].astype(np.int64))
    if missing[0]:
        return place
    start = bound(column, value[0], right=False)
    return int(column.starts[start]) if column.starts is not None else start
