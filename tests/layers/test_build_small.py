"""Layers of a country made in code: empty ones, and ones that cannot be built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geoplan.errors import LayerError
from geoplan.layers import store
from geoplan.layers.store import Build
from tests.layers import small_world


def test_a_layer_that_no_plan_has_a_fact_for_is_empty(tmp_path_factory: pytest.TempPathFactory) -> None:
    names = small_world.gazetteer(tmp_path_factory.mktemp("gazetteer"))
    stated = small_world.facts(names, small_world.record(3, "甲县", "area 3 万亩"))
    some = small_world.layer(names, stated)
    none = small_world.layer(names, stated, select={"source": "records", "kinds": ["park"]})
    assert (len(some.frame), len(none.frame)) == (1, 0)
    assert set(some.frame.columns) == set(none.frame.columns)
    assert (none.metadata["count"], none.metadata["bounds"], none.metadata["legend"]["entries"]) == (0, None, [])
    assert (none.report["selected"], none.report["rows"]) == (0, [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"unmatched": "refuse"}, r"layers/farmland\.toml: 1 of 2 rows are not joined"),
        ({"sources": ["atlas"]}, r"layers/farmland\.toml: sources: atlas is not in SOURCES\.toml"),
        (
            {"select": {"source": "divisions", "level": "county", "within": ["庚省"]}, "measure": None},
            r"layers/farmland\.toml: select\.within: .*庚省",
        ),
    ],
)
def test_a_layer_that_cannot_be_built_says_why(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any], message: str
) -> None:
    names = small_world.gazetteer(tmp_path_factory.mktemp("gazetteer"))
    stated = small_world.facts(names, small_world.record(3, "甲县"), small_world.record(4, region="南部"))
    with pytest.raises(LayerError, match=message):
        small_world.layer(names, stated, **changes)


def test_a_layer_without_a_fact_is_an_empty_layer(tmp_path: Path) -> None:
    names = small_world.gazetteer(tmp_path)
    stated = small_world.facts(names, small_world.record(3, "甲县"))
    made = small_world.layer(names, stated, select={"source": "records", "kinds": ["park"]})
    assert (len(made.frame), made.report["selected"], made.metadata["bounds"]) == (0, 0, None)
    store.write_layer(tmp_path, "farmland", made)
    store.write_json(tmp_path / store.MANIFEST, {"layers": ["farmland"], "plans": []})
    assert len(store.read_layer_frame(Build(tmp_path, "v"), "farmland")) == 0
