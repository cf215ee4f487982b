"""Where a database is, how it is reached, and what its failures mean to people.

An address holds a secret: it is never printed, logged or put into a message. What may be said
of it is host, port, database and user (`Address.shown`).
"""

from __future__ import annotations

import asyncio
import os
import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from geoplan.errors import GeoplanError, QueryError, SettingsError, SourceError

if TYPE_CHECKING:
    import asyncpg

CONNECT_TIMEOUT_S = 5.0
"""How long a connection may take to open."""
_SCHEMES = ("postgresql", "postgres")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class SourceChangedError(SourceError):
    """A table that is not as it was when its columns were read."""


class SourceUnavailableError(SourceError):
    """A database that does not answer now; asking again later may help (HTTP 503)."""


class SourceLimitError(QueryError):
    """A question whose answer is larger than a live source gives at once (HTTP 413)."""


@dataclass(frozen=True, slots=True)
class Address:
    """A PostgreSQL address; its text form has no secret.

    Attributes
    ----------
    dsn
        ``postgresql://user:password@host:port/database?options``.
    """

    dsn: str = field(repr=False)

    @property
    def shown(self) -> str:
        """Host, port, database and user, for messages."""
        parts = urllib.parse.urlsplit(self.dsn)
        options = urllib.parse.parse_qs(parts.query)
        host = parts.hostname or (options.get("host") or ["the local socket"])[0]
        port = f":{parts.port}" if parts.port else ""
        user = f" as {urllib.parse.unquote(parts.username)}" if parts.username else ""
        return f"{urllib.parse.unquote(parts.path.lstrip('/')) or 'the default database'} at {host}{port}{user}"

    def __str__(self) -> str:
        """The form for messages."""
        return self.shown


def address(text: str, environ: Mapping[str, str] | None = None) -> Address:
    """The address in `text`: a ``postgresql://`` URL, or the name of an environment variable that holds one.

    Raises
    ------
    SettingsError
        If it is neither; the message never repeats a text that may hold a password.
    """
    if text.startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
        return _checked(text, "the address of the database")
    if not _VARIABLE.match(text):
        raise SettingsError(
            "the address of the database is neither a postgresql:// URL nor the name of an environment variable; "
            "write it like postgresql://user@host:5432/database, or set a variable and give its name."
        )
    value = (os.environ if environ is None else environ).get(text)
    if not value:
        raise SettingsError(f"the environment variable {text} is not set; put the address of the database into it.")
    return _checked(value, f"the address in the environment variable {text}")


def _checked(text: str, what: str) -> Address:
    try:
        parts = urllib.parse.urlsplit(text)
        usable = parts.scheme in _SCHEMES and (parts.port is None or parts.port > 0)
        # A password with an unescaped / ? or # ends in the wrong part, where it would be shown.
        usable = usable and not parts.fragment and "@" not in parts.path + parts.query
    except ValueError:
        usable = False
    if not usable or "\0" in text:
        raise SettingsError(
            f"{what} is no postgresql:// URL; write it like postgresql://user@host:5432/database, "
            "with / ? # @ in a password as %2F %3F %23 %40."
        )
    return Address(text)


def connection_options(statement_timeout_s: float) -> dict[str, Any]:
    """Options of every connection: read-only, and nothing waits for ever."""
    return {
        "timeout": CONNECT_TIMEOUT_S,
        # The server cancels first; this one is for a server or network that has fallen silent.
        "command_timeout": statement_timeout_s + 10,
        "server_settings": {
            "application_name": "geoplan",
            "default_transaction_read_only": "on",
            "statement_timeout": str(int(statement_timeout_s * 1000)),
            "lock_timeout": "5000",
            "idle_in_transaction_session_timeout": "60000",
            "TimeZone": "UTC",
        },
    }


async def connect(where: Address, statement_timeout_s: float) -> asyncpg.Connection[Any]:
    """A connection of its own to the database."""
    import asyncpg

    connection = await asyncpg.connect(where.dsn, **connection_options(statement_timeout_s))
    await prepare(connection)
    return connection


async def prepare(connection: asyncpg.Connection[Any]) -> None:
    """Let numbers arrive as the doubles that their decimal text means.

    A ``real`` 0.1 is 0.1 and not 0.10000000149, and a ``numeric`` beyond a double's range is infinite
    (and with that missing) instead of ending the reading of a table.
    """
    for name in ("float4", "numeric"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=float, format="text")


def is_lost(error: BaseException) -> bool:
    """Whether an error says that the connection or the server is gone, so that asking anew may help."""
    import asyncpg

    lost = (
        OSError, EOFError, asyncio.TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.TooManyConnectionsError,
        asyncpg.IdleInTransactionSessionTimeoutError, asyncpg.InternalClientError,
    )  # fmt: skip
    if isinstance(error, asyncpg.InterfaceError):
        return (
            "clos" in str(error) or "in progress" in str(error) or "released" in str(error) or "terminat" in str(error)
        )
    return isinstance(error, lost)


def failures() -> tuple[type[Exception], ...]:
    """What reading from a database may raise; the rest is a mistake of the program."""
    import asyncpg
    import shapely

    driver = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return (*driver, OSError, EOFError, UnicodeError, OverflowError, shapely.errors.ShapelyError)


def explained(error: Exception, where: Address, what: str, *, detail: bool = False) -> GeoplanError:
    """The error for people that stands for one of the driver's.

    Parameters
    ----------
    what
        What was read, e.g. ``the table public.parcels``.
    detail
        Whether the server's own message may be told: only to who wrote the query.
    """
    import asyncpg

    if is_lost(error):
        return SourceUnavailableError(f"the database {where} does not answer now; try again later.")
    if isinstance(error, asyncpg.QueryCanceledError | asyncpg.LockNotAvailableError):
        return SourceLimitError(f"{what} took the database too long; ask for a smaller area or fewer features.")
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        return SourceUnavailableError(
            f"the database {where} refuses the connection; check user, password and database name."
        )
    changed = (
        asyncpg.InvalidCachedStatementError, asyncpg.UndefinedColumnError, asyncpg.UndefinedTableError,
        asyncpg.UndefinedFunctionError, asyncpg.DatatypeMismatchError, asyncpg.OutdatedSchemaCacheError,
    )  # fmt: skip
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return SourceError(f"{what} may not be read by the user of {where}; grant it SELECT.")
    state = f" (SQLSTATE {error.sqlstate})" if isinstance(error, asyncpg.PostgresError) else ""
    said = f": {str(error).splitlines()[0]}" if detail and state and str(error) else ""
    kind = SourceChangedError if isinstance(error, changed) else SourceError
    return kind(f"{what} cannot be read from {where}{state}{said}.")
