"""PMTiles archives that are served beside the packs: ``*.pmtiles`` in the folder ``archives`` of the builds."""

from __future__ import annotations

import html
import logging
import os
import re
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pmtiles.tile import Compression, TileType

from geoplan.errors import LayerError, PackError
from geoplan.tiles.archive import MAX_TILE_BYTES, Archive, open_archive, zooms

logger = logging.getLogger(__name__)

FOLDER = "archives"
SUFFIX = ".pmtiles"
MEDIA_TYPES = {
    TileType.MVT: ("application/vnd.mapbox-vector-tile", ("mvt", "pbf")),
    TileType.PNG: ("image/png", ("png",)),
    TileType.JPEG: ("image/jpeg", ("jpg", "jpeg")),
    TileType.WEBP: ("image/webp", ("webp",)),
    TileType.AVIF: ("image/avif", ("avif",)),
}
"""Media type of each kind of tiles and the endings that ask for it, the usual one first."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_MOST_LAYERS = 200
_MOST_TEXT = 2000
_GZIP_WINDOW = 31


class _Seen(NamedTuple):
    """A file as it was when it was looked at, and the archive that was opened, or the last good one."""

    state: tuple[int, int, int]
    archive: Archive | None


class Archives:
    """The archives of a folder, each opened once and anew when its file is replaced."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def names(self) -> Iterator[str]:
        """Names of the archives, by name."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            name = path.name.removesuffix(SUFFIX)
            if _NAME.fullmatch(name) and path.is_file():
                yield name

    def archive(self, name: str) -> Archive:
        """An archive; one whose new file cannot be read is served as it was before.

        Raises
        ------
        LayerError
            If there is none of that name.
        PackError
            If it cannot be read; why is in the log.
        """
        path = self._folder / f"{name}{SUFFIX}"
        try:
            found = path.stat() if _NAME.fullmatch(name) else None
        except OSError:
            found = None
        if found is None:
            raise LayerError(f"there is no archive {name[:100]!r}; GET /archives lists them")
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        seen = self._seen.get(name)
        if seen is None or seen.state != state:
            with self._lock:
                seen = self._seen.get(name)
                if seen is None or seen.state != state:
                    seen = self._seen[name] = _Seen(state, _opened(path, seen.archive if seen else None))
        if seen.archive is None:
            raise PackError(f"the archive {name} cannot be served")
        return seen.archive


def _opened(path: Path, before: Archive | None) -> Archive | None:
    try:
        archive = open_archive(path)
        if archive.header["tile_type"] not in MEDIA_TYPES:
            raise PackError(f"{path.name}: tiles of this kind are not served.")  # noqa: TRY301 - answered alike
        if archive.header["tile_compression"] not in (Compression.UNKNOWN, Compression.NONE, Compression.GZIP):
            raise PackError(f"{path.name}: its tiles are packed in a way that is not served; only gzip is.")  # noqa: TRY301
    except PackError as error:
        logger.error("The archive %s cannot be served: %s", path.name, error)  # noqa: TRY400 - the message says all
        return before
    return archive


def archive_path(archive: Archive) -> tuple[Path, os.stat_result]:
    """The file of an archive as it is now."""
    return archive.path, archive.path.stat()


def is_packed(archive: Archive) -> bool:
    """Whether the tiles are packed with gzip."""
    return bool(archive.header["tile_compression"] is Compression.GZIP)


def unpacked(body: bytes) -> bytes:
    """A tile that is packed with gzip; raises `PackError` for one that is damaged or unpacks to too much."""
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = unpacker.decompress(body, MAX_TILE_BYTES)
    except zlib.error:
        raise PackError("a tile of the archive is damaged") from None
    if not unpacker.eof:
        raise PackError("a tile of the archive is damaged or too large")
    return text


def tilejson(name: str, archive: Archive, base: str) -> dict[str, Any]:
    """TileJSON 3.0.0 of an archive; of what it says of itself only plain texts are passed on, as maps read HTML."""
    header, metadata = archive.header, archive.metadata
    low, high = zooms(archive)
    _, endings = MEDIA_TYPES[header["tile_type"]]
    made: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": _text(metadata.get("name")) or name,
        "description": _text(metadata.get("description")),
        "attribution": html.escape(_text(metadata.get("attribution")), quote=False),
        "scheme": "xyz",
        "tiles": [f"{base}/{FOLDER}/{name}/{{z}}/{{x}}/{{y}}.{endings[0]}"],
        "minzoom": low,
        "maxzoom": high,
        "bounds": [header[f"{side}_e7"] / 1e7 for side in ("min_lon", "min_lat", "max_lon", "max_lat")],
        "center": [header["center_lon_e7"] / 1e7, header["center_lat_e7"] / 1e7, min(header["center_zoom"], high)],
        "vector_layers": [],
    }
    if header["tile_type"] is TileType.MVT:
        layers = metadata.get("vector_layers")
        found = layers[:_MOST_LAYERS] if isinstance(layers, list) else []
        made["vector_layers"] = [_layer(one) for one in found if isinstance(one, dict)]
    return made


def _layer(found: dict[str, Any]) -> dict[str, Any]:
    fields = found.get("fields")
    known = list(fields.items())[:_MOST_LAYERS] if isinstance(fields, dict) else []
    layer: dict[str, Any] = {"id": _text(found.get("id")), "fields": {_text(key): _text(kind) for key, kind in known}}
    zoom = {key: found.get(key) for key in ("minzoom", "maxzoom")}
    return layer | {key: value for key, value in zoom.items() if isinstance(value, int) and 0 <= value <= 31}


def _text(value: Any) -> str:
    text = value[:_MOST_TEXT] if isinstance(value, str) else ""
    return text.encode("utf-8", "replace").decode()
