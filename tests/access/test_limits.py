"""Token buckets: their rate, and their memory with very many callers."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access.limits import RateLimiter, network_of
from tests.key_files import Clock


def test_a_burst_then_the_rate(clock: Clock) -> None:
    limiter = RateLimiter(clock=clock)
    assert [limiter.take("a", 2.0, 5) for _ in range(5)] == [0.0] * 5
    assert limiter.take("a", 2.0, 5) == pytest.approx(0.5)
    assert limiter.take("b", 2.0, 5) == 0.0
    clock.now += 0.5
    assert limiter.take("a", 2.0, 5) == 0.0
    assert limiter.take("a", 2.0, 5) > 0
    clock.now += 100
    assert sum(limiter.take("a", 2.0, 5) == 0.0 for _ in range(20)) == 5


@given(st.floats(0.1, 100), st.integers(1, 50), st.lists(st.floats(0, 2), min_size=1, max_size=200))
def test_never_more_than_the_burst_and_the_rate_allow(rate: float, burst: int, pauses: list[float]) -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(clock=clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        taken += limiter.take("a", rate, burst) == 0.0
    assert taken <= burst + rate * clock.now + 1e-6


@given(st.floats(0.1, 100), st.integers(1, 20))
def test_after_the_wait_that_is_told_there_is_one(rate: float, burst: int) -> None:
    clock = Clock(0.0)
    limiter = RateLimiter(clock=clock)
    while not (wait := limiter.take("a", rate, burst)):
        pass
    clock.now += wait + 1e-9
    assert limiter.take("a", rate, burst) == 0.0


def test_memory_is_bounded_with_100000_addresses(clock: Clock) -> None:
    limiter = RateLimiter(max_callers=10_000, clock=clock)
    for number in range(100_000):
        limiter.take(network_of(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), 1.0, 5)
    kept = limiter._full_at
    used = sys.getsizeof(kept) + sum(sys.getsizeof(name) + sys.getsizeof(at) for name, at in kept.items())
    assert len(kept) == 10_000
    assert used < 2 << 20
    assert network_of.cache_info().currsize <= 4096


def test_a_busy_caller_is_not_forgotten_for_others(clock: Clock) -> None:
    limiter = RateLimiter(max_callers=100, clock=clock)
    refused = 0
    for number in range(1000):
        refused += limiter.take("busy", 0.001, 20) > 0
        limiter.take(f"idle {number}", 1.0, 5)
    assert refused == 1000 - 20


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("unix", "unix", True),
    ],
)
def test_one_network_is_one_caller(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert (network_of(one) == network_of(other)) is same
