"""Layer files: what is refused, and that the message names file, key and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from geoplan.errors import LayerError
from geoplan.layers.definition import Statistic, load_definition, load_definitions
from geoplan.pack.statistics import Statistic as PackStatistic
from geoplan.terms import Level
from tests.commands import ROOT

PARKS = (ROOT / "layers" / "parks.toml").read_text("utf-8")
FARMLAND = (ROOT / "layers" / "farmland.toml").read_text("utf-8")
COUNTIES = (ROOT / "layers" / "counties.toml").read_text("utf-8")
COVERAGE = (ROOT / "layers" / "coverage.toml").read_text("utf-8")


def test_the_layer_files_of_the_project_are_read_in_drawing_order() -> None:
    definitions = load_definitions(ROOT / "layers")
    assert [d.order for d in definitions] == sorted(d.order for d in definitions)
    assert {d.id for d in definitions} == {p.stem for p in (ROOT / "layers").glob("*.toml")} - {"plans"}
    levels = {d.id: d.select.level for d in definitions if d.select.source != "records"}
    assert levels["townships"] is Level.TOWNSHIP


@pytest.mark.parametrize(
    ("text", "old", "new", "message"),
    [
        (PARKS, "order = 6", "order = 6\ncolour = 1", "parks.toml: colour: there is no such key; take it out"),
        (PARKS, "kinds =", "kind = 1\nkinds =", "parks.toml: select.kind: there is no such key"),
        (PARKS, "order = 6\n", "", "parks.toml: order: Field required."),
        (PARKS, "order = 6", "order =", "parks.toml: not a TOML file:"),
        (PARKS, '"park"', '"garden"', "parks.toml: select.kinds.0: Input should be 'base', 'farmland', 'park'"),
        (PARKS, 'kinds = ["park"]', 'kinds = ["park"]\nthemes = ["gold"]', "select.themes: unknown themes: gold"),
        (PARKS, 'source = "records"', 'source = "dreams"', "parks.toml: select: "),
        (PARKS, "schema_version = 1", "schema_version = 2", "parks.toml: schema_version: Input should be 1"),
        (PARKS, 'field = "theme"\n', "", "style: a style needs a field, unless its scheme is 'single'"),
        (PARKS, 'scheme = "categories"', 'scheme = "single"', "style: a style needs a field, unless its scheme is"),
        (PARKS, 'scheme = "categories"', 'scheme = "quantiles"\nbreaks = [1]', "breaks belong to the scheme 'breaks'"),
        (PARKS, '"#5778a4"', '"red"', "parks.toml: style.palette.0: String should match pattern"),
        (PARKS, 'id = "parks"', 'id = "park"', "parks.toml: id: 'park' is not the name of the file."),
        (FARMLAND, "breaks = [0, 5, 10, 20]", "breaks = [5, 0]", "farmland.toml: style: breaks must rise"),
        (FARMLAND, 'unit = "万亩"\next', 'unit = "万斗"\next', "farmland.toml: measure: unknown unit '万斗': write it"),
        (FARMLAND, 'unit = "万亩"\next', 'unit = "亿元"\next', "'亿元' is a unit of CNY, and area is counted in"),
        (COUNTIES, 'level = "county"', 'level = "village"', "select.level: Input should be 'province', 'city',"),
        (PARKS, "[style]", "[levels]\nzoom = 9\n[style]", "parks.toml: levels.zoom: there is no such key; take it out"),
        (PARKS, "[style]", '[levels]\nmax_zoom = "9"\n[style]', "levels.max_zoom: Input should be a valid integer."),
        (PARKS, "[style]", "[levels]\nmax_zoom = 20\n[style]", "levels.max_zoom: Input should be less than or equal"),
        (PARKS, "[style]", "[levels]\nmin_zoom = 9\nmax_zoom = 8\n[style]", "levels: min_zoom 9 is above max_zoom 8;"),
        (PARKS, "[style]", "[levels]\nmax_zoom = 8\ncomplete_zoom = 8\n[style]", "max_zoom 8 is not below complete_"),
        (PARKS, "[style]", "[levels.statistics]\nvalue = 'median'\n[style]", "levels.statistics.value: Input should"),
        (PARKS, "[style]", "[levels]\ndissolve = ['a']\nstatistics = {a = 'count'}\n[style]", "'a' is kept apart by"),
        (COVERAGE, 'level = "county"', 'level = "city"', "select.level: Input should be 'county' or 'township'."),
    ],
)  # fmt: skip
def test_a_broken_layer_file_is_named_with_its_key(tmp_path: Path, text: str, old: str, new: str, message: str) -> None:
    assert text.count(old) == 1
    name = text.split('"')[1]
    path = tmp_path / f"{name}.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(LayerError) as caught:
        load_definition(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"layers/{path.name}: ")
    assert "pydantic" not in str(caught.value)


def test_levels_are_of_polygons(tmp_path: Path) -> None:
    path = tmp_path / "parks.toml"
    path.write_text(PARKS.replace('geometry = "polygon"', 'geometry = "line"') + "\n[levels]\n", encoding="utf-8")
    with pytest.raises(LayerError, match=r"^layers/parks\.toml: layer: levels: a layer of geometry 'line' has none"):
        load_definition(path)


def test_the_statistics_of_a_layer_file_are_those_of_a_pack() -> None:
    assert get_args(Statistic) == get_args(PackStatistic)


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "parks.toml"
    path.write_text(PARKS.replace("order = 6", "ordre = 6").replace('"park"', '"garden"'), encoding="utf-8")
    with pytest.raises(LayerError) as caught:
        load_definition(path)
    assert [line.split(":")[1].strip() for line in str(caught.value).splitlines()] == [
        "order", "select.kinds.0", "ordre",
    ]  # fmt: skip


def test_a_layer_file_in_another_encoding_is_no_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "parks.toml"
    path.write_bytes(PARKS.encode("gb18030"))
    with pytest.raises(LayerError, match=r"layers/parks\.toml: not a TOML file"):
        load_definition(path)


def test_a_folder_without_layer_files_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "plans.toml").write_text("", encoding="utf-8")
    with pytest.raises(LayerError, match="no layer file"):
        load_definitions(tmp_path)
