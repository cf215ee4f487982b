"""What kind of fact words make, and what that rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from geoplan.documents.facts.vocabulary import LOCATIVE, SUBJECT_LINK, WEAK_NOUNS, kind_of, theme_of
from geoplan.documents.places.mention import Mention, PlaceLevel
from geoplan.documents.quantities.amount import Amount
from geoplan.terms import Kind, Measure

_CLAUSE = re.compile(r"(?<=[，；：。])")
_OPENS_ANOTHER = frozenset({"在", "于", "从", "由", "自"})
_ITEM = re.compile(r"[^，。；：]{1,14}[、和及]$")
_NOT_FARMED = frozenset(
    {"general", "processing", "market", "technology", "rural", "ecology", "logistics", "poverty", "water"}
)
_FARMING = re.compile(r"种植|养殖|发展|扩大|栽培|推广|生产")
_NAMED_ZONE = re.compile(r"[^，。；：]{3,}(?<![地县山社灾市校库景牧林农郊])(?:区域?|带|圈|轴|廊道|板块|片)$")
_NAME_LENGTH = 40
_BUILT = frozenset({Measure.INVESTMENT, Measure.POWER, Measure.LENGTH})
_RESTORING = re.compile(r"复垦|治理|修复|整治|绿化|造林|清淤|退耕|防护林")
_NAMED_ROUTE = re.compile(
    r"(?:[东西南北中]线|山水|古村|古堡|风情|红色|文化|观光|生态|研学|康养|精品|自驾|旅游)[^，。；：]{0,8}(?:线|游|之旅|环线)$"
)
_FIELD_UNIT = re.compile(r"亩|公顷|hm²")
_MEASURED = re.compile(
    r"床位|停车|接待|游客|人次|产值|产量|收入|率|比重|比例|占|交易|库容|能力|存栏|出栏|增加值|销售|认证|利用"
)
_BUILDING = re.compile(r"建设|打造|新建|创建|建成|建立|改造|完成|划定|培育|新增|扩建|高标准|各建|各新")


@dataclass(frozen=True, slots=True)
class KindFound:
    """A kind, the words of the noun it rests on, and how it was told."""

    kind: Kind
    noun: str
    how: str


def group_kind(before: str, inside: str, rest: str, lead: str) -> KindFound | None:
    """Kind of what is said of a place group.

    Parameters
    ----------
    before
        The words between the segment before and the group.
    inside
        The words from the group to the next one.
    rest
        The words from the group to the end of the sentence.
    lead
        The passage's lead where the sentence follows on it, else empty.
    """
    return next(_readings(before, inside, rest, lead), None)


def _readings(before: str, inside: str, rest: str, lead: str) -> Iterator[KindFound]:
    """What the words may make of a place group, the surest first."""
    is_layout = bool(LOCATIVE.search(inside[:8]))
    is_item = bool(_ITEM.fullmatch(inside))
    led = lead_kind(lead)
    if subject := _subject(before):
        yield subject
    if led and (is_layout or led[0] is Kind.ROUTE or SUBJECT_LINK.search(before)):
        yield KindFound(led[0], lead, "kind-of-lead")
    if noun := _first_noun(inside):
        yield noun
    if (is_layout or is_item) and (listed := _first_noun(rest)):
        yield KindFound(listed.kind, inside if is_item else listed.noun, "kind-of-list")
    if found := kind_of(before):
        yield KindFound(found[0], before[: found[2]], "kind-before")
    if led:
        yield KindFound(led[0], lead[: led[1]], "kind-of-lead")
    clause = re.split(r"[；。]", inside)[0]
    theme = theme_of(clause)
    if _FARMING.search(clause) and theme not in _NOT_FARMED:
        kind = Kind.ATTRACTION if theme in {"tourism", "culture"} else Kind.BASE
        yield KindFound(kind, clause, "kind-by-verb")


def site_kind(places: Sequence[Mention]) -> KindFound | None:
    """Kind that the name of a site tells (…古镇, …产业园); None where no place is one, or its name tells nothing."""
    for place in places:
        found = kind_of(place.name) if place.level is PlaceLevel.SITE else None
        if found:
            return KindFound(found[0], place.name, "kind-noun")
    return None


def bare_kind(headings: str) -> KindFound | None:
    """Kind of a list of places with no words of its own: that of the headings above it."""
    found = kind_of(headings)
    return KindFound(found[0], "", "kind-of-heading") if found else None


def _subject(before: str) -> KindFound | None:
    """The thing that a link leads from to the places (X产业带覆盖…, X发展区，主要涉及…)."""
    *earlier, clause = re.split(r"[，；。：]", before)
    link = SUBJECT_LINK.search(clause)
    if link is None:
        return None
    if not clause[: link.start()] and link[0] in _OPENS_ANOTHER:
        return None  # 在A建设X，在B建设Y: nothing of X is at B
    for words in (clause[: link.start()], *reversed(earlier)):
        found = lead_kind(words)
        if found is not None and len(words) - found[1] <= 3 and not re.search(r"\d", words[found[1] :]):
            return KindFound(found[0], words, "kind-noun")
    return None


def lead_kind(words: str) -> tuple[Kind, int] | None:
    """Kind of a heading-like phrase with the end of its noun; any named 区, 带 or 圈 at its end is a zone."""
    if _NAMED_ROUTE.search(words):
        return Kind.ROUTE, len(words)
    found = kind_of(words)
    if found is not None and words.endswith("布局"):
        return None  # 种植布局：tells that a layout follows, not that there is a zone
    if found is not None and found[0] is Kind.PROJECT and words.endswith("工程"):
        return None  # 林果提升工程。is a heading for measures of every kind
    if found is not None and found[2] == len(words):
        return found[0], found[2]
    if _NAMED_ZONE.search(words[-_NAME_LENGTH:]):
        return Kind.ZONE, len(words)
    return (found[0], found[2]) if found else None


def _first_noun(words: str) -> KindFound | None:
    """Kind of the first clause that has a kind noun; the noun with the words before it in its clause."""
    for clause in _CLAUSE.split(words):
        found = kind_of(clause)
        if found:
            return KindFound(found[0], clause[: found[2]], "kind-noun")
    return None


def own_noun(before: str, after: str) -> KindFound | None:
    """Kind of the noun that a figure itself counts or measures, where that noun is a thing to be made."""
    clause = re.split(r"[，；。：]", before)[-1]
    if found := kind_of(after):
        noun = after[found[1] : found[2]]
        if not WEAK_NOUNS.search(noun) and found[2] >= len(after) - 4:
            return KindFound(found[0], after[: found[2]], "kind-noun")
    if (found := kind_of(clause)) and len(clause) - found[2] <= 6 and _BUILDING.search(clause):
        noun = clause[found[1] : found[2]]
        if not WEAK_NOUNS.search(noun):
            return KindFound(found[0], clause[: found[2]], "kind-noun")
    return None


def figure_kind(amount: Amount, before: str, after: str, *, has_places: bool, context: str = "") -> KindFound:
    """Kind of a figure's fact: of the noun it counts, else by what it measures.

    Parameters
    ----------
    context
        The sentence and what leads to it: tells what is grown where the words beside the figure do not.
    """
    clause = re.split(r"[，；。：]", before)[-1]
    order = (after, clause) if amount.measure in {Measure.COUNT, Measure.AREA} and after else (clause, after)
    for phrase in order:
        found = kind_of(phrase)
        if found is None:
            continue
        kind, start, end = found
        if not has_places and (WEAK_NOUNS.search(phrase[start:end]) or _MEASURED.search(phrase[end:])):
            return KindFound(Kind.INDICATOR, phrase, "kind-by-scope")
        return KindFound(kind, phrase[:end], "kind-noun")
    words = clause + after
    if has_places and (amount.measure in _BUILT or _RESTORING.search(clause)):
        return KindFound(Kind.PROJECT, words, "kind-by-measure")
    theme = theme_of(words, context)
    if has_places and theme not in _NOT_FARMED:
        # What a place grows, keeps or yields is a base, whatever of it is counted.
        kind = Kind.ATTRACTION if theme in {"tourism", "culture"} else Kind.BASE
        return KindFound(kind, words, "kind-by-measure")
    if has_places and _FIELD_UNIT.search(amount.unit) and theme in {"general", "processing"}:
        # Land counted in mu, with a crop that no theme has.
        return KindFound(Kind.BASE, words, "kind-by-measure")
    # What is built at a place and is of no other kind is a project.
    kind = Kind.PROJECT if has_places and _BUILDING.search(clause) else Kind.INDICATOR
    return KindFound(kind, words, "kind-by-measure")
