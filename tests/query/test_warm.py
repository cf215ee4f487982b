"""After warming nothing is compiled when a question comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pytest
import shapely

from geoplan.pack import assemble, digits, writer
from geoplan.pack.build import PackOptions, pack_frame
from geoplan.pack.open import open_pack
from geoplan.query import access, distance, indexes, kernels
from geoplan.query.answer import select
from geoplan.query.filters import compile_filter
from geoplan.query.model import Query
from geoplan.query.warm import _mapped, _Small, warm


def signatures() -> int:
    found = 0
    for module in (kernels, indexes, distance, digits, writer):
        found += sum(len(one.signatures) for one in vars(module).values() if hasattr(one, "signatures"))
    return found


COUNT = 300


def table() -> dict[str, Any]:
    """Columns of all types, of few values and of many."""
    return {
        "few": np.arange(COUNT) % 3,
        "word": (np.arange(COUNT) % 5).astype(str),
        "text": np.arange(COUNT).astype(str),
        "whole": np.arange(COUNT),
        "real": np.arange(COUNT) / 7,
        "day": pa.array(np.arange(COUNT, dtype=np.int32), pa.date32()),
    }


def shapes() -> list[Any]:
    along = np.arange(COUNT) / 100
    return [shapely.box(x, 1, x + 0.01, 1.02) if x > 1 else shapely.Point(x, 1) for x in along]


def ask(pack: Any) -> None:
    """A question of each kind."""
    part = pack.source
    texts = ["few=1 and word='2'", "text>'5' and few=2", "whole>5 and whole<50", "real>1", "day>DATE('1970-02-01')"]
    for text in texts:
        for box in (None, (0, 0, 2, 2)):
            answer = select(pack, Query(filter=compile_filter(text, pack=part), bbox=box, limit=5))
            writer.write_features(part, answer.rows)
    for question in (
        Query(bbox=(0, 0, 9, 9), limit=3),
        Query(point=(0.5, 1)),
        Query(near=(0.5, 1), radius_m=5000.0),
        Query(near=(0.5, 1), nearest=4),
        Query(sortby=("text", "-real")),
        Query(ids=(4, 5)),
        Query(equal={"text": "8"}),
        Query(equal={"whole": "8", "few": "2"}),
    ):
        writer.write_features(part, select(pack, question).rows, crs="EPSG:3857")


@pytest.mark.parametrize("most", [20, 4096])
def test_no_question_waits_for_the_compiler(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    warm()
    before = signatures()
    assert before > 5
    monkeypatch.setattr(access, "_SORTED", most)
    monkeypatch.setattr(assemble, "MOST_CODES", 10)
    ask(_Small(_mapped(assemble.memory_part(pa.table(table()), shapes()))))
    assert signatures() == before


def test_no_question_to_an_open_pack_waits_for_the_compiler(tmp_path: Path) -> None:
    warm()
    before = signatures()
    frame = gpd.GeoDataFrame(pa.table(table()).to_pandas(), geometry=shapes(), crs="EPSG:4490")
    pack_frame(frame, tmp_path / "pack", PackOptions("many"))
    ask(open_pack(tmp_path / "pack"))
    assert signatures() == before
