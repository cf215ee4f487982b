"""The plan documents that records cite (``layers/plans.toml``)."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from geoplan.errors import LayerError, Problem
from geoplan.provenance import sha256_file
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
    except KeyError:
        raise LayerError(f"{path.name}: no [[plan]] is listed.") from None
    except tomllib.TOMLDecodeError as error:
        raise LayerError(f"{path.name}: not TOML: {error}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise LayerError(f"{path.name}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
    return {plan.id: plan for plan in plans}


def check_citations(plan: PlanDocument, records: list[PlanRecord], text_path: Path | None = None) -> list[Problem]:
    """Citations that point outside the document; with the plan's own text at hand, also outside its lines.

    Parameters
    ----------
    text_path
        A planner's own copy of the plan text; it must be the registered one (by SHA-256).
    """
    file = f"{plan.id}.csv"
    lines: list[str] | None = None
    if text_path is not None:
        if sha256_file(text_path) != plan.sha256:
            message = f"{text_path.name} is not the copy of '{plan.id}' that the records were read from (sha256)."
            return [Problem("other-text", message, "plans.toml", 0, "sha256", "Check against the registered copy.")]
        lines = text_path.read_text("utf-8").split("\n")
    problems = []
    for record in records:
        for citation in {record.citation, *(quantity.citation for quantity in record.quantities)}:
            if citation.line > plan.lines or (lines and citation.end > len(lines[citation.line - 1])):
                message = f"{record.id} cites line {citation.line}, span {citation.span}, which the plan does not have."
                problems.append(Problem("bad-citation", message, file, 0, "line", "Correct line and span."))
    return problems
