"""Differences on the map: where something came, went, rose, and what cannot be drawn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from geoplan.documents.diff import compare
from geoplan.layers.changes import LEFT, ChangeLayer, Ground, change_layer
from geoplan.layers.export import export_layer
from geoplan.layers.legend import SEVERAL
from geoplan.records import PlanRecord
from tests.layers import small_world as world

TITLE = {"zh": "变化", "en": "changes"}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(world.gazetteer(tmp_path), world.shapes(), {"山区": ("140101", "140102")}, world.PLAN.area)


def layer(ground: Ground, old: list[PlanRecord], new: list[PlanRecord]) -> ChangeLayer:
    return change_layer(compare(old, new), ground, TITLE)


def rows(found: ChangeLayer) -> list[tuple[Any, ...]]:
    frame = found.frame
    return [(row["name"], row["change"], row["place"], row["geometry"] is not None) for row in frame.to_dict("records")]


def test_what_is_the_same_is_not_drawn(ground: Ground) -> None:
    same = [world.record(1, "甲县", "area 1 万亩")]
    found = layer(ground, same, same)
    assert (len(found.frame), found.metadata["legend"]["entries"], found.metadata["bounds"]) == (0, [], None)
    assert found.frame.crs.to_epsg() == 4490


def test_a_moved_fact_stands_where_it_came_and_where_it_left(ground: Ground) -> None:
    found = layer(ground, [world.record(1, "甲县", "area 1 万亩")], [world.record(1, "乙县", "area 1 万亩")])
    assert rows(found) == [("事1", LEFT, "甲县", True), ("事1", "moved", "乙县", True)]
    codes = dict(zip(found.frame["change"], found.frame["division_code"], strict=True))
    assert codes == {LEFT: "140101", "moved": "140102"}
    assert found.metadata["bounds"] == [112, 37, 114, 39]


def test_every_class_has_its_colour_and_count(ground: Ground) -> None:
    old = [world.record(1, "甲县", "area 2 万亩"), world.record(2, "乙县", "area 2 万亩"), world.record(3, "甲县/丙镇")]
    new = [
        world.record(1, "甲县", "area 3 万亩"),
        world.record(2, "乙县", "area 1 万亩"),
        world.record(4, "甲县/丁镇", kind="park"),
    ]
    found = layer(ground, old, new)
    entries = {entry["value"]: entry["count"] for entry in found.metadata["legend"]["entries"]}
    assert entries == {"rose": 1, "fell": 1, "dropped": 1, "added": 1}
    assert len({entry["color"] for entry in found.metadata["legend"]["entries"]}) == 4
    values = [entry["value"] for entry in found.metadata["legend"]["entries"]]
    assert all(values[row["class"]] == row["change"] for row in found.frame.to_dict("records"))
    # Coarse features lie below fine ones.
    assert list(found.frame["precision"]) == ["county", "county", "township", "township"]


def test_several_changes_on_one_shape_are_filled_as_several(ground: Ground) -> None:
    old = [world.record(1, "甲县", "area 2 万亩"), world.record(2, "甲县", "count 9 个", kind="park")]
    new = [world.record(1, "甲县", "area 3 万亩"), world.record(2, "甲县", "count 5 个", kind="park")]
    found = layer(ground, old, new)
    assert list(found.frame["fill"]) == [SEVERAL, -1]
    assert found.metadata["legend"]["several"]["count"] == 1


def test_what_cannot_be_drawn_is_listed_with_the_reason(ground: Ground) -> None:
    new = [
        world.record(1, "", region="某带"), world.record(2, "甲县/?丁镇"), world.record(3, "无此县"),
        world.record(4, "", region="山区"),
        world.record(5, "~某村", kind="attraction"),
    ]  # fmt: skip
    found = layer(ground, [], new)
    assert {row["name"]: row["reason"] for row in found.undrawn} == {
        "事1": "片区没有载明范围", "事3": "没有这个地名", "事5": "地名有歧义或名录中没有",
    }  # fmt: skip
    assert found.metadata["unplaced"] == 3
    assert sum(entry["count"] for entry in found.metadata["legend"]["entries"]) == 2


def test_the_layer_is_a_valid_export(ground: Ground) -> None:
    found = layer(ground, [world.record(1, "甲县", "area 2 万亩")], [world.record(2, "", region="某带", kind="park")])
    collection = json.loads(export_layer(found.frame, found.metadata, "geojson"))
    drawn = {feature["properties"]["change"]: feature["geometry"] is not None for feature in collection["features"]}
    assert drawn == {"dropped": True, "added": False}
    properties = collection["features"][0]["properties"]
    assert {"change", "change_zh", "detail", "old_line", "new_line", "reason"} <= set(properties)
