"""Bearer tokens: real signatures, a real key server, and every forgery that is known."""

from __future__ import annotations

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from geoplan.access.authfile import AuthFile, AuthFileError, OidcRules
from geoplan.access.grant import Scope
from geoplan.access.jwks import COOLDOWN_S, LIFESPAN_S, MAX_BYTES, STALE_S, JwksSource, JwksUnavailableError
from geoplan.access.oidc import OidcVerifier, TokenRefusedError
from tests.identity_provider import AUDIENCE, Provider
from tests.key_files import Clock

SCOPES = {"gp.read": Scope.READ, "gp.edit": Scope.EDIT, "gp.admin": Scope.ADMIN}


def verifier(provider: Provider, **others: Any) -> OidcVerifier:
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes=SCOPES, **others)
    return OidcVerifier(rules, AuthFile(oidc=rules), JwksSource(rules.jwks))


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_good_tokens_of_each_kind(provider: Provider, algorithm: str) -> None:
    checks = verifier(provider)
    token = provider.token(algorithm)
    assert checks.known(token) is None
    grant = checks.verify(token)
    assert (grant.who, grant.scope, grant.sees("parcels")) == ("oidc:li", Scope.READ, True)
    assert checks.known(token) is grant
    assert provider.fetches == 1


@pytest.mark.parametrize(
    ("claims", "scope"),
    [
        ({"scope": "openid gp.edit gp.read"}, Scope.EDIT),
        ({"scope": ["gp.admin", "gp.read", 7]}, Scope.ADMIN),
        ({"scope": "openid"}, Scope.NONE),
        ({"scope": None}, Scope.NONE),
        ({"scope": {"gp.admin": True}}, Scope.NONE),
        ({"scope": "GP.ADMIN gp.admin2"}, Scope.NONE),
    ],
)
def test_scopes_are_mapped(provider: Provider, claims: dict[str, Any], scope: Scope) -> None:
    assert verifier(provider).verify(provider.token(**claims)).scope is scope


def test_a_claim_inside_an_object(provider: Provider) -> None:
    checks = verifier(provider, scope_claim="realm_access.roles")
    assert checks.verify(provider.token(realm_access={"roles": ["gp.edit"]})).scope is Scope.EDIT
    assert checks.verify(provider.token(realm_access=["roles"])).scope is Scope.NONE


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "other"},
        {"aud": ["other", "third"]},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": None},
        {"exp": 1},
        {"exp": "soon"},
        {"nbf": time.time() + 3600},
        {"iat": time.time() + 3600},
        {"sub": None},
        {"sub": ""},
    ],
)
def test_wrong_claims_are_refused(provider: Provider, claims: dict[str, Any]) -> None:
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(provider.token(**claims))


def test_leeway_is_small(provider: Provider) -> None:
    now = time.time()
    checks = verifier(provider)
    assert checks.verify(provider.token(exp=now - 10, nbf=now + 10)).scope is Scope.READ
    with pytest.raises(TokenRefusedError, match="expired"):
        checks.verify(provider.token(exp=now - 60))


def encoded(part: Any) -> bytes:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def forged(header: dict[str, Any], token: bytes, signature: bytes = b"") -> bytes:
    return encoded(header) + b"." + token.split(b".")[1] + b"." + signature


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_unsigned_tokens_are_refused(provider: Provider, name: str) -> None:
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(forged({"alg": name, "kid": "RS256"}, provider.token()))


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_public_key_is_no_password(provider: Provider, form: Encoding, algorithm: str) -> None:
    """HS256 with the public key as its secret: what a library does that lets the token choose."""
    import hashlib
    import hmac

    public = provider.keys["RS256"].public_key().public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
    body = forged({"alg": algorithm, "typ": "JWT", "kid": "RS256"}, provider.token()).rstrip(b".")
    signature = hmac.digest(public, body, getattr(hashlib, f"sha{algorithm[2:]}"))
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(body + b"." + encoded(signature))


def test_an_hmac_key_in_the_set_is_passed_over(provider: Provider) -> None:
    secret = b"x" * 32
    provider.document = json.dumps(
        {"keys": [{"kty": "oct", "k": encoded(secret).decode(), "kid": "h"}, provider.jwk("ES256")]}
    ).encode()
    checks = verifier(provider)
    assert checks.verify(provider.token("ES256")).scope is Scope.READ
    token = jwt.encode(
        {"iss": provider.address, "aud": AUDIENCE, "sub": "x", "exp": 2e9}, secret, "HS256", {"kid": "h"}
    )
    with pytest.raises(TokenRefusedError):
        checks.verify(token.encode())


def test_each_changed_part_breaks_the_signature(provider: Provider) -> None:
    checks = verifier(provider)
    header, body, signature = provider.token().split(b".")
    claims = json.loads(base64.urlsafe_b64decode(body + b"=="))
    more = encoded(claims | {"scope": "gp.admin"})
    flipped = (b"B" if signature[:1] == b"A" else b"A") + signature[1:]
    for parts in ([header, more, signature], [header, body, flipped], [header, body, b""], [header, body]):
        with pytest.raises(TokenRefusedError):
            checks.verify(b".".join(parts))


def test_a_key_is_not_used_for_another_algorithm(provider: Provider) -> None:
    """The token's key id is that of the RSA key, its algorithm that of the EC key."""
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(provider.token("ES256", headers={"kid": "RS256"}))


@pytest.mark.parametrize("headers", [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}])
def test_critical_headers_are_refused(provider: Provider, headers: dict[str, Any]) -> None:
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(forged({"alg": "RS256", "kid": "RS256", **headers}, provider.token(), b"AAAA"))


def test_keys_that_a_token_brings_along_are_not_used(provider: Provider) -> None:
    mine = provider.jwk("RS256-other") | {"kid": "RS256"}
    token = provider.token("RS256-other", headers={"kid": "RS256", "jwk": mine, "jku": f"{provider.address}/mine"})
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(token)


def test_short_and_encryption_keys_are_not_used(provider: Provider) -> None:
    entries = [provider.jwk("RS256-short"), provider.jwk("RS256") | {"use": "enc"}, provider.jwk("EdDSA"), 7, {}]
    provider.document = json.dumps({"keys": entries}).encode()
    checks = verifier(provider)
    assert checks.verify(provider.token("EdDSA")).scope is Scope.READ
    with pytest.warns(UserWarning, match="below"):  # PyJWT's, on signing with it
        short = provider.token("RS256-short")
    for token in (short, provider.token("RS256")):
        with pytest.raises(TokenRefusedError):
            checks.verify(token)


def test_a_token_without_key_id_needs_the_only_key(provider: Provider) -> None:
    token = jwt.encode(
        {"iss": provider.address, "aud": AUDIENCE, "sub": "li", "exp": time.time() + 60},
        provider.keys["RS256"],
        "RS256",
    ).encode()
    assert verifier(provider).verify(token).who == "oidc:li"
    provider.publish("RS256", "RS256-other")
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(token)


@pytest.mark.parametrize("token", [b"", b"a.b.c", b"\xff\xfe", b"." * 100, b"x" * 10_000, b"e30.e30.", b"[" * 5000])
def test_what_is_no_token_is_refused(provider: Provider, token: bytes) -> None:
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(token)
    deep = encoded(b'{"alg":' + b"[" * 4000)
    with pytest.raises(TokenRefusedError):
        verifier(provider).verify(deep + b".e30.AAAA")


def test_a_known_token_is_forgotten_when_it_expires(provider: Provider) -> None:
    now = time.time()
    clock = Clock(now)
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes=SCOPES)
    checks = OidcVerifier(rules, AuthFile(oidc=rules), JwksSource(rules.jwks), clock)
    token = provider.token(exp=now + 100)
    checks.verify(token)
    clock.now += 99
    assert checks.known(token) is not None
    clock.now += 2
    assert checks.known(token) is None


def test_new_keys_are_fetched_but_not_for_every_stranger(provider: Provider, clock: Clock) -> None:
    source = JwksSource(f"{provider.address}/keys", clock)
    assert source.find("RS256", "RS256") is not None
    for number in range(100):
        assert source.find(f"unknown {number}", "RS256") is None
    assert provider.fetches == 1
    provider.publish("RS256-other")
    clock.now += COOLDOWN_S
    assert source.find("RS256-other", "RS256") is not None
    assert source.find("RS256", "RS256") is None
    assert provider.fetches == 2
    clock.now += LIFESPAN_S
    assert source.find("RS256-other", "RS256") is not None
    assert provider.fetches == 3


def test_an_outage_is_bridged_for_a_while(provider: Provider, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    source = JwksSource(f"{provider.address}/keys", clock)
    source.find("RS256", "RS256")
    provider.status = 500
    clock.now += LIFESPAN_S
    for _ in range(50):
        assert source.find("RS256", "RS256") is not None
    assert provider.fetches == 2
    assert "no keys from" in caplog.text
    clock.now += STALE_S
    with pytest.raises(JwksUnavailableError):
        source.find("RS256", "RS256")
    provider.status = 200
    clock.now += COOLDOWN_S
    assert source.find("RS256", "RS256") is not None


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (200, b""),
        (200, b"[" * 50_000),
        (200, b'{"keys": 5}'),
        (200, b'{"keys": []}'),
        (200, b'{"keys": [{"kty": "RSA"}]}'),
        (200, b" " * (MAX_BYTES + 1)),
        (302, b""),
        (404, b'{"keys": []}'),
    ],
)
def test_a_bad_key_server_gives_no_keys(provider: Provider, status: int, document: bytes) -> None:
    provider.status, provider.document = status, document
    with pytest.raises(JwksUnavailableError):
        JwksSource(f"{provider.address}/keys").find("RS256", "RS256")
    assert provider.fetches == 1  # a redirection is not followed


def test_a_slow_key_server_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoplan.access.jwks.TIMEOUT_S", 0.2)
    provider.delay_s = 1.0
    began = time.monotonic()
    with pytest.raises(JwksUnavailableError):
        JwksSource(f"{provider.address}/keys").find("RS256", "RS256")
    assert time.monotonic() - began < 0.9


def test_many_at_once_fetch_once(provider: Provider) -> None:
    provider.delay_s = 0.1
    checks = verifier(provider)
    tokens = [provider.token(sub=f"user {number}") for number in range(20)]
    with ThreadPoolExecutor(20) as pool:
        found = list(pool.map(checks.verify, tokens))
    assert len({grant.who for grant in found}) == 20
    assert provider.fetches == 1


def test_keys_from_a_file(provider: Provider, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(provider.document)
    rules = OidcRules(provider.address, AUDIENCE, str(path), scopes=SCOPES)
    checks = OidcVerifier(rules, AuthFile(oidc=rules), JwksSource(str(path)))
    assert checks.verify(provider.token()).who == "oidc:li"
    assert provider.fetches == 0


@pytest.mark.parametrize("location", ["http://id.example/keys", "ftp://127.0.0.1/x", "file:///etc/passwd"])
def test_other_places_of_keys_are_refused(location: str) -> None:
    with pytest.raises(AuthFileError, match="neither an https address nor a file"):
        JwksSource(location)


def test_memory_of_known_tokens_is_bounded(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geoplan.access.oidc.MAX_KNOWN", 5)
    checks = verifier(provider)
    tokens = [provider.token("EdDSA", sub=f"user {number}") for number in range(12)]
    for token in tokens:
        checks.verify(token)
    assert [checks.known(token) is not None for token in tokens] == [False] * 7 + [True] * 5
