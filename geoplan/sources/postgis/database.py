"""A few connections to one database that survive its restarts: every question is one read-only snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from geoplan.sources.postgis.address import (
    CONNECT_TIMEOUT_S,
    Address,
    SourceUnavailableError,
    connection_options,
    explained,
    failures,
    is_lost,
    prepare,
)

if TYPE_CHECKING:
    import asyncpg

T = TypeVar("T")
PAUSE_S = 1.0
"""After a failed connection questions are refused for so long without asking: a service stays quick meanwhile."""


class Database:
    """Connections made when they are needed, to be used in one event loop."""

    def __init__(self, where: Address, *, statement_timeout_s: float, connections: int) -> None:
        self.where = where
        self._timeout_s = statement_timeout_s
        self._connections = connections
        self._pool: asyncpg.Pool[Any] | None = None
        self._refused_until = 0.0

    async def ask(self, question: Callable[[asyncpg.Connection[Any]], Awaitable[T]], what: str) -> T:
        """What `question` finds on a connection, in a transaction of its own.

        A connection that the server closed since the last question is met with a second try on a new one.

        Raises
        ------
        SourceUnavailableError
            If the database does not answer.
        SourceError, QueryError
            If it cannot or may not answer (`geoplan.sources.postgis.address.explained`).
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._refused_until:
            raise SourceUnavailableError(f"the database {self.where} does not answer now; try again later.")
        try:
            return await self._once(question)
        except failures() as error:
            if not is_lost(error) or isinstance(error, TimeoutError):
                raise explained(error, self.where, what) from None
        if self._pool is not None:
            await self._pool.expire_connections()
        try:
            return await self._once(question)
        except failures() as error:
            if is_lost(error):
                self._refused_until = loop.time() + PAUSE_S
            raise explained(error, self.where, what) from None

    async def close(self) -> None:
        """Close all connections, also those in use."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    async def _once(self, question: Callable[[asyncpg.Connection[Any]], Awaitable[T]]) -> T:
        import asyncpg

        if self._pool is None:
            # Nothing is connected here (min_size), and nothing waits: no second pool can come between.
            self._pool = await asyncpg.create_pool(
                self.where.dsn, min_size=0, max_size=self._connections, init=prepare,
                max_inactive_connection_lifetime=60, **connection_options(self._timeout_s),
            )  # fmt: skip
        async with (
            self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            return await question(connection)
