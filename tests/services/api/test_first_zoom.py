"""Where the tiles of a pack begin is what its documents say."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import httpx
from shapely import box

from geoplan.pack.build import PackOptions, build_pack
from geoplan.settings import Settings
from services.api.app import create_app
from tests.services.api.listening import listening


def test_tiles_begin_where_the_pack_does(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["a"]}, geometry=[box(112, 37, 113, 38)], crs=4490)
    build_pack(frame, tmp_path / "fields", PackOptions(id="fields", min_zoom=4))
    app = create_app(Settings(tmp_path, tmp_path / "build"), packs=[tmp_path / "fields"])
    with listening(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        assert client.get("/tiles/fields.json").json()["minzoom"] == 4
        tileset = client.get("/collections/fields/tiles/WebMercatorQuad?f=json").json()
        assert tileset["tileMatrixSetLimits"][0]["tileMatrix"] == "4"
        assert client.get("/tiles/fields/4/12/6.mvt").status_code == 200
        assert client.get("/tiles/fields/3/6/3.mvt").status_code == 204
