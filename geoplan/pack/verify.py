"""Checking every byte and every offset of a pack, so that no kernel can be led outside its arrays."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack.arrow import numbers
from geoplan.pack.format import (
    COUNTS,
    FEATURES,
    FRAGMENTS,
    GEOMETRY,
    INDEX,
    MANIFEST,
    REPAIRS,
    TREE,
    read_manifest,
)
from geoplan.pack.geometry import bounding_boxes
from geoplan.pack.open import Pack, open_pack, pack_folder
from geoplan.pack.part import LINE, MULTI, NONE, POLYGON, Column, Geometry, Part
from geoplan.pack.sort import count_pair
from geoplan.pack.tree import build_tree

_CHUNK = 16 << 20


def verify_pack(path: Path) -> Pack:
    """Open a pack after checking sizes, checksums and every array of it.

    Raises
    ------
    PackError
        If a file is not what was written, or an array leads outside another; the message names the file.
    """
    pack = checked_pack(path)
    folder, manifest = pack.path, pack.manifest
    for about, part in zip(manifest.parts, pack.parts, strict=True):
        for file, sound in _checks(part):
            if not sound:
                raise PackError(f"{folder / about.name / file}: its arrays contradict one another; build it anew.")
    if manifest.count != len(pack.source):
        raise PackError(f"{folder / MANIFEST}: its count is not that of the features; build the pack anew.")
    return pack


def checked_pack(path: Path) -> Pack:
    """Open a pack after checking the sizes and checksums of all its files: what was written here is read here.

    Raises
    ------
    PackError
        If a file is not what was written; the message names it.
    """
    folder = pack_folder(path)
    for name, entry in read_manifest(folder).files.items():
        _check_file(folder / name, entry.bytes, entry.crc32)
    return open_pack(folder)


def _check_file(path: Path, size: int, crc32: str) -> None:
    if not path.is_file():
        raise PackError(f"{path}: the file is missing; build the pack anew.")
    if path.stat().st_size != size:
        raise PackError(f"{path}: the file has {path.stat().st_size} bytes, not {size}; build the pack anew.")
    found = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            found = zlib.crc32(chunk, found)
    if f"{found:08x}" != crc32:
        raise PackError(f"{path}: the file was altered or is damaged (checksum); build the pack anew.")


def _checks(part: Part) -> Iterator[tuple[str, bool]]:
    """File and whether its arrays hold together; a check may rely on those before it."""
    n = len(part)
    yield GEOMETRY, _sound_shapes(part.geometry)
    yield GEOMETRY, part.rank is None or _permutation(part.rank, n)
    yield GEOMETRY, bool(np.array_equal(part.tree.boxes, bounding_boxes(part.geometry)))
    tree = build_tree(part.tree.boxes)
    yield TREE, bool(np.array_equal(tree.starts, part.tree.starts) and np.array_equal(tree.nodes, part.tree.nodes))
    yield REPAIRS, _sound_shapes(part.validity.repaired)
    yield REPAIRS, _sound_keys(part.validity.keys, n)
    yield INDEX, _permutation(part.ids_order, n)
    ids = part.ids[part.ids_order]
    yield FEATURES, n == 0 or bool(ids[0] >= 0 and np.all(ids[1:] > ids[:-1]))
    fragments = part.fragments
    yield FRAGMENTS, _offsets(fragments.mvt_offsets, len(fragments.mvt))
    yield FRAGMENTS, _offsets(fragments.json_offsets, len(fragments.json))
    expected = 0
    for coded in (True, False):
        for column in part.columns:
            if (column.codes is not None) == coded:
                yield from _column_checks(part, column, n)
                expected += len(column.values) + coded
    yield FRAGMENTS, len(fragments.mvt_offsets) - 1 == expected
    yield from _pair_checks(part)


def _sound_shapes(geometry: Geometry) -> bool:
    """Offsets inside their arrays, kinds that go with their members, rings with enough vertices."""
    kinds, members, rings, vertices = geometry.kinds, geometry.members, geometry.rings, geometry.vertices
    levels = ((members, len(kinds), len(rings) - 1), (rings, len(rings) - 1, len(vertices) - 1))
    if not all(len(offsets) == count + 1 and _offsets(offsets, end) for offsets, count, end in levels):
        return False
    if not _offsets(vertices, len(geometry.mercator)) or len(geometry.degrees) != len(geometry.mercator):
        return False
    bases, counts = kinds & 3, np.diff(members)
    if np.any(kinds > POLYGON + MULTI) or np.any(kinds == MULTI) or np.any((counts == 0) != (kinds == NONE)):
        return False
    if np.any(counts[kinds < MULTI] > 1) or np.any(np.diff(rings) < 1):
        return False
    least = np.array([0, 1, LINE, 4], np.int64)[np.repeat(np.repeat(bases, counts), np.diff(rings))]
    longitudes, latitudes = geometry.degrees[:, 0], geometry.degrees[:, 1]
    inside = len(longitudes) == 0 or (
        longitudes.min() >= -1_800_000_000
        and longitudes.max() <= 1_800_000_000
        and latitudes.min() >= -900_000_000
        and latitudes.max() <= 900_000_000
    )
    return bool(np.all(np.diff(vertices) >= least) and inside)


def _offsets(offsets: NDArray[Any], end: int) -> bool:
    """Whether offsets begin at 0, never fall and end at `end`."""
    return bool(len(offsets) and offsets[0] == 0 and offsets[-1] == end and np.all(offsets[1:] >= offsets[:-1]))


def _permutation(rows: NDArray[Any], n: int) -> bool:
    """Whether each of the rows 0 to n - 1 is there once."""
    if len(rows) != n or (n and (rows.min() < 0 or rows.max() >= n)):
        return False
    seen = np.zeros(n, np.bool_)
    seen[rows] = True
    return bool(seen.all())


def _sound_keys(keys: NDArray[np.uint64], n: int) -> bool:
    rows = keys >> np.uint64(5)
    return len(keys) == 0 or bool(np.all(keys[1:] > keys[:-1]) and rows[-1] < n)


def _column_checks(part: Part, column: Column, n: int) -> Iterator[tuple[str, bool]]:
    yield INDEX, _permutation(column.order, n)
    try:
        column.values.validate(full=True)
    except pa.ArrowInvalid:
        yield FEATURES, False
    stop = column.first_fragment + len(column.values) + (column.codes is not None)
    yield FEATURES, column.first_fragment >= 0 and stop < len(part.fragments.mvt_offsets)
    if column.codes is None or column.starts is None:
        yield INDEX, _ascending(column.values.take(numbers(column.order)), strictly=False)
        return
    distinct = len(column.values)
    yield FEATURES, n == 0 or bool(column.codes.max() <= distinct)
    yield FEATURES, column.values.null_count == 0 and _ascending(column.values, strictly=True)
    yield COUNTS, _offsets(column.starts, n)
    yield COUNTS, bool(np.array_equal(np.diff(column.starts), np.bincount(column.codes, minlength=distinct + 1)))
    codes = column.codes[column.order]
    yield INDEX, bool(np.all(codes[1:] >= codes[:-1]))
    cells = part.cells[:, column.cell]
    yield INDEX, bool(np.array_equal(cells, column.codes.astype(np.uint32) + np.uint32(column.first_fragment)))


def _ascending(values: pa.Array, *, strictly: bool) -> bool:
    """Whether values ascend, missing ones last."""
    present = len(values) - values.null_count
    kept = values.slice(0, present)
    if kept.null_count or present < 2:
        return not kept.null_count
    compare = pc.less if strictly else pc.less_equal
    return bool(pc.all(compare(kept.slice(0, present - 1), kept.slice(1))).as_py())


def _pair_checks(part: Part) -> Iterator[tuple[str, bool]]:
    for (a, b), table in part.pairs.items():
        inside = 0 <= a < b < len(part.columns)
        yield COUNTS, inside
        first, second = part.columns[a], part.columns[b]
        sound = first.codes is not None and second.codes is not None
        yield COUNTS, sound
        sizes = (len(first.values) + 1, len(second.values) + 1)
        assert first.codes is not None
        assert second.codes is not None
        yield COUNTS, bool(table.shape == sizes and np.array_equal(table, count_pair(first.codes, second.codes, sizes)))
