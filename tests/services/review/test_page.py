"""The review page in a real browser: mark, accept, correct, reject, undo; and what hostile words cannot do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser

from geoplan.documents.reading import read_document
from geoplan.documents.review import decisions_path, read_decisions
from geoplan.documents.review.context import plan_text
from geoplan.layers.store import Build
from services.review.app import create_review_app
from tests.browser import Watched, chromium
from tests.commands import ROOT
from tests.services.review.small_review import AREA, HOSTILE, LINES, TOKEN, draft_row, write_draft, write_plan

# A refused decision is an answer like others; browsers call it a failed resource.
REFUSED = "the server responded with a status of 422"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    return write_draft(tmp_path / "made.csv")


@pytest.fixture
def base(draft: Path, tmp_path: Path, build: Build) -> Iterator[str]:
    """Address of a running review."""
    text = plan_text(read_document(write_plan(tmp_path / "made.txt")))
    app = create_review_app(draft, text, build, TOKEN, viewer_dir=ROOT / "services" / "viewer", area=AREA)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    thread.join(30)
    listener.close()


@pytest.fixture
def page(browser: Browser, base: str) -> Iterator[Watched]:
    """The page at 1366 by 768, opened; it must ask for nothing elsewhere and complain of nothing but refusals."""
    watched = Watched(browser, viewport={"width": 1366, "height": 768})
    open_page(watched, base)
    yield watched
    assert watched.elsewhere(base) == []
    assert [text for text in watched.complaints if REFUSED not in text] == []
    assert watched.page.evaluate("() => window.hacked") is None
    watched.page.close()


def open_page(watched: Watched, base: str) -> None:
    watched.page.goto("about:blank")
    watched.page.goto(f"{base}#token={TOKEN}")
    watched.page.wait_for_selector("body[data-ready='true'][data-shown]", state="attached", timeout=60_000)


def choose(watched: Watched, draft_id: str) -> None:
    watched.page.click(f"[data-id='{draft_id}']")
    wait_for(watched, draft_id)


def wait_for(watched: Watched, draft_id: str) -> None:
    watched.page.wait_for_selector(f"body[data-shown='{draft_id}']", state="attached")


def text_of(watched: Watched, selector: str) -> str:
    return watched.page.locator(selector).inner_text()


def state_of(watched: Watched, draft_id: str) -> str:
    return (watched.page.locator(f"[data-id='{draft_id}'] .item-state").text_content() or "").strip("✓✎✕")


def test_the_sentence_is_marked_under_its_headings(page: Watched) -> None:
    choose(page, "made-4-01")
    passage = text_of(page, "#passage")
    assert LINES[3] in passage
    assert page.page.locator(".headings li").all_inner_texts() == ["第一章 布局", "第一节 奶业"]
    assert page.page.locator(".line mark.place").all_inner_texts() == ["平定县", "巨城镇", "盂县", "秀水镇"]
    assert page.page.locator(".line mark.figure").all_inner_texts() == ["2个"]
    assert page.page.locator(".mark-legend mark").all_inner_texts() == ["事实所在", "地点", "数字"]
    colours = page.page.locator(".mark-legend mark").evaluate_all(
        "all => all.map(m => getComputedStyle(m).backgroundColor)"
    )
    assert len(set(colours)) == 3


def test_characters_beyond_the_first_plane_do_not_shift_the_marks(page: Watched) -> None:
    choose(page, "made-5-01")
    fact = "".join(page.page.locator(".line.own mark.fact").all_inner_texts())
    assert fact == "盂县种植青贮玉米3万亩"


def test_places_are_drawn_and_the_schematic_ones_dashed(page: Watched) -> None:
    choose(page, "made-4-01")
    page.page.wait_for_selector("#place-list .tag.dashed")
    assert "示意" in text_of(page, "#place-list")
    drawn = """(layer) => new Promise((done) => {
      const map = window.geoplanMap;
      map.once("idle", () => done(map.queryRenderedFeatures({layers: [layer]}).length));
      map.triggerRepaint();
    })"""
    assert page.page.evaluate(drawn, "draft-line-schematic") >= 2
    choose(page, "made-5-01")
    page.page.wait_for_selector("#place-list >> text=盂县")
    assert page.page.evaluate(drawn, "draft-line") >= 1


def test_a_review_by_keys_is_there_after_a_reload(page: Watched, base: str, draft: Path) -> None:
    assert text_of(page, "#progress-left") == "未定 4"
    wait_for(page, "made-5-01")  # the least certain comes first
    page.page.keyboard.press("a")
    wait_for(page, "made-7-01")
    page.page.keyboard.press("r")
    wait_for(page, "made-4-01")
    page.page.keyboard.press("e")
    assert page.page.evaluate("() => document.activeElement.id") == "f-kind"
    page.page.fill("#f-0-value", "3")
    page.page.keyboard.press("Control+Enter")
    wait_for(page, "made-4-02")
    assert text_of(page, "#progress-done") == "已核对 3 / 4"
    assert "已修正" in text_of(page, "#announcer")
    page.page.keyboard.press("k")
    wait_for(page, "made-4-01")
    page.page.keyboard.press("j")
    wait_for(page, "made-4-02")
    open_page(page, base)
    assert text_of(page, "#progress-parts") == "采纳 1 · 修正 1 · 不采纳 1"
    page.page.select_option("#filters select[name=state]", "all")
    page.page.wait_for_selector("[data-id='made-7-01']")
    states = [state_of(page, draft_id) for draft_id in ("made-4-01", "made-4-02", "made-5-01", "made-7-01")]
    assert states == ["已修正", "未定", "已采纳", "不采纳"]
    choose(page, "made-4-01")
    assert "3 个" in text_of(page, "#fields")
    assert "草案：2 个" in text_of(page, "#fields")
    kept = read_decisions(decisions_path(draft)).decisions
    assert [one.action.value for one in kept] == ["accept", "reject", "correct"]
    assert kept[2].set["figures"][0]["value"] == "3"
    page.page.keyboard.press("u")
    page.page.wait_for_selector("#progress-left:has-text('未定 2')")
    assert "已撤销" in text_of(page, "#announcer")


def test_a_wrong_value_is_told_at_its_field(page: Watched, draft: Path) -> None:
    choose(page, "made-4-02")
    page.page.click("#do-edit")
    page.page.fill("#f-places", "平定县/无此镇")
    page.page.fill("#f-0-value", "二点四")
    page.page.select_option("#f-0-measure", "area")
    page.page.click("#fact-form button[type=submit]")
    page.page.wait_for_selector("#f-0-value[aria-invalid=true]")
    assert "查无此地" in text_of(page, "#f-places-fault")
    assert "数值只写数字" in text_of(page, "#f-0-value-fault")
    assert "单位" in text_of(page, "#f-0-unit-fault")
    assert page.page.locator(".fault:visible").count() == 3
    assert page.page.evaluate("() => document.activeElement.id") == "f-places"
    assert page.page.get_attribute("#f-0-value", "aria-describedby") == "f-0-value-fault"
    assert not decisions_path(draft).exists()
    page.page.keyboard.press("Escape")
    assert page.page.locator("#fact-form").count() == 0


def test_hostile_words_are_shown_as_text(page: Watched) -> None:
    choose(page, "made-7-01")
    page.page.wait_for_selector("#place-list >> text=onerror")
    for part in ("#passage", "#fields", "#place-list", "#items"):
        assert HOSTILE[:60] in (page.page.locator(part).text_content() or ""), part
    page.page.keyboard.press("e")
    assert page.page.input_value("#f-note") == HOSTILE
    assert page.page.locator("main img, main script, aside img, aside script, nav img").count() == 0


def test_every_control_has_a_name_and_the_page_fits(page: Watched) -> None:
    choose(page, "made-4-01")
    page.page.keyboard.press("e")
    nameless = page.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, [role=listbox], [role=progressbar]")]
          .filter((node) => !(node.getAttribute("aria-label") || node.getAttribute("aria-labelledby")
            || node.labels?.length || node.textContent.trim()))
          .map((node) => node.outerHTML)"""
    )
    assert nameless == []
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 1366
    box = page.page.locator("#do-accept").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 768
    page.page.click("#language")
    assert "Accept" in text_of(page, "#actions")


def test_without_the_token_nothing_is_shown(browser: Browser, base: str) -> None:
    watched = Watched(browser)
    watched.page.goto(base)
    watched.page.wait_for_selector("#review-notice:visible")
    assert "geoplan review" in text_of(watched, "#review-notice")
    assert LINES[3] not in (watched.page.locator("body").text_content() or "")
    watched.page.close()


def test_two_thousand_drafts_are_walked_through(browser: Browser, base: str, draft: Path) -> None:
    rows = [
        draft_row(4, "全市奶牛存栏", number, name=f"存栏{number}", places="阳泉市", confidence=f"{number / 4000:.4f}")
        for number in range(1, 2001)
    ]
    write_draft(draft, rows)
    watched = Watched(browser, viewport={"width": 1366, "height": 768})
    begun = time.monotonic()
    open_page(watched, base)
    assert time.monotonic() - begun < 20
    assert "共 2000 条" in text_of(watched, "#queue-count")
    assert watched.page.locator(".item").count() <= 400
    watched.page.evaluate("() => { const box = document.getElementById('items'); box.scrollTop = box.scrollHeight; }")
    watched.page.wait_for_selector("[data-id='made-4-201']", state="attached")
    watched.page.fill("#review-search", "存栏1999")
    watched.page.wait_for_selector("#queue-count:has-text('共 1 条')")
    wait_for(watched, "made-4-1999")
    assert watched.complaints == []
    watched.page.close()
