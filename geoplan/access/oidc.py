"""Bearer tokens of an identity provider (OpenID Connect, RFC 9068): checked, then mapped to a grant."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from geoplan.access.authfile import AuthFile, OidcRules
from geoplan.access.grant import Grant, Scope
from geoplan.access.jwks import ALGORITHMS, JwksSource

MAX_TOKEN_BYTES = 8192
MAX_KNOWN = 4096
RECHECK_S = 300.0
"""A token is checked anew after this time, so that a key which its provider withdrew is noticed."""
RATE_PER_S = 100.0
BURST = 300


class TokenRefusedError(Exception):
    """The token opens nothing; the message may be told to its sender."""


class OidcVerifier:
    """Checks the tokens of one provider, and remembers those that were good.

    Parameters
    ----------
    rules
        The provider and what its scopes mean.
    content
        The file they stand in: who sees which layer.
    source
        The provider's keys.
    clock
        Seconds since 1970, as in the tokens.
    """

    def __init__(
        self,
        rules: OidcRules,
        content: AuthFile,
        source: JwksSource,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self._rules = rules
        self._content = content
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Grant, float]] = OrderedDict()

    def known(self, token: bytes) -> Grant | None:
        """The grant of a token that was found good lately; quick."""
        digest = hashlib.sha256(token).digest()
        with self._lock:
            grant, until = self._known.get(digest, (None, 0.0))
            if grant is None or self._clock() >= until:
                return None
            self._known.move_to_end(digest)
            return grant

    def verify(self, token: bytes) -> Grant:
        """The grant of a token. Slow, and it may fetch keys: not for an event loop.

        Raises
        ------
        TokenRefusedError
            If it is not a good token.
        JwksUnavailableError
            If the provider's keys cannot be had.
        """
        claims = self._claims(token)
        grant = Grant(
            f"oidc:{claims['sub']}",
            self._scope(claims),
            self._content.visibility,
            None,
            RATE_PER_S,
            BURST,
        )
        now = self._clock()
        with self._lock:
            self._known[hashlib.sha256(token).digest()] = (grant, min(now + RECHECK_S, int(claims["exp"])))
            if len(self._known) > MAX_KNOWN:
                self._known.popitem(last=False)
        return grant

    def _claims(self, token: bytes) -> dict[str, Any]:
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenRefusedError("The token is too long.")
        try:
            header = jwt.get_unverified_header(token)
            algorithm, kid = header.get("alg"), header.get("kid")
            # The list is ours: a token does not choose how it is checked.
            if algorithm not in ALGORITHMS or "crit" in header:
                raise TokenRefusedError("The token is not signed as it has to be.")
            key = self.source.find(kid, algorithm)
            if key is None:
                raise TokenRefusedError("The token is signed with an unknown key.")
            claims: dict[str, Any] = jwt.decode(
                token,
                key=key,
                algorithms=[algorithm],
                audience=self._rules.audience,
                issuer=self._rules.issuer,
                leeway=self._rules.leeway_s,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
        except ExpiredSignatureError:
            raise TokenRefusedError("The token has expired.") from None
        except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            # Why exactly is of use to those only who try to forge one.
            raise TokenRefusedError("The token is not valid here.") from None
        if not claims["sub"]:
            raise TokenRefusedError("The token names nobody.")
        return claims

    def _scope(self, claims: Mapping[str, Any]) -> Scope:
        value: Any = claims
        for part in self._rules.scope_claim.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        names = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
        given = (self._rules.scopes.get(name, Scope.NONE) for name in names if isinstance(name, str))
        return max(given, default=Scope.NONE)
