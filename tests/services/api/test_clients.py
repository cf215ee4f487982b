"""The service as its clients see it: OWSLib, GDAL, QGIS and MapLibre read every collection."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from services.api.app import Service
from tests.browser import Watched, chromium
from tests.commands import ROOT

COUNTS = {"counties": 2, "facts": 4, "many": 400}
GDAL_ITEMS = """
import json, sys
import pyogrio
url = sys.argv[1]
found = {}
for name, kind in pyogrio.list_layers("OAPIF:" + url):
    frame = pyogrio.read_dataframe("OAPIF:" + url, layer=name, use_arrow=False)
    box = pyogrio.read_dataframe("OAPIF:" + url, layer=name, bbox=(112.05, 37.05, 112.2, 37.2))
    found[name] = [len(frame), sorted(frame.columns), list(frame.total_bounds), len(box), str(frame.crs)]
print(json.dumps(found))
"""
GDAL_TILES = """
import json, sys
import pyogrio
path, x, y, z = sys.argv[1:]
found = {}
for name, kind in pyogrio.list_layers("MVT:" + path):
    frame = pyogrio.read_dataframe("MVT:" + path, layer=name, X=x, Y=y, Z=z, CLIP="NO")
    found[name] = [len(frame), bool(frame.geometry.is_valid.all()), list(frame.to_crs(4326).total_bounds)]
print(json.dumps(found))
"""
QGIS = """
import json, os, sys
from qgis.core import QgsApplication, QgsDataSourceUri, QgsVectorLayer, QgsVectorTileLayer
app = QgsApplication([], False)
app.initQgis()
found = {}
for name in sys.argv[2].split(","):
    uri = QgsDataSourceUri()
    uri.setParam("url", sys.argv[1])
    uri.setParam("typename", name)
    layer = QgsVectorLayer(uri.uri(False), name, "OAPIF")
    features = list(layer.getFeatures()) if layer.isValid() else []
    found[name] = [layer.isValid(), len(features), layer.crs().authid(), layer.error().message()]
tiles = QgsVectorTileLayer("type=xyz&zmin=0&zmax=14&url=" + sys.argv[1] + "/tiles/many/{z}/{x}/{y}.pbf", "tiles")
print(json.dumps({"items": found, "tiles": tiles.isValid()}), flush=True)
os._exit(0)  # QGIS 3.22 itself fails when it ends with layers open
"""


def run(python: str, script: str, *arguments: str) -> Any:
    """What a script prints as JSON, in a process of its own: clients hold the interpreter while they wait."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "QT_QPA_PLATFORM": "offscreen"}
    made = subprocess.run(
        [python, "-c", script, *arguments],
        capture_output=True, text=True, timeout=240, check=False, env={**environment, "NO_PROXY": "127.0.0.1"},
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    return json.loads(made.stdout.splitlines()[-1])


def test_owslib_reads_every_collection(service: str) -> None:
    features = pytest.importorskip("owslib.ogcapi.features", reason="OWSLib is not installed")
    server = features.Features(f"{service}/")
    assert sorted(server.feature_collections()) == sorted(COUNTS)
    assert any("ogcapi-features-1/1.0/conf/core" in name for name in server.conformance()["conformsTo"])
    assert server.api()["openapi"] == "3.0.3"
    for name, count in COUNTS.items():
        items = server.collection_items(name, limit=1000)
        assert (items["numberMatched"], len(items["features"])) == (count, count)
        first = items["features"][0]["id"]
        assert server.collection_item(name, str(first))["id"] == first
        assert "properties" in server.collection_queryables(name)
    assert server.collection_items("facts", filter="line=4")["numberMatched"] == 1
    assert server.collection_items("facts", bbox=[112.05, 37.05, 112.2, 37.2])["numberMatched"] == 2


def test_gdal_reads_every_collection(service: str) -> None:
    found = run(sys.executable, GDAL_ITEMS, service)
    assert {name: row[0] for name, row in found.items()} == COUNTS
    assert found["counties"][2] == [112, 37, 114, 38]
    assert {"name", "precision"} <= set(found["facts"][1])
    assert found["counties"][3] == 1
    assert found["many"][3] > 0


def test_gdal_reads_vector_tiles(client: httpx.Client, tmp_path: Path) -> None:
    tile = tmp_path / "tile.mvt"
    tile.write_bytes(client.get("/tiles/WebMercatorQuad/8/99/208").content)
    found = run(sys.executable, GDAL_TILES, str(tile), "208", "99", "8")
    assert set(found) == set(COUNTS)
    assert found["counties"][:2] == [2, True]
    west, _, east, _ = found["counties"][2]
    # Column 208 with its buffer of 64 of 4096 units.
    assert west == pytest.approx(112.5 - 360 / 256 / 64, abs=1e-3)
    assert east == pytest.approx(112.5 + 360 / 256 + 360 / 256 / 64, abs=1e-3)


def test_qgis_reads_every_collection(service: str) -> None:
    python = "/usr/bin/python3"
    probe = [python, "-c", "import qgis.core"]
    if not Path(python).exists() or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("QGIS is not installed (Debian's python3-qgis)")
    found = run(python, QGIS, service, ",".join(COUNTS))
    assert {name: row[1] for name, row in found["items"].items()} == COUNTS
    assert all(row[0] for row in found["items"].values()), found
    assert found["tiles"]


PAGE = """<!doctype html><meta charset="utf-8"><div id="map" style="width:600px;height:400px"></div>
<script src="/vendor/maplibre-gl/maplibre-gl.js"></script>"""
DRAW = """async ([name]) => {
  const style = { version: 8, sources: { a: { type: "vector", url: `/tiles/${name}.json` } }, layers: [
    { id: "fill", type: "fill", source: "a", "source-layer": name, paint: { "fill-color": "#d00" } },
    { id: "point", type: "circle", source: "a", "source-layer": name } ] };
  const map = new maplibregl.Map({ container: "map", style, center: [112.8, 37.3], zoom: 7 });
  await new Promise((done) => map.once("idle", done));
  const ids = new Set(map.querySourceFeatures("a", { sourceLayer: name }).map((feature) => feature.id));
  return [...ids].sort((a, b) => a - b);
}"""


def test_maplibre_draws_every_collection(
    app: Service, service: str, project: Path, switch: Callable[[str], None]
) -> None:
    assert switch
    library = ROOT / "services/viewer/node_modules/maplibre-gl/dist/maplibre-gl.js"
    if not library.is_file():
        pytest.skip("MapLibre is not installed; `make setup` fetches it")
    (project / "services/viewer/node_modules/maplibre-gl/dist/maplibre-gl.js").write_bytes(library.read_bytes())

    @app.get("/test-page")
    def get_page() -> Response:
        return Response(PAGE, media_type="text/html")

    with chromium() as browser:
        watched = Watched(browser)
        for name, count in COUNTS.items():
            watched.page.goto(f"{service}/test-page")
            ids = watched.page.evaluate(DRAW, [name])
            drawn = count - (name == "facts")
            assert len(ids) == drawn if name != "many" else len(ids) > 100
        assert [text for text in watched.complaints if "favicon" not in text and "404" not in text] == []
