"""From the hits of names in a text to the readings that fit together.

A hit becomes a reading, the stretch with its suffix and all that it may mean. Which of the overlapping readings are
taken is found by dynamic programming: full names stand by themselves, short names need a cue at their edges, those
of townships and villages need their parent before them or a list of places around them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace

from geoplan.documents.places.cue_words import PRODUCTS, VERBS
from geoplan.documents.places.cues import (
    acts,
    before_product,
    has_edge,
    in_phrase,
    is_closed,
    is_generic,
    is_led,
    is_part_of_town,
    is_phrase,
    is_word,
    starts_word,
)
from geoplan.documents.places.mention import Flag, PlaceLevel
from geoplan.documents.places.names import Name, Names
from geoplan.documents.places.sites import names_site
from geoplan.documents.places.words import PROSE_WORDS

_TOWNSHIP_SIGN = re.compile(r"镇|乡(?!村)")
_LOWER_SIGN = re.compile(r"[镇村]|乡(?!村)")
_SPACED = re.compile(r"(?<![\u4e00-\u9fff])([\u4e00-\u9fff])[ \u3000]{1,4}([县区市旗])(?![\u4e00-\u9fff])")
_STEM = re.compile(r"(?:社区|街道|.)$")
HIGH = frozenset({PlaceLevel.PROVINCE, PlaceLevel.CITY, PlaceLevel.COUNTY})


@dataclass(frozen=True, slots=True)
class Reading:
    """A stretch of text that may name a place.

    `full` where its suffix is written, `alone` where it may stand without other places near it, `common` where it is
    a word of the language.
    """

    start: int
    end: int
    names: tuple[Name, ...]
    full: bool
    alone: bool
    common: bool

    @property
    def levels(self) -> frozenset[PlaceLevel]:
        """Levels of what it may mean."""
        return frozenset(name.level for name in self.names)

    @property
    def high(self) -> bool:
        """Whether it may be a county or more."""
        return any(name.level in HIGH for name in self.names)


def read_names(names: Names, text: str) -> list[Reading]:
    """All readings of a text, by start and then length."""
    found: dict[tuple[int, int], dict[Name, None]] = {}
    for start, end, key in names.hits(text):
        for name in names.divisions.get(key, ()):
            stop = end
            if name.level is PlaceLevel.TOWNSHIP and name.form is Flag.SHORT and text[end : end + 1] in {"乡", "镇"}:
                # 乡 and 镇 are exchanged when a township is raised; the list has one of the two.
                stop = end + 1
                name = replace(name, form=Flag.OLD_NAME)  # noqa: PLW2901
                if text[start:stop] in names.divisions:
                    continue
            if name.level in HIGH and name.form is Flag.SHORT and _LOWER_SIGN.match(text, end):
                continue
            found.setdefault((start, stop), {})[name] = None
        rows = names.villages.rows.get(key)
        if rows:
            _read_village(names, text, (start, end), rows, found)
    for match in _SPACED.finditer(text):
        # A county's two characters are set apart in tables (盂  县).
        for name in names.divisions.get("".join(match.groups()), ()):
            if names.outside(name.code):
                continue
            found.setdefault(match.span(), {})[name] = None
    readings = [_reading(names, text, span, tuple(meant)) for span, meant in found.items()]
    return sorted((r for r in readings if r is not None), key=lambda r: (r.start, r.end))


def _read_village(
    names: Names, text: str, span: tuple[int, int], rows: list[int], found: dict[tuple[int, int], dict[Name, None]]
) -> None:
    start, end = span
    suffix = _village_suffix(text, end)
    if not suffix and _TOWNSHIP_SIGN.match(text, end):
        return
    written = text[start:end] + suffix
    exact = [row for row in rows if names.villages.names[row] == written]
    # A name without a suffix is no stronger where the list has it without one (市场, 牧场).
    form = None if suffix else Flag.SHORT
    meant = found.setdefault((start, end + len(suffix)), {})
    for row in exact or rows:
        meant[Name(names.villages.codes[row], PlaceLevel.VILLAGE, form)] = None


def _village_suffix(text: str, end: int) -> str:
    if text.startswith("社区", end):
        return "社区"
    if text.startswith("村", end) and text[end + 1 : end + 2] not in {"民", "镇", "庄", "级", "屯", "落"}:
        return "村"
    return ""


def _reading(names: Names, text: str, span: tuple[int, int], meant: tuple[Name, ...]) -> Reading | None:
    start, end = span
    high = any(name.level in HIGH for name in meant)
    phrase = _named_by_phrase(names, text, span, meant)
    if (not phrase and in_phrase(text, start, end)) or (not high and starts_word(text, start, end)):
        return None
    full = tuple(name for name in meant if name.form is not Flag.SHORT)
    kept = full or meant
    if is_generic(text, start, end):
        kept = tuple(name for name in kept if not names.outside(name.code))
        if not kept or is_part_of_town(text, start, end):
            return None
        # In an area with a district of that name, 郊区 is the district.
        alone = not names.area.endswith("0000") and has_edge(text, start, end)[0]
        return Reading(start, end, kept, full=bool(full), alone=alone, common=not alone)
    high = any(name.level in HIGH for name in kept)
    if high and kept[0].code in names.own:
        # The document's own cities are named all the time, whatever else their names mean.
        left, right = has_edge(text, start, end)
        alone = bool(full) or right or (left and text[start - 1 : start] != "、")
        return Reading(start, end, kept, full=bool(full), alone=alone, common=False)
    word = text[start:end]
    stem = _STEM.sub("", word) if full else word
    common = phrase or is_word(word, high=high) or (len(stem) > 1 and is_word(stem, high=high))
    if not high and not full:
        common = common or word in names.famous
    alone = acts(text, start, end) if phrase else _stands_alone(names, text, span, kept, common=common)
    return Reading(start, end, kept, full=bool(full), alone=alone, common=common)


def _named_by_phrase(names: Names, text: str, span: tuple[int, int], meant: tuple[Name, ...]) -> bool:
    """Whether a full name of the area's that is a set phrase (新城镇, 老城区) stands where places do."""
    start, end = span
    return (
        is_phrase(text[start:end])
        and any(name.form is None and not names.outside(name.code) for name in meant)
        and all(name.level is not PlaceLevel.VILLAGE for name in meant)
        and is_led(text, start)
        and (is_closed(text, end) or acts(text, start, end))
    )


def _stands_alone(names: Names, text: str, span: tuple[int, int], meant: tuple[Name, ...], *, common: bool) -> bool:
    """Whether a name needs nothing but its edges."""
    start, end = span
    left, right = has_edge(text, start, end)
    # 山西 is the province wherever it is written, even where a village has that name.
    meant = tuple(name for name in meant if name.level in HIGH) or meant
    short = meant[0].form is Flag.SHORT or (meant[0].form is Flag.OLD_NAME and end - start == 2)
    if any(name.level in HIGH for name in meant):
        if short:
            if common:
                free = is_closed(text, end) or before_product(text, end) or acts(text, start, end)
                return left and free and text[start:end] not in VERBS
            return left and (right or any(not names.outside(name.code) for name in meant))
        return _full_county(names, text, span, meant, edges=(left, right))
    if short:
        return end - start > 2 and left and right and not common and names.compact and _is_one(names, meant)
    if any(name.level is PlaceLevel.TOWNSHIP for name in meant):
        return left if end - start == 2 or common else True
    return not common and end - start > 2 and (left or end - start > 3) and (names.compact or len(meant) == 1)


def _is_one(names: Names, meant: tuple[Name, ...]) -> bool:
    """Whether all that is meant is one place, or a township and its villages (娘子关)."""
    top = min(meant, key=lambda name: len(names.lineage(name.code)))
    return all(top.code in names.lineage(name.code) for name in meant)


def _full_county(
    names: Names, text: str, span: tuple[int, int], meant: tuple[Name, ...], *, edges: tuple[bool, bool]
) -> bool:
    """Whether a county's or city's full name is meant: 高县 is not in 提高县域."""
    start, end = span
    if all(names.outside(name.code) for name in meant):
        return edges[0] if end - start > 2 else all(edges)
    before = text[max(start - 1, 0) : start]
    if end - start > 2 or acts(text, start, end):
        return True
    return (
        before + text[start] not in PROSE_WORDS
        and (edges[0] or edges[1])
        and not (text[start] in "和及与" and not edges[1])
    )


def choose(names: Names, text: str, readings: list[Reading], backed: Iterable[tuple[int, int]]) -> list[Reading]:
    """The readings to take: those that cover most, among those that stand alone, are backed, or follow their parent.

    `backed` are spans that a list of places makes places.
    """
    support = frozenset(backed) | _leaders(names, text, readings)
    by_end: dict[int, list[int]] = {}
    for index, reading in enumerate(readings):
        by_end.setdefault(reading.end, []).append(index)
    order = sorted(range(len(readings)), key=lambda i: (readings[i].end, readings[i].start))
    best: list[tuple[int, int]] = [(-1, -1)] * len(readings)
    top: list[tuple[int, int, int]] = [(0, 0, -1)]  # end, score, index: the best up to each end
    ends = [0]
    for index in order:
        reading = readings[index]
        options = []
        if reading.alone or (reading.start, reading.end) in support:
            before = top[bisect_right(ends, reading.start) - 1]
            options.append((before[1], before[2]))
        options += [
            (best[other][0] + 2, other)
            for other in by_end.get(reading.start, ())
            if best[other][0] >= 0 and follows(names, text, readings[other], reading)
        ]
        if not options:
            continue
        gain = 10 * (reading.end - reading.start) + (3 if reading.full else 0) + (1 if reading.high else 0) - 6
        score, previous = max(options, key=lambda option: option[0])
        best[index] = (score + gain, previous)
        if score + gain > top[-1][1]:
            top.append((reading.end, score + gain, index))
            ends.append(reading.end)
    chosen = []
    index = top[-1][2]
    while index >= 0:
        chosen.append(readings[index])
        index = best[index][1]
    return chosen[::-1]


def _leaders(names: Names, text: str, readings: list[Reading]) -> set[tuple[int, int]]:
    """Spans of counties that are right before a township or village of theirs (郊区 | 西南舁)."""
    starts: dict[int, list[Reading]] = {}
    for reading in readings:
        starts.setdefault(reading.start, []).append(reading)
    return {
        (reading.start, reading.end)
        for reading in readings
        if reading.high
        and any(
            not child.common and not child.high and follows(names, text, reading, child)
            for child in starts.get(reading.end, ())
        )
    }


def follows(names: Names, text: str, parent: Reading, child: Reading) -> bool:
    """Whether a reading, right behind another, names something that lies in it, or the next county (宁武静乐)."""
    above = {name.code for name in parent.names}
    if any(name.code not in above and above.intersection(names.lineage(name.code)) for name in child.names):
        return child.full or child.high or _free_child(text, child)
    return parent.high and child.high and not child.common and _siblings(names, parent, child)


def _free_child(text: str, child: Reading) -> bool:
    """Whether a short name may follow its parent: 平鲁 | 红山荞麦 has no village, 盂县 | 西烟、东梁 has a township."""
    if not child.full and text[child.start : child.end] in PRODUCTS:
        return False
    if is_closed(text, child.end):
        return True
    if child.common:
        return False
    if names_site(text, child.start, child.end, led=True):
        return True
    return child.end - child.start > 2 or (
        PlaceLevel.TOWNSHIP in child.levels and has_edge(text, child.start, child.end)[1]
    )


def _siblings(names: Names, first: Reading, second: Reading) -> bool:
    parents = {names.lineage(name.code)[1:2] for name in first.names if name.level is PlaceLevel.COUNTY}
    return any(names.lineage(name.code)[1:2] in parents for name in second.names if name.level is PlaceLevel.COUNTY)
