"""Access control of every request, before any route and before the raw front for tiles and items sees it.

With a key file each request is classified by the policy table, its caller is found, and it goes on with the
caller's grant in `geoplan.access.grant`, or is answered here. Without one, reading is open to this machine under
its own names, and writing to commands of this machine and to the service's own pages.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from http import HTTPStatus

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geoplan.access.audit import AuditError, AuditLog, Entry
from geoplan.access.authfile import AuthFileError
from geoplan.access.exposure import is_local_name, is_loopback, is_remote
from geoplan.access.gate import Gate, Refusal
from geoplan.access.grant import Grant, current_grant
from geoplan.access.keys import TOKEN
from geoplan.access.policy import READING, Kind, Policy, Requirement
from geoplan.access.settings import AccessSettings
from geoplan.access.shared_limits import SharedRateLimiter
from geoplan.access.store import AuthStore
from geoplan.errors import SettingsError
from services.api.answers import Sent
from services.api.client import once
from services.api.errors import Problem
from services.api.security import HEADERS

logger = logging.getLogger(__name__)

MAX_CHECKS_WAITING = 64
"""Tokens of the identity provider that may wait to be checked."""
REQUIREMENT = "geoplan.requirement"
"""Key of the ASGI scope under which what the request needs is handed on."""
LOCAL = "local"

_TOKEN_IN_TARGET = re.compile(TOKEN.pattern)
_FORWARDED = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"})
_READ_BY_US = frozenset({b"authorization", b"x-api-key", b"host", b"origin", b"sec-fetch-site"}) | _FORWARDED
_ONCE = frozenset({b"authorization", b"x-api-key", b"host"})
_TWICE = b"\x00twice"
_CHANGES = frozenset({Kind.WRITE, Kind.UPLOAD, Kind.ADMIN})


class Access:
    """ASGI: lets through what the caller may ask for, and answers the rest with a problem.

    Parameters
    ----------
    settings
        Key file, log of writes, host names.
    policy
        The table.
    gate
        Only for tests; else made from the key file.

    Raises
    ------
    AuthFileError
        If there is a key file and it cannot be used: a service does not begin closed without saying so.
    """

    def __init__(
        self, app: ASGIApp, settings: AccessSettings, policy: Policy | None = None, gate: Gate | None = None
    ) -> None:
        self.app = app
        self._prompt: Callable[[Scope], Sent | None] | None = getattr(app, "prompt", None)
        self.policy = policy or Policy()
        if gate is None and settings.auth is not None:
            gate = Gate(AuthStore(settings.auth), limiter=_limiter(settings))
        if gate is not None:
            gate.refresh()
        self._gate = gate
        self._hosts = frozenset(settings.hosts)
        self._insecure_open = settings.insecure_open
        self._audit = AuditLog(settings.audit) if settings.audit is not None else None
        self._checkers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="token")
        self._checks_waiting = 0

    def prompt(self, scope: Scope) -> Sent | None:
        """The answer of the application, where it can be given at once; never where there are keys to look at."""
        answers = self._prompt
        if answers is None or self._gate is not None or scope["method"] not in READING:
            return None
        return answers(scope) if once(scope, self._is_reader_here) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._no_request(scope, receive, send)
            return
        if self._gate is not None:
            await self._guarded(self._gate, scope, receive, send)
            return
        sent = _headers(scope)
        reads = scope["method"] in READING
        refusal = self._reader_elsewhere(scope, sent) if reads else self._writer_elsewhere(scope, sent)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif reads or not _writes(self._wanted(scope), scope):
            await self.app(scope, receive, send)
        else:
            await self._recorded(LOCAL, scope, receive, send)

    def _wanted(self, scope: Scope) -> Requirement:
        return self.policy.requirement(scope["method"], get_route_path(scope), scope["query_string"])

    async def _no_request(self, scope: Scope, receive: Receive, send: Send) -> None:
        # There is no row for a web socket, so there is no way in by one.
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.app(scope, receive, send)

    async def _guarded(self, gate: Gate, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            gate.refresh()
        except AuthFileError:
            refusal = Refusal(503, "Access control is out of order; the operator finds the reason in the log.", 5.0)
            await problem_of_refusal(refusal)(scope, receive, send)
            return
        wanted = self._wanted(scope)
        client = scope["client"][0] if scope.get("client") else "unix"
        grant = await self._caller(gate, _headers(scope), scope, client)
        refusal_or_none = grant if isinstance(grant, Refusal) else gate.admit(grant, wanted, client)
        if refusal_or_none is not None:
            await self._refuse(refusal_or_none, grant, scope, receive, send)
            return
        assert isinstance(grant, Grant)
        scope[REQUIREMENT] = wanted
        token = current_grant.set(grant)
        try:
            if _writes(wanted, scope):
                await self._recorded(grant.who, scope, receive, _for_caller(send))
            else:
                shared = grant.anonymous and not wanted.listed
                await self.app(scope, receive, send if shared else _for_caller(send))
        finally:
            current_grant.reset(token)

    async def _caller(self, gate: Gate, sent: dict[bytes, bytes], scope: Scope, client: str) -> Grant | Refusal:
        credential = _credential(sent, scope)
        if isinstance(credential, Refusal):
            return gate.failed(credential, client)
        found = gate.identify(credential)
        if found is None and credential is not None:
            found = gate.failures_left(client) or await self._checked(gate, credential)
        assert found is not None
        return gate.failed(found, client) if isinstance(found, Refusal) else found

    async def _checked(self, gate: Gate, token: bytes) -> Grant | Refusal:
        if self._checks_waiting >= MAX_CHECKS_WAITING:
            return Refusal(503, "Too many tokens are being checked; try again.", 1.0)
        self._checks_waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._checkers, gate.verify_token, token)
        finally:
            self._checks_waiting -= 1

    async def _refuse(
        self, refusal: Refusal, caller: Grant | Refusal, scope: Scope, receive: Receive, send: Send
    ) -> None:
        # Refused writes of known callers are recorded; those of strangers would let anyone fill the log.
        known = isinstance(caller, Grant) and not caller.anonymous and refusal.status == HTTPStatus.FORBIDDEN
        if known and isinstance(caller, Grant) and _writes(self._wanted(scope), scope):
            await self._recorded(caller.who, scope, receive, send, problem_of_refusal(refusal))
            return
        await problem_of_refusal(refusal)(scope, receive, send)

    async def _recorded(
        self, who: str, scope: Scope, receive: Receive, send: Send, answer: ASGIApp | None = None
    ) -> None:
        """Pass a write on, and record it with the status of its answer."""
        app = answer or self.app
        if self._audit is None:
            await app(scope, receive, send)
            return
        request_id, status = secrets.token_hex(8), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            with self._audit.opened() as descriptor:
                try:
                    await app(scope, receive, watch)
                finally:
                    entry = Entry(who, scope["method"], scope["path"], status, request_id)
                    self._record(descriptor, entry)
        except AuditError as error:
            logger.error("access: %s", error)  # noqa: TRY400 - the reason is told
            refusal = Refusal(503, "Writes cannot be recorded at present, so none is taken.", 30.0)
            await problem_of_refusal(refusal)(scope, receive, send)

    def _record(self, descriptor: int, entry: Entry) -> None:
        assert self._audit is not None
        try:
            self._audit.append(descriptor, entry)
        except OSError as error:
            # Too late to refuse the write: the service's own log has it.
            logger.error("access: not in the log of writes (%s): %r", error.strerror or error, entry)  # noqa: TRY400

    def _is_reader_here(self, scope: Scope) -> bool:
        return self._reader_elsewhere(scope, _headers(scope)) is None

    def _reader_elsewhere(self, scope: Scope, sent: dict[bytes, bytes]) -> Problem | None:
        """What is wrong with where a read comes from, while anyone may read who is on this machine."""
        if self._insecure_open:
            return None
        server = scope.get("server")
        if server is None or server[1] is None:  # a socket file: who may open it is the file system's matter
            return None
        if is_remote(server[0]):
            return problem_of_refusal(
                Refusal(403, "The service is open to its own machine only; the operator sets GEOPLAN_AUTH.")
            )
        # A name that leads here by way of a foreign name server (DNS rebinding) is of another page.
        if is_loopback(server[0]) and b"host" in sent and not self._is_ours(sent[b"host"]):
            return problem_of_refusal(
                Refusal(403, "This service is not known by that name; the operator sets GEOPLAN_HOSTS.")
            )
        return None

    def _writer_elsewhere(self, scope: Scope, sent: dict[bytes, bytes]) -> Problem | None:
        """What is wrong with where a write comes from; None for commands of this machine and our own pages."""
        client = scope.get("client")
        if client is None or not is_loopback(client[0]) or not _FORWARDED.isdisjoint(sent):
            return problem_of_refusal(
                Refusal(403, "Writing is open to this machine only; the operator sets GEOPLAN_AUTH.")
            )
        host = sent.get(b"host", b"")
        if not self._is_ours(host):
            return problem_of_refusal(
                Refusal(403, "This service is not known by that name; the operator sets GEOPLAN_HOSTS.")
            )
        own = f"{scope.get('scheme', 'http')}://".encode() + host.lower()
        origin = sent.get(b"origin", own).lower()
        if origin != own or sent.get(b"sec-fetch-site", b"none") not in {b"same-origin", b"none"}:
            return problem_of_refusal(Refusal(403, "Writing is open to the service's own pages only."))
        return None

    def _is_ours(self, host: bytes) -> bool:
        return _is_named(host, self._hosts)


@lru_cache(maxsize=256)
def _is_named(host: bytes, hosts: frozenset[str]) -> bool:
    """Whether a ``Host`` names this machine, or is one of `hosts`."""
    name = host.decode("latin-1").lower()
    bare = name[: name.index("]") + 1] if name.startswith("[") and "]" in name else name.partition(":")[0]
    return is_local_name(bare) or bare in hosts or name in hosts


def _limiter(settings: AccessSettings) -> SharedRateLimiter | None:
    """Where requests are counted; None where this worker has to count alone."""
    if settings.rates is None:
        return None
    try:
        settings.rates.parent.mkdir(parents=True, exist_ok=True)
        return SharedRateLimiter(settings.rates)
    except (OSError, SettingsError) as error:
        logger.warning("access: each worker counts requests for itself, so rates hold for each of them: %s", error)
        return None


def _writes(wanted: Requirement, scope: Scope) -> bool:
    """Whether the request changes something: those that only ask by POST (a search, an analysis) do not."""
    return scope["method"] not in READING and wanted.kind in _CHANGES


def _headers(scope: Scope) -> dict[bytes, bytes]:
    """The headers that matter here; one that must not be repeated and is has the value `_TWICE`."""
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _READ_BY_US:
            found[name] = _TWICE if name in found and name in _ONCE else value
    return found


def _credential(sent: dict[bytes, bytes], scope: Scope) -> bytes | Refusal | None:
    """The token of a request; None when there is none."""
    if b"gp_" in scope["query_string"] and _TOKEN_IN_TARGET.search(scope["query_string"]):
        return Refusal(401, "A key in an address is kept in logs and histories: revoke it, and send the new one as a "
                            "header.", error="invalid_token")  # fmt: skip
    header, key = sent.get(b"authorization"), sent.get(b"x-api-key")
    if header is None:
        return key
    scheme, _, token = header.partition(b" ")
    token = token.strip()
    if scheme.lower() != b"bearer" or not token or (key is not None and key != token):
        return Refusal(401, "Send one credential, as Authorization: Bearer or as X-API-Key.", error="invalid_token")
    return token


def problem_of_refusal(refusal: Refusal) -> Problem:
    """A refusal as it is sent."""
    # The raw front's answers have these headers of their own, so no layer around this one adds them.
    headers = dict(HEADERS)
    if refusal.status == HTTPStatus.UNAUTHORIZED or refusal.error:
        error = f', error="{refusal.error}"' if refusal.error else ""
        headers["WWW-Authenticate"] = f'Bearer realm="geoplan"{error}'
    if refusal.retry_after_s > 0:
        headers["Retry-After"] = str(math.ceil(refusal.retry_after_s))
    return Problem(HTTPStatus(refusal.status), refusal.detail, headers)


def _for_caller(send: Send) -> Send:
    """Keep shared caches from giving one caller's answer to another."""

    async def send_private(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept, cache, vary = [], b"", b""
            for name, value in message["headers"]:
                if name == b"cache-control":
                    cache = value
                elif name == b"vary":
                    vary = vary + b", " + value if vary else value
                else:
                    kept.append((name, value))
            headers = [*kept, (b"cache-control", _private(cache)), (b"vary", _varied(vary))]
            message = {**message, "headers": headers}
        await send(message)

    return send_private


@lru_cache(maxsize=256)
def _private(rule: bytes) -> bytes:
    parts = [part for one in rule.split(b",") if (part := one.strip()) not in {b"", b"public", b"private"}]
    return rule if b"no-store" in parts else b", ".join([b"private", *parts])


@lru_cache(maxsize=256)
def _varied(vary: bytes) -> bytes:
    return vary if vary == b"*" else b", ".join([*filter(None, [vary]), b"Authorization", b"X-API-Key"])
