"""The store of imports is never half written, and names what is wrong with it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from official_files import refused, run, townships, write

from geoplan.boundaries import import_store
from geoplan.boundaries.importer import list_imports, read_imports, remove_import
from geoplan.errors import ImportRefusedError, SourceError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def test_division_held_by_another_import(tmp_path: Path, store: Path) -> None:
    first = run(write(townships(), tmp_path), store)
    again = refused(write(townships(), tmp_path, "再.geojson"), store)
    assert first.import_id in str(again)
    remove_import(store, first.import_id)
    assert list_imports(store) == ()
    assert read_imports(store, "township") is None
    run(tmp_path / "再.geojson", store)


def test_interrupted_write_leaves_the_store_as_it_was(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(townships(), tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(import_store, "_sync_folder", stop)
        with pytest.raises(KeyboardInterrupt):
            run(path, store)
    assert [p.name for p in store.iterdir()] == [".lock"]


def test_leftovers_of_a_killed_import_go_at_the_next(tmp_path: Path, store: Path) -> None:
    left = store / ".tmp-1-township-0123456789ab"
    left.mkdir()
    (left / "boundaries.parquet").write_bytes(b"half")
    assert list_imports(store) == ()
    run(write(townships(), tmp_path), store)
    assert not left.exists()


def test_two_imports_at_once(tmp_path: Path, store: Path) -> None:
    path = write(townships(), tmp_path)
    with import_store.locked(store), pytest.raises(ImportRefusedError, match="another import"):
        run(path, store)


def test_damaged_store_is_named(tmp_path: Path, store: Path) -> None:
    report = run(write(townships(), tmp_path), store)
    folder = store / report.import_id
    with (folder / "boundaries.parquet").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(SourceError, match=f"{report.import_id} has been altered"):
        read_imports(store, "township")
    (folder / "provenance.json").write_text("{")
    with pytest.raises(SourceError, match="damaged"):
        list_imports(store)
    remove_import(store, report.import_id)
    with pytest.raises(SourceError, match="the store has: none"):
        remove_import(store, report.import_id)


@pytest.mark.parametrize("name", ["..", "township-../../etc", "county-", ".lock"])
def test_only_imports_can_be_removed(store: Path, name: str) -> None:
    with pytest.raises(SourceError):
        remove_import(store, name)
    assert store.is_dir()


def test_store_that_is_not_there(tmp_path: Path) -> None:
    assert list_imports(tmp_path / "none") == ()
    assert read_imports(tmp_path / "none", "county") is None
    report = run(write(townships(), tmp_path), tmp_path / "made" / "here")
    assert report.count == 10
    shutil.rmtree(tmp_path / "made")


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(townships().sample(frac=1, random_state=1), tmp_path)
    parts = []
    for number in range(2):
        report = run(path, tmp_path / f"store{number}")
        folder = tmp_path / f"store{number}" / report.import_id
        parts.append([(folder / n).read_bytes() for n in ("boundaries.parquet", "provenance.json")])
    assert parts[0] == parts[1]
