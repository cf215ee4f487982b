"""`geoplan extract`: what it writes, and one message where it cannot."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from geoplan.layers.store import Build
from geoplan.records import read_records
from geoplan.settings import Settings
from tests.commands import ROOT, geoplan

TEXT = (
    "长治市“十四五”农业规划\n第一章 种植\n上党区、长子县各建设谷子基地2万亩。到2025年，全市粮食产量达到160万吨。\n"
    "在襄垣县支持青年返乡。\n"
)
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(settings: Settings, build: Build) -> Run:
    assert build
    return lambda *arguments: geoplan("extract", *map(str, arguments), project=ROOT, build_dir=settings.build_dir)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "changzhi-2025.txt"
    path.parent.mkdir()
    path.write_text(TEXT, "utf-8")
    return path


def test_a_record_file_and_what_was_not_read(run: Run, plan: Path, tmp_path: Path) -> None:
    output = tmp_path / "draft.csv"
    ended = run(plan, "-o", output)
    assert ended.returncode == 0, ended.stderr
    records, _, problems, _ = read_records(output, "changzhi_2025", also=("confidence", "reasons"))
    assert problems == []
    assert [(r.kind.value, [str(p) for p in r.places], [q.text for q in r.quantities]) for r in records] == [
        ("base", ["上党区", "长子县"], ["2 万亩"]),
        ("indicator", ["长治市"], ["160 万吨"]),
    ]
    unread = (tmp_path / "draft.unread.txt").read_text("utf-8").splitlines()
    assert [line.split(":")[0] for line in unread] == ["line 4"]
    assert "襄垣县" in unread[0]
    for words in ("2 drafted records of 长治市", "1 statements", "draft.unread.txt"):
        assert words in ended.stdout


def test_json_lines_and_mentions(run: Run, plan: Path, tmp_path: Path) -> None:
    output, mentions = tmp_path / "facts.jsonl", tmp_path / "mentions.jsonl"
    arguments = (plan, "--format", "jsonl", "-o", output, "--mentions", mentions, "--doc", "trial")
    assert run(*arguments).returncode == 0
    lines = TEXT.split("\n")
    facts = [json.loads(line) for line in output.read_text("utf-8").splitlines()]
    assert {fact["doc"] for fact in facts} == {"trial"}
    assert [[place["code"] for place in fact["places"]] for fact in facts] == [["140404", "140428"], []]
    found = [json.loads(line) for line in mentions.read_text("utf-8").splitlines()]
    assert [mention["text"] for mention in found] == ["长治市", "上党区", "长子县", "襄垣县"]
    for mention in found:
        assert lines[mention["line"] - 1][mention["start"] : mention["end"]] == mention["text"]
    before = output.read_bytes(), mentions.read_bytes()
    assert run(*arguments).returncode == 0
    assert (output.read_bytes(), mentions.read_bytes()) == before


def test_the_area_can_be_told(run: Run, tmp_path: Path) -> None:
    plan, output = tmp_path / "段落.txt", tmp_path / "draft.csv"
    plan.write_text("平定县、盂县建设蔬菜大棚300亩。", "utf-8")
    assert run(plan, "--area", "山西省/阳泉市", "-o", output).returncode == 0
    with output.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (rows[0]["id"], rows[0]["places"]) == ("plan-1-01", "平定县;盂县")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--doc", "No Id!"], "is no document id"),
        (["--area", "没有这个市"], "no place is called"),
        (["--area", "郊区"], "may be any of"),
    ],
)
def test_bad_options(run: Run, plan: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    check_refused(run(plan, *arguments, "-o", tmp_path / "out.csv"), words, tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b" \n\n", "only blanks"),
        ("加强农业基础设施建设。\n".encode(), "--area"),
        (b"PK\x03\x04 no docx", ""),
        (b"\x00\x01\x02\xff" * 50, ""),
    ],
    ids=["empty", "blank", "no area", "broken zip", "bytes"],
)
def test_bad_files(run: Run, plan: Path, tmp_path: Path, data: bytes, words: str) -> None:
    plan.write_bytes(data)
    check_refused(run(plan, "-o", tmp_path / "out.csv"), words, tmp_path)


def test_a_missing_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    check_refused(run(tmp_path / "in" / "none.txt", "-o", tmp_path / "out.csv"), "none.txt", tmp_path)


def test_outputs_are_checked_before_any_is_written(run: Run, plan: Path, tmp_path: Path) -> None:
    out, nowhere = tmp_path / "out.csv", tmp_path / "none" / "x.jsonl"
    check_refused(run(plan, "-o", nowhere), "no folder", tmp_path)
    check_refused(run(plan, "-o", out, "--mentions", nowhere), "no folder", tmp_path)
    check_refused(run(plan, "-o", plan), "name of its own", tmp_path)
    check_refused(run(plan, "-o", out, "--mentions", out), "name of its own", tmp_path)
    assert plan.read_text("utf-8") == TEXT


def check_refused(ended: subprocess.CompletedProcess[str], words: str, folder: Path) -> None:
    """One message, exit code 1, and nothing beside the plan's own folder."""
    assert ended.returncode == 1, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) <= 3
    assert [path.name for path in folder.iterdir()] == ["in"]
