"""From a document to its drafted facts: every block is read by itself, so that one changes nothing in another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from geoplan.documents.document import Block, Document, Heading, Passage, Piece, Span, Table
from geoplan.documents.facts.confidence import confidence
from geoplan.documents.facts.draft import Draft, DraftPlace
from geoplan.documents.facts.finding import Finding
from geoplan.documents.facts.lines import draft_places, draft_quantity, precision_of
from geoplan.documents.facts.prose import prose_findings, unread_places
from geoplan.documents.facts.statements import place_groups
from geoplan.documents.facts.stops import listed_spans, stop_findings
from geoplan.documents.facts.tables import table_drafts
from geoplan.documents.facts.vocabulary import BASELINE_HEADINGS, KIND_PATTERNS, LAST_BASELINE_YEAR, theme_of
from geoplan.documents.places import PlaceFinder, find_mentions
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.quantities import find_amounts
from geoplan.documents.reading.totals import check_totals
from geoplan.errors import Problem
from geoplan.terms import Kind, Level, Precision, Status

_ROUTE = next(pattern for kind, pattern in KIND_PATTERNS if kind is Kind.ROUTE)
_BOX_NUMBER = re.compile(r"^\s*(?:专栏|附?[表图])\s*[\d一二三四五六七八九十]+[：:\s]*")


@dataclass(frozen=True, slots=True)
class Area:
    """The document's own area: what facts without a place are about."""

    code: str
    name: str
    level: Level


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was read out of a document.

    `drafts` are in the order of the document; `mentions` are all places named in it, in order; `problems` the
    statements that hold a place and a planning verb and gave no fact, and the tables that do not add up to their total.
    """

    drafts: tuple[Draft, ...]
    mentions: tuple[DraftPlace, ...]
    problems: tuple[Problem, ...]


def extract_facts(
    document: Document, finder: PlaceFinder, area: Area, progress: Callable[[int, int], None] | None = None
) -> Extraction:
    """Drafted facts, place mentions and unread statements of a document.

    Parameters
    ----------
    finder
        The finder for the document's own area (`load_finder`).
    area
        What facts without a place are about (`find_area`).
    progress
        Called with the number of blocks done and the number of all blocks.
    """
    drafts: list[Draft] = []
    mentions: list[DraftPlace] = []
    problems: list[Problem] = []
    headings = _HeadingPlaces(document, finder, area)
    routes: dict[Heading, int] = {}
    for done, block in enumerate(document.blocks, 1):
        ground = headings.places(block)
        before = document.blocks[done - 2] if done > 1 else block
        said = before.text if isinstance(before, Passage) else ""
        codes = {place.mention.code for place in ground}
        within = codes.pop() if len(codes) == 1 else ""
        if isinstance(block, Table):
            told = _whole_area(table_drafts(block, finder, area.name, within), area)
            drafts += told
            problems += [replace(problem, file=document.id) for problem in check_totals(block, said)]
            # What the column beside a name tells of it is known to the drafts only.
            mentions += [*_table_mentions(block, finder, within), *(place for draft in told for place in draft.places)]
        else:
            found = find_mentions(finder, block.text, within=within)
            mentions += draft_places(block, found)
            made, unread = _passage_drafts(block, found, area, ground)
            for draft in made:
                drafts.append(_on_route(draft, document, block, drafts, routes, area))
            if block.text != document.title:
                problems += [_unread(document, block, span) for span in unread]
        if progress is not None:
            progress(done, len(document.blocks))
    named = {place.span: place for place in [*headings.mentions(), *mentions]}
    return Extraction(tuple(_in_order(drafts)), tuple(named[span] for span in sorted(named)), tuple(problems))


class _HeadingPlaces:
    """The places that the headings above a block name: what is said there without a place is said of them."""

    def __init__(self, document: Document, finder: PlaceFinder, area: Area) -> None:
        self._lines = document.lines
        self._finder = finder
        self._area = area
        self._known: dict[Heading, tuple[DraftPlace, ...]] = {}
        self._found: dict[Heading, tuple[DraftPlace, ...]] = {}

    def places(self, block: Block) -> tuple[DraftPlace, ...]:
        """Places of the nearest heading that names some inside the document's area; empty where none does."""
        for heading in block.headings:
            self._read(heading)
        for heading in reversed(block.headings):
            if self._known[heading]:
                return self._known[heading]
        return ()

    def mentions(self) -> list[DraftPlace]:
        """All places in the headings that were read so far."""
        return [place for found in self._found.values() for place in found]

    def _read(self, heading: Heading) -> None:
        if heading not in self._known:
            self._known[heading] = self._named(heading)

    def _named(self, heading: Heading) -> tuple[DraftPlace, ...]:
        column = self._lines[heading.line - 1].find(heading.text)
        if column < 0:
            return ()
        passage = Passage(heading.text, (Piece(0, heading.line, column),))
        found = find_mentions(self._finder, heading.text)
        self._found[heading] = draft_places(passage, found)
        groups = place_groups(heading.text, found)
        named = [
            place
            for group in groups
            for place in group.places
            if Flag.OUTSIDE not in place.flags and place.code != self._area.code and place.level is not PlaceLevel.SITE
        ]
        return draft_places(passage, named)


def _passage_drafts(
    passage: Passage, found: Sequence[Mention], area: Area, ground: tuple[DraftPlace, ...]
) -> tuple[list[Draft], list[tuple[int, int]]]:
    titles = " ".join(heading.text for heading in reversed(passage.headings))
    stops = stop_findings(passage.text, found, titles)
    listed = listed_spans(stops)
    amounts = find_amounts(passage.text)
    prose = [
        finding
        for finding in prose_findings(passage.text, found, amounts, area.code, titles)
        if finding.amounts or not any(start <= finding.start < end for start, end in listed)
    ]
    findings = [*prose, *stops]
    groups = unread_places(passage.text, found, findings)
    drafts = [_draft(passage, finding, area, ground) for finding in findings]
    return drafts, [(group.start, group.end) for group in groups]


def _draft(passage: Passage, finding: Finding, area: Area, ground: tuple[DraftPlace, ...]) -> Draft:
    places = draft_places(passage, finding.places)
    reasons = list(finding.reasons)
    if not places and not finding.scoped and ground:
        places = ground
        reasons = ["place-of-heading" if reason == "scope-assumed" else reason for reason in reasons]
    if finding.theme == "general":
        reasons.append("no-theme")
    if len(passage.spans(finding.start, finding.end)) > 1:
        reasons.append("broken")
    own = precision_of(places, Precision(area.level.value) if area.level is not Level.VILLAGE else Precision.VILLAGE)
    return Draft(
        span=passage.span(finding.start, finding.end), kind=finding.kind, theme=finding.theme, name=finding.name,
        places=places, quantities=tuple(draft_quantity(passage, amount) for amount in finding.amounts),
        status=_status(passage, finding), precision=own, confidence=confidence(reasons), reasons=tuple(reasons),
        scope="" if places else area.name, region=finding.region, period=finding.period, seq=finding.step,
        headings=tuple(heading.text for heading in passage.headings),
    )  # fmt: skip


def _status(passage: Passage, finding: Finding) -> Status:
    """What stands under a heading about the past (发展基础, 主要成就) is stated, unless it is for a later year."""
    last_year = int(finding.period[-4:] or 0)
    is_past = any(BASELINE_HEADINGS.search(heading.text) for heading in passage.headings)
    return Status.BASELINE if is_past and last_year <= LAST_BASELINE_YEAR else finding.status


def _on_route(
    draft: Draft, document: Document, passage: Passage, drafts: list[Draft], routes: dict[Heading, int], area: Area
) -> Draft:
    """A stop below a heading that names a route becomes a part of it; the route is drafted with its first stop."""
    if draft.seq is None:
        return draft
    heading = next((h for h in reversed(passage.headings) if _ROUTE.search(h.text)), None)
    if heading is None:
        return draft
    if heading not in routes:
        name = _BOX_NUMBER.sub("", heading.text).strip()
        line = document.lines[heading.line - 1]
        begin = line.find(name)
        span = Span(heading.line, begin, begin + len(name)) if begin >= 0 else Span(heading.line, 0, len(line))
        routes[heading] = len(drafts)
        reasons = ("kind-noun", "scope-assumed")
        drafts.append(
            Draft(
                span=span, kind=Kind.ROUTE, theme=theme_of(name), name=name[:60], places=(), quantities=(),
                status=Status.TARGET, precision=Precision(area.level.value), confidence=confidence(reasons),
                reasons=reasons, scope=area.name,
            )
        )  # fmt: skip
    return replace(draft, part_of=routes[heading])


def _whole_area(drafts: Sequence[Draft], area: Area) -> list[Draft]:
    """Drafts of a table; those without a place are as precise as the document's area is."""
    whole = Precision(area.level.value)
    return [draft if draft.places else replace(draft, precision=whole) for draft in drafts]


def _table_mentions(table: Table, finder: PlaceFinder, within: str) -> Iterator[DraftPlace]:
    for row in table.rows:
        for cell in row:
            yield from draft_places(cell.passage, find_mentions(finder, cell.text, within=within))


def _unread(document: Document, passage: Passage, span: tuple[int, int]) -> Problem:
    where = passage.span(*span)
    names = passage.text[span[0] : span[1]]
    message = f"the statement about {names!r} (characters {where.start}-{where.end}) gave no fact."
    return Problem("unread-statement", message, document.id, where.line, "", "Read the line and add the fact by hand.")


def _in_order(drafts: list[Draft]) -> list[Draft]:
    """Drafts by line and span; the links of parts to their wholes follow."""
    # Two readings of the same words that say the same are one fact.
    first: dict[Draft, int] = {}
    for i, draft in enumerate(drafts):
        first.setdefault(draft, i)
    order = sorted(first.values(), key=lambda i: (drafts[i].span, drafts[i].seq or 0, i))
    position = {old: new for new, old in enumerate(order)}
    moved = [position[first[draft]] for draft in drafts]
    return [
        draft if (whole := draft.part_of) is None else replace(draft, part_of=moved[whole])
        for draft in (drafts[i] for i in order)
    ]


def is_division(level: PlaceLevel) -> bool:
    """Whether a place of that level is an administrative division."""
    return level not in {PlaceLevel.REGION, PlaceLevel.SITE}
