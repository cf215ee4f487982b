"""Everything that can be wrong with the records and layer files of a project, found before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geoplan.documents import PlanDocument, check_against_text, check_citations, load_plans
from geoplan.documents.outline import Outline, load_outline
from geoplan.errors import LayerError, PlaceError, Problem
from geoplan.gazetteer import Gazetteer, resolve_place
from geoplan.layers.definition import load_definitions
from geoplan.layers.facts import Facts
from geoplan.layers.placement import Located, locate
from geoplan.records import PlaceRef, PlanRecord, read_records
from geoplan.records.consistency import check_references, note_differences
from geoplan.settings import Settings


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Plans and records of a project as read, with the row of every record and the faults of the files.

    `unread` gives the places of unreadable facts by plan and row, `outlines` the chapter numbers of each plan.
    """

    plans: dict[str, PlanDocument]
    records: list[PlanRecord]
    rows: dict[str, int]
    problems: list[Problem]
    unread: dict[tuple[str, int], list[PlaceRef]]
    outlines: dict[str, Outline]


def read_project(layers_dir: Path) -> ProjectFiles:
    """Plans and records in the order of ``plans.toml``.

    Raises
    ------
    LayerError
        If ``plans.toml`` is missing or broken, an outline is broken, or a record file belongs to no plan.
    RecordError
        If a record file is no table at all.
    """
    plans = load_plans(layers_dir / "plans.toml")
    strangers = sorted(path.name for path in (layers_dir / "records").glob("*.csv") if path.stem not in plans)
    if strangers:
        raise LayerError(f"layers/records/{strangers[0]} belongs to no plan; list its plan in layers/plans.toml.")
    records: list[PlanRecord] = []
    rows: dict[str, int] = {}
    problems: list[Problem] = []
    unread: dict[tuple[str, int], list[PlaceRef]] = {}
    for plan in plans.values():
        path = layers_dir / "records" / f"{plan.id}.csv"
        if not path.is_file():
            continue
        file = read_records(path)
        records += file.records
        rows |= file.rows
        unread |= {(plan.id, row): places for row, places in file.unread.items()}
        problems += [*file.problems, *check_citations(plan, file.records)]
    outlines = {plan: load_outline(layers_dir / "outlines" / f"{plan}.csv") for plan in plans}
    return ProjectFiles(plans, records, rows, problems + check_references(records, rows, rows), unread, outlines)


def place_records(
    project: ProjectFiles, gazetteer: Gazetteer, regions: dict[str, tuple[str, ...]]
) -> tuple[Facts, list[Problem]]:
    """Facts with their places resolved, and a `Problem` for every place that does not resolve.

    Raises
    ------
    LayerError
        If the area of a plan is not one division.
    """
    for plan in project.plans.values():
        try:
            resolve_place(gazetteer, plan.area).one  # noqa: B018 - raises when it is not one
        except PlaceError as error:
            raise LayerError(f"layers/plans.toml: plan '{plan.id}', area: {error}") from None
    located: dict[str, tuple[Located, ...]] = {}
    problems = []
    for record in project.records:
        area = project.plans[record.plan].area
        found = [locate(gazetteer, area, ref, f"{record.plan}.csv", project.rows[record.id]) for ref in record.places]
        problems += [place for place in found if isinstance(place, Problem)]
        located[record.id] = tuple(place for place in found if isinstance(place, Located))
    for (plan_id, row), refs in project.unread.items():
        area = project.plans[plan_id].area
        found = [locate(gazetteer, area, ref, f"{plan_id}.csv", row) for ref in refs]
        problems += [place for place in found if isinstance(place, Problem)]
    return Facts(project.plans, project.records, located, regions, project.outlines), problems


class Findings(NamedTuple):
    """What a check found: faults, which keep a build from being made, and notes, which do not."""

    records: int
    compared: tuple[str, ...]
    problems: list[Problem]
    notes: list[Problem]


def check_project(settings: Settings, gazetteer: Gazetteer, texts: Path | None = None) -> Findings:
    """Every fault of layer files, records, citations, references and places, sorted by file and row.

    Parameters
    ----------
    texts
        Folder with one's own copies of the plans (``<plan id>.txt``): the cited spans are then looked up in them,
        and a figure whose digits do not stand in its span is reported. `compared` tells which plans had a text.

    Raises
    ------
    LayerError, RecordError
        If a file cannot be read at all, or `texts` is no folder.
    """
    if texts is not None and not texts.is_dir():
        raise LayerError(f"{texts} is no folder; give the one that holds your copies of the plans (<plan id>.txt).")
    load_definitions(settings.layers_dir)
    project = read_project(settings.layers_dir)
    _, problems = place_records(project, gazetteer, {})
    problems = [*project.problems, *problems]
    compared = []
    for plan in project.plans.values():
        text = texts / f"{plan.id}.txt" if texts else None
        if text is not None and text.is_file():
            compared.append(plan.id)
            own = [record for record in project.records if record.plan == plan.id]
            problems += check_against_text(plan, own, text)
    problems.sort(key=lambda problem: (problem.file, problem.row))
    return Findings(len(project.records), tuple(compared), problems, note_differences(project.records, project.rows))
