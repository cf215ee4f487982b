"""After warming nothing is compiled when a question comes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely

from geoplan.pack import assemble, writer
from geoplan.query import distance, kernels
from geoplan.query.answer import select
from geoplan.query.filters import compile_filter
from geoplan.query.model import Query
from geoplan.query.warm import _mapped, _Small, warm


def signatures() -> int:
    found = 0
    for module in (kernels, distance, writer):
        found += sum(len(one.signatures) for one in vars(module).values() if hasattr(one, "signatures"))
    return found


def test_no_question_waits_for_the_compiler(monkeypatch: object) -> None:
    warm()
    before = signatures()
    assert before > 5
    count = 300
    monkeypatch.setattr(assemble, "MOST_CODES", 10)  # type: ignore[attr-defined]
    table = {
        "few": np.arange(count) % 3,
        "word": (np.arange(count) % 5).astype(str),
        "text": np.arange(count).astype(str),
        "whole": np.arange(count),
        "real": np.arange(count) / 7,
        "day": pa.array(np.arange(count, dtype=np.int32), pa.date32()),
    }
    along = np.arange(count) / 100
    shapes = [shapely.box(x, 1, x + 0.01, 1.02) if x > 1 else shapely.Point(x, 1) for x in along]
    part = _mapped(assemble.memory_part(pa.table(table), shapes))
    pack = _Small(part)
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
    ):
        writer.write_features(part, select(pack, question).rows, crs="EPSG:3857")
    assert signatures() == before
