"""Plans over HTTP: what is registered, and sentences from the user's own verified copy only."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from geoplan.documents.library import add_copy
from geoplan.layers import store
from geoplan.settings import Settings
from services.api.app import create_app
from tests.documents.test_library import PLANS, SHA, TEXT
from tests.services.api.conftest import AppTransport

PLAN = {"id": "jia", "title": "甲市农业规划", "issuer": "甲市", "area": "省/甲市", "lines": 4, "sha256": SHA}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A project with a build of no layer, whose plans are 甲 and one without a registered text."""
    root, version = tmp_path / "project", tmp_path / "project" / "build" / "v1"
    (root / "layers").mkdir(parents=True)
    (root / "layers" / "plans.toml").write_text(PLANS, "utf-8")
    version.mkdir(parents=True)
    store.write_json(
        version / store.MANIFEST, {"layers": [], "plans": [PLAN, {"id": "yi", "title": "乙", "area": "省"}]}
    )
    store.write_json(version / store.OUTLINES, {"jia": [[2, "第一章"]]})
    (root / "build" / store.CURRENT).symlink_to("v1")
    return Settings(root, root / "build", plans_dir=tmp_path / "plans")


@pytest.fixture
def client(settings: Settings) -> httpx.Client:
    return httpx.Client(transport=AppTransport(create_app(settings)), base_url="http://planning.test")


def keep(settings: Settings, tmp_path: Path, data: bytes = TEXT.encode()) -> Path:
    path = tmp_path / "甲.txt"
    path.write_bytes(data)
    return add_copy(settings, path).path


def problem(response: httpx.Response, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    return str(body["detail"])


def test_the_plans_say_whether_a_copy_is_here(client: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    before = client.get("/plans")
    assert before.headers["cache-control"] == "no-store"
    assert [(plan["id"], plan["copy"]) for plan in before.json()["plans"]] == [("jia", False), ("yi", False)]
    assert SHA not in before.text
    keep(settings, tmp_path)
    assert [plan["copy"] for plan in client.get("/plans").json()["plans"]] == [True, False]
    one = client.get("/plans/jia").json()
    assert (one["title"], one["lines"], one["copy"]) == ("甲市农业规划", 4, True)
    assert one["outline"] == [{"line": 2, "chapter": "第一章"}]


def test_a_line_has_its_span_and_what_is_around(client: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    keep(settings, tmp_path)
    response = client.get("/plans/jia/lines/3", params={"start": 8, "end": 13})
    assert response.headers["cache-control"] == "no-store"
    found = response.json()
    assert (found["before"], found["marked"], found["after"]) == ("到2025年建成", "农田30万", "亩。")
    assert found["chapter"] == "第一章"
    assert [heading["text"] for heading in found["headings"]] == ["第一章 总则"]
    assert [line["text"] for line in found["above"]] == ["甲市农业规划", "第一章 总则"]
    assert found["below"] == []
    assert client.get("/plans/jia/lines/3").json()["marked"] == ""


def test_without_a_copy_there_is_no_text(client: httpx.Client) -> None:
    assert "no copy of the plan 'jia'" in problem(client.get("/plans/jia/lines/3"), 404)
    assert "no copy of the plan 'yi'" in problem(client.get("/plans/yi/lines/3"), 404)


def test_a_copy_that_was_changed_is_not_served(client: httpx.Client, settings: Settings, tmp_path: Path) -> None:
    path = keep(settings, tmp_path)
    assert client.get("/plans/jia/lines/3").status_code == 200
    path.write_text("另一份文本\n第二行\n第三行\n", "utf-8")
    assert "no copy" in problem(client.get("/plans/jia/lines/3"), 404)
    assert not client.get("/plans/jia").json()["copy"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/plans/none", 404), ("/plans/none/lines/1", 404), ("/plans/..%2f..%2fsecret/lines/1", 404),
        ("/plans/%2e%2e/lines/1", 404), ("/plans/jia%00/lines/1", 404), (f"/plans/{'x' * 101}", 404),
        (f"/plans/{SHA}.txt", 404), ("/plans/jia/lines/0", 404), ("/plans/jia/lines/-1", 404),
        ("/plans/jia/lines/x", 404), ("/plans/jia/lines/99999999999999999999", 404), ("/plans/jia/lines/9", 404),
        ("/plans/jia/lines/3?start=0", 400), ("/plans/jia/lines/3?end=3", 400),
        ("/plans/jia/lines/3?start=3&end=3", 400), ("/plans/jia/lines/3?start=-1&end=3", 400),
        ("/plans/jia/lines/3?start=0&end=1e99", 400), ("/plans/jia/lines/3?start=0&end=99999999999", 400),
        ("/plans/jia/lines/3?start=0&end=999", 404), ("/plans/jia/lines/3?start=0&end=2&start=1", 400),
        ("/plans/jia/lines/3?file=/etc/passwd", 400), ("/plans?x=1", 400),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    client: httpx.Client, settings: Settings, tmp_path: Path, address: str, status: int
) -> None:
    keep(settings, tmp_path)
    detail = problem(client.get(address), status)
    assert str(tmp_path) not in detail
    assert "root:" not in detail


def test_a_page_is_bounded_however_long_the_lines_are(settings: Settings, tmp_path: Path) -> None:
    text = "\n".join(["农" * 300_000] * 30)
    manifest = settings.build_dir / store.CURRENT / store.MANIFEST
    digest = hashlib.sha256(text.encode()).hexdigest()
    for file in (manifest, settings.layers_dir / "plans.toml"):
        file.write_text(file.read_text("utf-8").replace(SHA, digest), "utf-8")
    assert json.loads(manifest.read_text("utf-8"))["plans"][0]["sha256"] == digest
    keep(settings, tmp_path, text.encode())
    client = httpx.Client(transport=AppTransport(create_app(settings)), base_url="http://planning.test")
    response = client.get("/plans/jia/lines/15", params={"start": 100_000, "end": 200_000})
    assert response.status_code == 200
    assert response.json()["cut_before"]
    assert len(response.content) < 200_000
