"""The cache of encoded tiles stays within its bytes and drops what was used longest ago."""

from __future__ import annotations

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from services.api.tile_cache import TileCache


def test_least_recently_used_goes_first() -> None:
    cache, made = TileCache(10), []

    def get(key: str) -> bytes:
        return cache.get_or_make(key, lambda: made.append(key) or key.encode() * 4)  # type: ignore[func-returns-value]

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key.encode() * 4
    assert made == ["a", "b", "c", "b"]


def test_a_body_larger_than_the_cache_is_not_kept() -> None:
    cache = TileCache(10)
    assert cache.get_or_make("small", lambda: b"xx") == b"xx"
    assert cache.get_or_make("large", lambda: b"x" * 11) == b"x" * 11
    assert cache.size_bytes == 2


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 40))))
def test_never_more_than_its_bytes(requests: list[tuple[int, int]]) -> None:
    cache = TileCache(100)
    sizes: dict[int, int] = {}
    for key, size in requests:
        body = b"x" * sizes.setdefault(key, size)
        assert cache.get_or_make(key, partial(bytes.strip, body)) == body
        assert cache.size_bytes <= 100
