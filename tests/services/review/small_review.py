"""A made-up plan of the city of 阳泉 with a handful of drafts, written as the extractor writes them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from geoplan.documents.facts.output import DRAFT_COLUMNS

TOKEN = "a-token-of-the-tests"  # noqa: S105 - of the tests
AREA = "山西省/阳泉市"
HOSTILE = """<img src=x onerror="window.hacked=1">'"</script><script>window.hacked=1</script>${7*7}"""
LINES = (
    "阳泉市粮食与奶业发展规划",
    "第一章 布局",
    "第一节 奶业",
    "在平定县巨城镇和盂县秀水镇各建奶牛场2个，到2025年全市奶牛存栏2.4万头以上。",
    "𠮷祥里另议，盂县种植青贮玉米3万亩。",
    "第二节 粮田",
    f"平定县新建粮田5万亩{HOSTILE}。",
)


def draft_row(line: int, words: str, number: int = 1, **cells: Any) -> dict[str, Any]:
    """A row of the draft file that cites `words` of a line."""
    start = LINES[line - 1].index(words)
    cited = {"line": line, "span": f"{start}..{start + len(words)}"}
    plain = {"kind": "base", "theme": "dairy", "status": "target", "confidence": "0.80", "reasons": "kind-noun"}
    return {"id": f"made-{line}-{number:02d}", **cited, **plain, **cells}


def rows() -> list[dict[str, Any]]:
    """The drafts, in the order of the plan."""
    farm = draft_row(4, "在平定县巨城镇和盂县秀水镇各建奶牛场2个", name="奶牛场", places="平定县/巨城镇;盂县/秀水镇")
    figure = {"id": farm["id"], "measure": "count", "value": 2, "unit": "个", "per": "each"}
    figure |= {"line": 4, "span": "18..20"}
    cows = draft_row(4, "全市奶牛存栏2.4万头以上", 2, name="奶牛存栏", places="阳泉市", kind="indicator", period="2025")
    cows |= {"measure": "headcount", "value": "2.4", "unit": "万头", "qualifier": "at_least", "confidence": "0.95"}
    maize = draft_row(5, "盂县种植青贮玉米3万亩", name="青贮玉米", places="盂县", theme="forage", confidence="0.40")
    maize |= {"measure": "area", "value": "3", "unit": "万亩"}
    field = draft_row(7, f"平定县新建粮田5万亩{HOSTILE}", name=HOSTILE[:60], places="平定县", kind="farmland")
    field |= {
        "theme": "grain",
        "measure": "area",
        "value": "5",
        "unit": "万亩",
        "note": HOSTILE,
        "region": HOSTILE[:60],
    }
    return [farm, figure, cows, maize, field | {"confidence": "0.60", "reasons": HOSTILE.replace(";", "")}]


def write_draft(path: Path, drafts: list[dict[str, Any]] | None = None) -> Path:
    """Write a draft file."""
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, DRAFT_COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(rows() if drafts is None else drafts)
    return path


def write_plan(path: Path) -> Path:
    """Write the plan's text."""
    path.write_text("\n".join(LINES), encoding="utf-8")
    return path
