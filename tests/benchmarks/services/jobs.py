"""Commands that run to their end: the build of a pack, and the seeding of an archive against tippecanoe."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pyogrio.raw

from tests.benchmarks.services.load import memory_mib
from tests.benchmarks.services.servers import Workspace, geoplan_environment, pack_command, pack_folder
from tests.commands import GEOPLAN

JOBS = "jobs.jsonl"
MIN_ZOOM, MAX_ZOOM = 10, 14
SAMPLING_S = 0.2


def run_job(command: Sequence[str], env: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Run a command to its end.

    Returns
    -------
    tuple
        Seconds, and the most memory in MiB that it and its children held at once (PSS, sampled five times a second;
        pages of mapped files count).

    Raises
    ------
    SystemExit
        If it fails.
    """
    began, peak = time.perf_counter(), 0.0
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while True:
            try:
                _, errors = process.communicate(timeout=SAMPLING_S)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, memory_mib([process.pid]))
        seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} failed:\n{errors.decode(errors='replace')[-2000:]}")
    return seconds, peak


def note(work: Workspace, job: str, seconds: float, peak: float, **more: float) -> None:
    """Keep and print one run of a job."""
    line = {"job": job, "seconds": round(seconds, 2), "peak_mib": round(peak), **more}
    with (work.root / JOBS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(line, flush=True)


def build_pack(work: Workspace, name: str) -> None:
    """Build the pack of a data set from nothing."""
    shutil.rmtree(pack_folder(work, name).parent, ignore_errors=True)
    seconds, peak = run_job(pack_command(work, name), geoplan_environment(work))
    features = pq.ParquetFile(work.source(name)).metadata.num_rows
    size = sum(path.stat().st_size for path in pack_folder(work, name).resolve().rglob("*") if path.is_file())
    note(work, f"pack_{name}", seconds, peak, features=features, mib=round(size / 2**20))


def flatgeobuf(work: Workspace) -> Path:
    """The parcels as tippecanoe reads them fastest; not counted."""
    target = work.root / "parcels.fgb"
    if not target.exists():
        options = {"driver": "FlatGeobuf", "layer": "parcels", "geometry_type": "Polygon", "crs": "EPSG:4326"}
        table = pq.read_table(work.source("parcels"))
        pyogrio.raw.write_arrow(table, target, geometry_name="geometry", **options)
    return target


def seed(work: Workspace) -> None:
    """Seed the parcels' archive with geoplan, then with tippecanoe, every feature kept by both."""
    target = work.root / "seed"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    zooms = [f"--min-zoom={MIN_ZOOM}", f"--max-zoom={MAX_ZOOM}"]
    ours, theirs = target / "geoplan.pmtiles", target / "tippecanoe.pmtiles"
    command = [GEOPLAN, "seed", str(pack_folder(work, "parcels")), "-o", str(ours), *zooms]
    seconds, peak = run_job(command, geoplan_environment(work))
    note(work, "seed_geoplan", seconds, peak, mib=round(ours.stat().st_size / 2**20))
    kept = ["--no-feature-limit", "--no-tile-size-limit", "--no-line-simplification", "--no-tiny-polygon-reduction"]
    command = [work.rival("tippecanoe"), f"-Z{MIN_ZOOM}", f"-z{MAX_ZOOM}", *kept, "-q", "-o", str(theirs)]
    seconds, peak = run_job([*command, "-l", "parcels", str(flatgeobuf(work))])
    note(work, "seed_tippecanoe", seconds, peak, mib=round(theirs.stat().st_size / 2**20))
