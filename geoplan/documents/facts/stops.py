"""Stops of routes: a lead with a colon and the list of places it announces (沿线涉及重点景区：…、…等)."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence

from geoplan.documents.facts.finding import Finding
from geoplan.documents.facts.vocabulary import theme_of
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.terms import Kind, Status

_LEAD = re.compile(
    r"(?:^|[。；\n])(?P<lead>[^。；：:]{0,30}?(?:景区|景点|旅游村|古村落?|传统村落|名村|名镇|古镇|站点|节点|途经|停靠点|打卡点|驿站|线路|路线|"
    r"资源富集区|富集区|度假区|示范村|民宿))(?:有|包括|为|是|涉及|名单)?[：:](?:包括|有|为)?(?P<list>[^。；]+)"
)
_ITEM = re.compile(r"[^、，,]+")
_TAIL = re.compile(r"等(?:\d+个|[一二三四五六七八九十]+个)?[^、，]{0,12}$")
_NOT_A_NAME = re.compile(r"[：:“”]|\d{2,}|建设|打造|发展|提升|完善|推进|开发|串联|突出|连接|起自|^[以经]")
_PROMISED = re.compile(r"打造|建设|新建|创建|培育|规划|拟|争创")
_MIN_STOPS = 3
_MAX_NAME = 16
_VILLAGES = re.compile(r"村[^镇]{0,3}$")


def stop_findings(text: str, mentions: Sequence[Mention], headings: str = "") -> list[Finding]:
    """One finding a stop, in the order of the list, numbered from 1 in every list.

    A stop that is no known division is a site where the lead speaks of sights, an unlisted village where it speaks
    of villages.
    """
    findings: list[Finding] = []
    begins = [mention.start for mention in mentions]
    for match in _LEAD.finditer(text):
        items = _items(text, *match.span("list"))
        if len(items) < _MIN_STOPS:
            continue
        level = PlaceLevel.VILLAGE if _VILLAGES.search(match["lead"]) else PlaceLevel.SITE
        # A list of sights and villages names what is there.
        status = Status.TARGET if _PROMISED.search(match["lead"]) else Status.BASELINE
        for step, (start, end) in enumerate(items, 1):
            inside = mentions[bisect_left(begins, start) : bisect_left(begins, end)]
            place = _place(text, start, end, inside, level)
            name = text[start:end]
            theme = theme_of(name, match["lead"], headings)
            findings.append(
                Finding(
                    start, end, Kind.ATTRACTION, theme, name, (place,), (), status, "",
                    ("listed-stop", *(flag.value for flag in place.flags)), step=step,
                )
            )  # fmt: skip
    return findings


def listed_spans(stops: Sequence[Finding]) -> list[tuple[int, int]]:
    """The characters from the first stop to the last of every list."""
    spans: list[tuple[int, int]] = []
    for stop in stops:
        begin = stop.start if stop.step == 1 else spans.pop()[0]
        spans.append((begin, stop.end))
    return spans


def _items(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found = []
    for match in _ITEM.finditer(text, start, end):
        item = match[0]
        begin, stop = match.start(), match.end()
        if stop == end or text[stop : stop + 1] in "，,":
            stop -= len(item) - len(_TAIL.sub("", item))
        joined = re.search(r"(?<=[^、]{2})[及和](?=[^及和]{2,}$)", text[begin:stop])
        parts = [(begin, begin + joined.start()), (begin + joined.end(), stop)] if joined else [(begin, stop)]
        found += [_strip(text, *part) for part in parts]
    names = [(b, e) for b, e in found if e > b and e - b <= _MAX_NAME and not _NOT_A_NAME.search(text[b:e])]
    # A list of names has short items only: else it is a sentence.
    return names if len(names) >= 0.8 * max(len(found), 1) else []


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in " \t\u3000":
        start += 1
    while end > start and text[end - 1] in " \t\u3000":
        end -= 1
    return start, end


def _place(text: str, start: int, end: int, mentions: Sequence[Mention], level: PlaceLevel) -> Mention:
    """The mention among those that begin in the item that fills it, or a place made of the item's words."""
    inside = [m for m in mentions if m.end <= end]
    whole = [m for m in inside if (m.start, m.end) == (start, end)]
    if whole:
        return whole[0]
    if inside and inside[-1].end == end:
        return inside[-1]
    parent = inside[0] if inside else None
    flags = (Flag.UNLISTED,) if level is PlaceLevel.VILLAGE else ()
    return Mention(
        start, end, text[start:end], level, text[start:end],
        path=parent.path if parent else (), parent=parent.code if parent else "", flags=flags,
    )  # fmt: skip
