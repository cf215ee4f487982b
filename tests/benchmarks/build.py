"""Time and memory of builds, each in a process of its own, in interleaved rounds; medians.

Run with ``python -m tests.benchmarks.build [ROUNDS]``. A whole build starts from an empty build folder; the sources
are in the page cache after the first round, as they are on a machine that builds a second time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GEOPLAN = str(Path(sys.executable).with_name("geoplan"))
CASES = ("whole build", "nothing changed", "--help")


def _measure(case: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak memory in MiB of one command."""
    command = [GEOPLAN, "--help"] if case == "--help" else [GEOPLAN, "build"]
    environment = os.environ | {"GEOPLAN_BUILD": str(folder)}
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if status:
        message = f"{' '.join(command)} failed"
        raise SystemExit(message)
    # Linux counts in KiB, macOS in bytes.
    return seconds, usage.ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)


def main() -> None:
    """Measure all cases in turn, several times, and print their medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    figures: dict[str, list[tuple[float, float]]] = {case: [] for case in CASES}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for case in CASES:
                figures[case].append(_measure(case, Path(folder)))
    print(f"{'case':<18}{'median s':>10}{'min':>8}{'max':>8}{'peak MiB':>10}")
    for case, measured in figures.items():
        seconds = [second for second, _ in measured]
        peak = max(memory for _, memory in measured)
        print(f"{case:<18}{statistics.median(seconds):>10.2f}{min(seconds):>8.2f}{max(seconds):>8.2f}{peak:>10.0f}")


if __name__ == "__main__":
    main()
