"""The layers of the project as they are served: every figure once, with its line, no finer than its evidence."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

import geopandas as gpd
import httpx
import pandas as pd
import pytest
import shapely

from geoplan.boundaries.sources import load_sources
from geoplan.documents import load_plans
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.settings import Settings
from services.api.app import create_app
from tests.commands import ROOT

Feature = dict[str, Any]
ORDER = ("province", "region", "city", "county", "township", "village", "site")
FACT_LAYERS = ("farmland", "bases", "parks", "zones", "routes", "stops", "projects")
LAYERS = ("counties", "townships", "coverage", *FACT_LAYERS)
QUOTAS = {  # 万亩 and line, as the table of the plan of 忻州 gives them
    "忻府区": ("30", 377), "定襄县": ("19.6", 378), "原平市": ("15", 379), "五台县": ("10", 380), "代县": ("10", 381),
    "繁峙县": ("16", 382), "宁武县": ("7.5", 383), "静乐县": ("7.5", 384), "神池县": ("25", 385), "五寨县": ("10", 386),
    "岢岚县": ("7.5", 387), "河曲县": ("10", 388), "保德县": ("2", 389), "偏关县": ("3.5", 390),
}  # fmt: skip


@pytest.fixture(scope="module")
def items(settings: Settings, build: Build) -> Callable[[str], list[Feature]]:
    """All features of a layer, as the service answers."""
    assert build
    app = create_app(settings)

    @cache
    def read(layer: str) -> list[Feature]:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planning.test") as client:
                return await client.get(f"/layers/{layer}/items", params={"limit": 10000})

        response = asyncio.run(ask())
        assert response.status_code == 200, response.text
        features: list[Feature] = response.json()["features"]
        assert len(features) == response.json()["numberMatched"]
        return features

    return read


@pytest.fixture(scope="module")
def frames(build: Build) -> dict[str, gpd.GeoDataFrame]:
    return {layer: store.read_layer_frame(build, layer) for layer in store.layer_ids(build)}


@pytest.fixture(scope="module")
def polygons(build: Build) -> dict[str, tuple[Any, str]]:
    """Shape and source of every drawn division by its code."""
    found: dict[str, tuple[Any, str]] = {}
    for level in store.LEVELS:
        frame = store.read_boundaries(build, level)
        found |= {
            code: (shape, source)
            for code, shape, source in zip(frame["code"], frame.geometry, frame["geometry_source"], strict=True)
        }
    return found


@cache
def written() -> dict[str, dict[str, str]]:
    """First row of every record in the files of the project, by its id."""
    rows: dict[str, dict[str, str]] = {}
    for path in sorted((ROOT / "layers" / "records").glob("*.csv")):
        for row in csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")):
            rows.setdefault(row["id"], row)
    return rows


def served(items: Callable[[str], list[Feature]], record: str) -> Feature:
    (feature,) = [f["properties"] for f in items("farmland") if f["properties"]["record"] == record]
    return feature  # type: ignore[no-any-return]


# -- the figures of the plans ------------------------------------------------------------------------------------------


def test_the_quotas_of_the_14_counties_sum_to_that_of_their_city(items: Callable[[str], list[Feature]]) -> None:
    (city,) = [
        p for f in items("farmland") if (p := f["properties"])["value"] == 173.6 and p["division_name"] == "忻州市"
    ]
    counties = [p for f in items("farmland") if (p := f["properties"])["part_of"] == city["record"]]
    assert {p["division_name"]: (p["value_text"].split()[0], p["line"]) for p in counties} == QUOTAS
    assert len(counties) == 14
    assert sum(Decimal(str(p["value"])) for p in counties) == Decimal("173.6")
    assert {(p["unit"], p["change"], p["plan"], p["qualifier"]) for p in counties} == {
        ("万亩", "flow", "xinzhou", "exact")
    }
    assert sum(p["value_si"] for p in counties) == pytest.approx(city["value_si"])
    assert city["value_si"] == pytest.approx(173.6e4 * 2000 / 3 / 1e4, abs=1e-6)
    assert all(p["division_code"].startswith("1409") and len(p["division_code"]) == 6 for p in counties)
    assert city["class"] == -1
    assert all(p["class"] >= 0 for p in counties)


@pytest.mark.parametrize(
    ("division", "value", "line", "change", "status", "qualifier"),
    [
        ("忻州市", 173.6, 330, "flow", "target", "exact"),
        ("朔州市", 101.57, 83, "stock", "baseline", "exact"),
        ("朔州市", 200, 174, "stock", "target", "exact"),
        ("阳泉市", 16, 399, "flow", "target", "exact"),
        ("山西省", 1628, 60, "stock", "baseline", "exact"),
        ("山西省", 2400, 360, "stock", "target", "at_least"),
    ],
)
def test_city_and_province_figures_stay_what_they_are(
    items: Callable[[str], list[Feature]],
    division: str, value: float, line: int, change: str, status: str, qualifier: str,
) -> None:  # fmt: skip
    (found,) = [
        p
        for f in items("farmland")
        if (p := f["properties"])["theme"] == "high_standard_farmland"
        and (p["division_name"], p["value"], p["unit"]) == (division, value, "万亩")
        and not p["duplicate_of"]
    ]
    assert [found[key] for key in ("line", "change", "status", "qualifier")] == [line, change, status, qualifier]
    assert found["class"] == -1
    assert found["qualifier_zh"] == {"at_least": "不低于"}.get(qualifier)


@pytest.mark.parametrize("layer", FACT_LAYERS)
def test_no_figure_is_there_to_be_summed_twice(items: Callable[[str], list[Feature]], layer: str) -> None:
    valued: dict[str, int] = {}
    for feature in items(layer):
        p = feature["properties"]
        if p["shared_by"]:
            assert p["value"] is p["value_si"] is p["value_max"] is p["measure_value"] is None
            assert p["value_text"].startswith("合计 ")
            assert p["value_text"].endswith(f"（规划点名 {p['shared_by']} 处）")
        elif p["value"] is not None and p["per"] != "each":
            valued[p["record"]] = valued.get(p["record"], 0) + 1
    assert [record for record, count in valued.items() if count > 1] == []
    assert valued or layer in {"routes", "stops"}


@pytest.mark.parametrize("layer", ["farmland", "projects"])
def test_what_is_said_again_is_marked_and_not_classed(items: Callable[[str], list[Feature]], layer: str) -> None:
    again = [p for f in items(layer) if (p := f["properties"])["duplicate_of"]]
    assert again
    assert {p["class"] for p in again} == {-1}
    assert {p["duplicate_of"] for p in again} <= set(written())


@pytest.mark.parametrize("layer", FACT_LAYERS)
def test_repetitions_are_flagged_as_the_records_say(items: Callable[[str], list[Feature]], layer: str) -> None:
    for feature in items(layer):
        p = feature["properties"]
        assert (p["duplicate_of"] or "") == written()[p["record"]]["duplicate_of"]


# -- where it is said --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", FACT_LAYERS)
def test_every_fact_cites_its_plan_and_line(items: Callable[[str], list[Feature]], layer: str) -> None:
    plans = load_plans(ROOT / "layers" / "plans.toml")
    assert items(layer)
    for feature in items(layer):
        p = feature["properties"]
        row = written()[p["record"]]
        assert p["line"] == int(row["line"])
        assert re.findall(r"\d+", p["span"]) == re.findall(r"\d+", row["span"])
        assert p["plan_title"] == plans[p["plan"]].title
        assert 1 <= p["line"] <= plans[p["plan"]].lines
        assert p["record"].startswith(f"{p['plan']}-{p['line']}-")


@pytest.mark.parametrize("layer", ["counties", "townships", "coverage"])
def test_every_boundary_names_its_source(items: Callable[[str], list[Feature]], build: Build, layer: str) -> None:
    known = load_sources(ROOT / "data" / "boundaries")
    for feature in items(layer):
        p = feature["properties"]
        assert p["source"] in known or (p["source"], p["geometry_source"]) == ("schematic", "schematic")
        assert p["as_of"]
        if p.get("facts"):
            assert p["plan_title"]
            assert f"{p['plan']}:{p['line']}" in p["citations"]
            assert p["facts"] == len(p["citations"])
    assert {s["id"] for s in store.layer_metadata(build, layer)["sources"]} & set(known)


def test_the_metadata_of_a_layer_lists_the_plans_it_cites(build: Build, frames: dict[str, gpd.GeoDataFrame]) -> None:
    for layer in FACT_LAYERS:
        cited = {s["id"] for s in store.layer_metadata(build, layer)["sources"] if s["kind"] == "plan"}
        assert cited == set(frames[layer]["plan"])


def test_every_record_is_in_a_layer_or_in_the_list_of_those_that_are_not(
    build: Build, frames: dict[str, gpd.GeoDataFrame]
) -> None:
    accounts = json.loads((build.path / "reports" / "records.json").read_text("utf-8"))
    absent = {row["record"] for row in accounts["in_no_layer"]}
    assert set(accounts["in_layers"]).isdisjoint(absent)
    assert set(accounts["in_layers"]) | absent == set(written())
    assert accounts["records"] == len(written())
    shown: dict[str, set[str]] = {}
    for layer in FACT_LAYERS:
        for record in frames[layer]["record"]:
            shown.setdefault(record, set()).add(layer)
    assert {record: set(layers) for record, layers in accounts["in_layers"].items()} == shown
    assert all(row["line"] == int(written()[row["record"]]["line"]) for row in accounts["in_no_layer"])


@pytest.mark.parametrize("layer", LAYERS)
def test_the_join_report_adds_up(build: Build, frames: dict[str, gpd.GeoDataFrame], layer: str) -> None:
    report, frame = store.layer_report(build, layer), frames[layer]
    assert report["joined"] + report["unmatched"] == report["selected"] == len(frame)
    assert report["drawn"] + report["undrawn"] == report["joined"]
    undrawn = frame[frame.geometry.isna()]
    assert report["drawn"] == len(frame) - len(undrawn)
    assert {row["fid"] for row in report["rows"]} == set(undrawn["fid"])
    assert all(row["reason"] and row["name"] for row in report["rows"])
    assert sum(report["reasons"].values()) == len(report["rows"]) == report["unmatched"] + report["undrawn"]
    assert store.layer_metadata(build, layer)["unplaced"] == len(undrawn)


# -- how exactly it is known -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(build: Build, polygons: dict[str, tuple[Any, str]]) -> Callable[[str], tuple[str, ...]]:
    """Codes of the polygons that stand for a division: its own, a zone's members, a village's township or county."""
    divisions = store.gazetteer(build).divisions
    villages = pd.read_parquet(build.path / "gazetteer" / "villages.parquet").set_index("code")

    def find(code: str) -> tuple[str, ...]:
        if code in divisions:
            codes = divisions[code].members or (code,)
        else:
            codes = (villages.at[code, "township"] or villages.at[code, "county"],)
        return tuple(part if part in polygons else part[:6] for part in codes)

    return find


def level(code: str) -> str:
    if len(code) == 6:
        return "province" if code.endswith("0000") else "city" if code.endswith("00") else "county"
    return {9: "township", 12: "village"}[len(code)]


@pytest.mark.parametrize("layer", FACT_LAYERS)
def test_a_feature_is_the_shape_of_its_division(
    frames: dict[str, gpd.GeoDataFrame],
    polygons: dict[str, tuple[Any, str]],
    parts: Callable[[str], tuple[str, ...]],
    layer: str,
) -> None:
    frame = frames[layer]
    placed = frame[frame["division_code"].notna() & ~frame.geometry.isna()]
    if layer == "routes":  # drawn as the counties of its stops
        placed = placed[placed["precision"].ne("county")]
    for row in placed.itertuples():
        codes = parts(row.division_code)
        shapes = [polygons[code][0] for code in codes]
        whole = shapely.union_all(shapes)
        assert row.geometry.equals_exact(shapes[0]) or row.geometry.equals(whole), row.record
        schematic = any(polygons[code][1] == "schematic" for code in codes)
        assert (row.geometry_source == "schematic") == schematic, row.record
        # What is drawn as its county, for want of a township, says so.
        told = level(row.division_code) if len(codes[0]) == 9 else level(codes[0])
        assert len(codes) > 1 or row.precision == told, row.record


@pytest.mark.parametrize("layer", FACT_LAYERS)
def test_what_is_not_schematic_is_made_of_whole_counties_cities_or_the_province(
    frames: dict[str, gpd.GeoDataFrame], polygons: dict[str, tuple[Any, str]], layer: str
) -> None:
    coarse = {c: s for c, (s, _) in polygons.items() if len(c) == 6 and c.startswith("14")}
    tree = shapely.STRtree(list(coarse.values()))
    frame = frames[layer]
    firm = frame[frame["geometry_source"].ne("schematic") & ~frame.geometry.isna()]
    for shape, record in {wkb: (s, r) for s, r, wkb in zip(
        firm.geometry, firm["record"], firm.geometry.to_wkb(), strict=True
    )}.values():  # fmt: skip
        whole = [tree.geometries[i] for i in tree.query(shape, predicate="covers")]
        assert whole, record
        assert shapely.union_all(whole).symmetric_difference(shape).area < 1e-9, record


def test_townships_that_nobody_imported_are_schematic_and_have_no_area(frames: dict[str, gpd.GeoDataFrame]) -> None:
    townships = frames["townships"]
    assert set(townships["geometry_source"]) == {"schematic"}
    assert townships["area_km2"].isna().all()
    assert frames["counties"]["area_km2"].gt(0).all()


def test_fact_layers_have_no_precision_beyond_the_village(frames: dict[str, gpd.GeoDataFrame]) -> None:
    for layer in FACT_LAYERS:
        assert set(frames[layer]["precision"]) <= set(ORDER) - {"site"}
        order = frames[layer]["precision"].map(ORDER.index)
        assert order.is_monotonic_increasing, "coarse features must lie below fine ones"


def test_no_course_of_a_route_is_drawn(frames: dict[str, gpd.GeoDataFrame]) -> None:
    routes = frames["routes"]
    drawn = routes[~routes.geometry.isna()]
    assert set(drawn.geom_type) <= {"Polygon", "MultiPolygon"}
    assert (drawn["stops_placed"].fillna(0) <= drawn["stops_named"].fillna(0)).all()
    assert drawn["stops_placed"].gt(10).any()


def test_names_known_only_by_their_city_have_no_shape_and_keep_their_candidates(
    frames: dict[str, gpd.GeoDataFrame], build: Build
) -> None:
    bare = {"ambiguous": 0, "unlisted": 0}
    for layer in (name for name in FACT_LAYERS if name not in {"zones", "routes"}):
        reported = {row["fid"]: row["reason"] for row in store.layer_report(build, layer)["rows"]}
        for row in frames[layer].itertuples():
            kind = row.flags[0].split(":")[0] if row.flags else ""
            if kind not in bare or row.precision not in {"city", "province"}:
                continue
            bare[kind] += 1
            assert row.geometry is None
            assert row.geometry_source == "none"
            assert row.fid in reported
            if kind == "ambiguous":
                assert row.candidates
                assert all("/" in candidate for candidate in row.candidates)
    assert all(bare.values()), bare


def test_every_frame_is_in_the_storage_system_and_numbered_once(frames: dict[str, gpd.GeoDataFrame]) -> None:
    for frame in frames.values():
        assert frame.crs.to_epsg() == 4490
        assert sorted(frame["fid"]) == list(range(1, len(frame) + 1))
        west, south, east, north = frame.total_bounds
        assert 110 < west < east < 115
        assert 34 < south < north < 41


@pytest.mark.parametrize("layer", LAYERS)
def test_the_legend_counts_what_is_drawn_and_said_for_the_first_time(
    build: Build, frames: dict[str, gpd.GeoDataFrame], layer: str
) -> None:
    legend, frame = store.layer_metadata(build, layer)["legend"], frames[layer]
    counted = frame[frame["class"].ge(0)]
    if legend["type"] == "categories" and "duplicate_of" in frame:
        counted = counted[counted["duplicate_of"].isna() & ~counted.geometry.isna()]
    counts = counted["class"].value_counts().to_dict()
    assert counts == {index: entry["count"] for index, entry in enumerate(legend["entries"]) if entry["count"]}
