"""A service over a build of three small layers, made in code and written as the build writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import httpx
import pandas as pd
import pytest
from shapely import LineString, Point, box

from geoplan.crs import STORAGE
from geoplan.gazetteer import save_gazetteer
from geoplan.layers import store
from geoplan.layers.build import Layer
from geoplan.pack.build import PackOptions, pack_frame
from geoplan.pack.format import Approximate
from geoplan.pack.open import Pack
from geoplan.pack.verify import checked_pack
from geoplan.settings import Settings
from services.api import collection
from services.api.app import Service, create_app
from services.api.catalog import Builds
from services.api.state import PACKS
from tests.services.api.listening import listening

SCRIPT = "<script>alert(1)</script>"
COUNTIES = {"140321": box(112, 37, 113, 38), "140322": box(113, 37, 114, 38)}


def counties() -> gpd.GeoDataFrame:
    """Two counties with a common border."""
    return gpd.GeoDataFrame(
        {
            "fid": [1, 2],
            "name": ["平定县", "盂县"],
            "division_name": ["平定县", "盂县"],
            "division_code": list(COUNTIES),
            "precision": "county",
            "geometry_source": "official",
            "class": [0, 1],
        },
        geometry=list(COUNTIES.values()),
        crs=STORAGE,
    )


def facts() -> gpd.GeoDataFrame:
    """Facts: a point, a line, a schematic shape without code, and one that is not drawn."""
    return gpd.GeoDataFrame(
        {
            "fid": [11, 12, 13, 14],
            "name": [SCRIPT, "线", "园", None],
            "division_name": ["平定县", None, None, "盂县"],
            "division_code": ["140321", None, None, "140322"],
            "precision": ["site", "county", "region", "county"],
            "geometry_source": ["approximate", "approximate", "schematic", "none"],
            "class": [0, -1, -1, 0],
            "plan": "shanxi",
            "line": [3, 4, 5, 6],
            "value": [1.5, float("nan"), 2.0, float("nan")],
            "places": [["平定县"], [], ["a", "b"], []],
            "quantities": [[{"value": float("nan"), "unit": "mu"}], [], [], []],
        },
        geometry=[
            Point(112.5, 37.5),
            LineString([(112.1, 37.1), (112.9, 37.9)]),
            box(112.4, 37.4, 112.6, 37.6),
            None,
        ],
        crs=STORAGE,
    )


def many() -> gpd.GeoDataFrame:
    """A grid of 400 points, for pages and for bodies worth compressing."""
    points = [Point(112 + i % 20 / 20, 37 + i // 20 / 20) for i in range(400)]
    columns = {"fid": range(400), "name": [f"点{i}" for i in range(400)], "division_code": "140321"}
    return gpd.GeoDataFrame({**columns, "geometry_source": "surveyed", "class": 0}, geometry=points, crs=STORAGE)


LAYERS = {"counties": counties, "facts": facts, "many": many}


def _metadata(layer_id: str, frame: gpd.GeoDataFrame, version: str) -> dict[str, Any]:
    return {
        "id": layer_id,
        "title": {"zh": "层", "en": layer_id},
        "description": {"zh": SCRIPT, "en": SCRIPT},
        "bounds": [float(v) for v in frame.total_bounds],
        "count": len(frame),
        "sources": [{"kind": "plan", "id": "p", "title": SCRIPT, "detail": ""}],
        "fields": [{"name": name, "type": "string"} for name in frame.columns if name != "geometry"],
        "made_in": version,
    }


def _write_gazetteer(folder: Path) -> None:
    rows = [
        ("140000", "山西省", "province", "", "shanxisheng", "sxs"),
        ("140300", "阳泉市", "city", "140000", "yangquanshi", "yqs"),
        ("140321", "平定县", "county", "140300", "pingdingxian", "pdx"),
        ("140322", "盂县", "county", "140300", "yuxian", "yx"),
        ("140321001", "城关镇", "township", "140321", "chengguanzhen", "cgz"),
        ("140322001", "城关镇", "township", "140322", "chengguanzhen", "cgz"),
    ]
    names = pd.DataFrame(rows, columns=["code", "name", "level", "parent", "pinyin", "initials"])
    names = names.assign(code_system="MCA", as_of="2024", members="")
    aliases = pd.DataFrame({column: pd.Series(dtype=str) for column in ("alias", "alias_kind", "target_code")})
    columns = ("code", "name", "stem", "township", "county", "as_of")
    villages = pd.DataFrame({column: pd.Series(dtype=str) for column in columns})
    folder.mkdir(parents=True)
    save_gazetteer(folder, names, aliases, villages)


def pack_options(metadata: dict[str, Any]) -> PackOptions:
    """As the build packs a layer."""
    return PackOptions(
        id=metadata["id"],
        title=metadata["title"],
        description=metadata["description"]["zh"],
        id_column="fid",
        ordered=True,
        approximate=Approximate(column="geometry_source", values=("schematic",)),
        sources=metadata["sources"],
        metadata=metadata,
    )


def _write_build(folder: Path) -> None:
    """A build as `geoplan build` leaves it: two counties, and a township that is drawn schematically."""
    for layer_id, make in LAYERS.items():
        frame = make()
        metadata = _metadata(layer_id, frame, folder.name)
        store.write_layer(folder, layer_id, Layer(frame, metadata, {}))
        pack_frame(frame, folder / PACKS / layer_id, pack_options(metadata))
    drawn: dict[str, list[tuple[str, str, Any]]] = {name: [] for name in store.LEVELS}
    drawn["counties"] = [(code, "generalised", shape) for code, shape in COUNTIES.items()]
    drawn["townships"] = [("140321001", "schematic", box(112.4, 37.4, 112.6, 37.6))]
    for name, rows in drawn.items():
        codes, sources, shapes = zip(*rows, strict=True) if rows else ((), (), ())
        columns = {"code": list(codes), "geometry_source": list(sources)}
        store.write_boundaries(folder, name, gpd.GeoDataFrame(columns, geometry=list(shapes), crs=STORAGE))
    _write_gazetteer(folder / "gazetteer")
    store.write_json(folder / store.MANIFEST, {"layers": list(LAYERS), "plans": [{"id": "shanxi", "area": "山西省"}]})


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two builds, v1 and v2, of the same layers."""
    folder = tmp_path_factory.mktemp("versions")
    for version in ("v1", "v2"):
        _write_build(folder / version)
    return folder


@pytest.fixture
def switch(project: Path, versions: Path) -> Callable[[str], None]:
    """Makes a build the current one in one step; "" removes the link."""

    def switch_to(version: str) -> None:
        current = project / "build" / store.CURRENT
        if not version:
            current.unlink()
            return
        new = current.with_name("new")
        new.symlink_to(versions / version)
        new.replace(current)

    (project / "build").mkdir()
    switch_to("v1")
    return switch_to


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Version and layer of every pack that the service opens."""
    made: list[tuple[str, str]] = []

    def counted(path: Path) -> Pack:
        made.append((path.parents[1].name, path.name))
        return checked_pack(path)

    monkeypatch.setattr(collection, "checked_pack", counted)
    return made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a web page, its libraries, and files that must not be served."""
    files = {
        "services/viewer/index.html": "<!doctype html><title>geoplan</title>",
        "services/viewer/src/main.js": "export const a = 1;\n" * 200,
        "services/viewer/src/.env": "secret",
        "services/viewer/src/notes.md": "not for the web",
        "services/viewer/package.json": "{}",
        "services/viewer/node_modules/maplibre-gl/dist/maplibre-gl.js": "maplibre",
        "services/viewer/node_modules/@fontsource-variable/noto-sans-sc/index.css": "@font-face{}",
        "services/viewer/node_modules/@fontsource-variable/noto-sans-sc/files/a.woff2": "w" * 5000,
        "secret.json": "{}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "services/viewer/src/link.json").symlink_to(tmp_path / "secret.json")
    return tmp_path


class AppTransport(httpx.BaseTransport):
    """Asks an ASGI application from synchronous tests; its errors come as answers, as over a network."""

    def __init__(self, app: Any) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        async def ask() -> httpx.Response:
            response = await self._asgi.handle_async_request(
                httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
            )
            body = b"".join([part async for part in response.aiter_raw()])
            return httpx.Response(response.status_code, headers=response.headers.raw, stream=httpx.ByteStream(body))

        return asyncio.run(ask())


@pytest.fixture
def app(switch: Callable[[str], None], project: Path, clock: Clock) -> Service:  # noqa: ARG001 - makes v1
    """The service over build v1 of the project."""
    made = create_app(Settings(project, project / "build"))
    made.state.builds = Builds(project / "build", clock)
    return made


@pytest.fixture
def service(app: Service) -> Iterator[str]:
    """Address of the service as it listens on a port of this machine."""
    with listening(app) as address:
        yield address


@pytest.fixture
def client(app: Service) -> httpx.Client:
    """A client of the service that asks for uncompressed bodies."""
    headers = {"Accept-Encoding": "identity"}
    return httpx.Client(transport=AppTransport(app), base_url="http://planning.test", headers=headers)
