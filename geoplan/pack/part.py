"""The arrays of one part of a layer pack, as kernels read them: memory-mapped, never copied.

A pack holds one part per range of zooms. All arrays are in the same order: along a Hilbert curve,
so that what a map shows together lies together. Missing values are missing: they have a code of
their own, an empty vector-tile fragment and the JSON fragment ``null``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

NONE, POINT, LINE, POLYGON = 0, 1, 2, 3
"""Kinds of geometry in `Geometry.kinds`; `MULTI` is added where the feature is declared as several."""
MULTI = 4
NODE_SIZE = 16
"""Children of a node of the packed R-tree."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """Shapes as nested lists: feature → members (points, lines or polygons) → rings → vertices.

    Attributes
    ----------
    kinds
        uint8 (n): 0 none, 1 point, 2 line, 3 polygon; plus 4 for a multi-geometry.
    members, rings, vertices
        int32 offsets: ``members[i]:members[i+1]`` are the members of feature ``i``,
        ``rings[m]:rings[m+1]`` the rings of member ``m``, ``vertices[r]:vertices[r+1]`` the vertices of
        ring ``r``. A point or a line is a member with one ring. Rings of polygons are closed (the last
        vertex is the first), the outer one first and counter-clockwise in degrees, holes clockwise.
    mercator, degrees
        int32 (v, 2): positions on the grid of `geoplan.pack.mercator` (y to the south), and longitude and
        latitude in 1e-7 degrees.
    """

    kinds: NDArray[np.uint8]
    members: NDArray[np.int32]
    rings: NDArray[np.int32]
    vertices: NDArray[np.int32]
    mercator: NDArray[np.int32]
    degrees: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Tree:
    """A packed R-tree over consecutive features.

    Attributes
    ----------
    boxes
        int32 (n, 4): west, north, east, south of each feature on the grid (``min x, min y, max x, max y``,
        y to the south); a feature without a shape has min > max.
    nodes
        int32 (t, 4): boxes of all nodes, the leaves' parents first. Node ``j`` of level 0 bounds the
        features ``16 j`` to ``16 j + 15``, node ``j`` of level ``k`` the nodes ``16 j ...`` of level ``k - 1``.
    starts
        int64 (levels + 1): where each level begins in `nodes`.
    """

    boxes: NDArray[np.int32]
    nodes: NDArray[np.int32]
    starts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Validity:
    """Which polygons stay valid on the grid of a zoom, and the repaired shapes of those that do not.

    Attributes
    ----------
    zooms
        uint32 (n): bit ``z`` is set when the shape, its positions rounded to the units of zoom ``z``
        (`geoplan.pack.mercator`: half a unit added, then shifted down), repeated vertices dropped, is
        valid and not collapsed. Points and lines that do not vanish have all bits set. For zooms from
        20 on the bit tells of the exact positions.
    keys
        uint64 (k), ascending: ``row << 5 | zoom`` of every shape whose bit is not set.
    repaired
        Shapes of `keys` in the same order (kind 0: the shape has collapsed and is in no tile of that
        zoom). Positions are multiples of the zoom's unit, so that rounding them changes nothing; their
        `degrees` are those positions.
    """

    zooms: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    repaired: Geometry


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute.

    Attributes
    ----------
    name, type
        ``string``, ``integer``, ``number``, ``boolean``, ``date``, ``datetime`` or ``json`` (any JSON value,
        kept as text; vector tiles carry the text).
    in_tiles
        Whether tiles carry it unless asked otherwise.
    codes
        Unsigned (n), or None: position of each row's value in `values`; ``len(values)`` where it is missing.
        A column with few distinct values has codes, one with many (plain) has none.
    values
        Distinct values, ascending; of a plain column the value of each row (null where missing).
    order
        uint32 (n): rows by ascending value, then id (plain: then row); missing ones last.
    starts
        int64 (distinct + 2), only with codes: rows of code ``c`` are ``order[starts[c]:starts[c+1]]``, the
        missing ones being code ``distinct``.
    first_fragment
        Position of the column's fragments among those of the part: of code ``c`` (the missing one
        included) at ``first_fragment + c``, of a plain column's row ``i`` at ``first_fragment + i``.
    cell
        Column of `Part.cells`, or -1 for a plain column.
    """

    name: str
    type: str
    in_tiles: bool
    codes: NDArray[Any] | None
    values: pa.Array
    order: NDArray[np.uint32]
    starts: NDArray[np.int64] | None
    first_fragment: int
    cell: int


@dataclass(frozen=True, slots=True)
class Fragments:
    """Ready-made bytes of attribute values, shared by all rows that have the value.

    Attributes
    ----------
    mvt_offsets, mvt
        int64 (f + 1) and uint8: a vector tile's ``Value`` message, without its tag and length; none for a
        missing value.
    json_offsets, json
        int64 (f + 1) and uint8: the value as JSON text.
    """

    mvt_offsets: NDArray[np.int64]
    mvt: NDArray[np.uint8]
    json_offsets: NDArray[np.int64]
    json: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Part:
    """Features of a pack for a range of zooms; equal only to itself.

    Attributes
    ----------
    min_zoom, max_zoom
        Zooms whose tiles are made of it.
    ids
        int64 (n): the features' ids, not negative, without repetition.
    ids_order
        uint32 (n): rows by ascending id.
    rank
        int32 (n), or None: place of each feature in the order of drawing; None where any order will do.
    cells
        uint32 (n, columns with codes): fragment of each value, `Column.first_fragment` included.
    pairs
        int64 (distinct + 1, distinct + 1) by (position, position) of two columns with codes, lower first:
        how many rows have each pair of codes. Only pairs with few combinations.
    """

    min_zoom: int
    max_zoom: int
    ids: NDArray[np.int64]
    ids_order: NDArray[np.uint32]
    rank: NDArray[np.int32] | None
    geometry: Geometry
    tree: Tree
    validity: Validity
    columns: tuple[Column, ...]
    cells: NDArray[np.uint32]
    fragments: Fragments
    pairs: dict[tuple[int, int], NDArray[np.int64]]

    def __len__(self) -> int:
        """Number of features."""
        return len(self.ids)

    def column(self, name: str) -> Column:
        """The column of a name; raises `KeyError`."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


def empty_geometry() -> Geometry:
    """No shapes at all."""
    offsets = np.zeros(1, np.int32)
    positions = np.zeros((0, 2), np.int32)
    return Geometry(np.zeros(0, np.uint8), offsets, offsets, offsets, positions, positions)
