"""Files that declare tables of the throw-away PostGIS as layers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "LAND_DATABASE"
"""Environment variable with the address of the database."""


def declared(**layers: Mapping[str, Any]) -> str:
    """A declaration of live layers by id (``_`` stands for ``-``), each with the keys given beside the usual ones."""
    lines = ["[database.land]", f'address = "{VARIABLE}"']
    for name, keys in layers.items():
        id_ = name.replace("_", "-")
        lines += ["[[layer]]", f'title = {{ zh = "{keys.get("zh", id_)}", en = "{id_}" }}']
        values = {"id": id_, "database": "land", "mode": "live", **keys}
        # Texts, whole numbers and lists are written in TOML as in JSON.
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if key != "zh"]
    return "\n".join(lines) + "\n"


def written(folder: Path, text: str) -> Path:
    """The file with a declaration."""
    path = folder / "postgis.toml"
    path.write_text(text, "utf-8")
    return path
