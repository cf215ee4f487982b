"""How long a build takes and how much memory it needs: ``python -m tests.benchmarks.build`` (``make bench``).

Three rounds, the kinds of builds in turn, each as the real command in a process of its own; medians are printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.commands import GEOPLAN, ROOT, copy_project, environment

ROUNDS = 3


class Run(NamedTuple):
    """What one command took."""

    seconds: float
    peak_mib: float


def measure(project: Path, *arguments: str) -> Run:
    """Run the command and ask the kernel what it used."""
    with (project / "log").open("w") as log:
        began = time.perf_counter()
        process = subprocess.Popen([GEOPLAN, *arguments], env=environment(project), stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((project / "log").read_text("utf-8"))
    return Run(seconds, usage.ru_maxrss / 1024)


def touch_record(project: Path) -> None:
    """Change a record file."""
    path = project / "layers" / "records" / "clusters.csv"
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")


def main() -> None:
    """Measure and print."""
    kinds: dict[str, tuple[Callable[[Path], object], tuple[str, ...]]] = {
        "whole build": (lambda _: None, ("build", "--force")),
        "one record changed": (touch_record, ("build",)),
        "nothing changed": (lambda _: None, ("build",)),
        "geoplan --help": (lambda _: None, ("--help",)),
    }
    runs: dict[str, list[Run]] = {name: [] for name in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            project = copy_project(Path(folder) / str(number))
            for name, (prepare, arguments) in kinds.items():
                prepare(project)
                runs[name].append(measure(project, *arguments))
    print(f"{ROOT.name}: medians of {ROUNDS} rounds")
    print(f"{'':<20}{'seconds':>9}{'peak MiB':>10}   all seconds")
    for name, made in runs.items():
        seconds = statistics.median(run.seconds for run in made)
        peak = statistics.median(run.peak_mib for run in made)
        print(f"{name:<20}{seconds:>9.2f}{peak:>10.0f}   {', '.join(f'{run.seconds:.2f}' for run in made)}")


if __name__ == "__main__":
    main()
