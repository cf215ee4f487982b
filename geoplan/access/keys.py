"""API keys: ``gp_<id>_<secret>``, kept as a hash only.

The secret is 256 bits from the system's random source, so its plain SHA-256 cannot be searched: there is no
dictionary of it, and 2**256 guesses are out of reach at any speed. A slow hash (scrypt, Argon2) protects
passwords that people choose; here it would only make every request slow.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from geoplan.access.grant import Scope

PREFIX = b"gp_"
TOKEN = re.compile(rb"gp_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
"""A whole token: 60 bits that name the key, 256 bits that prove it."""
KEY_ID = re.compile(r"[a-z2-7]{12}")
DEFAULT_RATE_PER_S = 100.0

_NO_DIGEST = bytes(32)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the file keeps it.

    Attributes
    ----------
    id, name
        What it is called by: 12 characters of base 32, and a text for people.
    digest
        SHA-256 of the whole token.
    created, expires, revoked
        Moments with a time zone; None where it never expires, or is not revoked.
    rate_per_s
        Requests a second in the long run, three seconds' worth of them at once; None is unbounded.
    layers
        The only layers it opens; None opens all that are visible to it.
    """

    id: str
    name: str
    digest: bytes
    scope: Scope
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    rate_per_s: float | None = DEFAULT_RATE_PER_S
    layers: frozenset[str] | None = None

    @property
    def burst(self) -> int:
        """Requests that may come at once."""
        return max(10, int(3 * (self.rate_per_s or 0)))

    def fault_at(self, seconds: float) -> str | None:
        """Why the key does not open anything at a moment (seconds since 1970); None when it does."""
        if self.revoked is not None:
            return "The key has been revoked."
        if self.expires is not None and seconds >= self.expires.timestamp():
            return "The key has expired."
        return None


def new_key(
    name: str,
    scope: Scope,
    *,
    created: datetime,
    expires: datetime | None = None,
    rate_per_s: float | None = DEFAULT_RATE_PER_S,
    layers: frozenset[str] | None = None,
) -> tuple[ApiKey, str]:
    """A new key, and its token, which is not kept anywhere: it is shown to its owner once."""
    key_id = base64.b32encode(secrets.token_bytes(8)).decode().lower()[:12]
    token = f"gp_{key_id}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(token.encode()).digest()
    return ApiKey(key_id, name, digest, scope, created, expires, None, rate_per_s, layers), token


def id_of(token: bytes) -> str | None:
    """Id that a token names; None when it is not of a key's form."""
    match = TOKEN.fullmatch(token)
    return match[1].decode() if match else None


def proves(key: ApiKey | None, token: bytes) -> bool:
    """Whether the token is the key's own; takes as long for a key that does not exist."""
    digest = hashlib.sha256(token).digest()
    same = hmac.compare_digest(digest, key.digest if key is not None else _NO_DIGEST)
    return same and key is not None
