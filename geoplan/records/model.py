"""One fact of a plan: what is promised or stated, where, how much, by when, and in which line."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from geoplan.provenance import Citation
from geoplan.terms import THEMES, Change, Kind, Measure, Per, Qualifier, Status
from geoplan.units import check_dimension, convert, parse_unit

ID = re.compile(r"[a-z][a-z0-9_]*-\d+-\d{2,}")
_PERIOD = re.compile(r"(\d{4})(?:-(\d{4}))?")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mark(StrEnum):
    """What is known of the last name in a place path."""

    LISTED = "listed"
    AMBIGUOUS = "ambiguous"
    UNLISTED = "unlisted"


class PlaceRef(_Frozen):
    """A place as a path of names inside the plan's own area, as written in a record file.

    ``平定县/巨城镇`` is a listed division; ``盂县/?辛庄`` a name that fits several divisions of 盂县 and is
    left so; ``盂县/~大汖村`` a name that the code lists do not have; ``平定县/巨城镇=巨镇`` keeps the text of the
    plan where it is misprinted or unusually short.
    """

    path: tuple[str, ...]
    mark: Mark = Mark.LISTED
    written: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """The place that one item of the ``places`` cell names.

        Raises
        ------
        ValueError
            If a name is empty or a mark stands before any but the last name.
        """
        body, _, written = text.strip().partition("=")
        parts = [part.strip() for part in body.split("/")]
        mark = Mark.LISTED
        if parts[-1][:1] == "?":
            mark, parts[-1] = Mark.AMBIGUOUS, parts[-1][1:]
        elif parts[-1][:1] == "~":
            mark, parts[-1] = Mark.UNLISTED, parts[-1][1:]
        if not all(parts) or any(part[0] in "?~" for part in parts):
            raise ValueError(f"not a place path: {text!r} (write 县/乡镇, with ? or ~ before the last name only)")
        return cls(path=tuple(parts), mark=mark, written=written.strip())

    def __str__(self) -> str:
        """The item as it stands in a record file."""
        sign = {Mark.LISTED: "", Mark.AMBIGUOUS: "?", Mark.UNLISTED: "~"}[self.mark]
        text = "/".join([*self.path[:-1], sign + self.path[-1]])
        return f"{text}={self.written}" if self.written else text

    @property
    def name(self) -> str:
        """The last name of the path."""
        return self.path[-1]


class Quantity(_Frozen):
    """A figure as the plan writes it.

    `value` carries the digits as written and `unit` the unit with its multiplier (``30``, ``万亩``); for a
    range `value` is the lower and `value_max` the upper end. `status` and `period` are set only where they
    differ from those of the record.
    """

    measure: Measure
    value: Decimal = Field(ge=0)
    value_max: Decimal | None = None
    unit: str
    qualifier: Qualifier = Qualifier.EXACT
    change: Change | None = None
    per: Per | None = None
    status: Status | None = None
    period: str = ""
    citation: Citation

    @model_validator(mode="after")
    def _unit_fits(self) -> Self:
        check_dimension(self.measure, parse_unit(self.unit))
        if (self.value_max is not None) != (self.qualifier is Qualifier.RANGE):
            raise ValueError("a range has two ends and the qualifier 'range', nothing else has")
        if self.value_max is not None and self.value_max <= self.value:
            raise ValueError(f"a range goes from low to high, not {self.value}-{self.value_max}")
        return self

    @field_validator("period")
    @classmethod
    def _period(cls, text: str) -> str:
        return check_period(text)

    @property
    def value_si(self) -> Decimal:
        """The value in `unit_si` (exact; hectares to 1e-6)."""
        return convert(self.value, parse_unit(self.unit))

    @property
    def unit_si(self) -> str:
        """hectare, kg, CNY, head, one, metre, fraction, watt, cubic metre; with ``/year`` for rates."""
        return parse_unit(self.unit).unit_si

    @property
    def text(self) -> str:
        """The value with its unit as written, e.g. ``30 万亩`` or ``2-3 个``."""
        number = f"{self.value}-{self.value_max}" if self.value_max is not None else str(self.value)
        return f"{number}%" if self.unit == "%" else f"{number} {self.unit}"


class PlanRecord(_Frozen):
    """One cited fact of a plan.

    Attributes
    ----------
    id
        ``<plan>-<line>-<nn>``, stable and unique over all record files.
    places, region
        Listed, ambiguous or unlisted divisions; an informal region (雁门关农牧交错带) as text. At least one is given.
    period
        ``2025`` or ``2021-2025``; empty when the plan states none.
    part_of, seq
        The fact this one belongs to (a stop's route, a county's city total) and its place in the order there.
    duplicate_of
        An earlier fact that says the same again.
    """

    id: str
    kind: Kind
    theme: str
    name: str = Field(min_length=1, max_length=60)
    places: tuple[PlaceRef, ...] = ()
    region: str = Field(default="", max_length=60)
    status: Status
    period: str = ""
    part_of: str = ""
    seq: int | None = Field(default=None, ge=1)
    duplicate_of: str = ""
    quantities: tuple[Quantity, ...] = ()
    citation: Citation
    note: str = Field(default="", max_length=300)

    @field_validator("theme")
    @classmethod
    def _theme(cls, text: str) -> str:
        if text not in THEMES:
            raise ValueError(f"{text!r} is no theme; the themes are {', '.join(THEMES)}")
        return text

    @field_validator("period")
    @classmethod
    def _period(cls, text: str) -> str:
        return check_period(text)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if not ID.fullmatch(self.id):
            raise ValueError(f"{self.id!r} is no record id; write <plan>-<line>-<nn>")
        plan, line, _ = self.id.split("-")
        if (plan, int(line)) != (self.citation.plan, self.citation.line):
            raise ValueError(f"the id {self.id!r} does not fit line {self.citation.line} of {self.citation.plan}")
        if not self.places and not self.region:
            raise ValueError("a fact needs a place or a region")
        return self

    @property
    def plan(self) -> str:
        """Id of the plan document."""
        return self.citation.plan


def check_period(text: str) -> str:
    """`text` if it is empty, a year, or two years in order; else ValueError."""
    match = _PERIOD.fullmatch(text)
    if text and not match:
        raise ValueError(f"{text!r} is no period; write 2025 or 2021-2025")
    if match and match[2] and match[2] <= match[1]:
        raise ValueError(f"the period {text!r} ends before it begins")
    return text
