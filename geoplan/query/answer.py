"""A question to a pack, answered: which rows, in which order, and how many there are in all."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geoplan.codes import level_of, prefix
from geoplan.errors import QueryError
from geoplan.pack.part import Part
from geoplan.query.access import checked, first, first_by_id, matching
from geoplan.query.boxes import kernel_shapes, kernel_tree
from geoplan.query.columns import values_of
from geoplan.query.compiler import TRUE
from geoplan.query.distance import MOST_METRES, rows_near
from geoplan.query.expressions import DATE, DATETIME, AnyOf, Compare, IsNull, Like, Literal, Property
from geoplan.query.indexes import bound_ids
from geoplan.query.instants import DAY_US, parse_datetime, parse_instant
from geoplan.query.kernels import point_rows
from geoplan.query.model import MOST_FEATURES, MOST_IDS, MOST_NEAREST, Query, Selected
from geoplan.query.order import enough, page, parse_sortby, read_cursor, write_cursor
from geoplan.query.plan import Plan, add, add_equal, require
from geoplan.query.scopes import column_of, place_of
from geoplan.query.shapes import box_of

Rows = NDArray[np.int64]


class Manifest(Protocol):
    """What the query engine reads of a pack's manifest."""

    @property
    def approximate(self) -> Any:
        """Column and values of features that are drawn only approximately, or None."""

    @property
    def datetime(self) -> str | None:
        """The column that tells when."""


class Pack(Protocol):
    """What the query engine reads of a pack."""

    @property
    def source(self) -> Part:
        """The part with full detail."""

    @property
    def manifest(self) -> Manifest:
        """Description of the pack."""


def select(pack: Pack, query: Query, plan: Plan | None = None) -> Selected:
    """One page of the features of a pack that meet all the conditions of a question.

    Parameters
    ----------
    plan
        That of `plan_of` for the same question, where it is known already; it is used up.

    Raises
    ------
    QueryError
        If a condition cannot be answered as it is asked.
    """
    part = pack.source
    if not 0 <= query.limit <= MOST_FEATURES:
        raise QueryError(f"limit: from 0 to {MOST_FEATURES}, not {query.limit}.")
    keys = parse_sortby(query.sortby, part) if query.sortby else ()
    after = read_cursor(query.after, keys, part) if query.after is not None else None
    plan = plan or plan_of(pack, query)
    if query.nearest is not None:
        return _nearest(pack, plan, query)
    distances = _place(plan, query)
    if query.point is None and query.near is None:
        return _page(plan, query, keys, after)
    rows = matching(plan)
    rows, excluded = without_approximate(pack, rows)
    matched = len(rows)
    if keys:
        found = page(part, rows, keys, after, query.limit)
        left = matched > len(found) if after is None else len(found) == query.limit
    else:
        found = first_by_id(part, rows, -1 if after is None else after[1], query.limit + 1)
        left = len(found) > query.limit
        found = found[: query.limit]
    cursor = write_cursor(part, int(found[-1]), keys) if left and len(found) else None
    return Selected(found, matched, excluded, cursor, _of_rows(distances, found))


def _of_rows(distances: tuple[Rows, NDArray[np.float64]] | None, rows: Rows) -> NDArray[np.float64] | None:
    """The distances of some of the rows that have one; the rows are ascending."""
    return None if distances is None else distances[1][distances[0].searchsorted(rows)]


def _page(plan: Plan, query: Query, keys: Any, after: tuple[list[Any], int] | None) -> Selected:
    part = plan.part
    if not keys:
        last = -1 if after is None else after[1]
        found, matched = first(plan, last, query.limit + 1)
        cursor = None
        if len(found) > query.limit:
            found = found[: query.limit]
            cursor = write_cursor(part, int(found[-1]), keys) if query.limit else None
        return Selected(found, matched, 0, cursor)
    if plan.empty:
        matched, rows = len(part), enough(part, keys[0], after, query.limit + 1)
    else:
        rows = matching(plan)
        matched = len(rows)
    found = page(part, rows, keys, after, query.limit + 1)
    more = len(found) > query.limit > 0
    found = found[: query.limit]
    return Selected(found, matched, 0, write_cursor(part, int(found[-1]), keys) if more else None)


def plan_of(pack: Pack, query: Query) -> Plan:
    """The conditions of a question but those of a place on the ground; raises `QueryError`."""
    part = pack.source
    plan = Plan(part)
    if query.bbox is not None:
        try:
            plan.boxes.append((box_of(list(query.bbox), query.bbox_crs), query.or_missing))
        except QueryError as exc:
            raise QueryError(f"bbox: {exc}") from None
    if query.within:
        _add_divisions(plan, query)
    if query.ids is not None:
        plan.rows = rows_of_ids(part, query.ids)
    if query.datetime is not None:
        _add_datetime(plan, pack.manifest.datetime, query)
    for name, value in query.equal.items():
        _add_equal(plan, name, value)
    if query.filter is not None:
        add(plan, query.filter.predicate)
    return plan


def rows_of_ids(part: Part, ids: tuple[int, ...]) -> Rows:
    """The rows of ids, each once; unknown ids are left out."""
    if len(ids) > MOST_IDS:
        raise QueryError(f"ids: at most {MOST_IDS}.")
    found = []
    for wanted in set(ids):
        if not 0 <= wanted < 2**63:
            continue
        place = bound_ids(part.ids, part.ids_order, wanted)
        if place < len(part) and part.ids[part.ids_order[place]] == wanted:
            found.append(int(part.ids_order[place]))
    return np.array(sorted(found), np.int64)


def find_row(part: Part, wanted: int) -> int | None:
    """The row of an id, or None."""
    if not 0 <= wanted < 2**63:
        return None
    place = bound_ids(part.ids, part.ids_order, wanted)
    if place == len(part.ids):
        return None
    row = int(part.ids_order[place])
    return row if part.ids[row] == wanted else None


def _add_divisions(plan: Plan, query: Query) -> None:
    names = [column.name for column in plan.part.columns if column.type == "string"]
    if query.within_column not in names:
        raise QueryError(f"within: these features have no property {query.within_column!r} with codes of divisions.")
    for code in query.within:
        try:
            level_of(code)
        except ValueError as exc:
            raise QueryError(f"within: {exc}") from exc
    column = Property("string", query.within_column)
    nodes = tuple(Like(column, Literal("string", f"{prefix(code)}%")) for code in query.within)
    add(plan, nodes[0] if len(nodes) == 1 else AnyOf(nodes))


def _add_datetime(plan: Plan, name: str | None, query: Query) -> None:
    start, end = parse_datetime(query.datetime or "")
    if name is None:
        plan.never |= not query.or_missing
        return
    kind = column_of(plan.part, name).type
    if kind not in (DATE, DATETIME):
        raise QueryError(f"datetime: the property {name!r} is no time.")
    column = Property(kind, name)
    from_day = start // DAY_US * DAY_US if kind == DATE else start
    low = Compare(">=", column, Literal(DATETIME, from_day))
    high = Compare("<=", column, Literal(DATETIME, end))
    for node in (low, high):
        add(plan, AnyOf((node, IsNull(column))) if query.or_missing else node)


def _add_equal(plan: Plan, name: str, value: Any) -> None:
    columns = plan.part.columns
    place = next((place for place, column in enumerate(columns) if column.name == name), None)
    if place is None:
        known = ", ".join(column.name for column in columns)
        raise QueryError(f"there is no property {name[:80]!r}; there are: {known}.")
    column = columns[place]
    read = _READERS.get(column.type)
    try:
        wanted = value if read is None or not isinstance(value, str) else read(value)
    except ValueError:
        raise QueryError(f"{name}: {value[:80]!r} is not of the type {column.type}.") from None
    if read is None:
        raise QueryError(f"{name}: a property of lists cannot be compared so; use a filter.")
    add_equal(plan, place, {"integer": "number"}.get(column.type, column.type), wanted)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else bool(int(text, 0))


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= 2**63:
        raise ValueError
    return number


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


_READERS: dict[str, Any] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": lambda text: parse_instant(text)[0],
    "datetime": lambda text: parse_instant(text)[0],
}


def _position(position: tuple[float, float], what: str) -> tuple[float, float]:
    longitude, latitude = position
    if not (-180 <= longitude <= 180 and -90 <= latitude <= 90):
        raise QueryError(
            f"{what}: {longitude:g},{latitude:g} is not a longitude (-180 to 180) and a latitude (-90 to 90) in "
            "degrees; the longitude comes first."
        )
    return longitude, latitude


def _place(plan: Plan, query: Query) -> tuple[Rows, NDArray[np.float64]] | None:
    """Choose the rows at a place on the ground; their distances, where that was asked."""
    part = plan.part
    distances = None
    if query.point is not None:
        _choose(plan, rows_at(part, *_position(query.point, "point")))
    if query.near is not None:
        distances = rows_near(part, *_position(query.near, "near"), _radius(query.radius_m))
        _choose(plan, distances[0])
    elif query.radius_m is not None:
        raise QueryError("radius_m: needs near, the position it is measured from.")
    return distances


def _choose(plan: Plan, rows: Rows) -> None:
    plan.rows = rows if plan.rows is None else np.intersect1d(plan.rows, rows)


def _radius(radius_m: float | None) -> float:
    if radius_m is None:
        raise QueryError("near: needs radius_m, or nearest.")
    if not 0 < radius_m <= MOST_METRES:
        raise QueryError(f"radius_m: more than 0 and at most {MOST_METRES:g} metres, not {radius_m:g}.")
    return radius_m


def rows_at(part: Part, longitude: float, latitude: float) -> Rows:
    """Rows whose shapes hold a position in degrees, borders included, ascending."""
    rows: Rows = point_rows(kernel_tree(part), kernel_shapes(part), float(longitude), float(latitude))
    return rows


def without_approximate(pack: Pack, rows: Rows) -> tuple[Rows, int]:
    """The rows that are drawn well enough to say something of a place, and how many are not."""
    flags = pack.manifest.approximate
    if flags is None or not len(rows):
        return rows, 0
    part = pack.source
    name, values = (flags["column"], flags["values"]) if isinstance(flags, dict) else (flags.column, flags.values)
    plan = Plan(part, rows=rows)
    column = part.columns[place_of(part, name)]
    if column.codes is not None:
        keys = values_of(column).keys
        table = np.array([*(0 if key in values else TRUE for key in keys), TRUE], np.int8)
        require(plan, place_of(part, name), table)
    else:
        nodes = tuple(Compare("=", Property("string", name), Literal("string", value)) for value in values)
        wrong = checked(part, rows, [AnyOf(nodes)])
        return np.setdiff1d(rows, wrong), len(wrong)
    kept = matching(plan)
    return kept, len(rows) - len(kept)


def _nearest(pack: Pack, plan: Plan, query: Query) -> Selected:
    """The nearest features, by circles that grow until they hold enough."""
    wanted = query.nearest or 0
    if query.near is None or not 1 <= wanted <= MOST_NEAREST:
        raise QueryError(f"nearest: needs near, and a number from 1 to {MOST_NEAREST}.")
    if query.point is not None or query.sortby or query.after is not None:
        raise QueryError("nearest: not together with point, sortby or a next page.")
    longitude, latitude = _position(query.near, "near")
    farthest = MOST_METRES if query.radius_m is None else _radius(query.radius_m)
    asked = plan.rows
    radius = min(100.0, farthest)
    while True:
        rows, distances = rows_near(plan.part, longitude, latitude, radius)
        plan.rows = asked
        _choose(plan, rows)
        kept, excluded = without_approximate(pack, matching(plan))
        if len(kept) >= wanted or radius >= farthest:
            break
        radius = min(radius * 3, farthest)
    ranked = distances[np.searchsorted(rows, kept)]
    order = np.lexsort((plan.part.ids[kept], ranked))[:wanted]
    return Selected(kept[order], len(order), excluded, None, ranked[order])
