"""Import of official county or township boundaries: every feature accounted for, or nothing imported.

All faults of a file are gathered before it is refused, so that it is repaired once. What is not a fault
but should be known (another spelling, a missing township, an edge off the default layer's) is a warning,
kept in the report and in the provenance of the import.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

import geoplan
from geoplan import gcj02
from geoplan.boundaries.checks import check_areas, check_edges, check_neighbours, check_places, missing_divisions
from geoplan.boundaries.coverage import EDGE_TOLERANCE_M
from geoplan.boundaries.datum import DatumFit, detect_datum
from geoplan.boundaries.import_store import (
    StoredImport,
    held_codes,
    list_imports,
    locked,
    read_imports,
    remove_import,
    write_import,
)
from geoplan.boundaries.matching import Matching, match_features, text_columns
from geoplan.boundaries.polygons import COLUMNS
from geoplan.crs import STORAGE, require_crs, to_storage
from geoplan.errors import ImportRefusedError, Problem
from geoplan.terms import GeometrySource, Level
from geoplan.vector import VectorFile, read_vector

__all__ = [
    "ImportReport",
    "Progress",
    "StoredImport",
    "import_boundaries",
    "list_imports",
    "read_imports",
    "remove_import",
]

Progress = Callable[[str, int, int], None]
"""Called with the name of a step, the number of steps done and the number of all steps."""

TOLERANCE_M2 = 100.0
"""Largest gap or overlap of two neighbours that is put up with (0.15 mu)."""

_STEPS = ("read", "match", "datum", "coverage", "nesting", "write")
_UNSAFE_DATUM_WORDS = ("xian", "beijing", "西安", "北京")
_POLYGONS = ("Polygon", "MultiPolygon")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What was imported.

    Attributes
    ----------
    import_id
        Name of the import in the store, for `remove_import`.
    level, count
        Level and number of the divisions.
    datum
        How the file fits the reference lines, before any conversion.
    converted
        Whether the coordinates were converted from GCJ-02.
    missing
        Codes of divisions that the parents of the imported ones also have, but neither the file
        nor the store.
    warnings
        What to read before using the import.
    """

    import_id: str
    level: Level
    count: int
    datum: DatumFit
    converted: bool
    missing: tuple[str, ...]
    warnings: tuple[Problem, ...]


def import_boundaries(  # noqa: PLR0913 (each is an option of the command)
    path: Path,
    *,
    level: Level | str,
    store: Path,
    reference: gpd.GeoDataFrame,
    names: pd.DataFrame,
    aliases: pd.DataFrame | None = None,
    crs: str | None = None,
    layer: str | None = None,
    encoding: str | None = None,
    accept_gcj02: bool = False,
    tolerance_m2: float = TOLERANCE_M2,
    edge_tolerance_m: float = EDGE_TOLERANCE_M,
    as_of: str | None = None,
    publisher: str | None = None,
    licence: str | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Check a file of county or township polygons and put it into the store.

    Parameters
    ----------
    path, layer, encoding
        The file, as for `geoplan.vector.read_vector`.
    level
        ``county`` or ``township``.
    store
        Folder of the imports; made if it is not there.
    reference
        Counties of the default layer: ``code, name, level, parent, geometry`` in EPSG:4490.
    names
        ``code, name, level, parent``: all divisions to the township.
    aliases
        ``alias, target_code``: other names that are accepted with a warning.
    crs
        CRS of a file that declares none.
    accept_gcj02
        Convert the file if it turns out to be GCJ-02, instead of refusing it.
    tolerance_m2
        Largest gap or overlap of neighbours, in square metres.
    edge_tolerance_m
        How far the file may leave the reference county, in metres.
    as_of, publisher, licence
        State of the boundaries (a date), who issued them, on what terms; kept in the provenance.
    progress
        Called after each step.

    Raises
    ------
    VectorError
        If the file cannot be read.
    ImportRefusedError
        If it fails a check; `problems` lists all faults. The store is as it was.
    """
    level = Level(level)
    if level not in {Level.COUNTY, Level.TOWNSHIP}:
        raise ImportRefusedError(f"boundaries of level {level} cannot be imported; county and township can.")
    require_crs(reference, STORAGE)
    done = _Steps(progress)
    source = read_vector(path, layer=layer, crs=crs, encoding=encoding, text_columns=text_columns())
    frame = _located(source, reference)
    done("read")
    matching = match_features(frame, level=level, names=names, reference=reference, aliases=aliases, file=source.name)
    draft = _Draft(source, level, frame, matching, names, reference)
    draft.check_identity(store)
    done("match")
    fit = draft.check_datum(accept_gcj02=accept_gcj02)
    done("datum")
    draft.check_coverage(tolerance_m2)
    done("coverage")
    missing = draft.check_nesting(store, edge_tolerance_m)
    done("nesting")
    draft.refuse_if_faulty()
    source_label = publisher or source.name
    result = draft.result(source_label, as_of or "")
    if not as_of:
        draft.warn("as-of", "the state (date) of the boundaries was not given", "Give it with --as-of.")
    provenance = draft.provenance(fit, missing, {"as_of": as_of, "publisher": publisher, "licence": licence})
    import_id = f"{level}-{source.sha256[:12]}"
    with locked(store):
        draft.check_store(store, import_id)
        draft.refuse_if_faulty()
        write_import(store, import_id, result, provenance)
    done("write")
    return ImportReport(import_id, level, len(result), fit, draft.converted, missing, tuple(draft.warnings))


class _Steps:
    """Reports how many steps are done."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def __call__(self, step: str) -> None:
        if self._progress is not None:
            self._progress(step, _STEPS.index(step) + 1, len(_STEPS))


def _located(source: VectorFile, reference: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The file in EPSG:4490, or a refusal if it cannot be where its CRS says."""
    declared = source.frame.crs
    datum = declared.geodetic_crs.name if declared.geodetic_crs is not None else ""
    if any(word in datum.lower() for word in _UNSAFE_DATUM_WORDS):
        # Also where the file spells the datum out instead of giving a code, which `to_storage` does not know.
        raise _refusal(source, [*source.problems, Problem("crs", f"the coordinates are in {datum}, from which no "
            "public transformation is exact.", source.name,
            remedy="Transform the file to CGCS2000 with your local parameters first.")])  # fmt: skip
    frame = to_storage(source.frame)
    bounds = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)].bounds
    if bounds.empty:
        raise _refusal(source, [*source.problems, Problem("empty", "no feature has a geometry.", source.name)])
    west, south, east, north = reference.total_bounds
    inside = (bounds.maxx > west) & (bounds.minx < east) & (bounds.maxy > south) & (bounds.miny < north)
    if inside.sum() * 2 < len(bounds):
        fault = Problem(
            "elsewhere",
            f"{len(bounds) - inside.sum()} of {len(bounds)} features lie outside {west:.2f}-{east:.2f}° E, "
            f"{south:.2f}-{north:.2f}° N when read as {declared.to_string()[:40]}.",
            source.name,
            remedy="The CRS is wrong. Zone numbers in x (38 500 000) need EPSG:4526 or the like, plain x EPSG:4547.",
        )
        raise _refusal(source, [*source.problems, fault])
    return frame


def _refusal(source: VectorFile, problems: list[Problem]) -> ImportRefusedError:
    many = "1 fault" if len(problems) == 1 else f"{len(problems)} faults"
    return ImportRefusedError(f"{source.name} was not imported, it has {many}; the store is as it was.", problems)


class _Draft:
    """An import while it is being checked: the frame, the faults and the warnings so far."""

    def __init__(
        self,
        source: VectorFile,
        level: Level,
        frame: gpd.GeoDataFrame,
        matching: Matching,
        names: pd.DataFrame,
        reference: gpd.GeoDataFrame,
    ) -> None:
        self.source, self.level, self.matching = source, level, matching
        self.problems = [replace(p, message=self._named(p.message)) for p in source.problems] + list(matching.problems)
        self.warnings = list(matching.notes)
        self.converted = False
        self._names = names[names["level"].eq(level.value)].set_index("code")
        self._counties = reference.set_index("code")
        matched = gpd.GeoDataFrame(geometry=frame.geometry.loc[matching.codes.index])
        matched["code"] = matching.codes
        matched["name"] = matched["code"].map(self._names["name"])
        matched["parent"] = matched["code"].map(self._names["parent"])
        matched["county"] = matched["code"] if level is Level.COUNTY else matched["parent"]
        self._all = matched
        shapes = matched.geometry
        areal = ~shapes.isna() & shapes.geom_type.isin(_POLYGONS)
        for number in frame.index[~frame.geometry.isna() & ~frame.geometry.geom_type.isin(_POLYGONS)]:
            self.fault("not-polygon", f"{self.label(number)}: it is a {frame.geometry[number].geom_type}, not an area",
                       "Choose the layer of areas, or turn lines into polygons in a GIS.")  # fmt: skip
        self.valid: gpd.GeoDataFrame = matched[areal & shapes.is_valid & ~shapes.is_empty]

    def label(self, number: int) -> str:
        """How messages call a feature."""
        return self.matching.labels.get(number, f"feature {number}")

    def _named(self, message: str) -> str:
        head, _, rest = message.partition(":")
        return f"{self.label(int(head.removeprefix('feature ')))}:{rest}"

    def fault(self, code: str, message: str, remedy: str) -> None:
        """Note a fault that refuses the import."""
        self.problems.append(Problem(code, f"{message}.", self.source.name, remedy=remedy))

    def warn(self, code: str, message: str, remedy: str = "") -> None:
        """Note something to be read."""
        self.warnings.append(Problem(code, f"{message}.", self.source.name, remedy=remedy))

    def refuse_if_faulty(self) -> None:
        """Raise everything that was found, if anything was."""
        if not len(self._all) and not self.problems:
            self.fault("empty", "the layer has no features", "Choose another layer.")
        if self.problems:
            raise _refusal(self.source, self.problems)

    def check_identity(self, store: Path) -> None:
        """No division twice in the file."""
        for code, group in self._all.groupby("code", sort=True):
            if len(group) > 1:
                which = ", ".join(str(n) for n in group.index)
                self.fault("duplicate", f"features {which} are all {group['name'].iloc[0]} ({code})",
                           "Dissolve them into one multipart feature, or correct their names.")  # fmt: skip
        self.check_store(store, "")

    def check_store(self, store: Path, import_id: str) -> None:
        """No division that another import holds."""
        held = held_codes(store, self.level)
        clashes = self._all["code"].map(held).dropna()
        if clashes.empty and import_id and (store / import_id).exists():
            self.fault("imported", f"this file has been imported as {import_id}", "Remove that import first.")
        for other, group in clashes.groupby(clashes):
            some = ", ".join(self._all["name"][group.index[:5]])
            self.fault("held", f"{len(group)} divisions ({some}...) are already in import {other}",
                       f"Remove {other} first, or leave them out of the file.")  # fmt: skip

    def check_datum(self, *, accept_gcj02: bool) -> DatumFit:
        """Refuse or convert GCJ-02; warn where nothing can be said."""
        outlines = self.valid.geometry
        if outlines.empty:
            raise _refusal(self.source, self.problems)
        if self.level is Level.TOWNSHIP:
            outlines = self.valid.dissolve("county").geometry
        fit = detect_datum(outlines, self._counties.geometry)
        move = f"{fit.shift_east_m:+.0f} m east, {fit.shift_north_m:+.0f} m north"
        figures = (
            f"best fit after a move of {move}; mean distance to the reference county lines {fit.residual_m:.0f} m as "
            f"it is, {fit.residual_gcj_m:.0f} m as GCJ-02, {fit.n_vertices} vertices"
        )
        if fit.verdict == "gcj02":
            # Also where it will be refused: the other checks then see the true positions.
            self._convert()
        if self.converted and accept_gcj02:
            self.warn("gcj02", f"converted from GCJ-02 ({figures})")
        elif self.converted:
            self.fault("gcj02", f"this looks like GCJ-02, not {self.source.frame.crs.to_string()[:40]} ({figures})",
                       "Ask for the original in CGCS2000, or have it converted with --accept-gcj02.")  # fmt: skip
        elif fit.verdict == "undecided" and fit.displaced:
            self.fault("displaced", f"the boundaries are displaced, but not by GCJ-02 ({figures})",
                       "They may be in BD-09 or in another datum; transform them to CGCS2000 first.")  # fmt: skip
        elif fit.verdict == "undecided":
            also = "; it was not converted" if accept_gcj02 else ""
            self.warn("datum-unknown", f"whether this is GCJ-02 cannot be told from its outline{also} ({figures})",
                      "Compare it with known places before you use it.")  # fmt: skip
        elif accept_gcj02:
            self.warn("not-gcj02", f"the file is not GCJ-02 and was not converted ({figures})")
        return fit

    def _convert(self) -> None:
        shapes: NDArray[np.object_] = self.valid.geometry.to_numpy()
        self.valid = self.valid.set_geometry(gcj02.geometries_to_wgs84(shapes)).set_crs(STORAGE)
        self.converted = True

    def check_coverage(self, tolerance_m2: float) -> None:
        """Gaps and overlaps, in the CRS that the edges are straight in."""
        own = self.valid.geometry if self.converted else self.source.frame.geometry[self.valid.index]
        counties = self._counties.geometry[self._counties.index.isin(self.valid["county"])]
        faults, warnings = check_neighbours(own, counties, self.label, tolerance_m2, self.source.name)
        self.problems += faults
        self.warnings += warnings

    def check_nesting(self, store: Path, edge_tolerance_m: float) -> tuple[str, ...]:
        """Places, edges and areas against the reference counties; gives the missing divisions."""
        known = self.valid[self.valid["county"].isin(self._counties.index)]
        for county in sorted(set(self.valid["county"]) - set(self._counties.index)):
            self.warn("no-reference", f"the reference layer has no county {county}; its place was not checked")
        have = set(self._all["code"]) | set(held_codes(store, self.level))
        missing, warnings = missing_divisions(self._names, set(self._all["parent"]), have, self.source.name)
        self.warnings += warnings
        # What another import holds does not fill a county for this file.
        siblings = self._names[self._names["parent"].isin(self._all["parent"])]
        absent = siblings[~siblings.index.isin(self._all["code"])]
        incomplete = set(absent["parent"]) if self.level is Level.TOWNSHIP else set()
        self.problems += check_places(known, self._counties, self.label, self.source.name)
        for faults, warnings in (
            check_edges(known, self._counties, incomplete, edge_tolerance_m, self.source.name),
            ([], check_areas(known, self._counties, incomplete, self.source.name)),
        ):
            self.problems += faults
            self.warnings += warnings
        return missing

    def result(self, source: str, as_of: str) -> gpd.GeoDataFrame:
        """The frame to be stored."""
        declared = self.source.frame.crs.geodetic_crs.name
        datum = "CGCS2000" if "2000" in declared else declared.replace("WGS 84", "WGS84")
        frame = self.valid.reset_index(drop=True).assign(
            level=self.level.value,
            geometry_source=GeometrySource.OFFICIAL.value,
            source=source,
            as_of=as_of,
            datum="WGS84, converted from GCJ-02" if self.converted else datum,
        )
        frame = frame.sort_values("code", ignore_index=True)
        frame.geometry = shapely.normalize(frame.geometry.to_numpy())
        return frame[COLUMNS]

    def provenance(self, fit: DatumFit, missing: tuple[str, ...], told: dict[str, str | None]) -> dict[str, Any]:
        """What is kept beside the frame; no path and no clock."""
        figures = {key: None if pd.isna(value) else value for key, value in asdict(fit).items()}
        return {
            **told,
            "file": self.source.name,
            "sha256": self.source.sha256,
            "layer": self.source.layer,
            "driver": self.source.driver,
            "encoding": self.source.encoding,
            "crs": self.source.frame.crs.to_string(),
            "crs_declared": self.source.crs_declared,
            "datum": {**figures, "converted": self.converted},
            "level": self.level.value,
            "count": len(self.valid),
            "missing": list(missing),
            "warnings": [str(w) for w in self.warnings],
            "geoplan_version": geoplan.__version__,
        }
