"""Memory of the workers over many requests of every kind."""

from __future__ import annotations

import time
from pathlib import Path

from tests.services.faults.mixed import Expected, Load, Timeline, requests
from tests.services.faults.service import Service

WARM_S, MEASURED_S = 8, 10
MOST = 1.05
ASKED = requests(("places", "plots"))
STATE = ("v1", "1")


def test_memory_stays_flat(service: Service, build_dir: Path) -> None:
    assert build_dir.is_dir()
    expected = Expected()
    expected.learn(service, STATE, ASKED)
    load = Load(service, expected, Timeline(STATE), ASKED).start()
    time.sleep(WARM_S)
    warm, before = load.outcome.answers, service.private_mib()
    time.sleep(MEASURED_S)
    outcome, after = load.stop(), service.private_mib()

    print(outcome, before, after)
    assert not outcome.wrong, outcome
    assert not outcome.failed, outcome
    assert not outcome.broken, outcome
    assert outcome.answers - warm > 1000
    assert before.keys() == after.keys()
    for pid, mib in after.items():
        assert mib <= before[pid] * MOST, f"worker {pid} grew from {before[pid]:.1f} to {mib:.1f} MiB"


def test_requests_that_are_all_different_leave_nothing_behind(service: Service) -> None:
    """Caches by filter, by header and by address are bounded."""

    def ask(number: int) -> None:
        with_filter = f"/collections/plots/items?filter=area_mu%3E{number}.5%20AND%20class={number % 5}&limit=5"
        assert client.ask(with_filter).status == 200
        assert client.ask(f"/tiles/plots/9/415/197.mvt?filter=area_mu%3E{number}.25").status in {200, 204}
        accept = {
            "Accept": f"text/x{number}, application/json",
            "Accept-Encoding": f"gzip, x{number}",
            "If-None-Match": f'"{number}"',
        }
        assert client.ask(f"/collections/plots/items/{number % 400 + 1}", accept).status == 200
        assert client.ask(f"/collections/none{number}/items").status == 404

    client = service.client()
    for number in range(400):
        ask(number)
    before = service.private_mib()
    for number in range(400, 1400):
        ask(number)
    after = service.private_mib()
    client.close()

    print(before, after)
    for pid, mib in after.items():
        assert mib <= before[pid] * MOST, f"worker {pid} grew from {before[pid]:.1f} to {mib:.1f} MiB"
