"""Map tiles of a layer: vector tiles (MVT), GeoJSON tiles and TileJSON, on the web grid."""

from __future__ import annotations

from geoplan.tiles.geojson import geojson_tile
from geoplan.tiles.grid import Tile, TileAddressError, tile_at
from geoplan.tiles.index import TileIndex
from geoplan.tiles.mvt import encode_mvt
from geoplan.tiles.tilejson import tilejson

__all__ = ["Tile", "TileAddressError", "TileIndex", "encode_mvt", "geojson_tile", "tile_at", "tilejson"]
