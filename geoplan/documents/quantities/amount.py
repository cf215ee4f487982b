"""A figure as it stands in a passage."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from geoplan.terms import Change, Measure, Per, Qualifier, Status


@dataclass(frozen=True, slots=True)
class Amount:
    """A figure of a passage.

    Attributes
    ----------
    start, end
        Its characters in the passage: number and unit with the words of its bound (不低于16万亩, 2-3个, 5家以上).
    value, value_max
        The digits as written, without the multiplier; `value_max` for a range only.
    unit
        The unit as written, with its multiplier, as `geoplan.units.parse_unit` takes it (``万亩``).
    measure
        What it measures, from the unit and the words before it.
    noun
        The words before or after it that say what it counts (奶牛存栏, 高标准农田), or empty.
    change, per, status, period
        None and empty where the text does not say.
    part
        True for a part of the figure before it (其中, 分别).
    """

    start: int
    end: int
    value: Decimal
    unit: str
    measure: Measure
    value_max: Decimal | None = None
    qualifier: Qualifier = Qualifier.EXACT
    noun: str = ""
    change: Change | None = None
    per: Per | None = None
    status: Status | None = None
    period: str = ""
    part: bool = False
