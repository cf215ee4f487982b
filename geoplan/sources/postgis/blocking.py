"""Live layers for code without an event loop, and for notebooks, whose own loop is busy running the cell."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Self, TypeVar

if TYPE_CHECKING:
    from geoplan.crs import Bounds
    from geoplan.pack.part import Part
    from geoplan.sources.postgis.live import Matches, Page, PostgisLayer, Rows
    from geoplan.sources.postgis.relation import Relation
    from geoplan.sources.postgis.selection import Selection

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, so that code with or without a loop can wait for what runs there."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="geoplan-postgis", daemon=True)
        self._thread.start()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Start it and go on."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Its result."""
        future = self.begin(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        """Stop the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class BlockingLayer:
    """A `PostgisLayer` whose methods wait for their answers; parameters and errors are the same.

    To be used in a ``with`` statement, or closed: it has a thread and connections of its own.
    """

    def __init__(self, layer: PostgisLayer) -> None:
        self._layer = layer
        self._loop = Loop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and end the thread."""
        self._loop.wait(self._layer.close())
        self._loop.close()

    def relation(self) -> Relation:
        """What the relation offers."""
        return self._loop.wait(self._layer.relation())

    def nothing(self) -> Part:
        """A part without features, to compile filters against."""
        return self._loop.wait(self._layer.nothing())

    def read(self, selection: Selection, *, zoom: int | None = None) -> Rows:
        """The rows of a selection."""
        return self._loop.wait(self._layer.read(selection, zoom=zoom))

    def page(self, selection: Selection, *, limit: int, matches: Matches | None = None, counted: bool = True) -> Page:
        """The first features of a selection."""
        return self._loop.wait(self._layer.page(selection, limit=limit, matches=matches, counted=counted))

    def count(self, selection: Selection, matches: Matches | None = None) -> int | None:
        """How many features answer."""
        return self._loop.wait(self._layer.count(selection, matches))

    def version(self, selection: Selection) -> str | None:
        """The version of a selection's rows."""
        return self._loop.wait(self._layer.version(selection))

    def bounds(self) -> Bounds | None:
        """West, south, east, north in degrees."""
        return self._loop.wait(self._layer.bounds())
