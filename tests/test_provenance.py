"""Citations and hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.provenance import Citation, sha256_file, sha256_parts


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) * (size // 256 + 1)
    path = tmp_path / "f"
    path.write_bytes(content[:size])
    assert sha256_file(path) == hashlib.sha256(content[:size]).hexdigest()


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_parts_hash_equally_only_when_they_are_equal(a: list[str], b: list[str]) -> None:
    assert (sha256_parts(*a) == sha256_parts(*b)) == (a == b)


def test_moving_a_boundary_between_parts_changes_the_hash() -> None:
    assert len({sha256_parts("ab", "c"), sha256_parts("a", "bc"), sha256_parts("abc"), sha256_parts("abc", "")}) == 4


@pytest.mark.parametrize(("line", "start", "end"), [(0, 0, 1), (-1, 0, 1), (1, -1, 1), (1, 3, 3), (1, 4, 3)])
def test_a_citation_of_nothing_is_refused(line: int, start: int, end: int) -> None:
    with pytest.raises(ValueError, match=f"line {line}, span {start}-{end}"):
        Citation("xinzhou", line, start, end)


def test_span_as_it_is_written() -> None:
    assert Citation("xinzhou", 330, 0, 25).span == "0-25"
