"""What the processes do: packs in, files in the job's own folder out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.processes.model import Context, Output

if TYPE_CHECKING:
    import pyarrow as pa

    from geoplan.pack.open import Pack

MEDIA_TYPES = {
    "geojson": "application/geo+json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "gpkg": "application/geopackage+sqlite3",
}
_BATCH = 20_000
_GEOMETRY = "geometry"


def export(collection: str, format_: str, filter_: str | None, context: Context) -> dict[str, Output]:
    """Write features of a collection, in the order of their ids, as one file named after it."""
    from geoplan.query import compile_filter

    pack = _open(collection, context)
    part = pack.source
    rows: NDArray[Any] = np.asarray(part.ids_order, np.int64)
    if filter_:
        rows = rows[compile_filter(filter_, pack=pack).mask(part)[rows]]
    name = f"{collection}.{format_}"
    write = {"geojson": _write_geojson, "csv": _write_csv, "parquet": _write_parquet, "gpkg": _write_gpkg}[format_]
    write(context.folder / name, pack, _batches(rows, context))
    return {"file": Output(MEDIA_TYPES[format_], name)}


def seed(collection: str, zooms: tuple[int, int], context: Context) -> dict[str, Output]:
    """Write the vector tiles of a collection as a PMTiles archive."""
    from geoplan.tiles.seed import seed as write_archive

    pack = _open(collection, context)
    name = f"{collection}.pmtiles"
    write_archive(
        pack.path, context.folder / name, min_zoom=zooms[0], max_zoom=zooms[1], workers=1, progress=context.progress
    )
    return {"archive": Output("application/vnd.pmtiles", name)}


def overlap(layers: tuple[str, str], classes: tuple[str | None, str | None], context: Context) -> dict[str, Output]:
    """Write the areas of overlap of two collections' classes as CSV, with what each row leaves uncovered."""
    from dataclasses import asdict

    import pandas as pd

    from geoplan.query.overlay import overlap_matrix

    context.progress("overlap", 0, 1)
    packs = [_open(layer, context) for layer in layers]
    found = overlap_matrix(packs[0], packs[1], first_class=classes[0], second_class=classes[1])
    matrix = pd.DataFrame(found.area_m2, index=list(found.rows), columns=list(found.columns))
    sums = {"total_m2": found.total_m2, "uncovered_m2": found.uncovered_m2, "counted_twice_m2": found.repeated_m2}
    name = f"{layers[0]}-{layers[1]}.csv"
    text = matrix.assign(**sums).to_csv(index_label=classes[0] or layers[0], lineterminator="\r\n")
    (context.folder / name).write_bytes(text.encode("utf-8-sig"))
    summary = {"pairs": found.pairs, "first": asdict(found.first), "second": asdict(found.second)}
    return {"matrix": Output("text/csv", name), "summary": Output("application/json", value=summary)}


def _open(collection: str, context: Context) -> Pack:
    from geoplan.pack.open import open_pack

    if collection not in context.packs:
        raise QueryError(f"there is no collection {collection!r}; GET /collections lists them")
    return open_pack(context.packs[collection])


def _batches(rows: NDArray[Any], context: Context) -> Iterator[NDArray[Any]]:
    """The rows in pieces of bounded size; an empty piece when there is none."""
    for start in range(0, max(len(rows), 1), _BATCH):
        context.progress("features", start, len(rows))
        yield rows[start : start + _BATCH]


def _write_geojson(path: Path, pack: Pack, batches: Iterator[NDArray[Any]]) -> None:
    from geoplan.pack.writer import write_features

    with path.open("wb") as stream:
        stream.write(b'{"type":"FeatureCollection","features":[')
        separator = b""
        for rows in batches:
            text = write_features(pack.source, rows)
            if text:
                stream.write(separator + text)
                separator = b",\n"
        stream.write(b"]}\n")


def _write_csv(path: Path, pack: Pack, batches: Iterator[NDArray[Any]]) -> None:
    """Attributes only; with a byte order mark, so that a spreadsheet reads the Chinese."""
    import pandas as pd

    from geoplan.pack.table import rows_table

    with path.open("wb") as stream:
        stream.write(b"\xef\xbb\xbf")
        for number, rows in enumerate(batches):
            # Arrow's own types: a whole number must not become 1.0 where another one is missing.
            frame = rows_table(pack.source, rows).to_pandas(types_mapper=pd.ArrowDtype)
            stream.write(frame.to_csv(index=False, header=number == 0, lineterminator="\r\n").encode())


def _write_parquet(path: Path, pack: Pack, batches: Iterator[NDArray[Any]]) -> None:
    """GeoParquet 1.1; the bounding box is that of the whole collection."""
    import json

    import pyarrow.parquet as pq
    from pyproj import CRS

    from geoplan.crs import STORAGE

    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": [], "crs": CRS(STORAGE).to_json_dict()}
    if pack.manifest.bounds:
        column["bbox"] = list(pack.manifest.bounds)
    geo = {"version": "1.1.0", "primary_column": _GEOMETRY, "columns": {_GEOMETRY: column}}
    metadata = {b"geo": json.dumps(geo).encode()}
    writer: pq.ParquetWriter | None = None
    try:
        for rows in batches:
            table = _table_with_shapes(pack, rows).replace_schema_metadata(metadata)
            writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _write_gpkg(path: Path, pack: Pack, batches: Iterator[NDArray[Any]]) -> None:
    import pyogrio

    from geoplan.crs import STORAGE

    for number, rows in enumerate(batches):
        pyogrio.write_arrow(
            _table_with_shapes(pack, rows),
            path,
            layer=pack.manifest.id,
            driver="GPKG",
            geometry_name=_GEOMETRY,
            geometry_type="Unknown",
            crs=STORAGE,
            append=number > 0,
        )


def _table_with_shapes(pack: Pack, rows: NDArray[Any]) -> pa.Table:
    """Attributes by the types of the pack, alike for all batches, and the shapes as WKB."""
    import pyarrow as pa
    import shapely

    from geoplan.pack.geometry import take
    from geoplan.pack.shapes import to_shapely
    from geoplan.pack.table import rows_table

    shapes = to_shapely(take(pack.source.geometry, rows))
    return rows_table(pack.source, rows).append_column(_GEOMETRY, pa.array(shapely.to_wkb(shapes), pa.binary()))
