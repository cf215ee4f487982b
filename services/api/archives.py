"""PMTiles archives that are served beside the packs: ``*.pmtiles`` in the folder ``archives`` of the builds."""

from __future__ import annotations

import html
import logging
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pmtiles.tile import Compression, TileType

from geoplan.access.grant import holds_visible
from geoplan.errors import LayerError, PackError
from geoplan.tiles.archive import Archive, Bytes, open_archive, zooms
from services.api.archive_check import CHECK_S, MEDIA_TYPES, Checked, check_archive

logger = logging.getLogger(__name__)

FOLDER = "archives"
SUFFIX = ".pmtiles"
WAIT_S = 2.0
"""How long a request waits for the check of a new archive."""
MOST_WAIT = 8
"""Requests that may wait so; each holds a thread."""
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")
_MOST_LAYERS = 200
_MOST_TEXT = 2000


class ArchiveDamagedError(PackError):
    """The file of an archive is not in order, and there is no good one from before."""


class ArchiveNotReadyError(PackError):
    """The file of an archive is new and is being checked."""


class OpenFile(Bytes):
    """A file that stays the same one although another takes its name."""

    __slots__ = ()

    def state(self) -> os.stat_result:
        """As it is now."""
        return os.fstat(self._number)

    def path(self) -> Path:
        """A name of it for as long as it is open."""
        return Path(f"/proc/self/fd/{self._number}")


class _ChangedError(Exception):
    """The file is not the one that was to be checked any more."""


class Served(NamedTuple):
    """An archive that was found to be in order.

    Attributes
    ----------
    file, state
        Its file, held open, and as it was when it was checked.
    layers
        Layers in it, by its own account and by its tiles; None where that is not known.
    """

    archive: Archive
    file: OpenFile
    state: os.stat_result
    layers: frozenset[str] | None


class _Version(NamedTuple):
    """A file as it was when it was looked at, and what came of it: itself, the last good one, or none."""

    key: tuple[int, int, int]
    served: Served | None


class _Check(NamedTuple):
    """A file that is looked at now."""

    key: tuple[int, int, int]
    done: threading.Event


class Archives:
    """The archives of a folder, each checked once a version, by one thread beside those that answer.

    Parameters
    ----------
    folder
        Where they are.
    wait_s
        How long a request waits for a check.
    check_s
        How long a check may take.
    """

    def __init__(self, folder: Path, wait_s: float = WAIT_S, check_s: float = CHECK_S) -> None:
        self._folder = folder
        self._wait_s = wait_s
        self._check_s = check_s
        self._known: dict[str, _Version] = {}
        self._checks: dict[str, _Check] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._may_wait = threading.BoundedSemaphore(MOST_WAIT)

    def names(self) -> Iterator[str]:
        """Names of the archives, by name."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            name = path.name.removesuffix(SUFFIX)
            if _NAME.fullmatch(name) and path.is_file():
                yield name

    def served(self, name: str) -> Served:
        """An archive; while a new file is checked, or when it is not in order, the one from before.

        Raises
        ------
        LayerError
            If there is none of that name.
        ArchiveDamagedError
            If it is not in order; why is in the log.
        ArchiveNotReadyError
            If it is still being checked.
        """
        path = self._folder / f"{name}{SUFFIX}"
        try:
            found = path.stat() if _NAME.fullmatch(name) else None
        except OSError:
            found = None
        if found is None:
            self._known.pop(name, None)
            raise LayerError(f"there is no archive {name[:100]!r}; GET /archives lists them")
        key = _key(found)
        known = self._known.get(name)
        if known is None or known.key != key:
            known = self._checked(name, path, key)
        if known is None:
            raise ArchiveNotReadyError(f"The archive {name} is new and is being checked; ask again in a few seconds.")
        if known.served is None:
            raise ArchiveDamagedError(f"The archive {name} is damaged or incomplete; why is in the log of the server.")
        return known.served

    def _checked(self, name: str, path: Path, key: tuple[int, int, int]) -> _Version | None:
        """What is known of the file by now, or of the one before it; None when that is nothing."""
        with self._lock:
            known = self._known.get(name)
            if known is not None and known.key == key:
                return known
            check = self._checks.get(name)
            if check is None:
                check = self._checks[name] = _Check(key, threading.Event())
                # Not of a pool: a check that takes long must not keep the service from ending.
                threading.Thread(target=self._check, args=(name, path, check), daemon=True).start()
        before = known if known is not None and known.served is not None and _is_whole(known.served) else None
        if before is None and self._may_wait.acquire(blocking=False):
            try:
                check.done.wait(self._wait_s)
            finally:
                self._may_wait.release()
        now = self._known.get(name)
        return now if now is not None and now.key == key else before

    def _check(self, name: str, path: Path, check: _Check) -> None:
        known = self._known.get(name)
        before = known.served if known is not None and known.served is not None and _is_whole(known.served) else None
        try:
            with self._turn:
                served = _opened(path, check.key, self._check_s)
            self._known[name] = _Version(check.key, served or before)
        except (OSError, _ChangedError):
            logger.info("The archive %s was changed while it was checked", path.name)
        except Exception:
            logger.exception("The archive %s could not be checked", path.name)
            self._known[name] = _Version(check.key, before)
        finally:
            with self._lock:
                del self._checks[name]
            check.done.set()


def _key(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_mtime_ns, state.st_size


def _is_whole(served: Served) -> bool:
    """Whether the file that is held open is as it was checked: nobody wrote into it."""
    return _key(served.file.state()) == _key(served.state)


def _opened(path: Path, key: tuple[int, int, int], seconds: float) -> Served | None:
    """The archive, if it is in order; raises `_ChangedError` when it is another one by the end."""
    file = OpenFile(path)
    state = file.state()
    try:
        archive = open_archive(path)
        checked = check_archive(archive, seconds)
    except PackError as error:
        archive, fault = None, error
    # What was opened by its name is what is held: the name had this file before and has it after.
    if _key(state) != key or _key(path.stat()) != key:
        raise _ChangedError
    if archive is None:
        logger.error("The archive %s is not served: %s", path.name, fault)
        return None
    if checked.looked < checked.of:
        logger.warning("The archive %s: %d of %d tiles were checked in %.0f s", path.name, *checked[:2], seconds)
    return Served(archive, file, state, _held_layers(archive, checked))


def _held_layers(archive: Archive, checked: Checked) -> frozenset[str] | None:
    """Layers of an archive: those that it declares and those in its tiles; None for pictures, and where it has none."""
    declared = archive.metadata.get("vector_layers")
    if archive.header["tile_type"] is not TileType.MVT or not isinstance(declared, list) or not declared:
        return None
    ids = [one.get("id") if isinstance(one, dict) else None for one in declared]
    texts = [id_ for id_ in ids if isinstance(id_, str) and id_]
    return checked.names.union(texts) if len(texts) == len(ids) else None


def is_visible(name: str, served: Served) -> bool:
    """Whether the caller of the present request may have the archive: its name, and all layers in it."""
    return holds_visible(name, served.layers)


def is_packed(archive: Archive) -> bool:
    """Whether the tiles are packed with gzip."""
    return bool(archive.header["tile_compression"] is Compression.GZIP)


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
