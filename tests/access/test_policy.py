"""The policy table: what each row asks for, and that what no row describes is closed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access.grant import Scope
from geoplan.access.policy import RULES, UNDECLARED, Kind, Policy, Rule

POLICY = Policy()


@pytest.mark.parametrize(
    ("method", "path", "query", "scope", "kind", "layers"),
    [
        ("GET", "/", b"", Scope.NONE, Kind.PAGE, ()),
        ("HEAD", "/viewer/a/b.js", b"", Scope.NONE, Kind.PAGE, ()),
        ("GET", "/collections/farmland/items", b"bbox=1,2,3,4", Scope.READ, Kind.FEATURES, ("farmland",)),
        ("OPTIONS", "/collections/farmland/items", b"", Scope.READ, Kind.FEATURES, ("farmland",)),
        ("GET", "/collections/园区/items/7", b"", Scope.READ, Kind.FEATURES, ("园区",)),
        ("DELETE", "/jobs/7", b"", Scope.READ, Kind.WRITE, ()),
        ("GET", "/tiles/a.json", b"", Scope.READ, Kind.TILE, ("a",)),
        ("GET", "/tiles/a,b/3/1/2.mvt", b"", Scope.READ, Kind.TILE, ("a", "b")),
        ("GET", "/tiles/WebMercatorQuad/3/1/2", b"collections=a,b", Scope.READ, Kind.TILE, ("a", "b")),
        (
            "GET",
            "/tiles/WebMercatorQuad/3/1/2",
            b"x=1&collections=%61&collections=b",
            Scope.READ,
            Kind.TILE,
            ("a", "b"),
        ),
        # Both rows fit, so the layers of both are asked about.
        ("GET", "/tiles/open/3/1/2.mvt", b"collections=closed", Scope.READ, Kind.TILE, ("open", "closed")),
        ("POST", "/processes/overlap/execution", b"", Scope.READ, Kind.ANALYSIS, ()),
    ],
)
def test_rows(method: str, path: str, query: bytes, scope: Scope, kind: Kind, layers: tuple[str, ...]) -> None:
    wanted = POLICY.requirement(method, path, query)
    assert (wanted.scope, wanted.kind, wanted.layers) == (scope, kind, layers)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("POST", "/layers"),
        ("POST", "/collections/farmland/items"),
        ("POST", "/collections/farmland/search"),
        ("DELETE", "/collections/farmland"),
        ("TRACE", "/"),
        ("get", "/"),
        ("GET", "//collections/farmland"),
        ("GET", "/collections/farmland/"),
        ("GET", "/Collections/farmland"),
        ("GET", "/collections/a/b/items"),
        ("GET", ""),
        ("GET", "collections"),
        ("GET", "/viewer"),
        ("OPTIONS", "*"),
    ],
)
def test_what_no_row_describes_is_for_admins(method: str, path: str) -> None:
    wanted = POLICY.requirement(method, path)
    assert (wanted, wanted.scope, wanted.declared) == (UNDECLARED, Scope.ADMIN, False)


def test_a_query_of_very_many_parameters_is_for_admins() -> None:
    query = b"&".join(b"a=1" for _ in range(200)) + b"&collections=closed"
    assert POLICY.requirement("GET", "/tiles/WebMercatorQuad/3/1/2", query) == UNDECLARED


@given(st.sampled_from(["GET", "POST", "PUT", "X"]), st.text(max_size=60), st.binary(max_size=60))
def test_any_request_has_a_requirement(method: str, path: str, query: bytes) -> None:
    wanted = POLICY.requirement(method, f"/{path}", query)
    if method != "GET":
        assert wanted.scope > Scope.NONE


def test_only_pages_are_open_to_all() -> None:
    for rule in RULES:
        assert (rule.scope is Scope.NONE) == (rule.kind is Kind.PAGE)
        assert rule.scope >= Scope.READ or rule.methods == {"GET"}
        changes = rule.kind in {Kind.WRITE, Kind.UPLOAD, Kind.ADMIN}
        assert not changes or rule.methods.isdisjoint({"GET"})
        assert changes == (rule.scope > Scope.READ) or rule.template.startswith("/jobs/")


def test_routes_that_no_row_describes_are_found() -> None:
    known = [("GET", "/collections/{collection_id}/items"), ("GET", "/viewer/{path:path}")]
    planted = [("POST", "/collections/{collection_id}"), ("GET", "/dump/{path:path}"), ("GET", "/items/{id:int}")]
    assert POLICY.undeclared([*known, *planted]) == planted


def test_rows_that_describe_no_route_are_found() -> None:
    rows = [
        Rule(frozenset({"GET", "PUT"}), "/a/{x}", Scope.READ, Kind.PAGE, "{x}"),
        Rule(frozenset({"GET"}), "/a/{x}.json", Scope.READ, Kind.PAGE, "{x}"),
        Rule(frozenset({"GET"}), "/files/{path:path}", Scope.READ, Kind.PAGE),
        Rule(frozenset({"GET"}), "/other/{path:path}", Scope.READ, Kind.PAGE),
        Rule(frozenset({"GET"}), "/a/b", Scope.READ, Kind.PAGE),
    ]
    routes = [("GET", "/a/{anything}"), ("GET", "/files/pictures/{rest:path}"), ("PUT", "/a/{x}.json")]
    left = [("PUT", "/a/{x}"), ("GET", "/a/{x}.json"), ("GET", "/other/{path:path}"), ("GET", "/a/b")]
    assert Policy(rows).unserved(routes) == left


def test_the_highest_scope_of_all_rows_that_fit_holds() -> None:
    both = [
        Rule(frozenset({"GET"}), "/a/{x}", Scope.READ, Kind.PAGE, "{x}"),
        Rule(frozenset({"GET"}), "/a/{y:path}", Scope.ADMIN, Kind.PAGE),
    ]
    for rules in (both, both[::-1]):
        wanted = Policy(rules).requirement("GET", "/a/b")
        assert (wanted.scope, wanted.layers) == (Scope.ADMIN, ("b",))
