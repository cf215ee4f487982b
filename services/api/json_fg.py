"""Features as JSON-FG (OGC 21-045r1): the GeoJSON answer with type, time, and positions of other systems in ``place``.

The standard keeps the media type of GeoJSON and tells the two apart as profiles, by the parameter ``profile``.
An answer in WGS 84 longitudes and latitudes keeps its shapes in ``geometry``. In another system they are in ``place``,
and ``geometry`` is null, which GeoJSON leaves for longitudes and latitudes alone.
"""

from __future__ import annotations

from typing import Any

import orjson

from services.api.collection import Collection
from services.api.crs import DEFAULT, System
from services.api.links import link

PLAIN, JSON_FG = "rfc7946", "jsonfg"
PROFILES = (PLAIN, JSON_FG)
"""Values of the parameter ``profile``, the default first."""
CONFORMANCE = tuple(f"http://www.opengis.net/spec/json-fg-1/1.0/conf/{name}" for name in ("core", "types-schemas"))
_PROFILE = f"http://www.opengis.net/def/profile/OGC/0/{JSON_FG}"
_DIMENSIONS = {"point": 0, "linestring": 1, "polygon": 2}


def to_json_fg(body: bytes, collection: Collection, crs: System, schema: str) -> bytes:
    """An answer as JSON-FG.

    Parameters
    ----------
    body
        The answer as GeoJSON: a Feature or a FeatureCollection.
    collection
        Where the features are from.
    crs
        The system of their positions.
    schema
        Address of the schema of the features.

    Returns
    -------
    bytes
        The same with all other members as they are. The time is that of the collection's column of times, as far as
        the answer has it; else null.
    """
    found: dict[str, Any] = orjson.loads(body)
    features = found.get("features", [found])
    for feature in features:
        feature["time"] = _time(feature["properties"].get(collection.pack.manifest.datetime))
        feature["place"] = None
        if crs is not DEFAULT:
            feature["place"], feature["geometry"] = feature["geometry"], None
    about: dict[str, Any] = {"conformsTo": CONFORMANCE, "featureType": collection.id, "featureSchema": schema}
    if crs is not DEFAULT:
        about["coordRefSys"] = crs.uri
    if "features" in found:
        about["geometryDimension"] = _dimension(features)
    found["links"] = [*found.get("links", ()), link(_PROFILE, "profile")]
    return orjson.dumps(about | found)


def _time(value: str | None) -> dict[str, str] | None:
    """A date or an instant as the format has them."""
    if value is None:
        return None
    return {"timestamp" if "T" in value else "date": value}


def _dimension(features: list[dict[str, Any]]) -> int | None:
    """Dimension of all shapes; None where there are several, or none."""
    shapes = [feature["place"] or feature["geometry"] for feature in features]
    found = {_DIMENSIONS.get(shape["type"].lower().removeprefix("multi")) for shape in shapes if shape}
    return found.pop() if len(found) == 1 else None
