"""All tiles of a pack written into one PMTiles archive (`geoplan seed`)."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import igzip
from numpy.typing import NDArray

from geoplan.errors import PackError
from geoplan.pack.mercator import EXTENT_BITS, WORLD_BITS
from geoplan.pack.open import Pack, open_pack
from geoplan.pack.warm import one_by_one
from geoplan.tiles.encode import TileLayer, encode_mvt
from geoplan.tiles.grid import BUFFER, MAX_ZOOM, Tile
from geoplan.tiles.warm import warm

if TYPE_CHECKING:
    from geoplan.pack.part import Tree

MAX_TILES = 20_000_000
"""Most tiles of one archive."""
_BATCH = 32
_GZIP_LEVEL = 2
_pack: list[Pack] = []


def seed(
    pack: Path,
    target: Path,
    *,
    min_zoom: int,
    max_zoom: int,
    workers: int = 0,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> int:
    """Write the vector tiles of a pack to `target`, which is there whole or not at all.

    Parameters
    ----------
    pack
        Folder of the pack.
    min_zoom, max_zoom
        First and last zoom, 0 to 22.
    workers
        Processes that encode; 0: one a core.

    Returns
    -------
    int
        Number of tiles that hold something.

    Raises
    ------
    PackError
        If the pack is not in order, the zooms are no zooms, or there are more tiles than an archive takes.
    """
    if not 0 <= min_zoom <= max_zoom <= MAX_ZOOM:
        raise PackError(f"zooms {min_zoom} to {max_zoom}: must be within 0 to {MAX_ZOOM}, the lower first.")
    opened = open_pack(pack)
    ids = np.concatenate([_tile_ids(opened, z) for z in range(min_zoom, max_zoom + 1)])
    if len(ids) > MAX_TILES:
        raise PackError(f"{len(ids)} tiles are more than an archive takes ({MAX_TILES}); choose a lower zoom.")
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}-", delete=False) as stream:
        temporary = Path(stream.name)
    try:
        written = _write(opened, ids, temporary, (min_zoom, max_zoom), workers or os.cpu_count() or 1, progress)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return written


def _write(
    pack: Pack,
    ids: NDArray[np.int64],
    temporary: Path,
    zooms: tuple[int, int],
    workers: int,
    progress: Callable[[str, int, int], None],
) -> int:
    from pmtiles.tile import Compression, TileType
    from pmtiles.writer import Writer

    from geoplan.tiles.tilejson import tilejson

    description = tilejson(pack.manifest, ())
    west, south, east, north = (round(v * 1e7) for v in description["bounds"])
    header = {
        "tile_compression": Compression.GZIP, "tile_type": TileType.MVT,
        "min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north,
        "center_lon_e7": (west + east) // 2, "center_lat_e7": (south + north) // 2, "center_zoom": zooms[0],
    }  # fmt: skip
    keys = ("name", "description", "attribution", "vector_layers")
    written = 0
    with temporary.open("wb") as stream, ExitStack() as stack:
        writer = Writer(stream)
        stack.callback(writer.tile_f.close)  # it closes its own file only when all goes well
        for done, (tile_id, body) in enumerate(_encoded(pack.path, pack.manifest.id, ids, workers)):
            if done % _BATCH == 0:
                progress("tiles", done, len(ids))
            if body:
                writer.write_tile(tile_id, body)
                written += 1
        if not written:
            raise PackError(f"{pack.manifest.id}: no tile of these zooms holds anything.")
        writer.finalize(header, {key: description[key] for key in keys})
        stream.flush()
        os.fsync(stream.fileno())
    return written


def _encoded(pack: Path, name: str, ids: NDArray[np.int64], workers: int) -> Iterator[tuple[int, bytes]]:
    """Tile ids in order with their packed tiles; empty ones are empty."""
    batches = [ids[i : i + _BATCH].tolist() for i in range(0, len(ids), _BATCH)]
    if workers == 1:
        opened = open_pack(pack)
        for batch in batches:
            yield from zip(batch, _bodies(opened, batch, name), strict=True)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _open, (pack,)) as pool:
        for batch, bodies in zip(batches, pool.map(_encode, batches, [name] * len(batches)), strict=True):
            yield from zip(batch, bodies, strict=True)


def _open(pack: Path) -> None:
    """Prepare a worker process."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    one_by_one(warm)
    _pack.append(open_pack(pack))


def _end_with_parent() -> None:
    """Wait for the end of the process that asks; a worker would outlive one that is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _encode(ids: Sequence[int], name: str) -> list[bytes]:
    return _bodies(_pack[0], ids, name)


def _bodies(pack: Pack, ids: Sequence[int], name: str) -> list[bytes]:
    """Packed tiles; empty ones are empty."""
    from pmtiles.tile import tileid_to_zxy

    bodies = []
    for tile_id in ids:
        tile = Tile(*tileid_to_zxy(tile_id))
        part = pack.part_at(tile.z)
        body = encode_mvt([TileLayer(name, part, None, None)], tile) if part is not None else b""
        bodies.append(igzip.compress(body, _GZIP_LEVEL, mtime=0) if body else b"")
    return bodies


def _tile_ids(pack: Pack, zoom: int) -> NDArray[np.int64]:
    """Ids (PMTiles: along the Hilbert curve) of the tiles of a zoom that a feature's box meets, ascending."""
    from pmtiles.tile import zxy_to_tileid

    part = pack.part_at(zoom)
    if part is None:
        return np.zeros(0, np.int64)
    keys = _tile_keys(part.tree, zoom)
    ids: list[Any] = [zxy_to_tileid(zoom, int(key >> MAX_ZOOM), int(key & ((1 << MAX_ZOOM) - 1))) for key in keys]
    return np.sort(np.array(ids, np.int64))


def _tile_keys(tree: Tree, zoom: int) -> NDArray[np.int64]:
    """``x << 22 | y`` of the tiles of a zoom whose buffered square meets a feature's box, each once."""
    margin = (BUFFER << (WORLD_BITS - zoom)) >> EXTENT_BITS
    boxes = tree.boxes[tree.boxes[:, 0] <= tree.boxes[:, 2]].astype(np.int64) + (1 << (WORLD_BITS - 1))
    last = (1 << zoom) - 1
    low = np.clip((boxes[:, :2] - margin) >> (WORLD_BITS - zoom), 0, last)
    high = np.clip((boxes[:, 2:] + margin) >> (WORLD_BITS - zoom), 0, last)
    spans = np.unique(np.column_stack([low, high]), axis=0)
    width, height = (spans[:, 2:] - spans[:, :2] + 1).T
    if int((width * height).sum()) > 4 * MAX_TILES:
        raise PackError(f"zoom {zoom} has more tiles than an archive takes ({MAX_TILES}); choose a lower zoom.")
    which = np.repeat(np.arange(len(spans)), width * height)
    place = np.arange(len(which)) - np.repeat(np.cumsum(width * height) - width * height, width * height)
    x = spans[which, 0] + place // height[which]
    y = spans[which, 1] + place % height[which]
    return np.unique((x << MAX_ZOOM) | y)
