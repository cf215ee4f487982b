"""The first rows by id are the same whichever way they are found."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.query import access
from geoplan.query.access import first_by_id


@given(
    ids=st.lists(st.integers(0, 2**63 - 1), unique=True, max_size=60),
    chosen=st.data(),
    after=st.integers(-1, 2**63 - 2),
    limit=st.integers(0, 70),
)
def test_the_first_by_id_are_those_of_the_smallest_ids(ids: list[int], chosen: Any, after: int, limit: int) -> None:
    rows = chosen.draw(st.lists(st.sampled_from(range(len(ids))), unique=True) if ids else st.just([]))
    after = chosen.draw(st.sampled_from([after, *ids, -1]))
    wanted = sorted((row for row in rows if ids[row] > after), key=lambda row: ids[row])[:limit]
    part: Any = SimpleNamespace(ids=np.array(ids, np.int64))
    with pytest.MonkeyPatch.context() as patched:
        for most in (-1, 4096):
            patched.setattr(access, "_SORTED", most)
            assert first_by_id(part, np.array(rows, np.int64), after, limit).tolist() == wanted
