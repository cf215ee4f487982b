"""The pack on disk: a folder of Arrow IPC files, described by ``pack.json``.

A part has a folder of its own with these files, each of one uncompressed record batch, so that every array
is one stretch of the mapped file:

``features.arrow`` (a row a feature, along the Hilbert curve): ``feature_id`` and the attributes; columns with codes
are dictionaries.
``geometry.arrow`` (a row a feature): ``kind``, ``zooms``, ``box``, ``rank`` where there is an order of drawing, and
``geometry``: members → rings → vertices, nested as in GeoArrow, each vertex with its position on the grid of web
tiles (``mercator``) and in 1e-7 degrees (``degrees``).
``index.arrow`` (a row a feature): rows by id, rows by the value of each column, cells.
``repairs.arrow`` (a row a repaired shape), ``tree.arrow`` (a row a node), ``fragments.arrow`` (a row a fragment) and
``counts.arrow`` (a row a list): the other arrays of `geoplan.pack.part.Part`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from geoplan.errors import PackError

FORMAT: Final = "geoplan-pack/2"
MANIFEST = "pack.json"
FULL = "full"
"""Name of the part with full detail."""
FEATURES, GEOMETRY, INDEX = "features.arrow", "geometry.arrow", "index.arrow"
REPAIRS, TREE, FRAGMENTS, COUNTS = "repairs.arrow", "tree.arrow", "fragments.arrow", "counts.arrow"
PART_FILES = (FEATURES, GEOMETRY, INDEX, REPAIRS, TREE, FRAGMENTS, COUNTS)
_LARGEST_MANIFEST = 64 << 20


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Whole = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$")]
ColumnType = Literal["string", "integer", "number", "boolean", "date", "datetime", "json"]


class ColumnEntry(_Entry):
    """A column of all parts."""

    name: str
    type: ColumnType
    in_tiles: bool = True
    title: dict[str, str] = {}


class PartEntry(_Entry):
    """A part: its folder, its zooms, its size."""

    name: Name
    min_zoom: Annotated[int, Field(ge=0, le=30)]
    max_zoom: Annotated[int, Field(ge=0, le=30)]
    count: Whole
    vertices: Whole


class FileEntry(_Entry):
    """What a file must be."""

    bytes: Whole
    crc32: Annotated[str, Field(pattern=r"^[0-9a-f]{8}$")]


class Approximate(_Entry):
    """Features that answer no question about a point: those with one of these values in this column."""

    column: str
    values: tuple[str, ...]


class Manifest(_Entry):
    """Everything about a pack but its arrays (``pack.json``)."""

    format: Literal["geoplan-pack/2"] = FORMAT
    id: Name
    title: dict[str, str] = {}
    description: str = ""
    version: str = ""
    count: Whole
    bounds: tuple[float, float, float, float] | None
    geometry: str
    id_column: str | None = None
    ordered: bool = False
    approximate: Approximate | None = None
    datetime: str | None = None
    columns: tuple[ColumnEntry, ...]
    parts: tuple[PartEntry, ...]
    files: dict[str, FileEntry]
    sources: tuple[dict[str, Any], ...] = ()
    metadata: dict[str, Any] = {}
    report: dict[str, Any] = {}

    def with_version(self) -> Manifest:
        """The manifest with its version: a hash of all its content, the files' checksums included."""
        return self.model_copy(update={"version": content_hash(self)})


def content_hash(manifest: Manifest) -> str:
    """Hash (16 hexadecimal digits) of all that a manifest says but its version."""
    content = manifest.model_dump(mode="json", exclude={"version"})
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``pack.json``."""
    text = json.dumps(manifest.model_dump(mode="json"), ensure_ascii=False, indent=1)
    (folder / MANIFEST).write_text(text + "\n", "utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a pack.

    Raises
    ------
    PackError
        If there is none, it is damaged, or of another format.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise PackError(f"{folder}: this is no pack (it has no {MANIFEST}); make one with `geoplan pack build`.")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise PackError(f"{path}: the file is damaged; build the pack anew.")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as exc:
        raise PackError(f"{path}: the file is damaged; build the pack anew.") from exc
    found = content.get("format") if isinstance(content, dict) else None
    if found != FORMAT:
        raise PackError(f"{path}: its format is {str(found)[:60]!r}, not {FORMAT}; build the pack anew.")
    try:
        manifest = Manifest.model_validate(content)
    except ValidationError as exc:
        raise PackError(f"{path}: the file is damaged; build the pack anew.") from exc
    if content_hash(manifest) != manifest.version or not _sound(manifest):
        raise PackError(f"{path}: the file was altered; build the pack anew.")
    return manifest


def _sound(manifest: Manifest) -> bool:
    names = [part.name for part in manifest.parts]
    files = {f"{name}/{file}" for name in names for file in PART_FILES}
    return bool(names) and len(set(names)) == len(names) and set(manifest.files) == files
