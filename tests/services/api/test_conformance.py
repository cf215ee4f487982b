"""Test suites of others against the service: ogctests (OGC API Features, core) and schemathesis (the definition)."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from services.api.app import Service
from services.api.catalog import Builds

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method",
)  # fmt: skip
"""Not among them: whether every text that is no filter is refused by the schema, which no schema can say of CQL2."""


def run(*command: str, folder: Path, timeout_s: int, **named: str) -> str:
    """Run a suite in a process of its own, on its own configuration; what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | named
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    return done.stdout + done.stderr


def test_ogctests_pass(app: Service, service: str, project: Path, versions: Path, tmp_path: Path) -> None:
    """On features that all have a shape: the schemas of the suite do not know the ``null`` of RFC 7946, 3.2."""
    suite = find_spec("ogctests")
    if suite is None or suite.origin is None:
        pytest.skip("ogctests is not installed (pip install --no-deps ogctests openapi-schema-validator==0.6.3)")
    packs = [versions / "v1/packs" / name for name in ("counties", "many")]
    app.state.builds = Builds(project / "nothing", extra=packs)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    tests = str(Path(suite.origin).parent / "features/core")
    told = run(
        sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider", tests,
        folder=tmp_path, timeout_s=300, INSTANCE_URL=service,
    )  # fmt: skip
    assert "29 passed" in told.splitlines()[-1], told[-3000:]
    assert "failed" not in told.splitlines()[-1]


@pytest.mark.timeout(600)
def test_schemathesis_finds_no_fault(service: str, tmp_path: Path) -> None:
    beside = str(Path(sys.executable).with_name("schemathesis"))
    command = beside if Path(beside).exists() else shutil.which("schemathesis")
    if command is None:
        pytest.skip("schemathesis is not installed")
    told = run(
        command, "run", f"{service}/api", "--max-examples", "10", "--checks", ",".join(CHECKS),
        "--phases", "coverage,fuzzing", "--seed", "1",
        folder=tmp_path, timeout_s=500,
    )  # fmt: skip
    found = re.search(r"(\d+) generated, (\d+) passed", told)
    assert found is not None, told[-3000:]
    assert found[1] == found[2], told[-6000:]
    assert int(found[1]) > 300
