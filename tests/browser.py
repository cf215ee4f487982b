"""A real Chromium without a screen, and a page that remembers what it asked for and complained of."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def chromium() -> Iterator[Browser]:
    """The installed Chromium. Where there is none the test is left out; in CI it fails."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next((found for found in map(shutil.which, names) if found), None)
    if path is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("Chromium is not installed; `make system-packages` installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page with everything it asked for and everything it complained of."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        shown = {"viewport": {"width": 1400, "height": 900}, "reduced_motion": "reduce", "locale": "zh-CN"}
        self.page: Page = browser.new_page(**(shown | options))
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.complaints.append(dialog.message), dialog.dismiss()))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        # SwiftShader, which draws without a graphics card, says that it is slow.
        if message.type in {"error", "warning"} and "GPU stall" not in message.text:
            self.complaints.append(message.text)

    def elsewhere(self, base: str) -> list[str]:
        """Addresses outside `base` that were asked for."""
        return [url for url in self.requests if not url.startswith((base, "data:", "blob:"))]

    def picture(self) -> Image.Image:
        """The page as it looks."""
        return Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")


def file_url(path: Path) -> str:
    """Address of a local file."""
    return path.resolve().as_uri()
