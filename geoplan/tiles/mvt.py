"""Vector tiles (Mapbox Vector Tile 2.1)."""

from __future__ import annotations

import mapbox_vector_tile
import shapely

from geoplan.tiles.grid import EXTENT, Tile
from geoplan.tiles.index import TileIndex

_OPTIONS = {"extents": EXTENT, "y_coord_down": False, "check_winding_order": False}


def encode_mvt(index: TileIndex, tile: Tile, layer: str) -> bytes:
    """A vector tile with one layer; no bytes at all when the tile holds nothing.

    Parameters
    ----------
    index
        The layer, ready for tiles.
    tile
        Address of the tile.
    layer
        Name of the layer in the tile.

    Returns
    -------
    bytes
        Geometry in EPSG:3857 on 4096 units with a buffer of 64; polygons are valid and wound as the
        standard asks; the feature id is the fid. Not compressed.
    """
    features = [
        {
            # y still points up here, and the encoder turns it over: clockwise stays clockwise on the screen.
            "geometry": shapely.orient_polygons(piece.quantised, exterior_cw=True),
            "id": piece.fid,
            "properties": piece.properties,
        }
        for piece in index.pieces(tile)
    ]
    if not features:
        return b""
    encoded: bytes = mapbox_vector_tile.encode({"name": layer, "features": features}, default_options=_OPTIONS)
    return encoded
