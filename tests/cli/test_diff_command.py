"""`geoplan diff`: two record files compared, as words, table, GeoJSON and map."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest

from geoplan.layers.store import Build
from geoplan.records import PlaceRef, read_records, write_records
from geoplan.settings import Settings
from tests.commands import ROOT, geoplan

OLD = ROOT / "layers" / "records" / "xinzhou.csv"


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """The records of 忻州 with one fact moved, one raised and one dropped."""
    records = []
    for record in read_records(OLD).records:
        if record.id == "xinzhou-734-01":
            continue
        changes: dict[str, object] = {}
        if record.id == "xinzhou-714-01":
            changes["places"] = (PlaceRef(path=("河曲县",)),)
        if record.id == "xinzhou-719-01":
            first = record.quantities[0].model_copy(update={"value": Decimal("0.5")})
            changes["quantities"] = (first, *record.quantities[1:])
        records.append(record.model_copy(update=changes))
    path = tmp_path / "2025.csv"
    path.write_text(write_records(records), "utf-8")
    return path


def test_a_diff_as_words_table_geojson_and_map(new: Path, tmp_path: Path, settings: Settings, build: Build) -> None:
    assert build
    table, layer, page = tmp_path / "变化.csv", tmp_path / "a.geojson", tmp_path / "a.html"
    ended = geoplan(
        "diff", str(OLD), str(new), "-o", str(table), "--geojson", str(layer), "--map", str(page),
        project=ROOT, build_dir=settings.build_dir,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "移位 1，上调 1，删除 1，重复 24" in ended.stdout
    assert "静乐县 → 河曲县" in ended.stdout
    rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8-sig"), newline="")))
    raised = next(row for row in rows if row["变化"] == "上调")
    assert (raised["原值"], raised["新值"], raised["增减"]) == ("0.2 亿元", "0.5 亿元", "150%")
    collection = json.loads(layer.read_text("utf-8"))
    kinds = [feature["properties"]["change"] for feature in collection["features"]]
    assert {kind: kinds.count(kind) for kind in ("moved", "left", "rose", "dropped")} == dict.fromkeys(
        ("moved", "left", "rose", "dropped"), 1
    )
    assert {entry["value"] for entry in collection["legend"]["entries"]} == set(kinds)
    html = page.read_text("utf-8")
    assert "移入（1）" in html
    assert "规划变化：xinzhou.csv → 2025.csv" in html


def test_the_words_need_no_build(new: Path, tmp_path: Path) -> None:
    ended = geoplan("diff", str(OLD), str(new), project=tmp_path, build_dir=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("old", ["none.csv", "."])
def test_a_missing_version_is_one_message(new: Path, old: str) -> None:
    ended = geoplan("diff", old, str(new), project=ROOT)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)
    assert "no such record file" in ended.stderr


def test_a_plan_that_is_not_registered_needs_its_area(
    new: Path, tmp_path: Path, settings: Settings, build: Build
) -> None:
    assert build
    other = tmp_path / "other.csv"
    other.write_text(new.read_text("utf-8").replace("xinzhou-", "changzhi-"), "utf-8")
    arguments = ("diff", str(other), str(new.with_name("other.csv")), "--geojson", str(tmp_path / "a.geojson"))
    ended = geoplan(*arguments, project=ROOT, build_dir=settings.build_dir)
    assert ended.returncode == 1
    assert "--area" in ended.stderr
    ended = geoplan(*arguments, "--area", "忻州市", project=ROOT, build_dir=settings.build_dir)
    assert (ended.returncode, ended.stderr) == (0, "")
    ended = geoplan(*arguments, "--area", "无此地", project=ROOT, build_dir=settings.build_dir)
    assert (ended.returncode, len(ended.stderr.splitlines())) == (1, 1)


def test_a_version_is_never_written_over(new: Path, tmp_path: Path) -> None:
    before = new.read_bytes()
    for arguments in (["-o", str(new)], ["--geojson", str(new)], ["-o", "a.csv", "--geojson", "a.csv"]):
        ended = geoplan("diff", str(OLD), str(new), *arguments, project=tmp_path)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "name of its own" in ended.stderr
    assert new.read_bytes() == before
    assert not (tmp_path / "a.csv").exists()
