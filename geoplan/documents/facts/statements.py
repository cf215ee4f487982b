"""Sentences and clauses of a passage, with their places and figures."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geoplan.documents.places.mention import Mention, PlaceLevel
from geoplan.documents.quantities.amount import Amount

_SENTENCE_END = re.compile(r"[。！？；;]+[”’」』）)]*")
_LONGEST = 1000
_OPEN, _CLOSE = "（(“《「『", "）)”》」』"
# What may stand between two places that are named together.
_TOGETHER = re.compile(
    r"[）)]?(?:[、，,及与和以至到经·\s—－→-]|途经|止于|抵达|再[到至]|直至|第[一二三四五六七八九十]+师|（[^（）\d]{0,20}）|等(?:地|县|乡镇|村|县区)?[、，和及]"
    r"|(?:全境|大部|部分(?:地区|乡镇)?|平川区|山区|丘陵区|一带|境内|所属|[东西南北中]{1,2}部(?:地区|山区|乡镇)?)(?=[、，,和及与以])"
    r"|为(?:中心|核心|龙头|主)[、，]?(?:辐射|带动|联动)(?:周边|相邻|邻近)?的?)*",
)
_IN_BRACKETS = re.compile(r"[（(](?:包括|含|涉及)?")
_BUILT_THERE = re.compile(r"^[^，。；：]{0,8}(?:建设|打造|新建|创建|培育|建成)$")
_GLOSS_OPEN = re.compile(r"[（(](?:原|即|含|现)[^）)]*$")
_CHAIN_GLOSS = re.compile(r"（[^（）]{0,20}）")


@dataclass(frozen=True, slots=True)
class Clause:
    """Characters ``[start, end)`` of a passage between two commas."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Group:
    """Places that are named together and share what is said of them: ``[start, end)`` covers all of them.

    `places` are the finest of every chain (平定县|巨城镇 gives 巨城镇), `carriers` the mentions that only lead to them.
    """

    start: int
    end: int
    places: tuple[Mention, ...]
    carriers: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage, ``[start, end)``, with its clauses, place groups and figures in order."""

    start: int
    end: int
    clauses: tuple[Clause, ...]
    groups: tuple[Group, ...]
    amounts: tuple[Amount, ...]


def split_sentences(text: str, mentions: Sequence[Mention], amounts: Sequence[Amount]) -> list[Sentence]:
    """The sentences of `text` (。；！？ end one) with what they hold."""
    sentences = []
    start = 0
    places = sorted(mention.start for mention in mentions)
    numbers = sorted(amount.start for amount in amounts)
    for end in _ends(text):
        if text[start:end].strip():
            inside = mentions[bisect_left(places, start) : bisect_left(places, end)]
            figures = tuple(amounts[bisect_left(numbers, start) : bisect_left(numbers, end)])
            groups = tuple(place_groups(text, inside))
            sentences.append(Sentence(start, end, tuple(_clauses(text, start, end)), groups, figures))
        start = end
    return sentences


def _ends(text: str) -> Iterator[int]:
    """Where sentences end; what runs on without end is cut at a comma, so that no sentence is beyond all measure."""
    start = 0
    for end in (*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)):
        while end - start > 2 * _LONGEST:
            comma = text.find("，", start + _LONGEST, start + 2 * _LONGEST)
            start = comma + 1 if comma >= 0 else start + 2 * _LONGEST
            yield start
        yield end
        start = end


def _clauses(text: str, start: int, end: int) -> list[Clause]:
    """Clauses between commas and colons; commas inside brackets and quotes do not count."""
    found = []
    depth = 0
    begin = start
    for i in range(start, end):
        char = text[i]
        if char in _OPEN:
            depth += 1
        elif char in _CLOSE:
            depth = max(depth - 1, 0)
        elif (char in "，：" or (char == "," and not text[i - 1 : i].isdigit())) and not depth:
            found.append(Clause(begin, i))
            begin = i + 1
    found.append(Clause(begin, end))
    return [clause for clause in found if clause.end > clause.start]


def place_groups(text: str, mentions: Sequence[Mention]) -> list[Group]:
    """Places of one sentence in groups: those with nothing but 、，和及 between them belong together.

    Places set side by side without any sign (宁武静乐) are one group as well; a division that directly leads to the
    next (平定县|巨城镇) is its carrier.
    """
    groups: list[list[Mention]] = []
    for mention in mentions:
        gap = text[groups[-1][-1].end : mention.start] if groups else None
        if mention.level is PlaceLevel.SITE and any(m.level is not PlaceLevel.SITE for group in groups for m in group):
            continue  # 城厢镇茶叶批发市场, 冰岛村建设古茶园景区: the site is what is said of the division before it
        if gap is not None and _BUILT_THERE.search(gap) and _is_around(mention, groups[-1][-1]):
            continue  # 在草坝镇建设滇南农产品交易中心: 滇南 is a part of the thing's name
        if _GLOSS_OPEN.search(text[: mention.start][-6:]):
            continue  # 上社镇（原下社乡区域）: the old name only explains
        if gap is not None and (_TOGETHER.fullmatch(gap) or _opens_list(gap, groups[-1][-1], mention)):
            groups[-1].append(mention)
        else:
            groups.append([mention])
    return [_group(text, members) for members in groups]


def _is_around(mention: Mention, named: Mention) -> bool:
    """Whether a mention is a region, or a division that the one named before lies in."""
    return mention.level is PlaceLevel.REGION or mention.path == named.path[: len(mention.path)] != named.path


def _group(text: str, members: list[Mention]) -> Group:
    places = []
    carriers = []
    for here, after in zip(members, [*members[1:], None], strict=True):
        if after is not None and _leads(text, here, after):
            carriers.append(here)
        else:
            places.append(here)
    return Group(members[0].start, members[-1].end, tuple(places), tuple(carriers))


def _opens_list(gap: str, here: Mention, after: Mention) -> bool:
    """Whether a division's own parts follow it in brackets (宁武县（东寨镇、凤凰镇））."""
    return bool(_IN_BRACKETS.fullmatch(gap)) and _is_below(here, after)


def _is_below(here: Mention, after: Mention) -> bool:
    return len(here.path) < len(after.path) and after.path[: len(here.path)] == here.path


def _leads(text: str, here: Mention, after: Mention) -> bool:
    """Whether `here` only says in what `after` lies."""
    gap = _CHAIN_GLOSS.sub("", text[here.end : after.start])
    if (gap and not _IN_BRACKETS.fullmatch(gap)) or after.level in {PlaceLevel.REGION, PlaceLevel.SITE}:
        return False
    return _is_below(here, after)
