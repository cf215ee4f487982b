"""How sure a drafted fact is: 0.95, less what each doubtful step takes off."""

from __future__ import annotations

from collections.abc import Iterable

SURE = 0.95
LEAST = 0.05
_COSTS = {
    "scope-assumed": 0.20,
    "place-of-heading": 0.15,
    "kind-by-measure": 0.10,
    "kind-by-scope": 0.05,
    "kind-by-verb": 0.20,
    "kind-of-list": 0.10,
    "kind-of-lead": 0.10,
    "kind-of-heading": 0.10,
    "kind-before": 0.10,
    "kind-of-whole": 0.05,
    "kind-of-title": 0.05,
    "ambiguous": 0.25,
    "unlisted": 0.10,
    "misprint": 0.10,
    "outside": 0.30,
    "broken": 0.05,
    "no-theme": 0.05,
    "no-unit": 0.20,
}


def confidence(reasons: Iterable[str]) -> float:
    """Confidence of a fact that rests on `reasons`, between 0.05 and 0.95; unknown reasons cost nothing.

    >>> confidence(["kind-noun", "scope-assumed"])
    0.75
    """
    return round(max(SURE - sum(_COSTS.get(reason, 0.0) for reason in dict.fromkeys(reasons)), LEAST), 2)
