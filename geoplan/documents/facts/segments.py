"""Segments of a sentence: a place group or a scope word with what is said up to the next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geoplan.documents.facts.kinds import lead_kind
from geoplan.documents.facts.statements import Group, Sentence
from geoplan.documents.facts.vocabulary import BACK_REFERENCE, SCOPE, SUBJECT_LINK
from geoplan.documents.places.mention import Mention, PlaceLevel
from geoplan.documents.quantities.amount import Amount

_TOTAL = re.compile(r"总面积|总产量|总规模|总投资|合计|共计|总产值")
_LEADS_ON = re.compile(
    r"[^，。；：]{1,20}[：。](?:主要|重点)?(?:包括|涉及|以|在|有|为)?"
    r"|[^，。；：]{0,10}，(?:主要|重点)?(?:涉及|包括|覆盖|涵盖)"
)
# 等 ends a list of examples, unless it stands right behind the places (A、B等地).
_SUMMED = re.compile(r"^[^，。；等]{2,}等(?:[^，。；]{0,10}(?:项目|工程))$")
_SUMMED_AFTER = re.compile(r"^[^，。；等]{2,}等$")
_PLACE_COUNTS = frozenset({"县", "市", "区", "村", "镇", "乡镇", "乡", "县（市、区）", "县（区）", "省"})


@dataclass(frozen=True, slots=True)
class Segment:
    """Part of a sentence with what it is about: ``[start, end)``; `group` is None for the document's own area.

    `before` is the text from the segment before up to the group, `scoped` true where a scope word opens the segment.
    `named` are the places in the name of the thing that leads to the group (滹沱河沿线 in 滹沱河沿线产业带覆盖A、B).
    """

    start: int
    end: int
    group: Group | None
    before: str
    amounts: tuple[Amount, ...]
    scoped: bool = False
    named: tuple[Mention, ...] = ()

    @property
    def words(self) -> int:
        """Where the words about the group begin: after it; with the segment if it is named in an earlier sentence."""
        return self.group.end if self.group is not None and self.group.start >= self.start else self.start


def cut_segments(
    sentence: Sentence, text: str, carried: Group | None = None, ground: Group | None = None
) -> list[Segment]:
    """The segments of a sentence, in order; a total of all its places is a segment of its own.

    Parameters
    ----------
    carried
        The places of the sentence before, which a sentence that goes on about them belongs to (该园区…).
    ground
        The places that the passage's lead is laid out on.
    """
    segments = _segments(sentence, text, carried, ground)
    return _respective(segments, text) or _with_totals(segments, text)


def _segments(sentence: Sentence, text: str, carried: Group | None, ground: Group | None) -> list[Segment]:
    scopes = [m.span() for m in SCOPE.finditer(text, sentence.start, sentence.end)]
    free = [span for span in scopes if not any(g.start <= span[0] < g.end for g in sentence.groups)]
    opens: list[tuple[int, int, Group | None]] = [(g.start, g.end, g) for g in sentence.groups]
    opens += [(start, end, None) for start, end in free]
    opens.sort(key=lambda item: item[0])
    back = BACK_REFERENCE.match(text[sentence.start : sentence.end].lstrip())
    starts = [(sentence.start, sentence.start, carried if back else ground), *opens]
    segments: list[Segment] = []
    for i, (start, end, group) in enumerate(starts):
        stop = starts[i + 1][0] if i + 1 < len(starts) else sentence.end
        amounts = tuple(a for a in sentence.amounts if start <= a.start < stop and not _counts_places(a, group, text))
        before = text[starts[i - 1][1] : start] if i else ""
        named: tuple[Mention, ...] = ()
        if segments and group is not None and _names_a_thing(segments[-1], text):
            # 苏北稻麦产业带涵盖A、B: 苏北 is a part of the thing's name.
            thing = segments.pop()
            before = thing.before + text[thing.start : start]
            named = thing.group.places if thing.group is not None else ()
        if i or amounts:
            begin = end if group is None else start
            segments.append(Segment(begin, stop, group, before, amounts, scoped=i > 0 and group is None, named=named))
    return segments


def _names_a_thing(segment: Segment, text: str) -> bool:
    """Whether a segment only names the thing that a link leads on from to other places."""
    if segment.group is None or segment.amounts or segment.group.start < segment.start:
        return False
    words = text[segment.words : segment.end]
    informal = {PlaceLevel.REGION, PlaceLevel.SITE}
    if all(place.level in informal for place in segment.group.places) and _LEADS_ON.fullmatch(words):
        return True
    link = SUBJECT_LINK.search(words)
    if link is not None and all(place.level is PlaceLevel.SITE for place in segment.group.places):
        return words[: link.start()] in {"", "，", "："}
    found = lead_kind(words[: link.start()]) if link else None
    return found is not None and link is not None and link.start() - found[1] <= 1 and "，" not in words


def _counts_places(amount: Amount, group: Group | None, text: str) -> bool:
    """Whether a figure only counts the places before it (A、B、C3县, 等5市14县)."""
    if group is None or amount.start < group.end or amount.unit not in _PLACE_COUNTS:
        return False
    return bool(re.fullmatch(r"[等共的，、\d市县区个（）、]*", text[group.end : amount.start]))


def _respective(segments: Sequence[Segment], text: str) -> list[Segment]:
    """Segments of a list whose figures follow all together (A新梅、B红枣分别达到45万亩、90万亩); empty for others."""
    last = segments[-1] if segments else None
    if last is None or last.group is None or "分别" not in text[last.words : last.end]:
        return []
    places = [s for s in segments if s.group is not None]
    count = len(last.amounts)
    if len(places) == count > 1 and not any(s.amounts for s in places[:-1]):
        return [replace(s, amounts=(a,)) for s, a in zip(places, last.amounts, strict=True)]
    return []


def _with_totals(segments: Sequence[Segment], text: str) -> list[Segment]:
    """Segments of a list of places whose last figures are totals of all (A布局X，B布局Y，基地总面积35万亩)."""
    named = [s for s in segments if s.group is not None and s.group.start >= s.start]
    last = segments[-1] if segments else None
    if last is None or last.group is None or len(named) < 2 or any(s.amounts for s in named[:-1]):
        return list(segments)
    split = next(
        (i for i, a in enumerate(last.amounts) if _TOTAL.search(text[max(a.start - 8, last.words) : a.start])), None
    )
    if split is None:
        return list(segments)
    first = named[0].group
    clause = text.rfind("，", last.words, last.amounts[split].start)
    if clause < 0 or first is None or _is_sum(text[last.words : last.amounts[0].start]):
        return list(segments)
    places = tuple(place for s in named if s.group is not None for place in s.group.places)
    everything = Group(first.start, last.group.end, places)
    total = Segment(clause, last.end, everything, "", last.amounts[split:])
    return [*segments[:-1], replace(last, end=clause, amounts=last.amounts[:split]), total]


def without_sums(segment: Segment, text: str) -> tuple[Segment, Segment | None]:
    """A segment without the figures that sum up a longer list (盂县园区提升等项目15个), and these."""
    if segment.group is None or not segment.amounts:
        return segment, None
    first = segment.amounts[0]
    words = text[segment.words : first.start]
    if not _is_sum(words):
        return segment, None
    rest = Segment(segment.words + words.rindex("等") + 1, segment.end, None, "", segment.amounts)
    return replace(segment, end=first.start, amounts=()), rest


def _is_sum(words: str) -> bool:
    """Whether the words between places and a figure end a list that the figure sums up (…等项目)."""
    return bool(_SUMMED.search(words) or _SUMMED_AFTER.search(words))
