"""Regions that no list of divisions has: parts of provinces (晋北), valleys, mountains, basins, belts, terrain."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from geoplan.documents.places.cue_words import MOUNTAINS, RIVERS
from geoplan.documents.places.cues import MARKS, has_edge
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.places.names import Names

_PART = re.compile(
    r"[京津冀晋辽吉黑苏浙皖闽赣鲁豫鄂湘粤桂琼川渝黔滇陕甘陇青宁新蒙藏疆](?:东南|东北|西南|西北|[东西南北]|中(?=地区|山区|丘陵|部))(?:东|西|北|南|中){0,2}"
    r"(?:地区|山区|平原|高原|丘陵区?)?(?![省市州县区旗站部西兰大美京昌])"
)
_BODY = r"[\u4e00-\u9fff]"
_BELT = re.compile(
    r"(?:雁门关|北方|[东西华]北|晋北|内蒙古|农牧|半)?农牧交错带|(?:晋陕豫)?黄河金三角|黄土高原|河西走廊|[松三江辽嫩]{{1,2}}平原|黄淮海平原|长江中下游平原|东西两山"
)
_RIVER = re.compile(
    rf"(?:{'|'.join(RIVERS)}|(?<![\u4e00-\u9fff]){_BODY}{{1,3}}[河江])(?:上游|中游|下游|中下游|干流)?"
    r"(?:流域沿线|流域|沿线|沿岸|两岸|河谷|谷地|川区|平原|灌区)(?:地区)?"
)
_MOUNTAIN = re.compile(
    rf"(?:{'|'.join(MOUNTAINS)})(?:山区|片区|丘陵区|高原|林区|山地|地区|区|沿线|东麓|西麓|南麓|北麓)"
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
    for pattern in (_BELT, _RIVER, _MOUNTAIN, _BASIN):
        for match in pattern.finditer(text):
            # 恒山区 is a district where the area has one.
            if all(names.outside(name.code) for name in names.divisions.get(match.group(), ())):
                yield *match.span(), match.group()


def _edged(text: str, match: re.Match[str]) -> bool:
    return has_edge(text, match.start(), match.end())[0] or text[match.end() : match.end() + 1] in MARKS
