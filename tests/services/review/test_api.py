"""The review service: who may ask, what is shown, which decisions are taken, what is told of wrong fields."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from geoplan.documents.outline import Outline
from geoplan.documents.reading import read_document
from geoplan.documents.review import decisions_path, read_decisions
from geoplan.documents.review.context import plan_text
from geoplan.layers.store import Build
from services.review.app import create_review_app
from tests.commands import ROOT
from tests.services.api.conftest import AppTransport
from tests.services.review.small_review import AREA, HOSTILE, LINES, TOKEN, draft_row, rows, write_draft, write_plan

BASE = "http://127.0.0.1:8010"
VIEWER = ROOT / "services" / "viewer"
WRITE = {"X-Geoplan-Token": TOKEN, "Origin": BASE}


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    return write_draft(tmp_path / "made.csv")


@pytest.fixture
def app(draft: Path, tmp_path: Path) -> FastAPI:
    """The service with the plan's text, without a build."""
    text = plan_text(read_document(write_plan(tmp_path / "made.txt")))
    return create_review_app(draft, text, None, TOKEN, viewer_dir=VIEWER, by="核对人")


def client_of(app: FastAPI) -> httpx.Client:
    return httpx.Client(transport=AppTransport(app), base_url=BASE, headers=WRITE)


@pytest.fixture
def client(app: FastAPI) -> httpx.Client:
    return client_of(app)


@pytest.fixture
def placed(draft: Path, build: Build) -> httpx.Client:
    """A client of the service with a build, whose places are looked up in 阳泉."""
    return client_of(create_review_app(draft, None, build, TOKEN, viewer_dir=VIEWER, area=AREA))


def detail(client: httpx.Client, draft_id: str) -> dict[str, Any]:
    answer = client.get(f"/review/drafts/{draft_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def decide(client: httpx.Client, action: str, draft_id: str, **more: Any) -> httpx.Response:
    version = more.pop("version", None) or detail(client, draft_id)["version"]
    return client.post("/review/decisions", json={"action": action, "draft": draft_id, "version": version, **more})


def shown(client: httpx.Client, **query: Any) -> list[str]:
    return [item["id"] for item in client.get("/review/drafts", params=query).json()["items"]]


# --- who may ask ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"X-Geoplan-Token": "wrong"}, 401),
        ({"X-Geoplan-Token": ""}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:9"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example:8010"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_only_the_page_of_this_review_may_write(
    client: httpx.Client, draft: Path, change: dict[str, str], status: int
) -> None:
    body = json.dumps({"action": "accept", "draft": "made-4-01", "version": detail(client, "made-4-01")["version"]})
    answer = client.post("/review/decisions", content=body, headers={"Content-Type": "application/json", **change})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert not decisions_path(draft).exists()


def test_without_an_origin_nothing_is_written(client: httpx.Client, draft: Path) -> None:
    del client.headers["Origin"]
    assert decide(client, "accept", "made-4-01").status_code == 403
    assert not decisions_path(draft).exists()


@pytest.mark.parametrize("path", ["session", "drafts", "drafts/made-4-01", "places?places=盂县"])
def test_nothing_of_the_plan_is_told_without_the_token(placed: httpx.Client, path: str) -> None:
    client = placed
    assert client.get(f"/review/{path}").status_code == 200
    del client.headers["X-Geoplan-Token"]
    answer = client.get(f"/review/{path}")
    assert answer.status_code == 401
    assert LINES[3] not in answer.text


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", "/review/session", "/review/nothing", "/viewer/review/main.js"):
        headers = client.get(path).headers
        assert "script-src" not in headers["content-security-policy"]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert client.get("/review/session").headers["cache-control"] == "no-store"
    assert "规划草案核对" in client.get("/").text
    assert client.delete("/review/decisions", headers={"Content-Type": "application/json"}).status_code == 405


# --- what is shown --------------------------------------------------------------------------------------------------


def test_the_list_is_filtered_ordered_and_paged(client: httpx.Client) -> None:
    everything = ["made-4-01", "made-4-02", "made-5-01", "made-7-01"]
    assert shown(client) == everything
    assert shown(client, order="confidence") == ["made-5-01", "made-7-01", "made-4-01", "made-4-02"]
    assert shown(client, kind="base") == ["made-4-01", "made-5-01"]
    assert shown(client, q="秀水") == ["made-4-01"]
    assert shown(client, q="种植青贮") == ["made-5-01"]
    assert shown(client, limit=2, offset=1) == everything[1:3]
    assert decide(client, "accept", "made-4-02").status_code == 200
    assert shown(client, state="undecided") == ["made-4-01", "made-5-01", "made-7-01"]
    assert shown(client, state="accepted") == ["made-4-02"]
    for query in ({"state": "odd"}, {"limit": 0}, {"limit": 501}, {"x": "1"}, {"q": "长" * 101}):
        assert client.get("/review/drafts", params=query).status_code == 400


def test_the_sentence_stands_under_its_headings_with_its_marks(client: httpx.Client) -> None:
    found = detail(client, "made-4-01")
    assert [heading["text"] for heading in found["headings"]] == ["第一章 布局", "第一节 奶业"]
    line = next(line for line in found["lines"] if line["number"] == 4)
    assert line["text"] == LINES[3]
    marked = [(line["text"][mark["start"] : mark["end"]], mark["role"]) for mark in line["marks"]]
    assert marked == [
        ("在平定县巨城镇和盂县秀水镇各建奶牛场2个", "fact"), ("平定县", "place"), ("巨城镇", "place"),
        ("盂县", "place"), ("秀水镇", "place"), ("2个", "figure"),
    ]  # fmt: skip
    assert (found["confidence"], found["reasons"], found["state"]) == (0.8, ["kind-noun"], "undecided")
    assert client.get("/review/drafts/made-99-01").status_code == 404


def test_places_are_drawn_and_said_to_be_schematic(placed: httpx.Client) -> None:
    cell = "盂县;平定县/巨城镇;~某村;平定县/无此镇;/"
    features = placed.get("/review/places", params={"places": cell}).json()["features"]
    told = [
        (f["properties"]["name"], f["properties"].get("geometry_source"), f["geometry"] is not None) for f in features
    ]
    assert told[0] == ("盂县", "generalised", True)
    assert told[1] == ("巨城镇", "schematic", True)
    assert told[2][0] == "某村"
    assert features[2]["properties"]["flags"] == ["unlisted: 某村"]
    assert [bool(f["properties"].get("fault")) for f in features] == [False, False, False, True, True]


def test_without_text_and_build_line_and_chapter_are_told(draft: Path) -> None:
    outline = Outline((2,), ("第一章 第一节",))
    client = client_of(create_review_app(draft, None, None, TOKEN, viewer_dir=VIEWER, outline=outline))
    session = client.get("/review/session").json()
    assert (session["has_text"], session["has_build"], session["misfits"]) == (False, False, 0)
    found = detail(client, "made-4-01")
    assert (found["line"], found["lines"]) == (4, [])
    assert [heading["text"] for heading in found["headings"]] == ["第一章", "第一节"]
    assert client.get("/review/places", params={"places": "盂县"}).status_code == 503
    assert decide(client, "correct", "made-4-01", set={"places": "无处"}).status_code == 200


# --- decisions ------------------------------------------------------------------------------------------------------


def test_decisions_are_kept_and_counted(client: httpx.Client, draft: Path) -> None:
    assert decide(client, "accept", "made-4-01").json()["decision"]["action"] == "accept"
    corrected = decide(client, "correct", "made-5-01", set={"name": "青贮玉米种植", "kind": "生产基地"}).json()
    assert corrected["draft"]["now"]["name"] == "青贮玉米种植"
    assert corrected["decision"]["fields"] == ["name"]
    assert decide(client, "reject", "made-7-01", note="不是规划的事").status_code == 200
    counts = client.get("/review/session").json()["counts"]
    assert {name: counts[name] for name in ("total", "accepted", "corrected", "rejected", "undecided")} == {
        "total": 4, "accepted": 1, "corrected": 1, "rejected": 1, "undecided": 1,
    }  # fmt: skip
    kept, problems = read_decisions(decisions_path(draft))
    assert problems == []
    assert [(one.action.value, one.by) for one in kept] == [
        (name, "核对人") for name in ("accept", "correct", "reject")
    ]
    assert decide(client, "undo", "made-7-01").json()["item"]["state"] == "undecided"
    assert decide(client, "undo", "made-4-02").status_code == 409


def test_saving_without_a_change_is_accepting(client: httpx.Client) -> None:
    now = detail(client, "made-4-01")["now"]
    now.pop("id")
    assert decide(client, "correct", "made-4-01", set=now).json()["decision"]["action"] == "accept"


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"kind": "odd", "theme": "odd", "name": ""}, [("kind", None), ("name", None), ("theme", None)]),
        ({"name": "长" * 61, "period": "20"}, [("name", None), ("period", None)]),
        ({"places": "", "region": ""}, [("places", None)]),
        ({"figures": [{"measure": "area", "value": "三", "unit": "亿元"}]}, [("unit", 0), ("value", 0)]),
        ({"figures": [{"measure": "area", "value": "5..2", "unit": "亩", "qualifier": "range"}]}, [("value", 0)]),
        ({"span": "0..999"}, [("span", None)]),
        ({"odd": "x"}, [("odd", None)]),
        ({"name": 5}, [("name", None)]),
        ({"name": "长" * 3000}, [("name", None)]),
        ({"figures": [{"odd": "x"}]}, [("odd", 0)]),
    ],
)
def test_every_wrong_field_is_told_and_nothing_is_kept(
    client: httpx.Client, draft: Path, values: dict[str, Any], wrong: list[tuple[str, int | None]]
) -> None:
    answer = decide(client, "correct", "made-4-01", set=values)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    told = [(fault["field"], fault["figure"]) for fault in answer.json()["errors"]]
    assert sorted(told, key=str) == sorted(wrong, key=str)
    assert all(fault["message"] for fault in answer.json()["errors"])
    assert not decisions_path(draft).exists()


def test_a_place_outside_the_area_is_a_wrong_field(placed: httpx.Client, draft: Path) -> None:
    for places in ("平定县/无此镇", "五台县"):
        answer = decide(placed, "correct", "made-4-01", set={"places": places})
        assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (422, ["places"])
    assert not decisions_path(draft).exists()
    assert decide(placed, "correct", "made-4-01", set={"places": "平定县/~某村;盂县"}).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"[]", 400), (b"{", 400), (b"[" * 3000, 400), (b'{"action": "burn"}', 400),
        (b'{"action": "accept", "draft": "none"}', 404), (b'{"action": "accept", "extra": 1}', 400),
        (b'{"action": "accept", "draft": "' + b"x" * 70_000 + b'"}', 413), (b"\xff\xfe", 400),
    ],
)  # fmt: skip
def test_malformed_bodies_are_refused(client: httpx.Client, draft: Path, body: bytes, status: int) -> None:
    answer = client.post("/review/decisions", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status
    assert not decisions_path(draft).exists()


def test_an_added_fact_is_kept_without_a_draft(client: httpx.Client, draft: Path) -> None:
    values = {
        "kind": "base",
        "theme": "grain",
        "name": "粮田",
        "places": "盂县",
        "status": "目标",
        "line": "5",
        "span": "6..8",
    }
    answer = client.post("/review/decisions", json={"action": "add", "set": values})
    assert answer.status_code == 200
    (kept,) = read_decisions(decisions_path(draft)).decisions
    assert (kept.anchor.line, kept.set["status"], "id" in kept.set) == (5, "target", False)
    assert client.post("/review/decisions", json={"action": "add", "set": {}}).status_code == 422


def test_a_draft_extracted_anew_is_not_decided_unseen(client: httpx.Client, draft: Path) -> None:
    before = detail(client, "made-4-02")["version"]
    assert decide(client, "accept", "made-5-01").status_code == 200
    changed = [row | ({"value": "24"} if row["id"] == "made-4-02" else {}) for row in rows()]
    other = draft_row(5, "𠮷祥里", name="里", places="盂县")
    write_draft(draft, [*changed[:3], other, changed[3] | {"id": "made-5-02"}, changed[4]])
    assert decide(client, "accept", "made-4-02", version=before).status_code == 409
    states = {item["id"]: item["state"] for item in client.get("/review/drafts").json()["items"]}
    assert (states["made-5-01"], states["made-5-02"]) == ("undecided", "accepted")
    # The decision stays on the anchor of the first run, so that an undo still finds it.
    assert decide(client, "reject", "made-5-02").status_code == 200
    assert decide(client, "undo", "made-5-02").json()["item"]["state"] == "accepted"
    assert len({one.anchor for one in read_decisions(decisions_path(draft)).decisions}) == 1


def test_a_spoiled_draft_is_told_and_mends(client: httpx.Client, draft: Path) -> None:
    good = draft.read_bytes()
    draft.write_bytes(b"nothing")
    answer = client.get("/review/session")
    assert (answer.status_code, "made.csv" in answer.json()["detail"]) == (503, True)
    draft.write_bytes(good)
    assert client.get("/review/session").status_code == 200


def test_decisions_at_once_are_all_kept(app: FastAPI, draft: Path) -> None:
    ids = ["made-4-01", "made-4-02", "made-5-01", "made-7-01"]
    answers: list[int] = []

    def work(draft_id: str) -> None:
        client = client_of(app)
        answers.extend(decide(client, action, draft_id).status_code for action in ("accept", "reject", "accept") * 3)

    threads = [threading.Thread(target=work, args=(draft_id,)) for draft_id in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept, problems = read_decisions(decisions_path(draft))
    assert (set(answers), len(kept), problems) == ({200}, 36, [])
    times = [one.at for one in kept]
    assert times == sorted(set(times))


def test_hostile_words_come_as_data(client: httpx.Client) -> None:
    found = detail(client, "made-7-01")
    assert found["now"]["note"] == HOSTILE
    assert HOSTILE in next(line["text"] for line in found["lines"] if line["number"] == 7)
    assert decide(client, "accept", "made-7-01").json()["draft"]["now"]["note"] == HOSTILE
