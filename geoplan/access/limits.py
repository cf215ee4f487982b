"""How often one may ask: a token bucket a caller, in bounded memory."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from functools import lru_cache

MAX_CALLERS = 50_000


class RateLimiter:
    """Token buckets by name.

    A bucket is kept as one number, the moment when it will be full again (the generic cell rate algorithm, which
    gives the same answers as counting tokens). The longest unused go first once there are too many: those are
    the full ones, which hold no information. For one event loop; not for threads.

    Parameters
    ----------
    max_callers
        Most buckets kept.
    clock
        Seconds that only grow.
    """

    def __init__(self, max_callers: int = MAX_CALLERS, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_callers = max_callers
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, caller: str, rate_per_s: float, burst: int) -> float:
        """Take one token; 0.0, or the seconds to wait until there is one, when nothing is taken."""
        wait = self.wait(caller, rate_per_s, burst)
        now = self._clock()
        # Taken out and put back: a dict keeps the order of insertion, so the longest unused stand first.
        full_at = max(self._full_at.pop(caller, now), now)
        self._full_at[caller] = full_at if wait > 0 else full_at + 1 / rate_per_s
        if wait > 0:
            return wait
        if len(self._full_at) > self.max_callers:
            del self._full_at[next(iter(self._full_at))]
        return 0.0

    def wait(self, caller: str, rate_per_s: float, burst: int) -> float:
        """Seconds until `take` would give a token; 0.0 when it would at once."""
        now = self._clock()
        return max(0.0, self._full_at.get(caller, now) - now - (burst - 1) / rate_per_s)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """What is counted as one anonymous caller: an IPv4 address, or the /64 that a single IPv6 customer has."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip) >> 64 << 64, 64)))
