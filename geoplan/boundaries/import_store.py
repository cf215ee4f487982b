"""The folder of imported boundaries: one subfolder an import, whole or not there.

An import is written under a temporary name, flushed to the disk and renamed in one step. A lock file
(released by the system when a process dies) keeps two imports apart, so whatever is left under a
temporary name while the lock is held belongs to nobody and is removed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geoplan.crs import STORAGE, require_crs
from geoplan.errors import ImportRefusedError, SourceError
from geoplan.provenance import sha256_file
from geoplan.terms import Level

FRAME_NAME, PROVENANCE_NAME = "boundaries.parquet", "provenance.json"

_TEMPORARY = ".tmp-"
_ID = re.compile(r"(county|township)-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StoredImport:
    """One import of the store.

    Attributes
    ----------
    import_id
        Name of its folder: level and the first 12 digits of the file's SHA-256.
    level
        Level of its divisions.
    count
        Number of divisions.
    provenance
        What ``provenance.json`` says.
    """

    import_id: str
    level: Level
    count: int
    provenance: Mapping[str, Any]


def list_imports(store: Path) -> tuple[StoredImport, ...]:
    """All imports in the store, sorted by id; none if the folder does not exist.

    Raises
    ------
    SourceError
        If an import is damaged.
    """
    if not store.is_dir():
        return ()
    found = sorted(p.name for p in store.iterdir() if p.is_dir() and _ID.fullmatch(p.name))
    return tuple(_stored(store, import_id) for import_id in found)


def read_imports(store: Path, level: Level | str) -> gpd.GeoDataFrame | None:
    """Divisions of one level from all imports.

    Returns
    -------
    GeoDataFrame or None
        ``code, name, level, parent, geometry_source, source, as_of, datum, geometry`` in EPSG:4490, sorted by code,
        RangeIndex; None if nothing of this level has been imported.

    Raises
    ------
    SourceError
        If an import is damaged or has been altered.
    """
    wanted = [stored for stored in list_imports(store) if stored.level == Level(level)]
    frames = [_read_frame(store, stored) for stored in wanted]
    if not frames:
        return None
    joined = gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), crs=STORAGE)
    return joined.sort_values("code", ignore_index=True)


def remove_import(store: Path, import_id: str) -> None:
    """Take one import out of the store.

    Raises
    ------
    SourceError
        If the store has no such import.
    """
    if not _ID.fullmatch(import_id) or not (store / import_id).is_dir():
        there = ", ".join(sorted(p.name for p in store.glob("*-*") if _ID.fullmatch(p.name))) or "none"
        raise SourceError(f"there is no import {import_id!r}; the store has: {there}.")
    with locked(store):
        # First out of sight in one step; what a crash leaves behind is temporary.
        doomed = store / f"{_TEMPORARY}{import_id}"
        (store / import_id).rename(doomed)
        shutil.rmtree(doomed)
        _sync_folder(store)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store for writing; leftovers of a killed import are removed first.

    Raises
    ------
    ImportRefusedError
        If another process is writing to the store.
    """
    store.mkdir(parents=True, exist_ok=True)
    with (store / ".lock").open("a") as stream:
        try:
            import fcntl
        except ImportError:  # Windows: no lock, one import at a time is up to the user
            pass
        else:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise ImportRefusedError(
                    "another import is writing to the store; try again when it has ended."
                ) from exc
        for left in store.glob(f"{_TEMPORARY}*"):
            shutil.rmtree(left)
        yield


def held_codes(store: Path, level: Level) -> dict[str, str]:
    """Which import holds each code of a level."""
    held = {}
    for stored in list_imports(store):
        if stored.level is level:
            codes = pd.read_parquet(store / stored.import_id / FRAME_NAME, columns=["code"])["code"]
            held.update(dict.fromkeys(codes, stored.import_id))
    return held


def write_import(store: Path, import_id: str, frame: gpd.GeoDataFrame, provenance: Mapping[str, Any]) -> Path:
    """Write an import as a whole; call it within `locked`. Returns its folder.

    The hash of the geometry file is added to the provenance.
    """
    require_crs(frame, STORAGE)
    target = store / import_id
    temporary = store / f"{_TEMPORARY}{os.getpid()}-{import_id}"
    temporary.mkdir()
    try:
        frame.to_parquet(temporary / FRAME_NAME, compression="zstd", index=False)
        content = {**provenance, "boundaries_sha256": sha256_file(temporary / FRAME_NAME)}
        text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
        (temporary / PROVENANCE_NAME).write_text(text + "\n", encoding="utf-8")
        for name in (FRAME_NAME, PROVENANCE_NAME):
            with (temporary / name).open("rb+") as stream:
                os.fsync(stream.fileno())
        _sync_folder(temporary)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _sync_folder(store)
    return target


def _sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stored(store: Path, import_id: str) -> StoredImport:
    try:
        provenance = json.loads((store / import_id / PROVENANCE_NAME).read_text("utf-8"))
        return StoredImport(import_id, Level(provenance["level"]), int(provenance["count"]), provenance)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SourceError(f"import {import_id} is damaged; remove it and import the file again.") from exc


def _read_frame(store: Path, stored: StoredImport) -> gpd.GeoDataFrame:
    path = store / stored.import_id / FRAME_NAME
    if not path.is_file() or sha256_file(path) != stored.provenance.get("boundaries_sha256"):
        raise SourceError(f"import {stored.import_id} has been altered; remove it and import the file again.")
    return gpd.read_parquet(path)
