"""Sources of a pack as batches of rows with well-known binary: GeoParquet, what GDAL reads, frames, other streams."""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from geoplan.crs import STORAGE, to_storage
from geoplan.errors import CRSError, VectorError
from geoplan.vector import Limits, _characters, _checked_path, _parts

if TYPE_CHECKING:
    import geopandas as gpd

BATCH_ROWS = 65_536
BATCH_BYTES = 64 << 20
"""A batch has at most so many rows, and so many bytes of geometry (or one row)."""
ID_NAMES = ("fid", "id", "ogc_fid", "objectid", "gid")
"""Integer columns that are taken for the id of the features where none is named, in this order."""
_LIMITS = Limits(features=2**31 - 2, vertices=2**31 - 2, bytes=2**40)
_PARQUET = {".parquet", ".geoparquet", ".pq"}


@dataclass(frozen=True, slots=True)
class Source:
    """Features as a stream.

    Attributes
    ----------
    name
        What messages call it.
    crs
        CRS of the positions.
    schema
        All columns of the batches, the geometry's included.
    geometry
        Name of the column of well-known binary.
    batches
        The rows, once.
    total
        Number of features, if known beforehand.
    id_column
        Column that is the id by the format's own rules (a GeoPackage's primary key).
    identity
        Text that changes when the content does; None where that cannot be told.
    """

    name: str
    crs: CRS
    schema: pa.Schema
    geometry: str
    batches: Iterator[pa.RecordBatch]
    total: int | None = None
    id_column: str | None = None
    identity: str | None = None


@contextmanager
def open_source(
    source: Path | gpd.GeoDataFrame | Source, *, layer: str | None = None, crs: str | None = None
) -> Iterator[Source]:
    """Open a source of features.

    Parameters
    ----------
    source
        A file (``.parquet``, or any format of `geoplan.vector`), a frame with a CRS, or a stream.
    layer
        Layer of a file that has several.
    crs
        CRS of a file that declares none.

    Raises
    ------
    VectorError, CRSError
        If it cannot be read as it stands.
    """
    if isinstance(source, Source):
        yield source
    elif not isinstance(source, Path):
        yield _frame_source(source)
    elif source.suffix.lower() in _PARQUET:
        with _parquet_file(source) as file:
            yield _parquet_source(source, file, crs)
    else:
        with _gdal_source(source, layer, crs) as opened:
            yield opened


def storage_crs(crs: CRS | None, name: str) -> CRS:
    """`crs` itself, if positions in it can be brought to EPSG:4490; else `CRSError` or `VectorError`."""
    import geopandas as gpd

    if crs is None:
        raise CRSError(f"{name}: the source declares no CRS. Say which one it is in: --crs EPSG:4490.")
    if not (crs.is_geographic or crs.is_projected) or crs.name.lower().startswith(("undefined", "unknown")):
        raise CRSError(f"{name}: {crs.name[:60]!r} is neither a geographic nor a projected CRS; declare the right one.")
    try:
        to_storage(gpd.GeoDataFrame(geometry=[], crs=crs))
    except CRSError as exc:
        raise CRSError(f"{name}: {exc}") from None
    except ProjError:
        raise CRSError(f"{name}: there is no way from {crs.name[:60]!r} to {STORAGE}.") from None
    return crs


def in_small_batches(batches: Iterator[pa.RecordBatch], geometry: str) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most `BATCH_ROWS` and `BATCH_BYTES`."""
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            rows = min(BATCH_ROWS, batch.num_rows - start)
            part = batch.slice(start, rows)
            while rows > 1 and _bytes(part.column(geometry)) > BATCH_BYTES:
                rows //= 2
                part = batch.slice(start, rows)
            yield part
            start += rows


def _bytes(column: pa.Array) -> int:
    column = column.storage if isinstance(column, pa.ExtensionArray) else column
    total = pc.sum(pc.binary_length(column)).as_py()
    return int(total or 0)


def _frame_source(frame: gpd.GeoDataFrame) -> Source:
    crs = storage_crs(frame.crs, "the frame")
    name = str(frame.geometry.name)
    attributes = frame.drop(columns=name)
    structured = [column for column in attributes if _structured(attributes[column])]
    for column in structured:
        attributes[column] = [_json(value) for value in attributes[column]]
    table = pa.Table.from_pandas(pd.DataFrame(attributes), preserve_index=False)
    for column in structured:
        field = pa.field(column, pa.large_string(), metadata={"type": "json"})
        table = table.set_column(table.schema.get_field_index(column), field, table[column].cast(pa.large_string()))
    # A table without columns has no rows to which a column could be added.
    schema = table.schema.append(pa.field(name, pa.large_binary()))
    shapes = pa.array(list(frame.geometry.to_wkb()), pa.large_binary())
    table = pa.Table.from_arrays([*table.columns, pa.chunked_array([shapes])], schema=schema)
    return Source("the frame", crs, schema, name, iter(table.to_batches(BATCH_ROWS)), len(frame))


def _structured(column: pd.Series[Any]) -> bool:
    """Whether a column of a frame holds lists or objects."""
    return column.dtype == object and any(isinstance(value, list | tuple | dict) for value in column)


def _json(value: Any) -> str | None:
    """JSON text of a cell; a cell without a value has none."""
    import orjson

    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY, default=str).decode()


@contextmanager
def _parquet_file(path: Path) -> Iterator[pq.ParquetFile]:
    if not path.is_file():
        raise VectorError(f"{path.name}: there is no such file; check the path.")
    try:
        with pq.ParquetFile(path, memory_map=False) as file:
            yield file
    except (pa.ArrowException, OSError) as exc:
        if isinstance(exc, OSError) and exc.errno:
            raise
        raise VectorError(f"{path.name}: the file cannot be read as Parquet; write it again.") from exc


def _parquet_source(path: Path, file: pq.ParquetFile, crs: str | None) -> Source:
    schema = file.schema_arrow
    try:
        about = json.loads((schema.metadata or {})[b"geo"])
        geometry = str(about["primary_column"])
        column = about["columns"][geometry]
        encoding = column["encoding"]
    except (KeyError, ValueError, TypeError, RecursionError):
        raise VectorError(f"{path.name}: this is no GeoParquet file; write it with a GIS or geopandas.") from None
    if encoding != "WKB" or geometry not in schema.names:
        raise VectorError(f"{path.name}: its geometry is kept as {str(encoding)[:40]!r}; write it as WKB.")
    # A file that says nothing is in OGC:CRS84 (GeoParquet 1.1); one that says null does not know.
    declared = column.get("crs", "OGC:CRS84")
    chosen = storage_crs(_chosen_crs(declared, crs, path.name), path.name)
    return Source(
        path.name, chosen, schema, geometry, _row_groups(file), file.metadata.num_rows, None, _identity([path])
    )


def _row_groups(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Batches of one row group after the other: across several, Arrow keeps what it has read until the last one."""
    for group in range(file.num_row_groups):
        yield from file.iter_batches(BATCH_ROWS, row_groups=[group])


@contextmanager
def _gdal_source(path: Path, layer: str | None, crs: str | None) -> Iterator[Source]:
    import pyogrio

    source = _checked_path(path, _LIMITS)
    shapefile = source.suffix.lower() == ".shp"
    keyed = source.suffix.lower() in {".gpkg", ".gdb"}  # elsewhere GDAL only counts
    encoding = _characters(source, None) if shapefile else None
    if source.suffix.lower() in {".geojson", ".json"}:
        _refuse_linked_crs(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            name = _layer(source, [str(found) for found in pyogrio.list_layers(source)[:, 0]], layer)
            total = int(pyogrio.read_info(source, layer=name, encoding=encoding)["features"])
            opened = pyogrio.raw.open_arrow(
                source, layer=name, encoding=encoding, batch_size=BATCH_ROWS, use_pyarrow=True, return_fids=keyed
            )
            with opened as (about, reader):
                geometry = about["geometry_name"] or "wkb_geometry"
                if geometry not in reader.schema.names:
                    raise VectorError(f"{source.name}: the layer has no geometry.")
                chosen = storage_crs(_chosen_crs(about["crs"], crs, source.name), source.name)
                key = str(about["fid_column"]) if keyed and about.get("fid_column") in reader.schema.names else None
                yield Source(
                    source.name,
                    chosen,
                    reader.schema,
                    geometry,
                    iter(reader),
                    total if total >= 0 else None,
                    key,
                    _identity(_parts(source), name),
                )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pa.ArrowException, UnicodeError) as exc:
        raise VectorError(
            f"{source.name}: the file cannot be read; it is damaged, or not what its suffix says. "
            "Open it in a GIS and export it again."
        ) from exc


def _layer(source: Path, layers: Sequence[str], layer: str | None) -> str:
    listed = ", ".join(layers) or "none"
    if layer is not None and layer not in layers:
        raise VectorError(f"{source.name}: there is no layer {layer!r}; its layers are: {listed}.")
    if layer is None and len(layers) != 1:
        raise VectorError(f"{source.name}: the file has {len(layers)} layers ({listed}); choose one with --layer.")
    return layer or layers[0]


def _refuse_linked_crs(source: Path) -> None:
    """Refuse a GeoJSON file whose CRS is elsewhere: GDAL would fetch it."""
    with source.open("rb") as stream:
        head = stream.read(1 << 20)
        stream.seek(max(0, source.stat().st_size - (1 << 20)))
        text = head + stream.read()
    if b'"crs"' in text and b'"link"' in text:
        raise VectorError(f"{source.name}: its crs member points elsewhere; name the CRS in it or remove the member.")


def _chosen_crs(declared: Any, asked: str | None, name: str) -> CRS | None:
    given = None
    try:
        found = None if declared in {None, ""} else CRS.from_user_input(declared)
    except TypeError:  # a PROJJSON object cannot be looked up in a set
        found = _from_json(declared, name)
    except ProjError:
        raise VectorError(f"{name}: its CRS cannot be understood; write a plain one, e.g. EPSG:4490.") from None
    if asked is not None:
        try:
            given = CRS.from_user_input(asked)
        except ProjError:
            raise VectorError(f"the CRS {asked!r} is not known; write it like EPSG:4490 or EPSG:4547.") from None
    if found is not None and given is not None and not given.equals(found, ignore_axis_order=True):
        raise VectorError(f"{name}: the file says {found.to_string()[:60]}, not {asked}. Leave --crs out.")
    return found or given


def _from_json(declared: Any, name: str) -> CRS:
    try:
        return CRS.from_json_dict(declared)
    except (ProjError, AttributeError, TypeError, ValueError):
        raise VectorError(f"{name}: its CRS cannot be understood; write a plain one, e.g. EPSG:4490.") from None


def _identity(paths: Sequence[Path], layer: str = "") -> str:
    """Path, size and time of change of the files: another content has another one, as long as the clock runs."""
    digest = hashlib.sha256(layer.encode())
    for path in paths:
        status = path.stat()
        digest.update(f"\0{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}".encode())
    return digest.hexdigest()
