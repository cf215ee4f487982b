"""What a build depends on, as hashes: the same inputs give the same version, and nothing is built twice.

Nothing heavy is imported here, so that finding out that nothing changed takes a moment.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.metadata import version as package_version
from pathlib import Path

import geoplan
from geoplan.boundaries.sources import Source, load_sources, verified_path
from geoplan.provenance import sha256_file, sha256_parts
from geoplan.settings import Settings
from geoplan.terms import Level

_LIBRARIES = ("geopandas", "mapclassify", "numpy", "pandas", "pyarrow", "pyogrio", "pypinyin", "pyproj", "shapely")
# What reads builds and does not shape them.
_READERS = frozenset({"cli", "maps", "notebook.py", "query", "reports", "terrain.py", "tiles"})
_TABLES = ("SOURCES.toml", "aliases.csv", "readings.csv", "regions.csv")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Keys of the parts of a build.

    `boundaries` covers code, libraries, sources, tables, imports and the areas of the layer files; `layers` gives
    the key of each layer; `version` names the whole.
    """

    boundaries: str
    layers: dict[str, str]
    version: str


def read_inputs(settings: Settings) -> Inputs:
    """Hash everything that the build of a project depends on.

    Raises
    ------
    SourceError
        If a registered source is missing or altered.
    """
    code = _code_key()
    folder = settings.boundaries_dir
    sources = load_sources(folder)
    parts = [code, *(_file_key(folder / name) for name in _TABLES)]
    parts += [_source_key(source, folder) for source in sources.values()]
    # Folders with a dot are imports that are being written, or were killed.
    parts += [_file_key(path) for path in sorted(settings.imports_dir.glob("[!.]*/*")) if path.is_file()]
    definitions = {path.stem: path for path in sorted(settings.layers_dir.glob("*.toml")) if path.name != "plans.toml"}
    boundaries = sha256_parts(*parts, *drawn_areas(settings.layers_dir))
    records = sorted((settings.layers_dir / "records").glob("*.csv"))
    outlines = sorted((settings.layers_dir / "outlines").glob("*.csv"))
    stated = [settings.layers_dir / "plans.toml", *records, *outlines]
    facts = sha256_parts(*(_file_key(path) for path in stated))
    layers = {name: sha256_parts(boundaries, facts, _file_key(path)) for name, path in definitions.items()}
    return Inputs(boundaries, layers, sha256_parts(boundaries, facts, *layers.values())[:16])


def drawn_areas(layers_dir: Path) -> list[str]:
    """Names of the divisions whose townships are drawn: those of the plans, and of the layers of townships.

    A file that cannot be read names none; the build refuses it later, with its fault.
    """
    found: set[str] = set()
    for path in layers_dir.glob("*.toml"):
        try:
            content = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue
        select = content.get("select", {})
        if isinstance(select, dict) and select.get("level") == Level.TOWNSHIP.value:
            found |= {str(name) for name in select.get("within", ())}
        found |= {str(plan["area"]) for plan in content.get("plan", ()) if "area" in plan}
    return sorted(found)


def _code_key() -> str:
    """Hash of the library's own source and of the versions of what it computes with."""
    root = Path(geoplan.__file__).parent
    files = sorted(path for path in root.rglob("*.py") if path.relative_to(root).parts[0] not in _READERS)
    own = [part for path in files for part in (path.relative_to(root).as_posix(), sha256_file(path))]
    return sha256_parts(*own, *(f"{name} {package_version(name)}" for name in _LIBRARIES))


def _source_key(source: Source, folder: Path) -> str:
    # verified_path has compared the bytes with these very hashes.
    return sha256_parts(*(file.sha256 for file in source.files if verified_path(source, file.role, folder)))


def _file_key(path: Path) -> str:
    return sha256_parts(path.name, sha256_file(path) if path.is_file() else "absent")
