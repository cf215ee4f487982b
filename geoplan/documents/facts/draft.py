"""A drafted fact: what the extractor read, where, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from geoplan.documents.document import Span
from geoplan.documents.places.mention import Mention
from geoplan.documents.quantities.amount import Amount
from geoplan.terms import Kind, Precision, Status


@dataclass(frozen=True, slots=True)
class DraftPlace:
    """A mention in its place: the span it has in the document's line."""

    mention: Mention
    span: Span


@dataclass(frozen=True, slots=True)
class DraftQuantity:
    """An amount in its place: the span it has in the document's line, and the text there."""

    amount: Amount
    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One drafted fact.

    Attributes
    ----------
    span
        The words that state it, in one line of the document.
    places
        Divisions, regions and sites it is about; empty when it is about the document's own area (`scope`).
    scope
        Name of the division that a scope word (全市, 全省) or the document's own area stands for; else empty.
    period
        ``2025`` or ``2021-2025``; empty when the text gives none.
    part_of, seq
        Index of the draft it belongs to in the list of drafts, and its place in the order there.
    confidence
        0 to 1; `reasons` say what raised or lowered it.
    """

    span: Span
    kind: Kind
    theme: str
    name: str
    places: tuple[DraftPlace, ...]
    quantities: tuple[DraftQuantity, ...]
    status: Status
    precision: Precision
    confidence: float
    reasons: tuple[str, ...] = ()
    scope: str = ""
    region: str = ""
    period: str = ""
    part_of: int | None = None
    seq: int | None = None
    headings: tuple[str, ...] = field(default=())
