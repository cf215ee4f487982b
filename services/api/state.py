"""What the service holds: the current build, opened once, and of each layer what was asked for.

A `Snapshot` is one build. A request takes the snapshot once and answers from it alone, so that a
switch of builds never mixes two of them in one answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request

from geoplan.crs import Bounds
from geoplan.documents.outline import Outline
from geoplan.errors import LayerError
from geoplan.layers import store
from geoplan.query import division_area
from services.api.collection import Collection, open_collection

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

    from geoplan.gazetteer import Gazetteer
    from geoplan.gazetteer.resolve import Candidate

T = TypeVar("T")

PACKS = "packs"
"""Folder of a build with a pack for each layer."""


class Once(Generic[T]):
    """A value made on first use, by one thread while others wait; a failure is not kept."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._lock = threading.Lock()

    def get(self) -> T:
        """The value."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class LayerState:
    """One layer of a build: its metadata, its frame and its pack, each opened when first used."""

    def __init__(self, build: store.Build, layer_id: str) -> None:
        self.id = layer_id
        self._metadata = Once(lambda: store.layer_metadata(build, layer_id))
        self._frame = Once(lambda: store.read_layer_frame(build, layer_id))
        self._collection = Once(lambda: open_collection(layer_id, build.path / PACKS / layer_id, self.metadata))

    @property
    def metadata(self) -> dict[str, Any]:
        """The layer's metadata as the build holds it."""
        return self._metadata.get()

    @property
    def frame(self) -> gpd.GeoDataFrame:
        """All features, EPSG:4490. Not to be changed."""
        return self._frame.get()

    @property
    def collection(self) -> Collection:
        """The layer's pack, for tiles and queries."""
        return self._collection.get()


class Snapshot:
    """One build and what has been read of it."""

    def __init__(self, build: store.Build) -> None:
        self.build = build
        self.layers = {layer_id: LayerState(build, layer_id) for layer_id in store.layer_ids(build)}
        self._drawn = [layer_id for layer_id in self.layers if (build.path / PACKS / layer_id).is_dir()]
        self._plans = Once(lambda: store.plans(build))
        self._outlines = Once(lambda: store.outlines(build))
        self._gazetteer = Once(lambda: store.gazetteer(build))
        self._boundaries = {name: Once(partial(store.read_boundaries, build, name)) for name in store.LEVELS}

    def layer(self, layer_id: str) -> LayerState:
        """A layer of this build; raises `LayerError` for an id it does not have."""
        if layer_id not in self.layers:
            raise LayerError(f"there is no layer {layer_id[:100]!r}; GET /layers lists them")
        return self.layers[layer_id]

    @property
    def collections(self) -> Mapping[str, Collection]:
        """The packs of the layers by id, in drawing order."""
        return {layer_id: self.layers[layer_id].collection for layer_id in self._drawn}

    def open_packs(self) -> None:
        """Open the packs of all layers, as every later request finds them.

        Raises
        ------
        PackError
            If one is not whole.
        """
        for layer_id in self._drawn:
            _ = self.layers[layer_id].collection

    @property
    def plans(self) -> list[dict[str, Any]]:
        """The plan documents behind the layers."""
        return self._plans.get()

    @property
    def outlines(self) -> dict[str, Outline]:
        """Chapter numbers of the plans by line."""
        return self._outlines.get()

    @property
    def gazetteer(self) -> Gazetteer:
        """Names of places."""
        return self._gazetteer.get()

    def division_area(self, code: str) -> BaseGeometry | None:
        """Shape of a division, EPSG:4490; None when it is not drawn, or not drawn where it lies."""
        return division_area((frame.get() for frame in self._boundaries.values()), code)

    @property
    def areas(self) -> tuple[str, ...]:
        """Paths of the divisions that the plans are made for, the largest first."""
        return tuple(sorted({plan["area"] for plan in self.plans}, key=lambda path: (path.count("/"), path)))

    def bounds_of(self, place: Candidate) -> Bounds | None:
        """Bounds in degrees of a place, of a zone's members together; None when nothing of it is drawn."""
        codes = place.members or (place.drawn_code,)
        found = [bounds for code in codes if (bounds := store.division_bounds(self.build, code))]
        if not found:
            return None
        west, south, east, north = zip(*found, strict=True)
        return Bounds(min(west), min(south), max(east), max(north))


def current_snapshot(request: Request) -> Snapshot:
    """Dependency: the snapshot this request is answered from."""
    snapshot: Snapshot = request.app.state.builds.current()
    return snapshot


CurrentSnapshot = Annotated[Snapshot, Depends(current_snapshot)]
