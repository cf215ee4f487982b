"""TileJSON of layer packs."""

from __future__ import annotations

from typing import Any

import pytest

from geoplan.pack.format import ColumnEntry, Manifest, PartEntry
from geoplan.tiles.tilejson import credit, tilejson


def manifest(**changes: Any) -> Manifest:
    members: dict[str, Any] = {
        "id": "parks",
        "title": {"zh": "产业园", "en": "Industrial parks"},
        "description": "规划提到的产业园",
        "count": 3,
        "bounds": (110.2, 34.5, 114.6, 40.8),
        "geometry": "Polygon",
        "columns": (
            ColumnEntry(name="area", type="number"),
            ColumnEntry(name="name", type="string"),
            ColumnEntry(name="note", type="string", in_tiles=False),
        ),
        "parts": (
            PartEntry(name="low", min_zoom=4, max_zoom=11, count=1, vertices=5),
            PartEntry(name="source", min_zoom=12, max_zoom=22, count=3, vertices=15),
        ),
        "files": {},
        "sources": ({"title": {"zh": "规划"}}, {"title": "Open <b>data</b>"}, {"title": "规划"}),
    }
    return Manifest(**{**members, **changes})


def test_members() -> None:
    made = tilejson(manifest(), ["http://h/{z}/{x}/{y}.mvt"])
    assert (made["tilejson"], made["format"], made["tiles"]) == ("3.0.0", "pbf", ["http://h/{z}/{x}/{y}.mvt"])
    assert (made["minzoom"], made["maxzoom"]) == (4, 14)
    assert made["bounds"] == [110.2, 34.5, 114.6, 40.8]
    assert made["center"] == [112.4, 37.65, 5]
    assert (made["name"], made["description"]) == ("产业园", "规划提到的产业园")
    (layer,) = made["vector_layers"]
    assert (layer["id"], layer["fields"]) == ("parks", {"area": "Number", "name": "String"})
    assert made["attribution"] == "规划 · Open &lt;b&gt;data&lt;/b&gt;"


def test_several_layers_and_another_language() -> None:
    made = tilejson([manifest(), manifest(id="more", bounds=(100, 20, 111, 36))], [], encoding="geojson", language="en")
    assert made["name"] == "Industrial parks, Industrial parks"
    assert made["bounds"] == [100, 20, 114.6, 40.8]
    assert [layer["id"] for layer in made["vector_layers"]] == ["parks", "more"]
    assert made["format"] == "geojson"


@pytest.mark.parametrize("bounds", [None, (112.0, 37.0, 112.0, 37.0)])
def test_no_bounds_or_a_single_point(bounds: Any) -> None:
    made = tilejson([manifest(bounds=bounds)], [])
    west, south, east, north = made["bounds"]
    longitude, latitude, zoom = made["center"]
    assert west <= longitude <= east
    assert south <= latitude <= north
    assert zoom == (14 if bounds else 0)


def test_no_sources_no_credit() -> None:
    assert credit([]) == ""
