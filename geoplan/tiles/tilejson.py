"""TileJSON 3.0.0: what a map needs to know before it asks for tiles."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any

from geoplan.crs import Bounds
from geoplan.tiles.grid import MAX_LATITUDE
from geoplan.tiles.index import INTEGER_PROPERTIES, NUMBER_PROPERTIES, PROPERTIES
from geoplan.tiles.levels import FULL_DETAIL_ZOOM

_WORLD = Bounds(-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)


def tilejson(metadata: Mapping[str, Any], tiles: Sequence[str]) -> dict[str, Any]:
    """TileJSON of one layer.

    Parameters
    ----------
    metadata
        The layer's metadata as the build holds it.
    tiles
        URL templates with ``{z}``, ``{x}`` and ``{y}`` of its vector tiles.

    Returns
    -------
    dict
        Bounds in degrees (west, south, east, north); those of the world when the layer has none.
    """
    bounds = Bounds(*metadata["bounds"]) if metadata.get("bounds") else _WORLD
    description = _text(metadata.get("description"))
    return {
        "tilejson": "3.0.0",
        "name": _text(metadata.get("title")) or metadata["id"],
        "description": description,
        "scheme": "xyz",
        "tiles": list(tiles),
        "minzoom": 0,
        "maxzoom": FULL_DETAIL_ZOOM,
        "bounds": list(bounds),
        "center": _center(bounds),
        "attribution": attribution(metadata.get("sources") or ()),
        "vector_layers": [
            {
                "id": metadata["id"],
                "description": description,
                "minzoom": 0,
                "maxzoom": FULL_DETAIL_ZOOM,
                "fields": _fields(metadata.get("fields") or ()),
            }
        ],
    }


def attribution(sources: Sequence[Mapping[str, Any]]) -> str:
    """Line of credit for a map's corner; maps read it as HTML, so the text is escaped.

    A source is named by its title, once.
    """
    names = dict.fromkeys(_text(source["title"]) for source in sources)
    return " · ".join(html.escape(name) for name in names)


def _text(value: Any) -> str:
    """A text of the metadata; of one in several languages the Chinese, which is the sources' own."""
    if isinstance(value, Mapping):
        value = value.get("zh") or value.get("en")
    return str(value or "")


def _center(bounds: Bounds) -> list[float]:
    """Middle of the bounds and the zoom at which they fill about one tile."""
    span = max(bounds.east - bounds.west, bounds.north - bounds.south, 360 / 2**FULL_DETAIL_ZOOM)
    zoom = min(max(math.floor(math.log2(360 / span)), 0), FULL_DETAIL_ZOOM)
    return [round((bounds.west + bounds.east) / 2, 7), round((bounds.south + bounds.north) / 2, 7), zoom]


def _fields(fields: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The layer's fields that tiles carry, with their kind in TileJSON's words."""
    present = {field["name"] for field in fields}
    numbers = {*INTEGER_PROPERTIES, *NUMBER_PROPERTIES}
    return {name: "Number" if name in numbers else "String" for name in PROPERTIES if name in present}
