"""A part's arrays as the compiled functions take them, and working memory that is used again and again."""

from __future__ import annotations

import json
import weakref
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Geometry, Part
from geoplan.pack.search import read_only
from geoplan.tiles.chains import Chains, new_chains
from geoplan.tiles.shape import Shape, new_shape

_FIRST_VERTICES, _FIRST_RINGS = 1 << 15, 1 << 12
_FIRST_BYTES = 1 << 20
_KEPT_BYTES = 1 << 26
"""Working memory larger than this is given back after the tile that needed it."""


class Shapes(NamedTuple):
    """`geoplan.pack.part.Geometry`, or the repaired shapes, with one kind of positions."""

    kinds: NDArray[np.uint8]
    members: NDArray[np.int32]
    rings: NDArray[np.int32]
    vertices: NDArray[np.int32]
    positions: NDArray[np.int32]


class Values(NamedTuple):
    """Ids and attributes: `geoplan.pack.part.Part` and `Fragments`."""

    ids: NDArray[np.int64]
    cells: NDArray[np.uint32]
    mvt_offsets: NDArray[np.int64]
    mvt: NDArray[np.uint8]
    json_offsets: NDArray[np.int64]
    json: NDArray[np.uint8]


class Layout(NamedTuple):
    """The columns that a tile carries.

    Attributes
    ----------
    cells, firsts
        int64 (k): column of `Values.cells`, or -1 and the fragment of row 0.
    names, name_offsets
        uint8 and int64 (k + 1): JSON text before each value, ``"name":``.
    """

    cells: NDArray[np.int64]
    firsts: NDArray[np.int64]
    names: NDArray[np.uint8]
    name_offsets: NDArray[np.int64]


class Source(NamedTuple):
    """All that the compiled functions read of a part."""

    shapes: Shapes
    repaired: Shapes
    boxes: NDArray[np.int32]
    zooms: NDArray[np.uint32]
    keys: NDArray[np.uint64]
    values: Values


class Workspace:
    """Working memory of one tile at a time: a feature's shape, the output, and the values met so far.

    Attributes
    ----------
    shape, chains
        See there.
    out
        uint8: the tile.
    stamps
        int32 by fragment: number of the value in the tile whose numbers begin after `base`.
    used
        int64: fragments of the tile's values.
    """

    def __init__(self, stamps: int) -> None:
        self.shape: Shape = new_shape(_FIRST_VERTICES, _FIRST_RINGS)
        self.chains: Chains = new_chains(self.shape.counts, _FIRST_VERTICES, _FIRST_RINGS)
        self.out: NDArray[np.uint8] = np.empty(_FIRST_BYTES, np.uint8)
        self.stamps: NDArray[np.int32] = np.zeros(stamps, np.int32)
        self.used: NDArray[np.int64] = np.empty(_FIRST_RINGS, np.int64)
        self.base = 0

    def grow_shape(self) -> None:
        """Twice the room for vertices, rings and pieces; the shape begun is lost."""
        vertices, rings = 2 * len(self.shape.vertices), 2 * len(self.shape.rings)
        self.shape = new_shape(vertices, rings)
        self.chains = new_chains(self.shape.counts, vertices, rings)

    def grow_out(self, length: int, needed: int) -> None:
        """Room for `needed` bytes at least; the first `length` are kept."""
        out = np.empty(max(2 * len(self.out), needed), np.uint8)
        out[:length] = self.out[:length]
        self.out = out

    def grow_used(self, needed: int) -> None:
        """Room for `needed` values at least."""
        used = np.empty(max(2 * len(self.used), needed), np.int64)
        used[: len(self.used)] = self.used
        self.used = used

    def is_small(self) -> bool:
        """Whether it is worth keeping."""
        return len(self.out) + 50 * len(self.shape.vertices) + 8 * len(self.used) <= _KEPT_BYTES


class Prepared:
    """A part made ready once: arrays of one type, layouts of columns, working memory."""

    def __init__(self, part: Part) -> None:
        self.geometry, self.validity, self.columns = part.geometry, part.validity, part.columns
        self.source = _source(part)
        self.degrees = _shapes(part.geometry, part.geometry.degrees)
        coded = [column for column in part.columns if column.cell >= 0]
        self._stamps = max((column.first_fragment + len(column.values) + 1 for column in coded), default=0)
        self._layouts: dict[tuple[str, ...] | None, tuple[Layout, bytes]] = {}
        self._free: list[Workspace] = []

    def made_of(self, part: Part) -> bool:
        """Whether these are that part's arrays."""
        return self.geometry is part.geometry and self.validity is part.validity and self.columns is part.columns

    def layout(self, names: Sequence[str] | None) -> tuple[Layout, bytes]:
        """The columns of these names (None: those that tiles carry), and the keys of a vector tile's layer.

        Raises
        ------
        QueryError
            If there is no such column.
        """
        key = None if names is None else tuple(names)
        if key not in self._layouts:
            if len(self._layouts) > 256:  # selections of columns come from outside
                self._layouts.clear()
            self._layouts[key] = self._new_layout(key)
        return self._layouts[key]

    def take_workspace(self) -> Workspace:
        """Working memory that nobody else uses now."""
        try:
            return self._free.pop()
        except IndexError:
            return Workspace(self._stamps)

    def give_back(self, workspace: Workspace) -> None:
        """Keep working memory for the next tile."""
        if workspace.is_small():
            self._free.append(workspace)

    def _new_layout(self, names: tuple[str, ...] | None) -> tuple[Layout, bytes]:
        known = {column.name: column for column in self.columns}
        if names is None:
            columns = [column for column in self.columns if column.in_tiles]
        else:
            for name in names:
                if name not in known:
                    raise QueryError(f"there is no property {name!r}; there are: {', '.join(sorted(known))}.")
            columns = [known[name] for name in dict.fromkeys(names)]
        texts = [json.dumps(column.name, ensure_ascii=False).encode() + b":" for column in columns]
        keys = b"".join(field(0x1A, column.name.encode()) for column in columns)
        offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
        layout = Layout(
            np.array([column.cell for column in columns], np.int64),
            np.array([column.first_fragment for column in columns], np.int64),
            np.frombuffer(b"".join(texts) + bytes(8), np.uint8).copy(),
            offsets,
        )
        return layout, keys


def field(tag: int, content: bytes) -> bytes:
    """A field of a protocol buffer with its length."""
    length, size = b"", len(content)
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([tag]) + length + bytes([size]) + content


def _shapes(geometry: Geometry, positions: NDArray[np.int32]) -> Shapes:
    arrays = (geometry.kinds, geometry.members, geometry.rings, geometry.vertices, positions)
    return Shapes(*(read_only(array) for array in arrays))


def _source(part: Part) -> Source:
    geometry, repaired, fragments = part.geometry, part.validity.repaired, part.fragments
    values = (part.ids, part.cells, fragments.mvt_offsets, fragments.mvt, fragments.json_offsets, fragments.json)
    return Source(
        _shapes(geometry, geometry.mercator),
        _shapes(repaired, repaired.mercator),
        read_only(part.tree.boxes),
        read_only(part.validity.zooms),
        read_only(part.validity.keys),
        Values(*(read_only(array) for array in values)),
    )


_prepared: dict[int, Prepared] = {}


def prepared(part: Part) -> Prepared:
    """The part made ready; kept as long as the part itself is."""
    # A part cannot be referred to weakly, but an array can that nothing prepared refers to.
    key = id(part.ids_order)
    found = _prepared.get(key)
    if found is None or not found.made_of(part):
        if found is None:
            weakref.finalize(part.ids_order, _prepared.pop, key, None)
        found = Prepared(part)
        _prepared[key] = found
    return found


def arrays_of(value: Any) -> tuple[Any, ...]:
    """All arrays of nested named tuples (for tests that everything is read-only)."""
    return tuple(array for part in value for array in (arrays_of(part) if isinstance(part, tuple) else (part,)))
