"""Vector files of other people, read record by record: Shapefile, GeoPackage, GeoJSON, FlatGeobuf, File Geodatabase.

The path is not trusted (no URL, no GDAL virtual file system), nor is the file: format, size, number of
features and of vertices are limited, and what the file does not say about its coordinates and its
characters is asked for, not guessed. Messages of GDAL do not reach the reader.
"""

from __future__ import annotations

import json
import logging
import math
import sqlite3
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError as ProjError

from geoplan.dbf import table_encoding
from geoplan.errors import GeoplanError, Problem, VectorError
from geoplan.provenance import sha256_file, sha256_parts

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_DRIVERS = {
    ".shp": "ESRI Shapefile",
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".gdb": "OpenFileGDB",
}
# The first bytes of each format: without them GDAL would try its other formats on the file, some of which fetch URLs.
_MAGIC = {".shp": b"\0\0\x27\x0a", ".gpkg": b"SQLite format 3\0", ".fgb": b"fgb"}
_SIDECARS = (".shx", ".dbf", ".prj", ".cpg")
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may hold at most; a larger one is refused before or while it is read."""

    features: int = 200_000
    vertices: int = 20_000_000
    bytes: int = 512 * _MEGABYTE


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class VectorFile:
    """One layer of a vector file.

    Attributes
    ----------
    frame
        Attributes and two-dimensional geometry in the file's own CRS. The index is the feature number:
        1, 2, 3... in the order of the file.
    problems
        Null, empty, unreadable and invalid geometries, each naming its feature. The features
        stay in the frame (unreadable geometry as None); what to do with them is the caller's business.
    crs_declared
        False where the file says nothing and the CRS comes from the caller, or is the WGS 84 that
        RFC 7946 prescribes for GeoJSON.
    encoding
        Character encoding of the attributes: as declared by the file or found out (Shapefile), else UTF-8.
    driver, layer
        Format, as GDAL calls it, and name of the layer.
    name, sha256
        File name without its folder, and the hash of its bytes: of the file itself, or of
        name and hash of each part where there are several (Shapefile, File Geodatabase).
    """

    frame: gpd.GeoDataFrame
    problems: tuple[Problem, ...]
    crs_declared: bool
    encoding: str
    driver: str
    layer: str
    name: str
    sha256: str


def read_vector(
    path: Path | str,
    *,
    layer: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    text_columns: Collection[str] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> VectorFile:
    """Read one layer of a vector file.

    Parameters
    ----------
    path
        A ``.shp``, ``.gpkg``, ``.geojson``, ``.json`` or ``.fgb`` file, or a ``.gdb`` folder, on this machine.
    layer
        Name of the layer; needed where the file has several.
    crs
        CRS of a file that declares none, e.g. ``EPSG:4490``. One that contradicts the file is an error.
    encoding
        Encoding of a Shapefile's attributes. Else its ``.cpg``, else UTF-8 if the bytes are, else GB18030.
    text_columns
        Names (in any case) of columns to give as text: a code 140321 or 140321.0 that the file
        holds as a number becomes ``"140321"``.
    limits
        Most bytes, features and vertices that are read.

    Raises
    ------
    VectorError
        If the file cannot be read as it stands; the message says what is missing.
    """
    source = _checked_path(path, limits)
    driver = _DRIVERS[source.suffix.lower()]
    characters = _characters(source, encoding) if driver == "ESRI Shapefile" else "UTF-8"
    geojson_crs = _geojson_declares_crs(source) if driver == "GeoJSON" else True
    with _open(source, driver, layer, characters) as collection:
        declared = _declared_crs(collection.crs_wkt, source) if geojson_crs else None
        rows, shapes, problems = _read_records(collection, source.name, limits)
        columns, layer_name = list(collection.schema["properties"]), str(collection.name)
    chosen = _choose_crs(declared, crs, source.name, driver)
    index = pd.RangeIndex(1, len(rows) + 1, name="feature")
    table = pd.DataFrame(rows, columns=columns, index=index)
    wanted = {name.casefold() for name in text_columns}
    for column in columns:
        if column.casefold() in wanted:
            table[column] = pd.Series([_as_text(row[column]) for row in rows], index=index, dtype=object)
    frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=index, crs=chosen))
    return VectorFile(
        frame, tuple(problems), declared is not None, characters, driver, layer_name, source.name, _hash(source)
    )


def _checked_path(path: Path | str, limits: Limits) -> Path:
    """The absolute path of an existing file of a known format and a bearable size."""
    text = str(path)
    if "\0" in text or "://" in text or text.lower().startswith(("/vsi", "zip:")):
        raise VectorError(f"{text!r} is not the path of a file on this machine; copy the data into a folder first.")
    source = Path(path).absolute()
    if not source.exists():
        raise VectorError(f"{source.name}: there is no such file; check the path.")
    suffix = source.suffix.lower()
    if suffix not in _DRIVERS:
        known = ", ".join(sorted(_DRIVERS))
        raise VectorError(f"{source.name}: the format is not known; convert it to one of {known} (unpack archives).")
    if source.is_dir() != (suffix == ".gdb"):
        what = "folder" if suffix == ".gdb" else "file"
        raise VectorError(f"{source.name}: a {suffix} source must be a {what}.")
    size = sum(part.stat().st_size for part in _parts(source))
    if size > limits.bytes:
        raise VectorError(
            f"{source.name}: {size / _MEGABYTE:.0f} MB are more than the {limits.bytes / _MEGABYTE:.0f} MB that are "
            "read; cut out the area you need."
        )
    start = source / "a00000001.gdbtable" if suffix == ".gdb" else source
    if not start.is_file() or not _head(start).startswith(_MAGIC.get(suffix, b"")):
        raise VectorError(f"{source.name}: this is not a {suffix} source inside; export it again from a GIS.")
    if suffix == ".gpkg":
        _check_sqlite(source)
    if suffix == ".shp" and not all(_sidecar(source, part) for part in (".dbf", ".shx")):
        raise VectorError(f"{source.name}: a Shapefile needs its .dbf and .shx beside the .shp; copy all its parts.")
    return source


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(16)


def _check_sqlite(source: Path) -> None:
    """Refuse a damaged GeoPackage: fiona 1.10 crashes on error messages of GDAL that quote stray bytes."""
    try:
        with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as database:
            sound = database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            for table in ("sqlite_master", "gpkg_contents", "gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
                database.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608 (names above)
    except (sqlite3.Error, UnicodeError):
        sound = False
    if not sound:
        raise VectorError(f"{source.name}: the GeoPackage is damaged; export it again.")


def _sidecar(source: Path, suffix: str) -> Path | None:
    """The part of a Shapefile with another suffix, in lower or upper case."""
    for candidate in (source.with_suffix(suffix), source.with_suffix(suffix.upper())):
        if candidate.is_file():
            return candidate
    return None


def _parts(source: Path) -> list[Path]:
    """All files that make up a source, in a fixed order."""
    if source.is_dir():
        return sorted(p for p in source.iterdir() if p.is_file() and p.suffix.lower() != ".lock")
    if source.suffix.lower() != ".shp":
        return [source]
    return [source, *(part for suffix in _SIDECARS if (part := _sidecar(source, suffix)))]


def _hash(source: Path) -> str:
    parts = _parts(source)
    if parts == [source]:
        return sha256_file(source)
    return sha256_parts(*(text for part in parts for text in (part.name, sha256_file(part))))


def _characters(source: Path, asked: str | None) -> str:
    code_page = _sidecar(source, ".cpg")
    declared = code_page.read_text("ascii", "replace").strip() if code_page else ""
    return table_encoding(_sidecar(source, ".dbf") or source.with_suffix(".dbf"), declared, asked)


def _geojson_declares_crs(source: Path) -> bool:
    """Whether a GeoJSON file has a ``crs`` member; a linked CRS, which GDAL would download, is refused."""
    try:
        content = json.loads(source.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise VectorError(f"{source.name}: this is not valid JSON; export the file again.") from exc
    if not isinstance(content, dict) or content.get("type") not in {"FeatureCollection", "Feature"}:
        raise VectorError(f"{source.name}: this is not a GeoJSON FeatureCollection; export it as GeoJSON.")
    member = content.get("crs")
    if isinstance(member, dict) and member.get("type") != "name":
        raise VectorError(f"{source.name}: its crs member points elsewhere; name the CRS in it or remove the member.")
    return member is not None


@contextmanager
def _open(source: Path, driver: str, layer: str | None, encoding: str) -> Iterator[Any]:
    """An open fiona collection; whatever GDAL has to say becomes one plain sentence."""
    try:
        import fiona
    except ImportError as exc:
        raise VectorError("reading vector files needs fiona: pip install 'geoplan[vector]'.") from exc
    logger = logging.getLogger("fiona")
    propagate, logger.propagate = logger.propagate, False
    quiet = logging.NullHandler()
    logger.addHandler(quiet)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            options: dict[str, Any] = {"encoding": encoding} if driver == "ESRI Shapefile" else {}
            with fiona.Env():
                name = _choose_layer(fiona.listlayers(str(source)), layer, source.name)
                with fiona.open(str(source), layer=name, enabled_drivers=[driver], **options) as collection:
                    yield collection
    except GeoplanError:
        raise
    except Exception as exc:  # fiona raises private classes, and NameError on a damaged CRS
        raise VectorError(
            f"{source.name}: the file cannot be read as {driver}; it is damaged, or not what its suffix says. "
            "Open it in a GIS and export it again."
        ) from exc
    finally:
        logger.removeHandler(quiet)
        logger.propagate = propagate


def _choose_layer(layers: list[str], layer: str | None, name: str) -> str:
    listed = ", ".join(layers) or "none"
    if layer is not None:
        if layer not in layers:
            raise VectorError(f"{name}: there is no layer {layer!r}; its layers are: {listed}.")
        return layer
    if len(layers) != 1:
        raise VectorError(f"{name}: the file has {len(layers)} layers ({listed}); choose one with --layer.")
    return layers[0]


def _read_records(
    collection: Iterable[Any], name: str, limits: Limits
) -> tuple[list[dict[str, Any]], list[BaseGeometry | None], list[Problem]]:
    rows: list[dict[str, Any]] = []
    shapes: list[BaseGeometry | None] = []
    problems: list[Problem] = []
    vertices = 0
    for number, record in enumerate(collection, start=1):
        if number > limits.features:
            raise VectorError(f"{name}: the layer has more than {limits.features} features; cut out what you need.")
        rows.append(dict(record.properties))
        shape, fault = _shape(record.geometry)
        if fault:
            remedy = "Repair it in a GIS (fix geometries), or delete the feature."
            problems.append(Problem("geometry", f"feature {number}: {fault}.", name, remedy=remedy))
        shapes.append(shape)
        vertices += int(shapely.get_num_coordinates(shape))
        if vertices > limits.vertices:
            raise VectorError(f"{name}: more than {limits.vertices} vertices; cut out what you need or simplify.")
    return rows, shapes, problems


def _shape(geometry: Any) -> tuple[BaseGeometry | None, str]:
    """A two-dimensional shapely geometry, and what is wrong with it."""
    if geometry is None:
        return None, "it has no geometry"
    try:
        shape = shapely.force_2d(shapely.geometry.shape(geometry))
    except (ValueError, TypeError, AttributeError, KeyError, shapely.errors.ShapelyError):
        return None, "its geometry cannot be read (a ring with fewer than four points, or a curve)"
    if shape.is_empty:
        return shape, "its geometry is empty"
    if not shape.is_valid:
        return shape, f"its geometry is invalid: {shapely.is_valid_reason(shape)}"
    return shape, ""


def _declared_crs(wkt: str, source: Path) -> CRS | None:
    """The CRS that the file declares, under its EPSG code where it has one."""
    if not wkt:
        return None
    try:
        crs = CRS.from_wkt(wkt)
        epsg = crs.to_epsg()
    except ProjError as exc:
        raise VectorError(f"{source.name}: its CRS cannot be understood; write a plain one, e.g. EPSG:4490.") from exc
    if crs.name.lower().startswith(("undefined", "unknown")) or not (crs.is_geographic or crs.is_projected):
        return None
    return CRS.from_epsg(epsg) if epsg else crs


def _choose_crs(declared: CRS | None, asked: str | None, name: str, driver: str) -> CRS:
    given = None
    if asked is not None:
        try:
            given = CRS.from_user_input(asked)
        except ProjError as exc:
            raise VectorError(f"the CRS {asked!r} is not known; write it like EPSG:4490 or EPSG:4547.") from exc
    if declared is not None:
        if given is not None and not given.equals(declared, ignore_axis_order=True):
            raise VectorError(
                f"{name}: the file says {declared.to_string()[:60]}, not {asked}. Leave --crs out; or, if the file is "
                "wrong, correct its CRS (assign, not reproject) in a GIS first."
            )
        return declared
    if given is not None:
        return given
    if driver == "GeoJSON":
        return CRS.from_epsg(4326)
    raise VectorError(
        f"{name}: the file does not say which coordinate system it is in. Ask whoever made it, and say so: "
        "--crs EPSG:4490 (CGCS2000 degrees), --crs EPSG:4547 (CGCS2000, 3-degree zone 114° E)..."
    )


def _as_text(value: object) -> str | None:
    """A code as text: integral numbers lose their ``.0``; missing stays missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
