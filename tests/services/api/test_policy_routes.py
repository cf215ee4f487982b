"""Every route is in the policy of access control, and every row of the policy has a route."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI

from geoplan.access.grant import Scope
from geoplan.access.policy import RULES, Kind, Policy, Rule
from services.api import openapi, tile_requests


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every (method, template) of an application, those of included routers and mounted applications too."""
    found: list[tuple[str, str]] = []

    def walk(routes: Iterable[Any], prefix: str) -> None:
        for route in routes:
            template = prefix + getattr(route, "path", "")
            methods = getattr(route, "methods", None) or ()
            included = getattr(route, "original_router", None)
            below = list(included.routes) if included is not None else list(getattr(route, "routes", None) or ())
            # A kind of route that this walk does not know must not pass unseen.
            assert methods or below, route
            found.extend((method, template) for method in methods)
            walk(below, template if included is None else prefix + route.include_context.prefix)

    walk(app.routes, "")
    return found


def of_the_definition() -> list[tuple[str, str]]:
    """Every (method, template) of the definition of the API: the raw front has no routes to walk."""
    methods = {"get", "put", "post", "delete", "patch", "options", "head"}
    paths = openapi.written()["paths"]
    return [(name.upper(), path) for path, item in paths.items() for name in item if name in methods]


def test_no_route_is_outside_the_policy(app: FastAPI) -> None:
    routes = routes_of(app)
    assert {("GET", "/layers"), ("GET", "/places"), ("GET", "/api"), ("GET", "/viewer/{path:path}")} <= set(routes)
    assert Policy().undeclared(routes) == []


def test_every_path_of_the_definition_is_in_the_policy() -> None:
    declared = of_the_definition()
    assert ("GET", "/collections/{collectionId}/items") in declared
    assert Policy().undeclared(declared) == []


def test_no_row_of_the_policy_is_without_a_route(app: FastAPI) -> None:
    fronts = [("GET", f"/tiles/{{layer}}/{{z}}/{{x}}/{{y}}.{ending}") for ending in tile_requests.KINDS]
    served = [*routes_of(app), *of_the_definition(), *fronts]
    assert Policy().unserved(served) == []
    planted = Rule(frozenset({"GET", "POST"}), "/collections/{layer}/search", Scope.READ, Kind.FEATURES, "{layer}")
    left = [(method, planted.template) for method in ("GET", "POST")]
    assert Policy([*RULES, planted]).unserved(served) == left


def test_a_route_that_is_planted_is_found(app: FastAPI) -> None:
    @app.post("/layers/{layer_id}/empty")
    def empty(layer_id: str) -> None:
        """Nobody declared this."""

    assert Policy().undeclared(routes_of(app)) == [("POST", "/layers/{layer_id}/empty")]
