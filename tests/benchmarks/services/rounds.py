"""Rounds in which every measure's two sides take turns, so that whatever else the machine does hits both."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.services import rivals, servers
from tests.benchmarks.services.lists import read_list
from tests.benchmarks.services.load import memory_mib, walk
from tests.benchmarks.services.measures import Contender, Entry, Measure, count, path
from tests.benchmarks.services.servers import Server, Workspace

RESULTS = "results.jsonl"
PORTS = {"tipg": 8001, "duckdb": 8004, "nginx": 8005, "geoplan": 8010, "geoplan-warm": 8011}
COMPARED = 25
"""Entries of a list whose answers are compared before it is measured."""
CLIENT = httpx.Client(headers={"Accept-Encoding": "gzip"}, timeout=120)


def fetch(server: Server, request: str) -> tuple[bytes, int]:
    """The unpacked body of an answer, and how many bytes were sent for it."""
    answer = CLIENT.get(f"http://127.0.0.1:{server.port}{request}")
    answer.raise_for_status()
    return answer.content, answer.num_bytes_downloaded


def compare(measure: Measure, entries: Sequence[Entry], started: dict[str, Server]) -> str:
    """What differs in the answers of the two sides, as a sentence; empty when they agree within the tolerance."""
    if measure.tolerance is None:
        return ""
    differing = total = 0
    for entry in entries[:: max(1, len(entries) // COMPARED)][:COMPARED]:
        first, second = (
            count(side.kind, fetch(started[side.server], path(side, entry))[0])
            for side in (measure.subject, measure.rival)
        )
        # GeoJSON tiles and files state no count of their own: what they hold is compared.
        # A tile of geoplan's holds all of its buffer, a rival's only what reaches the tile itself.
        differing += sum(max(0, b - a) if measure.buffered else abs(a - b) for a, b in zip(first, second, strict=True))
        total += sum(second)
    if total == 0:
        return "no answer holds a feature"
    if differing > measure.tolerance * total:
        return f"{differing} of {total} features differ between {measure.subject.server} and {measure.rival.server}"
    return ""


def start(stack: ExitStack, work: Workspace, names: Iterable[str]) -> dict[str, Server]:
    """Start the servers of these names."""
    makers = {
        "tipg": lambda port: rivals.tipg(work, port),
        "duckdb": lambda port: rivals.duckdb(work, port),
        "nginx": lambda port: rivals.nginx(work, port),
        "geoplan": lambda port: servers.geoplan(work, port, cache=False),
        "geoplan-warm": lambda port: servers.geoplan(work, port, cache=True),
    }
    return {name: stack.enter_context(makers[name](PORTS[name])) for name in sorted(set(names))}


def store_files(work: Workspace, measure: Measure, entries: Sequence[Entry], source: Server) -> None:
    """Give nginx the bytes that geoplan sends."""
    requests = [path(measure.subject, entry) for entry in entries]
    names = [path(measure.rival, entry).lstrip("/") for entry in entries]
    rivals.store_answers(work.root / "nginx" / "tiles", source.port, requests, names)


def keep(out: Path, line: dict[str, Any]) -> None:
    """Add a line to the results."""
    with out.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def one_round(
    number: int,
    measure: Measure,
    entries: Sequence[Entry],
    started: dict[str, Server],
    seconds: dict[str, float],
    out: Path,
) -> None:
    """Walk the list with both sides, the rival first, and note what was seen."""
    for role, side in (("rival", measure.rival), ("subject", measure.subject)):
        server, requests = started[side.server], [path(side, entry) for entry in entries]
        lasting = seconds[role]
        # Each round walks another stretch of the list; both sides begin at the same entry.
        first = number * len(entries) // 10
        options = {"connections": measure.connections, "first": first, "roots": server.roots}
        server.warm()
        if measure.entries:
            walk(server.port, requests, seconds=lasting, **options)
        seen = walk(server.port, requests, seconds=lasting, **options)
        stated = {"measure": measure.id, "role": role, "round": number, "server": server.name, "cache": server.cache}
        line = stated | seen.as_dict() | {"memory_mib": round(memory_mib(server.roots))}
        keep(out, line)
        print(
            f"round {number + 1} {measure.id:16s} {server.name:14s} {seen.rps:10.1f}/s  p50 {seen.p50:8.2f}  "
            f"p99 {seen.p99:8.1f} ms  {seen.bytes:9.0f} B  bad {seen.bad}  others {seen.foreign:.2f} cores",
            flush=True,
        )


def sides(measures: Iterable[Measure], only: Sequence[str]) -> list[Contender]:
    """The sides of the measures whose servers are asked for; all, when none is named."""
    found = [side for measure in measures for side in (measure.subject, measure.rival)]
    return [side for side in found if not only or side.server in only]


def run(work: Workspace, measures: Sequence[Measure], *, rounds: int, seconds: dict[str, float]) -> list[str]:
    """Start what the measures need, compare the answers, and run the rounds.

    Returns
    -------
    list
        What differed in the answers; a measure with a difference is not run.
    """
    differences = []
    with ExitStack() as stack:
        started = start(stack, work, (side.server for side in sides(measures, ())))
        ready = []
        for measure in measures:
            entries = read_list(work.lists, measure.requests)[: measure.entries]
            if measure.rival.server == "nginx":
                store_files(work, measure, entries, started[measure.subject.server])
            found = compare(measure, entries, started)
            if measure.largest:
                server = started[measure.subject.server]
                sizes = [fetch(server, path(measure.subject, entry))[1] for entry in entries]
                keep(work.root / RESULTS, {"measure": measure.id, "role": "sizes", "largest": max(sizes)})
            if found:
                differences.append(f"{measure.id}: {found}")
            else:
                ready.append((measure, entries))
        for number in range(rounds):
            for measure, entries in ready:
                one_round(number, measure, entries, started, seconds, work.root / RESULTS)
    return differences


def alone(work: Workspace, measures: Sequence[Measure], name: str, *, seconds: float) -> None:
    """Walk the lists of one server only: a baseline, not a comparison; nothing is kept."""
    with ExitStack() as stack:
        started = start(stack, work, [name])
        for measure in measures:
            for side in sides([measure], [name]):
                entries = read_list(work.lists, measure.requests)[: measure.entries]
                server, requests = started[name], [path(side, entry) for entry in entries]
                seen = walk(server.port, requests, seconds=seconds, connections=measure.connections, roots=server.roots)
                print(f"{measure.id:16s} {server.name:14s} {seen.as_dict()}", flush=True)
