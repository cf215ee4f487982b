"""Keys and key files as the tests of access need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from geoplan.access.authfile import AuthFile, write_auth
from geoplan.access.grant import Scope
from geoplan.access.keys import ApiKey, new_key

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass
class Clock:
    """Seconds that a test sets."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def made_key(scope: Scope = Scope.READ, **others: Any) -> tuple[ApiKey, bytes]:
    """A key made at `NOW`, with its token."""
    key, token = new_key("test", scope, created=NOW, **others)
    return key, token.encode()


def write_keys(path: Path, *keys: ApiKey, **others: Any) -> Path:
    """A key file as `geoplan keys` leaves it; `others` are fields of `AuthFile`."""
    path.write_bytes(write_auth(AuthFile(keys={key.id: key for key in keys}, **others)))
    path.chmod(0o600)
    return path
