"""From the characters of a passage to the lines of the document."""

from __future__ import annotations

from collections.abc import Sequence

from geoplan.documents.document import Passage
from geoplan.documents.facts.draft import DraftPlace, DraftQuantity
from geoplan.documents.places.mention import Flag, Mention, PlaceLevel
from geoplan.documents.quantities.amount import Amount
from geoplan.terms import Precision

_ORDER = [level.value for level in (
    PlaceLevel.SITE, PlaceLevel.VILLAGE, PlaceLevel.TOWNSHIP, PlaceLevel.COUNTY, PlaceLevel.CITY, PlaceLevel.REGION,
    PlaceLevel.PROVINCE,
)]  # fmt: skip


def draft_places(passage: Passage, mentions: Sequence[Mention]) -> tuple[DraftPlace, ...]:
    """Mentions of a passage with the spans they have in the document's lines."""
    return tuple(DraftPlace(mention, passage.span(mention.start, mention.end)) for mention in mentions)


def draft_quantity(passage: Passage, amount: Amount) -> DraftQuantity:
    """An amount of a passage with the span it has in the document's line, and the words there."""
    span = passage.span(amount.start, amount.end)
    return DraftQuantity(amount, span, passage.text[amount.start : amount.end])


def precision_of(places: Sequence[DraftPlace], default: Precision = Precision.REGION) -> Precision:
    """How finely the places are known: as finely as the coarsest of them; `default` where there is none."""
    levels = [place.mention.level.value for place in places]
    return Precision(max(levels, key=_ORDER.index)) if levels else default


def reasons_of(places: Sequence[DraftPlace]) -> list[str]:
    """The doubts that the places carry."""
    flags = {flag for place in places for flag in place.mention.flags}
    doubts = (Flag.AMBIGUOUS, Flag.UNLISTED, Flag.MISPRINT, Flag.OUTSIDE)
    return [flag.value for flag in doubts if flag in flags]
