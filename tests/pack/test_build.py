"""Streaming builds: every source, the same arrays as in memory, and what is refused."""

from __future__ import annotations

import filecmp
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import CRS

from geoplan.errors import CRSError, PackError, VectorError
from geoplan.pack.assemble import memory_part
from geoplan.pack.build import build_pack, pack_frame
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.open import open_pack
from geoplan.pack.part import Column, Part
from geoplan.pack.read import Source
from geoplan.pack.shapes import to_shapely
from geoplan.pack.verify import verify_pack
from tests.pack.parcels import OPTIONS, parcels, small, written

__all__ = ["small"]


def features(part: Part) -> dict[int, tuple[Any, ...]]:
    """Every feature by its id: its shape and its values."""
    shapes = to_shapely(part.geometry)
    columns = []
    for column in part.columns:
        listed = [*column.values.to_pylist(), None]  # noqa: PD011 - not a frame's
        columns.append(listed[:-1] if column.codes is None else [listed[code] for code in column.codes])
    rows = zip(part.ids.tolist(), shapes, *columns, strict=True)
    return {number: (None if shape is None else shape.wkt, *values) for number, shape, *values in rows}


def in_order(column: Column) -> list[Any]:
    """The values of a column, by its index."""
    if column.codes is None:
        return column.values.take(pa.array(column.order)).to_pylist()  # noqa: PD011 - not of pandas
    listed = [*column.values.to_pylist(), None]  # noqa: PD011 - not of pandas
    return [listed[code] for code in column.codes[column.order]]


@pytest.mark.usefixtures("small")
def test_a_stream_makes_what_memory_makes(tmp_path: Path) -> None:
    frame = parcels()
    source = written(tmp_path / "p.parquet", frame, row_group_size=100)
    manifest = build_pack(source, tmp_path / "pack", replace(OPTIONS, ordered=True))
    pack = verify_pack(tmp_path / "pack")
    part = pack.source
    attributes = pa.Table.from_pandas(pd.DataFrame(frame.drop(columns=["geometry", "fid"])), preserve_index=False)
    wanted = memory_part(attributes, frame.geometry.to_numpy(), frame["fid"].to_numpy(), ordered=True)
    assert manifest.id_column == "fid"
    assert [column.codes is None for column in part.columns] == [True, False, False, True, True]
    assert features(part) == features(wanted)
    for name in ("ids", "ids_order", "rank"):
        assert np.array_equal(getattr(part, name), getattr(wanted, name))
    for name in ("kinds", "members", "rings", "vertices", "mercator", "degrees"):
        assert np.array_equal(getattr(part.geometry, name), getattr(wanted.geometry, name)), name
        assert np.array_equal(getattr(part.validity.repaired, name), getattr(wanted.validity.repaired, name)), name
    assert np.array_equal(part.tree.nodes, wanted.tree.nodes)
    assert np.array_equal(part.validity.zooms, wanted.validity.zooms)
    assert np.array_equal(part.validity.keys, wanted.validity.keys)
    for found, expected in zip(part.columns, wanted.columns, strict=True):
        # A stream does not give codes to columns of many values: what is equal stands by row there, by id here.
        if (found.codes is None) == (expected.codes is None):
            assert np.array_equal(found.order, expected.order), found.name
        assert in_order(found) == in_order(expected)
    assert set(part.pairs) == {(1, 2)}
    assert not list(tmp_path.glob(".pack*"))


@pytest.mark.parametrize("suffix", [".parquet", ".gpkg", ".fgb", ".geojson", ".shp"])
def test_every_format_gives_every_feature(tmp_path: Path, suffix: str) -> None:
    frame = parcels(120).drop(columns=["day"]).rename(columns={"fid": "code"})
    frame = frame[frame.geometry.notna()].reset_index(drop=True)
    if suffix == ".geojson":
        frame = frame.to_crs(4326)
    source = written(tmp_path / f"p{suffix}", frame, **({"SPATIAL_INDEX": "NO"} if suffix == ".fgb" else {}))
    manifest = build_pack(source, tmp_path / "pack", OPTIONS)
    found = features(verify_pack(tmp_path / "pack").source)
    assert manifest.count == len(frame)
    places = {name: k for k, name in enumerate(column.name for column in manifest.columns)}
    for number, row in enumerate(frame.itertuples(index=False), 1):
        wkt, *values = found[number]
        assert shapely.from_wkt(wkt).equals_exact(shapely.orient_polygons(row.geometry), 1e-6, normalize=True)
        assert values[places["number"]] == row.number
        assert values[places["use"]] == row.use
        assert values[places["year"]] == row.year
        price = values[places["price"]]
        assert (price is None and np.isnan(row.price)) or price == pytest.approx(row.price)


def test_projected_positions_become_degrees(tmp_path: Path) -> None:
    frame = parcels(30).drop(columns="fid").dropna(subset="geometry")
    source = written(tmp_path / "p.fgb", frame.to_crs(4547), SPATIAL_INDEX="NO")
    build_pack(source, tmp_path / "pack", OPTIONS)
    found = features(verify_pack(tmp_path / "pack").source)
    for number, shape in enumerate(frame.geometry, 1):
        back = shapely.from_wkt(found[number][0])
        assert back.equals_exact(shapely.orient_polygons(shape), 1.1e-7, normalize=True)


@pytest.mark.parametrize(
    ("epsg", "what"),
    [(None, "no CRS"), (4610, "Xian 1980"), (5773, "neither a geographic nor a projected"), (4978, "neither")],
)
def test_a_crs_that_leads_nowhere_is_refused(tmp_path: Path, epsg: int | None, what: str) -> None:
    frame = parcels(3).set_crs(epsg, allow_override=True) if epsg else parcels(3).set_crs(None, allow_override=True)
    with pytest.raises(CRSError, match=what):
        pack_frame(frame, tmp_path / "pack", OPTIONS)
    assert not (tmp_path / "pack").exists()


def test_the_order_of_axes_is_longitude_latitude(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(112.5, 37.8)], crs=4490)
    manifest = pack_frame(frame.to_crs(3857), tmp_path / "pack", OPTIONS)
    assert manifest.bounds == pytest.approx((112.5, 37.8, 112.5, 37.8))


def test_heights_are_dropped_and_multi_shapes_stay(tmp_path: Path) -> None:
    shapes = [shapely.Point(1, 2, 3), shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]), shapely.Point()]
    pack_frame(gpd.GeoDataFrame(geometry=shapes, crs=4490), tmp_path / "pack", OPTIONS)
    part = verify_pack(tmp_path / "pack").source
    by_id = dict(zip(part.ids.tolist(), part.geometry.kinds.tolist(), strict=True))
    assert by_id == {1: 1, 2: 7, 3: 0}


def test_invalid_polygons_are_repaired_and_listed(tmp_path: Path) -> None:
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    flat = shapely.Polygon([(5, 5), (6, 6), (7, 7)])
    wide = shapely.box(-170, -80, 170, 80)
    inside_out = shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(20, 20), (21, 20), (21, 21)]])
    frame = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), bow, flat, wide, inside_out, None], crs=4490)
    manifest = pack_frame(frame, tmp_path / "pack", OPTIONS)
    assert manifest.report == {
        "counts": {"collapsed": 1, "missing": 1, "repaired": 2},
        "rows": {"collapsed": [3], "missing": [6], "repaired": [2, 5]},
    }
    part = verify_pack(tmp_path / "pack").source
    shapes = dict(zip(part.ids.tolist(), to_shapely(part.geometry), strict=True))
    assert all(shape is None or shape.is_valid for shape in shapes.values())
    assert shapes[2].area == pytest.approx(2)
    assert shapes[3] is None
    assert shapes[4].equals(wide)


def test_a_collection_is_refused_with_its_place(tmp_path: Path) -> None:
    shapes = [shapely.Point(1, 1), shapely.GeometryCollection([shapely.Point(1, 1), shapely.box(0, 0, 1, 1)])]
    with pytest.raises(PackError, match="feature 2 is a geometry collection"):
        pack_frame(gpd.GeoDataFrame(geometry=shapes, crs=4490), tmp_path / "pack", OPTIONS)


def test_positions_outside_the_world_are_refused(tmp_path: Path) -> None:
    shapes = [None, shapely.Point(1, 1), shapely.Point(500_000, 4_000_000)]
    with pytest.raises(PackError, match="feature 3 lies outside the world"):
        pack_frame(gpd.GeoDataFrame(geometry=shapes, crs=4490), tmp_path / "pack", OPTIONS)


@pytest.mark.parametrize("ids", [[4, 4, 5], [4, -1, 5], [4, None, 5]])
def test_ids_that_are_none_become_numbers(tmp_path: Path, ids: list[int | None]) -> None:
    frame = gpd.GeoDataFrame(
        {"fid": pd.array(ids, "Int64")}, geometry=[shapely.Point(k, k) for k in range(3)], crs=4490
    )
    manifest = pack_frame(frame, tmp_path / "pack", OPTIONS)
    assert manifest.id_column is None
    assert manifest.report["counts"] == {"ids-not-unique": 1}
    found = features(verify_pack(tmp_path / "pack").source)
    assert {number: values[1] for number, values in found.items()} == dict(zip([1, 2, 3], ids, strict=True))
    with pytest.raises(PackError, match="'fid'"):
        pack_frame(frame, tmp_path / "other", replace(OPTIONS, id_column="fid"))
    assert not (tmp_path / "other").exists()


def test_a_geopackage_keeps_its_keys(tmp_path: Path) -> None:
    frame = parcels(20).drop(columns="fid")
    frame.index = pd.RangeIndex(100, 120, name="fid")
    written(tmp_path / "p.gpkg", frame, index=True)
    manifest = build_pack(tmp_path / "p.gpkg", tmp_path / "pack", OPTIONS)
    assert manifest.id_column is not None
    assert sorted(open_pack(tmp_path / "pack").source.ids) == list(range(100, 120))


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    source = written(tmp_path / "p.parquet", parcels())
    manifests = [build_pack(source, tmp_path / name, OPTIONS) for name in ("a", "b")]
    assert manifests[0] == manifests[1]
    compared = filecmp.dircmp(tmp_path / "a", tmp_path / "b")
    assert not compared.diff_files
    names = list(manifests[0].files)
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", names, shallow=False) == (names, [], [])


def test_an_empty_source_is_a_pack(tmp_path: Path) -> None:
    manifest = build_pack(written(tmp_path / "p.parquet", parcels(5).iloc[:0]), tmp_path / "pack", OPTIONS)
    assert (manifest.count, manifest.bounds, manifest.geometry) == (0, None, "None")
    assert len(verify_pack(tmp_path / "pack").source) == 0


def test_lists_and_objects_become_json(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"a": [["x", 1], None], "b": [{"k": None}, {"k": [2]}]}, geometry=[shapely.Point(1, 1), None], crs=4490
    )
    manifest = pack_frame(frame, tmp_path / "pack", OPTIONS)
    assert [(column.name, column.type) for column in manifest.columns] == [("a", "json"), ("b", "json")]
    found = features(open_pack(tmp_path / "pack").source)
    assert found[1][1:] == ('["x",1]', '{"k":null}')
    assert found[2][1:] == (None, '{"k":[2]}')


def test_only_the_asked_columns_are_kept(tmp_path: Path) -> None:
    options = replace(OPTIONS, columns=[ColumnSpec("year"), ColumnSpec("use", in_tiles=False)], datetime=None)
    manifest = pack_frame(parcels(10), tmp_path / "pack", options)
    assert [(column.name, column.in_tiles) for column in manifest.columns] == [("year", True), ("use", False)]
    with pytest.raises(PackError, match="'x'"):
        pack_frame(parcels(10), tmp_path / "x", replace(OPTIONS, columns=[ColumnSpec("x")]))
    with pytest.raises(PackError, match="'use' holds neither dates nor times"):
        pack_frame(parcels(10), tmp_path / "x", replace(OPTIONS, datetime="use"))


def test_a_stream_of_batches(tmp_path: Path) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        for start in (0, 3):
            points = shapely.to_wkb(shapely.points(np.arange(start, start + 3), 1.0))
            yield pa.record_batch({"v": pa.array(range(start, start + 3)), "geom": pa.array(list(points))})

    schema = pa.schema({"v": pa.int64(), "geom": pa.binary()})
    source = Source("a stream", CRS.from_epsg(4490), schema, "geom", batches())
    assert build_pack(source, tmp_path / "pack", OPTIONS).count == 6
    assert {k: v[1] for k, v in features(verify_pack(tmp_path / "pack").source).items()} == dict(enumerate(range(6), 1))


def test_files_that_are_no_source_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "plain.parquet")
    (tmp_path / "text.parquet").write_text("no")
    (tmp_path / "text.gpkg").write_text("no")
    for name in ("plain.parquet", "text.parquet", "text.gpkg", "missing.parquet", "missing.gpkg", "x.txt"):
        with pytest.raises(VectorError, match=name):
            build_pack(tmp_path / name, tmp_path / "pack", OPTIONS)
    linked = tmp_path / "linked.geojson"
    linked.write_text(
        '{"type":"FeatureCollection","crs":{"type":"link","properties":{"href":"http://x"}},"features":[]}'
    )
    with pytest.raises(VectorError, match="points elsewhere"):
        build_pack(linked, tmp_path / "pack", OPTIONS)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "mine").write_text("x")
    with pytest.raises(PackError, match="exists already"):
        pack_frame(parcels(3), tmp_path / "pack", OPTIONS)
    assert (tmp_path / "pack" / "mine").read_text() == "x"
