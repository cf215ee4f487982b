"""First pass of a build: batches of the source, each sorted along the Hilbert curve, spilled to scratch files.

A spilled batch is one Arrow file: its rows in the order of their keys, attributes as codes of a dictionary that grows
from batch to batch, or as values where there are too many of them. The file is renamed when it is complete, so that a
build that was killed goes on behind the last complete one.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray
from pyarrow import ipc
from pyproj import CRS, Transformer

from geoplan.crs import DISPLAY, STORAGE
from geoplan.errors import PackError
from geoplan.pack.arrow import from_nested, nested, numbers
from geoplan.pack.columns import MOST_CODES, ColumnSpec, canonical
from geoplan.pack.geometry import bounding_boxes, join, shapes_of, take, to_geometry
from geoplan.pack.hilbert import hilbert_keys
from geoplan.pack.mercator import DEGREE_UNITS, EXACT_ZOOM
from geoplan.pack.part import MULTI, NONE, POLYGON, Geometry
from geoplan.pack.shapes import to_shapely
from geoplan.pack.validity import zoom_mask
from geoplan.pack.wkb import COLLECTION, READ, UNREADABLE, Shapes, read_wkb

WORKERS = 2
LISTED_ROWS = 100
"""Rows of each kind of fault that are listed; all are counted."""
_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """What is read of a source: columns with their types, the geometry, the id."""

    specs: Sequence[ColumnSpec]
    geometry: str
    id_column: str | None
    crs: CRS
    name: str


@dataclass(slots=True)
class Faults:
    """Features whose shape was not taken as it was, by the number of their row (the first is 1)."""

    counts: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[int]] = field(default_factory=dict)

    def add(self, fault: str, rows: Sequence[int] | NDArray[Any], count: int | None = None) -> None:
        """Count rows; list them as far as there is room."""
        self.counts[fault] = self.counts.get(fault, 0) + (len(rows) if count is None else count)
        listed = self.rows.setdefault(fault, [])
        listed.extend(int(row) for row in rows[: LISTED_ROWS - len(listed)])


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch with its rows in the order of their keys."""

    arrays: dict[str, pa.Array]
    columns: list[pa.Array]
    faults: Faults
    keys: NDArray[np.uint64]
    vertices: NDArray[np.int64]


class Dictionaries:
    """Values of each column in the order in which they appeared, as long as they are few."""

    def __init__(self, specs: Sequence[ColumnSpec]) -> None:
        self.values: list[dict[Any, int]] = [{} for _ in specs]
        self.plain: set[int] = set()

    def encode(self, place: int, array: pa.Array) -> tuple[pa.Array, list[Any]]:
        """Codes (int32) of an array's values and the values that are new; or the array, if they are too many."""
        if place in self.plain:
            return array, []
        known = self.values[place]
        encoded = array.dictionary_encode()
        listed = physical(encoded.dictionary).to_pylist() if len(encoded.dictionary) <= MOST_CODES else None
        new = [value for value in listed if value not in known] if listed is not None else []
        if listed is None or len(known) + len(new) > MOST_CODES:
            return array, []
        self.learn(place, new)
        places = pa.array([known[value] for value in listed], pa.int32())
        return places.take(encoded.indices), new

    def learn(self, place: int, new: Sequence[Any]) -> None:
        """Add values to a column's."""
        known = self.values[place]
        start = len(known)
        known.update((value, start + k) for k, value in enumerate(new))

    def listed(self, place: int, arrow: pa.DataType) -> pa.Array:
        """Values of a column by their codes."""
        values = list(self.values[place])
        if pa.types.is_date32(arrow):
            return pa.array(values, pa.int32()).cast(arrow)
        return pa.array(values, pa.int64()).cast(arrow) if pa.types.is_timestamp(arrow) else pa.array(values, arrow)


def physical(array: pa.Array) -> pa.Array:
    """Dates and times as the whole numbers that they are kept as; other values as they are."""
    if pa.types.is_date32(array.type):
        return array.cast(pa.int32())
    return array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array


def prepare(batch: pa.RecordBatch, first: int, plan: Plan) -> Prepared:
    """Read, transform, check and sort one batch, whose first row is row `first` (from 0) of the source.

    Raises
    ------
    PackError
        If a feature is a collection or lies outside the world, or a value is not of its column's type.
    """
    faults = Faults()
    geometry = _checked(batch.column(plan.geometry), first, plan, faults)
    boxes = bounding_boxes(geometry)
    keys = hilbert_keys(boxes)
    order = np.argsort(keys, kind="stable")
    sorted_geometry = take(geometry, order)
    picked = pa.array(order)
    ids = canonical(batch.column(plan.id_column), plan.id_column, "integer") if plan.id_column else None
    arrays = {
        "key": numbers(keys[order]),
        "row": numbers(order + first),
        "id": ids.take(picked) if ids is not None else numbers(order + first + 1),
        "kind": numbers(sorted_geometry.kinds),
        "box": pa.FixedSizeListArray.from_arrays(numbers(boxes[order]), 4),
        "geometry": nested(sorted_geometry),
    }
    columns = [canonical(batch.column(s.name), s.name, str(s.type)).take(picked) for s in plan.specs]
    return Prepared(arrays, columns, faults, keys[order], vertex_counts(sorted_geometry))


def vertex_counts(geometry: Geometry) -> NDArray[np.int64]:
    """Number of vertices of each feature."""
    ends = geometry.vertices[geometry.rings[geometry.members]].astype(np.int64)
    return ends[1:] - ends[:-1]


def prepared(batches: Iterator[pa.RecordBatch], plan: Plan, first: int) -> Iterator[Prepared]:
    """Batches prepared by `WORKERS` threads, in their order; few are ahead at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        ahead: list[Future[Prepared]] = []
        for batch in batches:
            ahead.append(pool.submit(prepare, batch, first, plan))
            first += batch.num_rows
            if len(ahead) > WORKERS:
                yield ahead.pop(0).result()
        for future in ahead:
            yield future.result()


def spill(path: Path, batch: Prepared, dictionaries: Dictionaries, rows: int) -> None:
    """Write a batch to a scratch file, whole or not at all."""
    arrays = dict(batch.arrays)
    new: dict[str, list[Any]] = {}
    plain = []
    for place, array in enumerate(batch.columns):
        arrays[f"c{place}"], added = dictionaries.encode(place, array)
        if arrays[f"c{place}"] is array:
            dictionaries.plain.add(place)
            plain.append(place)
        elif added:
            new[str(place)] = added
    about = {"rows": rows, "new": new, "plain": plain, "counts": batch.faults.counts, "listed": batch.faults.rows}
    record = pa.record_batch(arrays).replace_schema_metadata({"about": json.dumps(about, ensure_ascii=False)})
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as stream, ipc.new_file(stream, record.schema) as writer:
        writer.write_batch(record)
    temporary.rename(path)


def read_spilled(path: Path) -> pa.RecordBatch:
    """A spilled batch, mapped: keep no array of it, or its pages stay in the memory."""
    return ipc.open_file(pa.memory_map(str(path))).get_batch(0)


def noted(batch: pa.RecordBatch) -> dict[str, Any]:
    """What was noted with a spilled batch."""
    found: dict[str, Any] = json.loads(batch.schema.metadata[b"about"])
    return found


def spilled_geometry(batch: pa.RecordBatch) -> Geometry:
    """Shapes of a spilled batch."""
    return from_nested(batch.column("kind"), batch.column("geometry"))


def _checked(column: pa.Array, first: int, plan: Plan, faults: Faults) -> Geometry:
    """Shapes in degrees that are valid there; what had to be done is noted in `faults`."""
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    shapes, states = read_wkb(column)
    if np.any(states == COLLECTION):
        row = first + int(np.argmax(states == COLLECTION)) + 1
        raise PackError(
            f"{plan.name}: feature {row} is a geometry collection or a curve; a pack holds points, lines and polygons. "
            "Split or convert it."
        )
    if np.any(states == UNREADABLE):
        faults.add("unreadable", np.flatnonzero(states == UNREADABLE) + first + 1)
    empty = (shapes.kinds == NONE) & (states == READ)
    if np.any(empty):
        faults.add("missing", np.flatnonzero(empty) + first + 1)
    geometry = to_geometry(_in_degrees(shapes, first, plan))
    return _repaired(geometry, first, faults)


def _in_degrees(shapes: Shapes, first: int, plan: Plan) -> Shapes:
    """Positions brought to EPSG:4490; `PackError` where one is outside the world."""
    positions = shapes.positions
    project = _transformer(plan.crs)
    if project is not None:
        positions = np.column_stack(project.transform(positions[:, 0], positions[:, 1]))
    inside = (np.abs(positions[:, 0]) <= 180) & (np.abs(positions[:, 1]) <= 90)
    if not np.all(inside):
        place = int(np.argmin(inside))
        ends = shapes.vertices[shapes.rings[shapes.members]]
        row = first + int(np.searchsorted(ends, place, side="right"))
        raise PackError(
            f"{plan.name}: feature {row} lies outside the world in {plan.crs.name[:60]!r}; "
            "correct its coordinates, or the CRS that the source declares."
        )
    return shapes._replace(positions=positions)


_local = threading.local()


def _transformer(crs: CRS) -> Transformer | None:
    """Transformer of this thread (they must not be shared); None where degrees are taken as they are."""
    known: dict[str, Transformer | None] = _local.__dict__.setdefault("known", {})
    text = crs.to_wkt()
    if text not in known:
        same = any(crs.equals(CRS.from_user_input(name), ignore_axis_order=True) for name in (STORAGE, DISPLAY))
        same = same or crs.to_authority() == ("OGC", "CRS84")
        known[text] = None if same else Transformer.from_crs(crs, STORAGE, always_xy=True)
    return known[text]


def _repaired(geometry: Geometry, first: int, faults: Faults) -> Geometry:
    """The same shapes, those of polygons that are not valid in whole 1e-7 degrees replaced by their repaired areas."""
    bad = np.flatnonzero(~sound(geometry))
    if not len(bad):
        return geometry
    fixed = repair_degrees(take(geometry, bad))
    gone = bad[fixed.kinds == NONE]
    kept = bad[fixed.kinds != NONE]
    for fault, rows in (("repaired", kept), ("collapsed", gone)):
        if len(rows):
            faults.add(fault, rows + first + 1)
    places = np.arange(len(geometry.kinds))
    places[bad] = len(geometry.kinds) + np.arange(len(bad))
    return take(join([geometry, fixed]), places)


def sound(geometry: Geometry) -> NDArray[np.bool_]:
    """Which shapes are valid in whole 1e-7 degrees; points and lines are."""
    # The finest zoom takes positions as they are; its y grows to the south.
    grid = replace(geometry, mercator=geometry.degrees * np.array([1, -1], np.int32))
    mask = zoom_mask(grid, range(EXACT_ZOOM, EXACT_ZOOM + 1))
    found: NDArray[np.bool_] = ((mask >> np.uint32(EXACT_ZOOM)) & np.uint32(1) != 0) | (geometry.kinds & 3 != POLYGON)
    doubtful = np.flatnonzero(~found)
    # The exact test does not judge shapes that are very wide.
    found[doubtful] = shapely.is_valid(to_shapely(take(geometry, doubtful)))
    return found


def repair_degrees(geometry: Geometry) -> Geometry:
    """Valid polygons for invalid ones: the areas that their rings enclose, in whole 1e-7 degrees."""
    areas = to_shapely(geometry)
    for attempt in range(_ROUNDS):
        areas = shapely.make_valid(areas, method="structure", keep_collapsed=False)
        if attempt > 0:
            areas = shapely.set_precision(areas, 1 / DEGREE_UNITS)
        found = to_geometry(shapes_of(_polygons_only(areas)))
        if bool(np.all(sound(found))):
            break
        areas = to_shapely(found)
    else:
        areas[~sound(found)] = None
        found = to_geometry(shapes_of(areas))
    several = (geometry.kinds & MULTI).astype(np.uint8)
    return replace(found, kinds=np.where(found.kinds == NONE, 0, found.kinds | several).astype(np.uint8))


def _polygons_only(areas: NDArray[Any]) -> NDArray[Any]:
    """Without the lines and points to which parts of an area have collapsed."""
    mixed = shapely.get_type_id(areas) == shapely.GeometryType.GEOMETRYCOLLECTION
    found = areas.copy()
    for row in np.flatnonzero(mixed):
        parts = shapely.get_parts(areas[row])
        found[row] = shapely.union_all(parts[shapely.get_dimensions(parts) == 2])
    flat = shapely.get_dimensions(found) < 2
    found[flat] = None
    return found


def missing_mask(array: pa.Array) -> NDArray[np.bool_]:
    """Which values are missing."""
    return np.asarray(pc.is_null(array).to_numpy(zero_copy_only=False), np.bool_)
