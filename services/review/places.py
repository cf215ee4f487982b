"""Where the places of a draft lie, drawn from the boundaries of the current build."""

from __future__ import annotations

from typing import Any

import shapely
from shapely.geometry import mapping

from geoplan.errors import PlaceError, Problem
from geoplan.layers import store
from geoplan.layers.placement import Located, Shape, Shapes, locate
from geoplan.records import PlaceRef
from geoplan.records.cells import place_items
from geoplan.terms import GeometrySource, Precision
from services.api.state import Once, Snapshot

_LEVELS = {
    "townships": Precision.TOWNSHIP, "counties": Precision.COUNTY, "cities": Precision.CITY,
    "provinces": Precision.PROVINCE,
}  # fmt: skip
_TOLERANCE_DEGREES = 0.0005
"""About 50 m: the map shows where a place lies, no more."""


class DraftPlaces:
    """Places of drafts, looked up inside the plan's area.

    Parameters
    ----------
    area
        Path of the division that the plan is made for (``山西省/阳泉市``); empty when it is not known: then places are
        looked up in the whole country.
    """

    def __init__(self, snapshot: Snapshot, area: str) -> None:
        self.snapshot = snapshot
        self.area = area
        self._shapes = Once(self._read_shapes)

    def prepare(self) -> None:
        """Read names and shapes now, so that the first draft need not wait for them."""
        self.collection(self.area)

    def collection(self, places: str) -> dict[str, Any]:
        """A GeoJSON collection of the places of a cell; a place that is not drawn has no geometry."""
        return {"type": "FeatureCollection", "features": [self._feature(item) for item in place_items(places)]}

    def fault(self, places: str) -> str:
        """What is wrong with the places of a cell: the first that is no place of the area. Empty if all are."""
        if not self.area:
            return ""
        for item in place_items(places):
            located = self._locate(item)
            if isinstance(located, Problem):
                return located.message
        return ""

    def _feature(self, item: str) -> dict[str, Any]:
        located = self._locate(item)
        if isinstance(located, Problem):
            return _feature(None, {"place": item, "name": item, "fault": located.message})
        shape = self._shapes.get().of(located)
        properties = {
            "place": item,
            "name": located.name,
            "division": f"{located.division.parent}/{located.division.name}".lstrip("/"),
            "code": located.division.code,
            "precision": shape.precision.value,
            "geometry_source": shape.source.value,
            "flags": list(located.flags),
            "candidates": list(located.candidates[:20]),
        }
        return _feature(shape, properties)

    def _locate(self, item: str) -> Located | Problem:
        try:
            return locate(self.snapshot.gazetteer, self.area, PlaceRef.parse(item), "", 0)
        except (ValueError, PlaceError) as error:
            return Problem("unknown-place", str(error))

    def _read_shapes(self) -> Shapes:
        found: dict[str, Shape] = {}
        counties: frozenset[str] = frozenset()
        # From the finest: a division that is a county and a city at once is drawn as a county.
        for name, precision in reversed(_LEVELS.items()):
            frame = store.read_boundaries(self.snapshot.build, name)
            for code, source, geometry in zip(frame["code"], frame["geometry_source"], frame.geometry, strict=True):
                found[code] = Shape(geometry, GeometrySource(source), precision)
            if name == "counties":
                counties = frozenset(frame["code"])
        return Shapes(found, counties)


def _feature(shape: Shape | None, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = shape.geometry if shape is not None else None
    drawn = None if geometry is None else mapping(geometry.simplify(_TOLERANCE_DEGREES))
    bounds = None if geometry is None else [float(side) for side in shapely.bounds(geometry)]
    return {"type": "Feature", "geometry": drawn, "properties": {**properties, "bounds": bounds}}
