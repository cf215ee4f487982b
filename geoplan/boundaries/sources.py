"""The registry of boundary and name sources (``data/boundaries/SOURCES.toml``).

A source is found in an installed package and read only when its bytes are the registered ones.
"""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from geoplan.errors import SourceError
from geoplan.provenance import sha256_file

REGISTRY = "SOURCES.toml"


class SourceFile(BaseModel):
    """One file of a source: its role, its path inside the package and its SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: str
    path: str
    sha256: str


class Source(BaseModel):
    """A source with what must be known before its data are used.

    `licence` is the packager's label; `notice` says in plain words what is known of the rights in the
    data themselves, and is shown wherever the data are shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    publisher: str
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    as_of: str
    datum: str = ""
    crs: str = ""
    approval_number: str = ""
    licence: str
    notice: str
    files: tuple[SourceFile, ...]


def load_sources(folder: Path) -> dict[str, Source]:
    """Registered sources by id, from ``<folder>/SOURCES.toml``.

    Raises
    ------
    SourceError
        If the registry is missing or breaks its schema.
    """
    path = folder / REGISTRY
    try:
        entries = tomllib.loads(path.read_text("utf-8"))["source"]
        sources = [Source(**entry) for entry in entries]
    except FileNotFoundError:
        raise SourceError(f"{REGISTRY} is missing in {folder.name}/; without it no source can be trusted.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{REGISTRY} cannot be read: {error}. Correct it or restore the registered one.") from None
    return {source.id: source for source in sources}


def source_path(source: Source, role: str, folder: Path) -> Path:
    """Path of the installed file that plays `role` in `source`; nothing is imported.

    Packages of npm are looked for under ``<folder>/node_modules``.

    Raises
    ------
    SourceError
        If the package is not installed or has no such file.
    """
    file = _file(source, role)
    if source.registry == "npm":
        path = folder / "node_modules" / source.package / file.path
    else:
        spec = find_spec(source.package.replace("-", "_"))
        roots = list(spec.submodule_search_locations or ()) if spec else []
        path = Path(roots[0]) / file.path if roots else Path("missing") / file.path
    if not path.is_file():
        raise SourceError(
            f"source '{source.id}': {file.path} of the {source.registry} package {source.package} {source.version} "
            "is not installed. Run `make setup`."
        )
    return path


def verified_path(source: Source, role: str, folder: Path) -> Path:
    """`source_path`, after checking that the file's bytes are the registered ones.

    Raises
    ------
    SourceError
        If the file is missing or altered.
    """
    path = source_path(source, role, folder)
    found, expected = sha256_file(path), _file(source, role).sha256
    if found != expected:
        raise SourceError(
            f"source '{source.id}': {path.name} is not the registered file (sha256 {found[:12]}…, expected "
            f"{expected[:12]}…). Install {source.package} {source.version} again with `make setup`; if the new "
            f"edition is wanted, check it and register its hash in {REGISTRY}."
        )
    return path


def _file(source: Source, role: str) -> SourceFile:
    for file in source.files:
        if file.role == role:
            return file
    raise SourceError(f"source '{source.id}' registers no file for '{role}' in {REGISTRY}.")
