"""A place as it is named in a passage."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PlaceLevel(StrEnum):
    """Level of a named place: a division's, an informal region, or a site (park, company, market, scenic spot)."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    REGION = "region"
    SITE = "site"


class Flag(StrEnum):
    """What is to be known of a mention."""

    SHORT = "short"
    """The suffix is left out (平定 for 平定县)."""
    INHERITED = "inherited"
    """Its parent is named earlier in the list or the sentence."""
    OLD_NAME = "old_name"
    MISPRINT = "misprint"
    UNLISTED = "unlisted"
    """No list has the name; the list it stands in makes it a place."""
    AMBIGUOUS = "ambiguous"
    """Several places of the parent have the name; `candidates` has their codes."""
    OUTSIDE = "outside"
    """It lies outside the document's own area."""
    TERRAIN = "terrain"
    """A region by its terrain (平川区): it has no members in any list."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A place named in a passage.

    Attributes
    ----------
    start, end
        Its characters in the passage's text. Names of different levels that are run together are two mentions
        (平定县 | 巨城镇).
    name
        Official full name of the division; the text itself for regions, sites and unlisted names.
    code
        Code of the division; empty for regions, sites, unlisted and ambiguous names.
    path
        Names from the province down to the place itself, as far as known.
    parent
        Code of the finest division that it is known to lie in.
    members
        Codes of a region's divisions, where a source lists them.
    candidates
        Codes that an ambiguous name may stand for.
    """

    start: int
    end: int
    text: str
    level: PlaceLevel
    name: str
    code: str = ""
    path: tuple[str, ...] = ()
    parent: str = ""
    members: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
