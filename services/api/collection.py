"""A collection: one layer pack as the service offers it, opened once for each version and mapped, not loaded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from geoplan.crs import Bounds
from geoplan.pack.verify import checked_pack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from geoplan.pack.open import Pack
    from geoplan.query.filters import Filter
    from services.api.live import LiveSource
    from services.api.representation import Representation

WORLD = Bounds(-180.0, -90.0, 180.0, 90.0)
_KEPT_FILTERS = 256
_KEPT_MASKS = 8
_KEPT_REPRESENTATIONS = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Collection:
    """One version of a pack and what is kept with it.

    Attributes
    ----------
    id
        As the addresses have it.
    pack
        The pack, memory-mapped.
    metadata
        The layer's own JSON; empty for a user's pack.
    names
        Names of its properties.
    filters, masks
        Filters of late requests, compiled, and the rows of a part that they keep.
    representations
        Forms that were last asked for.
    live
        Where the features are read at every request; None: the pack has them.
    """

    id: str
    pack: Pack
    metadata: Mapping[str, Any]
    names: frozenset[str]
    filters: Kept[Filter] = field(default_factory=lambda: Kept(_KEPT_FILTERS))
    masks: Kept[NDArray[np.bool_]] = field(default_factory=lambda: Kept(_KEPT_MASKS))
    representations: Kept[Representation] = field(default_factory=lambda: Kept(_KEPT_REPRESENTATIONS))
    live: LiveSource | None = None

    @property
    def version(self) -> str:
        """Hash of the content: the same content has the same tiles."""
        version: str = self.pack.manifest.version
        return version

    @property
    def title(self) -> str:
        """Title in Chinese, in English where there is no other, or the id."""
        return said(self.pack.manifest.title) or self.id

    @property
    def description(self) -> str:
        """Description in Chinese, or in English; may be empty."""
        return said(self.pack.manifest.description)

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north in degrees; the world's where nothing is drawn."""
        bounds = self.pack.manifest.bounds
        return Bounds(*bounds) if bounds else WORLD

    @property
    def min_zoom(self) -> int:
        """The zoom at which its tiles begin."""
        if self.live is not None:
            return self.live.min_zoom
        return min((part.min_zoom for part in self.pack.manifest.parts), default=0)

    @property
    def sources(self) -> list[Mapping[str, Any]]:
        """Where the data come from."""
        return [dict(source) for source in self.pack.manifest.sources]


class Kept(Generic[T]):
    """What was last asked for; the longest unused goes first. Safe between threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, T] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value kept under `key`, or the one `make` returns."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return made


def open_collection(id_: str, folder: Path, metadata: Mapping[str, Any] | None = None) -> Collection:
    """The collection of the pack in a folder.

    Raises
    ------
    PackError
        If the pack is not whole; the message names the file.
    """
    pack = checked_pack(folder)
    own = metadata if metadata is not None else dict(pack.manifest.metadata or {})
    return Collection(id_, pack, own, frozenset(column.name for column in pack.source.columns))


def said(text: Any) -> str:
    """A text that may be given in several languages: the Chinese, which is the sources' own, or the English."""
    if isinstance(text, Mapping):
        text = text.get("zh") or text.get("en")
    elif hasattr(text, "zh"):
        text = text.zh or text.en
    return str(text or "")
