"""Map tiles of layer packs: vector tiles (MVT), GeoJSON tiles and TileJSON, on the web grid."""

from __future__ import annotations

from geoplan.tiles.grid import Tile, TileAddressError, tile_at

__all__ = ["Tile", "TileAddressError", "tile_at"]
