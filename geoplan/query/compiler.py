"""From the tree of a CQL2 filter to a typed expression: names looked up and types checked before anything is run."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import shapely

from geoplan.errors import QueryError
from geoplan.pack.part import Column
from geoplan.query.columns import KINDS
from geoplan.query.expressions import (
    ARRAY,
    BOOLEAN,
    DATE,
    DATETIME,
    GEOMETRY,
    INTERVAL,
    NUMBER,
    STRING,
    TEMPORAL,
    UNKNOWN,
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
from geoplan.query.instants import AFTER_ALL, BEFORE_ALL, parse_date, parse_instant, parse_timestamp
from geoplan.query.language import MOST_DEPTH, MOST_VERTICES
from geoplan.query.like import FOLDS, like_matcher
from geoplan.query.shapes import CONVERSE, RELATIONS, read_shape

FALSE, NOT_KNOWN, TRUE = 0, 1, 2
GEOMETRY_NAMES = ("geometry", "geom")
"""Names of the features' geometry in filters, unless a column has them."""
_MOST_NODES = 20_000
_COMPARISONS = {"=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "eq": "="}
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ARITHMETIC = ("+", "-", "*", "/", "%", "^", "div")
_OF_INSTANTS = frozenset(("after", "before", "disjoint", "equals", "intersects"))
_OF_INTERVALS = frozenset(
    {
        *("contains", "during", "finishedby", "finishes", "meets", "metby"),
        *("overlappedby", "overlaps", "startedby", "starts"),
    }
)
_ARRAYS = {"a_equals": "equals", "a_contains": "contains", "a_containedby": "containedby", "a_overlaps": "overlaps"}
_NAMES = {
    NUMBER: "a number",
    STRING: "a text",
    BOOLEAN: "true or false",
    DATE: "a date",
    DATETIME: "an instant",
    ARRAY: "a list",
    INTERVAL: "an interval",
    GEOMETRY: "a geometry",
    UNKNOWN: "null",
}


class Compiler:
    """Turns the tree of one filter into an expression on the columns of a part."""

    def __init__(self, columns: Sequence[Column], crs: str) -> None:
        self._columns = {column.name: KINDS[column.type] for column in columns}
        self._crs = crs
        self._room = [MOST_VERTICES]
        self._nodes = 0

    def predicate(self, tree: Any, depth: int = 0) -> Predicate:
        """The predicate that a tree means; raises `QueryError`."""
        self._count(depth)
        if isinstance(tree, bool):
            return Constant(TRUE if tree else FALSE)
        if not isinstance(tree, dict):
            raise QueryError("filter: a condition is expected, such as name = 'x'.")
        if "op" not in tree:
            value = self.value(tree, depth)
            _require(value, (BOOLEAN,), "a condition")
            return Truth(value)
        op = str(tree["op"]).lower()
        args = tree.get("args")
        if not isinstance(args, list):
            raise QueryError(f"filter: {op[:40]!r} has no list of args.")
        return self._operator(op, args, depth + 1)

    def _operator(self, op: str, args: list[Any], depth: int) -> Predicate:
        if op in ("and", "or"):
            if len(args) < 2:
                raise QueryError(f"filter: {op!r} joins two conditions or more.")
            parts = tuple(self.predicate(one, depth) for one in args)
            return All(parts) if op == "and" else AnyOf(parts)
        if op == "not":
            return Not(self.predicate(_only(op, args, 1)[0], depth))
        builders: dict[str, Callable[[list[Any], int], Predicate]] = {
            "between": self._between,
            "in": self._in,
            "like": self._like,
            "isnull": self._is_null,
        }
        if op in builders:
            return builders[op](args, depth)
        return self._relation(op, args, depth)

    def _relation(self, op: str, args: list[Any], depth: int) -> Predicate:
        """A relation of two values, named by its operator or function."""
        if op in _COMPARISONS or op in ("<>", "neq"):
            return self._comparison(op, args, depth)
        if op in _ARRAYS:
            left, right = (self.value(one, depth) for one in _only(op, args, 2))
            _require(left, (ARRAY,), op)
            _require(right, (ARRAY,), op)
            return Arrays(_ARRAYS[op], left, right)
        if op.startswith("t_") and op[2:] in _OF_INSTANTS | _OF_INTERVALS:
            return self._temporal(op[2:], args, depth)
        if op.startswith("s_") and op[2:] in RELATIONS:
            return self._spatial(op[2:], args, depth)
        raise QueryError(f"filter: there is no operator or function {op[:40]!r} that is true or false.")

    def _comparison(self, op: str, args: list[Any], depth: int) -> Predicate:
        left, right = self._pair(op, args, depth)
        if UNKNOWN in (left.type, right.type):
            return Constant(NOT_KNOWN)
        if (
            ARRAY in (left.type, right.type)
            or GEOMETRY in (left.type, right.type)
            or INTERVAL in (left.type, right.type)
        ):
            raise QueryError(
                f"filter: {op} does not compare lists, geometries or intervals; use the functions for them."
            )
        if op in ("<>", "neq"):
            return Not(_compare("=", left, right))
        return _compare(_COMPARISONS[op], left, right)

    def _pair(self, op: str, args: list[Any], depth: int) -> tuple[Value, Value]:
        """Two values of one type."""
        left, right = (self.value(one, depth) for one in _only(op, args, 2))
        left, right = _cast(left, right), _cast(right, left)
        if not _alike(left, right):
            raise QueryError(
                f"filter: {op} compares {_NAMES[left.type]}{self._called(left)} with {_NAMES[right.type]}"
                f"{self._called(right)}; both sides must be of one type."
            )
        return left, right

    def _between(self, args: list[Any], depth: int) -> Predicate:
        value, low, high = _only("between", args, 3)
        return All((self._comparison(">=", [value, low], depth), self._comparison("<=", [value, high], depth)))

    def _in(self, args: list[Any], depth: int) -> Predicate:
        subject, listed = _only("in", args, 2)
        if not isinstance(listed, list) or not listed:
            raise QueryError("filter: in needs a list of values.")
        pairs = [self._pair("in", [subject, one], depth) for one in listed]
        if pairs[0][0].type in (GEOMETRY, INTERVAL):
            raise QueryError("filter: in does not compare geometries or intervals; use the functions for them.")
        known = tuple(right for _, right in pairs if right.type != UNKNOWN)
        found: Predicate = In(pairs[0][0], known) if known else Constant(FALSE)
        return found if len(known) == len(pairs) else AnyOf((found, Constant(NOT_KNOWN)))

    def _like(self, args: list[Any], depth: int) -> Predicate:
        value, pattern = (self.value(one, depth) for one in _only("like", args, 2))
        _require(value, (STRING,), "like")
        _require(pattern, (STRING,), "like")
        if isinstance(value, Literal) and isinstance(pattern, Literal):
            return Constant(TRUE if like_matcher(pattern.value)(value.value) else FALSE)
        if not isinstance(pattern, Literal):
            raise QueryError("filter: the pattern of like must be a text, not a property.")
        return Like(value, pattern)

    def _is_null(self, args: list[Any], depth: int) -> Predicate:
        (tree,) = _only("isNull", args, 1)
        if isinstance(tree, dict) and tree.get("op") in ("and", "or", "not"):
            raise QueryError("filter: is null asks for a value, not for a condition.")
        return IsNull(self.value(tree, depth))

    def value(self, tree: Any, depth: int) -> Value:
        """The value that a tree means; raises `QueryError`."""
        self._count(depth)
        if isinstance(tree, dict):
            return self._object(tree, depth + 1)
        if isinstance(tree, list):
            return Literal(ARRAY, [self._element(one, depth + 1) for one in tree])
        return _scalar(tree)

    def _object(self, tree: dict[str, Any], depth: int) -> Value:
        if "property" in tree:
            return self._property(tree["property"])
        if "op" in tree:
            return self._call(str(tree["op"]).lower(), tree.get("args"), depth)
        if "date" in tree:
            return Literal(DATE, parse_date(str(tree["date"])))
        if "timestamp" in tree:
            return Literal(DATETIME, parse_timestamp(str(tree["timestamp"])))
        if "interval" in tree:
            return self._interval(tree["interval"], depth)
        if "type" in tree or "bbox" in tree:
            shape, box = read_shape(tree, self._crs, self._room)
            return Literal(GEOMETRY, (shape, box))
        raise QueryError("filter: a value is expected: a property, a literal or a function of them.")

    def _property(self, name: Any) -> Value:
        found = self._columns.get(name) if isinstance(name, str) else None
        if found is not None:
            return Property(found, name)
        if name in GEOMETRY_NAMES:
            return Shape()
        known = ", ".join([*self._columns, GEOMETRY_NAMES[0]])
        raise QueryError(f"filter: there is no property {str(name)[:80]!r}; there are: {known}.")

    def _call(self, op: str, args: Any, depth: int) -> Value:
        if not isinstance(args, list):
            raise QueryError(f"filter: {op[:40]!r} has no list of args.")
        if op in ("casei", "accenti"):
            (value,) = (self.value(one, depth) for one in _only(op, args, 1))
            _require(value, (STRING,), op)
            if isinstance(value, Literal):
                return Literal(STRING, FOLDS[op](value.value))
            return Call(STRING, op, (value,))
        if op in _ARITHMETIC:
            values = tuple(self.value(one, depth) for one in _only(op, args, 2))
            for value in values:
                _require(value, (NUMBER,), op)
            return Call(NUMBER, op, values)
        raise QueryError(f"filter: there is no function {op[:40]!r}.")

    def _interval(self, ends: Any, depth: int) -> Value:
        if not isinstance(ends, list) or len(ends) != 2:
            raise QueryError("filter: an interval has two ends.")
        start, end = (
            self._end(one, depth, open_end) for one, open_end in zip(ends, (BEFORE_ALL, AFTER_ALL), strict=True)
        )
        fixed = [one for one in (start, end) if not (isinstance(one, Literal) and one.value in (BEFORE_ALL, AFTER_ALL))]
        if len({one.type for one in fixed}) > 1:
            raise QueryError("filter: the ends of an interval are two dates or two instants.")
        both = [one.value for one in (start, end) if isinstance(one, Literal)]
        if len(both) == 2 and both[0] > both[1]:
            raise QueryError("filter: an interval ends before it begins.")
        return Interval(INTERVAL, start, end)

    def _end(self, tree: Any, depth: int, open_end: int) -> Value:
        if tree in ("..", ""):
            return Literal(DATETIME, open_end)
        if isinstance(tree, str):
            instant, whole_day = parse_instant(tree)
            return Literal(DATE if whole_day else DATETIME, instant)
        value = self.value(tree, depth)
        _require(value, TEMPORAL, "interval")
        return value

    def _element(self, tree: Any, depth: int) -> Any:
        """An element of a list, as JSON has it."""
        self._count(depth)
        if isinstance(tree, list):
            return [self._element(one, depth + 1) for one in tree]
        value = self.value(tree, depth)
        if not isinstance(value, Literal) or value.type not in (NUMBER, STRING, BOOLEAN, UNKNOWN):
            raise QueryError("filter: the elements of a list are numbers, texts, true or false.")
        return value.value

    def _temporal(self, op: str, args: list[Any], depth: int) -> Predicate:
        left, right = (self._instant(self.value(one, depth), op) for one in _only(f"t_{op}", args, 2))
        if op in _OF_INTERVALS and INTERVAL not in (left.type, right.type):
            raise QueryError(f"filter: t_{op} relates intervals, not two instants.")
        return Temporal(op, left, right)

    def _instant(self, value: Value, op: str) -> Value:
        if isinstance(value, Literal) and value.type == STRING:
            instant, whole_day = parse_instant(value.value)
            return Literal(DATE if whole_day else DATETIME, instant)
        _require(value, (*TEMPORAL, INTERVAL), f"t_{op}")
        return value

    def _spatial(self, op: str, args: list[Any], depth: int) -> Predicate:
        left, right = (self.value(one, depth) for one in _only(f"s_{op}", args, 2))
        _require(left, (GEOMETRY,), f"s_{op}")
        _require(right, (GEOMETRY,), f"s_{op}")
        if isinstance(left, Literal) and isinstance(right, Literal):
            return Constant(TRUE if RELATIONS[op](left.value[0], right.value[0]) else FALSE)
        if isinstance(left, Literal):
            left, right, op = right, left, CONVERSE.get(op, op)
        if isinstance(right, Literal):
            shapely.prepare(right.value[0])
            return Spatial(op, *right.value)
        return Spatial(op, None)

    def _called(self, value: Value) -> str:
        """The name of a property, for a message."""
        return f" ({value.name})" if isinstance(value, Property) else ""

    def _count(self, depth: int) -> None:
        self._nodes += 1
        if depth > MOST_DEPTH:
            raise QueryError(f"filter: nested more than {MOST_DEPTH} levels deep.")
        if self._nodes > _MOST_NODES:
            raise QueryError(f"filter: more than {_MOST_NODES} values.")


def _only(op: str, args: list[Any], count: int) -> list[Any]:
    if len(args) != count:
        raise QueryError(f"filter: {op} takes {count} arguments, not {len(args)}.")
    return args


def _require(value: Value, types: tuple[str, ...], where: str) -> None:
    if value.type not in types:
        wanted = " or ".join(_NAMES[one] for one in types)
        raise QueryError(f"filter: {where} needs {wanted}, not {_NAMES[value.type]}.")


def _scalar(tree: Any) -> Literal:
    if tree is None:
        return Literal(UNKNOWN, None)
    if isinstance(tree, bool):
        return Literal(BOOLEAN, tree)
    if isinstance(tree, (int, float)):
        if isinstance(tree, int) and abs(tree) >= 2**63:
            tree = float(min(max(tree, -(2**1000)), 2**1000))
        if not math.isfinite(tree):
            raise QueryError("filter: a number in it is too large.")
        # The text parser reads every number as a float, and refuses whole ones that no float is.
        whole = isinstance(tree, float) and tree.is_integer() and abs(tree) < 2**63
        return Literal(NUMBER, int(tree) if whole else tree)
    if isinstance(tree, str):
        return Literal(STRING, unicodedata.normalize("NFC", tree))
    raise QueryError("filter: a value in it is none of CQL2.")


def _cast(value: Value, other: Value) -> Value:
    """A text beside a date or an instant is read as one."""
    if isinstance(value, Literal) and value.type == STRING and other.type in TEMPORAL:
        instant, whole_day = parse_instant(value.value)
        return Literal(DATE if whole_day else DATETIME, instant)
    return value


def _alike(left: Value, right: Value) -> bool:
    types = {left.type, right.type}
    return len(types) == 1 or UNKNOWN in types or types <= set(TEMPORAL)


def _compare(op: str, left: Value, right: Value) -> Predicate:
    if isinstance(left, Literal) and not isinstance(right, Literal):
        return Compare(_MIRRORED[op], right, left)
    return Compare(op, left, right)
