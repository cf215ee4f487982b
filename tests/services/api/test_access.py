"""Access control as it is served: every fault is an answer of its own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from geoplan.access.authfile import AuthFileError, OidcRules
from geoplan.access.gate import Gate
from geoplan.access.grant import Scope, current_grant
from geoplan.access.oidc import OidcVerifier
from geoplan.access.settings import AccessSettings
from geoplan.access.store import AuthStore
from services.api.access import Access
from tests.editing_rows import WITH_EDITING
from tests.identity_provider import AUDIENCE, Provider, running_provider
from tests.key_files import NOW, Clock, made_key, write_keys

Write = Callable[..., Path]
Messages = list[dict[str, Any]]
ITEMS = "/collections/farmland/items"


@pytest.fixture
def write_file(tmp_path: Path) -> Write:
    return partial(write_keys, tmp_path / "keys.json")


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running_provider() as made:
        yield made


class Served:
    """An application behind access control that notes what reaches it."""

    def __init__(self, settings: AccessSettings, gate: Gate | None = None, status: int = 200) -> None:
        self.reached: list[tuple[str, str, str]] = []
        self.answers = status
        self.access = Access(self._app, settings, WITH_EDITING, gate)

    async def _app(self, scope: Any, _receive: Any, send: Any) -> None:
        grant = current_grant.get()
        self.reached.append((scope["method"], scope["path"], grant.who if grant else ""))
        headers = [(b"cache-control", b"public, max-age=60"), (b"vary", b"Accept-Encoding")]
        await send({"type": "http.response.start", "status": self.answers, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    def ask(
        self, method: str = "GET", path: str = "/", headers: dict[str, str] | None = None, *, query: bytes = b"",
        client: Any = ("127.0.0.1", 5), server: Any = ("127.0.0.1", 8000), more: Iterable[tuple[bytes, bytes]] = (),
    ) -> httpx.Response:  # fmt: skip
        sent: Messages = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        named = {"host": "127.0.0.1:8000"} | (headers or {})
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in named.items() if value]
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": query,
            "headers": [*raw, *more], "client": client, "server": server, "scheme": "http", "root_path": "",
        }  # fmt: skip

        async def run() -> None:
            try:
                await self.access(scope, receive, send)
            finally:
                assert current_grant.get() is None  # the next request of this task starts without it

        asyncio.run(run())
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return httpx.Response(sent[0]["status"], headers=sent[0]["headers"], content=body)

    def status(self, *args: Any, **others: Any) -> int:
        return self.ask(*args, **others).status_code


def bearer(token: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.decode()}"}


class TestWithoutKeys:
    """On 127.0.0.1: reading is open, writing is for this machine and our own pages."""

    def test_reading_is_open(self) -> None:
        served = Served(AccessSettings())
        assert served.status("GET", ITEMS) == served.status("HEAD", "/anything") == 200
        assert served.reached == [("GET", ITEMS, ""), ("HEAD", "/anything", "")]

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "[::1]:8000", "127.0.0.1", ""])
    def test_names_of_this_machine(self, host: str) -> None:
        assert Served(AccessSettings()).status(headers={"host": host}) == 200

    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:8000", "localhost.evil.example", "[::1"])
    def test_a_name_that_was_bent_to_this_machine_is_refused(self, host: str) -> None:
        served = Served(AccessSettings())
        response = served.ask(headers={"host": host})
        assert (response.status_code, served.reached) == (403, [])
        assert response.headers["content-type"] == "application/problem+json"
        assert "GEOPLAN_HOSTS" in response.json()["detail"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert served.status("POST", ITEMS, {"host": host}) == 403

    def test_names_that_the_operator_gave(self) -> None:
        served = Served(AccessSettings(hosts=("planning.example",)))
        assert served.status(headers={"host": "planning.example"}) == 200
        assert served.status(headers={"host": "other.example"}) == 403

    def test_bound_to_a_network_nothing_is_answered(self) -> None:
        served = Served(AccessSettings())
        assert served.status(server=("192.168.1.5", 8000), client=("192.168.1.9", 7)) == 403
        insisted = Served(AccessSettings(insecure_open=True))
        assert insisted.status(server=("192.168.1.5", 8000), client=("192.168.1.9", 7)) == 200
        assert insisted.status("POST", ITEMS, server=("192.168.1.5", 8000), client=("192.168.1.9", 7)) == 403

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({}, 200),
            ({"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}, 200),
            ({"origin": "http://127.0.0.1:9000"}, 403),
            ({"origin": "https://127.0.0.1:8000"}, 403),
            ({"origin": "http://localhost:8000"}, 403),
            ({"origin": "https://evil.example"}, 403),
            ({"origin": "null"}, 403),
            ({"sec-fetch-site": "cross-site"}, 403),
            ({"sec-fetch-site": "same-site"}, 403),
            ({"x-forwarded-for": "127.0.0.1"}, 403),
            ({"forwarded": "for=127.0.0.1"}, 403),
            ({"host": ""}, 403),
        ],
    )
    def test_writes_of_other_pages_and_machines_are_refused(self, headers: dict[str, str], status: int) -> None:
        assert Served(AccessSettings()).status("POST", ITEMS, headers) == status

    def test_two_hosts_are_none(self) -> None:
        served = Served(AccessSettings())
        assert served.status("POST", ITEMS, more=[(b"host", b"127.0.0.1:8000")]) == 403

    @pytest.mark.parametrize("client", [("192.168.1.9", 7), None])
    def test_writes_from_elsewhere_are_refused(self, client: Any) -> None:
        assert Served(AccessSettings()).status("PUT", f"{ITEMS}/1", client=client) == 403

    def test_writes_are_recorded(self, tmp_path: Path) -> None:
        served = Served(AccessSettings(audit=tmp_path / "audit.jsonl"), status=201)
        response = served.ask("POST", ITEMS)
        served.ask("GET", ITEMS)
        served.ask("POST", "/collections/farmland/search")
        (line,) = (tmp_path / "audit.jsonl").read_text().splitlines()
        entry = json.loads(line)
        assert (entry["who"], entry["method"], entry["path"], entry["status"]) == ("local", "POST", ITEMS, 201)
        assert entry["request"] == response.headers["x-request-id"]


class TestWithKeys:
    """With GEOPLAN_AUTH: from anywhere, with a credential."""

    @pytest.fixture
    def keys(self, write_file: Write, tmp_path: Path) -> tuple[Served, dict[str, bytes]]:
        scopes = {"read": Scope.READ, "edit": Scope.EDIT, "admin": Scope.ADMIN, "gone": Scope.ADMIN}
        made = {name: made_key(scope) for name, scope in scopes.items()}
        kept = [replace(key, revoked=NOW) if name == "gone" else key for name, (key, _) in made.items()]
        path = write_file(*kept, visibility={"*": "internal", "counties": "public"})
        settings = AccessSettings(auth=path, audit=tmp_path / "audit.jsonl")
        return Served(settings), {name: token for name, (_, token) in made.items()}

    def test_challenges(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        none = served.ask("GET", ITEMS)
        assert (none.status_code, none.headers["www-authenticate"]) == (401, 'Bearer realm="geoplan"')
        assert none.headers["cache-control"] == "no-store"
        assert none.json()["status"] == 401
        wrong = served.ask("GET", ITEMS, bearer(tokens["gone"]))
        assert (wrong.status_code, 'error="invalid_token"' in wrong.headers["www-authenticate"]) == (401, True)
        assert "revoked" in wrong.json()["detail"]
        low = served.ask("POST", ITEMS, bearer(tokens["read"]))
        assert (low.status_code, 'error="insufficient_scope"' in low.headers["www-authenticate"]) == (403, True)
        assert served.reached == []

    def test_both_headers_are_taken(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        token = tokens["read"].decode()
        for headers in ({"Authorization": f"bearer  {token} "}, {"X-API-Key": token}):
            assert served.status("GET", ITEMS, headers) == 200
        assert served.reached[0][2].startswith("key:")

    def test_unclear_credentials_are_none(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        read, admin = tokens["read"].decode(), tokens["admin"].decode()
        for headers in (
            {"Authorization": f"Bearer {read}", "X-API-Key": admin},
            {"Authorization": f"Basic {admin}"},
            {"Authorization": admin},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer \xff\xfe"},
            {"X-API-Key": "x"},
        ):
            assert served.status("GET", ITEMS, headers) == 401
        twice = [(b"authorization", f"Bearer {admin}".encode())]
        assert served.status("GET", ITEMS, {"Authorization": f"Bearer {read}"}, more=twice) == 401
        assert served.status("GET", ITEMS, {"X-API-Key": read}, more=[(b"x-api-key", admin.encode())]) == 401
        assert served.reached == []

    def test_a_key_in_the_address_is_refused(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        response = served.ask("GET", ITEMS, bearer(tokens["read"]), query=b"api_key=" + tokens["read"])
        assert response.status_code == 401
        assert "revoke" in response.json()["detail"]
        assert tokens["read"].decode() not in response.text
        assert served.status("GET", ITEMS, bearer(tokens["read"]), query=b"q=gp_like") == 200

    def test_shared_caches_keep_public_answers_only(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        anyone = served.ask("GET", "/collections/counties/items")
        assert anyone.headers["cache-control"] == "public, max-age=60"
        someone = served.ask("GET", ITEMS, bearer(tokens["read"]))
        assert someone.headers["cache-control"] == "private, max-age=60"
        assert someone.headers["vary"] == "Accept-Encoding, Authorization, X-API-Key"
        assert served.ask("GET", "/collections").headers["cache-control"] == "private, max-age=60"

    def test_an_undeclared_route_is_for_admins(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, tokens = keys
        statuses = {name: served.status("GET", "/debug/dump", bearer(token)) for name, token in tokens.items()}
        assert statuses == {"read": 403, "edit": 403, "admin": 200, "gone": 401}
        assert served.status("GET", "/debug/dump") == 401

    def test_own_pages_get_nothing_without_a_key(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, _ = keys
        same = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
        assert served.status("POST", ITEMS, same) == 401

    def test_writes_are_recorded_and_strangers_are_not(
        self, keys: tuple[Served, dict[str, bytes]], tmp_path: Path
    ) -> None:
        served, tokens = keys
        served.ask("POST", ITEMS, bearer(tokens["edit"]))
        served.ask("DELETE", f"{ITEMS}/1\r\n{{}}", bearer(tokens["read"]))
        for token in (tokens["gone"], b"gp_x", None):
            served.ask("POST", ITEMS, bearer(token) if token else {})
        served.ask("GET", ITEMS, bearer(tokens["edit"]))
        text = (tmp_path / "audit.jsonl").read_text()
        entries = [json.loads(line) for line in text.splitlines()]
        assert [(entry["method"], entry["status"]) for entry in entries] == [("POST", 200), ("DELETE", 403)]
        assert all(entry["who"].startswith("key:") for entry in entries)
        assert not any(token.split(b"_", 2)[2].decode() in text for token in tokens.values())

    def test_writes_stop_when_they_cannot_be_recorded(
        self, keys: tuple[Served, dict[str, bytes]], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        served, tokens = keys
        (tmp_path / "audit.jsonl").mkdir()
        response = served.ask("POST", ITEMS, bearer(tokens["edit"]))
        assert (response.status_code, served.reached) == (503, [])
        assert str(tmp_path) not in response.text
        assert str(tmp_path) in caplog.text
        assert served.status("GET", ITEMS, bearer(tokens["read"])) == 200

    def test_a_failure_is_recorded_too(self, keys: tuple[Served, dict[str, bytes]], tmp_path: Path) -> None:
        served, tokens = keys

        async def broken(*_: Any) -> None:
            raise RuntimeError("boom")

        served.access.app = broken
        with pytest.raises(RuntimeError):
            served.ask("POST", ITEMS, bearer(tokens["edit"]))
        assert json.loads((tmp_path / "audit.jsonl").read_text())["status"] == 0
        assert current_grant.get() is None

    def test_web_sockets_have_no_way_in(self, keys: tuple[Served, dict[str, bytes]]) -> None:
        served, _ = keys
        sent: Messages = []

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(served.access({"type": "websocket", "path": "/"}, None, send))  # type: ignore[arg-type]
        assert sent == [{"type": "websocket.close", "code": 1008}]
        assert served.reached == []


def test_rates_have_a_retry_after(write_file: Write) -> None:
    key, token = made_key(rate_per_s=0.5)
    served = Served(AccessSettings(auth=write_file(key)))
    answers = [served.ask("GET", ITEMS, bearer(token)) for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    assert answers[-1].headers["content-type"] == "application/problem+json"


def test_workers_count_together(write_file: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    key, token = made_key(rate_per_s=0.01)
    keys = write_file(key)
    workers = [Served(AccessSettings(auth=keys, rates=tmp_path / "new" / "rates.bin")) for _ in range(3)]
    statuses = [worker.status("GET", ITEMS, bearer(token)) for _ in range(6) for worker in workers]
    assert statuses == [200] * 10 + [429] * 8
    alone = Served(AccessSettings(auth=keys, rates=keys / "rates.bin"))
    assert alone.status("GET", ITEMS, bearer(token)) == 200
    assert "each worker counts requests for itself" in caplog.text


def test_guessing_is_slowed_down(write_file: Write) -> None:
    key, token = made_key()
    served = Served(AccessSettings(auth=write_file(key)))
    statuses = [served.status("GET", ITEMS, bearer(made_key()[1])) for _ in range(40)]
    assert set(statuses[:30]) == {401}
    assert 429 in statuses[30:]
    assert served.status("GET", ITEMS, bearer(token)) == 200
    assert served.status("GET", ITEMS, bearer(made_key()[1]), client=("192.0.2.7", 1)) == 401


def test_a_broken_key_file_lets_nobody_in(write_file: Write, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    key, token = made_key(Scope.ADMIN)
    path = write_file(key)
    served = Served(AccessSettings(), Gate(AuthStore(path, clock)))
    assert served.status("GET", ITEMS, bearer(token)) == 200
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])
    clock.now += 1
    with caplog.at_level(logging.ERROR):
        for target in ("/", ITEMS, "/healthz"):
            response = served.ask("GET", target, bearer(token))
            assert response.status_code == 503
            assert str(path) not in response.text
    assert str(path) in caplog.text
    path.write_bytes(good)
    clock.now += 1
    assert served.status("GET", ITEMS, bearer(token)) == 200


def test_a_service_does_not_start_with_a_broken_key_file(tmp_path: Path) -> None:
    with pytest.raises(AuthFileError, match="cannot be used"):
        Served(AccessSettings(auth=tmp_path / "missing.json"))


def test_tokens_of_a_provider(write_file: Write, provider: Provider) -> None:
    scopes = {"gp.read": Scope.READ, "gp.edit": Scope.EDIT}
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes=scopes)
    served = Served(AccessSettings(auth=write_file(oidc=rules)))
    read, edit = provider.token(), provider.token("ES256", scope="gp.edit")
    assert [served.status("GET", ITEMS, bearer(read)) for _ in range(3)] == [200] * 3
    assert served.status("POST", ITEMS, bearer(read)) == 403
    assert served.status("POST", ITEMS, bearer(edit)) == 200
    assert served.status("GET", ITEMS, bearer(provider.token(scope="openid"))) == 403
    for wrong in (provider.token(aud="other"), provider.token(exp=1), read[:-4], read.rpartition(b".")[0] + b"."):
        response = served.ask("GET", ITEMS, bearer(wrong))
        assert (response.status_code, 'error="invalid_token"' in response.headers["www-authenticate"]) == (401, True)
    assert served.reached[0][2] == "oidc:li"
    assert provider.fetches == 1


def test_a_flood_of_tokens_is_not_checked_without_end(
    write_file: Write, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = OidcRules(provider.address, AUDIENCE, f"{provider.address}/keys", scopes={"gp.read": Scope.READ})
    served = Served(AccessSettings(auth=write_file(oidc=rules)))
    good = provider.token("EdDSA")
    forged = [provider.token("EdDSA", sub=f"u{number}")[:-6] + b"AAAAAA" for number in range(60)]
    checked: list[bytes] = []
    verify = OidcVerifier.verify
    monkeypatch.setattr(OidcVerifier, "verify", lambda self, token: (checked.append(token), verify(self, token))[1])
    statuses = [served.status("GET", ITEMS, bearer(token)) for token in forged]
    assert 30 <= len(checked) < 60
    assert statuses[:30] == [401] * 30
    assert 429 in statuses[30:]
    assert provider.fetches == 1
    assert served.status("GET", ITEMS, bearer(good), client=("192.0.2.7", 1)) == 200
