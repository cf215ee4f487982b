"""Facts of prose: which figures belong to which places, and what is promised there.

A sentence falls into segments: each begins with a place group or a scope word (全市) and runs to the next. What a
segment says is about its places; its kind is that of the thing that leads to them (X产业带覆盖…), else of the first
kind noun in it, else of what stands before it. Figures before the first place belong to what the sentence before was
about if it goes on about it (该园区…), else to the document's own area.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from geoplan.codes import is_inside
from geoplan.documents.facts.finding import Finding
from geoplan.documents.facts.kinds import (
    KindFound,
    bare_kind,
    figure_kind,
    group_kind,
    own_noun,
    site_kind,
)
from geoplan.documents.facts.naming import MAX_NAME, is_change, short_name
from geoplan.documents.facts.segments import Segment, cut_segments, without_sums
from geoplan.documents.facts.statements import Group, Sentence, split_sentences
from geoplan.documents.facts.vocabulary import (
    BASELINE,
    COMPARED,
    LOCATIVE,
    NOT_PLANNED,
    PLANNING_VERBS,
    SKIPPED_LEADS,
    SUBJECT_LINK,
    WEAK_NOUNS,
    kind_of,
    theme_of,
)
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.quantities import find_periods
from geoplan.documents.quantities.amount import Amount
from geoplan.terms import Kind, Per, Status

_BARE_SUBJECT = re.compile(
    r"[、，,和及]?(?:其中)?(?:年)?(?:均)?(?:总|综合|预计|估算|概算|计划|平均|单位)*(?:产量|产值|产出|投资|收入|出栏|存栏|饲养量|面积|规模|产能|销售额|销售收入|"
    r"交易额|交易量|营业收入|利润|税收|单产|加工能力|库容|储量|长度|里程|数量)?(?:约|达到|达|为|突破|超过|稳定在|发展到|增加到|力争)*"
)
_NUMBERING = re.compile(r"\s*(?:[（(]?[一二三四五六七八九十\d]+[）).、．]\s*|[①-⑳]|—+)?")
_EACH = re.compile(r"各|每个?[县市区乡镇村]|均$")
_THING = 18
_THINGS = frozenset({Kind.PARK, Kind.ROUTE, Kind.ATTRACTION})
_PHRASE_END = re.compile(r"[、，,；;。：:（(）)！？”]")
_DIVISIONS = frozenset(
    {PlaceLevel.PROVINCE, PlaceLevel.CITY, PlaceLevel.COUNTY, PlaceLevel.TOWNSHIP, PlaceLevel.VILLAGE}
)
_FULL_WIDTH = str.maketrans(",:;()", "，：；（）")
MAX_PHRASE = 24


@dataclass(frozen=True, slots=True)
class _Setting:
    """What a sentence is read in: the passage, its headings' words and its lead.

    `carried` is what the sentence before was about, `ground` the places that the passage's lead is laid out on.
    """

    text: str
    area: str
    headings: str
    lead: str
    carried: Group | None
    ground: Group | None


def prose_findings(
    text: str, mentions: Sequence[Mention], amounts: Sequence[Amount], area: str, headings: str = ""
) -> list[Finding]:
    """Facts that a passage states, in the order of their words.

    Parameters
    ----------
    area
        Code of the document's own area: what is said of it by name is said of all of it.
    headings
        The headings above the passage as one text: they help to tell the theme.
    """
    # Half-width signs are read as full-width ones; every character stays where it is.
    text = text.translate(_FULL_WIDTH)
    if SKIPPED_LEADS.match(text):
        return []
    findings: list[Finding] = []
    lead = _lead(text)
    ground: Group | None = None
    carried: Group | None = None
    for sentence in split_sentences(text, mentions, amounts):
        if _is_bare(sentence, text) and not findings:
            ground, lead = sentence.groups[0], ""
            continue
        setting = _Setting(text, area, headings, lead, carried, ground)
        findings += _sentence_findings(sentence, setting)
        if sentence.groups:
            carried = sentence.groups[-1]
            if ground is None and lead and kind_of(lead) and sentence.start <= len(lead) + 2:
                ground = _ground(sentence, text)
    return sorted(findings, key=lambda finding: (finding.start, finding.end))


def unread_places(text: str, mentions: Sequence[Mention], findings: Sequence[Finding]) -> list[Group]:
    """Place groups beside a planning verb that no finding is about."""
    used = {(mention.start, mention.end) for finding in findings for mention in (*finding.places, *finding.named)}
    found = []
    for sentence in split_sentences(text, mentions, ()):
        end = len(text) if _is_bare(sentence, text) else sentence.end
        if not PLANNING_VERBS.search(text, sentence.start, end):
            continue
        found += [
            group
            for group in sentence.groups
            if not any((mention.start, mention.end) in used for mention in (*group.places, *group.carriers))
        ]
    return found


def _lead(text: str) -> str:
    """The short opening that names the passage's thing (粮食生产集聚区。 / 特优基地：), or empty."""
    match = re.match(r"(?:[（(]?[一二三四五六七八九十\d]+[）).、]\s*|[①-⑳]|—+)?([^，。；：！？]{2,22})[。：]", text)
    return match[0][:-1] if match else ""


def _is_bare(sentence: Sentence, text: str) -> bool:
    """Whether a sentence is nothing but the places that the sentences after it are about (（一）忻府区。)."""
    if len(sentence.groups) != 1 or sentence.start or sentence.end == len(text):
        return False
    group = sentence.groups[0]
    around = text[: group.start], text[group.end : sentence.end]
    return bool(_NUMBERING.fullmatch(around[0])) and around[1] in {"。", "．"}


def _ground(sentence: Sentence, text: str) -> Group | None:
    """The first group of a lead's sentence that lays it out (以A、B为重点, 布局在A), or None."""
    for group in sentence.groups:
        before, after = text[sentence.start : group.start], text[group.end : group.end + 8]
        if LOCATIVE.search(after) or SUBJECT_LINK.search(before):
            return group
    return None


def _sentence_findings(sentence: Sentence, setting: _Setting) -> list[Finding]:
    segments = cut_segments(sentence, setting.text, setting.carried, setting.ground)
    made: list[Finding] = []
    for whole in segments:
        segment, summed = without_sums(whole, setting.text)
        if summed is not None:
            made += _area_findings(summed, sentence, setting, made)
        if segment.group is None or (_is_whole(segment.group, setting.area) and not _names_own_thing(segment, setting)):
            made += _area_findings(segment, sentence, setting, made)
        else:
            made += _place_findings(segment, segment.group, sentence, setting, made)
    return made


def _is_whole(group: Group, area: str) -> bool:
    """Whether a group stands for the document's own area or what it lies in, or for nothing inside it."""
    return all(Flag.OUTSIDE in place.flags or (place.code and is_inside(area, place.code)) for place in group.places)


def _names_own_thing(segment: Segment, setting: _Setting) -> bool:
    """Whether the area's name opens that of a thing (夷陵国家现代农业产业园), whose the figures are then."""
    group = segment.group
    if group is None or any(place.code != setting.area for place in group.places):
        return False
    words = re.split(r"[，；。：]", setting.text[segment.words : segment.end])[0][:_THING]
    found = kind_of(words)
    return found is not None and found[0] in _THINGS and not WEAK_NOUNS.search(words[found[1] : found[2]])


def _place_findings(
    segment: Segment, group: Group, sentence: Sentence, setting: _Setting, made: Sequence[Finding]
) -> Iterator[Finding]:
    """The fact of a place group with its figures, and of figures whose own noun makes another."""
    text = setting.text
    kind = _kind_here(segment, group, sentence, setting, made)
    shared: list[Amount] = []
    own: list[tuple[KindFound, Amount]] = []
    for i, amount in enumerate(segment.amounts):
        before, after = _around(amount, segment, i, text, segment.words)
        if NOT_PLANNED.search(before + after):
            continue
        noun = own_noun(before, after)
        if noun is not None and kind is not None and noun.kind is not kind.kind and kind.how != "kind-of-whole":
            own.append((noun, amount))
        else:
            shared.append(amount)
    if kind is None and shared:
        context = text[sentence.start : sentence.end] + setting.lead
        before, after = _around(shared[0], segment, 0, text, segment.words)
        kind = figure_kind(shared[0], before, after, has_places=True, context=context)
    if kind is not None and (shared or not own or kind.how != "kind-by-verb"):
        finding = _place_finding(segment, group, kind, tuple(shared), sentence, setting)
        yield from _by_place(finding, text)
    for noun, amount in own:
        yield from _by_place(_place_finding(segment, group, noun, (amount,), sentence, setting), text)


def _kind_here(
    segment: Segment, group: Group, sentence: Sentence, setting: _Setting, made: Sequence[Finding]
) -> KindFound | None:
    """Kind of what a segment says of its group, from its words, its sites, its headings or the finding before it."""
    text = setting.text
    inside = text[segment.words : segment.end]
    first = setting.lead if sentence.start <= len(setting.lead) + 6 or group is setting.ground else ""
    # What stood before an earlier group was said of that one.
    before = segment.before if sentence.groups[:1] == (group,) or SUBJECT_LINK.search(segment.before) else ""
    kind = group_kind(before, inside, text[segment.words : sentence.end], first)
    if kind is None or all(place.level is PlaceLevel.SITE for place in group.places):
        kind = site_kind(group.places) or kind
    if kind is None and not segment.amounts and not inside.strip("、，；。和及等地"):
        kind = bare_kind(setting.headings)
    if made and segment.before.rstrip().endswith("其中"):
        kind = KindFound(made[-1].kind, made[-1].name, "kind-of-whole")
    elif made and kind is None and segment.amounts and _is_elliptic(text[segment.words : segment.amounts[0].start]):
        own = text[segment.words : segment.amounts[0].start]
        kind = KindFound(made[-1].kind, own if theme_of(own) != "general" else made[-1].name, "kind-of-whole")
    return kind


def _is_elliptic(words: str) -> bool:
    """Whether nothing but a bound or 各 stands between places and figure (滑县35万亩, 西峡各不少于6万亩)."""
    return len(words) <= 6 and not PLANNING_VERBS.search(words)


def _around(amount: Amount, segment: Segment, position: int, text: str, begin: int) -> tuple[str, str]:
    """The words on both sides of a figure, up to the figures beside it."""
    previous = segment.amounts[position - 1].end if position else begin
    following = segment.amounts[position + 1].start if position + 1 < len(segment.amounts) else segment.end
    return text[min(previous, amount.start) : amount.start], _phrase(text[amount.end : max(following, amount.end)])


def _place_finding(
    segment: Segment, group: Group, kind: KindFound, amounts: tuple[Amount, ...], sentence: Sentence, setting: _Setting
) -> Finding:
    text = setting.text
    words = text[segment.words : segment.end]
    begin = group.start if group.start >= segment.start else segment.words
    end = max([segment.words, *(amount.end for amount in amounts)])
    if not amounts:
        end = max(end, min(segment.end, segment.words + len(_first_clause(words))))
    return Finding(
        begin, end, kind.kind,
        theme_of(kind.noun, _first_clause(words), segment.before[-20:], words, setting.lead, setting.headings),
        short_name(kind.noun, setting.lead) or group.places[-1].name,
        _main_places(group.places), amounts,
        _status_of(amounts) or _status(text[sentence.start : segment.end]),
        _period_of(amounts) or _period(text[sentence.start : segment.end]),
        (kind.how, *_doubts(group.places), "places"),
        region=_region((*segment.named, *group.places)), named=segment.named,
    )  # fmt: skip


def _by_place(finding: Finding, text: str) -> list[Finding]:
    """A finding with what its figures are for; taken apart where they are given place by place (分别为3万亩、2万亩)."""
    if not finding.amounts:
        return [finding]
    before = text[finding.start : finding.amounts[0].start]
    if "分别" in before[-12:] and len(finding.places) == len(finding.amounts) > 1:
        return [
            replace(finding, places=(place,), amounts=(amount,))
            for place, amount in zip(finding.places, finding.amounts, strict=True)
        ]
    if (runs := _runs(finding, text)) is not None:
        return [
            replace(finding, places=(place,), amounts=tuple(run[i] for run in runs))
            for i, place in enumerate(finding.places)
        ]
    if len(finding.places) < 2:
        return [finding]
    # What several places are told together is theirs together, unless it is given to each.
    shared = Per.EACH if _EACH.search(before[-8:]) else Per.TOTAL
    return [replace(finding, amounts=tuple(replace(a, per=a.per or shared) for a in finding.amounts))]


def _runs(finding: Finding, text: str) -> list[tuple[Amount, ...]] | None:
    """Figures in runs of one a place, each run after its own 分别 (A、B耕地分别…，基本农田分别…); None for others."""
    places, amounts = len(finding.places), finding.amounts
    if places < 2 or len(amounts) % places or len(amounts) == places:
        return None
    runs = [amounts[i : i + places] for i in range(0, len(amounts), places)]
    ends = [finding.start, *(run[-1].end for run in runs)]
    told = all("分别" in text[end : run[0].start] for end, run in zip(ends, runs, strict=False))
    return runs if told else None


def _area_findings(segment: Segment, sentence: Sentence, setting: _Setting, made: Sequence[Finding]) -> list[Finding]:
    """Facts of the document's own area: one for every run of figures about the same thing."""
    found: list[Finding] = []
    text = setting.text
    for i, amount in enumerate(segment.amounts):
        before, after = _around(amount, segment, i, text, segment.words)
        if COMPARED.search(before + after) or (not segment.scoped and NOT_PLANNED.search(before + after)):
            continue
        finding = _area_finding(amount, before, after, segment, sentence, setting)
        previous = found[-1] if found else made[-1] if made else None
        if previous is not None and is_change(finding.name) and not previous.name.endswith(finding.name):
            finding = replace(finding, name=f"{previous.name}{finding.name}"[-MAX_NAME:])
        elif not finding.name:
            finding = replace(finding, name=previous.name if previous else short_name(setting.lead) or "—")
        if previous is not None and before.lstrip("，、 （").startswith("其中"):
            finding = replace(finding, kind=previous.kind)
        if found and _continues(found[-1], finding, before):
            found[-1] = replace(found[-1], end=finding.end, amounts=(*found[-1].amounts, amount))
        else:
            found.append(finding)
    return found


def _continues(finding: Finding, added: Finding, before: str) -> bool:
    """Whether a figure only adds a measure to what the finding before it is about (…5万亩，产量达到…)."""
    bare = bool(_BARE_SUBJECT.fullmatch(before)) or before == "的"
    return bare and added.kind in {finding.kind, Kind.INDICATOR, Kind.PROJECT}


def _area_finding(
    amount: Amount, before: str, after: str, segment: Segment, sentence: Sentence, setting: _Setting
) -> Finding:
    text = setting.text
    kind = figure_kind(amount, before, after, has_places=False)
    clause = next((c for c in reversed(sentence.clauses) if c.start <= amount.start), sentence.clauses[0])
    start = max(min(clause.start, amount.start), amount.start - len(before))
    end = amount.end + len(after)
    label = re.split(r"[，；。：、]", before)[-1]
    whole = text[sentence.start : sentence.end]
    own = tuple(place for place in (segment.group.places if segment.group else ()) if place.code == setting.area)
    return Finding(
        start, end, kind.kind,
        theme_of(before[-20:] + after, text[start:end], setting.lead, whole, setting.headings),
        short_name(label + after if kind_of(after) else label, before, after),
        own, (amount,), amount.status or _status(text[sentence.start : amount.start]),
        amount.period or _period(text[sentence.start : segment.end]),
        (kind.how, "scope" if segment.scoped else "scope-assumed"), segment.scoped,
    )  # fmt: skip


def _first_clause(words: str) -> str:
    return re.split(r"[，；。]", words.lstrip("，"))[0]


def _phrase(text: str) -> str:
    """The noun phrase right after a figure, up to the next sign."""
    match = _PHRASE_END.search(text)
    return text[: min(match.start() if match else len(text), MAX_PHRASE)]


def _main_places(places: Sequence[Mention]) -> tuple[Mention, ...]:
    """The divisions among the places; regions and sites where there is no division."""
    divisions = tuple(place for place in places if place.level in _DIVISIONS)
    return divisions or tuple(places)


def _region(places: Sequence[Mention]) -> str:
    return "、".join(dict.fromkeys(place.text for place in places if place.level is PlaceLevel.REGION))


def _doubts(places: Sequence[Mention]) -> list[str]:
    flags = {flag for place in places for flag in place.flags}
    return [flag.value for flag in (Flag.AMBIGUOUS, Flag.UNLISTED, Flag.MISPRINT, Flag.OUTSIDE) if flag in flags]


def _status_of(amounts: Sequence[Amount]) -> Status | None:
    """Status of a fact with these figures: one with a target is a target, whatever it starts from."""
    statuses = [amount.status for amount in amounts if amount.status is not None]
    return Status.TARGET if Status.TARGET in statuses else next(iter(statuses), None)


def _period_of(amounts: Sequence[Amount]) -> str:
    status = _status_of(amounts)
    return next((amount.period for amount in amounts if amount.status is status and amount.period), "")


def _status(words: str) -> Status:
    return Status.BASELINE if BASELINE.search(words) else Status.TARGET


def _period(words: str) -> str:
    periods = [period for period in find_periods(words) if not period.reference]
    return periods[-1].text if periods else ""
