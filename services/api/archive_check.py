"""Whether a PMTiles archive is whole: its header, its directories, and what its tiles unpack to.

The format has no checksum of its own. Directories, metadata and vector tiles are packed with gzip, which has one each,
so the walk through all tiles finds what was flipped or cut; pictures are told by their first bytes only. Fields of the
header that only describe (bounds, centre, zooms) cannot be checked beyond that they make sense.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from pmtiles.tile import Compression, TileType

from geoplan.errors import PackError
from geoplan.tiles.archive import MAX_TILE_BYTES, Archive
from geoplan.tiles.grid import MAX_ZOOM

CHECK_S = 60.0
"""Longest time for the walk through the tiles of one archive."""
MEDIA_TYPES = {
    TileType.MVT: ("application/vnd.mapbox-vector-tile", ("mvt", "pbf")),
    TileType.PNG: ("image/png", ("png",)),
    TileType.JPEG: ("image/jpeg", ("jpg", "jpeg")),
    TileType.WEBP: ("image/webp", ("webp",)),
    TileType.AVIF: ("image/avif", ("avif",)),
}
"""Media type of each kind of tiles and the endings that ask for it, the usual one first."""
_BEGINNINGS = {
    TileType.PNG: (0, b"\x89PNG"),
    TileType.JPEG: (0, b"\xff\xd8\xff"),
    TileType.WEBP: (8, b"WEBP"),
    TileType.AVIF: (4, b"ftyp"),
}
_STRIPES = 64
"""Parts of the file that are taken in turns, so that a walk that is not finished has been everywhere."""
_TURN = 37
_GZIP_WINDOW = 31
_GZIP = b"\x1f\x8b"
_MOST_NAMES = 1000
_LAYER, _NAME = 3, 1
_NUMBER, _BYTES = 0, 2
_WIDTHS = {1: 8, 5: 4}
_AGAIN = "Fetch or make it again."


class Checked(NamedTuple):
    """What the walk found.

    Attributes
    ----------
    looked, of
        Distinct tiles that were looked at, and all of them; fewer when the time was up.
    names
        Names of the layers in those of them that are vector tiles.
    """

    looked: int
    of: int
    names: frozenset[str]


def check_archive(archive: Archive, seconds: float = CHECK_S) -> Checked:
    """Look at an archive that has been opened; takes up to `seconds`, for a thread of its own.

    Raises
    ------
    PackError
        With the file's name and what is wrong with it.
    """
    _check_header(archive)
    _check_directory(archive)
    where, until = archive.path.name, time.monotonic() + seconds
    _, distinct = np.unique(archive.offsets, return_index=True)
    names: set[str] = set()
    looked = 0
    for entry in _in_turns(distinct):
        if time.monotonic() > until:
            break
        length = int(archive.lengths[entry])
        body = archive.data.read(int(archive.offsets[entry]), length)
        if len(body) != length:
            raise PackError(f"{where} is cut short: a tile lies beyond its end. {_AGAIN}")
        names |= _look_at(body, archive)
        looked += 1
        if len(names) > _MOST_NAMES:
            raise PackError(f"{where}: its tiles hold more than {_MOST_NAMES} layers.")
    return Checked(looked, len(distinct), frozenset(names))


def unpacked(body: bytes) -> bytes:
    """A tile that is packed with gzip; raises `PackError` for one that is damaged or unpacks to too much."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = unpacker.decompress(body, MAX_TILE_BYTES)
    except zlib.error:
        raise PackError("a tile of the archive is damaged") from None
    if not unpacker.eof or unpacker.unused_data:
        raise PackError("a tile of the archive is damaged or too large")
    return text


def layer_names(tile: bytes) -> set[str]:
    """Names of the layers of a vector tile that is not packed; raises `PackError` when it is no vector tile."""
    try:
        return {_name(tile, start, end) for field, start, end in _fields(tile, 0, len(tile)) if field == _LAYER}
    except (IndexError, UnicodeDecodeError):
        raise PackError("a tile of the archive is no vector tile") from None


def _check_header(archive: Archive) -> None:
    header, where = archive.header, archive.path.name
    if header["tile_type"] not in MEDIA_TYPES:
        raise PackError(f"{where}: tiles of this kind are not served.")
    if header["tile_compression"] not in (Compression.UNKNOWN, Compression.NONE, Compression.GZIP):
        raise PackError(f"{where}: its tiles are packed in a way that is not served; only gzip is.")
    west, south, east, north = (header[f"{side}_e7"] / 1e7 for side in ("min_lon", "min_lat", "max_lon", "max_lat"))
    if max(abs(west), abs(east)) > 180 or not -90 <= south <= north <= 90:
        raise PackError(f"{where}: its header gives bounds that are no place on the earth. {_AGAIN}")
    if not header["min_zoom"] <= header["max_zoom"] <= 31:
        raise PackError(f"{where}: its header gives zooms that are none. {_AGAIN}")


def _check_directory(archive: Archive) -> None:
    """No tile twice, none of a zoom that the header does not have, and as many as the header counts."""
    header, where = archive.header, archive.path.name
    ends = archive.first + archive.runs
    if len(ends) and bool((archive.first[1:] < ends[:-1]).any()):
        raise PackError(f"{where}: a tile has two entries in its directories. {_AGAIN}")
    low, high = _first_id(header["min_zoom"]), _first_id(header["max_zoom"] + 1)
    if len(ends) and not (low <= int(archive.first[0]) and int(ends[-1]) <= high):
        raise PackError(f"{where}: its directories have tiles of zooms that its header does not have. {_AGAIN}")
    counted = int(header["addressed_tiles_count"])
    if counted and counted != int(archive.runs.sum()):
        raise PackError(f"{where}: its directories have not as many tiles as its header counts. {_AGAIN}")
    if header["min_zoom"] > MAX_ZOOM:
        raise PackError(f"{where}: it begins at zoom {header['min_zoom']}; those up to {MAX_ZOOM} are served.")


def _first_id(zoom: int) -> int:
    """Number of the first tile of a zoom: that of all tiles of the zooms before."""
    return ((1 << (2 * zoom)) - 1) // 3


def _in_turns(entries: np.ndarray[tuple[int], np.dtype[np.intp]]) -> Iterator[int]:
    stripes = np.array_split(entries, _STRIPES)
    for turn in range(_STRIPES):
        yield from map(int, stripes[turn * _TURN % _STRIPES])


def _look_at(body: bytes, archive: Archive) -> set[str]:
    """The layers in a tile; raises `PackError` when it is not what the header says."""
    kind, packing = archive.header["tile_type"], archive.header["tile_compression"]
    try:
        packed = packing is Compression.GZIP or (packing is Compression.UNKNOWN and body.startswith(_GZIP))
        text = unpacked(body) if packed else body
        if kind is TileType.MVT:
            return layer_names(text)
        _check_picture(text, kind)
    except PackError as error:
        raise PackError(f"{archive.path.name}: {error}. {_AGAIN}") from None
    return set()


def _check_picture(body: bytes, kind: TileType) -> None:
    start, beginning = _BEGINNINGS[kind]
    if not body.startswith(beginning, start):
        raise PackError("a tile of the archive is no such picture as its header says")


def _name(tile: bytes, start: int, end: int) -> str:
    """The name of the layer between two places."""
    for field, begin, after in _fields(tile, start, end):
        if field == _NAME:
            return tile[begin:after].decode()
    return ""


def _fields(tile: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of each field of a message (protocol buffers); raises IndexError where it is none."""
    while at < end:
        tag, at = _varint(tile, at, end)
        width = tag & 7
        if width == _NUMBER:
            begin = at
            _, at = _varint(tile, at, end)
        elif width == _BYTES:
            length, begin = _varint(tile, at, end)
            at = begin + length
        elif width in _WIDTHS:
            begin = at
            at += _WIDTHS[width]
        else:
            raise IndexError
        if at > end:
            raise IndexError
        yield tag >> 3, begin, at


def _varint(tile: bytes, at: int, end: int) -> tuple[int, int]:
    """A number of up to ten bytes, and the place behind it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise IndexError
        octet = tile[at]
        at += 1
        value |= (octet & 0x7F) << shift
        if octet < 0x80:
            return value, at
    raise IndexError
