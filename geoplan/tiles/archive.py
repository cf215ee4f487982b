"""PMTiles archives (version 3) as a source of tiles: the directories are read once, tiles when they are asked for.

Archives may come from anywhere: every length and offset is checked against the file before it is
used, and what directories unpack to is bounded. The file is not mapped: one that is cut short while it is
served would end the process.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.tiles.grid import MAX_ZOOM, Tile

HEADER_BYTES = 127
MAX_DIRECTORY_BYTES = 64 << 20
"""Most bytes of one unpacked directory or of the metadata."""
MAX_ENTRIES = 20_000_000
MAX_TILE_BYTES = 64 << 20
_MAX_UNPACKED_BYTES = 512 << 20
"""Most bytes of all unpacked directories; each counts for `_DIRECTORY_COST` more."""
_DIRECTORY_COST = 1024
_MAX_DEPTH = 4
_PLAIN, _GZIP = 1, 2
_GZIP_WINDOW = 31  # zlib: gzip framing, largest window


class Bytes:
    """A file that is open for reading at any place, by several threads at once."""

    __slots__ = ("_number", "size")

    def __init__(self, path: Path) -> None:
        self._number = -1
        self._number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe must not be waited for
        self.size = os.fstat(self._number).st_size

    def __del__(self) -> None:
        if self._number >= 0:
            os.close(self._number)

    def read(self, offset: int, length: int) -> bytes:
        """Bytes from `offset` on; fewer where the file has been cut meanwhile."""
        return os.pread(self._number, length, offset)


@dataclass(frozen=True, slots=True)
class Archive:
    """An open archive.

    Attributes
    ----------
    path
        The file.
    header
        The header's fields by the names of the specification; bounds in degrees times 1e7.
    metadata
        The archive's own JSON, ``vector_layers`` among it.
    first, runs, offsets, lengths
        uint64 (entries), ascending by `first`: `runs` tiles from the tile id `first` on have the bytes
        at `offsets`, counted from the beginning of the file, of the length `lengths`.
    data
        The file.
    """

    path: Path
    header: dict[str, Any]
    metadata: dict[str, Any]
    first: NDArray[np.uint64]
    runs: NDArray[np.uint64]
    offsets: NDArray[np.uint64]
    lengths: NDArray[np.uint64]
    data: Bytes


def open_archive(path: Path) -> Archive:
    """Open an archive of vector or other tiles.

    Raises
    ------
    PackError
        If the file is no PMTiles version 3, is cut short, or its directories point outside it.
    """
    from pmtiles.tile import deserialize_header

    try:
        data = Bytes(path)
        header = dict[str, Any](deserialize_header(data.read(0, HEADER_BYTES)))
    except OSError as error:
        raise PackError(f"{path.name} cannot be read: {error.strerror}.") from None
    except Exception:  # noqa: BLE001 - whatever the reader of the header says, it is not ours
        raise PackError(f"{path.name} is no PMTiles archive of version 3.") from None
    where = path.name
    metadata = _json(_unpacked(data, header["metadata_offset"], header["metadata_length"], header, where), where)
    first, runs, offsets, lengths = _entries(data, header, where)
    if header["tile_data_offset"] > data.size:
        raise PackError(f"{where} is cut short: its tiles lie beyond its end. Fetch or make it again.")
    offsets += np.uint64(header["tile_data_offset"])
    if len(first) and int((offsets + lengths).max()) > data.size:
        raise PackError(f"{where} is cut short: a tile lies beyond its end. Fetch or make it again.")
    if int(lengths.max(initial=0)) > MAX_TILE_BYTES:
        raise PackError(f"{where} has a tile of more than {MAX_TILE_BYTES >> 20} MiB, which cannot be served.")
    return Archive(path, header, metadata, first, runs, offsets, lengths, data)


def archive_tile(archive: Archive, tile: Tile) -> bytes:
    """The bytes of a tile as the archive holds them (see ``header["tile_compression"]``); none when it has none."""
    from pmtiles.tile import zxy_to_tileid

    tile_id = zxy_to_tileid(tile.z, tile.x, tile.y)
    entry = int(np.searchsorted(archive.first, np.uint64(tile_id), side="right")) - 1
    if entry < 0 or tile_id >= int(archive.first[entry]) + int(archive.runs[entry]):
        return b""
    length = int(archive.lengths[entry])
    body = archive.data.read(int(archive.offsets[entry]), length)
    if len(body) != length:
        raise PackError(f"{archive.path.name} was cut short while it was served. Replace it by a rename.")
    return body


def _entries(data: Bytes, header: dict[str, Any], where: str) -> tuple[NDArray[np.uint64], ...]:
    """Tile entries of the root directory and all leaves: first id, run, offset in the tile data, length."""
    found: list[tuple[NDArray[np.uint64], ...]] = []
    pending = [(int(header["root_offset"]), int(header["root_length"]), 0)]
    total = cost = 0
    while pending:
        offset, length, depth = pending.pop()
        raw = _unpacked(data, offset, length, header, where)
        first, runs, offsets, lengths = _directory(raw, where)
        total += len(first)
        cost += len(raw) + _DIRECTORY_COST
        if total > MAX_ENTRIES or cost > _MAX_UNPACKED_BYTES or depth >= _MAX_DEPTH:
            raise PackError(f"{where} has more directories than can be served ({MAX_ENTRIES} entries).")
        tiles = runs > 0
        found.append((first[tiles], runs[tiles], offsets[tiles], lengths[tiles]))
        leaves = int(header["leaf_directory_offset"])
        pending += [(leaves + int(o), int(n), depth + 1) for o, n in zip(offsets[~tiles], lengths[~tiles], strict=True)]
    first, runs, offsets, lengths = (np.concatenate(arrays) for arrays in zip(*found, strict=True))
    order = np.argsort(first, kind="stable")
    return first[order], runs[order], offsets[order], lengths[order]


def _directory(raw: bytes, where: str) -> tuple[NDArray[np.uint64], ...]:
    """First ids, runs, offsets and lengths of one directory (specification, 4.2)."""
    numbers = _varints(raw)
    count = int(numbers[0]) if len(numbers) else 0
    if not len(numbers) or len(numbers) != 4 * count + 1:
        raise PackError(f"{where}: a directory is damaged. Fetch or make the archive again.")
    deltas, runs, lengths, places = numbers[1:].reshape(4, count)
    if count and places[0] == 0:
        raise PackError(f"{where}: a directory is damaged. Fetch or make the archive again.")
    # Zero means right after the entry before: as far behind the last place that is given as the lengths between say.
    given = np.maximum.accumulate(np.where(places > 0, np.arange(count), 0))
    before = np.cumsum(lengths, dtype=np.uint64) - lengths
    offsets = places[given] - np.uint64(1) + before - before[given]
    limit = np.uint64(1 << 48)
    if count and max(offsets.max(), lengths.max(), runs.max()) >= limit:
        raise PackError(f"{where}: a directory is damaged. Fetch or make the archive again.")
    return np.cumsum(deltas, dtype=np.uint64), runs, offsets, lengths


def _varints(raw: bytes) -> NDArray[np.uint64]:
    """All base-128 numbers of a text of bytes, each at most ten bytes long; a cut one is left out."""
    octets = np.frombuffer(raw, np.uint8)
    ends = np.flatnonzero(octets < 0x80)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    sizes = ends - starts + 1
    values = np.zeros(len(ends), np.uint64)
    for k in range(min(int(sizes.max(initial=0)), 10)):
        longer = sizes > k
        values[longer] |= (octets[starts[longer] + k].astype(np.uint64) & np.uint64(0x7F)) << np.uint64(7 * k)
    return values


def _unpacked(data: Bytes, offset: int, length: int, header: dict[str, Any], where: str) -> bytes:
    """A stretch of the file, unpacked where the archive packs its directories."""
    if offset + length > data.size:
        raise PackError(f"{where} is cut short. Fetch or make it again.")
    if length > MAX_DIRECTORY_BYTES:
        raise PackError(f"{where}: a directory is larger than {MAX_DIRECTORY_BYTES >> 20} MiB.")
    raw = data.read(offset, length)
    packing = header["internal_compression"].value
    if packing == _PLAIN:
        return raw
    if packing != _GZIP:
        raise PackError(f"{where}: its directories are packed in a way that is not read; only gzip is.")
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = unpacker.decompress(raw, MAX_DIRECTORY_BYTES)
    except zlib.error:
        raise PackError(f"{where}: a directory is damaged. Fetch or make the archive again.") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise PackError(f"{where}: a directory is damaged or larger than {MAX_DIRECTORY_BYTES >> 20} MiB.")
    return text


def _json(raw: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(raw or b"{}")
    except (ValueError, RecursionError):
        raise PackError(f"{where}: the metadata are no JSON.") from None
    if not isinstance(value, dict):
        raise PackError(f"{where}: the metadata are no JSON object.")
    return value


def zooms(archive: Archive) -> tuple[int, int]:
    """Least and greatest zoom of an archive, within those that are served."""
    low, high = int(archive.header["min_zoom"]), int(archive.header["max_zoom"])
    return min(low, MAX_ZOOM), min(high, MAX_ZOOM)
