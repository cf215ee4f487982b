"""The bars of the extraction, on hand-marked lines, and its speed."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from geoplan.documents.document import Document
from geoplan.documents.facts.area import find_area
from geoplan.documents.facts.extract import Extraction, extract_facts
from geoplan.documents.facts.output import draft_record
from geoplan.documents.places import load_finder
from geoplan.documents.plans import load_plans
from geoplan.documents.reading import document_from_text, read_document
from geoplan.gazetteer import Gazetteer
from geoplan.layers.store import Build, gazetteer
from geoplan.records import read_records
from geoplan.settings import Settings
from geoplan.terms import Kind
from tests.benchmarks.extraction.score import GOLD, Result, read_gold, score_lines, score_passages
from tests.commands import ROOT
from tests.plan_texts import PLANS, find_plan_text, plan_text

Row = dict[str, Any]


@pytest.fixture(scope="module")
def names(build: Build) -> Gazetteer:
    return gazetteer(build)


@pytest.fixture(scope="module")
def plan_records(settings: Settings, names: Gazetteer) -> Callable[[str], list[Row]]:
    """Records of a registered plan as JSON objects; the test is skipped where no copy of the plan lies here."""
    made: dict[str, list[Row]] = {}

    def records(plan: str) -> list[Row]:
        if plan not in made:
            document = read_document(plan_text(plan), plan)
            found = extracted(document, names, settings)
            ids = [str(i) for i in range(len(found.drafts))]
            made[plan] = [draft_record(document, d, i, ids, names) for i, d in zip(ids, found.drafts, strict=True)]
        return made[plan]

    return records


def extracted(document: Document, names: Gazetteer, settings: Settings) -> Extraction:
    area = find_area(document, names, "", load_plans(settings.layers_dir / "plans.toml").values())
    return extract_facts(document, load_finder(names, area.code), area)


def check_bars(result: Result) -> None:
    assert result.mentions.precision >= 0.95, result.mentions.extra
    assert result.mentions.recall >= 0.95, result.mentions.missed
    assert result.codes.recall >= 0.95, result.codes.missed
    assert result.quantities.f1 >= 0.95, (result.quantities.extra, result.quantities.missed)
    assert result.facts.f1 >= 0.80, (result.facts.extra, result.facts.missed)
    assert result.false_facts * 10 <= result.negatives, f"{result.false_facts} in {result.negatives}"


@pytest.mark.parametrize("gold", ["provinces", "held_out_1", "held_out_2"])
def test_passages_in_the_style_of_other_provinces(names: Gazetteer, gold: str) -> None:
    rows = read_gold(GOLD / f"{gold}.jsonl")
    assert len(rows) >= 30
    result = score_passages(rows, names)
    assert result.negatives >= 10
    check_bars(result)


def test_lines_of_the_five_plans(names: Gazetteer, settings: Settings) -> None:
    paths = {plan: path for plan in PLANS if (path := find_plan_text(plan))}
    missing = set(PLANS) - set(paths)
    if missing:
        pytest.skip(f"no copies of the plans {sorted(missing)} here (geoplan plans add keeps them)")
    result = score_lines(read_gold(GOLD / "plans.jsonl"), paths, names, settings)
    assert result.passages >= 60
    check_bars(result)


def test_the_county_table_with_one_character_a_line(plan_records: Callable[[str], list[Row]]) -> None:
    table = [
        (row["places"][0]["name"], row["quantities"][0])
        for row in plan_records("xinzhou")
        if row["kind"] == "farmland" and "table" in row["reasons"] and row["places"]
    ]
    assert len(table) == 14
    assert len({name for name, _ in table}) == 14
    assert sum(Decimal(quantity["value"]) for _, quantity in table) == Decimal("173.6")
    assert {quantity["unit"] for _, quantity in table} == {"万亩"}
    assert {name: Decimal(quantity["value"]) for name, quantity in table} == reviewed_counties()


def reviewed_counties() -> dict[str, Decimal]:
    """Figures of the table in the reviewed records, by county."""
    records = read_records(ROOT / "layers" / "records" / "xinzhou.csv").records
    return {
        record.places[0].name: record.quantities[0].value
        for record in records
        if record.kind is Kind.FARMLAND and record.part_of == "xinzhou-330-01"
    }


def test_the_route_with_its_spots_and_villages_in_order(plan_records: Callable[[str], list[Row]]) -> None:
    stops = [row for row in plan_records("yangquan") if row["part_of"]]
    lists: list[list[int]] = []
    for row in stops:
        if row["seq"] == 1:
            lists.append([])
        lists[-1].append(row["seq"])
    # The list before them names the five areas that the route runs through.
    assert [len(made) for made in lists[-2:]] == [35, 46]
    assert all(made == list(range(1, len(made) + 1)) for made in lists)


def test_the_dairy_townships(plan_records: Callable[[str], list[Row]]) -> None:
    rows = [row for row in plan_records("shuozhou") if 275 <= row["line"] <= 277 and row["theme"] == "dairy"]
    townships = {place["name"]: place for row in rows for place in row["places"] if place["level"] == "township"}
    assert len(townships) == 10
    assert all(place["code"] for place in townships.values())
    assert {place["city"] for place in townships.values()} == {"朔州市"}


# -- speed

PARAGRAPHS = (
    "优质谷子基地。以定襄县、原平市、忻府区为重点，大力发展优质谷子。到2025年，种植面积达到{n}万亩，产量达到{n}万吨。",
    "在繁峙县砂河镇、大营镇和代县阳明堡镇新建黄芪种植基地{n}.5亩，配套建设加工车间2000平方米，总投资{n}万元。",
    "全市农产品加工产值由{n}亿元增长到100亿元，培育省级龙头企业{n}家、示范合作社100个，带动农户1200户。",
    "各县（市、区）要加强组织领导，完善工作机制，落实工作责任，加大资金投入，确保各项任务落到实处，取得实效。",
    "宁武县、静乐县、神池县马铃薯种植面积分别达到6万亩、5万亩和{n}万亩，新建储藏窖{n}座，种薯自给率达到90%以上。",
    "在滹沱河沿线打造优质玉米产业带，重点布局在原平市、定襄县，改造中低产田{n}万亩，发展节水灌溉面积3万亩。",
)


def made_plan(characters: int) -> str:
    """A plan of our own sentences with a chapter every twenty paragraphs."""
    lines = ["忻州市农业规划"]
    size = len(lines[0])
    while size < characters:
        number = len(lines)
        text = f"第{number}章 建设任务" if number % 20 == 0 else "    " + PARAGRAPHS[number % len(PARAGRAPHS)]
        lines.append(text.format(n=number))
        size += len(lines[-1]) + 1
    return "\n".join(lines) + "\n"


def cpu_seconds(text: str, names: Gazetteer, finder: Any) -> float:
    # Time of the processor, not of the clock: other work on the machine does not count.
    # What is loaded before is not swept again while the text is read.
    gc.collect()
    gc.freeze()
    begun = time.process_time()
    document = document_from_text(text, "trial")
    area = find_area(document, names, "山西省/忻州市")
    found = extract_facts(document, finder, area)
    seconds = time.process_time() - begun
    gc.unfreeze()
    assert len(found.drafts) > len(text) / 200
    return seconds


def test_a_whole_plan_is_read_in_two_seconds_and_more_in_proportion(names: Gazetteer) -> None:
    finder = load_finder(names, "140900")
    text = made_plan(66_000)
    cpu_seconds(made_plan(2000), names, finder)
    once = min(cpu_seconds(text, names, finder) for _ in range(3))
    assert once < 2
    four, ten = (cpu_seconds(text * times, names, finder) for times in (4, 10))
    # 2.5 times in proportion, 6.25 times were it quadratic; 50-fold in 60 times leaves a tenth for every such step.
    assert ten < 3.2 * four


def test_long_sentences_take_time_in_proportion(names: Gazetteer) -> None:
    finder = load_finder(names, "140900")
    unit = "繁峙县砂河镇新建黄芪种植基地3.5万亩，代县阳明堡镇新建果园2万亩，带动农户1200户，"
    cpu_seconds(unit, names, finder)
    short = min(cpu_seconds(unit * 200, names, finder) for _ in range(2))
    assert cpu_seconds(unit * 1600, names, finder) < 12 * short + 0.1


def test_the_gold_is_sound() -> None:
    for path in sorted(GOLD.glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            for item in [*row["mentions"], *row["quantities"]] if "text" in row else []:
                assert row["text"][item["start"] : item["end"]] == item["text"]
