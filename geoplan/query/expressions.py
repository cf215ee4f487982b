"""The typed form of a filter: `geoplan.query.compiler` makes it, `geoplan.query.evaluate` works it out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NUMBER, STRING, BOOLEAN, DATE, DATETIME, ARRAY = "number", "string", "boolean", "date", "datetime", "array"
INTERVAL, GEOMETRY, UNKNOWN = "interval", "geometry", "null"
TEMPORAL = (DATE, DATETIME)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: a number, text, truth value, microseconds (dates, times), list, shapely geometry, or None."""

    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Property:
    """A column."""

    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The features' geometry."""

    type: str = GEOMETRY


@dataclass(frozen=True, slots=True)
class Call:
    """``casei``, ``accenti`` or an arithmetic operator."""

    type: str
    op: str
    args: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Interval:
    """From one instant to another, both included."""

    type: str
    start: Value
    end: Value


@dataclass(frozen=True, slots=True)
class Constant:
    """A predicate that does not depend on the feature: 0 false, 1 unknown, 2 true."""

    value: int


@dataclass(frozen=True, slots=True)
class Not:
    """True where the other is false, unknown where it is unknown."""

    arg: Predicate


@dataclass(frozen=True, slots=True)
class All:
    """``and``."""

    args: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``or``."""

    args: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """``=``, ``<``, ``<=``, ``>`` or ``>=``."""

    op: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class In:
    """Equal to one of several values."""

    value: Value
    choices: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """Matches a pattern: ``%`` any characters, ``_`` one."""

    value: Value
    pattern: Value


@dataclass(frozen=True, slots=True)
class IsNull:
    """Missing."""

    value: Value


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth value."""

    value: Value


@dataclass(frozen=True, slots=True)
class Temporal:
    """A relation of two instants or intervals (``t_after`` ...), by its name without ``t_``."""

    op: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Arrays:
    """A relation of two lists (``a_equals`` ...), by its name without ``a_``."""

    op: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Spatial:
    """A relation of the features' geometry to a shape in degrees (or None: to itself), by its name without ``s_``.

    `box` is west, south, east, north in degrees where the shape is one box.
    """

    op: str
    shape: Any
    box: tuple[float, float, float, float] | None = None


Value = Literal | Property | Shape | Call | Interval
Predicate = Constant | Not | All | AnyOf | Compare | In | Like | IsNull | Truth | Temporal | Arrays | Spatial


def children(node: Predicate | Value) -> Iterator[Predicate | Value]:
    """The parts of an expression."""
    match node:
        case All(args) | AnyOf(args):
            yield from args
        case Call(_, _, args):
            yield from args
        case Not(arg) | IsNull(arg) | Truth(arg):
            yield arg
        case Compare(_, left, right) | Temporal(_, left, right) | Arrays(_, left, right) | Like(left, right):
            yield from (left, right)
        case In(value, choices):
            yield from (value, *choices)
        case Interval(_, start, end):
            yield from (start, end)


SHAPE_COLUMN = ""
"""Stands for the geometry among the columns that an expression depends on."""


def columns_of(node: Predicate | Value) -> frozenset[str]:
    """Columns that an expression depends on, the geometry being `SHAPE_COLUMN`."""
    if isinstance(node, Property):
        return frozenset((node.name,))
    if isinstance(node, (Shape, Spatial)):
        return frozenset((SHAPE_COLUMN,))
    return frozenset().union(*(columns_of(child) for child in children(node)))
