"""Which draft each decision is about, also after the drafts were made anew by a better extractor.

A decision fits a draft of the same line whose span overlaps its own and which has its kind or one of its places.
Where several fit, the best pair goes first. The order in which unrelated decisions were made plays no part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from geoplan.documents.review.cells import FactCells
from geoplan.documents.review.decisions import Action, Anchor, Decision, anchor_of, standing


@dataclass(frozen=True)
class DraftFact:
    """A draft as read from its file: its cells, how sure the extractor is and why, and the row it begins in."""

    cells: FactCells
    confidence: float
    reasons: tuple[str, ...] = ()
    row: int = 0

    @property
    def id(self) -> str:
        """Id of the draft; another run of the extractor may number it otherwise."""
        return self.cells.id

    @cached_property
    def anchor(self) -> Anchor:
        """Where it stands and what it is about."""
        return anchor_of(self.cells)


class Match(NamedTuple):
    """The decisions that stand, by what they are about.

    Attributes
    ----------
    decided
        Decision by index of the draft.
    stale
        Rejections, by index of the draft, whose draft now says something else: it is to be looked at again.
    lost
        Decisions whose draft is not there any more.
    added
        Facts that no draft has.
    """

    decided: Mapping[int, Decision]
    stale: Mapping[int, Decision]
    lost: tuple[Decision, ...]
    added: tuple[Decision, ...]


class _Thread(NamedTuple):
    decision: Decision
    anchors: tuple[Anchor, ...]
    """The anchor of the draft, and that of the fact as it was confirmed: a better extractor may draft that one."""


def match_decisions(drafts: Sequence[DraftFact], decisions: Sequence[Decision]) -> Match:
    """Match the standing decisions with the drafts, one to one."""
    threads = [_Thread(decision, _anchors(decision)) for decision in standing(decisions)]
    anchors = [draft.anchor for draft in drafts]
    taken: dict[int, int] = {}
    free = set(range(len(threads)))
    for _, index, number in sorted(_pairs(threads, anchors)):
        if number in free and index not in taken:
            taken[index] = number
            free.remove(number)
    confirming = [threads[number] for number in sorted(taken.values()) if _confirms(threads[number])]
    # Two drafts of one fact, of which one is left: the fact was confirmed twice and stands once.
    free = {one for one in free if not (_confirms(threads[one]) and _is_among(threads[one], confirming))}
    decided = {index: threads[number].decision for index, number in taken.items()}
    stale = {i: one for i, one in decided.items() if one.action is Action.REJECT and differs(one, drafts[i].cells)}
    rest = [threads[number].decision for number in sorted(free)]
    return Match(
        {index: decided[index] for index in sorted(decided) if index not in stale},
        {index: stale[index] for index in sorted(stale)},
        tuple(one for one in rest if one.action is not Action.ADD),
        tuple(one for one in rest if one.action is Action.ADD),
    )


def differs(decision: Decision, cells: FactCells) -> tuple[str, ...]:
    """Fields in which a draft says something else than the reviewer saw; a rewording of its name is nothing else."""
    before = decision.result() or decision.seen
    if before is None:
        return ()
    seen = decision.seen or before
    now, was, result = anchor_of(cells), anchor_of(seen), anchor_of(before)
    names = ("kind", "places", "figures")
    found = [name for name in names if getattr(now, name) not in (getattr(was, name), getattr(result, name))]
    found += [
        name
        for name in ("status", "period")
        if getattr(cells, name) not in (getattr(seen, name), getattr(before, name))
    ]
    return tuple(found)


def _anchors(decision: Decision) -> tuple[Anchor, ...]:
    result = decision.result() if decision.action is Action.CORRECT else None
    return (decision.anchor,) if result is None else (decision.anchor, anchor_of(result))


def _pairs(threads: Sequence[_Thread], anchors: Sequence[Anchor]) -> Iterator[tuple[float, int, int]]:
    """Every draft with every decision that fits it; the best score is the least."""
    exact: dict[Anchor, list[int]] = {}
    lines: dict[int, list[int]] = {}
    for index, anchor in enumerate(anchors):
        exact.setdefault(anchor, []).append(index)
        lines.setdefault(anchor.line, []).append(index)
    settled: set[int] = set()
    rest: list[int] = []
    for number, thread in enumerate(threads):
        same = exact.get(thread.decision.anchor, [])
        if len(same) == 1:
            # Nothing fits better than the very same; this keeps a line of thousands of drafts quick.
            settled.add(same[0])
            yield -_BEST, same[0], number
        else:
            rest.append(number)
    for number in rest:
        wanted = threads[number]
        for index in dict.fromkeys(i for anchor in wanted.anchors for i in lines.get(anchor.line, ())):
            if index in settled:
                continue
            score = max(_score(anchor, anchors[index], wanted.decision.action) for anchor in wanted.anchors)
            if score > 0:
                yield -score, index, number


_BEST = 11.0


def _score(wanted: Anchor, found: Anchor, action: Action) -> float:
    """How well a draft fits an anchor; 0 when it does not."""
    overlap = min(wanted.end, found.end) - max(wanted.start, found.start)
    if wanted.line != found.line or overlap <= 0:
        return 0.0
    same_kind, shared = wanted.kind == found.kind, bool(set(wanted.places) & set(found.places))
    # Words at the same place of another text may be another fact: a place, a figure or the name must be the same.
    if not (shared or set(wanted.figures) & set(found.figures) or wanted.name == found.name):
        return 0.0
    shorter = min(wanted.end - wanted.start, found.end - found.start)
    if not (same_kind and shared) and not ((same_kind or shared) and 2 * overlap >= shorter):
        return 0.0
    if action is Action.ADD and not _states_the_same(wanted, found):
        return 0.0
    union = max(wanted.end, found.end) - min(wanted.start, found.start)
    return (
        4 * overlap / union
        + 2 * same_kind
        + 2 * _share(wanted.places, found.places)
        + 2 * _share(wanted.figures, found.figures)
        + (wanted.name == found.name)
    )


def _share(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    both = set(one) | set(other)
    return len(set(one) & set(other)) / len(both) if both else 1.0


def _states_the_same(one: Anchor, other: Anchor) -> bool:
    """Same kind, places and figures: one fact, wherever its span ends."""
    return (one.kind, set(one.places), set(one.figures)) == (other.kind, set(other.places), set(other.figures))


def _confirms(thread: _Thread) -> bool:
    return thread.decision.action is not Action.REJECT


def _is_among(thread: _Thread, others: Sequence[_Thread]) -> bool:
    """Whether one of `others` is a decision on the same fact: same line, name, kind, places and figures."""
    for other in others:
        for one in thread.anchors:
            for two in other.anchors:
                overlap = min(one.end, two.end) - max(one.start, two.start)
                if one.line == two.line and overlap > 0 and one.name == two.name and _states_the_same(one, two):
                    return True
    return False
