"""`geoplan review`: the records it writes, and the page it opens."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from geoplan.documents.review import (
    Action,
    Decision,
    DraftFact,
    append_decisions,
    decisions_path,
    read_decisions,
    read_drafts,
)
from geoplan.layers.store import Build
from geoplan.records import read_records
from geoplan.settings import Settings
from tests.commands import ROOT, environment
from tests.services.review.small_review import LINES, write_draft, write_plan

COMMAND = [sys.executable, "-c", "import typer; from geoplan.cli.review import review; typer.run(review)"]


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    return write_draft(tmp_path / "draft.csv")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(ROOT), capture_output=True, text=True, timeout=120, check=False
    )


def decision(on: DraftFact, action: Action, minute: int, **values: str) -> Decision:
    at = f"2026-01-01T00:0{minute}:00+00:00"
    return Decision(at=at, action=action, anchor=on.anchor, set=values, seen=on.cells)


def test_the_reviewed_records_are_written_and_counted(draft: Path, tmp_path: Path) -> None:
    farm, cows, maize, _ = read_drafts(draft).drafts
    made = [decision(farm, Action.CORRECT, 1, name="奶牛场建设"), decision(cows, Action.REJECT, 2)]
    append_decisions(decisions_path(draft), made)
    out = tmp_path / "made.csv"
    ended = run(str(draft), "--apply", "-o", str(out))
    assert ended.returncode == 0, ended.stderr
    assert "2 records of 4 drafts" in ended.stdout
    assert "Decisions: 2 (1 correct, 1 reject)" in ended.stdout
    assert "1 kept as drafted, 1 dropped" in ended.stdout
    assert out.read_bytes().startswith(b"\xef\xbb\xbf")
    records, _, problems, _ = read_records(out)
    assert problems == []
    assert records[0].name == "奶牛场建设"
    assert maize.id not in {record.id for record in records}
    assert len(read_decisions(decisions_path(draft)).decisions) == 2
    kept = run(str(draft), "--apply", "--undecided", "keep", "-o", str(out))
    assert "3 records of 4 drafts" in kept.stdout


def test_a_torn_decision_is_noted_and_the_rest_applied(draft: Path, tmp_path: Path) -> None:
    farm = read_drafts(draft).drafts[0]
    append_decisions(decisions_path(draft), [decision(farm, Action.REJECT, 1)])
    with decisions_path(draft).open("ab") as stream:
        stream.write(b'{"at": "2026-')
    ended = run(str(draft), "--apply", "-o", str(tmp_path / "made.csv"))
    assert "cut off" in ended.stdout
    assert "Decisions: 1 (1 reject)" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--apply"], "-o FILE"),
        (["-o", "x.csv"], "--apply"),
        (["--plan", "none.txt", "--no-browser"], "none.txt"),
    ],
)
def test_wrong_use_is_told(draft: Path, arguments: list[str], words: str) -> None:
    ended = run(str(draft), *arguments)
    assert ended.returncode == 1
    assert words in ended.stderr


def test_the_page_is_served_on_this_machine_with_a_token(
    draft: Path, tmp_path: Path, settings: Settings, build: Build
) -> None:
    assert build
    plan = write_plan(tmp_path / "made.txt")
    process = subprocess.Popen(
        [*COMMAND, str(draft), "--plan", str(plan), "--no-browser"],
        env=environment(ROOT, settings.build_dir), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        address = next(word for word in told.split() if word.startswith("http://127.0.0.1:"))
        base, _, token = address.partition("#token=")
        assert len(token) >= 32
        headers = {"X-Geoplan-Token": token}
        session = httpx.get(f"{base}review/session", headers=headers, timeout=30).json()
        assert (session["has_text"], session["area"]) == (True, "山西省/阳泉市")
        lines = httpx.get(f"{base}review/drafts/made-4-01", headers=headers, timeout=30).json()["lines"]
        assert LINES[3] in [line["text"] for line in lines]
        assert httpx.get(f"{base}review/session").status_code == 401
    finally:
        process.terminate()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_the_records_never_replace_the_draft_or_its_decisions(draft: Path) -> None:
    append_decisions(decisions_path(draft), [decision(read_drafts(draft).drafts[0], Action.REJECT, 1)])
    for path in (draft, decisions_path(draft)):
        before = path.read_bytes()
        ended = run(str(draft), "--apply", "-o", str(path))
        assert ended.returncode == 1
        assert "a file of their own" in ended.stderr
        assert path.read_bytes() == before


def test_json_lines_are_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "draft.jsonl"
    path.write_text('{"id": "p-1-01", "kind": "base"}\n', "utf-8")
    ended = run(str(path), "--apply", "-o", str(tmp_path / "p.csv"))
    assert ended.returncode == 1
    assert "JSON lines, not CSV" in ended.stderr
    assert not (tmp_path / "p.csv").exists()


def test_a_changed_draft_is_noted_by_file_and_row(draft: Path, tmp_path: Path) -> None:
    farm = read_drafts(draft).drafts[0]
    seen = farm.cells.changed({"status": "baseline"})
    made = Decision(at="2026-01-01T00:01:00+00:00", action=Action.ACCEPT, anchor=farm.anchor, set={}, seen=seen)
    append_decisions(decisions_path(draft), [made])
    ended = run(str(draft), "--apply", "-o", str(tmp_path / "made.csv"))
    assert ended.returncode == 0, ended.stderr
    assert f"note: draft.csv, row {farm.row}: {farm.id} was confirmed on 2026-01-01" in ended.stdout
