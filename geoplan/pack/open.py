"""Opening a pack: its files mapped, its arrays views of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import ipc

from geoplan.errors import PackError
from geoplan.pack.arrow import read_part
from geoplan.pack.format import FULL, PART_FILES, Manifest, PartEntry, read_manifest
from geoplan.pack.part import Part

CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Pack:
    """An open pack.

    Attributes
    ----------
    path
        Its folder.
    manifest
        ``pack.json``.
    parts
        Parts in the order of the manifest, the one with full detail first.
    """

    path: Path
    manifest: Manifest
    parts: tuple[Part, ...]

    @property
    def source(self) -> Part:
        """The part with full detail."""
        return self.parts[0]

    def part_at(self, zoom: int) -> Part | None:
        """The part that tiles of a zoom are made of; None where the layer is not drawn."""
        return next((part for part in self.parts if part.min_zoom <= zoom <= part.max_zoom), None)


def open_pack(path: Path) -> Pack:
    """Open the pack in a folder, or the current one of a folder of versions.

    Sizes and structure are checked here, the bytes by `geoplan.pack.verify.verify_pack`: a pack that was not made on
    this machine is to be verified before it is used.

    Raises
    ------
    PackError
        If there is no pack, or one of its files is not what ``pack.json`` says; the message names it.
    """
    folder = pack_folder(path)
    manifest = read_manifest(folder)
    for name, entry in manifest.files.items():
        _check_size(folder / name, entry.bytes)
    return Pack(folder, manifest, tuple(_open_part(folder, entry, manifest) for entry in manifest.parts))


def pack_folder(path: Path) -> Path:
    """The folder of a pack: `path` itself, or the version in use where it is a folder of versions."""
    current = path / CURRENT
    return current.resolve() if current.is_symlink() else path


def _check_size(path: Path, size: int) -> None:
    if not path.is_file():
        raise PackError(f"{path}: the file is missing; build the pack anew.")
    found = path.stat().st_size
    if found != size:
        raise PackError(f"{path}: the file has {found} bytes, not {size}; build the pack anew.")


def _open_part(folder: Path, entry: PartEntry, manifest: Manifest) -> Part:
    batches = {name: _batch(folder / entry.name / name) for name in PART_FILES}
    names = [(column.name, column.type) for column in manifest.columns]
    try:
        part = read_part(batches, (entry.min_zoom, entry.max_zoom))
        fits = _fits(part, entry) and (
            entry.name != FULL or [(column.name, column.type) for column in part.columns] == names
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, pa.ArrowException) as exc:
        raise PackError(f"{folder / entry.name}: its files are not those of a pack; build it anew.") from exc
    if not fits:
        raise PackError(f"{folder / entry.name}: its files do not belong together; build the pack anew.")
    return part


def _batch(path: Path) -> pa.RecordBatch:
    """The one record batch of a file, mapped."""
    try:
        reader = ipc.open_file(pa.memory_map(str(path)))
        batch = reader.get_batch(0)
        batch.validate()
        several = reader.num_record_batches != 1
    except (ValueError, OSError, pa.ArrowException) as exc:
        raise PackError(f"{path}: the file is damaged; build the pack anew.") from exc
    if several:
        raise PackError(f"{path}: the file is not of a pack (several record batches); build the pack anew.")
    return batch


def _fits(part: Part, entry: PartEntry) -> bool:
    """Whether the lengths of all arrays fit one another."""
    n, geometry, tree = len(part.ids), part.geometry, part.tree
    columns = part.columns
    fits = (
        n == entry.count == len(geometry.kinds) == len(tree.boxes) == len(part.ids_order) == len(part.cells),
        part.rank is None or len(part.rank) == n,
        len(geometry.vertices) > 0 and len(geometry.mercator) == len(geometry.degrees) == entry.vertices,
        len(tree.starts) > 0 and int(tree.starts[-1]) == len(tree.nodes),
        len(part.validity.zooms) == n and len(part.validity.keys) == len(part.validity.repaired.kinds),
        all(len(c.order) == n and len(c.values if c.codes is None else c.codes) == n for c in columns),
        all((c.starts is None) == (c.codes is None) for c in columns),
        all(c.starts is None or len(c.starts) == len(c.values) + 2 for c in columns),
        len(part.fragments.mvt_offsets) == len(part.fragments.json_offsets),
    )
    return all(fits)
