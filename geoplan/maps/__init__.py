"""Maps as files."""

from geoplan.maps.web import layered_map, map_of_layers

__all__ = ["layered_map", "map_of_layers"]
