"""Keys: what a token looks like, what of it is kept, and how it is compared."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access import keys as keys_module
from geoplan.access.grant import Scope
from geoplan.access.keys import id_of, proves
from tests.key_files import NOW, made_key


def test_a_token_proves_its_own_key_only() -> None:
    (key, token), (other, _) = made_key(), made_key()
    assert id_of(token) == key.id
    assert proves(key, token)
    assert not proves(other, token)
    assert not proves(None, token)
    assert not proves(key, token[:-1] + (b"A" if token[-1:] != b"A" else b"B"))


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {made_key()[1] for _ in range(200)}
    assert len(tokens) == 200
    # 12 characters of 5 bits, 43 of 6 bits: 256 bits of secret.
    assert all(id_of(token) is not None and len(token) == 3 + 12 + 1 + 43 for token in tokens)


@given(st.binary(max_size=80))
def test_anything_else_names_no_key(data: bytes) -> None:
    assert id_of(data) is None or keys_module.TOKEN.fullmatch(data)


def test_the_secret_is_not_in_the_file(write_file: Callable[..., Path]) -> None:
    key, token = made_key()
    text = write_file(key).read_bytes()
    assert key.id.encode() in text
    assert token not in text
    assert token.split(b"_", 2)[2] not in text
    assert token.decode() not in repr(key)


def test_hashes_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a key that is not there: the time tells nothing about ids."""
    compared: list[tuple[Any, Any]] = []
    compare = hmac.compare_digest

    def watch(one: Any, other: Any) -> bool:
        compared.append((one, other))
        return compare(one, other)

    monkeypatch.setattr(keys_module.hmac, "compare_digest", watch)
    key, token = made_key()
    assert proves(key, token)
    assert not proves(None, token)
    assert [len(one) == len(other) == 32 for one, other in compared] == [True, True]


def test_expiry_and_revocation() -> None:
    key, _ = made_key(Scope.EDIT, expires=NOW + timedelta(days=1))
    seconds = NOW.timestamp()
    assert key.fault_at(seconds) is None
    assert key.fault_at(seconds + 86_399.9) is None
    assert "expired" in str(key.fault_at(seconds + 86_400))
    assert "revoked" in str(replace(key, revoked=NOW).fault_at(seconds))
    assert made_key()[0].fault_at(seconds * 10) is None
