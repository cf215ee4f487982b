"""Which shape stands for a place, and what a name that cannot be placed becomes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import shapely

from geoplan.errors import Problem
from geoplan.gazetteer import Gazetteer
from geoplan.layers.placement import Located, Shape, Shapes, locate, merge
from geoplan.records import PlaceRef
from geoplan.terms import GeometrySource, Precision
from tests.layers.small_world import PLAN, SHAPES, gazetteer, shapes


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return gazetteer(tmp_path_factory.mktemp("gazetteer"))


def place(names: Gazetteer, text: str) -> Located | Problem:
    return locate(names, PLAN.area, PlaceRef.parse(text), "plan.csv", 7)


@pytest.mark.parametrize(
    ("text", "code", "precision", "drawn", "source", "level"),
    [
        ("市", "140100", Precision.CITY, ["140100"], GeometrySource.GENERALISED, None),
        ("甲县", "140101", Precision.COUNTY, ["140101"], GeometrySource.GENERALISED, None),
        ("甲县/丙镇", "140101001", Precision.TOWNSHIP, ["140101001"], GeometrySource.SCHEMATIC, None),
        # A township that is not drawn is its county.
        ("乙县/丁镇", "140102001", Precision.TOWNSHIP, ["140102"], GeometrySource.GENERALISED, Precision.COUNTY),
        # The village's own code begins with that of another township.
        ("甲县/戊村", "140101002201", Precision.VILLAGE, ["140101001"], GeometrySource.SCHEMATIC, None),
        # A zone of a schematic township and a county is as coarse as the county and as vague as the township.
        ("新区", "140171", Precision.COUNTY, ["140101001", "140102"], GeometrySource.SCHEMATIC, None),
    ],
)
def test_a_listed_place_is_drawn_as_its_division(
    names: Gazetteer,
    text: str,
    code: str,
    precision: Precision,
    drawn: list[str],
    source: GeometrySource,
    level: Precision | None,
) -> None:
    found = place(names, text)
    assert isinstance(found, Located)
    assert (found.division.code, found.precision, found.flags) == (code, precision, ())
    shape = shapes().of(found)
    assert shape.geometry is not None
    assert shape.geometry.equals(shapely.union_all([SHAPES[part] for part in drawn]))
    assert (shape.source, shape.precision) == (source, level or precision)


def test_a_name_no_list_has_is_no_finer_than_the_division_around_it(names: Gazetteer) -> None:
    found = place(names, "甲县/~己村=已村")
    assert isinstance(found, Located)
    assert (found.name, found.division.code, found.precision) == ("己村", "140101", Precision.COUNTY)
    assert found.flags == ("unlisted: 己村", "written: 已村")


def test_a_name_that_fits_several_places_keeps_them_all(names: Gazetteer) -> None:
    found = place(names, "?丁镇")
    assert isinstance(found, Located)
    assert (found.division.name, found.precision) == ("市", Precision.CITY)
    assert found.flags == ("ambiguous: 丁镇",)
    assert sorted(found.candidates) == ["省/市/乙县/丁镇", "省/市/甲县/丁镇"]


@pytest.mark.parametrize("text", ["丁镇", "庚县", "甲县/庚镇", "庚县/~己村", "乙县/丙镇"])
def test_a_place_that_is_not_one_listed_division_is_a_problem_with_its_row(names: Gazetteer, text: str) -> None:
    found = place(names, text)
    assert isinstance(found, Problem)
    assert (found.code, found.file, found.row, found.column) == ("unknown-place", "plan.csv", 7, "places")
    assert text in found.message
    assert "mark it: ~" in found.remedy


def test_divisions_that_are_not_drawn_have_no_shape(names: Gazetteer) -> None:
    nothing = Shape(None, GeometrySource.NONE, Precision.COUNTY)
    assert shapes().union(["999999"], Precision.COUNTY) == nothing
    found = place(names, "乙县")
    assert isinstance(found, Located)
    stranger = replace(found, division=replace(found.division, code="990101"))
    assert shapes().of(stranger) == nothing


def test_a_village_is_no_better_known_than_its_township(names: Gazetteer) -> None:
    found = place(names, "甲县/戊村")
    assert isinstance(found, Located)
    cell = shapes().by_code["140101001"]
    for drawn, told in [(GeometrySource.OFFICIAL, GeometrySource.APPROXIMATE), (GeometrySource.SCHEMATIC,) * 2]:
        known = Shapes({"140101001": cell._replace(source=drawn)}, frozenset())
        assert known.of(found).source is told


def test_a_merged_shape_is_as_trustworthy_as_its_least_part() -> None:
    sources = (GeometrySource.SURVEYED, GeometrySource.APPROXIMATE, GeometrySource.GENERALISED)
    parts = [Shape(SHAPES["140101"], source, Precision.COUNTY) for source in sources]
    assert merge(parts, Precision.REGION)[1:] == (GeometrySource.APPROXIMATE, Precision.REGION)
