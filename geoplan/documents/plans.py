"""The plan documents that records cite (``layers/plans.toml``)."""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from geoplan.errors import LayerError, Problem
from geoplan.provenance import Citation, sha256_file
from geoplan.records import PlanRecord


class PlanDocument(BaseModel):
    """A plan document: who issued it, when, for which division, and the copy its lines are counted in.

    `number` and `date` are empty where the text carries none. `title_inferred` says that the text has no title
    of its own. `area` is the path of the division the plan is made for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    title_inferred: bool = False
    issuer: str
    number: str = ""
    date: str = ""
    area: str
    lines: int
    sha256: str


def load_plans(path: Path) -> dict[str, PlanDocument]:
    """Plan documents by id, in the order of the file.

    Raises
    ------
    LayerError
        If the file is missing or breaks its schema.
    """
    try:
        plans = [PlanDocument(**entry) for entry in tomllib.loads(path.read_text("utf-8"))["plan"]]
    except FileNotFoundError:
        raise LayerError(f"{path.name} is missing; it lists the plan documents that the records cite.") from None
    except (KeyError, TypeError):
        raise LayerError(f"{path.name}: no [[plan]] is listed.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LayerError(f"{path.name}: not TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise LayerError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    by_id = {plan.id: plan for plan in plans}
    if len(by_id) < len(plans):
        twice = next(plan.id for plan in plans if by_id[plan.id] is not plan)
        raise LayerError(f"{path.name}: the plan {twice!r} is listed twice; take one entry out.")
    return by_id


def check_citations(plan: PlanDocument, records: list[PlanRecord]) -> list[Problem]:
    """Citations of lines that the document does not have."""
    return [
        _fault(plan, record, citation, "which the plan does not have")
        for record in records
        for citation in _citations(record)
        if citation.line > plan.lines
    ]


def check_against_text(plan: PlanDocument, records: list[PlanRecord], path: Path) -> list[Problem]:
    """Citations that do not fit the plan's own text: spans beyond a line's end, figures that are not in their span.

    A figure that the plan writes in Chinese numerals is looked for in those.

    Parameters
    ----------
    path
        A planner's own copy of the text; it must be the registered one (by SHA-256).
    """
    if sha256_file(path) != plan.sha256:
        message = f"{path.name} is not the copy of '{plan.id}' that the records were read from (sha256)."
        return [Problem("other-text", message, "plans.toml", 0, "sha256", "Check against the registered copy.")]
    lines = path.read_text("utf-8").split("\n")
    problems = []
    for record in records:
        problems += [
            _fault(plan, record, citation, "which is beyond the end of the line")
            for citation in _citations(record)
            if citation.line <= len(lines) and citation.end > len(lines[citation.line - 1])
        ]
        for quantity in record.quantities:
            if quantity.citation.line > len(lines):
                continue  # `check_citations` tells
            cited = lines[quantity.citation.line - 1][quantity.citation.start : quantity.citation.end]
            ends = [end for end in (quantity.value, quantity.value_max) if end is not None]
            if not all(_is_written(end, cited) for end in ends):
                problems.append(_fault(plan, record, quantity.citation, f"where {quantity.text!r} does not stand"))
    return problems


_FULL_WIDTH = str.maketrans("０１２３４５６７８９．％", "0123456789.%")
_DIGITS = "零一二三四五六七八九"


def _is_written(value: Decimal, text: str) -> bool:
    plain = text.translate(_FULL_WIDTH).replace(",", "").replace("，", "")
    if re.search(rf"(?<![\d.]){re.escape(str(value))}(?![\d]|\.\d)", plain):
        return True
    return any(numeral in text for numeral in _chinese(value))


def _chinese(value: Decimal) -> tuple[str, ...]:
    """How a small whole number is written in Chinese; a bare multiplier (万亩, 百亿) stands for one of it."""
    round_numbers = {100: ("百",), 1000: ("千",)}
    if value != value.to_integral_value() or not 0 < value < 100:
        return round_numbers.get(int(value), ())
    tens, ones = divmod(int(value), 10)
    text = (_DIGITS[tens] if tens > 1 else "") + ("十" if tens else "") + (_DIGITS[ones] if ones else "")
    return {1: (text, "百", "千", "万", "亿"), 2: (text, "两")}.get(int(value), (text,))


def _citations(record: PlanRecord) -> list[Citation]:
    """Every citation of a record once, its own first."""
    return list(dict.fromkeys([record.citation, *(quantity.citation for quantity in record.quantities)]))


def _fault(plan: PlanDocument, record: PlanRecord, citation: Citation, what: str) -> Problem:
    message = f"{record.id} cites line {citation.line}, span {citation.span}, {what}."
    return Problem("bad-citation", message, f"{plan.id}.csv", 0, "span", "Correct line and span.")
