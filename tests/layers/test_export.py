"""A layer as a file: lists, lines and missing values survive, and what is not drawn is still there."""

from __future__ import annotations

import io
import json

import geopandas as gpd
import pandas as pd
import pytest

from geoplan.gazetteer import Gazetteer
from geoplan.layers.build import Layer
from geoplan.layers.export import ExportFormat, export_layer
from tests.layers.small_world import SHAPES, facts, gazetteer, layer, record


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Layer:
    names: Gazetteer = gazetteer(tmp_path_factory.mktemp("gazetteer"))
    stated = facts(names, record(3, "甲县", "area 30 万亩", note='"=1+1", 逗号'), record(5, "?丁镇"))
    return layer(names, stated)


def export(made: Layer, format_: ExportFormat) -> bytes:
    return export_layer(made.frame, made.metadata, format_)


def test_geojson(made: Layer) -> None:
    collection = json.loads(export(made, "geojson"))
    assert (collection["type"], collection["name"]) == ("FeatureCollection", "farmland")
    assert "crs" not in collection
    assert {source["id"] for source in collection["sources"]} == {"plan", "map"}
    undrawn, drawn = sorted(collection["features"], key=lambda feature: feature["geometry"] is not None)
    assert (drawn["properties"]["value"], drawn["properties"]["line"]) == (30, 3)
    assert gpd.GeoDataFrame.from_features([drawn], crs=4490).geometry[0].equals(SHAPES["140101"])
    assert (undrawn["geometry"], undrawn["properties"]["value"]) == (None, None)
    assert len(undrawn["properties"]["candidates"]) == 2


def test_geoparquet_is_in_the_storage_system(made: Layer) -> None:
    frame = gpd.read_parquet(io.BytesIO(export(made, "parquet")))
    assert frame.crs.to_epsg() == 4490
    assert frame["line"].tolist() == made.frame["line"].tolist()
    assert [json.loads(text) for text in frame["candidates"]] == made.frame["candidates"].tolist()


def test_csv_opens_in_a_spreadsheet(made: Layer) -> None:
    data = export(made, "csv")
    assert data.startswith(b"\xef\xbb\xbffid,")
    table = pd.read_csv(io.BytesIO(data))
    assert "geometry" not in table
    assert table.loc[table["line"].eq(3), "note"].item() == '"=1+1", 逗号'


@pytest.mark.parametrize("format_", ["geojson", "parquet", "csv"])
def test_the_same_layer_gives_the_same_bytes(made: Layer, format_: ExportFormat) -> None:
    assert export(made, format_) == export(made, format_)
