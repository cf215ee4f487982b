"""A worker is killed, or hangs, under load: the others serve on, and it is replaced."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.services.faults.mixed import Expected, Load, Timeline, requests
from tests.services.faults.service import Service, serving

CLIENTS = 4
BACK_S = 40
MOST_S = 3.0
ASKED = requests(("plots",))
STATE = ("v1", "1")


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV], ids=["killed", "hangs", "crashes"])
def test_the_others_serve_on_and_the_worker_returns(service: Service, build_dir: Path, fate: signal.Signals) -> None:
    assert build_dir.is_dir()
    expected = Expected()
    expected.learn(service, STATE, ASKED)
    before = service.await_ready(BACK_S)
    assert len(before) == 2
    load = Load(service, expected, Timeline(STATE), ASKED).start(CLIENTS)
    time.sleep(1.5)
    victim = min(before)

    os.kill(victim, fate)
    for _ in range(20):
        begin = time.monotonic()
        assert service.ask("/collections/plots/items/1").status == 200
        assert time.monotonic() - begin < MOST_S, "a new connection waits for the worker that is gone"
    after = service.await_ready(BACK_S, frozenset({victim}))
    outcome = load.stop()

    print(outcome)
    assert len(after) == 2
    assert victim not in after
    assert before - {victim} <= after, "a healthy worker was ended as well"
    # Each client has one connection, and it may have been to the worker that is gone.
    assert len(outcome.broken) <= CLIENTS, outcome
    assert not outcome.wrong, outcome
    assert not outcome.failed, outcome


def test_a_service_whose_workers_cannot_start_ends_with_one_message(tmp_path: Path, build_dir: Path) -> None:
    started = time.monotonic()
    log = tmp_path / "log"
    with (
        pytest.raises(RuntimeError, match="did not start"),
        serving(build_dir, log, GEOPLAN_AUTH=str(tmp_path / "missing" / "auth.json")) as running,
    ):
        pytest.fail(f"it serves: {running.log}")

    assert time.monotonic() - started < 45
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")[-1500:]
