"""The differences of two versions of a plan as a layer: where something came, went, rose or fell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import pandas as pd

from geoplan.boundaries.load import Divisions
from geoplan.crs import STORAGE, bounds_of
from geoplan.documents.diff import CLASS_LABELS, Class, Difference, lost_places
from geoplan.errors import Problem
from geoplan.layers.facts import drawn_shape
from geoplan.layers.legend import fill_classes
from geoplan.layers.placement import COARSE_TO_FINE, Located, Shape, Shapes, division_shapes, locate
from geoplan.layers.store import LEVELS, Build, gazetteer, read_boundaries
from geoplan.records import PlaceRef, PlanRecord
from geoplan.terms import Precision, label

if TYPE_CHECKING:
    from geoplan.gazetteer import Gazetteer

LEFT = "left"
"""Class of the places that a moved fact has left."""

_COLOURS = {
    Class.ADDED.value: "#1b7f5c", Class.ROSE.value: "#2f6db3", Class.MOVED.value: "#8a4fa3", LEFT: "#d3b6e0",
    Class.FELL.value: "#d9822b", Class.DROPPED.value: "#b3362c", Class.CHANGED.value: "#c9b13c",
    Class.REPEATED.value: "#7d8a93",
}  # fmt: skip
_LABELS = {item.value: {"zh": text.zh, "en": text.en} for item, text in CLASS_LABELS.items()}
_LABELS |= {LEFT: {"zh": "原址", "en": "left"}, Class.MOVED.value: {"zh": "移入", "en": "moved here"}}
_DEPTH = {precision.value: depth for depth, precision in enumerate(COARSE_TO_FINE)}
_COLUMNS = (
    "fid", "class", "fill", "name", "change", "change_zh", "detail", "kind_zh", "theme_zh", "old_record", "new_record",
    "old_line", "new_line", "place", "division_name", "division_code", "precision", "precision_zh", "geometry_source",
    "geometry_source_zh", "reason", "geometry",
)  # fmt: skip


class ChangeLayer(NamedTuple):
    """The layer: one feature a changed fact and place (EPSG:4490; None where it cannot be drawn), and its metadata."""

    frame: gpd.GeoDataFrame
    metadata: dict[str, Any]

    @property
    def undrawn(self) -> list[dict[str, Any]]:
        """Features that are not drawn, with the reason."""
        rows: list[dict[str, Any]] = self.frame[self.frame.geometry.isna()].to_dict("records")
        return [{key: row[key] for key in ("name", "change_zh", "place", "reason")} for row in rows]


@dataclass(frozen=True)
class Ground:
    """What places are looked up in: names, shapes, members of regions, and the plan's own area as a path."""

    gazetteer: Gazetteer
    shapes: Shapes
    regions: Mapping[str, tuple[str, ...]]
    area: str


def read_ground(build: Build, regions: Mapping[str, tuple[str, ...]], area: str) -> Ground:
    """Names and shapes of a build."""
    frames = {name: read_boundaries(build, name) for name in LEVELS}
    none = pd.DataFrame()
    shapes = division_shapes(Divisions(**frames, names=none, aliases=none, villages=none))
    return Ground(gazetteer(build), shapes, regions, area)


def change_layer(
    differences: Sequence[Difference], ground: Ground, title: dict[str, str], sources: Sequence[dict[str, Any]] = ()
) -> ChangeLayer:
    """The layer of everything that is not the same in two versions.

    A moved fact stands at the places it came to and, in a class of its own, at those it left; a dropped one where it
    was. Where several things happened to a fact the first of move, rise, fall and other change gives the class; all
    of them are in its text.

    Parameters
    ----------
    sources
        Sources of the boundaries, for the credit.
    """
    rows = [row for difference in differences for row in _rows(difference, ground)]
    # Coarse features first, so that fine ones are drawn on top.
    rows.sort(key=lambda row: _DEPTH[row["precision"]])
    for number, row in enumerate(rows, start=1):
        row["fid"] = number
    shown = [item for item in _COLOURS if any(row["change"] == item and row["geometry"] is not None for row in rows)]
    frame = gpd.GeoDataFrame(
        pd.DataFrame(rows, columns=[column for column in _COLUMNS if column not in {"class", "fill"}]),
        geometry="geometry", crs=STORAGE,
    )  # fmt: skip
    for column in ("old_line", "new_line"):
        frame[column] = frame[column].astype("Int64")
    classes = [shown.index(item) if item in shown else -1 for item in frame["change"]]
    frame.insert(1, "class", pd.array(classes, dtype="int64"))
    counts = frame[~frame.geometry.isna()]["change"].value_counts()
    legend: dict[str, Any] = {
        "type": "categories", "field": "change", "title": {"zh": "变化", "en": "change"}, "unit": None, "other": None,
        "entries": [
            {"label": _LABELS[item], "color": _COLOURS[item], "count": int(counts[item]), "value": item}
            for item in shown
        ],
    }  # fmt: skip
    frame.insert(2, "fill", fill_classes(frame, legend))
    bounds = bounds_of(frame.geometry)
    metadata = {
        "id": "changes", "title": title, "visible": True, "count": len(frame), "legend": legend,
        "unplaced": int(frame.geometry.isna().sum()), "bounds": None if bounds is None else list(bounds),
        "fill_levels": [level for level in _DEPTH if _DEPTH[level] >= _DEPTH["county"]], "sources": list(sources),
    }  # fmt: skip
    return ChangeLayer(frame, metadata)


def _rows(difference: Difference, ground: Ground) -> Iterator[dict[str, Any]]:
    item = difference.classes[0]
    if item is Class.SAME:
        return
    old, new = difference.old, difference.new
    if old is not None and new is not None and item is Class.MOVED:
        for lost in lost_places(old, new):
            yield _row(difference, LEFT, old, lost, ground)
    record = difference.record
    for ref in record.places or (None,):
        yield _row(difference, item.value, record, ref, ground)


def _row(difference: Difference, item: str, record: PlanRecord, ref: PlaceRef | None, ground: Ground) -> dict[str, Any]:
    found = _found(record, ref, ground)
    division = found.located.division if found.located else None
    shape = found.shape
    return {
        "name": record.name, "change": item, "change_zh": _LABELS[item]["zh"], "detail": "；".join(difference.details),
        "kind_zh": label(record.kind).zh, "theme_zh": label(record.theme).zh,
        "old_record": difference.old.id if difference.old else None,
        "new_record": difference.new.id if difference.new else None,
        "old_line": difference.old.citation.line if difference.old else None,
        "new_line": difference.new.citation.line if difference.new else None,
        "place": "/".join(ref.path) if ref else record.region,
        "division_name": division.name if division else record.region or None,
        "division_code": division.code if division else None,
        "precision": shape.precision.value, "precision_zh": label(shape.precision).zh,
        "geometry_source": shape.source.value, "geometry_source_zh": label(shape.source).zh,
        "reason": found.reason if shape.geometry is None else None, "geometry": shape.geometry,
    }  # fmt: skip


class _Found(NamedTuple):
    shape: Shape
    located: Located | None
    reason: str


def _found(record: PlanRecord, ref: PlaceRef | None, ground: Ground) -> _Found:
    if ref is None:
        shape = ground.shapes.union(ground.regions.get(record.region, ()), Precision.REGION)
        return _Found(shape, None, "片区没有载明范围")
    located = locate(ground.gazetteer, ground.area, ref, f"{record.plan}.csv", 0)
    if isinstance(located, Problem):
        return _Found(ground.shapes.union((), Precision.REGION), None, "没有这个地名")
    shape = drawn_shape(located, record.kind, ground.shapes)
    return _Found(shape, located, "地名有歧义或名录中没有" if located.flags else "没有这一级的界线")
