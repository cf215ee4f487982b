"""One walk through a list of paths with wrk, and what the machine did meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

WALK = Path(__file__).with_name("walk.lua")


@dataclass(frozen=True)
class Walk:
    """What wrk saw.

    Attributes
    ----------
    requests, rps, bad
        Answers, answers a second, and answers that failed (status 400 or more, broken or late connections).
    p50, p99
        Milliseconds.
    bytes
        Mean size of an answer with its header.
    wrapped
        Whether some path was asked for twice, so that a cache anywhere could help.
    cores
        Cores that the servers kept busy.
    foreign
        Cores that neither the servers nor wrk used: above about 0.2 the run says little.
    """

    requests: int
    rps: float
    p50: float
    p99: float
    bytes: float
    bad: int
    wrapped: bool
    cores: float
    foreign: float

    def as_dict(self) -> dict[str, Any]:
        """The walk as JSON."""
        return asdict(self)


def families(roots: Iterable[int]) -> list[psutil.Process]:
    """The processes `roots` and all below them."""
    found = []
    for root in roots:
        try:
            process = psutil.Process(root)
            found += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    return found


def seconds_used(processes: Iterable[psutil.Process]) -> float:
    """Processor seconds of these processes so far."""
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def memory_mib(roots: Iterable[int]) -> float:
    """Memory of the families in MiB, pages that several share divided among them (PSS)."""
    total = 0
    for process in families(roots):
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return total / 2**20


def busy_seconds() -> float:
    """Processor seconds of the whole machine so far."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq


def walk(
    port: int,
    paths: Sequence[str],
    *,
    seconds: float,
    connections: int = 8,
    first: int = 0,
    roots: Sequence[int] = (),
) -> Walk:
    """Walk `paths` for some seconds, beginning at `first`, against the server on 127.0.0.1.

    Parameters
    ----------
    roots
        The server's processes, whose use of the machine is told from that of others.

    Raises
    ------
    SystemExit
        If wrk fails.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{path}\n" for path in paths)
        file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{max(1, round(seconds))}s",
            "--timeout",
            "30s",
            "-s",
            str(WALK),
        ]
        servers = families(roots)
        machine, used, own = busy_seconds(), seconds_used(servers), os.times()
        answer = subprocess.run(
            [*command, f"http://127.0.0.1:{port}"],
            env=os.environ | {"PATHS": file.name, "FIRST": str(first)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    lines = [line for line in answer.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"wrk against port {port} failed: {(answer.stderr or answer.stdout).strip()}")
    seen = json.loads(lines[0])
    lasted = seen["requests"] / seen["rps"] if seen["rps"] else seconds
    cores = (seconds_used(servers) - used) / lasted
    children = os.times()
    wrk = (children.children_user + children.children_system - own.children_user - own.children_system) / lasted
    foreign = max(0.0, (busy_seconds() - machine) / lasted - cores - wrk)
    wrapped = seen["requests"] > len(paths)
    return Walk(**seen, wrapped=wrapped, cores=round(cores, 2), foreign=round(foreign, 2))
