"""Builds on disk: what is written is read back, and what is not there is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from geopandas.testing import assert_geodataframe_equal

from geoplan.errors import BuildError, LayerError
from geoplan.layers import store
from geoplan.layers.store import Build
from tests.layers.small_world import facts, gazetteer, layer, record


def test_a_layer_is_read_as_it_was_written(tmp_path: Path) -> None:
    names = gazetteer(tmp_path)
    made = layer(names, facts(names, record(3, "甲县;?丁镇", "area 30 万亩"), record(4, region="南部")))
    store.write_layer(tmp_path, "farmland", made)
    store.write_json(tmp_path / store.MANIFEST, {"layers": ["farmland"], "plans": []})
    build = Build(tmp_path, "v1")
    assert_geodataframe_equal(store.read_layer_frame(build, "farmland"), made.frame, check_dtype=False)
    assert store.layer_metadata(build, "farmland") == made.metadata
    assert store.layer_report(build, "farmland") == made.report


def test_the_same_layer_is_written_as_the_same_bytes(tmp_path: Path) -> None:
    names = gazetteer(tmp_path)
    stated = facts(names, record(3, "甲县", "area 30 万亩"))
    first = store.write_layer(tmp_path / "a", "farmland", layer(names, stated))
    again = store.write_layer(tmp_path / "b", "farmland", layer(names, stated))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_what_is_not_built_or_not_there_is_said(tmp_path: Path, build: Build) -> None:
    with pytest.raises(BuildError, match=r"nothing is built yet; run `geoplan build`\."):
        store.open_build(tmp_path)
    for read in (store.layer_metadata, store.layer_report, store.read_layer_frame):
        with pytest.raises(LayerError, match="there is no layer 'farm'; the layers are counties, townships"):
            read(build, "farm")
    with pytest.raises(LayerError):
        store.layer_metadata(build, "../manifest")


def test_a_link_to_a_build_that_is_gone_is_no_build(tmp_path: Path) -> None:
    (tmp_path / store.CURRENT).symlink_to("versions/gone")
    with pytest.raises(BuildError):
        store.open_build(tmp_path)


def test_bounds_of_divisions_are_in_degrees_and_in_order(build: Build) -> None:
    county = store.division_bounds(build, "140902")
    assert county is not None
    assert 112 < county.west < county.east < 113.3
    assert 38 < county.south < county.north < 38.8
    assert store.division_bounds(build, "999999") is None
