"""The time of tiles (OGC API Tiles, class datetime): as for features, by either parameter."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import geopandas as gpd
import httpx
import mapbox_vector_tile
import pandas as pd
import pytest
from shapely import Point, box

from geoplan.crs import STORAGE
from geoplan.pack.build import PackOptions, build_pack, pack_frame
from geoplan.pack.levels import LevelRule, build_levels
from services.api.app import Service
from services.api.catalog import Builds

TILES = ("WebMercatorQuad/8/99/208", "CGCS2000Quad/8/37/208")
DAYS = {1: "2020-01-01", 2: "2021-06-30", 3: None, 4: "2023-12-31"}


@pytest.fixture(scope="module")
def dated(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Packs of points with a day, of points with an instant, and of points without a time."""
    folder = tmp_path_factory.mktemp("dated")
    days = pd.to_datetime(pd.Series(DAYS)).dt.date
    instants = pd.to_datetime(pd.Series({id_: day and f"{day}T12:00:00Z" for id_, day in DAYS.items()}), utc=True)
    shapes = [Point(112.6 + id_ / 100, 37.5) for id_ in DAYS]
    for name, column in (("days", days), ("instants", instants), ("timeless", None)):
        frame = gpd.GeoDataFrame({"fid": list(DAYS), "line": [1, 1, 2, 2]}, geometry=shapes, crs=STORAGE)
        if column is not None:
            frame["time"] = column.to_numpy() if name == "days" else column.array
        options = PackOptions(id=name, id_column="fid", datetime=None if column is None else "time")
        pack_frame(frame, folder / name, options)
    return [folder / name for name in ("days", "instants", "timeless")]


@pytest.fixture
def timed(app: Service, client: httpx.Client, project: Path, dated: list[Path]) -> httpx.Client:
    app.state.builds = Builds(project / "nothing", extra=dated)
    return client


def ids(response: httpx.Response) -> dict[str, list[int]]:
    assert response.status_code == 200, response.text
    decoded = mapbox_vector_tile.decode(response.content)
    return {name: sorted(one["id"] for one in layer["features"]) for name, layer in decoded.items()}


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("datetime=2020-01-01", [1, 3]),
        ("datetime=2020-01-01T12:00:00Z", [1, 3]),
        ("datetime=2021-01-01/..", [2, 3, 4]),
        ("datetime=../2021-12-31", [1, 2, 3]),
        ("datetime=/2019-12-31", [3]),
        ("datetime=2021-01-01/P1Y", [2, 3]),
        ("datetime=../..", [1, 2, 3, 4]),
        ('subset=datetime("2020-01-01")', [1, 3]),
        ('subset=datetime("2021-01-01":"2022-01-01")', [2, 3]),
        ('subset=datetime(*:"2021-12-31")', [1, 2, 3]),
        ('subset=datetime("2021-01-01":*)', [2, 3, 4]),
        ("datetime=2021-01-01/..&filter=line=2", [3, 4]),
    ],
)
def test_a_tile_shows_what_was_then(timed: httpx.Client, tile: str, query: str, expected: list[int]) -> None:
    for name in ("days", "instants"):
        assert ids(timed.get(f"/collections/{name}/tiles/{tile}?{query}")) == {name: expected}
        if query.startswith("datetime"):
            features = timed.get(f"/collections/{name}/items?{query}").json()["features"]
            assert [one["id"] for one in features] == expected
    plain = timed.get(f"/collections/days/tiles/{tile}?f=geojson&{query}").json()["features"]
    assert sorted(one["id"] for one in plain) == expected


@pytest.mark.parametrize("tile", TILES)
def test_what_has_no_time_is_always_shown(timed: httpx.Client, tile: str) -> None:
    assert ids(timed.get(f"/tiles/{tile}?datetime=1900-01-01")) == {
        "days": [3],
        "instants": [3],
        "timeless": [1, 2, 3, 4],
    }
    assert ids(timed.get(f"/collections/timeless/tiles/{tile}?datetime=1900-01-01&filter=line=1")) == {
        "timeless": [1, 2]
    }


@pytest.mark.parametrize(
    "query",
    [
        "datetime=yesterday", "datetime=2021-01-01/2020-01-01", "datetime=2020/2021/2022", "datetime=",
        "subset=datetime", "subset=datetime()", "subset=datetime(*)", "subset=datetime(2020-01-01)",
        'subset=Lat("1":"2")',
        'subset=datetime("2020-01-01":"2019-01-01")', 'subset=datetime("' + "1" * 200 + '")',
        'datetime=2020-01-01&subset=datetime("2020-01-01")',
    ],
)  # fmt: skip
def test_refusals(timed: httpx.Client, query: str) -> None:
    for name in ("days", "timeless"):
        response = timed.get(f"/collections/{name}/tiles/{TILES[0]}?{query}")
        assert response.status_code == 400
        assert response.headers["content-type"] == "application/problem+json"


def test_tags_differ_between_times(timed: httpx.Client) -> None:
    queries = ("", "datetime=2020-01-01", "datetime=2021-01-01")
    assert len({timed.get(f"/collections/days/tiles/{TILES[0]}?{query}").headers["etag"] for query in queries}) == 3


def test_a_level_without_the_time_says_so(app: Service, client: httpx.Client, tmp_path: Path, project: Path) -> None:
    """Shapes that are merged below some zoom have no time: what they showed of one would be wrong."""
    corners = [(112 + i % 20 / 20, 37 + i // 20 / 20) for i in range(400)]
    days = pd.to_datetime([f"{2000 + i // 20}-01-01" for i in range(400)])
    shapes = [box(x, y, x + 0.05, y + 0.05) for x, y in corners]
    frame = gpd.GeoDataFrame({"fid": range(400), "time": days, "class": 1}, geometry=shapes, crs=STORAGE)
    rule = LevelRule(max_zoom=8, dissolve=("class",))
    options = PackOptions(id="merged", id_column="fid", datetime="time")
    build_pack(frame, tmp_path / "merged", options, levels=partial(build_levels, rule=rule))
    app.state.builds = Builds(project / "nothing", extra=[tmp_path / "merged"])
    for tile, deeper in zip(TILES, ("WebMercatorQuad/9/198/416", "CGCS2000Quad/9/74/416"), strict=True):
        url = "/collections/merged/tiles/"
        assert client.get(f"{url}{tile}").status_code == 200
        refused = client.get(f"{url}{tile}?datetime=2005-01-01")
        assert refused.status_code == 400
        assert "ask from zoom 9 on" in refused.json()["detail"]
        (shown,) = ids(client.get(f"{url}{deeper}?datetime=2005-01-01")).values()
        assert {id_ // 20 for id_ in shown} == {5}
