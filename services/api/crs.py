"""The systems that features are given and asked for in (OGC API Features, Part 2)."""

from __future__ import annotations

from typing import NamedTuple

from geoplan.errors import QueryError

_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


class System(NamedTuple):
    """A coordinate reference system.

    Attributes
    ----------
    uri
        As OGC names it.
    name
        As `geoplan` names it: ``CRS84`` or ``EPSG:n``.
    lat_lon
        Whether positions are latitude, longitude.
    in_degrees
        Whether positions are degrees.
    """

    uri: str
    name: str
    lat_lon: bool
    in_degrees: bool


SYSTEMS: dict[str, System] = {
    system.uri: system
    for system in (
        System(CRS84, "CRS84", lat_lon=False, in_degrees=True),
        System(f"{_EPSG}4326", "EPSG:4326", lat_lon=True, in_degrees=True),
        System(f"{_EPSG}4490", "EPSG:4490", lat_lon=True, in_degrees=True),
        System(f"{_EPSG}3857", "EPSG:3857", lat_lon=False, in_degrees=False),
    )
}
"""By URI; the first is the default."""
STORAGE_CRS = f"{_EPSG}4490"
DEFAULT = SYSTEMS[CRS84]


def system(text: str | None, what: str) -> System:
    """The system that a parameter names, the default without; raises `QueryError`."""
    if text is None:
        return DEFAULT
    found = SYSTEMS.get(text.removeprefix("<").removesuffix(">"))
    if found is None:
        raise QueryError(f"{what}: must be one of {', '.join(SYSTEMS)}")
    return found


def content_crs(system_: System) -> tuple[bytes, bytes]:
    """The header that says which system an answer is in."""
    return b"content-crs", f"<{system_.uri}>".encode()
