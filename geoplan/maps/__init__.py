"""Maps as files."""

from geoplan.maps.web import layered_map

__all__ = ["layered_map"]
