"""CQL2 worked out row by row in plain Python: what the engine is compared with."""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import shapely

Truth = bool | None
_RELATIONS = {
    "intersects": shapely.intersects,
    "disjoint": shapely.disjoint,
    "equals": shapely.equals,
    "touches": shapely.touches,
    "within": shapely.within,
    "contains": shapely.contains,
    "overlaps": shapely.overlaps,
    "crosses": shapely.crosses,
}


def holds(tree: Any, row: dict[str, Any], shape: Any) -> Truth:  # noqa: PLR0911 - one return a sort of predicate
    """Outcome of a CQL2 JSON tree for one row; None is unknown."""
    if isinstance(tree, bool):
        return tree
    if "property" in tree:
        value: Truth = row[tree["property"]]
        return value
    op, args = tree["op"], tree["args"]
    if op == "not":
        inner = holds(args[0], row, shape)
        return None if inner is None else not inner
    if op in ("and", "or"):
        found = [holds(arg, row, shape) for arg in args]
        decided = op == "or"
        if decided in found:
            return decided
        return None if None in found else not decided
    if op == "isNull":
        return (shape is None) if args[0] == {"property": "geometry"} else value_of(args[0], row) is None
    if op.startswith("s_"):
        return _spatial(op[2:], args, shape)
    if op.startswith("t_"):
        return _temporal(op[2:], *(_ends(arg, row) for arg in args))
    return _compared(op, args, row)


def _compared(op: str, args: list[Any], row: dict[str, Any]) -> Truth:
    if op == "in":
        return holds(
            {"op": "or", "args": [{"op": "=", "args": [args[0], one]} for one in args[1]] + [False]}, row, None
        )
    values = [value_of(arg, row) for arg in args]
    if op.startswith("a_"):
        return _arrays(op, values)
    if None in values:
        if op == "between" and values[0] is not None:
            value, low, high = values
            sides = [None if low is None else value >= low, None if high is None else value <= high]
            return False if False in sides else None
        return None
    a, b = values[0], values[1]
    if op == "like":
        return _like(a, b)
    outcomes = {
        "=": lambda: a == b,
        "<>": lambda: a != b,
        "<": lambda: a < b,
        "<=": lambda: a <= b,
        ">": lambda: a > b,
        ">=": lambda: a >= b,
        "between": lambda: b <= a <= values[2],
    }
    return bool(outcomes[op]())


def value_of(tree: Any, row: dict[str, Any]) -> Any:
    if isinstance(tree, dict):
        if "property" in tree:
            return row[tree["property"]]
        if "date" in tree:
            return date.fromisoformat(tree["date"])
        if "timestamp" in tree:
            return datetime.fromisoformat(tree["timestamp"])
        return _call(tree["op"], [value_of(arg, row) for arg in tree["args"]])
    return tree


def _call(op: str, values: list[Any]) -> Any:
    if None in values:
        return None
    if op == "casei":
        return values[0].casefold()
    if op == "accenti":
        letters = unicodedata.normalize("NFD", values[0].replace("ø", "o").replace("Ø", "O"))
        return "".join(letter for letter in letters if not unicodedata.combining(letter))
    a, b = map(float, values)
    if op in ("/", "div", "%") and b == 0:
        return None
    results = {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b, "div": lambda: a / b}
    found = math.fmod(a, b) if op == "%" else results[op]()
    if not math.isfinite(found):  # too large for a number: missing, as in the engine
        return None
    return float(math.trunc(found)) if op == "div" else found


def _like(text: str, pattern: str) -> bool:
    found, letters = "", iter(pattern)
    for letter in letters:
        found += (
            re.escape(next(letters, letter)) if letter == "\\" else {"%": ".*", "_": "."}.get(letter, re.escape(letter))
        )
    return re.fullmatch(found, text, re.DOTALL) is not None


def _arrays(op: str, values: list[Any]) -> Truth:
    if None in values:
        return None
    a, b = ({(isinstance(one, bool), one) for one in value} for value in values)
    return {"a_equals": a == b, "a_contains": a >= b, "a_containedby": a <= b, "a_overlaps": bool(a & b)}[op]


def _spatial(op: str, args: list[Any], shape: Any) -> Truth:
    if shape is None:
        return None
    sides = [shape if arg == {"property": "geometry"} else _shape(arg) for arg in args]
    return bool(_RELATIONS[op](*sides))


def _shape(tree: dict[str, Any]) -> Any:
    if "bbox" in tree:
        return shapely.box(*tree["bbox"])
    return shapely.geometry.shape(tree)


def _ends(tree: Any, row: dict[str, Any]) -> Any:
    """First and last instant; None where one is missing."""
    if isinstance(tree, dict) and "interval" in tree:
        ends = []
        open_ends = (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
        for one, is_open in zip(tree["interval"], open_ends, strict=True):
            if one == "..":
                ends.append(is_open)
            elif isinstance(one, str):
                ends.append(datetime.fromisoformat(one).astimezone(UTC))
            else:
                ends.append(value_of(one, row))
        return None if None in ends else tuple(ends)
    value = value_of(tree, row)
    return None if value is None else (value, value)


def _temporal(op: str, one: Any, two: Any) -> Truth:
    if one is None or two is None:
        return None
    (a, b), (c, d) = one, two
    return {
        "after": a > d,
        "before": b < c,
        "disjoint": a > d or b < c,
        "intersects": a <= d and b >= c,
        "equals": (a, b) == (c, d),
        "contains": a < c and b > d,
        "during": a > c and b < d,
        "finishes": a > c and b == d,
        "finishedby": a < c and b == d,
        "meets": b == c,
        "metby": a == d,
        "overlaps": a < c < b < d,
        "overlappedby": c < a < d < b,
        "starts": a == c and b < d,
        "startedby": a == c and b > d,
    }[op]
