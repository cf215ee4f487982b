"""The map as one HTML file, opened in a real browser without network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from geoplan.errors import BuildError, LayerError
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.maps import layered_map
from geoplan.settings import Settings
from tests.browser import Watched, chromium, file_url
from tests.commands import HOSTILE, ROOT, geoplan, hostile_project

XINFU = (38.42, 112.73)  # latitude, longitude: Leaflet's order
POINT = """([lat, lon]) => {
  const map = window[Object.keys(window).find((name) => name.startsWith("map_"))];
  map.setView([lat, lon], 9, {animate: false});
  const point = map.latLngToContainerPoint([lat, lon]), box = map.getContainer().getBoundingClientRect();
  return [point.x + box.x, point.y + box.y];
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_file(settings: Settings, build: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert build
    path = tmp_path_factory.mktemp("map") / "图.html"
    ended = geoplan(
        "map", "-o", str(path), "--layer", "counties", "--layer", "farmland",
        project=ROOT, build_dir=settings.build_dir,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{path}: counties, farmland (")
    return path


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Watched]:
    watched = Watched(browser, offline=True)
    watched.page.goto(file_url(page_file))
    watched.page.wait_for_selector(".leaflet-container canvas")
    yield watched
    assert watched.elsewhere(file_url(page_file)) == []
    assert watched.complaints == []
    watched.page.close()


def test_the_map_is_drawn_without_network(opened: Watched) -> None:
    picture = opened.picture()
    colours = picture.getcolors(1 << 20)
    assert len({colour for count, colour in colours if count > 300}) > 8
    labels = opened.page.locator(".leaflet-control-layers-overlays label").all_inner_texts()
    assert [label.strip() for label in labels] == ["县级行政区", "高标准农田与耕地指标"]


def test_a_click_shows_the_figure_with_its_line(opened: Watched) -> None:
    opened.page.mouse.click(*opened.page.evaluate(POINT, list(XINFU)))
    popup = opened.page.wait_for_selector(".leaflet-popup-content")
    assert popup is not None
    words = popup.inner_text().split()
    for word in ("忻府区", "30", "万亩", "377", "20,000", "公顷", "目标"):
        assert word in words
    assert "忻州市“十四五”农业农村现代化发展规划" in popup.inner_text()


def test_the_legend_names_classes_sources_and_the_review_of_maps(opened: Watched, build: Build) -> None:
    text = opened.page.locator("#legend").inner_text()
    swatches = opened.page.locator("#legend i").evaluate_all("all => all.map(i => getComputedStyle(i).backgroundColor)")
    entries = [e for layer in ("counties", "farmland") for e in store.layer_metadata(build, layer)["legend"]["entries"]]
    colours = [tuple(int(entry["color"][i : i + 2], 16) for i in (1, 3, 5)) for entry in entries]
    assert swatches == [f"rgb({r}, {g}, {b})" for r, g, b in colours]
    for entry in entries:
        assert f"{entry['label']['zh']}（{entry['count']}）" in text
    assert "天地图" in text
    assert "审图" in text


def test_markup_in_names_is_shown_as_text(
    browser: Browser, build: Build, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    project = hostile_project(folder / "project", build)
    made = store.open_build(project / "build")
    (folder / "map.html").write_text(
        layered_map(made, ["counties", "farmland"], project / "services" / "viewer"), "utf-8"
    )
    watched = Watched(browser, offline=True)
    watched.page.goto(file_url(folder / "map.html"))
    watched.page.wait_for_selector(".leaflet-container canvas")
    watched.page.mouse.click(*watched.page.evaluate(POINT, list(XINFU)))
    popup = watched.page.wait_for_selector(".leaflet-popup-content")
    assert popup is not None
    assert HOSTILE in popup.inner_text()
    assert HOSTILE in watched.page.locator("#legend").inner_text()
    assert HOSTILE in watched.page.locator(".leaflet-control-layers-overlays").inner_text()
    assert watched.page.evaluate("() => window.hacked") is None
    assert watched.page.locator("img[src=x]").count() == 0
    assert (watched.elsewhere(file_url(folder / "map.html")), watched.complaints) == ([], [])
    watched.page.close()


def test_an_unknown_layer_or_a_missing_library_is_said(build: Build, tmp_path: Path) -> None:
    with pytest.raises(LayerError, match="there is no layer 'farm'"):
        layered_map(build, ["farm"], ROOT / "services" / "viewer")
    with pytest.raises(BuildError, match=r"leaflet\.js of the npm package leaflet is not installed; run `make setup`"):
        layered_map(build, ["counties"], tmp_path)
