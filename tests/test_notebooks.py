"""The notebooks run from top to bottom over the build, and say what the tests of the layers say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import pytest

from geoplan.layers.store import Build
from geoplan.settings import Settings
from tests.commands import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.fixture
def run(settings: Settings, build: Build, tmp_path: Path) -> Any:
    """Runs a notebook; all its outputs."""
    assert build

    def execute(notebook: Path) -> list[dict[str, Any]]:
        made = tmp_path / f"{notebook.stem}.ipynb"
        jupytext.write(jupytext.read(notebook), made)
        named = {"GEOPLAN_PROJECT": str(ROOT), "GEOPLAN_BUILD": str(settings.build_dir)}
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--nbmake", "--overwrite", str(made)],
            env=os.environ | named, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stdout[-3000:]
        cells = json.loads(made.read_text("utf-8"))["cells"]
        return [output for cell in cells for output in cell.get("outputs", ())]

    return execute


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_without_a_warning(run: Any, notebook: Path) -> None:
    outputs = run(notebook)
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert "image/png" in {kind for output in outputs for kind in output.get("data", ())}
    text = "".join("".join(output.get("text", "")) for output in outputs)
    assert "14 counties: 173.6 x 10^4 mu; the city: 173.6 x 10^4 mu (line 330)" in text
