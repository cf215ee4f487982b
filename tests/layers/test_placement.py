"""Which shape stands for a place, and what a name that cannot be placed becomes."""

from __future__ import annotations

import pytest
import shapely

from geoplan.errors import Problem
from geoplan.gazetteer import Gazetteer, resolve_place
from geoplan.layers.placement import Located, locate
from geoplan.records import PlaceRef
from geoplan.terms import GeometrySource, Precision
from tests.layers.small_world import PLAN, SHAPES, gazetteer, shapes


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    return gazetteer(tmp_path_factory.mktemp("gazetteer"))


def place(names: Gazetteer, text: str) -> Located | Problem:
    return locate(names, PLAN.area, PlaceRef.parse(text), "plan.csv", 7)


@pytest.mark.parametrize(
    ("text", "code", "precision", "drawn", "source"),
    [
        ("市", "140100", Precision.CITY, ["140100"], GeometrySource.GENERALISED),
        ("甲县", "140101", Precision.COUNTY, ["140101"], GeometrySource.GENERALISED),
        ("甲县/丙镇", "140101001", Precision.TOWNSHIP, ["140101001"], GeometrySource.SCHEMATIC),
        # A township that is not drawn is its county.
        ("乙县/丁镇", "140102001", Precision.TOWNSHIP, ["140102"], GeometrySource.GENERALISED),
        # The village's own code begins with that of another township.
        ("甲县/戊村", "140101002201", Precision.VILLAGE, ["140101001"], GeometrySource.SCHEMATIC),
        # A zone of a schematic township and a county is as coarse as the county and as vague as the township.
        ("新区", "140171", Precision.COUNTY, ["140101001", "140102"], GeometrySource.SCHEMATIC),
    ],
)
def test_a_listed_place_is_drawn_as_its_division(
    names: Gazetteer, text: str, code: str, precision: Precision, drawn: list[str], source: GeometrySource
) -> None:
    found = place(names, text)
    assert isinstance(found, Located)
    assert (found.division.code, found.precision, found.flags) == (code, precision, ())
    geometry, trusted = shapes().of(found.division)
    assert geometry is not None
    assert geometry.equals(shapely.union_all([SHAPES[part] for part in drawn]))
    assert trusted is source


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


def test_divisions_that_are_not_drawn_have_no_shape() -> None:
    assert shapes().union(("999999",)) == (None, GeometrySource.NONE)


def test_a_division_outside_the_country_has_no_shape(names: Gazetteer) -> None:
    import dataclasses

    stranger = dataclasses.replace(resolve_place(names, "乙县").one, code="990101")
    assert shapes().of(stranger) == (None, GeometrySource.NONE)
