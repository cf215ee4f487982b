"""Answers that are there at once are written at once: no task, no messages between, one write.

Most requests for tiles and features are answered in less time than it takes to make a task and to pass an answer
through it. An application that has a method ``prompt`` is asked for its answer as soon as the headers of a plain
request are there; what it does not answer so goes the usual way.

A client mostly sends the same headers again, to the byte. They are not parsed again then, and what was found out from
them is kept (`services.api.client`): only the line of the request is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.api.answers import Sent, not_modified
from services.api.client import SAME_HEADERS, client_of

Prompt = Callable[[Any], Sent | None]
_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_USUAL = frozenset(
    {
        b"connection", b"content-length", b"expect", b"transfer-encoding", b"upgrade",
        b"x-forwarded-for", b"x-forwarded-proto",
    }
)  # fmt: skip
"""Headers of requests that go the usual way: with a body, with wishes for the connection, or through a proxy."""
_LINE = re.compile(rb"GET (/(?!/)[A-Za-z0-9/._~!$&'()*+,;=:@-]*)(?:\?([A-Za-z0-9/._~!$&'()*+,;=:@?%-]*))? HTTP/1\.1")
"""The line of a request whose path is what it says; everything else is left to the parser."""
_END = b"\r\n\r\n"
_MOST_HEAD = 4096
"""Longer headers are not kept: a connection that waits is to hold little memory."""


class PromptProtocol(HttpToolsProtocol):
    """A connection whose plain requests are answered at once where the application can."""

    def connection_made(self, transport: Any) -> None:
        """Find out whether the application answers so."""
        super().connection_made(transport)
        # uvicorn may have put its own layer around it.
        inner = getattr(self.app, "app", self.app)
        self._prompt: Prompt | None = getattr(inner, "prompt", None)
        self._root = self.root_path.encode("ascii")
        self._first = False
        self._answered = False
        self._between = True
        """Whether the parser is between two requests."""
        self._ended = 0
        """How many requests that were answered at once have ended in what is being read."""
        self._last: tuple[bytes, dict[str, Any]] | None = None
        """The headers of the last request with the end of its line before, and its scope; None where others came."""
        self._tried: dict[str, Any] | None = None
        """The scope of the request that is being read, where its answer was asked for already and is not there."""
        self._active_at = 0.0
        self._dates: tuple[Any, bytes] = (None, b"")

    def data_received(self, data: bytes) -> None:
        """Read on; of requests that come at once only the first is answered so, that others have their turn."""
        if self._last is not None:
            if self._answer_alike(data, *self._last):
                return
            self._last = None
        self._first = True
        begins, self._ended = self._between, 0
        super().data_received(data)
        if begins and self._between and self._ended == 1:
            self._remember(data)

    def _remember(self, data: bytes) -> None:
        """Keep the headers of a request that was all of what came."""
        line, _, _ = data.partition(b"\r\n")
        is_one = data.find(_END) == len(data) - len(_END)
        if is_one and len(data) - len(line) <= _MOST_HEAD and _LINE.fullmatch(line):
            self._last = (data[len(line) :], dict(self.scope))

    def _answer_alike(self, data: bytes, head: bytes, scope: dict[str, Any]) -> bool:
        """Answer a request with the same headers as the last one; False where that cannot be done at once.

        The same bytes after a line of the same form are the same headers, and no body follows them.
        """
        if self._prompt is None or not data.endswith(head) or self.flow.write_paused:
            return False
        line = _LINE.fullmatch(data, 0, len(data) - len(head))
        if line is None:
            return False
        path, query = line.groups(b"")
        asked = scope.copy()
        self._fill(asked, path, query)
        sent = self._prompt(asked)
        if sent is None:
            self._tried = asked
            return False
        self._write(sent, asked)
        self.answered_alike()
        return True

    def answered_alike(self) -> None:
        """A request with the headers of the one before was answered."""
        self.server_state.total_requests += 1
        self._active_at = self.loop.time()

    def timeout_keep_alive_handler(self) -> None:
        """End the connection, unless it was used since the timer was set."""
        left = self._active_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def on_message_begin(self) -> None:
        """Another request begins on the connection."""
        self._between = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Answer, or begin the usual way."""
        if self._tried is not None:
            self.scope = {**self._tried, **self.scope}  # type: ignore[typeddict-item]
            self._tried = None
        elif self._prompt is not None and self._first and self._is_plain():
            target = httptools.parse_url(self.url)
            self.scope["method"] = _METHODS[self.parser.get_method()]
            scope: Any = self.scope
            scope[SAME_HEADERS] = {}
            self._fill(scope, target.path, target.query or b"")
            sent = self._prompt(scope)
            if sent is not None:
                self._first = False
                self._answered = True
                self._write(sent, scope)
                return
        self._first = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._between = True
        if self._answered:
            self._answered = False
            self._ended += 1
            self.on_response_complete()
            return
        super().on_message_complete()

    def _is_plain(self) -> bool:
        """Whether nothing is under way on the connection, and the request has nothing out of the ordinary."""
        if self.pipeline or (self.cycle is not None and not self.cycle.response_complete) or self.flow.write_paused:
            return False
        if self.parser.get_method() not in _METHODS or self.parser.get_http_version() != "1.1":
            return False
        if b"%" in self.url.partition(b"?")[0]:
            return False
        return _USUAL.isdisjoint(name for name, _ in self.headers)

    def _fill(self, scope: dict[str, Any], path: bytes, query: bytes) -> None:
        """Fill in what is asked for, as the usual way does once more."""
        raw_path = self._root + path
        scope["path"] = raw_path.decode("ascii")
        scope["raw_path"] = raw_path
        scope["query_string"] = query

    def _write(self, sent: Sent, scope: dict[str, Any]) -> None:
        status, own, shared, body, _ = sent
        known = client_of(scope).known
        if known is not None and not_modified(sent, known):
            status, own, body = 304, b"", b""
        elif scope["method"] == "HEAD":
            body = b""
        self.transport.write(b"".join((STATUS_LINE[status], self._own_lines(), own, shared, b"\r\n", body)))

    def _own_lines(self) -> bytes:
        """The server's own headers: the date, which is another list every second."""
        headers = self.server_state.default_headers
        if self._dates[0] is not headers:
            self._dates = (headers, b"".join([b"%b: %b\r\n" % pair for pair in headers]))
        return self._dates[1]
