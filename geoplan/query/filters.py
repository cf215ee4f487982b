"""Filters in CQL2 (OGC 21-065r2), text or JSON: compiled once, then answered on any part of a pack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query.access import count, mask, matching
from geoplan.query.compiler import GEOMETRY_NAMES, Compiler
from geoplan.query.expressions import Predicate
from geoplan.query.language import parse_json, parse_text
from geoplan.query.plan import Plan, add
from geoplan.query.shapes import CRS84, SYSTEMS

Language = Literal["cql2-text", "cql2-json"]


class HasSource(Protocol):
    """A pack, as far as filters need it: the part with full detail."""

    @property
    def source(self) -> Part:
        """The part with full detail."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter, ready to be answered.

    Attributes
    ----------
    predicate
        The condition.
    """

    predicate: Predicate

    def plan(self, part: Part) -> Plan:
        """How it is answered on a part; raises `QueryError` where the part lacks a property."""
        found = Plan(part)
        add(found, self.predicate)
        return found

    def mask(self, part: Part) -> NDArray[np.bool_]:
        """For each row of the part whether it matches (n)."""
        return mask(self.plan(part))

    def rows(self, part: Part) -> NDArray[np.int64]:
        """The matching rows of the part, ascending."""
        return np.sort(matching(self.plan(part)))

    def count(self, part: Part) -> int:
        """How many features of the part match."""
        return count(self.plan(part))


def compile_filter(
    text: str | bytes | dict[str, Any],
    *,
    pack: HasSource | Part,
    language: Language = "cql2-text",
    crs: str = CRS84,
) -> Filter:
    """A filter made ready for the parts of a pack.

    Parameters
    ----------
    text
        The filter in `language`; CQL2 JSON also as it is read.
    pack
        The pack (or one part), which tells the properties and their types.
    language
        ``cql2-text`` or ``cql2-json``.
    crs
        System of the positions in the filter, in its own axis order: ``CRS84`` (longitude, latitude), ``EPSG:4326``,
        ``EPSG:4490`` (latitude, longitude) or ``EPSG:3857`` (metres).

    Raises
    ------
    QueryError
        If the filter cannot be read, names an unknown property, mixes types, is too long or nested too deeply.
    """
    if crs not in SYSTEMS:
        raise QueryError(f"filter-crs {crs!r} is not read; use one of {', '.join(SYSTEMS)}.")
    if language == "cql2-text":
        if not isinstance(text, str):
            raise QueryError("filter: CQL2 text is a text.")
        tree = parse_text(text)
    elif language == "cql2-json":
        tree = parse_json(text) if isinstance(text, (str, bytes)) else text
    else:
        raise QueryError(f"filter-lang {language!r} is not read; use cql2-text or cql2-json.")
    part = pack if isinstance(pack, Part) else pack.source
    return Filter(Compiler(part.columns, crs).predicate(tree))


def queryables(pack: HasSource | Part) -> dict[str, str]:
    """Names of the properties a filter may use and their types; ``geometry`` has the type ``geometry``."""
    part = pack if isinstance(pack, Part) else pack.source
    found = {column.name: column.type for column in part.columns}
    if GEOMETRY_NAMES[0] not in found:
        found[GEOMETRY_NAMES[0]] = "geometry"
    return found
