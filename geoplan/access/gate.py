"""One decision a request: who asks, how often, for what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from geoplan.access.authfile import AuthFile
from geoplan.access.grant import Grant, Scope
from geoplan.access.keys import PREFIX, id_of, proves
from geoplan.access.limits import RateLimiter, network_of
from geoplan.access.policy import Requirement
from geoplan.access.shared_limits import SharedRateLimiter
from geoplan.access.store import AuthStore

if TYPE_CHECKING:
    from geoplan.access.oidc import OidcVerifier

FAILURE_RATE_PER_S = 1.0
FAILURE_BURST = 30
"""Wrong credentials from one network: so many at once, then one a second."""

UNAUTHORIZED, FORBIDDEN, TOO_MANY, UNAVAILABLE = 401, 403, 429, 503


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in place of the one that was asked for.

    Attributes
    ----------
    status
        401, 403, 429 or 503.
    detail
        For people.
    retry_after_s
        When to come again; 0 where that does not help.
    error
        Code of RFC 6750 for the challenge: empty, ``invalid_token`` or ``insufficient_scope``.
    """

    status: int
    detail: str
    retry_after_s: float = 0.0
    error: str = ""


class Gate:
    """The decisions of one process. For one event loop, but for `verify_token`, which is for a thread.

    Parameters
    ----------
    store
        The key file.
    clock
        Seconds since 1970.
    limiter
        Token buckets of callers and networks.
    """

    def __init__(
        self,
        store: AuthStore,
        clock: Callable[[], float] = time.time,
        limiter: RateLimiter | SharedRateLimiter | None = None,
    ) -> None:
        self.store = store
        self._clock = clock
        self._limiter = RateLimiter() if limiter is None else limiter
        self._content: AuthFile | None = None
        self._grants: dict[str, Grant] = {}
        self._anyone: Grant
        self._verifier: OidcVerifier | None = None

    def refresh(self) -> None:
        """Take over the key file if it changed; raises `AuthFileError` while it cannot be used."""
        content = self.store.current()
        if content is self._content:
            return
        verifier = _verifier(content, self._verifier, self._clock)
        self._grants = {key.id: content.grant_of_key(key) for key in content.keys.values()}
        self._anyone = content.grant_of_anyone()
        self._verifier = verifier
        self._content = content

    def identify(self, token: bytes | None) -> Grant | Refusal | None:
        """Who a token stands for; None when it has to be checked by `verify_token` first."""
        if token is None:
            return self._anyone
        if token.startswith(PREFIX):
            return self._key_holder(token)
        if self._verifier is None:
            return Refusal(UNAUTHORIZED, "The credentials are not known here.", error="invalid_token")
        return self._verifier.known(token)

    def verify_token(self, token: bytes) -> Grant | Refusal:
        """Who a token of the identity provider stands for. Blocks: it computes, and may fetch keys."""
        from geoplan.access.jwks import JwksUnavailableError
        from geoplan.access.oidc import TokenRefusedError

        verifier = self._verifier
        if verifier is None:
            return Refusal(UNAUTHORIZED, "The credentials are not known here.", error="invalid_token")
        try:
            return verifier.verify(token)
        except TokenRefusedError as error:
            return Refusal(UNAUTHORIZED, str(error), error="invalid_token")
        except JwksUnavailableError:
            return Refusal(UNAVAILABLE, "The identity provider cannot be asked at present.", 30.0)

    def admit(self, grant: Grant, wanted: Requirement, client: str) -> Refusal | None:
        """What stands against a request of a caller; takes one of its tokens."""
        wait = self._take(grant, client)
        if wait > 0:
            return _too_many(wait)
        for layer in wanted.layers:
            if not grant.sees(layer):
                return hidden(grant, layer)
        if grant.scope >= wanted.scope or _is_public(grant, wanted):
            return None
        if grant.anonymous:
            return Refusal(UNAUTHORIZED, "This needs a key: send it as Authorization: Bearer gp_….")
        need = wanted.scope.name.lower()
        return Refusal(FORBIDDEN, f"Your credentials do not allow this; it needs the scope {need}.",
                       error="insufficient_scope")  # fmt: skip

    def failures_left(self, client: str) -> Refusal | None:
        """Refuse to check yet another token from a network that sent too many wrong ones."""
        wait = self._limiter.wait(f"!{network_of(client)}", FAILURE_RATE_PER_S, FAILURE_BURST)
        return _too_many(wait) if wait > 0 else None

    def failed(self, refusal: Refusal, client: str) -> Refusal:
        """Count wrong credentials; the refusal, or another one when there were too many."""
        if refusal.status != UNAUTHORIZED:
            return refusal
        wait = self._limiter.take(f"!{network_of(client)}", FAILURE_RATE_PER_S, FAILURE_BURST)
        return _too_many(wait) if wait > 0 else refusal

    def _key_holder(self, token: bytes) -> Grant | Refusal:
        content = self._content
        key_id = id_of(token)
        key = content.keys.get(key_id) if content is not None and key_id is not None else None
        if not proves(key, token) or key is None:
            return Refusal(UNAUTHORIZED, "The key is not known here.", error="invalid_token")
        fault = key.fault_at(self._clock())
        if fault is not None:
            return Refusal(UNAUTHORIZED, f"{fault} Ask the operator for a new one.", error="invalid_token")
        return self._grants[key.id]

    def _take(self, grant: Grant, client: str) -> float:
        if grant.rate_per_s is None:
            return 0.0
        caller = network_of(client) if grant.anonymous else grant.who
        return self._limiter.take(caller, grant.rate_per_s, grant.burst)


def _is_public(grant: Grant, wanted: Requirement) -> bool:
    """Whether reading needs nobody's leave: all layers that are named are public, and lists show those only."""
    if wanted.scope > Scope.READ or not (wanted.layers or wanted.listed):
        return False
    return grant.sees_any() and all(grant.visibility.get(layer) == "public" for layer in wanted.layers)


def hidden(grant: Grant, layer: str) -> Refusal:
    """The answer to a caller who does not see what is named."""
    if grant.anonymous:
        return Refusal(UNAUTHORIZED, "This needs a key: send it as Authorization: Bearer gp_….")
    return Refusal(FORBIDDEN, f"Your credentials do not open the layer {layer[:100]!r}.", error="insufficient_scope")


def _too_many(wait_s: float) -> Refusal:
    return Refusal(TOO_MANY, "There are too many requests from you; wait a moment.", wait_s)


def _verifier(content: AuthFile, former: OidcVerifier | None, clock: Callable[[], float]) -> OidcVerifier | None:
    rules = content.oidc
    if rules is None:
        return None
    # PyJWT and cryptography are loaded only where a provider is set up.
    from geoplan.access.jwks import JwksSource
    from geoplan.access.oidc import OidcVerifier

    # The keys of the same place are kept: a change of the file makes no fetch.
    same = former is not None and former.source.location == rules.jwks
    return OidcVerifier(rules, content, former.source if former and same else JwksSource(rules.jwks), clock)
