"""Layers whose versions can be told apart: every feature says of which version it is."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geoplan.crs import STORAGE
from geoplan.gazetteer import save_gazetteer
from geoplan.layers import store
from geoplan.layers.build import Layer
from geoplan.pack.build import PackOptions, pack_frame
from services.api.state import PACKS

WEST, SOUTH, SIDE = 112.0, 37.0, 1.0
"""South-west corner and side of every grid, in degrees."""


def plots(version: int, side: int = 20) -> gpd.GeoDataFrame:
    """A grid of (`side` + `version`)² plots in EPSG:4490; ``version`` says of which one, and values differ by it."""
    count = side + version
    step = SIDE / count
    west = WEST + step * np.tile(np.arange(count), count)
    south = SOUTH + step * np.repeat(np.arange(count), count)
    ids = np.arange(1, count * count + 1)
    columns = {
        "fid": ids,
        "version": version,
        "name": [f"第{version}版{number}号" for number in ids],
        "class": ids % 5,
        "area_mu": ids * 1.25 + version,
        "day": pd.to_datetime("2021-01-01") + pd.to_timedelta(ids % 400, unit="D"),
    }
    # A little smaller than its cell, so that neighbours do not touch.
    return gpd.GeoDataFrame(
        columns, geometry=shapely.box(west, south, west + step * 0.9, south + step * 0.9), crs=STORAGE
    )


def options(id_: str) -> PackOptions:
    """Options of a pack of such plots."""
    return PackOptions(id=id_, title={"zh": "地块", "en": id_}, id_column="fid", datetime="day")


def write_build(folder: Path, version: int, layer_id: str) -> Path:
    """A build with one layer of plots, as `geoplan build` leaves it."""
    frame = plots(version)
    metadata = {
        "id": layer_id,
        "title": {"zh": "层", "en": layer_id},
        "description": {"zh": f"第{version}版", "en": f"version {version}"},
        "bounds": [float(value) for value in frame.total_bounds],
        "count": len(frame),
        "sources": [],
        "fields": [{"name": name, "type": "string"} for name in frame.columns if name != "geometry"],
    }
    store.write_layer(folder, layer_id, Layer(frame, metadata, {}))
    pack_frame(frame, folder / PACKS / layer_id, options(layer_id))
    empty = gpd.GeoDataFrame({"code": [], "geometry_source": []}, geometry=[], crs=STORAGE)
    for level in store.LEVELS:
        store.write_boundaries(folder, level, empty)
    _write_names(folder / "gazetteer")
    store.write_json(folder / store.MANIFEST, {"layers": [layer_id], "plans": []})
    return folder


def _write_names(folder: Path) -> None:
    names = pd.DataFrame(
        [("140000", "山西省", "province", "", "shanxisheng", "sxs", "MCA", "2024", "")],
        columns=["code", "name", "level", "parent", "pinyin", "initials", "code_system", "as_of", "members"],
    )
    aliases = pd.DataFrame({column: pd.Series(dtype=str) for column in ("alias", "alias_kind", "target_code")})
    columns = ("code", "name", "stem", "township", "county", "as_of")
    villages = pd.DataFrame({column: pd.Series(dtype=str) for column in columns})
    folder.mkdir(parents=True)
    save_gazetteer(folder, names, aliases, villages)


def switch(build_dir: Path, folder: Path) -> None:
    """Make a build the current one, in one step as the pipeline does."""
    build_dir.mkdir(parents=True, exist_ok=True)
    new = build_dir / "new-link"
    new.unlink(missing_ok=True)
    new.symlink_to(folder)
    new.replace(build_dir / store.CURRENT)
