"""What was found in one passage, in the passage's own characters."""

from __future__ import annotations

from dataclasses import dataclass

from geoplan.documents.places.mention import Mention
from geoplan.documents.quantities.amount import Amount
from geoplan.terms import Kind, Status


@dataclass(frozen=True, slots=True)
class Finding:
    """A fact of a passage before it is led back to the document's lines.

    `places` is empty for a fact of the document's own area; `scoped` says whether a word of the text says so (全市).
    `named` are places that only stand in the thing's name.
    `step` is the place in an order (a stop of a route); `whole` the finding, by its place in the list, it is a part of.
    """

    start: int
    end: int
    kind: Kind
    theme: str
    name: str
    places: tuple[Mention, ...]
    amounts: tuple[Amount, ...]
    status: Status
    period: str
    reasons: tuple[str, ...]
    scoped: bool = False
    region: str = ""
    step: int | None = None
    whole: int | None = None
    named: tuple[Mention, ...] = ()
