"""The pack of a layer: what its file says of low zooms is what its tiles carry, and what cannot be is said."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from rich.console import Console
from shapely import Point, box
from typer.testing import CliRunner

from geoplan.cli import pack as cli_pack
from geoplan.cli.pack import pack_app
from geoplan.errors import LayerError
from geoplan.layers.definition import Levels
from geoplan.pack.open import Pack, open_pack
from geoplan.pipeline.packs import write_layer_pack
from geoplan.tiles.grid import tile_of
from tests.tiles.parts import geojson_tile

SIDE = 20
METADATA: dict[str, Any] = {"id": "land", "title": {"zh": "田"}, "description": {"zh": ""}, "sources": []}


def land() -> gpd.GeoDataFrame:
    """Fields side by side in two towns and two classes of the legend, a figure missing in every fifth."""
    n = SIDE * SIDE
    number = np.arange(n)
    x, y = number % SIDE, number // SIDE
    return gpd.GeoDataFrame(
        {
            "fid": number + 1,
            "class": pd.array(x * 2 // SIDE, "Int64"),
            "fill": pd.array(x * 2 // SIDE, "Int64"),
            "town": np.where(y * 2 < SIDE, "甲镇", "乙镇"),
            "value": np.where(number % 5 == 0, np.nan, number / 4),
            "households": pd.array(number % 7, "Int64"),
            "owner": [f"户{k}" for k in number],
            "places": [["甲"]] * n,
        },
        geometry=shapely.box(112 + x / 200, 38 + y / 200, 112 + (x + 1) / 200, 38 + (y + 1) / 200),
        crs=4490,
    )


def packed(folder: Path, frame: gpd.GeoDataFrame | None = None, **levels: Any) -> Pack:
    write_layer_pack(land() if frame is None else frame, METADATA, folder / "land", Levels(**levels))
    return open_pack(folder / "land")


def drawn(pack: Pack, zoom: int) -> list[dict[str, Any]]:
    part = pack.part_at(zoom)
    assert part is not None
    tile = tile_of(112.05, 38.05, zoom)
    return [feature["properties"] for feature in geojson_tile(part, tile)]


def test_tiles_of_low_zooms_carry_what_the_layer_file_says(tmp_path: Path) -> None:
    statistics = {"value": "sum", "households": "max", "owner": "count"}
    pack = packed(tmp_path, min_zoom=3, max_zoom=8, dissolve=["town"], statistics=statistics)
    frame = land()
    features = drawn(pack, 8)
    assert {frozenset(f) for f in features} == {
        frozenset(("town", "class", "fill", "count", "value_sum", "households_max", "owner_count"))
    }
    # Neighbours of another class are drawn in another colour: they are kept apart although no one asked for it.
    expected = Counter(zip(frame["town"], frame["class"], strict=True))
    found: Counter[tuple[str, int]] = Counter()
    for feature in features:
        found[feature["town"], feature["class"]] += feature["count"]
    assert found == expected
    assert sum(f["value_sum"] for f in features) == pytest.approx(frame["value"].sum())
    assert sum(f["owner_count"] for f in features) == len(frame)
    assert max(f["households_max"] for f in features) == 6
    assert pack.part_at(2) is None
    assert {"value", "households", "owner", "town"} <= set().union(*drawn(pack, 9))


def test_what_a_level_does_not_say_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = packed(tmp_path, max_zoom=8, statistics={"value": "mean"})
    note = pack.manifest.report["levels"]["z0-8"]
    assert (note["by"], note["not_in_level"]) == (["class", "fill"], ["town", "owner"])
    # The console takes its width when it is made.
    monkeypatch.setattr(cli_pack, "console", Console(width=200))
    result = CliRunner().invoke(pack_app, ["info", str(pack.path)])
    row = [cell.strip() for cell in next(x for x in result.output.splitlines()[::-1] if "z0-8" in x).split("│")]
    assert row[1:-1] == ["z0-8", "class, fill", "count, value_mean", "share, households_mean, places", "town, owner"]


def test_levels_end_where_nothing_is_merged_any_more(tmp_path: Path) -> None:
    pack = packed(tmp_path, max_zoom=11)
    assert "count" in drawn(pack, 11)[0]
    assert "count" not in drawn(pack, 12)[0]
    assert len(packed(tmp_path / "light").parts) == 1


def test_a_layer_without_features_has_no_levels(tmp_path: Path) -> None:
    assert packed(tmp_path, land()[:0], max_zoom=8, statistics={"value": "sum"}).manifest.count == 0


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"dissolve": ["village"]}, "levels.dissolve: there is no column 'village'; there are class, fill, "),
        ({"dissolve": ["fid"]}, "levels.dissolve: there is no column 'fid'; there are "),
        ({"statistics": {"geometry": "count"}}, "levels.statistics: there is no column 'geometry'; there are "),
        ({"statistics": {"owner": "sum"}}, "levels: column 'owner' holds no numbers, it has no sum."),
        ({"statistics": {"places": "max"}}, "levels: column 'places' holds no numbers, it has no max."),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_is_named_with_the_file(tmp_path: Path, levels: dict[str, Any], message: str) -> None:
    with pytest.raises(LayerError) as caught:
        packed(tmp_path, **levels)
    assert str(caught.value).startswith(f"layers/land.toml: {message}")
    assert not (tmp_path / "land").exists()


def test_a_column_of_too_many_values_is_not_dissolved_by(tmp_path: Path) -> None:
    n = 70_000
    frame = gpd.GeoDataFrame(
        {"fid": range(n), "owner": [f"户{k}" for k in range(n)]},
        geometry=[box(112 + k / n, 38, 112 + (k + 1) / n, 38.01) for k in range(n)],
        crs=4490,
    )
    with pytest.raises(LayerError, match=r"layers/land\.toml: levels: column 'owner' has too many different values"):
        packed(tmp_path, frame, dissolve=["owner"])


def test_points_are_not_merged(tmp_path: Path) -> None:
    frame = land()
    frame.geometry = [Point(112 + k / 9000, 38) for k in range(len(frame))]
    pack = packed(tmp_path, frame, max_zoom=8)
    assert [entry.name for entry in pack.manifest.parts] == ["full"]
