"""What is served at this moment: the current build, and the packs that were published beside it.

A `Shelf` is taken once by a request, which answers from it alone, so that a switch never mixes two
versions in one answer. What was opened stays mapped until the last request that uses it has ended.
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from geoplan.errors import BuildError, GeoplanError, LayerError
from geoplan.layers import store
from services.api.collection import Collection, open_collection
from services.api.state import Snapshot

logger = logging.getLogger(__name__)

CHECK_INTERVAL_S = 1.0
PACKS = "packs"
_PACK_FILE = "pack.json"
_DAMAGED = (GeoplanError, OSError, ValueError, KeyError, TypeError)
"""What reading a damaged version may raise."""
_Places = tuple[tuple[str, Path], ...]


class Shelf(NamedTuple):
    """What one request is answered from.

    Attributes
    ----------
    snapshot
        The build; None when there is none, or only packs.
    collections
        By id: those of the build's layers in drawing order, then the published packs, then live layers.
    generation
        Grows with every switch.
    """

    snapshot: Snapshot | None
    collections: Mapping[str, Collection]
    generation: int

    def collection(self, id_: str) -> Collection:
        """A collection; raises `LayerError` for an id that is not on the shelf."""
        found = self.collections.get(id_)
        if found is None:
            raise LayerError(f"there is no collection {id_[:100]!r}; GET /collections lists them")
        return found

    @property
    def is_empty(self) -> bool:
        """Whether there is neither a build nor a pack."""
        return self.snapshot is None and not self.collections


class Builds:
    """The shelf of a folder of builds; a switch is seen within a second.

    Parameters
    ----------
    build_dir
        Folder with the link ``current`` and the folder ``packs``.
    clock
        Seconds that only grow.
    extra
        Further packs to serve, by their folders.
    live
        Live layers by id.
    """

    def __init__(
        self,
        build_dir: Path,
        clock: Callable[[], float] = time.monotonic,
        extra: Iterable[Path] = (),
        live: Mapping[str, Collection] | None = None,
    ) -> None:
        self._build_dir = build_dir
        self._clock = clock
        self._extra = tuple(extra)
        self._live = dict(live or {})
        self._checked_at = float("-inf")
        self._seen: tuple[Path | None, _Places] | None = None
        self._shelf: Shelf | None = None
        self._lock = threading.Lock()
        self._watched = False

    def watch(self) -> None:
        """Look for switches in a thread from now on: no request waits while a new version is opened and checked."""
        with contextlib.suppress(BuildError):  # that there is nothing yet, the first request is told
            self.shelf()
        self._watched = True
        threading.Thread(target=self._keep_looking, name="shelf", daemon=True).start()

    def _keep_looking(self) -> None:
        with contextlib.suppress(*_DAMAGED):  # the first search need not wait for the names; what is wrong, it is told
            _ = self.current().gazetteer
        while True:
            time.sleep(CHECK_INTERVAL_S)
            try:
                with self._lock:
                    self._look(self._clock())
            except Exception:  # a thread that ended here would never see another switch
                logger.exception("looking for new versions failed")

    def current(self) -> Snapshot:
        """The snapshot of the current build; raises `BuildError` when there is none."""
        snapshot = self.shelf().snapshot
        if snapshot is None:
            raise BuildError("nothing is built yet; run `geoplan build`.")
        return snapshot

    def shelf(self) -> Shelf:
        """What is served now; raises `BuildError` when there is neither a build nor a pack."""
        shelf = self._shelf
        if shelf is not None and self._watched and not shelf.is_empty:
            return shelf
        now = self._clock()
        late = not self._watched and now - self._checked_at >= CHECK_INTERVAL_S
        if shelf is None or shelf.is_empty or late:
            with self._lock:
                shelf = self._look(now)
        if shelf.is_empty:
            raise BuildError("nothing is built yet; run `geoplan build`.")
        return shelf

    def _look(self, now: float) -> Shelf:
        """The shelf after a look at the links; made anew where one has moved."""
        build = _current_build(self._build_dir)
        places = tuple(_published(self._build_dir / PACKS)) + tuple(_given(self._extra))
        seen = (build.path if build else None, places)
        if self._shelf is None or seen != self._seen:
            self._shelf = self._fill(build, places)
            self._seen = seen
        self._checked_at = now
        return self._shelf

    def _fill(self, build: store.Build | None, places: _Places) -> Shelf:
        old = self._shelf
        snapshot = _open_snapshot(build, old.snapshot if old else None)
        found = dict(snapshot.collections) if snapshot is not None else {}
        before = old.collections if old else {}
        for id_, folder in places:
            if id_ in found:
                logger.error("The pack %s is not served: a layer or another pack has its id.", id_)
                continue
            collection = _reopened(id_, folder, before.get(id_))
            if collection is not None:
                found[id_] = collection
        for id_, collection in self._live.items():
            if found.setdefault(id_, collection) is not collection:
                logger.error("The live layer %s is not served: a layer or a pack has its id.", id_)
        return Shelf(snapshot, MappingProxyType(found), old.generation + 1 if old else 1)


def _current_build(build_dir: Path) -> store.Build | None:
    try:
        return store.open_build(build_dir)
    except BuildError:
        return None


def _open_snapshot(build: store.Build | None, old: Snapshot | None) -> Snapshot | None:
    """The snapshot of a build, or the old one where the new build has a pack that is not whole."""
    if build is None or (old is not None and old.build == build):
        return old if build is not None else None
    # Where nothing older is open, an older version that is still kept is better than none.
    others = [] if old is not None else [store.Build(path, path.name) for path in _others(build.path, store.MANIFEST)]
    for version in (build, *others):
        try:
            snapshot = Snapshot(version)
            snapshot.open_packs()
        except _DAMAGED as error:
            logger.error("The build %s cannot be served: %s", version.version, error)  # noqa: TRY400 - it says all
        else:
            return snapshot
    return old


def _reopened(id_: str, folder: Path, old: Collection | None) -> Collection | None:
    """The collection of a published pack; the one that was served before where the new one is not whole."""
    if old is not None and old.pack.path == folder:
        return old
    is_version = (folder.parent / store.CURRENT).is_symlink()
    for place in (folder, *(_others(folder, _PACK_FILE) if is_version and old is None else [])):
        try:
            return open_collection(id_, place)
        except _DAMAGED as error:
            logger.error("The pack %s cannot be served: %s", id_, error)  # noqa: TRY400 - the message says all
    return old


def _others(folder: Path, file: str) -> list[Path]:
    """The other versions beside one that is published, the newest first: folders that have a certain file."""
    if not folder.parent.is_dir():
        return []
    places = [path for path in folder.parent.iterdir() if not path.is_symlink() and not path.name.startswith(".")]
    kept = [path for path in places if path != folder and (path / file).is_file()]
    return sorted(kept, key=lambda path: path.stat().st_mtime, reverse=True)


def _published(packs: Path) -> Iterable[tuple[str, Path]]:
    """Ids and folders of the packs that are published under a folder, by id."""
    if not packs.is_dir():
        return
    for entry in sorted(packs.iterdir()):
        current = entry / store.CURRENT
        if current.is_symlink():
            yield entry.name, current.resolve()


def _given(folders: Iterable[Path]) -> Iterable[tuple[str, Path]]:
    """The same of packs named one by one: a pack's own folder, or one with the link to it."""
    for folder in folders:
        current = folder / store.CURRENT
        path = (current if current.is_symlink() else folder).resolve()
        try:
            yield _id_of(path), path
        except _DAMAGED as error:
            logger.error("The pack %s cannot be served: %s", path, error)  # noqa: TRY400 - the message says all


@lru_cache(maxsize=64)
def _id_of(path: Path) -> str:
    id_: str = json.loads((path / _PACK_FILE).read_text("utf-8"))["id"]
    return id_
