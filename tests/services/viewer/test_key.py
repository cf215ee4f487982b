"""The page before a service that asks for a key: the form, what is sent where, and what is kept."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Request

from geoplan.access.grant import Scope
from geoplan.access.keys import new_key
from geoplan.layers.store import Build
from geoplan.settings import Settings
from tests import commands
from tests.browser import Watched, chromium
from tests.commands import ROOT
from tests.key_files import write_keys
from tests.services.viewer.test_page import XINFU, click_at, open_at, serve

READY = "body[data-ready='true']"
HIDDEN_PART = "() => { const form = document.getElementById('key'); return form.scrollHeight - form.clientHeight; }"
STORED = "() => JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, location.href])"


@contextmanager
def guarded(settings: Settings, folder: Path, **rules: Any) -> Iterator[tuple[str, str]]:
    """The service with a key file; its address and a key for reading. Nothing may be logged."""
    key, token = new_key("reader", Scope.READ, created=datetime.now(UTC))
    keys = write_keys(folder / "keys.json", key, **rules)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = {"GEOPLAN_AUTH": keys, "GEOPLAN_AUDIT": folder / "audit.jsonl", "GEOPLAN_RATES": folder / "rates.bin"}
    with pytest.MonkeyPatch.context() as patch, (folder / "log").open("w") as errors:
        plain = commands.environment
        added = {name: str(value) for name, value in told.items()}
        patch.setattr(commands, "environment", lambda *args: plain(*args) | added)
        process = commands.start(
            "serve", "--port", str(port), project=ROOT, build_dir=settings.build_dir, errors=errors
        )
    base = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                assert httpx.get(f"{base}healthz").status_code == 200
                break
            except httpx.TransportError:
                assert process.poll() is None, (folder / "log").read_text("utf-8")
                time.sleep(0.1)
        yield base, token
    finally:
        process.terminate()
        process.wait()
    assert (folder / "log").read_text("utf-8") == ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def closed(settings: Settings, build: Build, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A service that shows nothing without a key."""
    assert build
    with guarded(settings, tmp_path_factory.mktemp("closed")) as made:
        yield made


class Page(Watched):
    """A page that also remembers what its requests carried. A browser complains of each 401 by itself."""

    def __init__(self, browser: Browser, base: str) -> None:
        super().__init__(browser)
        self.base = base
        self.carried: list[tuple[str, str | None]] = []
        self.page.on("request", self._note)

    def _note(self, request: Request) -> None:
        self.carried.append((request.url.removeprefix(self.base), request.headers.get("x-api-key")))

    def end(self) -> None:
        assert self.elsewhere(self.base) == []
        assert [text for text in self.complaints if "401" not in text] == []
        assert not [url for url in self.requests if "gp_" in url]
        self.page.close()

    def form(self) -> str:
        """The words of the form, once it is there."""
        self.page.wait_for_selector("#key[open] #key-input")
        # All of it is seen: nothing of it is cut off by its own frame.
        assert self.page.evaluate(HIDDEN_PART) <= 0
        return self.page.locator("#key").inner_text()

    def give(self, key: str) -> None:
        self.form()
        self.page.keyboard.type(key)
        self.page.click("#key button[type=submit]")


@pytest.fixture
def page(browser: Browser, closed: tuple[str, str]) -> Iterator[Page]:
    made = Page(browser, closed[0])
    yield made
    made.end()


def test_a_key_is_asked_for_taken_and_forgotten(page: Page, closed: tuple[str, str]) -> None:
    base, token = closed
    page.page.goto(base)
    assert "需要访问密钥" in page.form()
    assert page.page.evaluate("document.activeElement.id") == "key-input"
    assert page.page.get_by_label("密钥（以 gp_ 开头）").get_attribute("type") == "password"
    page.give("密 钥")
    assert "不像密钥" in page.form()
    assert page.page.get_attribute("#key-input", "aria-invalid") == "true"
    page.page.fill("#key-input", "")
    before = len(page.carried)
    page.give(token)
    page.page.wait_for_selector(READY, state="attached", timeout=60_000)
    assert page.page.locator("#key[open]").count() == 0
    data = [(path, key) for path, key in page.carried[before:] if path.startswith(("layers", "tiles", "plans"))]
    assert {key for _, key in data} == {token}
    assert [path for path, _ in data if path.startswith("tiles/") and ".mvt" in path]
    assert {key for path, key in page.carried if path.startswith(("vendor/", "viewer/"))} == {None}
    session, *others = json.loads(page.page.evaluate(STORED))
    assert session == {"geoplan-key": token}
    assert token not in str(others)
    assert click_at(page, XINFU)
    page.page.reload()
    page.page.wait_for_selector(READY, state="attached", timeout=60_000)
    page.page.click("#key-button")
    assert "正在使用" in page.form()
    assert token not in page.page.content()
    page.page.click("#key-forget")
    assert "需要访问密钥" in page.form()
    assert page.page.evaluate("() => sessionStorage.length") == 0


def test_a_wrong_key_is_told_and_not_sent_again(page: Page, closed: tuple[str, str]) -> None:
    base, token = closed
    page.page.goto(base)
    wrong = token[:-1] + ("A" if token[-1] != "A" else "B")
    page.give(wrong)
    page.page.wait_for_selector("#key-said[role=alert]:has-text('不接受')")
    assert page.page.evaluate("() => sessionStorage.length") == 0
    page.give(token)
    page.page.wait_for_selector(READY, state="attached", timeout=60_000)


def test_escape_leaves_a_page_that_says_what_is_missing(page: Page, closed: tuple[str, str]) -> None:
    page.page.goto(f"{closed[0]}#lang=en")
    assert "needs an access key" in page.form()
    page.page.keyboard.type("gp_half")
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector("#key[open]", state="detached")
    page.page.wait_for_selector("#key input", state="detached")  # and what was typed
    catalogue = page.page.locator("#catalogue-body")
    assert "Nothing can be read without a key" in catalogue.inner_text()
    opener = catalogue.get_by_role("button", name="Give a key")
    opener.focus()
    page.page.keyboard.press("Enter")
    page.form()
    # The focus stays in the form, and goes back where it was.
    for _ in range(6):
        page.page.keyboard.press("Tab")
        assert page.page.evaluate(
            "() => document.activeElement === document.body || !!document.activeElement.closest('#key')"
        )
    page.page.keyboard.press("Escape")
    page.page.wait_for_selector("#key[open]", state="detached")
    assert opener.evaluate("node => node === document.activeElement")


def test_a_key_that_is_revoked_while_the_map_is_open(page: Page, closed: tuple[str, str]) -> None:
    base, token = closed
    page.page.goto(base)
    page.give(token)
    page.page.wait_for_selector(READY, state="attached", timeout=60_000)
    page.page.route("**/tiles/**", lambda route: route.fulfill(status=401, json={"detail": "revoked"}))
    page.page.evaluate("() => window.geoplanMap.jumpTo({center: [112.7, 38.4], zoom: 11})")
    page.page.wait_for_selector("#key-said[role=alert]:has-text('不接受')")
    page.page.unroute("**/tiles/**")
    page.give(token)
    page.page.wait_for_selector(READY, state="attached", timeout=60_000)
    assert page.page.locator("#key[open]").count() == 0


def test_with_public_layers_a_key_shows_more(
    browser: Browser, settings: Settings, build: Build, tmp_path: Path
) -> None:
    assert build
    with guarded(settings, tmp_path, visibility={"*": "internal", "counties": "public"}) as (base, token):
        page = Page(browser, base)
        open_at(page, base)
        shown = page.page.locator("#catalogue [data-layer]")
        assert shown.count() == 1
        page.page.click("#key-button")
        assert "只能看到公开的图层" in page.form()
        page.give(token)
        page.page.wait_for_selector("#catalogue [data-layer=farmland]", timeout=60_000)
        assert shown.count() > 3
        page.end()


def test_without_access_control_there_is_no_button(
    browser: Browser, settings: Settings, build: Build, tmp_path: Path
) -> None:
    assert build
    with serve(ROOT, settings.build_dir, tmp_path / "log") as base:
        page = Page(browser, base)
        open_at(page, base)
        assert page.page.locator("#key-button, #key[open]").count() == 0
        page.end()
