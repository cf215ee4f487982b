"""From the place a record names to the division and the shape that its evidence supports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import shapely
from shapely.geometry.base import BaseGeometry

from geoplan.boundaries.load import Divisions
from geoplan.errors import PlaceError, Problem
from geoplan.gazetteer import Gazetteer, Resolution, Status, resolve_place
from geoplan.gazetteer.resolve import Candidate
from geoplan.records import Mark, PlaceRef
from geoplan.terms import GeometrySource, Level, Precision

_PRECISIONS = {
    Level.PROVINCE: Precision.PROVINCE,
    Level.CITY: Precision.CITY,
    Level.COUNTY: Precision.COUNTY,
    Level.TOWNSHIP: Precision.TOWNSHIP,
    Level.VILLAGE: Precision.VILLAGE,
}
COARSE_TO_FINE = (
    Precision.PROVINCE, Precision.REGION, Precision.CITY, Precision.COUNTY,
    Precision.TOWNSHIP, Precision.VILLAGE, Precision.SITE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Located:
    """A place of a record and the division it is known to lie in.

    `division` is the place itself when it is listed, else the finest division known to contain it. `candidates`
    are the listed places an ambiguous name fits, as paths.
    """

    name: str
    division: Candidate
    precision: Precision
    flags: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of the divisions that stand for the place: the members of a zone, a village's township."""
        return self.division.members or (self.division.drawn_code,)


class Shape(NamedTuple):
    """What is drawn for a place: geometry in EPSG:4490 (None for nothing), how far it can be trusted, its level."""

    geometry: BaseGeometry | None
    source: GeometrySource
    precision: Precision


# From the least to the most trustworthy.
_TRUST = (
    GeometrySource.SCHEMATIC, GeometrySource.APPROXIMATE, GeometrySource.GENERALISED,
    GeometrySource.OFFICIAL, GeometrySource.SURVEYED,
)  # fmt: skip


@dataclass(frozen=True)
class Shapes:
    """Shape of every drawn division by its code, and which codes are counties (东莞 is one and a city too)."""

    by_code: Mapping[str, Shape]
    counties: frozenset[str]

    def of(self, place: Located) -> Shape:
        """The shape that stands for a place: that of its division, or of the finest drawn one around it.

        A zone is the union of its members. A village is its township, which is no boundary of the village: the
        shape is schematic if the township is, else approximate. Where even the township is not drawn, the county
        stands for both, and its level is told.
        """
        division = place.division
        if division.members:
            return self.union(division.members, place.precision)
        codes = (
            [division.drawn_code, division.drawn_code[:6]] if len(division.drawn_code) == 9 else [division.drawn_code]
        )
        code = next((code for code in codes if code in self.by_code), None)
        if code is None:
            return Shape(None, GeometrySource.NONE, place.precision)
        shape = self.by_code[code]
        if place.precision is Precision.VILLAGE and shape.precision is Precision.TOWNSHIP:
            source = min(shape.source, GeometrySource.APPROXIMATE, key=_TRUST.index)
            return Shape(shape.geometry, source, Precision.VILLAGE)
        return shape

    def union(self, codes: Iterable[str], precision: Precision) -> Shape:
        """Several divisions as one shape of the stated level, as trustworthy as the least of them."""
        return merge([self.by_code[code] for code in codes if code in self.by_code], precision)


def merge(shapes: Sequence[Shape], precision: Precision) -> Shape:
    """Several shapes as one; they may contain one another."""
    drawn = [shape for shape in shapes if shape.geometry is not None]
    if not drawn:
        return Shape(None, GeometrySource.NONE, precision)
    source = min((shape.source for shape in drawn), key=_TRUST.index)
    return Shape(shapely.union_all([shape.geometry for shape in drawn]), source, precision)


def division_shapes(divisions: Divisions) -> Shapes:
    """Shapes of all divisions of a build."""
    found: dict[str, Shape] = {}
    for level in (Level.TOWNSHIP, Level.COUNTY, Level.CITY, Level.PROVINCE):
        frame = divisions.drawn(level)
        for code, source, geometry in zip(frame["code"], frame["geometry_source"], frame.geometry, strict=True):
            found[code] = Shape(geometry, GeometrySource(source), _PRECISIONS[level])
    return Shapes(found, frozenset(divisions.counties["code"]))


def locate(gazetteer: Gazetteer, area: str, ref: PlaceRef, file: str, row: int) -> Located | Problem:
    """The division that one place of a record means.

    Parameters
    ----------
    area
        Path of the division that the plan is made for; the place is looked up inside it.
    file, row
        Where the record stands, for the `Problem`.
    """
    path = list(ref.path)
    if path[0] == area.rsplit("/", 1)[-1]:
        path = path[1:]
    try:
        if ref.mark is Mark.LISTED:
            division = _resolve(gazetteer, area, path).one
            return Located(division.name, division, _precision(gazetteer, division), _misprint(ref))
        parent = _resolve(gazetteer, area, path[:-1]).one
    except PlaceError as error:
        remedy = "Correct the name, or mark it: ~ for a name the lists do not have, ? for one that fits several."
        return Problem("unknown-place", f"{ref}: {error}", file, row, "places", remedy)
    if ref.mark is Mark.UNLISTED:
        return Located(ref.name, parent, _precision(gazetteer, parent), (f"unlisted: {ref.name}", *_misprint(ref)))
    fits = resolve_place(gazetteer, ref.name, parent.code)
    candidates = tuple(f"{candidate.parent}/{candidate.name}" for candidate in fits.candidates)
    return Located(
        ref.name, parent, _precision(gazetteer, parent), (f"ambiguous: {ref.name}", *_misprint(ref)), candidates
    )


def _resolve(gazetteer: Gazetteer, area: str, path: list[str]) -> Resolution:
    if not path:
        return resolve_place(gazetteer, area)
    resolution = resolve_place(gazetteer, "/".join(path), area)
    if resolution.status is Status.UNKNOWN:
        raise PlaceError(f"no place {'/'.join(path)!r} in {area}.")
    return resolution


def _misprint(ref: PlaceRef) -> tuple[str, ...]:
    return (f"written: {ref.written}",) if ref.written else ()


def _precision(gazetteer: Gazetteer, division: Candidate) -> Precision:
    """Level of a division; of a zone the coarsest level among its members."""
    if not division.members:
        return _PRECISIONS[division.level]
    levels = [_PRECISIONS[gazetteer.divisions[code].level] for code in division.members]
    return min(levels, key=COARSE_TO_FINE.index)
