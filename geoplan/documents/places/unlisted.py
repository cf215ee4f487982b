"""Places that no list of names has: items of lists, misprints, and names with a suffix behind their parent."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from geoplan.documents.places.lists import PlaceList
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.places.names import Names
from geoplan.documents.places.words import NAME_WORDS, PROSE_WORDS

_SUFFIXED = re.compile(r"([\u4e00-\u9fff]{2,4}?)(镇|乡(?!村|镇)|街道|苏木|村(?![民镇庄级委]))")
_NO_STEM = re.compile(
    r"[的与及等了其各该并或以在为个两多全有大小城农]|发展|建设|重点|中心|示范|特色|行政|自然|贫困|脱贫|移民|传统|美丽|新型|产业|旅游|精品|所有|部分|"
    r"[东西南北]部|沿线|周边|境内|工业|建制|强$|古$|老$|新$|民俗|文化|[0-9一二三四五六七八九十]$|乡"
)
_LEVELS = {
    "镇": PlaceLevel.TOWNSHIP,
    "乡": PlaceLevel.TOWNSHIP,
    "街道": PlaceLevel.TOWNSHIP,
    "苏木": PlaceLevel.TOWNSHIP,
}


def add_unlisted(names: Names, text: str, lists: list[PlaceList], mentions: list[Mention]) -> list[Mention]:
    """The mentions with those places among them that no list of names has, in order."""
    found = list(mentions)
    ends = [mention.end for mention in mentions]
    spans = [(item.start, item.end, made.level) for made in lists for item in made.unknown]
    for start, end, level in spans:
        before = mentions[bisect_right(ends, start) - 1] if bisect_right(ends, start) else None
        if _is_free(mentions, ends, start, end):
            found.append(_mention(names, text, (start, end), level or PlaceLevel.VILLAGE, before))
    taken = {mention.start for mention in found}
    for start, end, level, before in _behind_parents(text, mentions):
        if start not in taken and _is_free(mentions, ends, start, end):
            found.append(_mention(names, text, (start, end), level, before))
    return sorted(found, key=lambda mention: mention.start)


def _is_free(mentions: list[Mention], ends: list[int], start: int, end: int) -> bool:
    following = bisect_right(ends, start)
    return following >= len(mentions) or mentions[following].start >= end


def _behind_parents(text: str, mentions: list[Mention]) -> Iterator[tuple[int, int, PlaceLevel, Mention]]:
    """Names with the suffix of a township or village right behind a county or township."""
    for mention in mentions:
        if mention.level not in {PlaceLevel.COUNTY, PlaceLevel.TOWNSHIP} or Flag.OUTSIDE in mention.flags:
            continue
        match = _SUFFIXED.match(text, mention.end)
        if match is None or _NO_STEM.search(match.group(1)):
            continue
        stem, suffix = match.groups()
        level = _LEVELS.get(suffix, PlaceLevel.VILLAGE)
        if stem in NAME_WORDS or stem in PROSE_WORDS or stem[-2:] in PROSE_WORDS or stem[:2] in PROSE_WORDS:
            continue
        if level is PlaceLevel.VILLAGE or mention.level is PlaceLevel.COUNTY:
            yield match.start(), match.end(), level, mention


def _mention(names: Names, text: str, span: tuple[int, int], level: PlaceLevel, before: Mention | None) -> Mention:
    word = text[span[0] : span[1]]
    parent = _parent(names, level, before)
    if level is PlaceLevel.TOWNSHIP and parent != names.area:
        code = _misprinted(names, word, parent)
        if code:
            path = tuple(names.official(above) for above in reversed(names.lineage(code)))
            flags = (Flag.MISPRINT,)
            return Mention(*span, word, level, path[-1], code=code, path=path, parent=parent, flags=flags)
    path = tuple(names.official(above) for above in reversed(names.lineage(parent)))
    return Mention(*span, word, level, word, path=(*path, word), parent=parent, flags=(Flag.UNLISTED,))


def _parent(names: Names, level: PlaceLevel, before: Mention | None) -> str:
    """The division that the place before it sets: itself, or the one it lies in."""
    if before is None or Flag.OUTSIDE in before.flags:
        return names.area
    order = list(PlaceLevel)
    codes = names.lineage(before.code) if before.code else names.lineage(before.parent or names.area)
    for code in codes:
        division = names.gazetteer.divisions.get(code)
        if division is not None and order.index(PlaceLevel(division.level.value)) < order.index(level):
            return code
    return names.area


def _misprinted(names: Names, word: str, county: str) -> str:
    """Code of the one township of a county whose name differs from the word by a character, or nothing."""
    from rapidfuzz.distance import Levenshtein

    if len(word) < 2:
        return ""
    close = [
        code
        for code in names.townships.get(county, ())
        if Levenshtein.distance(names.official(code), word, score_cutoff=1) <= 1 and len(names.official(code)) > 2
    ]
    return close[0] if len(close) == 1 else ""
