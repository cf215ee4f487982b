"""Decisions: who is let in, how often, and which layers are seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from geoplan.access.authfile import AuthFile, AuthFileError, OidcRules
from geoplan.access.gate import FAILURE_BURST, Gate, Refusal
from geoplan.access.grant import (
    AccessDeniedError,
    Grant,
    Scope,
    caller,
    current_grant,
    owns,
    require_visible,
    visible,
)  # fmt: skip
from geoplan.access.limits import RateLimiter
from geoplan.access.store import AuthStore, changing
from tests.editing_rows import WITH_EDITING
from tests.identity_provider import AUDIENCE, Provider
from tests.key_files import NOW, Clock, made_key

Write = Callable[..., Path]
POLICY = WITH_EDITING
VISIBILITY = {"*": "internal", "counties": "public"}


def gate_of(path: Path, clock: Clock | None = None, seconds: float | None = None) -> Gate:
    ticking = clock or Clock()
    gate = Gate(AuthStore(path, ticking), lambda: seconds or NOW.timestamp(), RateLimiter(clock=ticking))
    gate.refresh()
    return gate


def status(gate: Gate, token: bytes | None, method: str, path: str, query: bytes = b"") -> int:
    found = gate.identify(token)
    assert found is not None
    refusal = found if isinstance(found, Refusal) else gate.admit(found, POLICY.requirement(method, path, query), "c")
    return refusal.status if refusal is not None else 200


def test_scopes_are_ordered(write_file: Write) -> None:
    keys = {scope: made_key(scope) for scope in (Scope.READ, Scope.EDIT, Scope.ADMIN)}
    gate = gate_of(write_file(*(key for key, _ in keys.values())))
    wanted = [("GET", "/collections/a/items"), ("POST", "/collections/a/items"), ("GET", "/undeclared")]
    answers = {scope: [status(gate, token, *one) for one in wanted] for scope, (_, token) in keys.items()}
    assert answers == {
        Scope.READ: [200, 403, 403], Scope.EDIT: [200, 200, 403], Scope.ADMIN: [200, 200, 200],
    }  # fmt: skip
    assert [status(gate, None, *one) for one in wanted] == [401, 401, 401]
    assert status(gate, None, "GET", "/") == 200


def test_unknown_expired_and_revoked_keys(write_file: Write) -> None:
    (good, token), (gone, gone_token), (old, old_token) = made_key(), made_key(), made_key(expires=NOW)
    path = write_file(good, replace(gone, revoked=NOW - timedelta(days=1)), old)
    gate = gate_of(path)
    items = ("GET", "/collections/a/items")
    assert status(gate, token, *items) == 200
    for wrong in (gone_token, old_token, made_key()[1], token[:-1], token + b"x", b"gp_", token.upper()):
        assert status(gate, wrong, *items) == 401
    assert status(gate, b"eyJ", *items) == 401  # no provider is set up


def test_a_revoked_key_is_refused_within_a_second(write_file: Write, clock: Clock) -> None:
    key, token = made_key()
    path = write_file(key)
    gate = gate_of(path, clock)
    with changing(path) as write:
        write(AuthFile({key.id: replace(key, revoked=NOW)}))
    clock.now += 1
    gate.refresh()
    assert status(gate, token, "GET", "/collections") == 401


def test_a_gate_does_not_begin_with_a_broken_file(tmp_path: Path) -> None:
    with pytest.raises(AuthFileError, match="cannot be used"):
        Gate(AuthStore(tmp_path / "keys.json")).refresh()


def test_layers(write_file: Write) -> None:
    (plain, plain_token), (named, named_token) = made_key(), made_key()
    (bound, bound_token), (admin, admin_token) = (
        made_key(layers=frozenset({"farmland", "counties"})),
        made_key(Scope.ADMIN),
    )
    visibility: Any = {**VISIBILITY, "survey": frozenset({f"key:{named.id}", f"key:{bound.id}"})}
    gate = gate_of(write_file(plain, named, bound, admin, visibility=visibility))
    seen = {
        name: [one for one in ("counties", "farmland", "survey") if status(gate, token, "GET", f"/layers/{one}") == 200]
        for name, token in {
            "none": None,
            "plain": plain_token,
            "named": named_token,
            "bound": bound_token,
            "admin": admin_token,
        }.items()
    }
    assert seen == {
        "none": ["counties"],
        "plain": ["counties", "farmland"],
        "named": ["counties", "farmland", "survey"],
        "bound": ["counties", "farmland"],
        "admin": ["counties", "farmland", "survey"],
    }
    tile = "/tiles/WebMercatorQuad/3/1/2"
    assert status(gate, None, "GET", tile, b"collections=counties") == 200
    assert status(gate, None, "GET", tile, b"collections=counties,farmland") == 401
    assert status(gate, plain_token, "GET", tile, b"collections=counties,survey") == 403
    assert status(gate, None, "GET", "/collections") == 200
    assert status(gate, None, "GET", "/places") == 401
    assert status(gate, None, "POST", "/collections/counties/items") == 401


def test_without_public_layers_lists_are_closed(write_file: Write) -> None:
    gate = gate_of(write_file())
    assert [status(gate, None, "GET", path) for path in ("/collections", "/layers", "/")] == [401, 401, 200]


def test_anonymous_readers_still_see_public_layers_only(write_file: Write) -> None:
    gate = gate_of(write_file(visibility=VISIBILITY, anonymous_scope=Scope.READ))
    paths = ("/places", "/layers/counties", "/layers/farmland", "/collections/counties/items")
    assert [status(gate, None, "GET", path) for path in paths] == [200, 200, 401, 200]


def test_rates_by_key_and_by_network(write_file: Write, clock: Clock) -> None:
    (slow, slow_token), (free, free_token) = made_key(rate_per_s=1.0), made_key(rate_per_s=None)
    path = write_file(slow, free, anonymous_rate_per_s=1.0, anonymous_burst=3)
    gate = gate_of(path, clock)
    assert [status(gate, slow_token, "GET", "/layers") for _ in range(12)] == [200] * 10 + [429] * 2
    assert {status(gate, free_token, "GET", "/layers") for _ in range(1000)} == {200}
    assert [status(gate, None, "GET", "/") for _ in range(4)] == [200] * 3 + [429]
    anyone = gate.identify(None)
    assert isinstance(anyone, Grant)
    assert gate.admit(anyone, POLICY.requirement("GET", "/"), "192.0.2.9") is None
    refusal = gate.admit(anyone, POLICY.requirement("GET", "/"), "c")
    assert refusal is not None
    assert 0 < refusal.retry_after_s <= 1
    clock.now += 1
    assert status(gate, None, "GET", "/") == 200


def test_wrong_credentials_are_counted_by_network(write_file: Write) -> None:
    gate = gate_of(write_file())
    wrong = Refusal(401, "")
    assert {gate.failed(wrong, "192.0.2.1").status for _ in range(FAILURE_BURST)} == {401}
    assert gate.failed(wrong, "192.0.2.1").status == 429
    assert gate.failures_left("192.0.2.1") is not None
    assert gate.failures_left("192.0.2.2") is None
    assert gate.failed(Refusal(503, ""), "192.0.2.2").status == 503


def test_tokens_of_a_provider(write_file: Write, provider: Provider, clock: Clock) -> None:
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes={"gp.read": Scope.READ})
    visibility: Any = {"*": "internal", "survey": frozenset({"oidc:li"})}
    path = write_file(oidc=rules, visibility=visibility)
    gate = gate_of(path, clock)
    token = provider.token()
    assert gate.identify(token) is None
    grant = gate.verify_token(token)
    assert isinstance(grant, Grant)
    assert gate.identify(token) is grant or gate.identify(token) is None  # the test's clock may be past its end
    assert grant.sees("survey")
    assert not gate_of(path).verify_token(provider.token(sub="key:li")).sees("survey")  # type: ignore[union-attr]
    wrong = gate.verify_token(provider.token(aud="other"))
    assert isinstance(wrong, Refusal)
    assert (wrong.status, wrong.error) == (401, "invalid_token")
    # A change of the file brings new rights, and no new fetch.
    fetches = provider.fetches
    path = write_file(oidc=rules)
    clock.now += 1
    gate.refresh()
    assert isinstance(gate.verify_token(token), Grant)
    assert provider.fetches == fetches


def test_an_unreachable_provider_is_not_a_wrong_token(write_file: Write, provider: Provider) -> None:
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes={"gp.read": Scope.READ})
    provider.status = 500
    found = gate_of(write_file(oidc=rules)).verify_token(provider.token())
    assert isinstance(found, Refusal)
    assert (found.status, found.retry_after_s) == (503, 30.0)


def test_the_grant_of_the_present_request() -> None:
    assert visible("anything")
    assert owns("key:a")
    assert caller() == ""
    token = current_grant.set(Grant("key:a", Scope.READ, VISIBILITY, frozenset({"counties"})))  # type: ignore[arg-type]
    try:
        require_visible(["counties"])
        with pytest.raises(AccessDeniedError, match="farmland"):
            require_visible(["counties", "farmland"])
        assert (caller(), owns("key:a"), owns("key:b")) == ("key:a", True, False)
    finally:
        current_grant.reset(token)
    token = current_grant.set(Grant("anonymous", Scope.READ, VISIBILITY))  # type: ignore[arg-type]
    try:
        assert not owns("anonymous")
    finally:
        current_grant.reset(token)
