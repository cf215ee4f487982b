"""Parameters of a request for features, as the query that the engine answers."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query.access import effort
from geoplan.query.distance import MOST_METRES
from geoplan.query.expressions import All
from geoplan.query.filters import Filter
from geoplan.query.model import Query
from geoplan.query.plan import Plan
from services.api.collection import Collection
from services.api.crs import system
from services.api.filters import check_language, compiled_filter
from services.api.targets import Parameters, digits, whole_number
from services.api.within import Within

MAX_LIMIT = 10_000
DEFAULT_LIMIT = 100
MAX_IDS = 200
MAX_RADIUS_M = MOST_METRES
MAX_NEAREST = 1000
RESERVED = frozenset(
    {
        "f", "limit", "bbox", "bbox-crs", "crs", "datetime", "filter", "filter-lang", "filter-crs", "sortby",
        "properties", "profile", "skipGeometry", "cursor", "point", "near", "radius", "nearest", "within", "ids",
    }
)  # fmt: skip
"""Parameters with a meaning of their own; a property of such a name is asked for in a filter."""
_LIGHT_CANDIDATES = 20_000
_LIGHT_LIMIT = 1000
_ATTRIBUTES = 20
"""Writing a feature's attributes takes about as long as writing so many vertices."""
_DURATION = re.compile(r"P(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,3})W)?(?:(\d{1,5})D)?")


def query_of(collection: Collection, parameters: Parameters, limit: int, within: Within | None = None) -> Query:
    """The query that parameters ask for; raises `QueryError` or `PlaceError`."""
    if ("near" in parameters) != ("radius" in parameters or "nearest" in parameters):
        raise QueryError("near: give it with radius (metres) or nearest (a number of features), and these with near")
    given: dict[str, Any] = {}
    equal: dict[str, str] = {}
    # Most requests have two or three parameters, of more than twenty that there are.
    for name, text in parameters.items():
        field = _FIELDS.get(name)
        if field is not None:
            given[field[0]] = field[1](text)
        elif name not in RESERVED and name in collection.names:
            equal[name] = text
    filter_ = None if _FILTERS.isdisjoint(parameters) else _filter(collection, parameters)
    if within is not None:
        filter_ = joined(filter_, within.kept)
    return Query(limit=limit, equal=equal, filter=filter_, **given)


def joined(*filters: Filter | None) -> Filter | None:
    """The filter that asks for all of them; None where there is none."""
    given = [one for one in filters if one is not None]
    return Filter(All(tuple(one.predicate for one in given))) if len(given) > 1 else next(iter(given), None)


def limit_of(parameters: Parameters) -> int:
    """Most features of the answer: above the maximum it is the maximum, as the standard wants."""
    text = parameters.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    number = digits(text)
    if not number:
        raise QueryError(f"limit: must be a whole number from 1 to {MAX_LIMIT}")
    return min(number, MAX_LIMIT)


def is_heavy(part: Part, query: Query, plan: Plan, limit: int) -> bool:
    """Whether answering a query belongs in a thread: no index bounds its work, or what it returns is much."""
    vertices = len(part.geometry.degrees) // max(len(part), 1)
    if limit * (vertices + _ATTRIBUTES) > _LIGHT_LIMIT * _ATTRIBUTES * 2:
        return len(part) * (vertices + _ATTRIBUTES) > _LIGHT_LIMIT * _ATTRIBUTES * 2
    if query.sortby and not plan.empty:
        return len(part) > _LIGHT_CANDIDATES
    return effort(plan, limit) > _LIGHT_CANDIDATES or (query.radius_m or 0) > _LIGHT_CANDIDATES / 4


def interval(text: str) -> str:
    """An instant or interval as the engine takes it: a duration behind the slash becomes the end (ISO 8601)."""
    start, slash, end = text.partition("/")
    match = _DURATION.fullmatch(end) if slash else None
    if match is None or not any(match.groups()):
        return text
    years, months, weeks, days = (int(part or 0) for part in match.groups())
    try:
        begin = date.fromisoformat(start[:10])
        year, month = begin.year + years + (begin.month - 1 + months) // 12, (begin.month - 1 + months) % 12 + 1
        moved = date(year, month, min(begin.day, calendar.monthrange(year, month)[1]))
        stop = moved + timedelta(days=days + 7 * weeks)
    except (ValueError, OverflowError):
        raise QueryError(f"datetime: {text[:60]!r} is no interval") from None
    return f"{start}/{stop.isoformat()}{start[10:]}"


def _filter(collection: Collection, parameters: Parameters) -> Filter | None:
    get = parameters.get
    check_language(get("filter-lang", ""))
    system(get("filter-crs"), "filter-crs")
    if "filter" not in parameters:
        return None
    return compiled_filter(collection, get("filter", ""), get("filter-lang", ""), get("filter-crs", ""))


def _bbox(text: str) -> tuple[float, float, float, float]:
    numbers = _floats(text)
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    if len(numbers) != 4:
        raise QueryError("bbox: must be 4 (or 6) numbers with commas between: west,south,east,north")
    west, south, east, north = numbers
    return west, south, east, north


def _ids(text: str) -> tuple[int, ...]:
    numbers = [digits(part) for part in text.split(",")]
    if len(numbers) > MAX_IDS or any(number is None or number >= 1 << 63 for number in numbers):
        raise QueryError(f"ids: must be up to {MAX_IDS} whole numbers with commas between")
    return tuple(number or 0 for number in numbers)


def _position(text: str, what: str) -> tuple[float, float]:
    numbers = _floats(text)
    if len(numbers) != 2:
        raise QueryError(f"{what}: must be 2 numbers, longitude,latitude, in degrees")
    longitude, latitude = numbers
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise QueryError(
            f"{what}: {longitude:g},{latitude:g} is not a longitude (-180 to 180) and a latitude (-90 to 90) in "
            "degrees; the longitude comes first."
        )
    return longitude, latitude


def _number(text: str, what: str, most: float) -> float:
    numbers = _floats(text)
    if len(numbers) != 1 or not 0 < numbers[0] <= most:
        raise QueryError(f"{what}: must be a number above 0, up to {most:g}")
    return numbers[0]


def _floats(text: str) -> list[float]:
    """Finite numbers; an empty list for anything else."""
    try:
        numbers = [float(part) for part in text.split(",")] if len(text) <= 500 else []
    except ValueError:
        return []
    return numbers if all(map(math.isfinite, numbers)) else []


_FILTERS = frozenset({"filter", "filter-lang", "filter-crs"})
_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "bbox": ("bbox", _bbox),
    "bbox-crs": ("bbox_crs", lambda text: system(text, "bbox-crs").name),
    "point": ("point", lambda text: _position(text, "point")),
    "near": ("near", lambda text: _position(text, "near")),
    "radius": ("radius_m", lambda text: _number(text, "radius", MAX_RADIUS_M)),
    "nearest": ("nearest", lambda text: whole_number(text, "nearest", 1, MAX_NEAREST)),
    "ids": ("ids", _ids),
    "datetime": ("datetime", interval),
    "sortby": ("sortby", lambda text: tuple(filter(None, text.split(",")))),
    "cursor": ("after", str),
}
"""What a parameter is in a query, and how it is read."""
