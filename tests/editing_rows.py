"""Rows of the policy of a service that writes: this one has no such routes, and its guards must be ready for them."""

from __future__ import annotations

from geoplan.access.grant import Scope
from geoplan.access.policy import RULES, Kind, Policy, Rule

EDITING = (
    Rule(frozenset({"POST"}), "/collections/{layer}/items", Scope.EDIT, Kind.WRITE, "{layer}"),
    Rule(frozenset({"PUT", "DELETE"}), "/collections/{layer}/items/{fid}", Scope.EDIT, Kind.WRITE, "{layer}"),
    Rule(frozenset({"POST"}), "/collections/{layer}/search", Scope.READ, Kind.FEATURES, "{layer}"),
)
WITH_EDITING = Policy([*RULES, *EDITING])
