"""Dates and times in questions: whole microseconds of UTC since 1970, open ends included."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from geoplan.errors import QueryError

DAY_US = 86_400_000_000
"""Microseconds of a day."""
BEFORE_ALL, AFTER_ALL = -(2**62), 2**62
"""Ends of an interval that is open there."""
_EPOCH = date(1970, 1, 1).toordinal()
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_OPEN = ("..", "")


def parse_date(text: str) -> int:
    """Midnight at the beginning of a date; raises `QueryError`."""
    try:
        if _DATE.fullmatch(text):
            return (date.fromisoformat(text).toordinal() - _EPOCH) * DAY_US
    except ValueError:
        pass
    raise QueryError(f"{text!r} is not a date; write it as 2024-05-31.")


def parse_timestamp(text: str) -> int:
    """An instant of RFC 3339; without a zone it is taken to be in UTC; raises `QueryError`."""
    try:
        found = datetime.fromisoformat(text.replace("z", "Z") if "T" in text.upper() else "")
    except (ValueError, TypeError):
        raise QueryError(f"{text!r} is not an instant; write it as 2024-05-31T08:00:00Z.") from None
    zoned = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    try:
        moved = zoned.astimezone(UTC)
    except OverflowError:
        raise QueryError(f"{text!r} lies outside of the years 1 to 9999.") from None
    whole = (moved.date().toordinal() - _EPOCH) * 86_400 + moved.hour * 3600 + moved.minute * 60 + moved.second
    return whole * 1_000_000 + moved.microsecond


def is_date(text: str) -> bool:
    """Whether a text has the form of a date without a time."""
    return _DATE.fullmatch(text) is not None


def parse_instant(text: str) -> tuple[int, bool]:
    """A date's midnight or an instant, and whether it is a date; raises `QueryError`."""
    return (parse_date(text), True) if is_date(text) else (parse_timestamp(text), False)


def parse_datetime(text: str) -> tuple[int, int]:
    """First and last microsecond of a ``datetime`` parameter: an instant, a date, or ``start/end`` with open ends.

    Raises
    ------
    QueryError
        If it is none of these, or ends before it begins.
    """
    parts = text.split("/")
    if len(parts) > 2:
        raise QueryError(f"datetime: {text!r} has more than two ends.")
    if len(parts) == 1:
        start, whole_day = parse_instant(text)
        return start, start + (DAY_US - 1 if whole_day else 0)
    if all(part in _OPEN for part in parts):
        return BEFORE_ALL, AFTER_ALL
    start = BEFORE_ALL if parts[0] in _OPEN else parse_instant(parts[0])[0]
    end = AFTER_ALL
    if parts[1] not in _OPEN:
        end, whole_day = parse_instant(parts[1])
        end += DAY_US - 1 if whole_day else 0
    if start > end:
        raise QueryError(f"datetime: {text!r} ends before it begins.")
    return start, end
