"""Planners' questions to layers: everything about a division, counts and sums by classes.

Every answer says how many features it looked at and names the sources of its layers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoplan.errors import QueryError
from geoplan.pack.part import Column, Part
from geoplan.query.access import matching
from geoplan.query.answer import plan_of, select, without_approximate
from geoplan.query.columns import take
from geoplan.query.model import Query
from geoplan.query.scopes import place_of
from geoplan.query.used import Label, LayerUse, Pack, Rows, class_column, group_rows, layer_use

MOST_GROUPS = 10_000
"""Lines of a summary."""
MOST_COLUMNS = 8


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and sums by classes.

    Attributes
    ----------
    by
        The properties of the classes.
    sums
        The properties that are summed.
    groups
        For each combination that occurs: its values, the number of features, and for each sum the sum of
        the values that are there and the number of features where the value is missing.
    layer
        The layer.
    """

    by: tuple[str, ...]
    sums: tuple[str, ...]
    groups: tuple[tuple[tuple[Label, ...], int, tuple[tuple[float, int], ...]], ...]
    layer: LayerUse


def summarise(
    pack: Pack,
    by: Sequence[str],
    sums: Sequence[str] = (),
    *,
    query: Query | None = None,
    digits: Mapping[str, int] | None = None,
) -> Summary:
    """Counts and sums by division, class, year or any other properties.

    Parameters
    ----------
    pack
        The layer.
    by
        Properties of the classes, such as a division's code, a class and a year.
    sums
        Properties that are numbers.
    query
        Which features (its conditions; pages and order are ignored).
    digits
        For a property with codes of divisions how many digits count: 2 for provinces, 4 for cities, 6 for
        counties, 9 for townships.

    Raises
    ------
    QueryError
        For an unknown property, a sum of what is no number, or more than `MOST_GROUPS` combinations.
    """
    part = pack.source
    if not 1 <= len(by) <= MOST_COLUMNS or len(sums) > MOST_COLUMNS:
        raise QueryError(f"a summary has from 1 to {MOST_COLUMNS} properties of classes, and up to as many sums.")
    numbers = [class_column(part, name) for name in sums]
    for column in numbers:
        if column.type not in ("integer", "number"):
            raise QueryError(f"{column.name!r} is no number: it has no sum.")
    rows = matching(plan_of(pack, query or Query()))
    columns = [_shortened(*group_rows(class_column(part, name), rows), (digits or {}).get(name)) for name in by]
    combined = np.zeros(len(rows), np.int64)
    for labels, places in columns:
        # Places anew after each property: the product of the numbers of classes could be too large.
        combined = np.unique(combined * len(labels) + places, return_inverse=True)[1]
    size = int(combined.max(initial=-1)) + 1
    if size > MOST_GROUPS:
        raise QueryError(f"more than {MOST_GROUPS} combinations ({size}); choose fewer classes or a smaller area.")
    example = np.zeros(size, np.int64)
    example[combined] = np.arange(len(rows))
    counts = np.bincount(combined, minlength=size)
    totals = [_sum(column, rows, combined, size) for column in numbers]
    groups = tuple(
        (
            tuple(labels[places[example[group]]] for labels, places in columns),
            int(counts[group]),
            tuple((float(total[group]), int(missing[group])) for total, missing in totals),
        )
        for group in range(size)
    )
    return Summary(tuple(by), tuple(sums), groups, layer_use(pack, len(rows)))


def _shortened(
    labels: tuple[Label, ...], places: NDArray[np.int64], digits: int | None
) -> tuple[tuple[Label, ...], NDArray[np.int64]]:
    """Classes of codes by their first digits."""
    if digits is None:
        return labels, places
    short = [None if label is None else str(label)[:digits] for label in labels]
    kept = tuple(sorted({label for label in short if label is not None})) + ((None,) if None in short else ())
    where = np.array([kept.index(label) for label in short], np.int64)
    return kept, where[places] if len(labels) else places


def _sum(
    column: Column, rows: Rows, groups: NDArray[np.int64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum of the values that are there and number of those that are missing, for each group."""
    array, missing = take(column, rows)
    there = np.where(missing, 0, array).astype(np.float64)
    totals = np.asarray(np.bincount(groups, there, size), np.float64)
    return totals, np.asarray(np.bincount(groups[missing], minlength=size), np.int64)


@dataclass(frozen=True, slots=True)
class DivisionLayer:
    """What a layer has about a division.

    Attributes
    ----------
    id, title
        The layer.
    rows
        The first features inside of the division, by id.
    matched
        How many there are.
    approximate
        How many of them are drawn only approximately: they are inside, but not exactly where they are drawn.
    citations
        Plan, line and characters of the facts on the page, each once, where the layer states them.
    layer
        The layer as it was used.
    """

    id: str
    title: Mapping[str, str]
    rows: Rows
    matched: int
    approximate: int
    citations: tuple[tuple[str, int, str], ...]
    layer: LayerUse


@dataclass(frozen=True, slots=True)
class AboutDivision:
    """Everything the layers have about a division.

    Attributes
    ----------
    code
        Code of the division.
    layers
        What each layer has, in the order given; those with nothing included.
    without_codes
        Ids of the layers that do not say in which division their features are.
    """

    code: str
    layers: tuple[DivisionLayer, ...]
    without_codes: tuple[str, ...]


def about_division(
    packs: Sequence[Pack], code: str, *, column: str = "division_code", limit: int = 100
) -> AboutDivision:
    """What all layers have inside of a division, each with its sources and the lines of the plans.

    Parameters
    ----------
    packs
        The layers.
    code
        Code of the division; what lies in its parts counts as well.
    column
        The property with the codes of divisions.
    limit
        Features of each layer on the page.

    Raises
    ------
    QueryError
        If `code` is no code of a division.
    """
    found, without = [], []
    for pack in packs:
        if not any(one.name == column and one.type == "string" for one in pack.source.columns):
            without.append(pack.manifest.id)
            continue
        query = Query(within=(code,), within_column=column, limit=limit)
        answer = select(pack, query)
        _, approximate = without_approximate(pack, matching(plan_of(pack, query)))
        about = pack.manifest
        found.append(
            DivisionLayer(
                about.id,
                about.title,
                answer.rows,
                answer.matched,
                approximate,
                _citations(pack.source, answer.rows),
                layer_use(pack, answer.matched),
            )
        )
    return AboutDivision(code, tuple(found), tuple(without))


def _citations(part: Part, rows: Rows) -> tuple[tuple[str, int, str], ...]:
    names = {column.name: column.type for column in part.columns}
    if names.get("plan") != "string" or names.get("line") != "integer":
        return ()
    plans, no_plan = take(part.columns[place_of(part, "plan")], rows)
    lines, no_line = take(part.columns[place_of(part, "line")], rows)
    spans: list[str] = [""] * len(rows)
    if names.get("span") == "string":
        spans = take(part.columns[place_of(part, "span")], rows)[0].tolist()
    stated = ~(no_plan | no_line)
    triples = zip(plans[stated].tolist(), lines[stated].tolist(), np.array(spans, object)[stated].tolist(), strict=True)
    return tuple(sorted(set(triples)))
