"""The public keys of an identity provider, from an address or a file; fetched seldom, bounded in size and time."""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from geoplan.access.authfile import AuthFileError
from geoplan.access.exposure import is_local_name

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Signatures that are taken: public-key ones only. With HS256 a public key would be a password that all know."""
TIMEOUT_S = 5.0
MAX_BYTES = 256 << 10
MAX_KEYS = 50
LIFESPAN_S = 300.0
COOLDOWN_S = 30.0
STALE_S = 3600.0
MIN_RSA_BITS = 2048


class JwksUnavailableError(Exception):
    """The keys cannot be had at present."""


class JwksSource:
    """The signing keys of a provider.

    They are fetched on first use and every `LIFESPAN_S`; a token that names an unknown key makes them be fetched
    anew, but whoever sends such tokens causes no more than one fetch in `COOLDOWN_S`, failed ones counted. While
    fetching fails the last keys serve on for `STALE_S`.

    Parameters
    ----------
    location
        An https address, an http address on this machine, or a file.
    clock
        Seconds that only grow.

    Raises
    ------
    AuthFileError
        If the location is none of these.
    """

    def __init__(self, location: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.location = location
        self._load = _loader(location)
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: list[PyJWK] | None = None
        self._loaded_at = float("-inf")
        self._tried_at = float("-inf")

    def find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        """The key that a token names; without a name the only key for its algorithm. May fetch, so it may block.

        Raises
        ------
        JwksUnavailableError
            If there are no keys, and none can be had.
        """
        with self._lock:
            if self._clock() - self._loaded_at >= LIFESPAN_S:
                self._refresh()
            found = self._find(kid, algorithm)
            if found is None and self._refresh():
                found = self._find(kid, algorithm)
            return found

    def _find(self, kid: str | None, algorithm: str) -> PyJWK | None:
        if self._keys is None:
            raise JwksUnavailableError
        fitting = [key for key in self._keys if key.algorithm_name == algorithm]
        if kid is not None:
            return next((key for key in fitting if key.key_id == kid), None)
        return fitting[0] if len(fitting) == 1 else None

    def _refresh(self) -> bool:
        now = self._clock()
        if now - self._tried_at < COOLDOWN_S:
            return False
        self._tried_at = now
        try:
            self._keys = _signing_keys(self._load())
        except (OSError, ValueError, RecursionError, http.client.HTTPException) as error:
            logger.error("access: no keys from %s: %s", self.location, error)  # noqa: TRY400 - expected now and then
            if now - self._loaded_at > STALE_S:
                self._keys = None
            return False
        self._loaded_at = now
        return True


def _loader(location: str) -> Callable[[], bytes]:
    parts = urlsplit(location)
    if parts.scheme == "https" or (parts.scheme == "http" and is_local_name(parts.hostname or "")):
        return lambda: _fetch(location)
    if "://" in location:
        raise AuthFileError("oidc: jwks is neither an https address nor a file")
    return lambda: _read(Path(location))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A provider that sends us elsewhere is not asked there: keys come from the address that was set."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _fetch(address: str) -> bytes:
    # A proxy of the environment is for the world outside, not for this machine.
    local = is_local_name(urlsplit(address).hostname or "")
    proxies = urllib.request.ProxyHandler({} if local else None)
    opener = urllib.request.build_opener(proxies, _NoRedirect)
    request = urllib.request.Request(address, headers={"Accept": "application/json"})  # noqa: S310 - checked above
    deadline = time.monotonic() + TIMEOUT_S
    data = b""
    with opener.open(request, timeout=TIMEOUT_S) as response:
        # The timeout of a socket is for one read; a provider that sends a byte a second is bounded here.
        while chunk := response.read1(1 << 16):
            data += chunk
            if len(data) > MAX_BYTES:
                raise ValueError(f"more than {MAX_BYTES} bytes")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all there after {TIMEOUT_S:g} s")
    return data


def _read(path: Path) -> bytes:
    with path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES} bytes")
    return data


def _signing_keys(data: bytes) -> list[PyJWK]:
    """The keys that may sign, of the kinds that are taken; others in the set are passed over."""
    document = json.loads(data)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("it is no set of keys")  # noqa: TRY004 - a fault of the data
    keys = [key for entry in entries[:MAX_KEYS] if (key := _signing_key(entry)) is not None]
    if not keys:
        raise ValueError(f"no key for {', '.join(ALGORITHMS)} in it")
    return keys


def _signing_key(entry: Any) -> PyJWK | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK(entry)
    except (PyJWTError, ValueError, TypeError):
        return None
    short = key.key_type == "RSA" and key.key.key_size < MIN_RSA_BITS
    return key if key.algorithm_name in ALGORITHMS and not short else None
