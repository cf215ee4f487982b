"""The JSON Schemas beside the files they describe are those of the code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from geoplan.layers.definition import LayerDefinition
from geoplan.records.table import schema
from tests.commands import ROOT

SCHEMAS = {"layers/schema.json": LayerDefinition.model_json_schema(), "layers/records/schema.json": schema()}


def text(value: dict[str, Any]) -> str:
    """The schema as it is kept; to renew a file: ``python -m tests.layers.test_schemas``."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@pytest.mark.parametrize("path", SCHEMAS)
def test_the_schema_is_that_of_the_code(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == text(SCHEMAS[path])


if __name__ == "__main__":
    for name, content in SCHEMAS.items():
        (ROOT / name).write_text(text(content), "utf-8")
