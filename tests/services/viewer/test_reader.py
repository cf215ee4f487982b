"""The reading pane in a real browser: the marked sentence where there is a copy, plan, chapter and line where not."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from geoplan.layers import store
from geoplan.layers.store import Build
from tests.browser import Watched, chromium
from tests.commands import HOSTILE, cited_text, copy_project, geoplan, register_text
from tests.services.viewer.test_page import XINFU, XINZHOU_PLAN, click_at, open_at, serve

SHANXI_PLAN = "山西省“十四五”农业现代化三大省级战略、十大产业集群培育及巩固拓展脱贫成果规划"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def base(build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A service with a copy of one plan, in words of our own, and of no other."""
    folder = tmp_path_factory.mktemp("reader")
    project = copy_project(folder / "project", build)
    path = register_text(project, "xinzhou", cited_text())
    outlines = project / "build" / store.CURRENT / store.OUTLINES
    store.write_json(outlines, {"xinzhou": [[10, "第三章"], [20, "第三章 第二节"]], "shanxi": [[100, "第六章"]]})
    added: subprocess.CompletedProcess[str] = geoplan("plans", "add", str(path), project=project)
    assert (added.returncode, added.stderr) == (0, "")
    with serve(project, project / "build", folder / "log") as address:
        yield address


@pytest.fixture
def page(browser: Browser, base: str) -> Iterator[Watched]:
    watched = Watched(browser)
    yield watched
    assert watched.elsewhere(base) == []
    assert watched.complaints == []
    watched.page.close()


def reader(watched: Watched) -> str:
    watched.page.wait_for_selector("#reader .reader-line.cited, #reader .reader-none, #reader .failed")
    return watched.page.locator("#reader").inner_text()


def test_a_citation_of_a_card_opens_its_sentence(page: Watched, base: str) -> None:
    open_at(page, base)
    click_at(page, XINFU)
    link = page.page.locator("#panel .fact:has-text('高标准农田任务（忻府区）') button.cite").first
    assert link.inner_text() == "第 377 行"
    link.click()
    text = reader(page)
    assert page.page.locator("#reader mark").all_inner_texts() == ["30"]
    assert page.page.locator("#reader .cited").inner_text().split() == [
        "377",
        "一30万亩的任务由各县承担，其余另行安排。",
    ]
    for words in (
        f"「{XINZHOU_PLAN}」第三章 第二节，第 377 行，第 2–3 字",
        "第三章 农业设施",
        "第二节 农田建设",
        "本行为说明文字之378。",
    ):
        assert words in text
    box = page.page.locator("#reader mark").bounding_box()
    pane = page.page.locator("#reader .reader-body").bounding_box()
    assert box is not None
    assert pane is not None
    assert pane["y"] <= box["y"] <= pane["y"] + pane["height"] - box["height"]
    assert page.page.evaluate("location.hash").endswith("&plan=xinzhou&line=377&span=1-3")
    page.page.keyboard.press("Escape")
    assert page.page.locator("#reader").is_hidden()
    assert page.page.locator("#panel").is_visible()
    assert page.page.evaluate("document.activeElement.className").endswith("cite")
    assert "plan=" not in page.page.evaluate("location.hash")


def test_a_plans_text_is_text(page: Watched, base: str) -> None:
    open_at(page, f"{base}#plan=xinzhou&line=376&span=6-{6 + len(HOSTILE)}")
    reader(page)
    assert page.page.locator("#reader mark").inner_text() == HOSTILE
    assert page.page.locator("#reader img, #reader script").count() == 0
    assert page.page.evaluate("() => window.hacked") is None


def test_an_address_opens_the_citation_and_gives_itself_back(page: Watched, base: str) -> None:
    open_at(page, f"{base}#plan=xinzhou&line=377&span=1-3")
    reader(page)
    assert page.page.locator("#reader mark").inner_text() == "30"
    page.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('denied')); }")
    page.page.click("#reader button:has-text('复制链接')")
    assert page.page.locator(".reader-address").input_value() == f"{base}#plan=xinzhou&line=377&span=1-3"
    page.page.evaluate("() => { location.hash = '#plan=xinzhou&line=20'; }")
    page.page.wait_for_selector("#reader .cited:has-text('第二节 农田建设')")
    assert page.page.locator("#reader mark").count() == 0
    page.page.click("#language")
    assert "line 20" in reader(page)
    page.page.click("#language")


def test_without_a_copy_plan_chapter_and_line_are_shown(page: Watched, base: str) -> None:
    open_at(page, f"{base}#plan=shanxi&line=120&span=3-9")
    text = reader(page)
    assert f"「{SHANXI_PLAN}」第六章，第 120 行，第 4–9 字" in text
    assert "geoplan plans add" in text
    assert page.page.locator("#reader .reader-line, #reader mark").count() == 0
    assert not [url for url in page.requests if "/lines/" in url]


@pytest.mark.parametrize(
    ("address", "said"), [("plan=none&line=3", "没有编号为“none”的规划"), ("plan=xinzhou&line=9999", "没有第 9999 行")]
)
def test_what_is_not_there_is_said(page: Watched, base: str, address: str, said: str) -> None:
    open_at(page, f"{base}#{address}")
    assert said in reader(page)


def test_on_a_narrow_screen_the_pane_covers_the_sheet(browser: Browser, base: str) -> None:
    watched = Watched(browser, viewport={"width": 390, "height": 800})
    open_at(watched, f"{base}#plan=xinzhou&line=377&span=1-3")
    reader(watched)
    box = watched.page.locator("#reader").bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, 390)
    assert box["y"] + box["height"] == pytest.approx(800, abs=1)
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watched.complaints == []
    watched.page.close()


def test_a_service_that_fails_is_said_and_asked_again(browser: Browser, base: str) -> None:
    watched = Watched(browser)
    watched.page.route("**/plans/**", lambda route: route.abort())
    open_at(watched, f"{base}#plan=xinzhou&line=377&span=1-3")
    assert "原文没有读到" in reader(watched)
    watched.page.unroute("**/plans/**")
    watched.page.click("#reader button:has-text('重试')")
    watched.page.wait_for_selector("#reader mark")
    watched.page.close()
