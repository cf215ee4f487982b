"""What the processes write, read back with other programs and compared with the pack's source."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import mapbox_vector_tile
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from pmtiles.reader import MemorySource, Reader

from geoplan.crs import STORAGE, area_m2
from geoplan.errors import QueryError
from geoplan.pack.open import open_pack
from geoplan.pack.shapes import to_shapely
from geoplan.processes import work
from geoplan.processes.model import Context, Output
from tests.processes.conftest import COUNT, make_frame, make_squares

FARM = "use = 'farm' AND year > 2020"


def written(outputs: dict[str, Output], context: Context) -> Any:
    (output,) = outputs.values()
    assert output.file is not None
    assert [path.name for path in context.folder.iterdir()] == [output.file]
    return context.folder / output.file


def chosen(filter_: str | None) -> gpd.GeoDataFrame:
    frame = make_frame()
    return frame if filter_ is None else frame[(frame["use"] == "farm") & (frame["year"] > 2020)]


def same_values(read: pd.DataFrame, expected: gpd.GeoDataFrame) -> None:
    assert read["feature_id"].tolist() == expected["fid"].tolist()
    assert read["use"].tolist() == expected["use"].tolist()
    assert read["year"].tolist() == expected["year"].tolist()
    for column in ("name", "floors", "remark", "checked"):
        assert plain(read[column]) == plain(expected[column])
    np.testing.assert_array_equal(read["area"].astype(float), expected["area"])
    assert [json.loads(text) for text in read["notes"]] == expected["notes"].tolist()


def plain(values: Iterable[Any]) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]


def same_shapes(read: gpd.GeoSeries, expected: gpd.GeoSeries) -> None:
    assert len(read) == len(expected)
    for one, other in zip(read, expected, strict=True):
        if other is None:
            assert one is None or one.is_empty
        else:
            assert shapely.equals_exact(one.normalize(), other.normalize(), 1e-7), (one, other)


@pytest.mark.parametrize("filter_", [None, FARM])
@pytest.mark.parametrize("batch", [7, 20_000])
class TestExport:
    @pytest.fixture(autouse=True)
    def _batches(self, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
        monkeypatch.setattr(work, "_BATCH", batch)

    @pytest.mark.parametrize("kind", ["gpkg", "parquet"])
    def test_files_with_shapes(self, context: Context, kind: str, filter_: str | None) -> None:
        path = written(work.export("parcels", kind, filter_, context), context)
        if kind == "parquet":
            read = gpd.read_parquet(path, to_pandas_kwargs={"types_mapper": pd.ArrowDtype})
        else:
            read = pyogrio.read_dataframe(path, use_arrow=True, arrow_to_pandas_kwargs={"types_mapper": pd.ArrowDtype})
        expected = chosen(filter_)
        assert read.crs == STORAGE
        same_values(read, expected)
        same_shapes(read.geometry, expected.geometry)

    def test_geojson(self, context: Context, filter_: str | None) -> None:
        path = written(work.export("parcels", "geojson", filter_, context), context)
        features = json.loads(path.read_text("utf-8"))["features"]
        expected = chosen(filter_)
        assert [feature["id"] for feature in features] == expected["fid"].tolist()
        for feature, row in zip(features, expected.itertuples(), strict=True):
            values = feature["properties"]
            assert (values["use"], values["notes"]) == (row.use, row.notes)
            missing = [None if pd.isna(value) else value for value in (row.name, row.area, row.floors, row.checked)]
            assert [values[name] for name in ("name", "area", "floors", "checked")] == missing
        read = pyogrio.read_dataframe(path)
        same_shapes(read.geometry, expected.geometry)

    def test_csv(self, context: Context, filter_: str | None) -> None:
        path = written(work.export("parcels", "csv", filter_, context), context)
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        assert "geometry" not in rows[0]
        expected = chosen(filter_)
        read = pd.DataFrame(rows[1:], columns=rows[0], dtype=object).replace("", None)
        for column in ("feature_id", "year", "floors", "checked"):
            values = [None if text is None else json.loads(text.lower()) for text in read[column]]
            read[column] = pd.Series(values, dtype=object)
        same_values(read, expected)


@pytest.mark.parametrize("kind", ["geojson", "csv", "parquet", "gpkg"])
@pytest.mark.parametrize(("collection", "filter_"), [("nothing", None), ("parcels", "year = 1")])
def test_exports_of_nothing(context: Context, kind: str, collection: str, filter_: str | None) -> None:
    path = written(work.export(collection, kind, filter_, context), context)
    if kind == "csv":
        assert len(path.read_bytes().splitlines()) == 1
        return
    read = gpd.read_parquet(path) if kind == "parquet" else pyogrio.read_dataframe(path)
    assert len(read) == 0


def test_geoparquet_has_bounds_that_hold_for_the_whole_file(context: Context) -> None:
    path = written(work.export("parcels", "parquet", FARM, context), context)
    west, south, east, north = json.loads(pq.read_metadata(path).metadata[b"geo"])["columns"]["geometry"]["bbox"]
    x1, y1, x2, y2 = gpd.read_parquet(path).total_bounds
    assert (west <= x1, south <= y1, east >= x2, north >= y2) == (True,) * 4


def test_progress_is_told(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "_BATCH", 25)
    steps: list[tuple[str, int, int]] = []
    work.export("parcels", "csv", None, Context(context.folder, context.packs, lambda *step: steps.append(step)))
    assert steps == [("features", 0, COUNT), ("features", 25, COUNT), ("features", 50, COUNT)]


def test_what_cannot_be_exported(context: Context) -> None:
    with pytest.raises(QueryError, match="no collection 'secret'"):
        work.export("secret", "csv", None, context)
    with pytest.raises(QueryError):
        work.export("parcels", "csv", "colour = 1", context)
    assert list(context.folder.iterdir()) == []


def test_seed(context: Context) -> None:
    path = written(work.seed("parcels", (6, 9), context), context)
    reader = Reader(MemorySource(path.read_bytes()))
    names = set()
    for x in range(1 << 6):
        for y in range(1 << 6):
            tile = reader.get(6, x, y)
            if tile:
                names |= {one["id"] for one in mapbox_vector_tile.decode(gzip.decompress(tile))["parcels"]["features"]}
    frame = make_frame()
    drawn = frame[[shape is not None and shape.geom_type == "Point" for shape in frame.geometry]]
    assert set(drawn["fid"]) <= names <= set(frame["fid"])


def test_overlap(context: Context) -> None:
    outputs = work.overlap(("west", "zones"), ("use", "use"), context)
    text = (context.folder / str(outputs["matrix"].file)).read_bytes().decode("utf-8-sig")
    read = pd.read_csv(io.StringIO(text), index_col="use")
    first, second = make_squares(0.2, ["farm", "wood", "farm"]), make_squares(0.3, ["core", "edge"])
    for use in ("farm", "wood"):
        for zone in ("core", "edge"):
            pieces = [
                a.intersection(b)
                for a in first.geometry[first["use"] == use]
                for b in second.geometry[second["use"] == zone]
            ]
            expected = float(area_m2(gpd.GeoSeries(pieces, crs=STORAGE)).sum())
            assert read.loc[use, zone] == pytest.approx(expected, rel=1e-6, abs=1)
    sums = read["core"] + read["edge"] + read["uncovered_m2"] - read["counted_twice_m2"]
    assert sums.tolist() == pytest.approx(read["total_m2"].tolist())
    summary = outputs["summary"].value
    assert (summary["first"]["features"], summary["second"]["sources"]) == (3, ({"title": "来源"},))
    json.dumps(summary)


def test_the_pack_is_the_frame(packs: dict[str, Any]) -> None:
    """The comparisons above rest on this: shapes of the pack are those of its source."""
    part = open_pack(packs["parcels"]).source
    drawn = [shape for shape in to_shapely(part.geometry) if shape is not None and not shape.is_empty]
    assert len(drawn) == sum(shape is not None for shape in make_frame().geometry)
