"""Files of the web page: the right ones, and no other."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from starlette.exceptions import HTTPException

from services.api.static import file_response


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/?layer=parks", "text/html; charset=utf-8"),
        ("/viewer/main.js", "text/javascript; charset=utf-8"),
        ("/vendor/maplibre-gl/maplibre-gl.js", "text/javascript; charset=utf-8"),
        ("/vendor/noto-sans-sc/index.css", "text/css; charset=utf-8"),
        ("/vendor/noto-sans-sc/files/a.woff2", "font/woff2"),
    ],
)
def test_files_have_their_kind(client: httpx.Client, url: str, kind: str) -> None:
    response = client.get(url, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (response.status_code, response.headers["content-type"]) == (200, kind)


def test_libraries_are_kept_for_a_day_and_the_page_is_asked_again(client: httpx.Client) -> None:
    assert client.get("/vendor/maplibre-gl/maplibre-gl.js").headers["cache-control"] == "public, max-age=86400"
    assert (
        client.get("/").headers["cache-control"] == client.get("/viewer/main.js").headers["cache-control"] == "no-cache"
    )


@pytest.mark.parametrize(
    "path",
    [
        "/viewer/../index.html",
        "/viewer/..%2findex.html",
        "/viewer/%2e%2e/package.json",
        "/viewer/%2e%2e%2fpackage.json",
        "/viewer/..%5cpackage.json",
        "/viewer//etc/passwd",
        "/viewer/%2fetc%2fhosts.json",
        "/viewer/.env",
        "/viewer/notes.md",
        "/viewer/link.json",
        "/viewer/",
        "/viewer",
        "/viewer/%00.js",
        "/viewer/" + "a" * 300 + ".js",
        "/viewer/main.js/x.js",
        "/vendor/maplibre-gl/../../../../../../secret.json",
        "/vendor/maplibre-gl/..%2f..%2f..%2f..%2f..%2fsecret.json",
        "/vendor/other/x.js",
    ],
)
def test_nothing_else_is_served(client: httpx.Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_raw_paths_with_dots_are_not_followed(project: Path) -> None:
    """Clients normalise ``..`` away; the function behind the routes must not need that."""
    for path in ("../package.json", "/etc/hosts.json", "../../../secret.json", "x/../../package.json", "link.json"):
        with pytest.raises(HTTPException):
            file_response(project / "services/viewer/src", path, "no-cache")
