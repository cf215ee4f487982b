"""Addresses, which hold secrets, and what failures mean."""

from __future__ import annotations

import asyncpg
import pytest

from geoplan.errors import QueryError, SettingsError, SourceError
from geoplan.sources.postgis.address import (
    Address,
    SourceChangedError,
    SourceLimitError,
    SourceUnavailableError,
    address,
    explained,
)

SECRET = "s3cret%40word"  # noqa: S105
DSN = f"postgresql://planner:{SECRET}@db.example:5433/land?sslmode=require"


def test_the_text_of_an_address_has_no_secret() -> None:
    where = address(DSN)
    assert where.dsn == DSN
    assert str(where) == "land at db.example:5433 as planner"
    assert SECRET not in repr(where) + str(where) + f"{where}"


def test_an_address_is_taken_from_the_variable_that_is_named() -> None:
    assert address("LAND_DATABASE", {"LAND_DATABASE": DSN}).dsn == DSN


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("LAND_DATABASE", {}, "LAND_DATABASE is not set"),
        ("LAND_DATABASE", {"LAND_DATABASE": f"mysql://planner:{SECRET}@db/land"}, "LAND_DATABASE is no postgresql"),
        (f"planner:{SECRET}@db/land", {}, "neither a postgresql:// URL nor the name"),
        (f"postgresql://planner:{SECRET}@db:port/land", {}, "is no postgresql:// URL"),
        (f"postgresql://planner:{SECRET}@db:99999/land", {}, "is no postgresql:// URL"),
        ("", {}, "neither"),
        ("postgresql://planner:12/s3cret%40word@db/land", {}, "is no postgresql:// URL"),
        ("postgresql://planner:12?s3cret%40word@db/land", {}, "is no postgresql:// URL"),
        ("postgresql://planner:12#s3cret%40word@db/land", {}, "is no postgresql:// URL"),
    ],
)
def test_a_bad_address_is_refused_without_being_repeated(text: str, environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        address(text, environ)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(), SourceUnavailableError),
        (TimeoutError(), SourceUnavailableError),
        (asyncpg.AdminShutdownError(), SourceUnavailableError),
        (asyncpg.InvalidPasswordError(), SourceUnavailableError),
        (asyncpg.InterfaceError("connection is closed"), SourceUnavailableError),
        (asyncpg.QueryCanceledError(), SourceLimitError),
        (asyncpg.UndefinedColumnError(), SourceChangedError),
        (asyncpg.InsufficientPrivilegeError(), SourceError),
        (asyncpg.DivisionByZeroError("division by zero"), SourceError),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), SourceError),
    ],
)
def test_a_failure_is_told_without_the_servers_words(error: Exception, kind: type[Exception]) -> None:
    told = explained(error, Address(DSN), "the table land.parcels")
    assert type(told) is kind
    assert isinstance(told, SourceError | QueryError)
    assert SECRET not in str(told)
    assert "division by zero" not in str(told)


def test_who_wrote_the_query_is_told_what_is_wrong_with_it() -> None:
    told = explained(asyncpg.DivisionByZeroError("division by zero"), Address(DSN), "the query", detail=True)
    assert (
        str(told)
        == "the query cannot be read from land at db.example:5433 as planner (SQLSTATE 22012): division by zero."
    )
