"""Requests of every kind at once, each answer compared with what a quiet service says in each state of its data."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import NamedTuple

from tests.services.faults.service import Answer, Client, Service, leaks

GZIP = {"Accept-Encoding": "gzip"}
LATE_S = 3.0
"""A worker looks for a switch once a second; the rest is for a busy machine."""
State = tuple[str, str]
"""Build and pack that are in use."""


class Asked(NamedTuple):
    """A request."""

    path: str
    gzip: bool = True
    head: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """Its headers."""
        return dict(GZIP) if self.gzip else {}


def _paths(id_: str) -> list[str]:
    items = f"/collections/{id_}/items"
    return [
        f"/tiles/{id_}/8/207/98.mvt",
        f"/tiles/{id_}/9/415/197.mvt",
        f"/tiles/{id_}/12/3323/1581.mvt",
        f"/tiles/{id_}/9/415/197.geojson",
        f"/tiles/{id_}/9/415/197.mvt?filter=class=3",
        f"/tiles/{id_}/9/415/197.mvt?properties=version,name",
        f"/collections/{id_}/tiles/WebMercatorQuad/9/197/415",
        f"{items}?limit=1000",
        f"{items}?limit=7&f=html",
        f"{items}?bbox=112.1,37.1,112.4,37.4&limit=1000",
        f"{items}?bbox=112.1,37.1,112.4,37.4&limit=10&crs=http://www.opengis.net/def/crs/EPSG/0/3857",
        f"{items}?point=112.512,37.512",
        f"{items}?near=112.5,37.5&radius=8000&limit=50",
        f"{items}?near=112.5,37.5&nearest=5",
        f"{items}?filter=class=3%20AND%20area_mu%3E200&limit=1000",
        f"{items}?filter=S_INTERSECTS(geometry,POLYGON((112.2%2037.2,112.5%2037.2,112.3%2037.6,112.2%2037.2)))",
        f"{items}?class=2&sortby=-area_mu&limit=20",
        f"{items}?datetime=2021-03-01/2021-04-01&limit=500",
        f"{items}/17",
        f"{items}/430",
        f"/collections/{id_}",
        f"/collections/{id_}/queryables",
        f"/tiles/{id_}.json",
    ]


def requests(ids: Sequence[str]) -> list[Asked]:
    """Every kind of request to these collections, compressed, plain, and HEAD."""
    both = [f"/tiles/WebMercatorQuad/9/197/415?collections={','.join(ids)}", "/tiles/WebMercatorQuad/8/98/207"]
    paths = [path for id_ in ids for path in _paths(id_)] + both + ["/collections", "/layers"]
    return [Asked(path, gzip, head) for path in paths for gzip, head in ((True, False), (False, False), (True, True))]


Seen = tuple[int, bytes, str, str]
"""Status, body without its time, tag and length."""


def seen(answer: Answer) -> Seen:
    """What of an answer must be the same each time."""
    # The length of what tells the time of its making is the same, as the time always has as many digits; that of
    # its compressed form is not.
    timed = b"timeStamp" in answer.body or answer.headers.get("etag", "").startswith("W/")
    length = "" if timed else answer.headers.get("content-length", "")
    return answer.status, answer.timeless, answer.headers.get("etag", ""), length


class Expected:
    """What a quiet service answered in each state."""

    def __init__(self) -> None:
        self._by_request: dict[Asked, dict[State, Seen]] = {}

    def learn(self, service: Service, state: State, asked: Sequence[Asked]) -> None:
        """Ask everything in this state, on two connections each, which must agree."""
        clients = [service.client() for _ in range(2)]
        for one in asked:
            found = {seen(_ask(client, one)) for client in clients}
            assert len(found) == 1, f"{one} has several answers in state {state}: {found}"
            (answer,) = found
            assert answer[0] in {200, 204}, (one, answer)
            assert answer[2], f"{one} has no tag"
            self._by_request.setdefault(one, {})[state] = answer
        for client in clients:
            client.close()

    def states_of(self, asked: Asked, answer: Answer) -> set[State]:
        """States in which the service gives this answer."""
        found = seen(answer)
        return {state for state, expected in self._by_request[asked].items() if expected == found}

    def states_of_tag(self, asked: Asked, tag: str) -> set[State]:
        """States in which the answer has this tag."""
        return {state for state, expected in self._by_request[asked].items() if expected[2] == tag}

    def tag(self, asked: Asked, state: State) -> str:
        """Its tag in a state."""
        return self._by_request[asked][state][2]


def _ask(client: Client, asked: Asked, headers: Mapping[str, str] | None = None) -> Answer:
    return client.ask(asked.path, asked.headers | dict(headers or {}), "HEAD" if asked.head else "GET")


class Timeline:
    """Which states were in use when, as the one who switches knows it."""

    def __init__(self, state: State) -> None:
        self._used: list[tuple[float, float, State]] = [(float("-inf"), float("inf"), state)]
        self._lock = threading.Lock()

    @property
    def states(self) -> list[State]:
        """All states in their order."""
        return [state for _, _, state in self._used]

    def switch(self, state: State, move: Callable[[], object]) -> None:
        """Run what makes `state` the one in use; while it runs the old and the new one are."""
        with self._lock:
            self._used.append((time.monotonic(), float("inf"), state))
        move()
        with self._lock:
            begin, _, former = self._used[-2]
            self._used[-2] = (begin, time.monotonic(), former)

    def allowed(self, begin: float, end: float) -> set[State]:
        """States that an answer of a request between two times may be of."""
        with self._lock:
            return {state for first, last, state in self._used if first <= end and last + LATE_S >= begin}


@dataclass
class Outcome:
    """What the clients of a load met."""

    answers: int = 0
    unchanged: int = 0
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    states: Counter[State] = field(default_factory=Counter)

    def __str__(self) -> str:
        listed = [*self.wrong[:5], *self.failed[:5], *self.broken[:5]]
        return (
            f"{self.answers} answers, {self.unchanged} of them 304, {len(self.wrong)} wrong, "
            f"{len(self.failed)} failed, {len(self.broken)} broken connections; {len(self.states)} states"
            + "".join(f"\n  {one}" for one in listed)
        )


class Load:
    """Clients that ask without a pause and compare each answer."""

    def __init__(self, service: Service, expected: Expected, timeline: Timeline, asked: Sequence[Asked]) -> None:
        self.outcome = Outcome()
        self._service, self._expected, self._timeline, self._asked = service, expected, timeline, asked
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, clients: int = 4) -> Load:
        """Begin to ask."""
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Outcome:
        """End after the answers that are under way."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(60)
        return self.outcome

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        client = self._service.client()
        for number in itertools.count(1):
            if self._stopped.is_set():
                break
            if number % 40 == 0:  # new connections, so that all workers have their share
                client.close()
            asked = chance.choice(self._asked)
            begin = time.monotonic()
            known = chance.choice(sorted(self._timeline.allowed(begin, begin))) if chance.random() < 0.3 else None
            tag = self._expected.tag(asked, known) if known else ""
            try:
                answer = _ask(client, asked, {"If-None-Match": tag} if tag else None)
            except (OSError, HTTPException) as error:
                with self._lock:
                    self.outcome.broken.append(f"{asked}: {error!r}")
                continue
            self._judge(asked, tag, answer, self._timeline.allowed(begin, time.monotonic()))
        client.close()

    def _judge(self, asked: Asked, tag: str, answer: Answer, allowed: set[State]) -> None:
        unchanged = answer.status == 304
        of = self._expected.states_of_tag(asked, tag) if unchanged and tag else self._expected.states_of(asked, answer)
        needless = tag and not unchanged and of and of <= self._expected.states_of_tag(asked, tag)
        with self._lock:
            outcome = self.outcome
            outcome.answers += 1
            outcome.unchanged += unchanged
            if answer.status not in {200, 204, 304}:
                outcome.failed.append(f"{asked}: {answer.status} {answer.body[:200]!r}")
            elif not of & allowed or needless or leaks(answer.body) or (unchanged and answer.sent):
                why = "304 was due" if needless else f"of {sorted(of)}, allowed {sorted(allowed)}"
                outcome.wrong.append(f"{asked} If-None-Match {tag}: {answer.status} {why}")
            elif len(of) == 1:
                outcome.states[next(iter(of))] += 1
