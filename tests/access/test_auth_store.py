"""The key file: every field checked, switched in one step, closed while it is broken."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.access.authfile import FORMAT, AuthFile, AuthFileError, OidcRules, read_auth, write_auth
from geoplan.access.grant import Scope
from geoplan.access.store import CHECK_INTERVAL_S, AuthStore, changing, read_auth_file
from tests.key_files import NOW, Clock, made_key

Write = Callable[..., Path]


def whole() -> AuthFile:
    key, _ = made_key(Scope.EDIT, expires=NOW, layers=frozenset({"farmland", "园区"}))
    rules = OidcRules("https://id.example", "geoplan", "https://id.example/keys", scopes={"gp.read": Scope.READ})
    visibility: Any = {"*": "internal", "counties": "public", "survey": frozenset({f"key:{key.id}", "oidc:li"})}
    unlimited = replace(made_key()[0], rate_per_s=None)
    return AuthFile({key.id: key, unlimited.id: unlimited}, visibility, Scope.READ, 5.0, 7, rules)


def test_what_is_written_is_read_again() -> None:
    content = whole()
    read = read_auth(write_auth(content))
    assert read == content
    assert write_auth(read) == write_auth(content)


def test_an_empty_file_opens_nothing_to_strangers() -> None:
    content = read_auth(json.dumps({"format": FORMAT}).encode())
    anyone = content.grant_of_anyone()
    assert (anyone.scope, anyone.sees("counties"), anyone.sees_any()) == (Scope.NONE, False, False)


def changed(path: str, value: Any) -> bytes:
    document = json.loads(write_auth(whole()))
    *parents, last = path.split("/")
    place: Any = document
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", "geoplan-access/2", "format"),
        ("kays", [], "unknown field 'kays'"),
        ("keys", {}, "not a list"),
        ("keys/0/expirse", None, "unknown field"),
        ("keys/0/expires", "2027-01-01T00:00:00", "time zone"),
        ("keys/0/expires", 5, "no text"),
        ("keys/0/scope", "root", "none, read, edit, admin"),
        ("keys/0/sha256", "ab", "64 hexadecimal"),
        ("keys/0/id", "../../etc", "12 characters"),
        ("keys/0/rate_per_s", 0, "number above 0"),
        ("keys/0/rate_per_s", float("nan"), "number above 0"),
        ("keys/0/rate_per_s", True, "number above 0"),
        ("keys/0/layers", "farmland", "list of names"),
        ("keys/0", 7, "not an object"),
        ("layers/counties", "everyone", "list of names"),
        ("layers/counties", ["li"], "key: or oidc:"),
        ("anonymous/scope", "edit", "none or read"),
        ("anonymous", [], "not an object"),
        ("oidc/scopes", {}, "no token could open"),
        ("oidc/leeway_s", 1e9, "up to 300"),
        ("oidc/issuer", "", "no text"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, words: str) -> None:
    with pytest.raises(AuthFileError, match=words):
        read_auth(changed(path, value))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"\xff", b'{"format"', b"[" * 100_000, b'{"format": "x", "format": "geoplan-access/1"}'],
)
def test_what_is_no_such_file_is_refused(data: bytes) -> None:
    with pytest.raises(AuthFileError):
        read_auth(data)


@given(st.integers(0, 10_000))
def test_no_truncation_is_taken_for_a_smaller_file(length: int) -> None:
    data = write_auth(whole()).rstrip()
    if length < len(data):
        with pytest.raises(AuthFileError):
            read_auth(data[:length])


def test_a_change_is_seen_after_the_interval(write_file: Write, clock: Clock) -> None:
    (first, _), (second, _) = made_key(), made_key()
    store = AuthStore(write_file(first), clock)
    assert set(store.current().keys) == {first.id}
    with changing(store.path) as write:
        write(AuthFile({second.id: second}))
    clock.now += CHECK_INTERVAL_S / 2
    assert set(store.current().keys) == {first.id}
    clock.now += CHECK_INTERVAL_S
    assert set(store.current().keys) == {second.id}


def test_a_file_that_did_not_change_is_not_read_again(write_file: Write, clock: Clock) -> None:
    store = AuthStore(write_file(made_key()[0]), clock)
    content = store.current()
    clock.now += 10
    assert store.current() is content


@pytest.mark.parametrize("fault", ["truncated", "removed", "folder", "writable", "huge", "pipe"])
def test_a_broken_file_closes_the_service_until_it_is_mended(
    write_file: Write, clock: Clock, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    key, _ = made_key()
    path = write_file(key)
    store = AuthStore(path, clock)
    good = path.read_bytes()
    store.current()
    _break(path, fault)
    clock.now += CHECK_INTERVAL_S
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            with pytest.raises(AuthFileError, match="Nobody is let in"):
                store.current()
            clock.now += CHECK_INTERVAL_S
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert key.digest.hex() not in caplog.text
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_bytes(good)
    path.chmod(0o600)
    assert set(store.current().keys) == {key.id}


def _break(path: Path, fault: str) -> None:
    if fault == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    elif fault == "writable":
        path.chmod(0o622)
    elif fault == "huge":
        path.write_bytes(b" " * (9 << 20))
    else:
        path.unlink()
        if fault == "folder":
            path.mkdir()
        if fault == "pipe":
            os.mkfifo(path)


def test_readers_never_see_a_part_while_it_is_replaced(write_file: Write) -> None:
    key, _ = made_key()
    path = write_file(key)
    more = {one.id: one for one in (made_key()[0] for _ in range(300))}
    done = threading.Event()

    def replace_it() -> None:
        for number in range(60):
            with changing(path) as write:
                write(AuthFile({key.id: key} if number % 2 else {key.id: key, **more}))
        done.set()

    writer = threading.Thread(target=replace_it)
    writer.start()
    sizes = set()
    while not done.is_set():
        sizes.add(len(read_auth_file(path).keys))
    writer.join()
    assert sizes <= {1, 301}


def test_changes_at_once_are_all_kept(write_file: Write) -> None:
    path = write_file()

    def add() -> None:
        key, _ = made_key()
        with changing(path) as write:
            content = read_auth_file(path)
            write(replace(content, keys={**content.keys, key.id: key}))

    threads = [threading.Thread(target=add) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read_auth_file(path).keys) == 20


def test_the_file_is_for_its_owner_only_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "keys.json"
    link.symlink_to(tmp_path / "real" / "keys.json")
    with changing(link) as write:
        write(AuthFile())
    assert link.is_symlink()
    assert link.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["keys.json", "keys.json.lock"]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AuthFileError, match="cannot be written"), changing(tmp_path / "none" / "keys.json"):
        pass
