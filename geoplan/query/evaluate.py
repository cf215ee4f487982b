"""What a filter is for each feature: false, unknown or true (0, 1, 2), as SQL and CQL2 count missing values.

`and` is the least of its parts and `or` the greatest; `not` turns 0 and 2 round. The same expression is worked out
on rows, on the distinct values of one column, or on all combinations of two, by the scope it is given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.query.columns import Vector
from geoplan.query.compiler import FALSE, NOT_KNOWN, TRUE
from geoplan.query.expressions import (
    DATE,
    INTERVAL,
    NUMBER,
    All,
    AnyOf,
    Arrays,
    Call,
    Compare,
    Constant,
    In,
    Interval,
    IsNull,
    Like,
    Literal,
    Not,
    Predicate,
    Property,
    Shape,
    Spatial,
    Temporal,
    Truth,
    Value,
)
from geoplan.query.instants import AFTER_ALL, BEFORE_ALL, DAY_US
from geoplan.query.like import FOLDS, like_matcher

Truths = NDArray[np.int8]


class Scope(Protocol):
    """What an expression is worked out on."""

    size: int

    def vector(self, name: str) -> Vector:
        """Values of a column."""

    def shapeless(self) -> NDArray[np.bool_]:
        """Where there is no geometry."""

    def relate(self, node: Spatial) -> Truths:
        """A relation of the geometries to a shape."""

    def known(self, node: Predicate) -> Truths | None:
        """The outcome, where the scope has a shorter way to it."""


def truths(node: Predicate, scope: Scope) -> Truths:
    """The outcome of a predicate for all of a scope."""
    short = scope.known(node)
    if short is not None:
        return short
    match node:
        case All(args):
            found = np.minimum.reduce([truths(arg, scope) for arg in args])
        case AnyOf(args):
            found = np.maximum.reduce([truths(arg, scope) for arg in args])
        case Not(arg):
            found = TRUE - truths(arg, scope)
        case _:
            found = _leaf(node, scope)
    return np.asarray(found, np.int8)


def _leaf(node: Predicate, scope: Scope) -> Truths:
    match node:
        case Constant(value):
            return np.full(scope.size, value, np.int8)
        case Spatial():
            return scope.relate(node)
        case IsNull(value):
            return np.where(_full(_missing(value, scope), scope.size), TRUE, FALSE).astype(np.int8)
        case Temporal(op, left, right):
            return _temporal(op, left, right, scope)
    return _of_values(node, scope)


def _of_values(node: Predicate, scope: Scope) -> Truths:
    match node:
        case Compare(op, left, right):
            return _compared(op, vector(left, scope), vector(right, scope), scope.size)
        case In(value, choices):
            subject = vector(value, scope)
            found = [_compared("=", subject, vector(one, scope), scope.size) for one in choices]
            return np.asarray(np.maximum.reduce(found), np.int8)
        case Like(value, Literal(_, pattern)):
            return _like(vector(value, scope), pattern, scope.size)
        case Truth(value):
            array, missing = vector(value, scope)
            return _known(np.asarray(array, bool), missing, scope.size)
        case Arrays(op, left, right):
            return _arrays(op, vector(left, scope), vector(right, scope), scope.size)
    raise AssertionError(node)


def vector(node: Value, scope: Scope) -> Vector:
    """Values of an expression; of a literal one value that stands for all."""
    match node:
        case Literal(_, value):
            array = np.empty(1, object)
            array[0] = value
            if node.type not in ("string", "array", "null"):
                array = np.array([value])
            return array, np.array([value is None])
        case Property(_, name):
            return scope.vector(name)
        case Call(kind, op, args):
            values = [vector(arg, scope) for arg in args]
            return _arithmetic(op, *values) if kind == NUMBER else _folded(op, values[0])
    raise AssertionError(node)


def _missing(node: Value, scope: Scope) -> NDArray[np.bool_]:
    if isinstance(node, Shape):
        return scope.shapeless()
    if isinstance(node, Interval):
        return _missing(node.start, scope) | _missing(node.end, scope)
    if isinstance(node, Literal):
        return np.array([node.value is None])
    return vector(node, scope)[1]


def _full(array: NDArray[Any], size: int) -> NDArray[Any]:
    return np.broadcast_to(array, (size,))


def _known(found: NDArray[np.bool_], missing: NDArray[np.bool_], size: int) -> Truths:
    """True or false as found, unknown where a value is missing."""
    return np.where(_full(missing, size), NOT_KNOWN, np.where(_full(found, size), TRUE, FALSE)).astype(np.int8)


def _compared(op: str, left: Vector, right: Vector, size: int) -> Truths:
    a, b = left[0], right[0]
    compare = {"=": np.equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}[op]
    if {a.dtype.kind, b.dtype.kind} == {"i", "f"} and _beyond_floats(a, b):
        a, b = _order(a, b) if a.dtype.kind == "i" else -_order(b, a), np.zeros(1, np.int64)
    return _known(np.asarray(compare(a, b), bool), left[1] | right[1], size)


def _beyond_floats(*sides: NDArray[Any]) -> bool:
    """Whether both sides have numbers so large that not every whole one is a float."""
    return all(np.abs(side, dtype=np.float64).max(initial=0) >= 2**53 for side in sorted(sides, key=len))


def _order(whole: NDArray[np.int64], floats: NDArray[np.float64]) -> NDArray[np.int64]:
    """-1, 0 or 1 where a whole number is less than a float, equal, or greater; whole numbers are not rounded."""
    floor = np.floor(np.nan_to_num(floats, nan=0.0))
    among = np.clip(floor, -(2.0**63), np.nextafter(2.0**63, 0)).astype(np.int64)
    less = (whole < among) | ((whole == among) & (floats > floor)) | (floats >= 2.0**63)
    more = ((whole > among) & (floats < 2.0**63)) | (floats < -(2.0**63))
    return np.where(less, -1, more).astype(np.int64)


def _like(value: Vector, pattern: str, size: int) -> Truths:
    found = np.fromiter(map(like_matcher(pattern), value[0].tolist()), bool, len(value[0]))
    return _known(found, value[1], size)


def _folded(op: str, value: Vector) -> Vector:
    fold = FOLDS[op]
    found = np.empty(len(value[0]), object)
    found[:] = [fold(text) for text in value[0].tolist()]
    return found, value[1]


def _arithmetic(op: str, left: Vector, right: Vector) -> Vector:
    """In 64-bit floats; what has no value (division by nothing, too large) is missing."""
    a, b = left[0].astype(np.float64), right[0].astype(np.float64)
    with np.errstate(all="ignore"):
        match op:
            case "+":
                found = a + b
            case "-":
                found = a - b
            case "*":
                found = a * b
            case "/":
                found = a / b
            case "div":
                found = np.trunc(a / b)
            case "%":
                found = np.fmod(a, b)
            case _:
                found = np.power(a, b)
    return found, left[1] | right[1] | ~np.isfinite(found)


def _ends(node: Value, scope: Scope, *, days: bool) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """First and last microsecond; with `days` a date is its first one only, as all are dates."""
    if isinstance(node, Interval):
        start, _, no_start = _ends(node.start, scope, days=days)
        _, end, no_end = _ends(node.end, scope, days=days)
        return start, end, no_start | no_end
    array, missing = vector(node, scope)
    if node.type == DATE and not days:
        return array, np.where(array == AFTER_ALL, array, array + DAY_US - 1), missing
    return array, array, missing


def _granularity(node: Value) -> set[str]:
    if isinstance(node, Interval):
        return _granularity(node.start) | _granularity(node.end)
    if isinstance(node, Literal) and node.value in (BEFORE_ALL, AFTER_ALL):
        return set()
    return {node.type}


def _temporal(op: str, left: Value, right: Value, scope: Scope) -> Truths:
    days = _granularity(left) | _granularity(right) <= {DATE, INTERVAL}
    a, b, missing = _ends(left, scope, days=days)
    c, d, absent = _ends(right, scope, days=days)
    relations: dict[str, Callable[[], Any]] = {
        "after": lambda: a > d,
        "before": lambda: b < c,
        "disjoint": lambda: (a > d) | (b < c),
        "intersects": lambda: (a <= d) & (b >= c),
        "equals": lambda: (a == c) & (b == d),
        "contains": lambda: (a < c) & (b > d),
        "during": lambda: (a > c) & (b < d),
        "finishes": lambda: (a > c) & (b == d),
        "finishedby": lambda: (a < c) & (b == d),
        "meets": lambda: b == c,
        "metby": lambda: a == d,
        "overlaps": lambda: (a < c) & (b > c) & (b < d),
        "overlappedby": lambda: (a > c) & (a < d) & (b > d),
        "starts": lambda: (a == c) & (b < d),
        "startedby": lambda: (a == c) & (b > d),
    }
    return _known(np.asarray(relations[op](), bool), missing | absent, scope.size)


def _elements(value: Any) -> frozenset[str]:
    """What is in a list, so that 1 and 1.0 are one and 1 and true are not."""
    import orjson

    return frozenset(
        orjson.dumps(int(one) if isinstance(one, float) and one.is_integer() else one).decode() for one in value
    )


def _arrays(op: str, left: Vector, right: Vector, size: int) -> Truths:
    """Lists as the sets of their elements; what is no list is unknown."""
    relations: dict[str, Callable[[Any, Any], bool]] = {
        "equals": frozenset.__eq__,
        "contains": frozenset.__ge__,
        "containedby": frozenset.__le__,
        "overlaps": lambda a, b: not a.isdisjoint(b),
    }
    relate = relations[op]
    sides = [[_elements(one) if isinstance(one, list) else None for one in side[0].tolist()] for side in (left, right)]
    longest = max(map(len, sides))
    a, b = (side * longest if len(side) == 1 else side for side in sides)
    found = [
        NOT_KNOWN if x is None or y is None else TRUE if relate(x, y) else FALSE for x, y in zip(a, b, strict=True)
    ]
    return _full(np.array(found, np.int8), size)


def related(node: Spatial, shapes: NDArray[Any]) -> Truths:
    """The relation of shapes to that of the node (or to themselves); unknown where there is none."""
    from geoplan.query.shapes import CONVERSE, RELATIONS

    if node.shape is None:
        found = RELATIONS[node.op](shapes, shapes)
    elif node.op == "overlaps":
        found = shapely.overlaps(shapes, node.shape)
    else:
        # The prepared one comes first.
        found = RELATIONS[CONVERSE.get(node.op, node.op)](node.shape, shapes)
    return np.where(shapely.is_missing(shapes), NOT_KNOWN, np.where(found, TRUE, FALSE)).astype(np.int8)
