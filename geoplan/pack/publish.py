"""Published packs: versions side by side, the one in use behind a link that is moved in one step."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from geoplan.errors import PackError
from geoplan.pack.build import Levels, PackOptions, Progress, build_pack
from geoplan.pack.format import MANIFEST, Manifest
from geoplan.pack.journal import sync_path
from geoplan.pack.open import CURRENT
from geoplan.pack.read import Source

if TYPE_CHECKING:
    import geopandas as gpd

KEPT_VERSIONS = 3
_BUILT = ".built"
Check = Callable[[Path], object]


def publish_pack(
    source: Path | gpd.GeoDataFrame | Source,
    packs: Path,
    options: PackOptions,
    *,
    layer: str | None = None,
    crs: str | None = None,
    levels: Levels | None = None,
    progress: Progress | None = None,
) -> Path:
    """Build a pack and make it the one in use of its id: ``packs/<id>/<version>``, and ``packs/<id>/current``.

    The version in use stays so until the new one is complete and on the disk; it and the one before are kept.

    Returns
    -------
    The folder of the new version; that of an equal one, if there is one.

    Raises
    ------
    PackError, VectorError, CRSError
        As `geoplan.pack.build.build_pack`; nothing is changed then.
    """
    folder = packs / options.id
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PackError(f"another build of {options.id} is running; wait for it to end.") from None
        built = folder / _BUILT
        shutil.rmtree(built, ignore_errors=True)  # complete, but killed before it got its name
        manifest = build_pack(source, built, options, layer=layer, crs=crs, levels=levels, progress=progress)
        return _put_in_use(built, folder, manifest)


def _put_in_use(built: Path, folder: Path, manifest: Manifest) -> Path:
    target = folder / manifest.version
    if (target / MANIFEST).is_file():
        shutil.rmtree(built)
    else:
        built.rename(target)
        sync_path(folder)
    link = folder / f".{CURRENT}-new"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)
    link.replace(folder / CURRENT)
    sync_path(folder)
    others = [
        path for path in folder.iterdir() if (path / MANIFEST).is_file() and path.name not in {target.name, CURRENT}
    ]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT_VERSIONS - 1 :]:
        shutil.rmtree(path)
    return target
