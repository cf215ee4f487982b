"""Builds and packs are switched under load: every answer is wholly of one state, and none is lost."""

from __future__ import annotations

import itertools
import time
from functools import partial
from pathlib import Path

from geoplan.layers import store
from geoplan.pack.open import open_pack
from geoplan.pack.publish import publish_pack
from tests.services.faults import grids
from tests.services.faults.mixed import Expected, Load, State, Timeline, requests
from tests.services.faults.service import Service

SECONDS = 12
ASKED = requests(("places", "plots"))
ROUND: list[State] = [("v1", "1"), ("v2", "1"), ("v2", "2"), ("v3", "2"), ("v3", "3"), ("v1", "3")]
"""From each state to the next one, and from the last to the first, one link moves."""


def put_in_use(state: State, build_dir: Path, builds: dict[str, Path]) -> None:
    """Switch to a build and publish a pack, as far as they are not in use."""
    if (build_dir / store.CURRENT).resolve() != builds[state[0]]:
        grids.switch(build_dir, builds[state[0]])
    current = build_dir / "packs" / "plots" / "current"
    if open_pack(current).manifest.count != len(grids.plots(int(state[1]))):
        publish_pack(grids.plots(int(state[1])), build_dir / "packs", grids.options("plots"))


def learned(service: Service, build_dir: Path, builds: dict[str, Path]) -> tuple[Expected, Timeline]:
    """What the service says in each state, and the last of them in use."""
    expected = Expected()
    for state in ROUND:
        put_in_use(state, build_dir, builds)
        time.sleep(1.3)
        expected.learn(service, state, ASKED)
    return expected, Timeline(ROUND[-1])


def test_answers_are_wholly_of_one_state_while_builds_and_packs_are_switched(
    service: Service, build_dir: Path, builds: dict[str, Path]
) -> None:
    expected, timeline = learned(service, build_dir, builds)
    load = Load(service, expected, timeline, ASKED).start()
    deadline = time.monotonic() + SECONDS
    for state in itertools.cycle(ROUND):
        timeline.switch(state, partial(put_in_use, state, build_dir, builds))
        time.sleep(1.5)
        if time.monotonic() > deadline:
            break
    outcome = load.stop()

    print(outcome)
    assert not outcome.wrong, outcome
    assert not outcome.failed, outcome
    assert not outcome.broken, outcome
    assert outcome.answers > 1000
    assert outcome.unchanged > 50
    assert len({build for build, _ in outcome.states}) == len({pack for _, pack in outcome.states}) == 3
    assert "Traceback" not in service.log, service.log[-3000:]
