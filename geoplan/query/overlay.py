"""Areas of overlap between the classes of two layers.

Areas are on the ellipsoid: shapes are laid over each other in EPSG:6933, so that the pieces of a shape add up to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geoplan.crs import EQUAL_AREA, STORAGE, transformer
from geoplan.errors import QueryError
from geoplan.pack.part import POLYGON, Part
from geoplan.pack.search import search
from geoplan.query.access import matching
from geoplan.query.answer import plan_of, without_approximate
from geoplan.query.model import Query
from geoplan.query.shapes import shapes_of
from geoplan.query.used import Label, LayerUse, Pack, Rows, classes_of, layer_use

MOST_PAIRS = 500_000
"""Pairs of features that one overlay looks at."""
MOST_POSITIONS = 20_000_000
"""Positions of all shapes that one overlay takes up."""
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Overlap:
    """Areas in m² of the classes of one layer in those of another.

    Attributes
    ----------
    rows, columns
        Classes of the first (r) and of the second layer (c), ascending, the missing one last.
    area_m2
        (r, c) Area of each class of the first layer that lies in each class of the second.
    total_m2, uncovered_m2, repeated_m2
        (r) Area of each class; how much of it lies in no feature of the second layer; and how much the
        row counts too often because features of the second layer overlap one another. For each row
        ``area_m2.sum() + uncovered_m2 - repeated_m2 = total_m2``.
    pairs
        How many pairs of features were laid over each other.
    first, second
        The layers.
    """

    rows: tuple[Label, ...]
    columns: tuple[Label, ...]
    area_m2: NDArray[np.float64]
    total_m2: NDArray[np.float64]
    uncovered_m2: NDArray[np.float64]
    repeated_m2: NDArray[np.float64]
    pairs: int
    first: LayerUse
    second: LayerUse


def overlap_matrix(
    first: Pack,
    second: Pack,
    *,
    first_class: str | None = None,
    second_class: str | None = None,
    query: Query | None = None,
    second_query: Query | None = None,
) -> Overlap:
    """How much of each class of one layer lies in each class of another.

    Parameters
    ----------
    first, second
        The layers; only polygons count, and none that is drawn only approximately.
    first_class, second_class
        Properties with the classes; None: the whole layer is one class.
    query, second_query
        Which features of the layers (their conditions; pages and order are ignored).

    Raises
    ------
    QueryError
        If there are more than `MOST_PAIRS` pairs of features whose boxes meet, or the shapes have more than
        `MOST_POSITIONS` positions: ask for a smaller area.
    """
    one, use = _polygons(first, query)
    part, other = first.source, second.source
    near, two = _candidates(part, one, other), _polygons(second, second_query)
    chosen = np.intersect1d(near, two[0])
    _check_size((part, one), (other, chosen))
    shapes, others = _projected(part, one), _projected(other, chosen)
    rows, row_of = classes_of(part, one, first_class)
    columns, column_of = classes_of(other, chosen, second_class)
    tree = shapely.STRtree(others)
    sums = np.zeros((len(rows), len(columns)))
    uncovered, repeated = np.zeros(len(rows)), np.zeros(len(rows))
    areas = shapely.area(shapes)
    pairs = 0
    for start in range(0, len(one), _BATCH):
        batch = shapes[start : start + _BATCH]
        left, right = tree.query(batch, predicate="intersects")
        pairs += len(left)
        _check_pairs(pairs)
        pieces = shapely.intersection(batch[left], others[right])
        sizes = shapely.area(pieces)
        classes = row_of[start : start + len(batch)]
        np.add.at(sums, (classes[left], column_of[right]), sizes)
        total = np.bincount(left, sizes, len(batch))
        covered = np.array([_union_area(pieces[left == index]) for index in range(len(batch))])
        np.add.at(uncovered, classes, np.maximum(areas[start : start + len(batch)] - covered, 0.0))
        np.add.at(repeated, classes, total - covered)
    totals = np.asarray(np.bincount(row_of, areas, len(rows)) if len(rows) else np.zeros(0), np.float64)
    return Overlap(rows, columns, sums, totals, uncovered, repeated, pairs, use, two[1])


def _union_area(pieces: NDArray[Any]) -> float:
    if len(pieces) == 0:
        return 0.0
    return float(shapely.area(pieces[0] if len(pieces) == 1 else shapely.union_all(pieces)))


def _polygons(pack: Pack, query: Query | None) -> tuple[Rows, LayerUse]:
    """The polygons that the conditions choose, ascending; and what was left out."""
    part = pack.source
    rows = matching(plan_of(pack, query or Query()))
    polygons = np.sort(rows[part.geometry.kinds[rows] & 3 == POLYGON])
    kept, excluded = without_approximate(pack, polygons)
    return kept, layer_use(pack, len(kept), excluded, len(rows) - len(polygons))


def _candidates(part: Part, rows: Rows, other: Part) -> Rows:
    """Features of the other part whose boxes meet one of the rows'."""
    found: list[NDArray[np.uint32]] = []
    pairs = 0
    for box in part.tree.boxes[rows].tolist():
        found.append(search(other.tree, tuple(box)))
        pairs += len(found[-1])
        _check_pairs(pairs)
    return np.unique(np.concatenate(found)).astype(np.int64) if found else np.zeros(0, np.int64)


def _check_pairs(pairs: int) -> None:
    if pairs > MOST_PAIRS:
        raise QueryError(f"overlap: more than {MOST_PAIRS} pairs of features; ask for a smaller area or fewer classes.")


def _check_size(*chosen: tuple[Part, Rows]) -> None:
    positions = 0
    for part, rows in chosen:
        shape = part.geometry
        first, last = shape.rings[shape.members[rows]], shape.rings[shape.members[rows + 1]]
        positions += int((shape.vertices[last].astype(np.int64) - shape.vertices[first]).sum())
    if positions > MOST_POSITIONS:
        raise QueryError(
            f"overlap: shapes of {positions} positions, more than {MOST_POSITIONS}; ask for a smaller area."
        )


def _projected(part: Part, rows: Rows) -> NDArray[Any]:
    """Shapes of the rows in EPSG:6933; positions rounded to 1e-7 degrees may leave a border that meets itself."""
    project = transformer(STORAGE, EQUAL_AREA).transform
    shapes = shapely.transform(shapes_of(part, rows), lambda xy: np.column_stack(project(xy[:, 0], xy[:, 1])))
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return np.asarray(shapes)
