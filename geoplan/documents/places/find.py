"""The places that a passage names."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from geoplan.documents.places.context import resolve
from geoplan.documents.places.cues import has_edge
from geoplan.documents.places.exclusions import (
    belongs_to_name,
    is_market,
    is_measure,
    is_planned_outside,
    names_other,
    title_spans,
)
from geoplan.documents.places.lists import find_lists, initials
from geoplan.documents.places.mention import Mention, PlaceLevel
from geoplan.documents.places.names import Names, load_names
from geoplan.documents.places.regions import named_regions, terrain_regions
from geoplan.documents.places.segment import HIGH, Reading, choose, read_names
from geoplan.documents.places.sites import find_sites, names_site, scenic_spots
from geoplan.documents.places.unlisted import add_unlisted
from geoplan.gazetteer import Gazetteer

_DEPTH = {level: i for i, level in enumerate(PlaceLevel)}


@dataclass(frozen=True)
class PlaceFinder:
    """What is needed to find the places in documents of one area. Built by `load_finder`.

    `regions` are members of informal regions by their name.
    """

    names: Names
    regions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def load_finder(
    gazetteer: Gazetteer, area_code: str, regions: Mapping[str, tuple[str, ...]] | None = None
) -> PlaceFinder:
    """The finder for documents of the area `area_code`: a province, a city or a county.

    Parameters
    ----------
    regions
        Codes of the members of informal regions by name, where sources list them.

    Raises
    ------
    DocumentError
        If the code is not one of a province, a city or a county.
    """
    return PlaceFinder(load_names(gazetteer, area_code), regions or {})


def find_mentions(finder: PlaceFinder, text: str, *, within: str = "") -> tuple[Mention, ...]:
    """The places named in the text of a passage, in order and without overlaps.

    Parameters
    ----------
    within
        Code of the place that the passage's headings, or its table row, are about.
    """
    names = finder.names
    titles = title_spans(text)
    quoted = _Spans(titles)
    regions = [
        region
        for region in named_regions(names, text, finder.regions)
        if not quoted.meets(region.start, region.end) and not names_other(text, region.start, region.end)
    ]
    spots = scenic_spots(text)
    closed = _Spans([*titles, *spots, *((region.start, region.end) for region in regions)])
    found = _without_excluded(text, closed, read_names(names, text))
    readings = [kept for kept in (_prune(names, text, reading) for reading in found) if kept]
    lists = find_lists(names, text, readings)
    backed = [(reading.start, reading.end) for made in lists for item in made.items for reading in item.chain]
    backed += [(reading.start, reading.end) for reading in readings if _leads_site(names, text, reading)]
    first, last = len(text) - len(text.lstrip()), len(text.rstrip())
    # A cell of a table with nothing but a name in it.
    backed += [(r.start, r.end) for r in readings if (r.start, r.end) == (first, last) and (within or not r.common)]
    chosen = choose(names, text, readings, backed)
    if again := _repeated(text, readings, chosen):
        chosen = choose(names, text, readings, [*backed, *again])
    levels = {item.chain[-1].start: made.level for made in lists if made.level for item in made.items if item.chain}
    mentions = add_unlisted(names, text, lists, resolve(names, text, chosen, levels, within))
    for more in (regions, terrain_regions(text, mentions), initials(names, text)):
        mentions = _merge(mentions, more)
    return tuple(_merge(mentions, find_sites(text, mentions, spots)))


class _Spans:
    """Stretches of a text that are no divisions: what lies in them, or starts or ends in them, is none either."""

    def __init__(self, spans: list[tuple[int, int]]) -> None:
        self._taken = {position for start, end in spans for position in range(start, end)}

    def meets(self, start: int, end: int) -> bool:
        """Whether a stretch shares a character with one of them."""
        return any(position in self._taken for position in range(start, end))


def _leads_site(names: Names, text: str, reading: Reading) -> bool:
    """Whether a short name of a township or village leads the name of a site."""
    low = not reading.full and not reading.high and not reading.common
    # 通惠食品工业园 is no part of 通惠街道: streets and neighbourhoods are not named by halves.
    urban = all(names.official(name.code).endswith(("街道", "社区", "办事处")) for name in reading.names)
    return (
        low
        and not urban
        and (names.compact or len(reading.names) == 1)
        and names_site(text, reading.start, reading.end)
    )


def _merge(mentions: list[Mention], more: list[Mention]) -> list[Mention]:
    """The mentions with those of the others that overlap none of them, in order."""
    starts = [mention.start for mention in mentions]
    found = list(mentions)
    for mention in more:
        index = bisect_right(starts, mention.start)
        before = mentions[index - 1].end if index else 0
        after = starts[index] if index < len(starts) else mention.end
        if before <= mention.start and mention.end <= after:
            found.append(mention)
    return sorted(found, key=lambda mention: mention.start)


def _without_excluded(text: str, closed: _Spans, readings: list[Reading]) -> list[Reading]:
    """The readings that are no part of another name, in order.

    One that a full township or village follows is part of what that one is part of (澄城县 | 城关街道 …).
    """
    kept: list[Reading] = []
    free: dict[int, bool] = {}
    for reading in reversed(readings):
        apart = not closed.meets(reading.start, reading.end)
        apart = apart and (free.get(reading.end) or not _excluded(text, reading))
        if apart:
            kept.append(reading)
        if reading.full and not reading.high and not reading.common:
            free[reading.start] = free.get(reading.start, False) or apart
    return kept[::-1]


def _excluded(text: str, reading: Reading) -> bool:
    level = min((name.level for name in reading.names), key=_DEPTH.__getitem__)
    return belongs_to_name(text, reading.start, reading.end, level, full=reading.full)


def _prune(names: Names, text: str, reading: Reading) -> Reading | None:
    """The reading without places outside the area that are only markets or examples; None where nothing is left."""
    if reading.names[0].code in names.above[1:] and is_measure(text, reading.end):
        return None
    kept = tuple(name for name in reading.names if not names.outside(name.code))
    if len(kept) == len(reading.names):
        return reading
    market = is_market(text, reading.start, reading.end) or not is_planned_outside(text, reading.start)
    if not market:
        return reading
    if not kept:
        return None
    # A county of the area is one, whatever else has its name; a village that is called like a famous city is none.
    return (
        replace(reading, names=kept)
        if kept[0].level in HIGH
        else replace(reading, names=kept, alone=False, common=True)
    )


def _repeated(text: str, readings: list[Reading], chosen: list[Reading]) -> list[tuple[int, int]]:
    """Spans of short names that stand elsewhere in the passage as places: named once, it is meant again."""
    taken = {(reading.start, reading.end) for reading in chosen}
    named = {text[reading.start : reading.end] for reading in chosen if not reading.common}
    return [
        (reading.start, reading.end)
        for reading in readings
        if (reading.start, reading.end) not in taken
        and text[reading.start : reading.end] in named
        and any(has_edge(text, reading.start, reading.end))
    ]
