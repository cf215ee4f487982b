"""Enumerations: what stands in a list of places is a place, known or not.

A list is what 、 and 和 join between two stronger marks. Where enough of its items are names, the names among them need
no other evidence, and the other items become places without a code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from geoplan.documents.places.cue_words import BEFORE_WORDS
from geoplan.documents.places.cues import has_edge, is_led
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.places.names import Names
from geoplan.documents.places.segment import Reading, follows
from geoplan.documents.places.words import NAME_WORDS, PROSE_WORDS

_HARD = re.compile(r"[，。；：:;,！？!?（）()《》“”\"\[\]【】\s]")
_JOINTS = ("以及", "和", "与", "及", "或", "至", "到", "——", "—", "-", "－")
_TAIL = re.compile(
    r"(?:等)?(?:[0-9一二三四五六七八九十两多]+)?(?:个|处)?(乡镇|乡（镇）|镇|乡|街道|行政村|自然村|村|县|市|区)(?![民镇庄级])"
)
_HEAD = re.compile(r"(?:村庄?|村落|乡镇|乡|镇|旅游村|行政村)(?:[为是有包括即]{0,2})[：:]?$")
_ITEM = re.compile(r"[\u4e00-\u9fff]{2,6}")
_NOT_IN_NAME = re.compile(
    r"[的与及等了其各该并或]|发展|建设|生产|加工|种植|养殖|基地|产业|农业|工程|园|企业|合作社|[农林牧茶]场$|旅游|市场|景区|公司|公路|水库|项目|中心|品|业$|[山寺庙洞]$"
)
_INITIALS = re.compile(
    r"(?<![\u4e00-\u9fff](?=[\u4e00-\u9fff]{2}))[\u4e00-\u9fff](?:、[\u4e00-\u9fff](?![\u4e00-\u9fff]、)){2,}"
)
_INNER_SUFFIX = re.compile(r"[县镇乡]")
_FARM = re.compile(r"[农林牧茶][场垦]")
_SUFFIXED = re.compile(r"([\u4e00-\u9fff]{2,4})(?:镇|乡|街道|苏木|村|嘎查)")
_LEADS = "在以于为含括的到"
_LONGEST = 12
_LOW = (PlaceLevel.TOWNSHIP, PlaceLevel.VILLAGE)
_NOUNS = dict.fromkeys(("乡镇", "乡（镇）", "镇", "乡", "街道"), PlaceLevel.TOWNSHIP) | dict.fromkeys(
    "县市区", PlaceLevel.COUNTY
)
_ORDER: tuple[PlaceLevel, ...] = tuple(
    level for level in PlaceLevel if level not in {PlaceLevel.REGION, PlaceLevel.SITE}
)


@dataclass(slots=True)
class Item:
    """An item of a list: its readings from the top down, or none; `led` is the township before its 的 (A镇的甲、乙)."""

    start: int
    end: int
    chain: tuple[Reading, ...] = ()
    starts_list: bool = False
    ends_list: bool = False
    is_first: bool = False
    led: frozenset[str] = frozenset()


@dataclass(slots=True)
class PlaceList:
    """A list that enough of its items make a list of places.

    `level` is that of its items where they share one; `unknown` are the items that no list of names has.
    """

    items: list[Item]
    level: PlaceLevel | None = None
    unknown: list[Item] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Index:
    names: Names
    text: str
    starts: dict[int, list[Reading]]
    ends: dict[int, list[Reading]]


def find_lists(names: Names, text: str, readings: list[Reading]) -> list[PlaceList]:
    """The lists of places in a text, in order."""
    starts: dict[int, list[Reading]] = {}
    ends: dict[int, list[Reading]] = {}
    for reading in readings:
        starts.setdefault(reading.start, []).append(reading)
        ends.setdefault(reading.end, []).append(reading)
    index = _Index(names, text, starts, ends)
    marks = [match.start() for match in _HARD.finditer(text)]
    found = []
    for start, end in zip([0, *(mark + 1 for mark in marks)], [*marks, len(text)], strict=True):
        for items in _lists(_items(index, start, end)) if end - start >= 3 else ():
            made = _judge(index, items) if len(items) > 1 else None
            found += [made] if made else []
    return found


def _items(index: _Index, start: int, end: int) -> list[Item]:
    """The items of a stretch without strong marks."""
    bounds = [start]
    position = start
    while position < end:
        joint = _joint(index, position)
        if joint:
            bounds += [position, position + len(joint)]
            position += len(joint)
        else:
            position += 1
    bounds.append(end)
    if len(bounds) == 2:
        return []
    spans = [(s, e) for s, e in zip(bounds[::2], bounds[1::2], strict=True) if e > s]
    items: list[Item] = []
    for i, (s, e) in enumerate(spans):
        made = _read_item(index, s, e, last=i == len(spans) - 1, inner=0 < i < len(spans) - 1)
        items += made if i or made[-1].chain else [_without_lead(index.text, made[-1])]
    if items:
        items[0].is_first = True
    return items


def _joint(index: _Index, position: int) -> str:
    """The joint that stands at a position; words count only between two names."""
    text = index.text
    if text[position] == "、":
        return "、"
    if position not in index.ends:
        return ""
    for joint in _JOINTS:
        if text.startswith(joint, position) and position + len(joint) in index.starts:
            return joint
    return ""


def _read_item(index: _Index, start: int, end: int, *, last: bool, inner: bool) -> list[Item]:
    """An item's names: all of it, its start (a list may end there), its end (a list starts), or both."""
    text = index.text
    if chain := _chain(index, start, end):
        return [Item(start, end, chain)]
    if led := _led(index, start, end):
        cut, codes = led
        inner_items = _read_item(index, cut, end, last=last, inner=inner)
        inner_items[0].led, inner_items[0].starts_list = codes, True
        return inner_items
    plain = _ITEM.fullmatch(text, start, end) is not None
    found = []
    ahead = _longest(index, start, end)
    tail = text[ahead[-1].end : end] if ahead else ""
    high = bool(ahead) and all(reading.high for reading in ahead)
    if ahead and (tail.startswith("等") or _TAIL.match(tail) or ((last or high) and _ends_name(text, ahead[-1]))):
        found.append(Item(start, ahead[-1].end, ahead, ends_list=not high))
        start = ahead[-1].end
    back = _chain_back(index, end, start)
    if back and not (plain and inner and end - start < 5) and _begins_name(text, back[0]):
        found.append(Item(back[0].start, end, back, starts_list=True))
    elif not found:
        cut = text.find("等", start + 2, min(start + 8, end)) if last else -1
        ends = last and (cut > 0 or not plain)
        found.append(Item(start, cut if cut > 0 else end, ends_list=ends))
    return found


def _ends_name(text: str, reading: Reading) -> bool:
    """Whether a name may end where more of the item follows."""
    if reading.full:
        return True
    free = reading.high or not reading.common
    return free and has_edge(text, reading.start, reading.end)[1] and not _FARM.match(text, reading.end)


def _begins_name(text: str, reading: Reading) -> bool:
    """Whether a name may begin where some of the item is before it."""
    if reading.common:
        return is_led(text, reading.start)
    return reading.full or reading.end - reading.start > 2 or has_edge(text, reading.start, reading.end)[0]


def _led(index: _Index, start: int, end: int) -> tuple[int, frozenset[str]] | None:
    """Where an item begins behind the 的 of the township or county that it lies in, and that one's codes."""
    cut = index.text.rfind("的", start, end)
    above = (
        [r for r in index.ends.get(cut, ()) if r.full and (r.alone or not r.common) and end - cut <= _LONGEST]
        if cut > 0
        else []
    )
    codes = frozenset(name.code for r in above for name in r.names if name.level is not PlaceLevel.VILLAGE)
    return (cut + 1, codes) if codes and end > cut + 1 else None


def _without_lead(text: str, item: Item) -> Item:
    """A first item without the words that lead to it: 布局在|大田, 辐射相邻的|永兴场乡."""
    start = item.start
    for position in range(item.start + 1, item.end - 1):
        if text[position - 1] in _LEADS or (
            position - item.start > 1 and text[position - 2 : position] in BEFORE_WORDS
        ):
            start = position
    item.start = start
    return item


def _lists(items: list[Item]) -> list[list[Item]]:
    """The items cut into lists where one starts or ends."""
    found: list[list[Item]] = [[]]
    for item in items:
        if item.starts_list and found[-1]:
            found.append([])
        found[-1].append(item)
        if item.ends_list:
            found.append([])
    return [made for made in found if made]


def _chain(index: _Index, start: int, end: int, depth: int = 4) -> tuple[Reading, ...]:
    """Readings from the top down that fill a stretch exactly."""
    if not depth:
        return ()
    for reading in reversed(index.starts.get(start, ())):
        if reading.end == end:
            return (reading,)
        if reading.end < end:
            rest = _chain(index, reading.end, end, depth - 1)
            if rest and follows(index.names, index.text, reading, rest[0]):
                return (reading, *rest)
    return ()


def _chain_back(index: _Index, end: int, floor: int, depth: int = 5) -> tuple[Reading, ...]:
    """The readings from the top down that end at `end`: those that reach back farthest."""
    best: tuple[Reading, ...] = ()
    for reading in index.ends.get(end, ()):
        if reading.start < floor:
            continue
        chain: tuple[Reading, ...] = (reading,)
        for parent in index.ends.get(reading.start, ()):
            if parent.start >= floor and follows(index.names, index.text, parent, reading):
                above = _chain_back(index, reading.start, floor, depth - 1) if depth else ()
                chain = (*(above if above and above[-1] == parent else (parent,)), reading)
        if not best or chain[0].start < best[0].start:
            best = chain
    return best


def _longest(index: _Index, start: int, end: int, depth: int = 5) -> tuple[Reading, ...]:
    """The longest readings from the top down at the start of a stretch."""
    best: tuple[Reading, ...] = ()
    for reading in index.starts.get(start, ()):
        if reading.end > end:
            continue
        rest = _longest(index, reading.end, end, depth - 1) if depth else ()
        linked = rest and follows(index.names, index.text, reading, rest[0])
        chain = (reading, *rest) if linked else (reading,)
        if not best or chain[-1].end > best[-1].end:
            best = chain
    return best


def _judge(index: _Index, items: list[Item]) -> PlaceList | None:
    """The list, where enough of its items are names."""
    text = index.text
    if not items[0].chain:
        # What leads in (建设…、) is no item.
        items = items[1:] if _ITEM.fullmatch(text, items[0].start, items[0].end) is None else items
    named = [item for item in items if item.chain]
    written = [item for item in items if not item.chain and _is_written(text[item.start : item.end])]
    few = len(named) + len(written) < 2 and not items[0].led
    if few or not named or 2 * (len(named) + len(written)) < len(items):
        return None
    tail = _TAIL.match(text, items[-1].end)
    noun = tail.group(1) if tail else ""
    if not _is_certain(index, items, named, noun):
        return None
    villages = [item for item in named if item.chain[-1].levels == {PlaceLevel.VILLAGE}]
    if len(villages) == len(named) and not tail and not _headed(index, items, named):
        return None
    made = PlaceList(items, _level(items, noun))
    if items[0].led and any(PlaceLevel.VILLAGE in item.chain[-1].levels for item in named):
        made.level = PlaceLevel.VILLAGE
    if written or len(named) > 2 or len(items) <= 3 or items[0].led:
        made.unknown = [item for item in items if not item.chain and _may_be_name(index, item, made.level)]
    return made


def _is_written(word: str) -> bool:
    """Whether an unknown item has the suffix of a township or village behind what is no word."""
    match = _SUFFIXED.fullmatch(word)
    stem = match.group(1) if match else ""
    if not stem or _NOT_IN_NAME.search(stem) or _INNER_SUFFIX.search(stem, 1):
        return False
    return not any(part in NAME_WORDS or part in PROSE_WORDS for part in (stem, stem[:2], stem[-2:]))


def _is_certain(index: _Index, items: list[Item], named: list[Item], noun: str) -> bool:
    """Whether at least one name is no word, or all are what the noun behind them or the township before them says."""
    if any(_certain(item) for item in named):
        return True
    level = _NOUNS.get(noun, PlaceLevel.VILLAGE if noun else None)
    if len(named) == len(items) > 2 and all(level in item.chain[-1].levels for item in named):
        return True
    if items[0].led:
        inside = [item for item in named if _lies_in(index.names, item.chain[-1], items[0].led)]
        return 2 * len(inside) >= len(items)
    led = items[0].chain[:1]
    return bool(noun and led and len(items[0].chain) > 1 and led[0].high)


def _lies_in(names: Names, reading: Reading, above: frozenset[str]) -> bool:
    return any(above.intersection(names.lineage(name.code)) for name in reading.names)


def _headed(index: _Index, items: list[Item], named: list[Item]) -> bool:
    """Whether villages are made a list of places by a full name, a parent, a head, or their number."""
    if any(reading.full and not reading.common for item in named for reading in item.chain):
        return True
    if items[0].led and sum(_lies_in(index.names, item.chain[-1], items[0].led) for item in named) * 2 >= len(items):
        return True
    if _HEAD.search(index.text[max(items[0].start - 8, 0) : items[0].start]):
        return True
    certain = sum(_certain(item) for item in named)
    return index.names.compact and len(named) > 2 and 2 * certain >= len(named)


def _certain(item: Item) -> bool:
    return not item.chain[-1].common


def _level(items: list[Item], noun: str) -> PlaceLevel | None:
    """The level that most items can have; the noun behind the list decides where it stands."""
    if noun:
        return _NOUNS.get(noun, PlaceLevel.VILLAGE)
    counts: dict[PlaceLevel, int] = dict.fromkeys(_ORDER, 0)
    for item in items:
        for level in item.chain[-1].levels if item.chain else ():
            counts[level] += 1
    best = max(counts.values())
    return next(level for level in _ORDER if counts[level] == best)


def _may_be_name(index: _Index, item: Item, level: PlaceLevel | None) -> bool:
    word = index.text[item.start : item.end]
    return (
        level in _LOW
        and _ITEM.fullmatch(word) is not None
        and word not in NAME_WORDS
        and word not in PROSE_WORDS
        and not _NOT_IN_NAME.search(word)
        and not _INNER_SUFFIX.search(word, 1, len(word) - 1)
        and not (item.is_first and word[0] in "以在对从由含")
    )


def initials(names: Names, text: str) -> list[Mention]:
    """Counties named by their first characters in a row (忻、定、原), in order."""
    found: list[Mention] = []
    for match in _INITIALS.finditer(text):
        signs = match.group().split("、")
        if len(set(signs)) != len(signs) or not all(sign in names.initials for sign in signs):
            continue
        for i, sign in enumerate(signs):
            start = match.start() + 2 * i
            lineage = names.lineage(names.initials[sign])
            path = tuple(names.official(code) for code in reversed(lineage))
            found.append(
                Mention(
                    start,
                    start + 1,
                    sign,
                    PlaceLevel.COUNTY,
                    path[-1],
                    lineage[0],
                    path,
                    lineage[1],
                    flags=(Flag.SHORT,),
                )
            )
    return found
