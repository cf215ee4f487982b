"""The web page in a real browser: what it draws, what it says on a click, and what it never does."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from playwright.sync_api import Browser

from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.settings import Settings
from tests.browser import Watched, chromium
from tests.commands import HOSTILE, ROOT, hostile_project, start

XINFU = (112.73, 38.42)
XINZHOU_PLAN = "忻州市“十四五”农业农村现代化发展规划"
PIXEL = """([lon, lat]) => {
  const point = window.geoplanMap.project([lon, lat]);
  const box = document.getElementById("map").getBoundingClientRect();
  return [point.x + box.x, point.y + box.y];
}"""
IS_MAP = "([x, y]) => document.elementFromPoint(x, y)?.tagName === 'CANVAS'"
# Names and the grid of degrees lie over the colours.
HIDE_NAMES = """() => {
  const map = window.geoplanMap;
  for (const {id, type} of map.getStyle().layers)
    if (type === "symbol" || id.startsWith("graticule")) map.setLayoutProperty(id, "visibility", "none");
  return new Promise((done) => { map.once("idle", () => done(true)); map.triggerRepaint(); });
}"""
SWATCHES = "all => all.map(swatch => getComputedStyle(swatch).backgroundColor)"


@contextmanager
def serve(project: Path, build_dir: Path, log: Path) -> Iterator[str]:
    """The real service on a free port; its address. It must log no error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with log.open("w") as errors:
        process = start("serve", "--port", str(port), project=project, build_dir=build_dir, errors=errors)
    base = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                assert httpx.get(f"{base}layers").status_code == 200
                break
            except httpx.TransportError:
                assert process.poll() is None, log.read_text("utf-8")
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait()
    assert log.read_text("utf-8") == ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def base(settings: Settings, build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    assert build
    with serve(ROOT, settings.build_dir, tmp_path_factory.mktemp("service") / "log") as address:
        yield address


@pytest.fixture
def page(browser: Browser, base: str) -> Iterator[Watched]:
    """A page that must ask for nothing elsewhere and complain of nothing."""
    watched = Watched(browser)
    yield watched
    assert watched.requests
    assert watched.elsewhere(base) == []
    assert watched.complaints == []
    watched.page.close()


def open_at(watched: Watched, address: str) -> None:
    watched.page.goto("about:blank")
    watched.page.goto(address)
    watched.page.wait_for_selector("body[data-ready='true']", state="attached", timeout=60_000)


def click_at(watched: Watched, place: tuple[float, float]) -> str:
    """Click on the map; the words of the panel, folded parts too, once the facts are read."""
    watched.page.mouse.click(*watched.page.evaluate(PIXEL, list(place)))
    watched.page.wait_for_selector("#panel .count, #panel .units")
    watched.page.evaluate("() => document.querySelectorAll('#panel details').forEach((part) => { part.open = true; })")
    watched.page.wait_for_selector("#panel >> text=正在读取", state="detached")
    return watched.page.locator("#panel").inner_text()


def cards(watched: Watched, words: str) -> list[str]:
    """The facts in the panel that hold these words."""
    watched.page.wait_for_selector("#panel .fact")
    return [text for text in watched.page.locator("#panel .fact").all_inner_texts() if words in text]


def rgb(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize(("layer", "view"), [("counties", "6.4/37.6/111.4"), ("farmland", "7.4/38.9/111.7")])
def test_the_map_has_the_very_colours_of_its_legend(
    page: Watched, base: str, build: Build, layer: str, view: str
) -> None:
    open_at(page, f"{base}?opacity=1#view={view}&on={layer}:100")
    page.page.evaluate(HIDE_NAMES)
    swatches = page.page.locator(f"[data-layer={layer}] .swatch-color").evaluate_all(SWATCHES)
    assert len(set(swatches)) == len(swatches) == len(store.layer_metadata(build, layer)["legend"]["entries"])
    picture = page.picture()
    frame = store.read_layer_frame(build, layer)
    seen: dict[int, int] = {}
    for row in frame[frame["class"].ge(0) & frame["precision"].eq("county")].to_dict("records"):
        inside = shapely.maximum_inscribed_circle(row["geometry"], 0.01).coords[0]
        x, y = page.page.evaluate(PIXEL, list(inside))
        if page.page.evaluate(IS_MAP, [x, y]):
            assert picture.getpixel((x, y)) == rgb(swatches[row["class"]]), row["name"]
            seen[row["class"]] = seen.get(row["class"], 0) + 1
    assert set(seen) == set(range(len(swatches)))
    assert sum(seen.values()) >= 14


def test_a_click_tells_the_quota_with_its_plan_and_line(page: Watched, base: str) -> None:
    open_at(page, base)
    text = click_at(page, XINFU)
    (card,) = cards(page, "高标准农田任务（忻府区）")
    for words in ("30 万亩", "20,000 公顷", f"「{XINZHOU_PLAN}」", "第 377 行", "目标", "2021-2025", "准到县"):
        assert words in card
    assert "173.6 万亩" in text
    assert "第 330 行" in text
    assert "140902" in text


def test_a_bound_is_shown_as_a_bound(page: Watched, base: str) -> None:
    open_at(page, base)
    click_at(page, XINFU)
    (card,) = cards(page, "2400 万亩")
    assert "不低于" in card
    assert "第 360 行" in card


def test_townships_are_dashed_and_called_schematic(page: Watched, base: str) -> None:
    open_at(page, f"{base}#view=9/38.42/112.73&on=townships:100")
    drawn = page.page.evaluate(
        """() => ["outline-schematic", "outline"].map((name) => {
          const id = `layer:townships/${name}`, map = window.geoplanMap;
          return [map.queryRenderedFeatures({layers: [id]}).length, map.getPaintProperty(id, "line-dasharray") ?? null];
        })"""
    )
    (dashed, pattern), (solid, _) = drawn
    assert dashed > 5
    assert len(pattern) >= 2
    assert solid == 0
    assert "（示意）" in page.page.locator("[data-layer=townships]").inner_text()
    assert "虚线：示意，不是实际界线" in page.page.locator("#catalogue").inner_text()
    assert "示意" in click_at(page, XINFU)


def test_a_search_goes_to_the_place(page: Watched, base: str, build: Build) -> None:
    open_at(page, base)
    page.page.fill("#search-input", "平定东回")
    option = page.page.wait_for_selector("#search-list [role=option]")
    assert option is not None
    assert "东回镇" in option.inner_text()
    before = page.page.evaluate("() => window.geoplanMap.getZoom()")
    page.page.press("#search-input", "Enter")
    page.page.wait_for_selector("#announcer:has-text('东回镇')", state="attached")
    lon, lat, zoom = page.page.evaluate(
        "() => [...window.geoplanMap.getCenter().toArray(), window.geoplanMap.getZoom()]"
    )
    bounds = store.division_bounds(build, "140321104")
    assert bounds is not None
    assert zoom > before + 2
    assert shapely.box(*bounds).buffer(0.2).contains(shapely.Point(lon, lat))


def test_the_address_brings_back_the_same_picture(page: Watched, base: str) -> None:
    open_at(page, f"{base}#view=9.000/38.42000/112.73000&on=counties:50,farmland:80&lang=en")
    state = """() => ({
      view: [window.geoplanMap.getZoom(), window.geoplanMap.getCenter().lat, window.geoplanMap.getCenter().lng],
      on: [...document.querySelectorAll("#catalogue input:checked")].map((box) => box.id),
      opacity: [...document.querySelectorAll("#catalogue output")].map((node) => node.textContent),
      words: document.querySelector(".brand-name").textContent, hash: location.hash,
    })"""
    found = page.page.evaluate(state)
    assert found["view"] == pytest.approx([9, 38.42, 112.73], abs=1e-4)
    assert (sorted(found["on"]), sorted(found["opacity"])) == (["on-counties", "on-farmland"], ["50%", "80%"])
    assert found["words"] == "Plans on one map"
    page.page.click("label[for=on-parks]")
    page.page.evaluate("() => window.geoplanMap.jumpTo({center: [112, 37], zoom: 8})")
    changed = page.page.evaluate(state)
    assert "parks:85" in changed["hash"]
    open_at(page, base + changed["hash"])
    assert page.page.evaluate(state) == changed


def test_names_that_are_not_drawn_are_listed_with_their_candidates(page: Watched, base: str, build: Build) -> None:
    frames = {layer: store.read_layer_frame(build, layer) for layer in ("stops", "projects")}
    ambiguous = {name: f[f.geometry.isna() & f["candidates"].map(bool)] for name, f in frames.items()}
    layer = next(name for name, rows in ambiguous.items() if len(rows))
    unplaced = store.layer_metadata(build, layer)["unplaced"]
    open_at(page, f"{base}#on={layer}:100")
    page.page.click(f"[data-layer={layer}] button.unplaced:has-text('{unplaced} 条')")
    page.page.wait_for_selector("#panel .fact")
    while (shown := page.page.locator("#panel .fact").count()) < unplaced:
        page.page.click("#panel button.more")
        page.page.wait_for_selector(f"#panel .fact >> nth={shown}")
    text = page.page.locator("#panel").inner_text()
    assert "仅知其名，未落图" in text
    assert "可能是" in text
    for candidate in {c for candidates in ambiguous[layer]["candidates"] for c in candidates}:
        assert candidate in text
    assert shown == unplaced


def test_the_foot_gives_sources_and_the_review_number(page: Watched, base: str) -> None:
    open_at(page, base)
    foot = page.page.locator("#map-foot")
    assert "未经地图审核、取得审图号，不得公开发布" in foot.inner_text()
    foot.locator("summary").click()
    assert "天地图" in foot.inner_text()
    assert XINZHOU_PLAN in foot.inner_text()


def test_markup_in_names_is_shown_as_text(
    browser: Browser, build: Build, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = hostile_project(tmp_path_factory.mktemp("hostile") / "project", build)
    with serve(project, project / "build", project / "log") as address:
        watched = Watched(browser)
        open_at(watched, f"{address}#view=9/38.42/112.73&on=counties:100,farmland:100")
        click_at(watched, XINFU)
        watched.page.wait_for_selector("#panel .fact")
        watched.page.click("[data-layer=farmland] summary")
        watched.page.fill("#search-input", "140902")
        option = watched.page.wait_for_selector("#search-list [role=option]")
        assert option is not None
        assert HOSTILE in option.inner_text()
        for part in ("#panel", "#catalogue", "#map-foot"):
            assert HOSTILE in (watched.page.locator(part).text_content() or ""), part
        assert watched.page.evaluate("() => window.hacked") is None
        assert watched.page.locator("img, body script").count() == 0
        assert (watched.elsewhere(address), watched.complaints) == ([], [])
        watched.page.close()


def test_the_modules_of_the_page() -> None:
    node = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if node is None:
        pytest.skip("node is not installed")
    viewer = ROOT / "services" / "viewer"
    files = sorted(str(path) for path in (viewer / "test").glob("*.test.js"))
    assert files
    ended: Any = subprocess.run(
        [node, "--test", *files], cwd=viewer, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout
    assert "# fail 0" in ended.stdout or "ℹ fail 0" in ended.stdout
