"""Everything that can be wrong with the records and layer files of a project, found before anything is built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoplan.boundaries.names import read_table
from geoplan.documents import PlanDocument, check_against_text, check_citations, load_plans
from geoplan.errors import LayerError, Problem, SourceError
from geoplan.gazetteer import Gazetteer
from geoplan.layers.definition import load_definitions
from geoplan.layers.facts import Facts
from geoplan.layers.placement import Located, locate
from geoplan.records import PlanRecord, read_records
from geoplan.records.table import check_references
from geoplan.settings import Settings


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """Plans and records of a project as read, with the row of every record and the faults of the files."""

    plans: dict[str, PlanDocument]
    records: list[PlanRecord]
    rows: dict[str, int]
    problems: list[Problem]


def read_project(layers_dir: Path) -> ProjectFiles:
    """Plans and records in the order of ``plans.toml``.

    Raises
    ------
    LayerError
        If ``plans.toml`` is missing or broken, or a record file belongs to no plan.
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
    for plan in plans.values():
        path = layers_dir / "records" / f"{plan.id}.csv"
        if not path.is_file():
            continue
        file = read_records(path)
        records += file.records
        rows |= file.rows
        problems += [*file.problems, *check_citations(plan, file.records)]
    return ProjectFiles(plans, records, rows, problems + check_references(records, rows))


def place_records(
    project: ProjectFiles, gazetteer: Gazetteer, regions: dict[str, tuple[str, ...]]
) -> tuple[Facts, list[Problem]]:
    """Facts with their places resolved, and a `Problem` for every place that does not resolve."""
    located: dict[str, tuple[Located, ...]] = {}
    problems = []
    for record in project.records:
        area = project.plans[record.plan].area
        found = [locate(gazetteer, area, ref, f"{record.plan}.csv", project.rows[record.id]) for ref in record.places]
        problems += [place for place in found if isinstance(place, Problem)]
        located[record.id] = tuple(place for place in found if isinstance(place, Located))
    return Facts(project.plans, project.records, located, regions), problems


def check_project(settings: Settings, gazetteer: Gazetteer, texts: Path | None = None) -> tuple[int, list[Problem]]:
    """Number of records, and every fault of records, citations, references and places.

    Parameters
    ----------
    texts
        Folder with one's own copies of the plans (``<plan id>.txt``): the cited spans are then looked up in them,
        and a figure whose digits do not stand in its span is reported.

    Raises
    ------
    LayerError, RecordError
        If a file cannot be read at all.
    """
    load_definitions(settings.layers_dir)
    project = read_project(settings.layers_dir)
    _, problems = place_records(project, gazetteer, {})
    problems = [*project.problems, *problems]
    for plan in project.plans.values():
        text = texts / f"{plan.id}.txt" if texts else None
        if text is not None and text.is_file():
            own = [record for record in project.records if record.plan == plan.id]
            problems += check_against_text(plan, own, text)
    return len(project.records), problems


def read_regions(path: Path, gazetteer: Gazetteer) -> dict[str, tuple[str, ...]]:
    """Member codes of informal regions, from ``regions.csv``.

    Raises
    ------
    SourceError
        If a member is no division.
    """
    rows = read_table(path, "name", "member_code")
    for number, (name, code) in enumerate(zip(rows["name"], rows["member_code"], strict=True), start=2):
        if code not in gazetteer.divisions:
            raise SourceError(f"{path.name}, row {number}: {code!r}, a member of {name!r}, is no division.")
    return {str(name): tuple(sorted(codes)) for name, codes in rows.groupby("name")["member_code"]}
