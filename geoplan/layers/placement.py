"""From the place a record names to the division and the shape that its evidence supports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
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


@dataclass(frozen=True)
class Shapes:
    """BaseGeometry of every drawn division by code, EPSG:4490, and how far each can be trusted."""

    geometries: Mapping[str, BaseGeometry]
    sources: Mapping[str, GeometrySource]

    def of(self, division: Candidate) -> tuple[BaseGeometry | None, GeometrySource]:
        """The shape that stands for a division.

        A zone is the union of its members, a village the township (or else county) it lies in; a township that is
        not drawn is its county.
        """
        if division.members:
            return self.union(division.members)
        code = division.drawn_code
        if code not in self.geometries:
            code = code[:6] if len(code) == 9 else ""
        return (self.geometries[code], self.sources[code]) if code in self.geometries else (None, GeometrySource.NONE)

    def union(self, codes: tuple[str, ...]) -> tuple[BaseGeometry | None, GeometrySource]:
        """Several divisions as one shape; it is schematic as soon as one of them is."""
        known = [code for code in codes if code in self.geometries]
        if not known:
            return None, GeometrySource.NONE
        sources = {self.sources[code] for code in known}
        worst = GeometrySource.SCHEMATIC if GeometrySource.SCHEMATIC in sources else min(sources)
        # Members of different levels may contain one another, so this is no coverage.
        return shapely.union_all([self.geometries[code] for code in known]), worst


def division_shapes(divisions: Divisions) -> Shapes:
    """Shapes of all divisions of a build."""
    geometries: dict[str, BaseGeometry] = {}
    sources: dict[str, GeometrySource] = {}
    frames: list[gpd.GeoDataFrame] = [
        divisions.drawn(level) for level in (Level.TOWNSHIP, Level.COUNTY, Level.CITY, Level.PROVINCE)
    ]
    for frame in frames:
        geometries |= dict(zip(frame["code"], frame.geometry, strict=True))
        sources |= {
            code: GeometrySource(source) for code, source in zip(frame["code"], frame["geometry_source"], strict=True)
        }
    return Shapes(geometries, sources)


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
