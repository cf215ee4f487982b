"""TileJSON 3.0.0 of a layer pack: what a map needs to know before it asks for tiles."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from geoplan.crs import Bounds
from geoplan.pack.format import Manifest
from geoplan.tiles.grid import MAX_LATITUDE, MAX_ZOOM

DEEPEST_ZOOM = 14
"""Maps enlarge the tiles of this zoom further: its unit is 0.6 m at most."""

_WORLD = Bounds(-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)
_KINDS = {"integer": "Number", "number": "Number", "boolean": "Boolean"}
_FORMATS = {"mvt": "pbf", "geojson": "geojson"}

Encoding = Literal["mvt", "geojson"]


def tilejson(
    manifests: Manifest | Sequence[Manifest], tiles: Sequence[str], *, encoding: Encoding = "mvt", language: str = "zh"
) -> dict[str, Any]:
    """TileJSON of tiles that hold one layer or several.

    Parameters
    ----------
    manifests
        The pack of the layer, or those of several in the order in which tiles hold them; at least one.
    tiles
        URL templates with ``{z}``, ``{x}`` and ``{y}``.
    encoding
        What the tiles are: ``mvt`` or ``geojson``.
    language
        Language of the titles, where a pack has it.

    Returns
    -------
    dict
        Bounds in degrees (west, south, east, north), those of the world when no layer has any; in
        ``vector_layers`` the properties that tiles carry unless asked otherwise, for both encodings.
    """
    manifests = [manifests] if isinstance(manifests, Manifest) else manifests
    bounds = _joined([Bounds(*manifest.bounds) for manifest in manifests if manifest.bounds])
    layers = [_layer(manifest) for manifest in manifests]
    titles = [text_in(manifest.title, language) or manifest.id for manifest in manifests]
    return {
        "tilejson": "3.0.0",
        "name": ", ".join(titles),
        "description": manifests[0].description if len(manifests) == 1 else "",
        "scheme": "xyz",
        "format": _FORMATS[encoding],
        "tiles": list(tiles),
        "minzoom": min(layer["minzoom"] for layer in layers),
        "maxzoom": max(layer["maxzoom"] for layer in layers),
        "bounds": list(bounds),
        "center": _centre(bounds),
        "attribution": credit([source for manifest in manifests for source in manifest.sources], language),
        "vector_layers": layers,
    }


def credit(sources: Sequence[Mapping[str, Any]], language: str = "zh") -> str:
    """Line of credit for a map's corner; maps read it as HTML, so the text is escaped. A title is named once."""
    names = dict.fromkeys(text_in(source.get("title"), language) for source in sources)
    return " · ".join(html.escape(name) for name in names if name)


def text_in(value: Any, language: str) -> str:
    """A text; of one in several languages that language, else the Chinese, which is the sources' own, else any."""
    if isinstance(value, Mapping):
        value = value.get(language) or value.get("zh") or next(iter(value.values()), "")
    return str(value or "")


def _layer(manifest: Manifest) -> dict[str, Any]:
    """A member of ``vector_layers``."""
    deepest = max((part.max_zoom for part in manifest.parts), default=DEEPEST_ZOOM)
    return {
        "id": manifest.id,
        "description": manifest.description,
        "minzoom": min((part.min_zoom for part in manifest.parts), default=0),
        "maxzoom": min(deepest, DEEPEST_ZOOM, MAX_ZOOM),
        "fields": {column.name: _KINDS.get(column.type, "String") for column in manifest.columns if column.in_tiles},
    }


def _joined(bounds: Sequence[Bounds]) -> Bounds:
    if not bounds:
        return _WORLD
    west, south, east, north = zip(*bounds, strict=True)
    return Bounds(min(west), min(south), max(east), max(north))


def _centre(bounds: Bounds) -> list[float]:
    """Middle of the bounds and the zoom at which they fill about one tile."""
    span = max(bounds.east - bounds.west, bounds.north - bounds.south, 360 / 2**DEEPEST_ZOOM)
    zoom = min(max(math.floor(math.log2(360 / span)), 0), DEEPEST_ZOOM)
    return [round((bounds.west + bounds.east) / 2, 7), round((bounds.south + bounds.north) / 2, 7), zoom]
