"""Answers that are there at once are written at once: no task, no messages between, one write.

Most requests for tiles and features are answered in less time than it takes to make a task and to pass an answer
through it. An application that has a method ``prompt`` is asked for its answer as soon as the headers of a plain
request are there; what it does not answer so goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from services.api.answers import Sent, header, not_modified

Prompt = Callable[[Any], Sent | None]
_METHODS = {b"GET": "GET", b"HEAD": "HEAD"}
_USUAL = frozenset(
    {
        b"connection", b"content-length", b"expect", b"transfer-encoding", b"upgrade",
        b"x-forwarded-for", b"x-forwarded-proto",
    }
)  # fmt: skip
"""Headers of requests that go the usual way: with a body, with wishes for the connection, or through a proxy."""


class PromptProtocol(HttpToolsProtocol):
    """A connection whose plain requests are answered at once where the application can."""

    def connection_made(self, transport: Any) -> None:
        """Find out whether the application answers so."""
        super().connection_made(transport)
        # uvicorn may have put its own layer around it.
        inner = getattr(self.app, "app", self.app)
        self._prompt: Prompt | None = getattr(inner, "prompt", None)
        self._first = False
        self._answered = False

    def data_received(self, data: bytes) -> None:
        """Read on; of requests that come at once only the first is answered so, that others have their turn."""
        self._first = True
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """Answer, or begin the usual way."""
        if self._prompt is not None and self._first and self._is_plain():
            self._first = False
            self._fill_scope()
            sent = self._prompt(self.scope)
            if sent is not None:
                self._answered = True
                self._write(sent)
                return
        self._first = False
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        if not self._answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        if self._answered:
            self._answered = False
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

    def _fill_scope(self) -> None:
        """Fill in the scope of the request, as the usual way does once more."""
        target = httptools.parse_url(self.url)
        self.scope["method"] = _METHODS[self.parser.get_method()]
        self.scope["path"] = self.root_path + target.path.decode("ascii")
        self.scope["raw_path"] = self.root_path.encode("ascii") + target.path
        self.scope["query_string"] = target.query or b""

    def _write(self, sent: Sent) -> None:
        status, head, body = sent.status, sent.head, sent.body
        known = header(dict(self.scope), b"if-none-match")
        if known is not None and not_modified(sent, known):
            status, head, body = 304, sent.unchanged_head, b""
        elif self.scope["method"] == "HEAD":
            body = b""
        self.transport.write(b"".join((STATUS_LINE[status], *self._default_lines(), head, b"\r\n", body)))

    def _default_lines(self) -> list[bytes]:
        """The server's own headers: the date."""
        return [b"%b: %b\r\n" % pair for pair in self.server_state.default_headers]
