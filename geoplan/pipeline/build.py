"""The build: read what changed, take over what did not, write a version whole, switch to it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan.errors import BuildError, LayerError, RecordError
from geoplan.layers.store import LEVELS, MANIFEST, OUTLINES, Build, manifest, open_build, write_json
from geoplan.pipeline.inputs import Inputs, drawn_areas, read_inputs
from geoplan.pipeline.progress import Progress, silent
from geoplan.pipeline.publish import build_lock, finished_version, publish, reuse, switch_to, work_folder
from geoplan.settings import Settings

if TYPE_CHECKING:
    from geoplan.boundaries.load import Divisions
    from geoplan.gazetteer import Gazetteer
    from geoplan.layers.definition import LayerDefinition
    from geoplan.layers.facts import Facts
    from geoplan.layers.placement import Shapes

FORMAT = 3
_BOUNDARY_FILES = tuple(f"boundaries/{level}.parquet" for level in LEVELS)
_GAZETTEER_FILES = ("gazetteer/names.parquet", "gazetteer/aliases.parquet", "gazetteer/villages.parquet")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """Outcome of a build: the version in use, what was built anew, and the counts of its join reports."""

    build: Build
    rebuilt: tuple[str, ...]
    seconds: float
    totals: dict[str, int]

    @property
    def changed(self) -> bool:
        """Whether anything was built."""
        return bool(self.rebuilt)


def run_build(settings: Settings, *, force: bool = False, progress: Progress = silent) -> BuildResult:
    """Build what changed since the build in use, and switch to the result.

    Parameters
    ----------
    force
        Build everything anew.

    Raises
    ------
    GeoplanError
        If a source, a layer file or a record is broken; the build in use stays as it was.
    """
    started = time.monotonic()
    with build_lock(settings.build_dir):
        inputs = read_inputs(settings)
        before = None if force else _current(settings.build_dir)
        old = manifest(before) if before else {}
        if before and old.get("version") == inputs.version:
            return BuildResult(before, (), time.monotonic() - started, old["totals"])
        finished = None if force else finished_version(settings.build_dir, inputs.version)
        if finished is not None:
            # What was changed was changed back: that version is still there.
            switch_to(settings.build_dir, finished)
            build = open_build(settings.build_dir)
            return BuildResult(build, (), time.monotonic() - started, manifest(build)["totals"])
        work = work_folder(settings.build_dir, inputs.version)
        try:
            rebuilt, totals = _build_into(work, settings, inputs, before, progress)
        except BaseException:
            shutil.rmtree(work, ignore_errors=True)
            raise
        path = publish(work, settings.build_dir, inputs.version)
    return BuildResult(Build(path, path.name), rebuilt, time.monotonic() - started, totals)


def _current(build_dir: Path) -> Build | None:
    """The build in use, if its format is ours."""
    try:
        build = open_build(build_dir)
    except BuildError:
        return None
    return build if manifest(build).get("format") == FORMAT else None


def _build_into(
    work: Path, settings: Settings, inputs: Inputs, before: Build | None, progress: Progress
) -> tuple[tuple[str, ...], dict[str, int]]:
    """Fill the folder `work`; returns what was built anew and the totals of the join reports."""
    # Imported here so that finding out that nothing changed stays fast.
    from geoplan.gazetteer import load_gazetteer, read_regions
    from geoplan.layers.definition import load_definitions
    from geoplan.layers.placement import division_shapes
    from geoplan.pipeline.check import place_records, read_project

    definitions = load_definitions(settings.layers_dir)
    project = read_project(settings.layers_dir)
    if project.problems:
        raise RecordError(f"{len(project.problems)} faults in the record files; nothing was built.", project.problems)
    old = manifest(before) if before else {}
    keep_boundaries = old.get("boundaries") == inputs.boundaries
    total = len(definitions) + (1 if keep_boundaries else 4)
    divisions = _boundaries(work, settings, before if keep_boundaries else None, total, progress)
    gazetteer = load_gazetteer(work / "gazetteer")
    regions = read_regions(settings.boundaries_dir / "regions.csv", gazetteer)
    facts, faults = place_records(project, gazetteer, regions)
    if faults:
        raise RecordError(f"{len(faults)} places in the record files do not resolve; nothing was built.", faults)
    shapes = division_shapes(divisions)
    rebuilt = [] if keep_boundaries else ["boundaries"]
    reports: dict[str, dict[str, Any]] = {}
    for number, definition in enumerate(definitions):
        progress(f"layer {definition.id}", total - len(definitions) + number, total)
        same = old.get("layer_keys", {}).get(definition.id) == inputs.layers[definition.id]
        if before is not None and same:
            reports[definition.id] = _take_over(work, before, definition.id)
        else:
            reports[definition.id] = _layer(work, settings, definition, divisions, shapes, facts, gazetteer)
            rebuilt.append(definition.id)
    totals = {
        key: sum(report[key] for report in reports.values())
        for key in ("selected", "joined", "unmatched", "drawn", "undrawn")
    }
    totals["records"] = len(project.records)
    accounts = _account(facts, definitions)
    write_json(work / "reports" / "records.json", accounts)
    outlines = {plan: list(zip(found.lines, found.places, strict=True)) for plan, found in project.outlines.items()}
    write_json(work / OUTLINES, outlines)
    write_json(
        work / MANIFEST,
        {
            "format": FORMAT, "version": inputs.version, "boundaries": inputs.boundaries, "layer_keys": inputs.layers,
            "layers": [definition.id for definition in definitions], "totals": totals,
            "plans": [plan.model_dump() for plan in project.plans.values()],
            "records_in_no_layer": len(accounts["in_no_layer"]),
        },
    )  # fmt: skip
    progress("done", total, total)
    return tuple(rebuilt), totals


def _boundaries(
    work: Path,
    settings: Settings,
    before: Build | None,
    total: int,
    progress: Progress,
) -> Divisions:
    """Divisions of the build: taken over from the version `before`, or read anew from their sources."""
    import pandas as pd

    from geoplan.boundaries.load import Divisions, load_divisions
    from geoplan.gazetteer import save_gazetteer
    from geoplan.layers.store import read_boundaries, write_boundaries

    if before is not None:
        progress("boundaries unchanged", 0, total)
        for name in (*_BOUNDARY_FILES, *_GAZETTEER_FILES):
            reuse(before.path / name, work / name)
        frames = {level: read_boundaries(before, level) for level in LEVELS}
        tables = {name.split("/")[1].split(".")[0]: pd.read_parquet(before.path / name) for name in _GAZETTEER_FILES}
        return Divisions(**frames, **tables)
    steps = iter(range(total))
    divisions = load_divisions(
        settings.boundaries_dir,
        settings.imports_dir,
        drawn_areas(settings.layers_dir),
        lambda step: progress(step, next(steps), total),
    )
    progress("writing boundaries", 3, total)
    for level in LEVELS:
        write_boundaries(work, level, getattr(divisions, level))
    (work / "gazetteer").mkdir()
    save_gazetteer(work / "gazetteer", divisions.names, divisions.aliases, divisions.villages)
    return divisions


def _layer(
    work: Path,
    settings: Settings,
    definition: LayerDefinition,
    divisions: Divisions,
    shapes: Shapes,
    facts: Facts,
    gazetteer: Gazetteer,
) -> dict[str, Any]:
    from geoplan.boundaries.sources import load_sources
    from geoplan.layers.build import build_layer
    from geoplan.layers.store import write_layer
    from geoplan.pipeline.packs import PACKS, write_layer_pack

    try:
        layer = build_layer(definition, divisions, shapes, facts, gazetteer, load_sources(settings.boundaries_dir))
    except LayerError as error:
        raise error if "layers/" in str(error) else LayerError(f"layers/{definition.id}.toml: {error}") from None
    write_layer(work, definition.id, layer)
    write_layer_pack(layer.frame, layer.metadata, work / PACKS / definition.id, definition.levels)
    return layer.report


def _take_over(work: Path, before: Build, layer_id: str) -> dict[str, Any]:
    from geoplan.layers.store import layer_report
    from geoplan.pipeline.packs import PACKS

    files = [
        before.path / name
        for name in (f"layers/{layer_id}.parquet", f"layers/{layer_id}.json", f"reports/{layer_id}.json")
    ]
    files += [path for path in (before.path / PACKS / layer_id).rglob("*") if path.is_file()]
    for path in files:
        reuse(path, work / path.relative_to(before.path))
    return layer_report(before, layer_id)


def _account(facts: Facts, definitions: Sequence[LayerDefinition]) -> dict[str, Any]:
    """For every record the layers it is in; those that no layer shows are listed with their line."""
    from geoplan.layers.definition import SelectRecords
    from geoplan.layers.facts import select_records

    shown: dict[str, list[str]] = {record.id: [] for record in facts.records}
    for definition in definitions:
        if isinstance(definition.select, SelectRecords):
            for record in select_records(facts, definition.select):
                shown[record.id].append(definition.id)
    return {
        "records": len(facts.records),
        "in_layers": {record: layers for record, layers in shown.items() if layers},
        "in_no_layer": [
            {"record": record.id, "kind": record.kind.value, "name": record.name, "line": record.citation.line}
            for record in facts.records
            if not shown[record.id]
        ],
    }  # fmt: skip
