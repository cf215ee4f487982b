"""Stops of routes, in the order of the text."""

from __future__ import annotations

import pytest

from geoplan.documents.facts.stops import listed_spans, stop_findings
from geoplan.documents.places.mention import PlaceLevel
from geoplan.layers.store import Build, gazetteer
from geoplan.terms import Kind
from tests.documents.facts_help import Reader

ROUTE = (
    "第一章 旅游\n专栏3 古长城精品旅游线路\n沿线重点景区：雁门关景区、芦芽山景区、禹王洞景区和赵杲观景区等4个。\n"
    "沿线传统村落：宁武县王化沟村、代县东章村、静乐县小店村。\n第二章 保障\n"
)


@pytest.fixture(scope="module")
def reader(build: Build) -> Reader:
    return Reader(gazetteer(build))


def test_stops_are_parts_of_their_route(reader: Reader) -> None:
    drafts = reader.drafts(ROUTE)
    (route,) = (i for i, draft in enumerate(drafts) if draft.kind is Kind.ROUTE)
    stops = [draft for draft in drafts if draft.seq is not None]
    assert drafts[route].name == "古长城精品旅游线路"
    assert {stop.part_of for stop in stops} == {route}
    assert [(stop.seq, stop.name) for stop in stops] == [
        (1, "雁门关景区"), (2, "芦芽山景区"), (3, "禹王洞景区"), (4, "赵杲观景区"),
        (1, "宁武县王化沟村"), (2, "代县东章村"), (3, "静乐县小店村"),
    ]  # fmt: skip
    assert all(stop.kind is Kind.ATTRACTION for stop in stops)
    villages = [stop.places[-1].mention for stop in stops[4:]]
    assert [village.level for village in villages] == [PlaceLevel.VILLAGE] * 3


def test_villages_that_no_list_has_keep_their_place_in_the_order() -> None:
    stops = stop_findings("途经传统村落：甲乙村、丙丁村、戊己沟。", ())
    assert [(stop.step, stop.name) for stop in stops] == [(1, "甲乙村"), (2, "丙丁村"), (3, "戊己沟")]
    assert {place.level for stop in stops for place in stop.places} == {PlaceLevel.VILLAGE}
    assert all("unlisted" in stop.reasons for stop in stops)


def test_sights_of_a_lead_without_villages() -> None:
    stops = stop_findings("主要景点有：甲山、乙湖、丙寺等12个景点。", ())
    assert [stop.name for stop in stops] == ["甲山", "乙湖", "丙寺"]
    assert {place.level for stop in stops for place in stop.places} == {PlaceLevel.SITE}


@pytest.mark.parametrize(
    "text",
    [
        "重点景区：甲山、乙湖。",
        "旅游线路：建设旅游公路20公里，完善服务设施，提升接待能力，打造知名品牌。",
        "景区要求：加强管理，优化环境，提升水平，吸引游客。",
        "重点任务：甲山、乙湖、丙寺、丁村。",
    ],
)
def test_what_is_no_list_of_stops(text: str) -> None:
    assert stop_findings(text, ()) == []


def test_words_between_two_lists_are_read(reader: Reader) -> None:
    text = (
        "重点景区：雁门关景区、芦芽山景区、禹王洞景区。在定襄县打造民宿集群。"
        "传统村落：宁武县王化沟村、代县东章村、静乐县小店村。"
    )
    drafts = reader.drafts(text)
    assert [[place.mention.name for place in draft.places] for draft in drafts if "民宿" in draft.name] == [["定襄县"]]
    stops = stop_findings(text, ())
    assert [text[start:end][:4] for start, end in listed_spans(stops)] == ["雁门关景", "宁武县王"]
    assert [stop.step for stop in stops] == [1, 2, 3, 1, 2, 3]
