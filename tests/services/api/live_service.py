"""A service with live layers as it listens, and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import mapbox_vector_tile

from geoplan.settings import Settings
from services.api.app import create_app
from services.api.live import LiveLayers
from tests.postgis_land import Land
from tests.services.api.listening import listening
from tests.sources.declared import VARIABLE, written


@contextmanager
def serving(folder: Path, text: str, database: Land, packs: list[Path]) -> Iterator[httpx.Client]:
    """A client of a service with the declared layers, and with packs."""
    layers = LiveLayers(written(folder, text), {VARIABLE: database.address.dsn})
    app = create_app(Settings(folder, folder / "build"), None, packs, live=layers)
    try:
        with listening(app) as address, httpx.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        layers.close()


def read(client: httpx.Client, path: str, **parameters: Any) -> Any:
    """The JSON at a path."""
    response = client.get(path, params=parameters)
    assert response.status_code == 200, response.text
    return response.json()


def pages(client: httpx.Client, id_: str, **parameters: Any) -> list[dict[str, Any]]:
    """The answers of all pages, by their links."""
    found = [read(client, f"/collections/{id_}/items", **parameters)]
    while following := [link["href"] for link in found[-1]["links"] if link["rel"] == "next"]:
        found.append(client.get(following[0]).raise_for_status().json())
        assert len(found) < 100
    return found


def features(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The features of several pages."""
    return [feature for answer in answers for feature in answer["features"]]


def tile_features(answer: httpx.Response, form: str) -> dict[int, Any]:
    """The features of a tile by id."""
    if form == "geojson":
        return {feature["id"]: feature for feature in answer.json()["features"]}
    return {f["id"]: f for layer in mapbox_vector_tile.decode(answer.content).values() for f in layer["features"]}
