"""Quotas beside the land they lie in: a bound stays a bound, a sketch has no share."""

from __future__ import annotations

import pytest
from pyproj import Geod

from geoplan.gazetteer import Gazetteer
from geoplan.records import PlanRecord
from tests.layers.small_world import SHAPES, facts, gazetteer, layer, record

SHARES = {"name": "area", "unit": "万亩", "extensive": True, "shares": True}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return gazetteer(tmp_path_factory.mktemp("gazetteer"))


def shares(names: Gazetteer, *records: PlanRecord) -> dict[int, tuple[float | None, str | None, str | None]]:
    """Cultivated share, its qualifier and its record, by line."""
    frame = layer(names, facts(names, *records), measure=SHARES).frame
    wanted = ("cultivated_share", "cultivated_share_qualifier", "cultivated_record")
    rows = frame[["line", *wanted]].astype(object).where(frame[["line", *wanted]].notna(), None)
    return {line: tuple(rest) for line, *rest in rows.itertuples(index=False)}


def test_a_quota_is_a_part_of_its_county_on_the_ellipsoid(names: Gazetteer) -> None:
    frame = layer(names, facts(names, record(3, "甲县", "area 30 万亩")), measure=SHARES).frame
    # Parallels bulge away from geodesics: cut fine, the two agree.
    hectares = abs(Geod(ellps="GRS80").geometry_area_perimeter(SHAPES["140101"].segmentize(0.001))[0]) / 1e4
    assert frame["area_share"].item() == pytest.approx(20_000 / hectares, rel=1e-6)


@pytest.mark.parametrize(
    ("places", "figure"),
    [("甲县/丙镇", "area 3 万亩"), ("甲县;乙县", "area 3 万亩"), ("甲县", "ratio 50 %"), ("甲县", "")],
)
def test_schematic_shared_and_other_figures_have_no_share(names: Gazetteer, places: str, figure: str) -> None:
    known = record(9, "乙县", "area 1 万亩")
    frame = layer(names, facts(names, record(3, places, figure), known), measure=SHARES).frame
    assert frame.loc[frame["line"].eq(3), "area_share"].isna().all()


@pytest.mark.parametrize(
    ("quota", "base", "share"),
    [
        ("exact", "exact", (0.25, "exact", "plan-5-01")),
        ("at_least", "exact", (0.25, "at_least", "plan-5-01")),
        ("exact", "at_least", (0.25, "at_most", "plan-5-01")),
        ("at_least", "at_least", (None, None, None)),
        ("about", "at_least", (None, None, None)),
    ],
)
def test_the_share_of_cultivated_land_keeps_the_bounds(
    names: Gazetteer, quota: str, base: str, share: tuple[float | None, str | None, str | None]
) -> None:
    found = shares(
        names,
        record(3, "甲县", "area 30 万亩", qualifier=quota),
        record(5, "甲县", "area 120 万亩", theme="cultivated_land", qualifier=base),
        record(7, "乙县", "area 30 万亩"),
        record(8, "乙县", "area 60 万亩", theme="cultivated_land", duplicate_of="plan-5-01"),
    )
    assert found == {3: share, 5: (None, None, None), 7: (None, None, None), 8: (None, None, None)}


def test_a_target_is_not_divided_by_a_baseline(names: Gazetteer) -> None:
    quota = record(3, "甲县", "area 30 万亩")
    land = record(5, "甲县", "area 120 万亩", theme="cultivated_land", status="baseline")
    assert shares(names, quota, land)[3] == (None, None, None)
