"""`geoplan plans`: copies kept, listed, removed; one message for every fault."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from geoplan.layers.store import Build
from tests.commands import cited_text, copy_project, geoplan, register_text

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path, build: Build) -> Path:
    return copy_project(tmp_path / "project", build)


def said(ended: subprocess.CompletedProcess[str]) -> str:
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def test_a_copy_is_added_listed_outlined_and_removed(project: Path) -> None:
    path = register_text(project, "xinzhou", cited_text())
    assert said(geoplan("plans", "add", str(path), project=project)).startswith("xinzhou kept: 忻州市")
    assert "was kept already" in said(geoplan("plans", "add", str(path), project=project))
    listed = json.loads(said(geoplan("plans", "list", "--format", "json", project=project)))
    assert {plan["id"]: plan["copy"] for plan in listed["plans"]}["xinzhou"]
    assert sum(plan["copy"] for plan in listed["plans"]) == 1
    assert not Path(listed["folder"]).is_relative_to(project)
    assert "yes" in said(geoplan("plans", "list", project=project))
    assert "layers/outlines/xinzhou.csv: 2 headings" in said(geoplan("plans", "outline", "xinzhou", project=project))
    assert (project / "layers" / "outlines" / "xinzhou.csv").read_text(
        "utf-8"
    ) == "line,where\n10,第三章\n20,第三章 第二节\n"
    assert "removed" in said(geoplan("plans", "remove", "xinzhou", project=project))
    assert geoplan("plans", "remove", "xinzhou", project=project).returncode == 1


def test_a_text_of_no_registered_plan_is_kept_and_said(project: Path, tmp_path: Path) -> None:
    (tmp_path / "乙.txt").write_text("乙县规划\n正文。\n", "utf-8")
    assert "no registered plan" in said(geoplan("plans", "add", str(tmp_path / "乙.txt"), project=project))
    assert "(not registered)" in said(geoplan("plans", "list", project=project))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "没有.txt"), "there is no such file"),
        (("add", "."), "folder"),
        (("remove", "nothing"), "no copy is kept of 'nothing'"),
        (("outline", "nothing"), "no registered plan 'nothing'"),
        (("outline", "xinzhou"), "geoplan plans add FILE"),
    ],
)
def test_a_fault_is_one_message(project: Path, arguments: tuple[str, ...], words: str) -> None:
    ended = geoplan("plans", *arguments, project=project)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1
    assert words in ended.stderr


def test_a_report_cites_plan_chapter_and_line_and_the_sentence_of_a_copy(project: Path) -> None:
    before = said(geoplan("layers", "report", "projects", project=project))
    assert "「忻州市“十四五”农业农村现代化发展规划」" in before
    assert "第 671 行" in before
    assert "【" not in before
    text = cited_text().replace("本行为说明文字之671。", "项目共5个，另有说明。")
    geoplan("plans", "add", str(register_text(project, "xinzhou", text)), project=project)
    assert "项【目】共5个，另有说明。" in said(geoplan("layers", "report", "projects", project=project))
