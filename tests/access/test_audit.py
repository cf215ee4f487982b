"""The log of writes: a line a write, whatever is sent, from however many processes."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access.audit import AuditError, AuditLog, Entry, _line
from tests.key_files import made_key


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def add(log: AuditLog, path: str = "/collections/a/items", who: str = "key:abc") -> None:
    with log.opened() as descriptor:
        log.append(descriptor, Entry(who, "POST", path, 201, "0123456789abcdef"))


def test_a_line_has_who_what_and_how_it_ended(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    add(log)
    (entry,) = lines(log.path)
    assert str(entry.pop("time")).endswith("+00:00")
    assert list(entry.items()) == [
        ("who", "key:abc"),
        ("method", "POST"),
        ("path", "/collections/a/items"),
        ("status", 201),
        ("request", "0123456789abcdef"),
    ]
    assert log.path.stat().st_mode & 0o777 == 0o600


@given(st.text(max_size=2000), st.text(max_size=100))
def test_nothing_that_is_sent_makes_another_line(path: str, who: str) -> None:
    line = _line(Entry(who, "PUT", path, 200, "x"))
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert all(32 <= byte < 127 for byte in line[:-1])
    assert len(json.loads(line)["path"]) <= 500


def test_planted_lines_stay_inside_their_field(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    fake = '"}\r\n{"time":"2026-01-01T00:00:00+00:00","who":"key:admin","status":200}\u2028\x1b[2K\x00'
    add(log, f"/a{fake}", fake)
    (entry,) = lines(log.path)
    assert entry["path"] == f"/a{fake}"
    assert entry["who"] == fake


def test_a_key_in_a_path_is_blanked(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl")
    _, token = made_key()
    add(log, f"/collections/{token.decode()}/items")
    assert token.split(b"_", 2)[2] not in log.path.read_bytes()


def test_rotation_keeps_every_line_of_the_kept_files(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.jsonl", max_bytes=1000, kept=3)
    for number in range(100):
        add(log, f"/{number}")
    files = sorted(path.name for path in tmp_path.iterdir() if not path.name.endswith(".lock"))
    assert files == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.3"]
    kept = [str(entry["path"]) for name in ("3", "2", "1") for entry in lines(tmp_path / f"audit.jsonl.{name}")]
    kept += [str(entry["path"]) for entry in lines(log.path)]
    assert kept == [f"/{number}" for number in range(100 - len(kept), 100)]
    assert all((tmp_path / name).stat().st_size < 1200 for name in files)


def _add_many(path: Path, name: str) -> None:
    log = AuditLog(path, max_bytes=5000, kept=1000)
    for number in range(200):
        add(log, f"/{name}/{number}")


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_add_many, args=(path, name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = [entry["path"] for file in tmp_path.glob("audit.jsonl*") if file.suffix != ".lock" for entry in lines(file)]
    assert sorted(found) == sorted(f"/{name}/{number}" for name in "abc" for number in range(200))  # type: ignore[type-var]


def test_a_log_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for path in (tmp_path / "none" / "audit.jsonl", tmp_path, tmp_path / "link"):
        with pytest.raises(AuditError, match="cannot be opened"):
            add(AuditLog(path))


def test_a_full_disk_is_an_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(OSError, match="No space"):
        add(AuditLog(Path(os.devnull).with_name("full")))
