"""What is compared: which request each server gets, and which ratio is expected."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Entry = dict[str, Any]


@dataclass(frozen=True)
class Contender:
    """One side of a comparison.

    Attributes
    ----------
    server
        ``geoplan``, ``geoplan-warm``, ``tipg``, ``duckdb`` or ``nginx``.
    kind
        What is asked: ``mvt``, ``geojson``, ``bbox``, ``pip``, ``near``, ``attr``, ``byno`` or ``file``.
    data
        ``parcels``, ``counties`` or ``parcels10``.
    """

    server: str
    kind: str
    data: str = "parcels"


@dataclass(frozen=True)
class Measure:
    """A row of the table.

    Attributes
    ----------
    requests
        Name of the list that both sides walk.
    at_least
        Expected ratio of the rates, `subject` over `rival`.
    p99
        Expected 99th percentile of the subject in milliseconds, if any.
    entries
        How many entries of the list are walked; all, unless every answer is to come from a cache.
    tolerance
        By how much the counts of features in the answers of both sides may differ, as a share of all;
        None where they are meant to differ.
    buffered
        Whether the subject may have features that the rival leaves out, but not the other way round.
    largest
        Expected size of the subject's largest answer in bytes as sent, if any.
    """

    id: str
    title: str
    requests: str
    subject: Contender
    rival: Contender
    at_least: float
    p99: float | None = None
    connections: int = 8
    entries: int | None = None
    tolerance: float | None = 0.0
    buffered: bool = False
    largest: int | None = None


def _tiles(name: str, title: str, requests: str, data: str, at_least: float, **rest: Any) -> Measure:
    return Measure(
        name, title, requests, Contender("geoplan", "mvt", data), Contender("tipg", "mvt", data), at_least,
        buffered=True, **rest,
    )  # fmt: skip


def _question(name: str, title: str, kind: str, at_least: float, *, rival: str = "tipg", **rest: Any) -> Measure:
    return Measure(name, title, name, Contender("geoplan", kind), Contender(rival, kind), at_least, **rest)


# A feature whose edge touches the tile's is in one server's tile and not in the other's: not counted as a difference.
EDGE = 0.01
MEASURES = (
    _tiles("parcels_z12_14", "MVT, parcels, z12–14", "parcels_z12_14", "parcels", 20, p99=15.0, tolerance=EDGE),
    _tiles("counties_z5_14", "MVT, counties, z5–14", "counties_z5_14", "counties", 20, tolerance=EDGE),
    _tiles("parcels_z10_11", "MVT, parcels, z10–11, complete", "parcels_z10_11", "parcels", 20, tolerance=EDGE),
    _tiles(
        "parcels_z5_9", "MVT, parcels, z5–9 (geoplan: levels)", "parcels_z5_9", "parcels", 100,
        connections=2, tolerance=None, largest=300_000,
    ),
    Measure(
        "geojson_tiles", "GeoJSON tiles against geoplan's own MVT, parcels, z12–14", "parcels_z12_14",
        Contender("geoplan", "geojson"), Contender("geoplan", "mvt"), 0.4, tolerance=EDGE,
    ),
    Measure(
        "warm_tiles", "warm MVT against nginx with the same bytes as files, parcels, z12–14", "parcels_z12_14",
        Contender("geoplan-warm", "mvt"), Contender("nginx", "file"), 0.4, entries=500,
    ),
    _question("bbox_small", "bbox, limit 100", "bbox", 30),
    _question("bbox_big", "bbox, limit 1000", "bbox", 50),
    _question("pip", "point in polygon", "pip", 20),
    # TiPG gets a polygon of 16 sides for the circle.
    _question("near", "within 300 m, limit 20", "near", 20, tolerance=0.1),
    _question("byno", "by parcel number", "byno", 20),
    _question("attr", "class and year, limit 100, exact count", "attr", 10, rival="duckdb"),
    Measure(
        "attr10", "the same over 10 M parcels, against geoplan's rate over 1 M", "attr",
        Contender("geoplan", "attr", "parcels10"), Contender("geoplan", "attr"), 0.5, tolerance=None,
    ),
)  # fmt: skip


def circle(entry: Entry) -> str:
    """The circle around the entry's point as a polygon of 16 sides, WKT."""
    x, y = entry["point"]
    height = entry["radius_m"] / 111_320
    width = height / math.cos(math.radians(y))
    turns = [math.tau * part / 16 for part in range(17)]
    return "POLYGON((" + ",".join(f"{x + width * math.cos(t):.6f} {y + height * math.sin(t):.6f}" for t in turns) + "))"


def _text(expression: str) -> str:
    return f"filter={quote(expression)}&filter-lang=cql2-text"


def _box(entry: Entry) -> str:
    return "bbox=" + ",".join(map(str, entry["bbox"]))


QUERIES: dict[tuple[str, str], Callable[[Entry], str]] = {
    ("geoplan", "bbox"): _box,
    ("geoplan", "pip"): lambda e: "point={},{}".format(*e["point"]),
    ("geoplan", "near"): lambda e: "near={},{}&radius={}".format(*e["point"], e["radius_m"]),
    ("geoplan", "attr"): lambda e: "filter=" + quote(f"dlbm='{e['dlbm']}' AND year>{e['year']}"),
    ("geoplan", "byno"): lambda e: f"parcel_no={e['parcel_no']}",
    ("tipg", "bbox"): _box,
    ("tipg", "pip"): lambda e: _text("S_INTERSECTS(geom,POINT({} {}))".format(*e["point"])),
    ("tipg", "near"): lambda e: _text(f"S_INTERSECTS(geom,{circle(e)})"),
    ("tipg", "attr"): lambda e: _text(f"dlbm='{e['dlbm']}' AND year>{e['year']}"),
    ("tipg", "byno"): lambda e: f"parcel_no={e['parcel_no']}",
}


def path(contender: Contender, entry: Entry) -> str:
    """The request of one entry of a list."""
    own = contender.server.startswith("geoplan")
    collection = f"bench_{contender.data}" if own else f"public.{contender.data}"
    match contender.kind:
        case "file":
            return "/{z}/{x}/{y}".format(**entry)
        case "mvt" if own:
            return f"/tiles/{collection}/{entry['z']}/{entry['x']}/{entry['y']}.mvt"
        case "mvt":
            return f"/collections/{collection}/tiles/WebMercatorQuad/{entry['z']}/{entry['x']}/{entry['y']}"
        case "geojson":
            return f"/tiles/{collection}/{entry['z']}/{entry['x']}/{entry['y']}.geojson"
        case "attr" if contender.server == "duckdb":
            return f"/items?dlbm={entry['dlbm']}&year={entry['year']}&limit={entry['limit']}"
        case kind:
            asked = QUERIES["geoplan" if own else contender.server, kind](entry)
            return f"/collections/{collection}/items?{asked}&limit={entry['limit']}"


def count(kind: str, body: bytes) -> tuple[int, int]:
    """How many features matched and how many are in an answer; of a tile twice those in it."""
    if kind in {"mvt", "file"}:
        found = layer_features(body)
        return found, found
    document = json.loads(body or b'{"features": []}')
    returned = len(document["features"])
    return int(document.get("numberMatched", returned)), returned


def layer_features(tile: bytes) -> int:
    """How many features all layers of a vector tile hold (fields 3 of the tile, 2 of the layer)."""
    layers = [part for number, part in _fields(tile) if number == 3]
    return sum(number == 2 for layer in layers for number, _ in _fields(layer))


def _fields(message: bytes) -> list[tuple[int, bytes]]:
    """Fields of a protobuf message; only those of a length have a value here."""
    found, position = [], 0
    while position < len(message):
        key, position = _varint(message, position)
        if key & 7 == 2:
            size, position = _varint(message, position)
            found.append((key >> 3, message[position : position + size]))
            position += size
        else:
            _, position = _varint(message, position)
            found.append((key >> 3, b""))
    return found


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
