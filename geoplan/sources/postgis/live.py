"""A table of PostGIS served as it is now: the rows of the asked area become a part in memory.

The same arrays as in a pack, made anew of a few thousand rows, go through the same kernels; thus
a live layer and a pulled one give the same answers. How many rows one answer may read is bounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from geoplan.crs import Bounds
from geoplan.errors import SourceError
from geoplan.sources.postgis.address import Address, SourceChangedError, SourceLimitError
from geoplan.sources.postgis.database import Database
from geoplan.sources.postgis.relation import Relation, Wanted, describe, quoted
from geoplan.sources.postgis.rows import ID, SHAPE, mark_sql, marks, projected, select_sql, to_part
from geoplan.sources.postgis.selection import (
    Conditions,
    Selection,
    conditions,
    inside,
    is_pushable,
    nearest_first,
    version_of,
    version_sql,
)

if TYPE_CHECKING:
    import asyncpg

    from geoplan.pack.part import Part

T = TypeVar("T")
Matches = Callable[["Part"], NDArray[np.bool_]]
"""Which rows of a part answer: bool (n)."""
Reach = Callable[["Part"], tuple[float, float, float, float] | None]
"""The box in degrees that holds whatever is as near as the features wanted; None: the part has too few of them."""
MAX_ROWS = 20_000
"""Rows that one answer may read unless declared otherwise."""
MAX_BYTES = 128 * 2**20
"""Bytes of shapes that one answer may read."""
STATEMENT_TIMEOUT_S = 10.0
RELATION_AGE_S = 30.0
"""How long what is known of a table's columns is believed; a column that is gone is noticed at once."""
_FETCH_ROWS = 2000
_PIECE_ROWS = 500
"""Rows of the first piece of a page; the pieces double."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What was read.

    Attributes
    ----------
    part
        The features, ready for the kernels.
    version
        Changes when any of the rows does, or the set of them; None where the relation cannot tell.
    """

    part: Part
    version: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Features by ascending id.

    Attributes
    ----------
    part
        The page's features and no others.
    matched
        How many features answer in all; None when counting them would read more rows than the layer may.
    next_after
        Where the next page begins (`Selection.after`); None: this is the last one.
    """

    part: Part
    matched: int | None
    next_after: int | None


class PostgisLayer:
    """A relation with a column of ids, read on demand; to be used in one event loop.

    Nothing is connected before the first question. After a restart of the database the next question connects
    anew; until it answers, questions end with `SourceUnavailableError`.
    """

    def __init__(
        self,
        where: Address,
        wanted: Wanted,
        *,
        max_rows: int = MAX_ROWS,
        statement_timeout_s: float = STATEMENT_TIMEOUT_S,
        connections: int = 4,
    ) -> None:
        self.wanted = wanted
        self.max_rows = max_rows
        self._database = Database(where, statement_timeout_s=statement_timeout_s, connections=connections)
        self._relation: Relation | None = None
        self._described_at = 0.0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._database.close()

    async def relation(self) -> Relation:
        """What the relation offers."""

        async def question(_: asyncpg.Connection[Any], relation: Relation) -> Relation:
            return relation

        return await self._ask(question)

    async def nothing(self) -> Part:
        """A part without features: the properties and their types, which filters are compiled against."""
        return to_part(await self.relation(), [])

    async def read(self, selection: Selection, *, zoom: int | None = None) -> Rows:
        """The rows of a selection: all that may answer, a few more around a box.

        Parameters
        ----------
        zoom
            Zoom of the tiles that are to be made of them; None: none are.

        Raises
        ------
        SourceLimitError
            If there are more rows than the layer may read at once.
        SourceUnavailableError
            If the database does not answer.
        SourceError
            If the rows cannot be served: an id is missing, negative or repeated.
        """

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> tuple[Relation, list[Any]]:
            return relation, await self._all(connection, relation, conditions(relation, selection))

        relation, rows = await self._ask(question)
        part = await asyncio.to_thread(to_part, relation, rows, zoom)
        return Rows(part, marks(rows) if relation.has_xmin else None)

    async def version(self, selection: Selection) -> str | None:
        """The version that `read` would give for a selection, without reading the shapes."""

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> str | None:
            if not relation.has_xmin:
                return None
            where = conditions(relation, selection)
            sql = version_sql(relation, where, mark_sql(relation))
            return version_of(await connection.fetchrow(sql, *where.arguments))

        return await self._ask(question)

    async def count(self, selection: Selection, matches: Matches | None = None) -> int | None:
        """How many features answer, exactly; None when that would read more rows than the layer may.

        Parameters
        ----------
        matches
            Which rows of a part answer, everything in `selection` included. None only if the selection is all that
            is asked: without a box, and with values that the database can compare (`is_pushable`).
        """

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> int | None:
            return await self._counted(connection, relation, selection, matches)

        return await self._ask(question)

    async def page(
        self, selection: Selection, *, limit: int, matches: Matches | None = None, counted: bool = True
    ) -> Page:
        """The first features of a selection after `Selection.after`, with the count of all, in one snapshot.

        Rows are read piece by piece until the page is full. A page may have fewer features than `limit` although more
        follow: when as many rows as the layer may read have been looked at.

        Parameters
        ----------
        matches
            As in `count`; None only if the selection is all that is asked.
        counted
            Whether `Page.matched` is wanted (`count_box` counts large boxes without reading them).
        """

        async def question(
            connection: asyncpg.Connection[Any], relation: Relation
        ) -> tuple[Relation, list[Any], int | None, int | None]:
            number = None
            if counted:
                number = await self._counted(connection, relation, replace(selection, after=None), matches)
            rows, following = await self._paged(connection, relation, selection, limit, matches)
            return relation, rows, number, following

        relation, rows, number, following = await self._ask(question)
        return Page(await asyncio.to_thread(to_part, relation, rows), number, following)

    async def count_box(self, selection: Selection, matches: Matches) -> int:
        """How many features of a selection with a box answer, where the box and values that can be compared are all.

        What lies in the box for sure is counted by the database; only rows at the box's edge are read. A polygon in the
        box that encloses nothing at all (all its vertices on a line) is counted although it has no shape in a pack.
        """

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> int:
            box = selection.box
            sure, edge = conditions(relation, selection), conditions(relation, selection)
            if box is None or not _is_narrowing(relation, selection):
                raise SourceLimitError(f"{relation.name}: only a box and plain values can be counted like this.")
            inside(sure, relation, box, wanted=True)
            inside(edge, relation, box, wanted=False)
            part = await asyncio.to_thread(to_part, relation, await self._all(connection, relation, edge))
            return await _number(connection, relation, sure) + int(np.count_nonzero(matches(part)))

        return await self._ask(question)

    async def nearest(self, selection: Selection, place: tuple[float, float], count: int, reach: Reach) -> Rows:
        """The rows among which are the `count` features nearest to a place (degrees), in one snapshot.

        The database's own order gives candidates; all rows that may be nearer than these are read after them.

        Raises
        ------
        SourceLimitError
            If there are not enough among as many rows as the layer may read.
        """

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> tuple[Relation, list[Any]]:
            size = min(count, self.max_rows)
            while True:
                where = conditions(relation, selection)
                order = nearest_first(where, relation, place)
                rows = await self._fetch(connection, relation, where, f"{order} LIMIT {size}")
                box = await asyncio.to_thread(lambda found: reach(to_part(relation, found)), rows)
                if box is not None:
                    where = conditions(relation, replace(selection, box=box, or_missing=False))
                    return relation, await self._all(connection, relation, where)
                if len(rows) < size:
                    return relation, rows
                if size == self.max_rows:
                    raise SourceLimitError(
                        f"{relation.name}: the nearest {count} are not among the {size} features around that may be "
                        "read; ask for fewer, or with a radius."
                    )
                size = min(4 * size, self.max_rows)

        relation, rows = await self._ask(question)
        return Rows(await asyncio.to_thread(to_part, relation, rows), marks(rows) if relation.has_xmin else None)

    async def bounds(self) -> Bounds | None:
        """West, south, east, north in degrees of all shapes, from the planner's statistics where there are some."""

        async def question(connection: asyncpg.Connection[Any], relation: Relation) -> tuple[Relation, Any]:
            return relation, await _extent(connection, relation)

        relation, found = await self._ask(question)
        if found is None:
            return None
        low, high = found.removeprefix("BOX(").removesuffix(")").split(",")
        west, south, east, north = (float(value) for value in (*low.split(), *high.split()))
        if relation.crs is None:
            return Bounds(west, south, east, north)
        return Bounds(*projected(relation.crs).transform_bounds(west, south, east, north, densify_pts=21))

    async def _ask(self, question: Callable[[asyncpg.Connection[Any], Relation], Awaitable[T]]) -> T:
        async def described(connection: asyncpg.Connection[Any]) -> T:
            now = time.monotonic()
            if self._relation is None or now - self._described_at >= RELATION_AGE_S:
                relation = await describe(connection, self.wanted)
                if relation.id_column is None:
                    raise SourceError(
                        f"{relation.name} has no primary key of one whole number; declare its column of ids, "
                        "or pull it into a pack."
                    )
                self._relation, self._described_at = relation, now
            return await question(connection, self._relation)

        try:
            return await self._database.ask(described, self.wanted.shown)
        except SourceChangedError:
            known, self._relation = self._relation, None
            if known is None:
                raise
            return await self._database.ask(described, self.wanted.shown)

    async def _counted(
        self, connection: asyncpg.Connection[Any], relation: Relation, selection: Selection, matches: Matches | None
    ) -> int | None:
        where = conditions(relation, selection)
        number = await _number(connection, relation, where)
        if matches is None or number == 0:
            return number
        if number > self.max_rows:
            return None
        part = await asyncio.to_thread(to_part, relation, await self._all(connection, relation, where))
        return int(np.count_nonzero(matches(part)))

    async def _paged(
        self,
        connection: asyncpg.Connection[Any],
        relation: Relation,
        selection: Selection,
        limit: int,
        matches: Matches | None,
    ) -> tuple[list[Any], int | None]:
        found: list[Any] = []
        seen, piece, after = 0, max(limit + 1, _PIECE_ROWS), selection.after
        while seen < self.max_rows:
            where = conditions(relation, replace(selection, after=after))
            order = f" ORDER BY t.{quoted(relation.id_column or '')} LIMIT {min(piece, self.max_rows - seen)}"
            rows = await self._fetch(connection, relation, where, order)
            found += rows if matches is None else await asyncio.to_thread(_chosen, relation, rows, matches)
            if len(found) > limit:
                return found[:limit], found[limit - 1][ID]
            if len(rows) < min(piece, self.max_rows - seen):
                return found, None
            seen, piece, after = seen + len(rows), piece * 2, rows[-1][ID]
        return found, after

    async def _all(self, connection: asyncpg.Connection[Any], relation: Relation, where: Conditions) -> list[Any]:
        rows = await self._fetch(connection, relation, where, f" LIMIT {self.max_rows + 1}")
        if len(rows) > self.max_rows:
            raise SourceLimitError(
                f"{relation.name} has more than {self.max_rows} features here; ask for a smaller area, or pull the "
                "table into a pack."
            )
        return rows

    async def _fetch(
        self, connection: asyncpg.Connection[Any], relation: Relation, where: Conditions, end: str
    ) -> list[Any]:
        """Rows read piece by piece, so that the bound on bytes holds before memory is full."""
        cursor = await connection.cursor(select_sql(relation) + where.sql + end, *where.arguments)
        rows: list[Any] = []
        size = 0
        while found := await cursor.fetch(_FETCH_ROWS):
            rows += found
            size += sum(len(row[SHAPE]) for row in found if row[SHAPE] is not None)
            if size > MAX_BYTES:
                raise SourceLimitError(
                    f"{relation.name} has shapes of more than {MAX_BYTES >> 20} MiB here; ask for a smaller area."
                )
            if len(found) < _FETCH_ROWS:
                break
        return rows


def _is_narrowing(relation: Relation, selection: Selection) -> bool:
    return all(is_pushable(relation.column(name), value) for name, value in selection.equal.items())


def _chosen(relation: Relation, rows: list[Any], matches: Matches) -> list[Any]:
    part = to_part(relation, rows)
    wanted = set(part.ids[matches(part)].tolist())
    return [row for row in rows if row[ID] in wanted]


async def _number(connection: asyncpg.Connection[Any], relation: Relation, where: Conditions) -> int:
    sql = f"SELECT count(*) FROM {relation.sql} AS t{where.sql}"  # noqa: S608 - names are quoted
    return int(await connection.fetchval(sql, *where.arguments))


async def _extent(connection: asyncpg.Connection[Any], relation: Relation) -> str | None:
    """``BOX(x y,x y)`` in the relation's CRS."""
    if relation.oid and not relation.is_geography:
        # Only where there are statistics: without, PostGIS warns on every call.
        estimate: str | None = await connection.fetchval(
            "SELECT ST_EstimatedExtent(n.nspname::text, c.relname::text, $2::text)::text FROM pg_class AS c "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = $1::int8::oid AND EXISTS (SELECT FROM "
            "pg_stats AS s WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = $2::text)",
            relation.oid, relation.geometry,
        )  # fmt: skip
        if estimate is not None:
            return estimate
    found: str | None = await connection.fetchval(f"SELECT ST_Extent({relation.shape})::text FROM {relation.sql} AS t")  # noqa: S608
    return found
