"""Place names in questions: what a name means, and what else it may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from geoplan.gazetteer import Gazetteer, Status, resolve_place, search_places
from geoplan.gazetteer.resolve import Candidate
from geoplan.terms import GeometrySource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


class Places(NamedTuple):
    """Outcome of a look-up: when the name is unknown the candidates are suggestions."""

    status: Status
    candidates: tuple[Candidate, ...]


def find_places(
    gazetteer: Gazetteer, text: str, *, within: str | None = None, near: Sequence[str] = (), limit: int = 10
) -> Places:
    """What `text` means; or, when it means nothing, places that are written or read like it.

    Parameters
    ----------
    text
        Name or code of a division, or the beginning of one.
    within
        Name or code of the division to look in.
    near
        Paths of divisions whose places come first among several, villages included.
    limit
        Largest number of candidates.

    Raises
    ------
    PlaceError
        If `within` is not one division, or a text is too long.
    """
    resolution = resolve_place(gazetteer, text, within)
    if resolution.status is Status.UNIQUE:
        return Places(resolution.status, resolution.candidates)
    first = [candidate for area in near if not within for candidate in resolve_place(gazetteer, text, area).candidates]
    if resolution.status is Status.AMBIGUOUS:
        rest = resolution.candidates
    else:
        scope = resolve_place(gazetteer, within).one.code if within else None
        rest = tuple(search_places(gazetteer, text, limit=limit, within=scope))
        areas = [resolve_place(gazetteer, area).one.code for area in near]
        # A stable sort: what lies in the areas first, each part in its own order.
        rest = tuple(sorted(rest, key=lambda found: not any(gazetteer.contains(area, found.code) for area in areas)))
    unique = {candidate.code: candidate for candidate in (*first, *rest)}
    return Places(resolution.status, tuple(unique.values())[:limit])


def division_area(frames: Iterable[gpd.GeoDataFrame], code: str) -> BaseGeometry | None:
    """Shape of a division for questions of what lies within it, EPSG:4490.

    Parameters
    ----------
    frames
        Boundary frames with ``code`` and ``geometry_source``; they are looked through one after the
        other until the division is found.
    code
        Code of the division.

    Returns
    -------
    Geometry or None
        None when the division is not drawn, or is drawn schematically.
    """
    for frame in frames:
        found = frame[frame["code"] == code]
        if not found.empty:
            schematic = found["geometry_source"].iloc[0] == GeometrySource.SCHEMATIC.value
            return None if schematic else found.geometry.iloc[0]
    return None


def division_of(gazetteer: Gazetteer, text: str) -> Candidate:
    """The one division that a name or code means; raises `PlaceError` if there is none or several."""
    return resolve_place(gazetteer, text).one
