"""Building a pack from a source of any size: sorted batches spilled, merged, indexed, published in one step."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack.arrow import write_part
from geoplan.pack.columns import ColumnSpec, specs_of
from geoplan.pack.finish import first_fragments, full_part
from geoplan.pack.format import FULL, Approximate, ColumnEntry, FileEntry, Manifest, PartEntry, write_manifest
from geoplan.pack.geometry import geometry_type
from geoplan.pack.journal import claim, from_row, lock, note, room, sync, sync_path, taken_over
from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.merge import FinalArrays, Layout, code_places, merged, ranges
from geoplan.pack.part import Part
from geoplan.pack.raw import RawArrays, release_pages
from geoplan.pack.read import ID_NAMES, Source, in_small_batches, open_source
from geoplan.pack.spill import (
    Dictionaries,
    Faults,
    Plan,
    prepared,
    read_spilled,
    spill,
    spilled_geometry,
    vertex_counts,
)
from geoplan.pack.warm import compile_once

if TYPE_CHECKING:
    import geopandas as gpd

_LOWEST_CHECKED = 10
_SMALL = 500_000
"""A layer of more features is drawn from prepared levels below zoom 10; its full shapes are not checked there."""
Progress = Callable[[str, int, int], None]


class Levels(Protocol):
    """Makes the prepared parts for low zooms of the part with full detail (`geoplan.pack.levels.build_levels`)."""

    def __call__(  # noqa: D102 - described above
        self, part: Part, /, *, notes: dict[str, Any] | None, progress: Progress | None
    ) -> Iterable[tuple[str, Part]]: ...


@dataclass(frozen=True, slots=True)
class PackOptions:
    """What a pack is called, and what is kept of its source.

    Attributes
    ----------
    id
        Id of the layer: letters, digits, ``_``, ``.``, ``-``.
    title
        Title by language (``zh``, ``en``).
    columns
        Columns to keep; None: all but bytes.
    id_column
        Integer column that is the features' id; None: the source's own, else their number.
    datetime
        Column with the instant that a feature stands for.
    ordered
        Whether the order of the source is the order of drawing.
    approximate
        Features that answer no question about a point.
    min_zoom, max_zoom
        Zooms at which the layer is drawn; the part with full detail begins where the prepared ones end.
    """

    id: str
    title: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    columns: Sequence[ColumnSpec] | None = None
    id_column: str | None = None
    datetime: str | None = None
    ordered: bool = False
    approximate: Approximate | None = None
    min_zoom: int = 0
    max_zoom: int = 22
    sources: Sequence[Mapping[str, Any]] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def build_pack(
    source: Path | gpd.GeoDataFrame | Source,
    target: Path,
    options: PackOptions,
    *,
    layer: str | None = None,
    crs: str | None = None,
    levels: Levels | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Build a pack into the folder `target`, which must not exist.

    A build of a file that was killed goes on where it was, as long as the file and the options are the same.

    Parameters
    ----------
    source
        A vector file, a frame with a CRS, or a stream of batches; positions are brought to EPSG:4490.
    layer, crs
        Layer of a file that has several; CRS of one that declares none.
    levels
        Makes the prepared parts for low zooms; None: all tiles are made of the full shapes.
    progress
        Called with the step, what is done and how much there is.

    Raises
    ------
    PackError, VectorError, CRSError
        If the source cannot be kept as it stands, or there is no room; `target` does not exist then.
    """
    if target.exists():
        raise PackError(f"{target} exists already; remove it, or choose another folder.")
    tell = progress or (lambda _step, _done, _total: None)
    tell("compiling", 0, 1)
    compile_once()
    target.parent.mkdir(parents=True, exist_ok=True)
    work, scratch = (target.with_name(f".{target.name}.{what}") for what in ("new", "scratch"))
    with lock(target), room(target), open_source(source, layer=layer, crs=crs) as opened:
        shutil.rmtree(work, ignore_errors=True)
        try:
            manifest = _build(opened, work, scratch, options, levels, tell)
            sync(work)
            work.rename(target)
            sync_path(target.parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)
            if opened.identity is None:
                shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(scratch, ignore_errors=True)
    return manifest


def pack_frame(
    frame: gpd.GeoDataFrame, target: Path, options: PackOptions, *, levels: Levels | None = None
) -> Manifest:
    """Build a pack of a frame (`build_pack`); columns of lists and objects become JSON.

    Parameters
    ----------
    frame
        Features in EPSG:4490 (or any CRS that leads there).
    target
        The pack's folder, which must not exist.
    """
    return build_pack(frame, target, options, levels=levels)


def _build(
    source: Source, work: Path, scratch: Path, options: PackOptions, levels: Levels | None, tell: Progress
) -> Manifest:
    plan = _plan(source, options)
    claim(scratch, source, options.columns, options.id_column)
    faults = Faults()
    paths, dictionaries = _spill_all(source, plan, scratch, faults, tell)
    raw = RawArrays(scratch / "raw")
    with closing(raw):
        layout, specs = _layout(paths, plan, dictionaries, options, faults)
        final = _merge_all(paths, raw, layout, tell)
        part = full_part(raw, specs, layout.coded, (options.min_zoom, options.max_zoom), lambda step: tell(step, 0, 1))
        tell("writing", 0, 1)
        files = _written(work, FULL, part, raw)
        entries: list[PartEntry] = []
        notes: dict[str, Any] = {}
        for name, level in levels(part, notes=notes, progress=tell) if levels is not None else ():
            if level.max_zoom >= options.min_zoom:
                entries.append(_entry(name, level, options.min_zoom))
                files |= _linked(work, files, _written(work, name, level, raw))
        lowest = max([options.min_zoom, *(entry.max_zoom + 1 for entry in entries)])
        entries.insert(0, _entry(FULL, part, lowest))
        id_column = plan.id_column if layout.own_ids else None
        manifest = _manifest(options, specs, part, entries, files, id_column, faults, final)
    if notes:
        manifest = manifest.model_copy(update={"report": manifest.report | {"levels": notes}}).with_version()
    write_manifest(work, manifest)
    return manifest


def _plan(source: Source, options: PackOptions) -> Plan:
    """Columns and id of the source; `PackError` where it has not what was asked for."""
    schema = source.schema
    if options.id_column is not None and (
        options.id_column not in schema.names or not pa.types.is_integer(schema.field(options.id_column).type)
    ):
        listed = ", ".join(f.name for f in schema if pa.types.is_integer(f.type)) or "none"
        raise PackError(f"{source.name}: {options.id_column!r} is no column of whole numbers; there are: {listed}.")
    chosen = options.id_column or _own_id(source)
    attributes = pa.schema([f for f in schema if f.name not in {source.geometry, chosen}])
    specs = specs_of(attributes, options.columns)
    names = {spec.name for spec in specs}
    for asked in (options.datetime, options.approximate.column if options.approximate else None):
        if asked is not None and asked not in names:
            raise PackError(f"{source.name}: there is no column {asked!r}; there are {', '.join(sorted(names))}.")
    if options.datetime and next(s for s in specs if s.name == options.datetime).type not in {"date", "datetime"}:
        raise PackError(f"{source.name}: column {options.datetime!r} holds neither dates nor times.")
    return Plan(specs, source.geometry, chosen, source.crs, source.name)


def _own_id(source: Source) -> str | None:
    if source.id_column is not None:
        return source.id_column
    by_name = {f.name.lower(): f.name for f in source.schema if pa.types.is_integer(f.type)}
    return next((by_name[name] for name in ID_NAMES if name in by_name), None)


def _spill_all(
    source: Source, plan: Plan, scratch: Path, faults: Faults, tell: Progress
) -> tuple[list[Path], Dictionaries]:
    """First pass; batches that an earlier try has spilled are taken over."""
    dictionaries = Dictionaries(plan.specs)
    paths, rows = taken_over(scratch, dictionaries, faults)
    batches = from_row(in_small_batches(source.batches, source.geometry), rows)
    first = rows
    for batch in prepared(batches, plan, first):
        tell("reading", rows, source.total or 0)
        count = len(batch.keys)
        path = scratch / f"batch-{len(paths):06}.arrow"
        spill(path, batch, dictionaries, count)
        paths.append(path)
        note(faults, batch.faults.counts, batch.faults.rows)
        rows += count
    if rows >= 2**31:
        raise PackError(f"{source.name}: more than 2^31 features; divide the source into several layers.")
    return paths, dictionaries


def _layout(
    paths: Sequence[Path], plan: Plan, dictionaries: Dictionaries, options: PackOptions, faults: Faults
) -> tuple[Layout, list[ColumnSpec]]:
    """How the final arrays look, now that all values are known."""
    own = plan.id_column is not None and _usable_ids(paths)
    if plan.id_column is not None and not own:
        if options.id_column is not None:
            raise PackError(
                f"{plan.name}: column {plan.id_column!r} has missing, negative or repeated values and cannot be the "
                "id; correct them, or name no id column."
            )
        faults.counts["ids-not-unique"] = 1
    specs = list(plan.specs)
    # The values of a column that cannot be the id are not thrown away.
    added = plan.id_column is not None and not own and options.columns is None
    if added:
        specs.append(ColumnSpec(str(plan.id_column), "integer"))
    coded = code_places(dictionaries, plan.specs)
    large = sum(read_spilled(path).num_rows for path in paths) > _SMALL
    first = max(options.min_zoom, _LOWEST_CHECKED) if large else options.min_zoom
    layout = Layout(plan.specs, coded, dictionaries, own, added, options.ordered, first, options.max_zoom)
    return layout, specs


def _usable_ids(paths: Sequence[Path]) -> bool:
    """Whether the ids are all there, none of them negative or repeated."""
    found: list[NDArray[np.int64]] = []
    for path in paths:
        ids = read_spilled(path).column("id")
        if ids.null_count:
            return False
        found.append(np.array(ids.to_numpy()))
    if not found:
        return True
    everything = np.concatenate(found)
    everything.sort()
    return bool(everything[0] >= 0 and np.all(everything[1:] != everything[:-1]))


def _merge_all(paths: Sequence[Path], raw: RawArrays, layout: Layout, tell: Progress) -> FinalArrays:
    keys, vertices = [], []
    for path in paths:
        batch = read_spilled(path)
        keys.append(np.array(batch.column("key").to_numpy()))
        vertices.append(vertex_counts(spilled_geometry(batch)))
    ends = ranges(keys, vertices)
    total = sum(len(part) for part in keys)
    final = FinalArrays(raw, layout, first_fragments(layout.coded))
    for bucket in merged(paths, ends, layout) if paths else ():
        tell("sorting", final.count, total)
        final.add(bucket)
    return final


def _written(work: Path, name: str, part: Part, raw: RawArrays) -> dict[str, FileEntry]:
    files = write_part(work / name, part, raw.release)
    return {f"{name}/{file}": entry for file, entry in files.items()}


def _linked(work: Path, files: Mapping[str, FileEntry], written: dict[str, FileEntry]) -> dict[str, FileEntry]:
    """The files just written; one with the bytes of an earlier one becomes a link to it where links can be made.

    Levels that only simplify the shapes have the attributes of the full part.
    """
    known = {entry: name for name, entry in files.items()}
    for name, entry in written.items():
        if entry in known and filecmp.cmp(work / known[entry], work / name, shallow=False):
            link = work / f".{Path(name).name}"
            with suppress(OSError):
                os.link(work / known[entry], link)
                link.replace(work / name)
    return written


def _entry(name: str, part: Part, lowest: int) -> PartEntry:
    return PartEntry(
        name=name,
        min_zoom=max(part.min_zoom, lowest),
        max_zoom=part.max_zoom,
        count=len(part),
        vertices=len(part.geometry.degrees),
    )


def _manifest(
    options: PackOptions,
    specs: Sequence[ColumnSpec],
    part: Part,
    entries: Sequence[PartEntry],
    files: Mapping[str, FileEntry],
    id_column: str | None,
    faults: Faults,
    final: FinalArrays,
) -> Manifest:
    return Manifest(
        id=options.id,
        title=dict(options.title),
        description=options.description,
        count=len(part),
        bounds=_bounds(part),
        geometry=geometry_type(np.array(sorted(final.kinds), np.uint8)),
        id_column=id_column,
        ordered=options.ordered,
        approximate=options.approximate,
        datetime=options.datetime,
        columns=tuple(
            ColumnEntry(name=spec.name, type=spec.type, in_tiles=spec.in_tiles, title=dict(spec.title))
            for spec in specs
        ),
        parts=tuple(entries),
        files=dict(files),
        sources=tuple(dict(source) for source in options.sources),
        metadata=dict(options.metadata),
        report={"counts": dict(sorted(faults.counts.items())), "rows": dict(sorted(faults.rows.items()))},
    ).with_version()


def _bounds(part: Part) -> tuple[float, float, float, float] | None:
    """West, south, east and north in degrees; taken in chunks, so that few pages are held."""
    positions = part.geometry.degrees
    if not len(positions):
        return None
    corners = []
    for start in range(0, len(positions), 1 << 22):
        chunk = positions[start : start + (1 << 22)]
        corners += [chunk.min(axis=0), chunk.max(axis=0)]
        release_pages(chunk)
    west, south = np.min(corners, axis=0) / DEGREE_UNITS
    east, north = np.max(corners, axis=0) / DEGREE_UNITS
    return float(west), float(south), float(east), float(north)
