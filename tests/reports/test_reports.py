"""Reports in words: the counts, every row with its reason, and where the rest is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.pipeline import BuildResult
from geoplan.reports import build_summary, join_summary

TOTALS = {"records": 7, "selected": 9, "joined": 6, "unmatched": 3, "drawn": 5, "undrawn": 1}


def report(rows: int) -> dict[str, Any]:
    listed = [{"name": f"事{n}", "plan": "xinzhou", "line": n, "reason": "no polygon"} for n in range(1, rows + 1)]
    counts = {"selected": rows + 2, "joined": 2, "unmatched": rows, "drawn": 2, "undrawn": 0}
    return counts | {"reasons": {"no polygon": rows}, "rows": listed}


@pytest.mark.parametrize(
    ("rebuilt", "begins"),
    [(("boundaries", "parks"), "built 2 parts in 1.2 s: "), ((), "nothing changed in 1.2 s: ")],
)
def test_a_build_in_one_line(rebuilt: tuple[str, ...], begins: str) -> None:
    text = build_summary(BuildResult(Build(Path("/b/versions/v"), "v"), rebuilt, 1.24, TOTALS))
    assert text.startswith(begins)
    for part in (
        "7 records",
        "9 rows selected",
        "6 joined",
        "3 not joined",
        "geoplan layers report LAYER",
        "/b/versions/v",
    ):
        assert part in text
    assert "\n" not in text


def test_a_join_report_names_every_row_with_its_line() -> None:
    lines = join_summary("stops", report(3)).splitlines()
    assert lines[0] == "stops: 5 selected = 2 joined + 3 unmatched; 2 drawn, 0 joined but not drawn"
    assert lines[1].split() == ["3", "no", "polygon"]
    assert [line.strip() for line in lines[2:]] == [f"xinzhou:{n} 事{n}: no polygon" for n in (1, 2, 3)]


def test_a_long_report_says_how_many_it_leaves_out() -> None:
    lines = join_summary("stops", report(250)).splitlines()
    assert len(lines) == 2 + 200 + 1
    assert lines[-1].strip() == "and 50 more; --format json lists them all"


def test_a_row_without_a_plan_has_no_line() -> None:
    made = report(1)
    made["rows"][0] |= {"plan": None, "line": None}
    assert join_summary("counties", made).splitlines()[-1].strip() == "事1: no polygon"


def test_the_reports_of_the_project_can_be_told(build: Build) -> None:
    for layer in store.layer_ids(build):
        made = store.layer_report(build, layer)
        text = join_summary(layer, made)
        rows = len(made["rows"])
        assert len(text.splitlines()) == 1 + len(made["reasons"]) + min(rows, 200) + (rows > 200)
