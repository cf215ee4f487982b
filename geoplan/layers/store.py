"""Built layers on disk: written once by the build, read by everything else.

A build is a folder ``versions/<version>`` and ``current`` a link to the one in use. Inside lie ``layers/<id>.parquet``
(GeoParquet, EPSG:4490) with ``layers/<id>.json`` (metadata) and ``reports/<id>.json`` (join report), the boundaries,
the tables of the gazetteer and the chapter numbers of the plans.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan.crs import Bounds
from geoplan.documents.outline import Outline
from geoplan.errors import BuildError, LayerError
from geoplan.gazetteer import Gazetteer, load_gazetteer

if TYPE_CHECKING:
    import geopandas as gpd

    from geoplan.layers.build import Layer

CURRENT = "current"
MANIFEST = "manifest.json"
OUTLINES = "outlines.json"
LEVELS = ("provinces", "cities", "counties", "townships")


@dataclass(frozen=True, slots=True)
class Build:
    """One finished build: its folder and its version."""

    path: Path
    version: str


def open_build(build_dir: Path) -> Build:
    """The build in use.

    Raises
    ------
    BuildError
        If nothing has been built yet.
    """
    current = build_dir / CURRENT
    if not (current / MANIFEST).is_file():
        raise BuildError("nothing is built yet; run `geoplan build`.")
    path = current.resolve()
    return Build(path, path.name)


def layer_ids(build: Build) -> list[str]:
    """Ids of the layers, in drawing order."""
    ids: list[str] = manifest(build)["layers"]
    return ids


def manifest(build: Build) -> dict[str, Any]:
    """What the build was made from and what it holds."""
    return _read_json(build.path / MANIFEST)


def layer_metadata(build: Build, layer_id: str) -> dict[str, Any]:
    """Title, legend, sources, fields and counts of a layer; `LayerError` if there is none of that id."""
    _require_layer(build, layer_id)
    return _read_json(build.path / "layers" / f"{layer_id}.json")


def layer_report(build: Build, layer_id: str) -> dict[str, Any]:
    """Join report of a layer with every row that is not drawn; `LayerError` if there is none of that id."""
    _require_layer(build, layer_id)
    return _read_json(build.path / "reports" / f"{layer_id}.json")


def read_layer_frame(build: Build, layer_id: str) -> gpd.GeoDataFrame:
    """Features of a layer, EPSG:4490, RangeIndex; list columns hold lists, ``quantities`` lists of dicts.

    Raises
    ------
    LayerError
        If there is no layer of that id.
    """
    import geopandas as gpd

    _require_layer(build, layer_id)
    frame = gpd.read_parquet(build.path / "layers" / f"{layer_id}.parquet")
    for name in _list_columns(frame):
        frame[name] = [json.loads(value) for value in frame[name]]
    return frame


def write_layer(folder: Path, layer_id: str, layer: Layer) -> list[Path]:
    """Write a layer below `folder`; the same layer gives the same bytes. Lists are kept as JSON text."""
    paths = [
        folder / "layers" / f"{layer_id}.parquet",
        folder / "layers" / f"{layer_id}.json",
        folder / "reports" / f"{layer_id}.json",
    ]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    frame = layer.frame.copy()
    for name in _list_columns(frame):
        frame[name] = [json.dumps(value, ensure_ascii=False) for value in frame[name]]
    frame.to_parquet(paths[0], compression="zstd", index=False)
    write_json(paths[1], layer.metadata)
    write_json(paths[2], layer.report)
    return paths


def write_boundaries(folder: Path, name: str, frame: gpd.GeoDataFrame) -> Path:
    """Write the polygons of one level as GeoParquet below `folder`."""
    path = folder / "boundaries" / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, compression="zstd", index=False)
    return path


def read_boundaries(build: Build, name: str) -> gpd.GeoDataFrame:
    """Polygons of one level (`LEVELS`) of a build, EPSG:4490."""
    import geopandas as gpd

    return gpd.read_parquet(build.path / "boundaries" / f"{name}.parquet")


def plans(build: Build) -> list[dict[str, Any]]:
    """The plan documents: id, title, issuer, number, date, area, lines, and the hash of the text that is cited."""
    found: list[dict[str, Any]] = manifest(build)["plans"]
    return found


def outlines(build: Build) -> dict[str, Outline]:
    """Chapter numbers by line of each plan whose outline is known."""
    path = build.path / OUTLINES
    stored = _read_json(path) if path.is_file() else {}
    return {
        plan: Outline(tuple(line for line, _ in rows), tuple(place for _, place in rows))
        for plan, rows in stored.items()
    }


def gazetteer(build: Build) -> Gazetteer:
    """The gazetteer of a build."""
    return load_gazetteer(build.path / "gazetteer")


def division_bounds(build: Build, code: str) -> Bounds | None:
    """Bounds of a drawn division in degrees; None where it is not drawn."""
    return _all_bounds(build).get(code)


def write_json(path: Path, value: object) -> Path:
    """Write a JSON file: UTF-8, keys in the value's own order, a line break at the end."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return path


def _require_layer(build: Build, layer_id: str) -> None:
    known = layer_ids(build)
    if layer_id not in known:
        raise LayerError(f"there is no layer {layer_id!r}; the layers are {', '.join(known)}.")


def _list_columns(frame: gpd.GeoDataFrame) -> list[str]:
    from geoplan.layers.build import LIST_COLUMNS

    return [name for name in LIST_COLUMNS if name in frame]


def _read_json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return value


@lru_cache(maxsize=2)
def _all_bounds(build: Build) -> dict[str, Bounds]:
    found: dict[str, Bounds] = {}
    for name in reversed(LEVELS):
        frame = read_boundaries(build, name)
        boxes = frame.geometry.bounds.to_numpy()
        found |= {code: Bounds(*map(float, box)) for code, box in zip(frame["code"], boxes, strict=True)}
    return found
