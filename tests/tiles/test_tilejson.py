"""TileJSON of a layer."""

from __future__ import annotations

from typing import Any

import pytest

from geoplan.tiles import tilejson
from geoplan.tiles.tilejson import attribution

METADATA: dict[str, Any] = {
    "id": "parks",
    "title": {"zh": "产业园", "en": "Industrial parks"},
    "description": {"zh": "规划提到的产业园", "en": "Parks that plans name"},
    "bounds": [110.2, 34.5, 114.6, 40.8],
    "sources": [{"id": "a", "title": "规划"}, {"id": "b", "title": "Open <b>data</b>"}, {"id": "c", "title": "规划"}],
    "fields": [{"name": "fid", "type": "integer"}, {"name": "name", "type": "string"}, {"name": "note", "type": "s"}],
}


def test_members() -> None:
    made = tilejson(METADATA, ["http://h/tiles/parks/{z}/{x}/{y}.mvt"])
    assert made["tilejson"] == "3.0.0"
    assert made["tiles"] == ["http://h/tiles/parks/{z}/{x}/{y}.mvt"]
    assert (made["minzoom"], made["maxzoom"]) == (0, 14)
    assert made["bounds"] == [110.2, 34.5, 114.6, 40.8]
    assert (made["name"], made["description"]) == ("产业园", "规划提到的产业园")
    assert made["center"] == [112.4, 37.65, 5]
    (layer,) = made["vector_layers"]
    assert (layer["id"], layer["fields"]) == ("parks", {"fid": "Number", "name": "String"})


def test_attribution_is_escaped_and_named_once() -> None:
    assert attribution(METADATA["sources"]) == "规划 · Open &lt;b&gt;data&lt;/b&gt;"
    assert attribution([]) == ""


@pytest.mark.parametrize("bounds", [None, [112.0, 37.0, 112.0, 37.0]])
def test_no_bounds_or_a_single_point(bounds: list[float] | None) -> None:
    made = tilejson({**METADATA, "bounds": bounds}, [])
    west, south, east, north = made["bounds"]
    longitude, latitude, zoom = made["center"]
    assert west <= longitude <= east
    assert south <= latitude <= north
    assert zoom == (14 if bounds else 0)
