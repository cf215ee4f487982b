"""A table of PostGIS pulled into a layer pack: one consistent snapshot, streamed.

Rows arrive through a cursor in a read-only transaction that sees the table as it was when the
reading began, however long it takes and whatever is written meanwhile. Memory holds a few
batches, not the table.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyproj import CRS

from geoplan.crs import STORAGE
from geoplan.pack.build import Levels, PackOptions, Progress
from geoplan.pack.publish import publish_pack
from geoplan.pack.read import Source
from geoplan.sources.postgis.address import Address, connect, explained, failures
from geoplan.sources.postgis.blocking import Loop
from geoplan.sources.postgis.relation import Relation, Wanted, describe
from geoplan.sources.postgis.rows import geometry_name, schema_of, select_sql, specs_of, to_batch

if TYPE_CHECKING:
    import asyncpg
    import pyarrow as pa

BATCH_ROWS = 8192
PULL_TIMEOUT_S = 3600.0
"""How long one fetch of rows may take: a query may sort before its first row."""


def pull(
    where: Address,
    wanted: Wanted,
    packs: Path,
    options: PackOptions,
    *,
    levels: Levels | None = None,
    progress: Progress | None = None,
) -> Path:
    """Make a pack of a relation the one in use of its id (`geoplan.pack.publish.publish_pack`).

    Parameters
    ----------
    options
        As for a file; columns and id column are the relation's unless given.
    levels, progress
        As in `geoplan.pack.build.build_pack`; the total is the planner's estimate.

    Returns
    -------
    The folder of the version.

    Raises
    ------
    SourceUnavailableError, SourceError, CRSError, PackError
        If it cannot be read or kept; nothing is changed then.
    """
    with open_table(where, wanted) as (source, relation):
        chosen = options_of(options, relation, wanted)
        return publish_pack(source, packs, chosen, levels=levels, progress=progress)


@contextlib.contextmanager
def open_table(where: Address, wanted: Wanted) -> Iterator[tuple[Source, Relation]]:
    """A relation as a source of a pack; the errors of `open_snapshot`."""
    with open_snapshot(where, wanted) as (relation, batches):
        source = Source(
            name=relation.name, crs=CRS.from_user_input(STORAGE), schema=schema_of(relation),
            geometry=geometry_name(relation), batches=batches, total=relation.rows, id_column=relation.id_column,
        )  # fmt: skip
        yield source, relation


def options_of(options: PackOptions, relation: Relation, wanted: Wanted) -> PackOptions:
    """Options with the relation's columns and the declared column of ids."""
    columns = specs_of(relation) if options.columns is None else options.columns
    return replace(options, columns=columns, id_column=options.id_column or wanted.id_column)


@contextlib.contextmanager
def open_snapshot(
    where: Address, wanted: Wanted, *, batch_rows: int = BATCH_ROWS, timeout_s: float = PULL_TIMEOUT_S
) -> Iterator[tuple[Relation, Iterator[pa.RecordBatch]]]:
    """A relation and its rows as record batches (`geoplan.sources.postgis.rows`), all of one moment.

    Rows without an id of their own come in the order of the primary key, so that they are numbered alike every time.

    Raises
    ------
    SourceUnavailableError
        If the database does not answer, also in the middle of the reading.
    SourceError, CRSError
        If the relation cannot be read as declared.
    """
    loop = Loop()
    reader: _Reader | None = None
    try:
        try:
            reader = loop.wait(_open(where, wanted, timeout_s))
        except failures() as error:
            raise explained(error, where, wanted.shown, detail=True) from None
        yield reader.relation, _batches(loop, reader, where, batch_rows)
    finally:
        if reader is not None:
            loop.wait(reader.close())
        loop.close()


def _batches(loop: Loop, reader: _Reader, where: Address, batch_rows: int) -> Iterator[pa.RecordBatch]:
    """Batches; the next one is on its way while one is worked on."""
    coming = loop.begin(reader.read(batch_rows))
    try:
        while True:
            try:
                rows = coming.result()
                if not rows:
                    return
                coming = loop.begin(reader.read(batch_rows))
                batch = to_batch(reader.relation, rows)
            except failures() as error:
                raise explained(error, where, reader.relation.name, detail=True) from None
            yield batch
    finally:
        coming.cancel()


class _Reader:
    """A cursor over a relation."""

    def __init__(self, connection: asyncpg.Connection[Any], relation: Relation, cursor: Any) -> None:
        self.relation = relation
        self._connection = connection
        self._cursor = cursor

    async def read(self, rows: int) -> list[Any]:
        found: list[Any] = await self._cursor.fetch(rows)
        return found

    async def close(self) -> None:
        # Ends transaction and cursor too; not waiting for a server that may be gone.
        self._connection.terminate()


async def _open(where: Address, wanted: Wanted, timeout_s: float) -> _Reader:
    connection = await connect(where, timeout_s)
    try:
        await connection.transaction(isolation="repeatable_read", readonly=True).start()
        relation = await describe(connection, wanted)
        order = ", ".join(f"t.{name}" for name in relation.order)
        numbered = relation.id_column is None and order
        sql = select_sql(relation) + (f" ORDER BY {order}" if numbered else "")
        return _Reader(connection, relation, await connection.cursor(sql))
    except BaseException:
        connection.terminate()
        raise
