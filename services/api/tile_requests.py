"""What a tile's address asks for: which collections, which tile, and how it is to be made.

Everything is decided before anything is encoded, so that a client that has the tile is told so, and
a tile that is kept is not made again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple, Protocol

import geoplan
from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.pack.search import count
from geoplan.sources.postgis.selection import Selection
from geoplan.tiles.degrees import degree_geojson, degree_mvt, degree_window
from geoplan.tiles.encode import TileLayer, encode_geojson, encode_mvt
from geoplan.tiles.grid import BUFFER, EXTENT, MAX_ZOOM, Tile, TileAddressError
from services.api.answers import Answer, strong_etag, tag_of
from services.api.catalog import Shelf
from services.api.collection import Collection
from services.api.live import held, read_all
from services.api.responses import A_MINUTE, REVALIDATE
from services.api.targets import Parameters, digits, parse_query, whole_number
from services.api.tile_filters import Shown, shown
from services.api.tile_matrix_sets import CGCS2000_QUAD, WEB_MERCATOR_QUAD, limits_of, tile_of_set

MVT = "application/vnd.mapbox-vector-tile"
GEOJSON = "application/geo+json"
KINDS = {"mvt": MVT, "pbf": MVT, "geojson": GEOJSON, "json": GEOJSON}
PARAMETERS = frozenset(
    {"f", "filter", "filter-lang", "filter-crs", "datetime", "subset", "properties", "buffer", "extent"}
)
DATASET_PARAMETERS = PARAMETERS | {"collections"}

MAX_TILE_ZOOM = MAX_ZOOM
MAX_COLLECTIONS = 20
MAX_BUFFER = 512
HEAVY_FEATURES = 10_000
"""A tile of more features is made in a thread: its encoding takes more than some milliseconds."""
_USUAL_VERTICES = 100
_WORLD_BITS = 32


class Reading(Protocol):
    """Reads the live layers of a tile, and returns its request as it is now."""

    async def __call__(self, *, only_version: bool) -> TileRequest:
        """With the rows, or only with their version."""
        ...


class TileRequest(NamedTuple):
    """A tile that may be made.

    Attributes
    ----------
    etag
        Tag of the tile, which says all that it depends on.
    make
        Makes the answer.
    is_heavy
        Whether that belongs in a thread.
    read
        With a live layer among the collections: reads its rows, or only their version, and returns the request
        of the tile as it is now; the tag is empty where the rows have no version. None for packs alone.
    """

    etag: str
    make: Callable[[], Answer]
    is_heavy: bool
    read: Reading | None = None


class _Options(NamedTuple):
    kind: str
    buffer: int
    extent: int
    columns: tuple[str, ...] | None
    shown: Shown
    set_id: str


def tile_request(
    shelf: Shelf, ids: Sequence[str], address: tuple[str, str, str, str], parameters: Parameters, kind: str
) -> TileRequest:
    """The request of a tile by its OGC address: tile matrix set, tile matrix, row, column.

    Parameters
    ----------
    ids
        Collections to draw, the first at the bottom.
    parameters
        Those of the query.
    kind
        ``mvt`` or ``geojson``, unless the parameter ``f`` says otherwise.

    Raises
    ------
    LayerError
        If a collection is not there.
    TileAddressError
        If the tile is not one of the set, or lies outside the limits of every collection.
    QueryError
        If a parameter is not as it should be.
    """
    set_id, matrix, row, col = address
    collections = [shelf.collection(id_) for id_ in ids]
    options = _options(parameters, kind, set_id)
    if set_id not in {WEB_MERCATOR_QUAD, CGCS2000_QUAD}:
        raise TileAddressError(f"no tiles in the tile matrix set {set_id[:100]!r}; GET /tileMatrixSets lists the sets")
    tile = _tile(set_id, matrix, row, col)
    if not any(one.live or limits_of(set_id, one.bounds, tile.z).holds(tile.y, tile.x) for one in collections):
        raise TileAddressError("the tile lies outside the limits of its tile set")
    return _request(collections, tile, options)


def xyz_request(shelf: Shelf, id_: str, address: tuple[str, str, str], query: bytes) -> TileRequest:
    """The request of a tile by its XYZ address: z, x, and y with the kind as its extension.

    Raises the errors of `tile_request`; a tile of the grid in which nothing lies is empty.
    """
    z, x, (y, _, extension) = address[0], address[1], address[2].partition(".")
    kind = KINDS.get(extension)
    if kind is None:
        raise TileAddressError("tiles end in .mvt, .pbf or .geojson")
    parameters = parse_query(query, PARAMETERS - {"f"})
    options = _options(parameters, extension, WEB_MERCATOR_QUAD)
    return _request([shelf.collection(id_)], _tile(WEB_MERCATOR_QUAD, z, y, x), options)


def named_collections(shelf: Shelf, parameters: Parameters) -> list[str]:
    """Ids of the parameter ``collections``, all collections without it; raises `QueryError`."""
    text = parameters.get("collections")
    ids = list(shelf.collections) if text is None else list(dict.fromkeys(filter(None, text.split(","))))
    if not ids:
        raise QueryError("collections: name at least one collection; GET /collections lists them")
    if text is not None and len(ids) > MAX_COLLECTIONS:
        raise QueryError(f"collections: at most {MAX_COLLECTIONS} can be asked for at once")
    return ids[:MAX_COLLECTIONS]


def _tile(set_id: str, matrix: str, row: str, col: str) -> Tile:
    numbers = [digits(text) for text in (matrix, row, col)]
    if any(number is None for number in numbers):
        raise TileAddressError(f"a tile's address is three whole numbers, the zoom within 0 to {MAX_ZOOM}")
    return tile_of_set(set_id, *(number or 0 for number in numbers))


def _options(parameters: Parameters, kind: str, set_id: str) -> _Options:
    chosen = parameters.get("f", kind)
    media_type = KINDS.get(chosen)
    if media_type is None:
        raise QueryError(f"f: must be one of {', '.join(KINDS)}")
    names = parameters.get("properties")
    extent = whole_number(parameters.get("extent", str(EXTENT)), "extent", 256, 8192)
    if extent & (extent - 1):
        raise QueryError("extent: must be a power of two from 256 to 8192")
    return _Options(
        kind=media_type,
        buffer=whole_number(parameters.get("buffer", str(BUFFER)), "buffer", 0, MAX_BUFFER),
        extent=extent,
        columns=None if names is None else tuple(filter(None, names.split(","))),
        shown=shown(parameters),
        set_id=set_id,
    )


def _request(collections: list[Collection], tile: Tile, options: _Options) -> TileRequest:
    if any(one.live for one in collections):
        return _live_request(collections, tile, options)
    for collection in collections:
        _check_columns(collection, options.columns)
        options.shown.check(collection)
    parts = [collection.pack.part_at(tile.z) for collection in collections]
    drawn = [(c, part) for c, part in zip(collections, parts, strict=True) if part is not None]
    etag = strong_etag(geoplan.__version__, *(f"{c.id}:{c.version}" for c in collections), repr(tile), repr(options))

    def make() -> Answer:
        return _answer([_layer(collection, part, options) for collection, part in drawn], tile, options, etag)

    return TileRequest(etag, make, _is_heavy([part for _, part in drawn], tile, options))


def _is_heavy(parts: Sequence[Part], tile: Tile, options: _Options) -> bool:
    """Whether making the tile takes more than some milliseconds."""
    if options.set_id == CGCS2000_QUAD:
        return True
    box = grid_box(tile, options.buffer, options.extent)
    features = sum(count(part.tree, box) * _weight(part) for part in parts)
    return features > HEAVY_FEATURES or sum(map(options.shown.tests, parts)) > 10 * HEAVY_FEATURES


def _weight(part: Part) -> float:
    """How much work a feature is, in features of a hundred vertices."""
    return max(1.0, len(part.geometry.mercator) / max(len(part), 1) / _USUAL_VERTICES)


def _live_request(collections: list[Collection], tile: Tile, options: _Options) -> TileRequest:
    async def read(*, only_version: bool) -> TileRequest:
        if options.set_id == CGCS2000_QUAD:
            if only_version:
                return TileRequest("", refuse, is_heavy=False)
            found = [await _rows_now(one, tile, options) for one in collections]
        else:
            found = await read_all(collections, tile, options.buffer, options.extent, only_version=only_version)
        now = _request(found, tile, options)
        etag = now.etag if all(one.version for one in found) else ""

        def make() -> Answer:
            answer = now.make()
            return answer._replace(etag=etag or tag_of(answer.body), cache=REVALIDATE)

        return TileRequest(etag, make, is_heavy=True)

    def refuse() -> Answer:
        raise QueryError("a layer that is read from a database has no tiles here; ask for them below /collections.")

    return TileRequest("", refuse, is_heavy=False, read=read)


async def _rows_now(one: Collection, tile: Tile, options: _Options) -> Collection:
    """A collection; a live one with the rows that a tile of CGCS2000Quad may show."""
    if one.live is None:
        return one
    if tile.z < one.live.min_zoom:
        known = await one.live.described()
        return held(known, known.pack.source, "not drawn")
    box = degree_window(tile, extent=options.extent, buffer=options.buffer)
    found = await one.live.rows(Selection(box=box))
    # Read without a zoom the part is of none; what its tiles need is found out when they are made.
    return replace(found, pack=replace(found.pack, parts=(replace(found.pack.source, min_zoom=0),)))


def grid_box(tile: Tile, buffer: int, extent: int) -> tuple[int, int, int, int]:
    """Box of a tile and its buffer on the grid of `geoplan.pack.mercator`: min x, min y, max x, max y."""
    side = 1 << (_WORLD_BITS - tile.z)
    margin = buffer * side // extent + 1
    least, most = -(1 << 31), (1 << 31) - 1
    x, y = tile.x * side + least, tile.y * side + least
    return (
        max(x - margin, least), max(y - margin, least), min(x + side + margin, most), min(y + side + margin, most),
    )  # fmt: skip


def _layer(collection: Collection, part: Part, options: _Options) -> TileLayer:
    columns = options.columns
    if columns is not None:
        present = {column.name for column in part.columns}
        columns = tuple(name for name in columns if name in present)
    return TileLayer(collection.id, part, columns, options.shown.rows(collection, part))


def _answer(layers: list[TileLayer], tile: Tile, options: _Options, etag: str) -> Answer:
    in_degrees = options.set_id == CGCS2000_QUAD
    if options.kind == MVT:
        encode = degree_mvt if in_degrees else encode_mvt
        body = encode(layers, tile, extent=options.extent, buffer=options.buffer)
    else:
        encode_plain = degree_geojson if in_degrees else encode_geojson
        body = encode_plain(layers, tile, buffer=options.buffer)
    if not body:
        return Answer(204, "", b"", etag, A_MINUTE)
    return Answer(200, options.kind, body, etag, A_MINUTE)


def _check_columns(collection: Collection, names: tuple[str, ...] | None) -> None:
    for name in names or ():
        if name not in collection.names:
            raise QueryError(f"properties: {collection.id} has no property {name[:100]!r}")
