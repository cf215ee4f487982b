"""Live layers: tables of PostGIS that are served as they are now, beside packs.

A request reads the rows that it needs as a pack in memory, which the code for packs then answers from. The
connections have an event loop and a thread of their own, so that any route may ask them.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast

from geoplan.crs import Bounds
from geoplan.errors import CRSError, QueryError, SourceError
from geoplan.pack.format import ColumnEntry, Manifest
from geoplan.pack.open import Pack
from geoplan.pack.part import Part
from geoplan.sources.postgis.blocking import Loop
from geoplan.sources.postgis.declaration import LayerEntry, read_declaration
from geoplan.sources.postgis.live import Matches, Page, PostgisLayer, Reach
from geoplan.sources.postgis.relation import Relation
from geoplan.sources.postgis.selection import Selection, box_of_tile, is_pushable
from geoplan.tiles.grid import Tile
from services.api.collection import Collection

DECLARATION = "GEOPLAN_POSTGIS"
"""Environment variable with the file that declares the layers."""
DESCRIBED_S = 10.0
"""How long the columns of a layer are believed."""
BOUNDED_S = 60.0
"""How long its bounds are: without statistics they are read of all rows."""
_PAUSE_S = 5.0
"""After a failure the list of collections does without a look at the layer for so long."""
T = TypeVar("T")


class LiveLayers:
    """The live layers of a declaration; nothing is connected before the first question."""

    def __init__(self, file: Path, environ: Mapping[str, str]) -> None:
        """Raises `SettingsError` when the declaration cannot be used."""
        declared = read_declaration(file)
        layers = declared.live_layers(environ)
        self._loop = Loop()
        self._closed = False
        self._sources = [LiveSource(declared.entry(id_), layer, self._loop) for id_, layer in layers.items()]

    @property
    def collections(self) -> dict[str, Collection]:
        """What the shelf offers, by id."""
        return {source.id: source.collection for source in self._sources}

    def close(self) -> None:
        """Close the connections and end the thread; once is enough, and twice does no harm."""
        if self._closed:
            return
        self._closed = True
        for source in self._sources:
            source.close()
        self._loop.close()


class LiveSource:
    """One live layer, for requests of any thread.

    Attributes
    ----------
    id
        As the addresses have it.
    min_zoom
        Below it tiles are empty.
    collection
        For the shelf: it has title and description, and refuses to be read as a pack.
    """

    def __init__(self, entry: LayerEntry, layer: PostgisLayer, loop: Loop) -> None:
        self.id = entry.id
        self.min_zoom = entry.min_zoom
        self._layer = layer
        self._loop = loop
        self._manifest = Manifest(
            id=entry.id, title={"zh": entry.title.zh, "en": entry.title.en}, description=entry.description,
            count=0, bounds=None, geometry="any", columns=(), parts=(), files={},
        )  # fmt: skip
        unread = cast("Pack", _Unread(self._manifest))
        self.collection = Collection(entry.id, unread, {}, frozenset(), live=self)
        self._described: Collection | None = None
        self._described_at = self._bounded_at = self._failed_at = float("-inf")
        self._bounds: Bounds | None = None
        self._relation: Relation | None = None

    def close(self) -> None:
        """Close the connections."""
        self._loop.wait(self._layer.close())

    async def described(self) -> Collection:
        """The layer with its properties and without features, for parameters to be checked against.

        Raises
        ------
        SourceError, SourceUnavailableError
            If the table cannot be read as declared, or the database does not answer.
        """
        if self._described is not None and time.monotonic() - self._described_at < DESCRIBED_S:
            return self._described
        return await self._asked(self._describe())

    def decides(self, equal: Mapping[str, Any]) -> bool:
        """Whether the database compares these values exactly as the library does."""
        relation = self._relation
        return not equal or (
            relation is not None and all(is_pushable(relation.column(name), value) for name, value in equal.items())
        )

    async def page(self, selection: Selection, limit: int, matches: Matches | None) -> Page:
        """As `PostgisLayer.page`."""
        return await self._asked(self._layer.page(selection, limit=limit, matches=matches))

    async def rows(self, selection: Selection) -> Collection:
        """The layer with the rows of a selection as its only features; its version is theirs, empty if unknown."""
        known = await self.described()
        read = await self._asked(self._layer.read(selection))
        return held(known, read.part, read.version)

    async def nearest(self, selection: Selection, place: tuple[float, float], count: int, reach: Reach) -> Collection:
        """The same of the rows among which are the nearest; parameters as for `PostgisLayer.nearest`."""
        known = await self.described()
        read = await self._asked(self._layer.nearest(selection, place, count, reach))
        return held(known, read.part, read.version)

    async def tile(self, tile: Tile, buffer: int, extent: int, *, only_version: bool = False) -> Collection:
        """The same of what a tile may show; with `only_version` without the features."""
        known = await self.described()
        if tile.z < self.min_zoom:
            return held(known, known.pack.source, "not drawn")
        selection = Selection(box=box_of_tile(*tile, buffer=buffer, extent=extent))
        if only_version:
            return held(known, known.pack.source, await self._asked(self._layer.version(selection)))
        read = await self._asked(self._layer.read(selection, zoom=tile.z))
        return held(known, read.part, read.version)

    def documented(self) -> Collection:
        """`described`, with its bounds, for routes that may wait."""
        try:
            return self._loop.wait(self._document())
        except CRSError as error:
            raise SourceError(str(error)) from None

    def listed(self) -> Collection:
        """`documented`, or what was last known of the layer where it cannot be read now."""
        if time.monotonic() - self._failed_at >= _PAUSE_S:
            try:
                return self.documented()
            except (SourceError, QueryError):
                self._failed_at = time.monotonic()
        return self._described or self.collection

    async def _asked(self, question: Coroutine[Any, Any, T]) -> T:
        try:
            return await asyncio.wrap_future(self._loop.begin(question))
        except CRSError as error:
            raise SourceError(str(error)) from None

    async def _describe(self) -> Collection:
        relation = await self._layer.relation()
        part = await self._layer.nothing()
        manifest = self._manifest_of(relation, part)
        old = self._described
        if old is None or old.pack.manifest != manifest:
            names = frozenset(column.name for column in part.columns)
            self._described = Collection(self.id, Pack(Path(), manifest, (part,)), {}, names, live=self)
        self._relation, self._described_at = relation, time.monotonic()
        return self._described or self.collection

    def _manifest_of(self, relation: Relation, part: Part) -> Manifest:
        columns = tuple(
            ColumnEntry.model_validate({"name": column.name, "type": column.type, "in_tiles": column.in_tiles})
            for column in part.columns
        )
        bounds = None if self._bounds is None else tuple(self._bounds)
        return self._manifest.model_copy(update={"columns": columns, "id_column": relation.id_column, "bounds": bounds})

    async def _document(self) -> Collection:
        now = time.monotonic()
        if now - self._bounded_at >= BOUNDED_S:
            self._bounds = await self._layer.bounds()
            self._bounded_at = now
        return await self._describe()


class _Unread:
    """In the place of a pack where the features would have to be read of the database."""

    path = Path()

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    @property
    def source(self) -> NoReturn:
        """Refused."""
        self._refuse()

    @property
    def parts(self) -> NoReturn:
        """Refused."""
        self._refuse()

    def part_at(self, _zoom: int) -> NoReturn:
        """Refused."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise QueryError(
            f"{self.manifest.id} is read from a database as it is now, which cannot answer this; "
            "ask for its items or tiles, or pull it into a pack."
        )


def find_live(environ: Mapping[str, str]) -> LiveLayers | None:
    """The live layers that the environment declares; None without a declaration. Raises `SettingsError`."""
    file = environ.get(DECLARATION)
    return LiveLayers(Path(file), environ) if file else None


def held(known: Collection, part: Part, version: str | None) -> Collection:
    """A described layer with the features of a part, and a version of rows and columns."""
    columns = repr([(column.name, column.type) for column in part.columns])
    told = "" if version is None else f"{version}-{hashlib.blake2b(columns.encode(), digest_size=8).hexdigest()}"
    manifest = known.pack.manifest.model_copy(update={"version": told, "count": len(part)})
    names = frozenset(column.name for column in part.columns)
    return Collection(known.id, Pack(Path(), manifest, (part,)), known.metadata, names, known.filters)


def documented(one: Collection) -> Collection:
    """A collection whose properties and bounds are known; raises as `LiveSource.described`."""
    return one if one.live is None else one.live.documented()


def listed(collections: Iterable[Collection]) -> dict[str, Collection]:
    """Collections by id, live ones as far as they are known."""
    return {one.id: one if one.live is None else one.live.listed() for one in collections}


async def read_all(
    collections: Iterable[Collection], tile: Tile, buffer: int, extent: int, *, only_version: bool
) -> list[Collection]:
    """Collections for a tile: of the live ones the rows that it may show."""
    return [
        one if one.live is None else await one.live.tile(tile, buffer, extent, only_version=only_version)
        for one in collections
    ]
