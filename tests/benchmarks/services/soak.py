"""The long versions of the tests of faults: ``python -m tests.benchmarks.services.soak --minutes 10``.

switch   mixed load, every answer compared, while builds and packs are switched and workers are killed
memory   wrk walks through all requests until ``--requests`` are answered; the workers' memory after every tenth
idle     ``--idle`` connections that say nothing, and slow ones, while normal requests are timed

Everything runs on small layers made on the spot. The end is 1 when something was not as it should be.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import resource
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from geoplan.pack.publish import publish_pack
from tests.benchmarks.services.load import walk
from tests.services.faults import grids
from tests.services.faults.mixed import Expected, Load, Outcome, State, Timeline, requests
from tests.services.faults.service import Service, serving

ASKED = requests(("places", "plots"))
ROUND: list[State] = [("v1", "1"), ("v2", "1"), ("v2", "2"), ("v3", "2"), ("v3", "3"), ("v1", "3")]
CLIENTS = 4
WARM = 20_000
MOST = 1.05
"""Most that memory may grow after the warm-up."""
SLOW_S = 1.0
"""A normal request beside idle connections that takes longer is reported as late."""


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks.services.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("only", nargs="*", choices=("switch", "memory", "idle", []), help="all of them unless named")
    parser.add_argument("--minutes", type=float, default=10, help="of mixed load under switches")
    parser.add_argument("--every", type=float, default=3, help="seconds between switches")
    parser.add_argument("--kill-every", type=float, default=0, help="seconds between killed workers; 0: none")
    parser.add_argument("--requests", type=int, default=1_000_000, help="for the memory")
    parser.add_argument("--idle", type=int, default=10_000, help="connections that say nothing")
    return parser.parse_args()


class Layers:
    """Builds and packs in a folder, and which of them are in use."""

    def __init__(self, folder: Path) -> None:
        self.build_dir = folder / "build"
        self._builds = {f"v{n}": grids.write_build(folder / f"v{n}", n, "places") for n in (1, 2, 3)}
        self._state: State = ("", "")
        self.put_in_use(ROUND[0])

    def put_in_use(self, state: State) -> None:
        """Switch to a build and publish a pack, as far as they are not in use."""
        if state[0] != self._state[0]:
            grids.switch(self.build_dir, self._builds[state[0]])
        if state[1] != self._state[1]:
            publish_pack(grids.plots(int(state[1])), self.build_dir / "packs", grids.options("plots"))
        self._state = state

    def learn(self, service: Service, states: list[State]) -> Expected:
        """What the service says in each state; the last one stays in use."""
        expected = Expected()
        for state in states:
            self.put_in_use(state)
            time.sleep(1.5)
            expected.learn(service, state, ASKED)
        return expected


def switch_and_kill(service: Service, layers: Layers, asked: argparse.Namespace) -> list[str]:
    """Mixed load for some minutes; returns what was wrong."""
    timeline = Timeline(ROUND[-1])
    load = Load(service, layers.learn(service, ROUND), timeline, ASKED).start(CLIENTS)
    began = told = killed_at = time.monotonic()
    kills = 0
    for state in itertools.cycle(ROUND):
        if time.monotonic() - began > asked.minutes * 60:
            break
        timeline.switch(state, partial(layers.put_in_use, state))
        time.sleep(asked.every)
        if asked.kill_every and time.monotonic() - killed_at > asked.kill_every:
            os.kill(random.choice(service.workers()).pid, signal.SIGKILL)  # noqa: S311 - not for secrets
            killed_at, kills = time.monotonic(), kills + 1
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"{told - began:6.0f} s  {load.outcome}", flush=True)
    outcome = load.stop()
    print(f"switch: {outcome}; {len(timeline.states)} states after one another, {kills} workers killed", flush=True)
    return faults_of(outcome, kills)


def faults_of(outcome: Outcome, kills: int) -> list[str]:
    """What a load met that it should not; each killed worker may break one connection of each client."""
    found = [f"{len(outcome.wrong)} wrong answers"] if outcome.wrong else []
    found += [f"{len(outcome.failed)} failed answers"] if outcome.failed else []
    if len(outcome.broken) > kills * CLIENTS:
        found.append(f"{len(outcome.broken)} broken connections, with {kills} workers killed")
    return found


def memory(service: Service, layers: Layers, asked: argparse.Namespace) -> list[str]:
    """Walk through all requests many times; returns what was wrong."""
    layers.put_in_use(ROUND[0])
    paths = [one.path for one in ASKED if one.gzip and not one.head]
    warm = _walked(service, paths, WARM)
    before = sizes(service)
    print(f"memory: after {warm} requests {_told(before)}", flush=True)
    done, found = 0, []
    for _ in range(10):
        done += _walked(service, paths, asked.requests // 10)
        now = sizes(service)
        print(f"memory: after {done} more {_told(now)}", flush=True)
    for pid, mib in sizes(service).items():
        if mib > before.get(pid, 0) * MOST:
            found.append(f"worker {pid} grew from {before.get(pid, 0):.1f} to {mib:.1f} MiB")
    return found


def _walked(service: Service, paths: list[str], count: int) -> int:
    done, seconds = 0, 2.0
    while done < count:
        walked = walk(service.port, paths, seconds=seconds, connections=8)
        if walked.bad:
            raise SystemExit(f"{walked.bad} of {walked.requests} requests failed")
        done += walked.requests
        seconds = max(1.0, min(60.0, (count - done) / walked.rps))
    return done


def sizes(service: Service) -> dict[int, float]:
    """PSS of each worker in MiB."""
    return {worker.pid: worker.memory_full_info().pss / 2**20 for worker in service.workers()}


def _told(found: dict[int, float]) -> str:
    return ", ".join(f"{pid}: {mib:.1f} MiB" for pid, mib in found.items())


@contextmanager
def connected(service: Service, count: int) -> Iterator[list[socket.socket]]:
    """Connections on which nothing was sent."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", service.port), 10)) for _ in range(count)]


def idle(service: Service, asked: argparse.Namespace) -> list[str]:
    """Many connections that say nothing, a few that speak slowly, and normal requests between; what was wrong."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(asked.idle, hard - 500) if hard != resource.RLIM_INFINITY else asked.idle
    files = sum(worker.num_fds() for worker in service.workers())
    with connected(service, count), connected(service, 50) as slow:
        late = 0
        times: list[float] = []
        most = 0
        ends = time.monotonic() + 30
        while time.monotonic() < ends:
            for sock in slow:
                try:
                    sock.sendall(b"GET / HTTP/1.1\r\nA: " if not times else b"a")
                except OSError:
                    continue
            begin = time.monotonic()
            if service.ask(ASKED[len(times) % len(ASKED)].path).status >= 500:
                return ["a normal request failed beside idle connections"]
            times.append(time.monotonic() - begin)
            late += times[-1] > SLOW_S
            most = max(most, sum(worker.num_fds() for worker in service.workers())) if len(times) % 50 == 1 else most
    time.sleep(3)
    left = sum(worker.num_fds() for worker in service.workers()) - files
    print(
        f"idle: {count} connections, {len(times)} requests between, median {statistics.median(times) * 1e3:.1f} ms, "
        f"longest {max(times) * 1e3:.0f} ms; the workers had up to {most} files open, {left} more than before at the end",  # noqa: E501
        flush=True,
    )
    found = [f"{late} requests took more than {SLOW_S} s"] if late else []
    return [*found, *([f"{left} connections are left"] if left > 20 else [])]


def main() -> int:
    """Run what was asked for."""
    asked = options()
    chosen = asked.only or ["switch", "memory", "idle"]
    with tempfile.TemporaryDirectory() as folder:
        layers = Layers(Path(folder))
        with serving(layers.build_dir, Path(folder) / "service.log") as service:
            found = switch_and_kill(service, layers, asked) if "switch" in chosen else []
            found += memory(service, layers, asked) if "memory" in chosen else []
            found += idle(service, asked) if "idle" in chosen else []
            if "Traceback" in service.log:
                found.append(f"the service's log:\n{service.log[-3000:]}")
    print("\n".join(found) or "nothing was wrong")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
