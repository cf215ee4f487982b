"""What stands in the key file, checked field by field.

::

    {
     "format": "geoplan-access/1",
     "keys": [{"id": "…", "name": "…", "sha256": "…", "scope": "read", "created": "…", "expires": null,
               "revoked": null, "rate_per_s": 100.0, "layers": null}],
     "layers": {"*": "internal", "counties": "public", "survey": ["key:…", "oidc:…"]},
     "anonymous": {"scope": "none", "rate_per_s": 50.0, "burst": 300},
     "oidc": {"issuer": "https://…", "audience": "…", "jwks": "https://… or a file", "scope_claim": "scope",
              "scopes": {"geoplan.read": "read"}, "leeway_s": 30}
    }

An unknown field is an error: a misspelt ``expires`` must not make a key that never expires.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from geoplan.access.grant import ANONYMOUS, ANY_LAYER, Grant, Scope, Visibility
from geoplan.access.keys import DEFAULT_RATE_PER_S, KEY_ID, ApiKey
from geoplan.errors import SettingsError

FORMAT = "geoplan-access/1"
MAX_BYTES = 8 << 20
MAX_LEEWAY_S = 300.0
INTERNAL: Mapping[str, Visibility] = MappingProxyType({ANY_LAYER: "internal"})
"""Layers that nobody spoke of are for those who are known."""


class AuthFileError(SettingsError):
    """The key file is missing or cannot be used; nobody is let in."""


@dataclass(frozen=True, slots=True)
class OidcRules:
    """An identity provider whose tokens are taken.

    Attributes
    ----------
    jwks
        Where its public keys are: an https address, http on this machine, or a file.
    scope_claim
        Claim with the scopes, as one text or a list; dots lead into objects (``realm_access.roles``).
    scopes
        Its scopes → ours.
    """

    issuer: str
    audience: str
    jwks: str
    scope_claim: str = "scope"
    scopes: Mapping[str, Scope] = field(default_factory=dict)
    leeway_s: float = 30.0


@dataclass(frozen=True, slots=True)
class AuthFile:
    """The whole file; `grants` has one for every key."""

    keys: Mapping[str, ApiKey] = field(default_factory=dict)
    visibility: Mapping[str, Visibility] = field(default_factory=lambda: INTERNAL)
    anonymous_scope: Scope = Scope.NONE
    anonymous_rate_per_s: float = 50.0
    anonymous_burst: int = 300
    oidc: OidcRules | None = None

    def grant_of_key(self, key: ApiKey) -> Grant:
        """What the key's owner may do."""
        return Grant(f"key:{key.id}", key.scope, self.visibility, key.layers, key.rate_per_s, key.burst)

    def grant_of_anyone(self) -> Grant:
        """What those may do who are not known."""
        return Grant(
            ANONYMOUS, self.anonymous_scope, self.visibility, None, self.anonymous_rate_per_s, self.anonymous_burst
        )


def read_auth(data: bytes) -> AuthFile:
    """The file's content.

    Raises
    ------
    AuthFileError
        With what is wrong and in which field; the message has no secret in it.
    """
    try:
        raw = json.loads(data.decode("utf-8"), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        # A decoder's message may quote the content; its place is enough.
        place = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise AuthFileError(f"it is not JSON{place}") from None
    fields = _Fields(raw, "the file")
    if fields.text("format") != FORMAT:
        raise AuthFileError(f"its format is not {FORMAT!r}")
    anonymous = _Fields(fields.mapping("anonymous"), "anonymous")
    oidc = fields.take("oidc", None)
    made = AuthFile(
        keys=_keys(fields.items("keys")),
        visibility=_visibility(fields.mapping("layers")),
        anonymous_scope=anonymous.scope("scope", "none"),
        anonymous_rate_per_s=anonymous.number("rate_per_s", 50.0, 1e6),
        anonymous_burst=int(anonymous.number("burst", 300, 1e6)),
        oidc=_oidc(oidc) if oidc is not None else None,
    )
    anonymous.end()
    fields.end()
    if made.anonymous_scope > Scope.READ:
        raise AuthFileError("anonymous: scope can be none or read only")
    return made


def write_auth(content: AuthFile) -> bytes:
    """The file's bytes, as `read_auth` reads them."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "keys": [_key_entry(key) for key in content.keys.values()],
        "layers": {
            layer: sorted(rule) if isinstance(rule, frozenset) else rule for layer, rule in content.visibility.items()
        },
        "anonymous": {
            "scope": content.anonymous_scope.name.lower(),
            "rate_per_s": content.anonymous_rate_per_s,
            "burst": content.anonymous_burst,
        },
    }
    if content.oidc is not None:
        rules = content.oidc
        document["oidc"] = {
            "issuer": rules.issuer,
            "audience": rules.audience,
            "jwks": rules.jwks,
            "scope_claim": rules.scope_claim,
            "scopes": {name: scope.name.lower() for name, scope in rules.scopes.items()},
            "leeway_s": rules.leeway_s,
        }
    return (json.dumps(document, ensure_ascii=False, indent=1) + "\n").encode()


def _key_entry(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "name": key.name,
        "sha256": key.digest.hex(),
        "scope": key.scope.name.lower(),
        "created": key.created.isoformat(),
        "expires": key.expires and key.expires.isoformat(),
        "revoked": key.revoked and key.revoked.isoformat(),
        "rate_per_s": key.rate_per_s,
        "layers": None if key.layers is None else sorted(key.layers),
    }


def _keys(entries: list[Any]) -> Mapping[str, ApiKey]:
    keys: dict[str, ApiKey] = {}
    for number, entry in enumerate(entries, 1):
        key = _key(_Fields(entry, f"key {number}"))
        if key.id in keys:
            raise AuthFileError(f"key {number}: the id {key.id} is there twice")
        keys[key.id] = key
    return MappingProxyType(keys)


def _key(fields: _Fields) -> ApiKey:
    layers = fields.take("layers", None)
    rate = fields.take("rate_per_s", DEFAULT_RATE_PER_S)
    key = ApiKey(
        id=fields.text("id"),
        name=fields.text("name"),
        digest=fields.digest("sha256"),
        scope=fields.scope("scope", None),
        created=fields.moment("created"),
        expires=fields.moment_or_none("expires"),
        revoked=fields.moment_or_none("revoked"),
        rate_per_s=None if rate is None else _Fields({"rate_per_s": rate}, fields.where).number("rate_per_s", 0, 1e6),
        layers=None if layers is None else _names(layers, f"{fields.where}, layers"),
    )
    fields.end()
    if not KEY_ID.fullmatch(key.id):
        raise AuthFileError(f"{fields.where}: id is not 12 characters of a-z and 2-7")
    return key


def _visibility(entries: Mapping[str, Any]) -> Mapping[str, Visibility]:
    table: dict[str, Visibility] = {ANY_LAYER: "internal"}
    for layer, rule in entries.items():
        if rule in ("public", "internal"):
            table[layer] = rule
        else:
            table[layer] = _names(rule, f"layers, {layer[:60]!r}")
            if not all(name.startswith(("key:", "oidc:")) for name in _names(rule, "layers")):
                raise AuthFileError(f"layers, {layer[:60]!r}: names begin with key: or oidc:")
    return MappingProxyType(table)


def _oidc(entry: Any) -> OidcRules:
    fields = _Fields(entry, "oidc")
    scopes = _Fields(fields.mapping("scopes"), "oidc, scopes")
    rules = OidcRules(
        issuer=fields.text("issuer"),
        audience=fields.text("audience"),
        jwks=fields.text("jwks"),
        scope_claim=fields.text("scope_claim", "scope"),
        scopes={name: scopes.scope(name, None) for name in tuple(scopes.rest)},
        leeway_s=fields.number("leeway_s", 30.0, MAX_LEEWAY_S),
    )
    fields.end()
    if not rules.scopes:
        raise AuthFileError("oidc: scopes is empty, so that no token could open anything")
    return rules


def _names(value: Any, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise AuthFileError(f"{where}: not a list of names")
    return frozenset(value)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a field is given twice")
    return made


_REQUIRED: Any = object()


class _Fields:
    """The fields of one object, each taken once; what is left over at the end is unknown."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, Mapping):
            raise AuthFileError(f"{where}: not an object")
        self.rest = dict(value)

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        value = self.rest.pop(name, default)
        if value is _REQUIRED:
            raise AuthFileError(f"{self.where}: {name} is missing")
        return value

    def text(self, name: str, default: Any = _REQUIRED) -> str:
        value = self.take(name, default)
        if not isinstance(value, str) or not value or len(value) > 2000:
            raise AuthFileError(f"{self.where}: {name} is no text")
        return value

    def number(self, name: str, default: float, most: float) -> float:
        value = self.take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
            raise AuthFileError(f"{self.where}: {name} is not a number above 0 and up to {most:g}")
        return float(value)

    def mapping(self, name: str) -> Mapping[str, Any]:
        value = self.take(name, {})
        if not isinstance(value, Mapping):
            raise AuthFileError(f"{self.where}: {name} is not an object")
        return value

    def items(self, name: str) -> list[Any]:
        value = self.take(name, [])
        if not isinstance(value, list):
            raise AuthFileError(f"{self.where}: {name} is not a list")
        return value

    def scope(self, name: str, default: str | None) -> Scope:
        value = self.take(name, _REQUIRED if default is None else default)
        if not isinstance(value, str) or value.upper() not in Scope.__members__:
            raise AuthFileError(f"{self.where}: {name} is not one of none, read, edit, admin")
        return Scope[value.upper()]

    def digest(self, name: str) -> bytes:
        try:
            digest = bytes.fromhex(self.text(name))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise AuthFileError(f"{self.where}: {name} is not 64 hexadecimal digits")
        return digest

    def moment(self, name: str) -> datetime:
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            moment = datetime.min  # noqa: DTZ901 - has no time zone, and is refused for it
        if moment.tzinfo is None:
            raise AuthFileError(f"{self.where}: {name} is not a moment with a time zone (2027-01-31T00:00:00+08:00)")
        return moment

    def moment_or_none(self, name: str) -> datetime | None:
        if self.rest.get(name) is None:
            self.rest.pop(name, None)
            return None
        return self.moment(name)

    def end(self) -> None:
        if self.rest:
            raise AuthFileError(f"{self.where}: unknown field {next(iter(self.rest))[:60]!r}")
