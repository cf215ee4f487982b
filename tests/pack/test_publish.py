"""Versions of a pack: switched in one step, the old one in use until then."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geoplan.errors import GeoplanError
from geoplan.pack import publish
from geoplan.pack.build import PackOptions
from geoplan.pack.open import open_pack
from geoplan.pack.publish import publish_pack

OPTIONS = PackOptions(id="points")


def points(n: int) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"v": range(n)}, geometry=[shapely.Point(k, 1) for k in range(n)], crs=4490)


def test_the_newest_is_in_use_and_a_few_are_kept(tmp_path: Path) -> None:
    folders = [publish_pack(points(n), tmp_path, OPTIONS) for n in (1, 2, 3, 4, 5)]
    pack = open_pack(tmp_path / "points")
    assert (pack.path, pack.manifest.count) == (folders[-1], 5)
    assert pack.path.name == pack.manifest.version
    kept = {path.name for path in (tmp_path / "points").iterdir() if not path.name.startswith(".")}
    assert kept == {"current", *(folder.name for folder in folders[-3:])}


def test_an_equal_pack_is_the_same_version(tmp_path: Path) -> None:
    first = publish_pack(points(2), tmp_path, OPTIONS)
    publish_pack(points(3), tmp_path, OPTIONS)
    assert publish_pack(points(2), tmp_path, OPTIONS) == first
    assert open_pack(tmp_path / "points").manifest.count == 2


def test_a_failed_build_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_pack(points(2), tmp_path, OPTIONS)
    with pytest.raises(GeoplanError):
        publish_pack(points(3).set_crs(None, allow_override=True), tmp_path, OPTIONS)
    assert open_pack(tmp_path / "points").manifest.count == 2

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(publish, "_put_in_use", killed)
    with pytest.raises(KeyboardInterrupt):
        publish_pack(points(3), tmp_path, OPTIONS)
    assert open_pack(tmp_path / "points").manifest.count == 2
    monkeypatch.undo()
    publish_pack(points(4), tmp_path, OPTIONS)
    assert open_pack(tmp_path / "points").manifest.count == 4


def test_an_open_pack_outlives_its_version(tmp_path: Path) -> None:
    publish_pack(points(2), tmp_path, OPTIONS)
    pack = open_pack(tmp_path / "points")
    for n in (3, 4, 5, 6):
        publish_pack(points(n), tmp_path, OPTIONS)
    assert not pack.path.exists()
    assert sorted(pack.source.ids) == [1, 2]
    assert pack.source.column("v").values.to_pylist() == [0, 1]
