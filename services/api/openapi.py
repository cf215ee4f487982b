"""The definition of the API: kept by hand in ``definition/*.yaml``, joined and filled in here."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

import geoplan

FOLDER = Path(__file__).with_name("definition")


def document(base: str, collection_ids: Sequence[str]) -> dict[str, Any]:
    """The definition for a client: with the address of the server and the collections that it sees."""
    made = copy.deepcopy(written())
    made["info"]["version"] = geoplan.__version__
    made["servers"] = [{"url": base or "/"}]
    parameters = made["components"]["parameters"]
    if collection_ids:
        parameters["collectionId"]["schema"]["enum"] = list(collection_ids)
        parameters["collections"]["schema"]["items"]["enum"] = list(collection_ids)
    return made


@cache
def written() -> dict[str, Any]:
    """The definition as it is written. Not to be changed."""
    joined: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        _join(joined, yaml.safe_load(path.read_text("utf-8")))
    return joined


def _join(whole: dict[str, Any], part: dict[str, Any]) -> None:
    """Add a part; nothing may be said twice."""
    for key, value in part.items():
        if key in whole and isinstance(value, dict) and isinstance(whole[key], dict):
            _join(whole[key], value)
        elif key in whole:
            raise ValueError(f"the API definition says {key!r} twice")
        else:
            whole[key] = value
