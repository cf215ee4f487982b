"""Regions that no list of divisions has: parts of provinces (晋北), valleys, mountains, basins, belts, terrain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from geoplan.documents.places.cue_words import MOUNTAINS, RIVERS
from geoplan.documents.places.cues import MARKS, has_edge, proper_start
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.places.names import Names
from geoplan.documents.places.words import PROSE_WORDS

_PART = re.compile(
    r"[京津冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川渝黔滇陕甘陇青宁新蒙藏疆](?>(?:东南|东北|西南|西北|[东西南北]|中(?=地区|山区|丘陵|部))(?:东|西|北|南|中){0,2})"
    r"(?:地区|山区|平原|高原|丘陵区?)?(?![省市州县区旗站部西兰大美京昌])"
)
_BODY = r"[\u4e00-\u9fff]"
_BELT = re.compile(
    r"(?:雁门关|北方|[东西华]北|晋北|内蒙古|农牧|半)?农牧交错带|(?:晋陕豫)?黄河金三角|黄土高原|河西走廊|三江平原|松嫩平原|松辽平原|辽河平原|华北平原|黄淮平原|江汉平原|江淮平原|成都平原|关中平原|河套平原|"
    r"两湖平原|黄淮海平原|长江中下游平原|杭嘉湖平原|珠三角|长三角|[黄珠]河三角洲|[长珠]江三角洲|毛乌素沙地|科尔沁沙地|浑善达克沙地|东西两山"
)
_RIVER = re.compile(
    rf"(?:{'|'.join(RIVERS)}|{_BODY}{{1,3}}[河江])(?:上游|中游|下游|中下游|干流)?"
    r"(?:流域沿线|流域|沿线|沿岸|两岸|河谷|谷地|川区|冲积平原|平原|灌区|三角洲)(?:地区)?"
)
_MOUNTAIN = re.compile(
    rf"(?:{'|'.join(MOUNTAINS)})(?:山脉)?(?:山区|片区|丘陵区|高原|林区|山地|区|沿线|[东西南北]{{1,2}}麓|沿麓|(?=地区))"
)
_BARE = re.compile(
    rf"(?:(?<=[在沿])|(?<=沿着)|(?<=依托))(?:{'|'.join((*RIVERS, *MOUNTAINS))})(?=[、，。；,;和与及]|一带)"
)
_RING = re.compile(
    rf"环(?:京津冀?|首都|渤海|{'|'.join((*RIVERS[-9:], *MOUNTAINS))}|{_BODY}{{1,2}}(?:湖|山|岭))(?=[^境保{{]|$)"
)
_BASIN = re.compile(
    rf"(?:(?<=[在以和与及括即为])|(?<!{_BODY}))(?![在以和与及括即为]|.{{1,2}}部){_BODY}{{2,3}}(?:盆地|高原|平原)"
)
_TERRAIN = re.compile(
    r"(?:(?:东南|东北|西南|西北|中西|东|西|南|北|中)部)?(?:边山|沿山|浅山|深山|土石山|丘陵|山地|山坡|平川|高寒|冷凉|半山|坡地|高原|平原|沿川|盆地|平坝|山区|城郊){1,3}"
    r"(?:结合部|地带|地区|山区|丘陵区?|区|带)?|沿[黄江海湖淮边](?:[一二三四五六七八九十]+县|地区|区域|流域|地带)?"
)


def named_regions(names: Names, text: str, known: Mapping[str, tuple[str, ...]]) -> list[Mention]:
    """The regions with a name of their own, in order, without overlaps; `known` gives the members of some."""
    free = _Taken()
    found = []
    for start, end, name in _named(names, text, known):
        if free.take(start, end):
            word = text[start:end]
            found.append(Mention(start, end, word, PlaceLevel.REGION, word, path=(word,), members=known.get(name, ())))
    return sorted(found, key=lambda mention: mention.start)


def terrain_regions(text: str, mentions: list[Mention]) -> list[Mention]:
    """Parts of the area or of a division by their terrain or direction (平鲁区 | 山地丘陵区), in order."""
    ends = {mention.end: mention for mention in mentions}
    found = []
    for match in _TERRAIN.finditer(text):
        word = match.group()
        behind = ends.get(match.start())
        directed = word[0] in "东西南北中沿" and len(word) > 2
        if len(word) > 1 and (behind or (directed and _edged(text, match))):
            path = (*behind.path, word) if behind else (word,)
            parent = behind.code if behind else ""
            flags = (Flag.TERRAIN,)
            found.append(Mention(*match.span(), word, PlaceLevel.REGION, word, path=path, parent=parent, flags=flags))
    return found


class _Taken:
    """Characters that are taken already."""

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def take(self, start: int, end: int) -> bool:
        """Take a stretch, if all of it is free."""
        if any(position in self._taken for position in range(start, end)):
            return False
        self._taken.update(range(start, end))
        return True


def _named(names: Names, text: str, known: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[int, int, str]]:
    for name in sorted(known, key=lambda name: (-len(name), name)):
        start = text.find(name)
        while start >= 0:
            end = start + len(name)
            yield start, end + 2 * text.startswith("地区", end), name
            start = text.find(name, end)
    for match in _PART.finditer(text):
        part = match.group()
        local = part[:2] in names.divisions or text[max(match.start() - 1, 0) : match.start() + 1] in names.divisions
        if not local and _edged(text, match):
            yield *match.span(), part.removesuffix("地区")
    for pattern in (_BELT, _RIVER, _MOUNTAIN, _BARE, _RING):
        for match in pattern.finditer(text):
            start = match.start() if pattern is not _RIVER else _river_start(text, match)
            word = text[start : match.end()]
            # 恒山区 is a district where the area has one.
            if start >= 0 and all(names.outside(name.code) for name in names.divisions.get(word, ())):
                yield start, match.end(), word
    for match in _BASIN.finditer(text):
        start = proper_start(text, match.start(), match.end() - 2)
        word = text[start : match.end()]
        if len(word) > 3 and word[:-2] not in PROSE_WORDS and word[:2] not in PROSE_WORDS:
            yield start, match.end(), word


def _river_start(text: str, match: re.Match[str]) -> int:
    """Where the name of a river begins: as the list has it, or behind what leads to it; -1 where nothing does."""
    known = next((river for river in RIVERS if match.group().startswith(river)), "")
    if known:
        return match.start()
    body = re.search("[河江]", match.group())
    end = match.start() + (body.start() if body else 0)
    inner = next((match.start() + i for i in range(1, 4) if match.group()[i:].startswith(RIVERS)), -1)
    if inner >= 0:
        return inner
    start = proper_start(text, max(match.start() - 1, 0), end)
    led = start > match.start() or not "\u4e00" <= text[max(match.start() - 1, 0)] <= "\u9fff" or match.start() == 0
    start = max(start, match.start())
    return start if led and end > start and text[start : start + 2] not in PROSE_WORDS else -1


def _edged(text: str, match: re.Match[str]) -> bool:
    return has_edge(text, match.start(), match.end())[0] or text[match.end() : match.end() + 1] in MARKS
