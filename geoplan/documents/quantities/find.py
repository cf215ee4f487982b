"""Figures of a passage with their bounds and what they mean."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, replace

from geoplan.documents.quantities.amount import Amount
from geoplan.documents.quantities.bounds import bound_after, bound_before, distant_bound, floor_after
from geoplan.documents.quantities.figures import Figure, find_figures
from geoplan.documents.quantities.meaning import change_of, is_part, measure_of, noun_of, per_of, reached
from geoplan.documents.quantities.numbers import FOLD
from geoplan.documents.quantities.periods import DEFAULT_BASE_YEAR, Period, find_periods
from geoplan.terms import Change, Measure, Qualifier, Status
from geoplan.units import check_dimension, parse_unit

_SENTENCE = re.compile(r"[。！？!?\n]")
_PARTS = re.compile(r"[；;。！？!?\n]")
_COMMA = re.compile(r"[，,；;。！？!?\n：]")
_WINDOW = 90
_JOINED = re.compile(r"^\s?(?:[、和及与或]|以及)\s?$")
_GROWS = re.compile(
    r"^(?:以上|左右)?(?:稳步|逐步|快速|进一步)?(?:增长|增加|提高|提升|上升|扩大|扩展|发展|缩小|降低|下降|减少|压减|增|升|降|跃升|攀升|减|扩)(?:到|至|为)"
    r"(?:(?:19|20)[0-9]{2}年(?:底|末)?的?)?$"
)
_PAST = re.compile("已|现有|目前|截至|截止|实现了|建成了|达到了|以来|现已|原有|曾|全部脱贫|获得|荣获|现状|当前")
_FUTURE = re.compile(
    "力争|将(?=[达建新实完打形培增扩发使突])|计划|规划|拟|确保|目标|预计|预期|争取|未来|到20[0-9]{2}年|“十[一二三四五六]五”末|努力"
)


def find_amounts(text: str, *, base_year: int | None = None) -> list[Amount]:
    """The figures with units of a passage, in order and without overlaps.

    Parameters
    ----------
    text
        One passage (a paragraph, or one cell).
    base_year
        Last year before the plan's own period: figures of years up to it are baselines, later ones targets, where the
        wording does not say. Default: 2020, for plans of 2021-2025.

    Examples
    --------
    >>> [(str(a.value), a.unit, a.qualifier.value) for a in find_amounts("到2025年，蔬菜面积达到20万亩以上")]
    [('20', '万亩', 'at_least')]
    """
    figures = find_figures(text)
    if not figures:
        return []
    folded = text.translate(FOLD)
    bounded = _bounded(figures, folded)
    timeline = _Timeline(folded, DEFAULT_BASE_YEAR if base_year is None else base_year)
    amounts: list[Amount] = []
    for index, item in enumerate(bounded):
        since = amounts[-1].end if amounts else 0
        amount = _amount(item, folded, timeline, since)
        if amounts:
            joined = _adjoins(bounded[index - 1], item, folded)
            amount = _inherited(amount, amounts[-1], folded[since : item.start], joined=joined)
        amounts.append(amount)
    _pair_growth(amounts, folded)
    _pair_periods(amounts, folded, timeline)
    return amounts


@dataclass(frozen=True, slots=True)
class _Bounded:
    start: int
    end: int
    figure: Figure
    qualifier: Qualifier


def _bounded(figures: list[Figure], text: str) -> list[_Bounded]:
    """Figures with their bounds; in a plain list the last one's 以上 and the first one's 不低于 hold for all."""
    items: list[_Bounded] = []
    for index, figure in enumerate(figures):
        floor = figures[index - 1].end if index else 0
        before = bound_before(text, figure.start)
        if before and before[0] < floor:
            before = None
        after = bound_after(text, figure.end)
        start = before[0] if before else figure.start
        end = after[0] if after else figure.end
        qualifier = _qualifier(figure, before, after)
        if qualifier is Qualifier.EXACT:
            share = parse_unit(figure.unit).si == "fraction"
            qualifier = (
                distant_bound(text, max(floor, start - 40), start, share=share) or floor_after(text, end) or qualifier
            )
        items.append(_Bounded(start, end, figure, qualifier))
    _spread(items, text)
    return items


def _qualifier(figure: Figure, before: tuple[int, Qualifier] | None, after: tuple[int, Qualifier] | None) -> Qualifier:
    if figure.value_max is not None:
        return Qualifier.RANGE
    if after and not (before and after[1] is Qualifier.ABOUT):
        return after[1]
    if before:
        return before[1]
    return Qualifier.AT_LEAST if figure.more else Qualifier.EXACT


def _spread(items: list[_Bounded], text: str) -> None:
    held = False
    for index in range(1, len(items)):
        one, two = items[index - 1], items[index]
        held = (held or one.start < one.figure.start) and _adjoins(one, two, text)
        if held and two.qualifier is Qualifier.EXACT:
            items[index] = replace(two, qualifier=one.qualifier)
    held = False
    for index in range(len(items) - 1, 0, -1):
        one, two = items[index - 1], items[index]
        held = (held or two.end > two.figure.end) and _adjoins(one, two, text)
        if held and one.qualifier is Qualifier.EXACT:
            items[index - 1] = replace(one, qualifier=two.qualifier)


def _adjoins(one: _Bounded, two: _Bounded, text: str) -> bool:
    """Whether two figures of one kind stand in a plain list: 21万吨、10万吨."""
    if parse_unit(one.figure.unit).unit_si != parse_unit(two.figure.unit).unit_si:
        return False
    return two.start - one.end <= 4 and _JOINED.match(text[one.end : two.start]) is not None


class _Timeline:
    """The periods of a text and where its sentences begin."""

    def __init__(self, text: str, base_year: int) -> None:
        self.text = text
        self.base_year = base_year
        self.periods = find_periods(text)
        self.ends = [period.end for period in self.periods]
        self.breaks = [match.end() for match in _SENTENCE.finditer(text)]

    def sentence(self, at: int) -> int:
        """Where the sentence of `at` begins."""
        index = bisect_right(self.breaks, at)
        return self.breaks[index - 1] if index else 0

    def period(self, at: int) -> Period | None:
        """The last period that the sentence names before `at`."""
        start = 0
        index = bisect_right(self.ends, at) - 1
        while index >= 0 and self.periods[index].start >= start:
            if not self.periods[index].reference:
                return self.periods[index]
            index -= 1
        return None

    def status(self, period: Period | None, clause: str) -> Status | None:
        """Baseline or target of a figure, by its period and the words of its clause."""
        past, future = _PAST.search(clause), _FUTURE.search(clause)
        if past and not future:
            return Status.BASELINE
        if period is None:
            return Status.TARGET if future else None
        if period.status is Status.BASELINE:
            return Status.BASELINE
        if period.status is Status.TARGET and period.last > self.base_year:
            return Status.TARGET
        if period.last <= self.base_year:
            return Status.BASELINE
        return Status.TARGET if period.first > self.base_year else None


def _amount(item: _Bounded, text: str, timeline: _Timeline, since: int) -> Amount:
    figure = item.figure
    floor = max(timeline.sentence(item.start), item.start - _WINDOW)
    sentence = text[floor : item.start]
    clause = _after_last(_PARTS, sentence)
    near = _after_last(_COMMA, text[max(floor, since) : item.start])
    after = text[item.end : item.end + 20]
    measure = _measure(figure.unit, clause, after)
    period = timeline.period(item.start)
    counted = parse_unit(figure.unit).si == "one" and measure is not Measure.RATIO
    # The bound's own word counts: 突破10亿元 is reached.
    change = change_of(near + text[item.start : figure.start])
    status = timeline.status(period, clause)
    if change is Change.FLOW and status is Status.BASELINE:
        change = reached(near)
    return Amount(
        start=item.start,
        end=item.end,
        value=figure.value,
        unit=figure.unit,
        measure=measure,
        value_max=figure.value_max,
        qualifier=item.qualifier,
        noun=noun_of(near, after, counted=counted),
        change=change,
        per=per_of(near),
        status=status,
        period=period.text if period else "",
        part=is_part(clause),
    )


def _inherited(amount: Amount, previous: Amount, between: str, *, joined: bool) -> Amount:
    """A figure takes the verb of the one before it in a list (建设A10个、B5个), and in a plain list its 各 as well."""
    if joined:
        return replace(amount, change=previous.change, per=amount.per or previous.per)
    if (
        amount.change is None
        and amount.measure is previous.measure
        and len(between) <= _WINDOW
        and not _PARTS.search(between)
    ):
        return replace(amount, change=previous.change)
    return amount


def _measure(unit: str, clause: str, after: str) -> Measure:
    measure = measure_of(unit, clause, after)
    check_dimension(measure, parse_unit(unit))
    return measure


def _after_last(pattern: re.Pattern[str], text: str) -> str:
    end = 0
    for match in pattern.finditer(text):
        end = match.end()
    return text[end:]


def _pair_growth(amounts: list[Amount], text: str) -> None:
    """«由45万头增长到56.5万头»: the first is where it stood, both are stocks."""
    for index in range(1, len(amounts)):
        one, two = amounts[index - 1], amounts[index]
        if two.start - one.end > 24 or not _GROWS.match(text[one.end : two.start]):
            continue
        period = "" if two.period == one.period else one.period
        amounts[index - 1] = replace(one, change=Change.STOCK, status=Status.BASELINE, period=period)
        amounts[index] = replace(two, change=Change.STOCK, measure=one.measure, noun=one.noun)
        if parse_unit(one.unit).si != parse_unit(two.unit).si:
            amounts[index] = replace(amounts[index], measure=two.measure)


def _pair_periods(amounts: list[Amount], text: str, timeline: _Timeline) -> None:
    """«到2020年、2022年，分别达到220亿元、250亿元»: the figures of a list take the periods of a list in turn."""
    runs = _runs([(amount.start, amount.end) for amount in amounts], text)
    dated = _runs([(period.start, period.end) for period in timeline.periods], text)
    lists = [(first, last) for first, last in dated if last > first]
    for first, last in runs:
        if last == first:
            continue
        at = amounts[first].start
        before = [pair for pair in lists if timeline.periods[pair[1]].end <= at]
        if not before or before[-1][1] - before[-1][0] != last - first:
            continue
        names = timeline.periods[before[-1][0] : before[-1][1] + 1]
        if timeline.period(at) is not names[-1] or names[0].start < timeline.sentence(at):
            continue
        for amount, period in zip(range(first, last + 1), names, strict=True):
            amounts[amount] = replace(
                amounts[amount], period=period.text, part=False, status=names[0].status or amounts[amount].status
            )


def _runs(spans: list[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """First and last index of each run of spans that only list marks part."""
    runs: list[tuple[int, int]] = []
    for index, (start, _) in enumerate(spans):
        if runs and 0 <= start - spans[index - 1][1] <= 4 and _JOINED.match(text[spans[index - 1][1] : start]):
            runs[-1] = (runs[-1][0], index)
        else:
            runs.append((index, index))
    return runs
