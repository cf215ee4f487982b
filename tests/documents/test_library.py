"""A planner's own copies: found by the hash of their bytes, outside the project, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest

from geoplan.documents import library
from geoplan.documents.library import add_copy, copies, find_copy, remove_copy
from geoplan.errors import DocumentError
from geoplan.settings import Settings

TEXT = "甲市农业规划\n第一章 总则\n到2025年建成农田30万亩。\n"
SHA = hashlib.sha256(TEXT.encode()).hexdigest()
PLANS = f"""
[[plan]]
id = "jia"
title = "甲市农业规划"
issuer = "甲市"
area = "省/甲市"
lines = 4
sha256 = "{SHA}"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    root = tmp_path / "project"
    (root / "layers").mkdir(parents=True)
    (root / "layers" / "plans.toml").write_text(PLANS, "utf-8")
    return Settings(root, root / "build", plans_dir=tmp_path / "data" / "geoplan" / "plans")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "甲.txt"
    path.write_bytes(TEXT.encode())
    return path


def test_a_registered_plan_is_kept_for_its_owner_alone(settings: Settings, file: Path) -> None:
    kept = add_copy(settings, file)
    assert settings.plans_dir is not None
    assert kept.path == settings.plans_dir / f"{SHA}.txt"
    assert (kept.new, kept.mended, kept.plan and kept.plan.id) == (True, False, "jia")
    assert kept.path.read_bytes() == file.read_bytes() == TEXT.encode()
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.plans_dir.stat().st_mode) == 0o700
    assert find_copy(settings, SHA) == kept.path
    assert not (settings.root / "build").exists()


def test_adding_twice_keeps_one_copy(settings: Settings, file: Path) -> None:
    first, again = add_copy(settings, file), add_copy(settings, file)
    assert (first.new, again.new, again.path) == (True, False, first.path)
    assert os.listdir(first.path.parent) == [f"{SHA}.txt"]  # noqa: PTH208


@pytest.mark.parametrize(
    "data",
    [
        TEXT.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.encode("gb18030"),
        TEXT.rstrip("\n").encode(),
        (TEXT + "\n").replace("\n", "\r\n").encode("gb18030"),
    ],
)
def test_what_an_editor_changed_is_brought_back(settings: Settings, file: Path, data: bytes) -> None:
    file.write_bytes(data)
    kept = add_copy(settings, file)
    assert (kept.sha256, kept.mended) == (SHA, True)
    assert kept.path.read_bytes() == TEXT.encode()
    assert file.read_bytes() == data


def test_another_text_is_kept_and_said_to_be_no_registered_plan(settings: Settings, file: Path) -> None:
    file.write_text("乙县规划\n", "utf-8")
    kept = add_copy(settings, file)
    assert (kept.plan, kept.new) == (None, True)
    assert find_copy(settings, kept.sha256) == kept.path


def test_a_copy_whose_bytes_changed_is_no_copy(settings: Settings, file: Path) -> None:
    kept = add_copy(settings, file)
    kept.path.write_bytes(TEXT.encode() + b" ")
    assert find_copy(settings, SHA) is None
    assert copies(settings) == []
    assert add_copy(settings, file).new
    assert find_copy(settings, SHA) == kept.path


def test_the_hash_is_taken_once_while_the_file_stays(
    settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_copy(settings, file)
    taken: list[Path] = []
    real = library.sha256_file
    monkeypatch.setattr(library, "sha256_file", lambda path: taken.append(path) or real(path))  # type: ignore[func-returns-value]
    for _ in range(3):
        assert find_copy(settings, SHA)
    assert len(taken) <= 1


@pytest.mark.parametrize("sha256", ["", "x", "../../etc/passwd", SHA.upper(), f"{SHA}/..", f"{SHA}\n", "0" * 64])
def test_nothing_but_a_hash_finds_a_file(settings: Settings, file: Path, sha256: str) -> None:
    add_copy(settings, file)
    assert find_copy(settings, sha256) is None


def test_without_a_folder_there_are_no_copies(settings: Settings, file: Path) -> None:
    none = Settings(settings.root, settings.build_dir)
    assert (find_copy(none, SHA), copies(none)) == (None, [])
    with pytest.raises(DocumentError, match="GEOPLAN_PLANS"):
        add_copy(none, file)


@pytest.mark.parametrize("inside", [".", "build/plans", "layers/texts"])
def test_copies_never_lie_in_the_project(settings: Settings, file: Path, inside: str) -> None:
    bad = Settings(settings.root, settings.build_dir, plans_dir=settings.root / inside)
    with pytest.raises(DocumentError, match="lies in the project"):
        add_copy(bad, file)


def test_a_link_into_the_project_is_seen_through(settings: Settings, file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(settings.root / "layers")
    bad = Settings(settings.root, settings.build_dir, plans_dir=tmp_path / "link" / "plans")
    with pytest.raises(DocumentError, match="lies in the project"):
        add_copy(bad, file)


def test_faults_of_the_file_are_one_message(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = {"没有.txt": None, "空.txt": b"", "表.xls": b"x"}
    for name, data in cases.items():
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(DocumentError, match=name):
            add_copy(settings, tmp_path / name)
    with pytest.raises(DocumentError, match="folder"):
        add_copy(settings, tmp_path)
    monkeypatch.setattr("geoplan.documents.reading.source.MAX_BYTES", 10)
    (tmp_path / "大.txt").write_bytes(b"x" * 11)
    with pytest.raises(DocumentError, match="MB"):
        add_copy(settings, tmp_path / "大.txt")
    assert copies(settings) == []


def test_a_full_disk_leaves_nothing_behind(settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DocumentError, match="No space left on device"):
        add_copy(settings, file)
    assert settings.plans_dir is not None
    assert list(settings.plans_dir.iterdir()) == []


def test_copies_are_listed_and_removed(settings: Settings, file: Path, tmp_path: Path) -> None:
    other = tmp_path / "b.md"
    other.write_text("乙县规划\n", "utf-8")
    stranger, known = add_copy(settings, other), add_copy(settings, file)
    known.path.with_name("notes.txt").write_text("no copy", "utf-8")
    assert [kept.sha256 for kept in copies(settings)] == [SHA, stranger.sha256]
    assert remove_copy(settings, "jia").sha256 == SHA
    assert remove_copy(settings, stranger.sha256[:8]).plan is None
    assert copies(settings) == []
    for name in ("jia", "../x", stranger.sha256):
        with pytest.raises(DocumentError, match="no copy is kept"):
            remove_copy(settings, name)
