"""What a caller may do and see, and the grant of the request that is being answered.

The service sets the grant around each request; code far below (a list of layers, a query over two of them)
asks `visible` or `require_visible` without being handed anything. Outside of a request everything is visible:
commands and notebooks run with the rights of their user.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from geoplan.errors import GeoplanError

ANY_LAYER = "*"
"""The entry of the visibility table for layers that are not in it."""
ANONYMOUS = "anonymous"

Visibility = Literal["public", "internal"] | frozenset[str]
"""Who sees a layer: everyone, everyone who is known, or the named callers (``key:<id>``, ``oidc:<subject>``)."""


class AccessDeniedError(GeoplanError):
    """The caller may not see a layer that the request names."""


class Scope(IntEnum):
    """What a caller may do; each includes those below it."""

    NONE = 0
    READ = 1
    EDIT = 2
    ADMIN = 3


@dataclass(frozen=True, slots=True)
class Grant:
    """A caller with its rights.

    Attributes
    ----------
    who
        ``key:<id>``, ``oidc:<subject>`` or `ANONYMOUS`.
    scope
        The most it may do.
    visibility
        Layer id → who sees it, with `ANY_LAYER` for the rest.
    layers
        The only layers it may see; None sets no such bound.
    rate_per_s, burst
        Requests a second in the long run, and at once; None is unbounded.
    """

    who: str
    scope: Scope
    visibility: Mapping[str, Visibility]
    layers: frozenset[str] | None = None
    rate_per_s: float | None = None
    burst: int = 1

    @property
    def anonymous(self) -> bool:
        """Whether nobody is known to ask."""
        return self.who == ANONYMOUS

    def sees(self, layer: str) -> bool:
        """Whether the layer, or one that is not there, may be asked for."""
        if self.layers is not None and layer not in self.layers:
            return False
        rule = self.visibility.get(layer, self.visibility[ANY_LAYER])
        if rule == "public" or self.scope is Scope.ADMIN:
            return True
        return self.who in rule if isinstance(rule, frozenset) else not self.anonymous

    def holds_visible(self, name: str, layers: Iterable[str] | None) -> bool:
        """Whether a file that holds `layers` may be asked for under `name`, which need not be that of a layer.

        The name must be open to the caller, and every layer in the file as well. Where it is not known which layers
        these are (None), the table or the caller's own list must have the very name: only so has somebody decided.
        """
        if not self.sees(name):
            return False
        if layers is None:
            return self.scope is Scope.ADMIN or name in self.visibility or self.layers is not None
        return all(self.sees(layer) for layer in layers)

    def sees_any(self) -> bool:
        """Whether there can be a layer that it sees: lists of layers are worth asking for."""
        return not self.anonymous or "public" in self.visibility.values()


current_grant: ContextVar[Grant | None] = ContextVar("geoplan_grant", default=None)
"""The grant of the request that is being answered; None where no access control is set up."""


def visible(layer: str) -> bool:
    """Whether the caller of the present request sees the layer."""
    grant = current_grant.get()
    return grant is None or grant.sees(layer)


def holds_visible(name: str, layers: Iterable[str] | None) -> bool:
    """Whether the caller of the present request may have a file of `name` with `layers`; see `Grant.holds_visible`."""
    grant = current_grant.get()
    return grant is None or grant.holds_visible(name, layers)


def caller() -> str:
    """Who asks in the present request, to be kept with what it makes; empty where no access control is set up."""
    grant = current_grant.get()
    return "" if grant is None else grant.who


def owns(who: str) -> bool:
    """Whether what `who` made (a job, its results) is open to the caller of the present request."""
    grant = current_grant.get()
    return grant is None or grant.scope is Scope.ADMIN or (grant.who == who and not grant.anonymous)


def require_visible(layers: Iterable[str]) -> None:
    """Refuse layers that the caller of the present request does not see; raises `AccessDeniedError`."""
    hidden = [layer for layer in layers if not visible(layer)]
    if hidden:
        raise AccessDeniedError(f"you have no access to the layer {hidden[0][:100]!r}; ask its owner for a key")
