"""The one table of what the service offers: method and path → scope, kind of work, and the layers it answers from.

A request that no row describes needs `Scope.ADMIN`; a test walks every route of the service and fails on one that
no row describes, and on a row that describes no route. Where several rows fit a path, all of them hold: the highest
scope, and every row's layers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl

from geoplan.access.grant import Scope

READING = frozenset({"GET", "HEAD", "OPTIONS"})
LISTED = "*"
"""Instead of a layer's name: the answer is put together of the layers that the caller sees."""


class Kind(StrEnum):
    """What a request costs; limits are set by kind."""

    PAGE = "page"
    """Files and fixed documents."""
    TILE = "tile"
    FEATURES = "features"
    """A page of features, one feature, a place."""
    ANALYSIS = "analysis"
    """An answer computed from whole layers; few run at once."""
    WRITE = "write"
    UPLOAD = "upload"
    """A write that carries a file."""
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Rule:
    """A row.

    Attributes
    ----------
    template
        Path with ``{name}`` for one segment or a part of one, ``{name:path}`` for all that is left.
    scope
        The least that the caller must have. `Scope.NONE` is open to everyone.
    layers
        Where the layers are named: ``{name}`` of the template, ``?name`` in the query (without it: all that the
        caller sees), `LISTED`, or empty when the answer is from no layer. Layers are parted by commas.
        A layer that is public needs no scope for reading.
    """

    methods: frozenset[str]
    template: str
    scope: Scope
    kind: Kind
    layers: str = ""


class Requirement(NamedTuple):
    """What a request needs: its scope and kind, and the layers it names.

    `listed` says that the answer is made of the layers that the caller sees.
    """

    scope: Scope
    kind: Kind
    layers: tuple[str, ...] = ()
    listed: bool = False
    declared: bool = True


UNDECLARED = Requirement(Scope.ADMIN, Kind.ADMIN, declared=False)


def _open(layers: str, *templates: str) -> list[Rule]:
    return [Rule(frozenset({"GET"}), template, Scope.NONE, Kind.PAGE, layers) for template in templates]


def _read(kind: Kind, layers: str, *templates: str) -> list[Rule]:
    return [Rule(frozenset({"GET"}), template, Scope.READ, kind, layers) for template in templates]


def _ask(methods: str, kind: Kind, scope: Scope, layers: str, *templates: str) -> list[Rule]:
    return [Rule(frozenset(methods.split()), template, scope, kind, layers) for template in templates]


_ONE = "/collections/{layer}"
_TILE = "{matrix_set}/{tile_matrix}/{tile_row}/{tile_col}"

RULES: tuple[Rule, ...] = (
    # The pages, their files, and documents that tell of the service, not of what it holds.
    *_open("", "/viewer/{path:path}", "/vendor/{path:path}", "/healthz"),
    *_open("", "/conformance", "/tileMatrixSets", "/tileMatrixSets/{matrix_set}"),
    # These name the layers that the caller sees.
    *_open(LISTED, "/", "/api", "/api.html"),
    # Lists: each caller has the layers it sees.
    *_read(Kind.FEATURES, LISTED, "/layers", "/collections"),
    # One layer.
    *_read(Kind.FEATURES, "{layer}", "/layers/{layer}", "/layers/{layer}/items", "/layers/{layer}/items/{fid}"),
    *_read(Kind.FEATURES, "{layer}", _ONE, f"{_ONE}/queryables", f"{_ONE}/sortables", f"{_ONE}/schema"),
    *_read(Kind.FEATURES, "{layer}", f"{_ONE}/items", f"{_ONE}/items/{{fid}}"),
    # Tiles.
    *_read(Kind.TILE, "{layer}", "/tiles/{layer}.json"),
    *_read(Kind.TILE, "{layer}", *(f"/tiles/{{layer}}/{{z}}/{{x}}/{{y}}.{kind}" for kind in ("mvt", "pbf", "geojson"))),
    *_read(Kind.TILE, "{layer}", f"{_ONE}/tiles", f"{_ONE}/tiles/{{matrix_set}}", f"{_ONE}/tiles/{_TILE}"),
    # The path has as many segments as a layer's own; such requests must satisfy both rows.
    *_read(Kind.TILE, "?collections", "/tiles", "/tiles/{matrix_set}", f"/tiles/{_TILE}"),
    # An archive is seen as a layer of its name is; what it holds stands in the file, so the routes ask `holds_visible`.
    *_read(Kind.FEATURES, LISTED, "/archives"),
    *_read(Kind.TILE, "{archive}", "/archives/{archive}.json", "/archives/{archive}.pmtiles"),
    *_read(Kind.TILE, "{archive}", "/archives/{archive}/{z}/{x}/{y}.{kind}"),
    # Answers put together of whole layers.
    *_read(Kind.ANALYSIS, "{layer}", f"{_ONE}/summary"),
    *_read(Kind.ANALYSIS, LISTED, "/divisions/{division}"),
    # Names and plans belong to no layer.
    *_read(Kind.FEATURES, "", "/places", "/plans", "/plans/{plan}", "/plans/{plan}/lines/{line}"),
    # Analyses; which layers they take stands in the body, so the route asks `require_visible`.
    *_read(Kind.FEATURES, "", "/processes", "/processes/{process}"),
    *_ask("POST", Kind.ANALYSIS, Scope.READ, "", "/processes/{process}/execution"),
    # A job belongs to who began it: the routes ask `owns`.
    *_read(Kind.FEATURES, "", "/jobs", "/jobs/{job}", "/jobs/{job}/results", "/jobs/{job}/results/{name}"),
    *_ask("DELETE", Kind.WRITE, Scope.READ, "", "/jobs/{job}"),
)

_ANY_DEPTH = -1
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:[a-z]+)?\}")


class Policy:
    """A table of rules, made ready for look-ups."""

    def __init__(self, rules: Iterable[Rule] = RULES) -> None:
        self.rules = tuple(rules)
        # By the first segment and the number of segments; rows that end in {name:path} fit any number.
        self._by_shape: dict[tuple[str, int], list[tuple[int, Rule, re.Pattern[str]]]] = {}
        for number, rule in enumerate(self.rules):
            depth = _ANY_DEPTH if ":path}" in rule.template else rule.template.count("/")
            row = (number, rule, re.compile(_pattern(rule.template)))
            self._by_shape.setdefault((_first(rule.template), depth), []).append(row)
        self._combined = lru_cache(maxsize=4096)(self._combine)

    def requirement(self, method: str, path: str, query: bytes = b"") -> Requirement:
        """What a request needs; `UNDECLARED` when no row describes it."""
        wanted = "GET" if method in READING else method
        first = _first(path)
        fitting: list[tuple[int, str]] = []
        asks_query = False
        for shape in ((first, path.count("/")), (first, _ANY_DEPTH)):
            for number, rule, pattern in self._by_shape.get(shape, ()):
                match = pattern.fullmatch(path) if wanted in rule.methods else None
                if match is not None:
                    named = match[rule.layers[1:-1]] if rule.layers.startswith("{") else ""
                    fitting.append((number, named))
                    asks_query = asks_query or rule.layers.startswith("?")
        return self._combined(tuple(fitting), query if asks_query else b"") if fitting else UNDECLARED

    def undeclared(self, routes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of the (method, template) pairs that no row describes; templates as Starlette writes them."""
        return [(method, template) for method, template in routes if not self._describes(method, template)]

    def unserved(self, routes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of the rows, as (method, template) pairs, that none of the routes answers: they are left over."""
        served = {(method, _shape(template)) for method, template in routes}
        return [
            (method, rule.template)
            for rule in self.rules
            for method in sorted(rule.methods)
            if not any(method == of and _is_of(shape, _shape(rule.template)) for of, shape in served)
        ]

    def _combine(self, fitting: tuple[tuple[int, str], ...], query: bytes) -> Requirement:
        layers: list[str] = []
        listed = False
        rules = [self.rules[number] for number, _ in fitting]
        for rule, (_, named) in zip(rules, fitting, strict=True):
            try:
                asked = _in_query(rule.layers[1:], query) if rule.layers.startswith("?") else []
            except ValueError:
                return UNDECLARED
            layers += named.split(",") if named else asked
            listed = listed or rule.layers == LISTED or (rule.layers.startswith("?") and not asked)
        return Requirement(max(rule.scope for rule in rules), rules[0].kind, tuple(layers), listed)

    def _describes(self, method: str, template: str) -> bool:
        # A usual name and a number: a row must not fit by chance of the sample.
        tail = _VARIABLE.sub(lambda match: "a/b" if match[2] == ":path" else match[0], template)
        paths = (_VARIABLE.sub(sample, tail) for sample in ("sample", "7"))
        return all(self.requirement(method, path).declared for path in paths)


def _shape(template: str) -> str:
    """A template without the names of its variables."""
    return _VARIABLE.sub(lambda match: f"{{{match[2] or ''}}}", template)


def _is_of(route: str, row: str) -> bool:
    # A row for all that is left holds for several routes below it.
    beginning, anything, _ = row.partition("{:path}")
    return route.startswith(beginning) if anything else route == row


def _first(path: str) -> str:
    return path[1:].partition("/")[0]


def _pattern(template: str) -> str:
    parts, end = [], 0
    for variable in _VARIABLE.finditer(template):
        parts.append(re.escape(template[end : variable.start()]))
        parts.append(f"(?P<{variable[1]}>{'(?s:.*)' if variable[2] == ':path' else '[^/]+'})")
        end = variable.end()
    return "".join([*parts, re.escape(template[end:])])


def _in_query(name: str, query: bytes) -> list[str]:
    """Layers that the query names; raises ValueError for a query of very many parameters."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=100)
    return [layer for key, value in pairs if key == name for layer in value.split(",")]
