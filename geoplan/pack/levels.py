"""Parts for low zooms: large shapes simplified with their neighbours, many small ones dissolved, nothing left out.

Which of the two a layer gets, and from which zoom down, follows from how heavy its tiles would be; a `LevelRule` says
otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack.assemble import ALL_ZOOMS, assemble_columns, pairs_of, validity_of
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.dissolve import Mosaic, Sources, dissolve, sources_of
from geoplan.pack.geometry import bounding_boxes, take
from geoplan.pack.hilbert import hilbert_keys
from geoplan.pack.mercator import WORLD_BITS
from geoplan.pack.part import POLYGON, Column, Part, Validity, empty_geometry
from geoplan.pack.simplify import simplified
from geoplan.pack.statistics import (
    NUMERIC,
    Attributes,
    Counted,
    Statistic,
    common_values,
    is_common,
    number_of,
    shares,
    sizes,
)
from geoplan.pack.tree import build_tree

DISSOLVED_ID = 1 << 50
"""Ids of dissolved shapes begin here: they name no feature of the source."""
_MANY = 500_000
"""A layer of more features is dissolved at every zoom below the complete ones."""
_FEW_VALUES = 32
"""A column with more distinct values is no class to dissolve by, unless the rule names it."""
_FEW_COMBINATIONS = 1 << 20
"""Combinations that are numbered without sorting the rows."""
_COHERENT = 0.5
"""Two columns are dissolved by together if the pair keeps so much of the agreement of the first alone."""
# gzip bytes in a tile, as measured on complete and dissolved parcels: of a feature, of an attribute with few and
# with many different values, of a vertex of a full shape and of a corner of a dissolved one. Rather too much.
_FEATURE_BYTES, _CODED_BYTES, _PLAIN_BYTES, _VERTEX_BYTES, _CORNER_BYTES = 5.0, 1.5, 8.0, 1.3, 0.9
_SIMPLE_SHAPE = 12  # so few vertices may be left of a shape that is simplified

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class LevelRule:
    """How a layer is drawn at low zooms.

    Attributes
    ----------
    complete_zoom
        From this zoom on every feature is in its tile; below it a layer may be dissolved.
    max_zoom
        Highest zoom that is dissolved; None: where complete tiles would go beyond `tile_bytes`; -1: none.
    dissolve
        Columns whose values are kept apart; None: chosen.
    statistics
        Statistics of columns that the dissolved shapes carry, named ``<column>_<statistic>``; a numeric column
        without has its mean, which tiles carry only when asked for it.
    tile_bytes
        Largest tile, in gzip bytes.
    simplify_below
        From this zoom on shapes are not simplified.
    """

    complete_zoom: int = 10
    max_zoom: int | None = None
    dissolve: tuple[str, ...] | None = None
    statistics: Mapping[str, Statistic] = field(default_factory=dict)
    tile_bytes: int = 300_000
    simplify_below: int = 12


def build_levels(
    part: Part,
    rule: LevelRule | None = None,
    *,
    notes: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Part]]:
    """Parts for the zooms at which tiles are not to be made of the full shapes.

    Parameters
    ----------
    part
        The part with full detail; it goes on to serve the zooms that no level has.
    notes
        Filled with what was done, by name of the part: ``method`` (``simplified`` or ``dissolved``), and of a
        dissolved one ``by`` (its columns), ``shapes``, ``count`` (name of the column with the number of features),
        and ``not_in_level`` (source columns it has nothing of).

    Yields
    ------
    name, part
        From the highest zoom down; together they cover the zooms from 0 without gaps.

    Raises
    ------
    PackError
        If the rule names a column that is not there, or one with too many different values to dissolve by.
    """
    rule = rule or LevelRule()
    _check(part, rule)
    told = notes if notes is not None else {}
    tell = progress or (lambda _step, _done, _total: None)
    shaped = part.geometry.kinds[part.geometry.kinds != 0]
    if not len(shaped) or ((shaped & 3) != POLYGON).any():
        return
    top = _highest_dissolved(part, rule)
    for zooms, geometry, validity in simplified(part.geometry, range(top + 1, rule.simplify_below), tell):
        name = f"z{zooms.start}-{zooms.stop - 1}"
        told[name] = {"method": "simplified"}
        tree = build_tree(bounding_boxes(geometry))
        yield name, _with(part, zooms, geometry=geometry, tree=tree, validity=validity)
    if top >= 0:
        yield from _dissolved(part, rule, top, told, tell)


def _with(part: Part, zooms: range, **changes: Any) -> Part:
    return replace(part, min_zoom=zooms.start, max_zoom=zooms.stop - 1, **changes)


def _check(part: Part, rule: LevelRule) -> None:
    names = {column.name for column in part.columns}
    for name in (*(rule.dissolve or ()), *rule.statistics):
        if name not in names:
            raise PackError(f"level rule: there is no column {name!r}; there are {', '.join(sorted(names))}.")
    for name in rule.dissolve or ():
        if part.column(name).codes is None:
            raise PackError(f"level rule: column {name!r} has too many different values to dissolve by; name another.")
    for name, statistic in rule.statistics.items():
        if statistic not in {"first-if-equal", "count"} and part.column(name).type not in NUMERIC:
            raise PackError(f"level rule: column {name!r} holds no numbers, it has no {statistic}.")


def _highest_dissolved(part: Part, rule: LevelRule) -> int:
    """Highest zoom to dissolve; -1: none."""
    highest = min(rule.complete_zoom - 1, 19)
    if rule.max_zoom is not None:
        return min(rule.max_zoom, highest)
    if len(part) > _MANY:
        return highest
    heaviest = _heaviest_tiles(part, highest)
    return max((zoom for zoom, weight in heaviest.items() if weight > rule.tile_bytes), default=-1)


def _heaviest_tiles(part: Part, highest: int) -> dict[int, float]:
    """Estimated gzip bytes of the heaviest complete tile of each zoom, shapes being simplified as far as may be."""
    attributes = sum(
        _PLAIN_BYTES if column.codes is None else _CODED_BYTES for column in part.columns if column.in_tiles
    )
    starts = part.geometry.vertices[part.geometry.rings[part.geometry.members]]
    corners = np.minimum(np.diff(starts), _SIMPLE_SHAPE)
    weights = _FEATURE_BYTES + attributes + _VERTEX_BYTES * corners
    middles = (part.tree.boxes[:, :2].astype(np.int64) + part.tree.boxes[:, 2:]) // 2 + 2**31
    weights[part.tree.boxes[:, 0] > part.tree.boxes[:, 2]] = 0.0
    found = {}
    for zoom in range(highest, -1, -1):
        shift = WORLD_BITS - zoom
        keys = (middles[:, 1] >> shift) << 32 | middles[:, 0] >> shift
        _, tiles = np.unique(keys, return_inverse=True)
        found[zoom] = float(np.bincount(tiles, weights).max(initial=0.0))
    return found


def _dissolved(
    part: Part, rule: LevelRule, top: int, notes: dict[str, Any], tell: Progress
) -> Iterator[tuple[str, Part]]:
    columns = _dissolve_columns(part, rule)
    groups = _groups(columns, len(part))
    sources = sources_of(part.geometry, part.tree.boxes, groups)
    zoom = top
    while zoom >= 0:
        tell("levels", top - zoom, top + 1)
        name, lowest, made = _level(part, rule, sources, columns, zoom, notes)
        yield name, made
        zoom = lowest - 1
    tell("levels", top + 1, top + 1)


def _level(
    part: Part, rule: LevelRule, sources: Sources, columns: list[Column], zoom: int, notes: dict[str, Any]
) -> tuple[str, int, Part]:
    feature = _FEATURE_BYTES + _attribute_bytes(part, rule, columns)

    def fits(shapes: int, corners: int) -> bool:
        return shapes * feature + corners * _CORNER_BYTES <= rule.tile_bytes

    mosaic = dissolve(sources, zoom, fits)
    counted = Counted(mosaic.owners, len(mosaic.groups))
    attributes, count_name = _attributes(part, rule, columns, mosaic, sources, counted)
    # A level light enough for a single tile serves all zooms below.
    light = fits(2 * len(mosaic.groups), 2 * len(mosaic.geometry.mercator))
    lowest = 0 if light else zoom
    name = f"z{lowest}-{zoom}"
    notes[name] = {
        "method": "dissolved",
        "by": [column.name for column in columns],
        "shapes": counted.shapes,
        "count": count_name,
        "not_in_level": attributes.dropped,
    }
    return name, lowest, _part(mosaic, attributes, range(lowest, zoom + 1))


def _attribute_bytes(part: Part, rule: LevelRule, columns: list[Column]) -> float:
    """Estimated gzip bytes of the attributes that tiles have of a dissolved shape, all of them being there."""
    declared = sum(_PLAIN_BYTES for name in rule.statistics if part.column(name).in_tiles)
    classes = [c for c in part.columns if c in columns or (c.codes is not None and c.type not in NUMERIC)]
    return declared + _CODED_BYTES * (1 + sum(column.in_tiles for column in classes))


def _part(mosaic: Mosaic, attributes: Attributes, zooms: range) -> Part:
    boxes = bounding_boxes(mosaic.geometry)
    rows = np.argsort(hilbert_keys(boxes), kind="stable")
    geometry = take(mosaic.geometry, rows)
    picked = pa.array(rows)
    # Ids are given in the order of the rows.
    by_id = np.arange(len(rows), dtype=np.uint32)
    values = [values.take(picked) for values in attributes.values]
    columns, cells, fragments = assemble_columns(attributes.specs, values, by_id)
    ids = DISSOLVED_ID + np.arange(len(rows), dtype=np.int64)
    if len(zooms) == 1:
        # The cells' outlines are whole units of the zoom, and valid as they were made.
        validity = Validity(np.full(len(rows), ALL_ZOOMS), np.zeros(0, np.uint64), empty_geometry())
    else:
        validity = validity_of(geometry, zooms.start, zooms.stop - 1)
    return Part(
        min_zoom=zooms.start,
        max_zoom=zooms.stop - 1,
        ids=ids,
        ids_order=by_id,
        rank=None,
        geometry=geometry,
        tree=build_tree(boxes[rows]),
        validity=validity,
        columns=columns,
        cells=cells,
        fragments=fragments,
        pairs=pairs_of(columns),
    )


def _dissolve_columns(part: Part, rule: LevelRule) -> list[Column]:
    """The rule's columns, or the one or two of few values in which neighbours agree most."""
    if rule.dissolve is not None:
        return [part.column(name) for name in rule.dissolve]
    classes = [
        column
        for column in part.columns
        if column.codes is not None and column.type in {"string", "boolean"} and 2 <= len(column.values) <= _FEW_VALUES
    ]
    if not classes:
        return []
    # Neighbours along the Hilbert curve are mostly neighbours on the ground.
    same = {column.name: _agreeing(column) for column in classes}
    best = max(classes, key=lambda column: same[column.name].mean())
    pairs = [(a, b) for a, b in combinations(classes, 2) if best in (a, b)]
    together = {(a.name, b.name): float((same[a.name] & same[b.name]).mean()) for a, b in pairs}
    if together and max(together.values()) >= _COHERENT * same[best.name].mean():
        first, second = max(together, key=lambda names: together[names])
        return [part.column(first), part.column(second)]
    return [best]


def _agreeing(column: Column) -> NDArray[np.bool_]:
    codes = np.asarray(column.codes)
    found: NDArray[np.bool_] = codes[1:] == codes[:-1]
    return found


def _groups(columns: list[Column], rows: int) -> NDArray[np.int32]:
    """Number of each row's combination of values."""
    keys = np.zeros(rows, np.int64)
    for column in columns:
        keys = keys * (len(column.values) + 1) + np.asarray(column.codes)
    most = int(keys.max(initial=0)) + 1
    if most > _FEW_COMBINATIONS:
        return np.unique(keys, return_inverse=True)[1].astype(np.int32)
    there = np.zeros(most, dtype=bool)
    there[keys] = True
    numbers = np.cumsum(there, dtype=np.int32) - np.int32(1)
    found: NDArray[np.int32] = numbers[keys]
    return found


def _attributes(
    part: Part, rule: LevelRule, columns: list[Column], mosaic: Mosaic, sources: Sources, counted: Counted
) -> tuple[Attributes, str]:
    made = Attributes([], [], [])
    taken = {column.name for column in part.columns}

    def add(spec: ColumnSpec, values: pa.Array, *, own: bool = False) -> str:
        """Take a column in; one that is not the source's `own` gets a name that the source does not use."""
        name = spec.name
        while name in taken and not own:
            name += "_"
        taken.add(name)
        made.specs.append(ColumnSpec(name, spec.type, spec.in_tiles))
        made.values.append(values)
        return name

    some_row = np.zeros(sources.most, np.int64)
    some_row[sources.groups] = np.arange(len(part))
    for column in columns:
        codes = np.asarray(column.codes)[some_row][mosaic.groups].astype(np.int64)
        missing = codes == len(column.values)
        values = column.values.take(pa.array(np.where(missing, 0, codes), mask=missing))
        add(ColumnSpec(column.name, column.type, column.in_tiles), values, own=True)
    count_name = add(ColumnSpec("count", "integer"), pa.array(sizes(counted)))
    own_share = shares(mosaic.groups, sources.groups, counted)
    add(ColumnSpec("share", "number", in_tiles=False), pa.array(own_share))
    for column in part.columns:
        if column in columns:
            continue
        found = list(_column_levels(column, rule.statistics.get(column.name), counted))
        for spec, values in found:
            add(spec, values, own=spec.name == column.name)
        if not found:
            made.dropped.append(column.name)
    return made, count_name


def _column_levels(
    column: Column, declared: Statistic | None, counted: Counted
) -> Iterator[tuple[ColumnSpec, pa.Array]]:
    """What the shapes of a level say of one column."""
    if declared is not None and declared != "first-if-equal":
        yield number_of(f"{column.name}_{declared}", column, declared, counted)
        return
    if declared is None and column.type in NUMERIC:
        spec, values = number_of(f"{column.name}_mean", column, "mean", counted)
        yield ColumnSpec(spec.name, spec.type, in_tiles=False), values
        return
    common = common_values(column, counted)
    if common is not None and (is_common(common[1]) or declared is not None):
        yield ColumnSpec(column.name, column.type, column.in_tiles), common[0]
