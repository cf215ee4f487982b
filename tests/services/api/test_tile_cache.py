"""The cache of answers stays within its bytes and drops what was used longest ago."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.api.answers import Sent
from services.api.tile_cache import Entry, TileCache

OWN = 1024


def entry(size: int) -> Entry:
    return Entry(Sent(200, b"", b"", b"x" * size, b""), 1)


def test_least_recently_used_goes_first() -> None:
    cache = TileCache(2 * OWN + 10)
    for key in ("a", "b"):
        cache.put(key, entry(4))
    assert cache.get("a") is not None
    cache.put("c", entry(2))
    assert [cache.get(key) is not None for key in ("a", "b", "c")] == [True, False, True]


def test_a_body_larger_than_the_cache_is_not_kept() -> None:
    cache = TileCache(OWN + 10)
    cache.put("small", entry(10))
    cache.put("large", entry(11))
    assert cache.get("small") is not None
    assert cache.get("large") is None
    cache.put("small", entry(11))
    assert (cache.size_bytes, len(cache)) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4000))))
def test_never_more_than_its_bytes(requests: list[tuple[int, int]]) -> None:
    cache = TileCache(10_000)
    for key, size in requests:
        cache.put(key, entry(size))
        kept = [found for number in range(21) if (found := cache.get(number)) is not None]
        assert cache.size_bytes == sum(len(found.sent.body) + OWN for found in kept) <= 10_000
