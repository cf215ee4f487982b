"""The texts of the five plans, which are not in this repository: tests that need one are skipped where none is kept."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest

from geoplan.documents.plans import load_plans
from geoplan.provenance import sha256_file
from geoplan.settings import plans_folder
from tests.commands import ROOT

PLANS = ("clusters", "shanxi", "shuozhou", "xinzhou", "yangquan")


def plan_text(plan: str) -> Path:
    """The registered text of a plan, by its bytes; skips the test where there is none."""
    path = find_plan_text(plan)
    if path is None:
        pytest.skip(f"no copy of the text of '{plan}' is at hand (`geoplan plans add` keeps one)")
    return path


@cache
def find_plan_text(plan: str) -> Path | None:
    """A text file with the registered bytes, in a folder `shared/plans` beside the clone or in the user's library."""
    digest = load_plans(ROOT / "layers" / "plans.toml")[plan].sha256
    folders = [ROOT.parent / "shared" / "plans", plans_folder(os.environ)]
    files = (path for folder in folders if folder.is_dir() for path in sorted(folder.rglob("*.txt")))
    return next((path for path in files if path.is_file() and sha256_file(path) == digest), None)
