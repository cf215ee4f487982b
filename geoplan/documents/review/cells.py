"""A fact as the cells of its rows: what a draft states, what a reviewer sees and changes, what a decision keeps.

Every value is the text of a cell, as in a record file. Cells may be wrong; `faults` tells every wrong one, and
`record_of` makes the record of those that are right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from geoplan.provenance import Citation
from geoplan.records import COLUMNS, PlaceRef, PlanRecord, Quantity
from geoplan.records.cells import (
    FIGURE_COLUMNS,
    citation_faults,
    fact_faults,
    figure_faults,
    in_terms,
    parse_span,
    parse_value,
    place_items,
)
from geoplan.records.sheet import Row
from geoplan.terms import Measure

MAX_CELL = 2000
MAX_FIGURES = 200
Cell = Annotated[str, StringConstraints(max_length=MAX_CELL, strip_whitespace=True)]

FACT_FIELDS = (
    "kind", "theme", "name", "places", "region", "status", "period", "part_of", "seq", "duplicate_of",
    "line", "span", "note",
)  # fmt: skip
FIGURE_FIELDS = (*FIGURE_COLUMNS, "status", "period", "line", "span")


class _Cells(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FigureCells(_Cells):
    """A figure: its cells, with status and period only where they differ from the fact's."""

    measure: Cell = ""
    value: Cell = ""
    unit: Cell = ""
    qualifier: Cell = ""
    change: Cell = ""
    per: Cell = ""
    status: Cell = ""
    period: Cell = ""
    line: Cell = ""
    span: Cell = ""


class FactCells(_Cells):
    """A fact: its cells and its figures."""

    id: Cell = ""
    kind: Cell = ""
    theme: Cell = ""
    name: Cell = ""
    places: Cell = ""
    region: Cell = ""
    status: Cell = ""
    period: Cell = ""
    part_of: Cell = ""
    seq: Cell = ""
    duplicate_of: Cell = ""
    line: Cell = ""
    span: Cell = ""
    note: Cell = ""
    figures: Annotated[tuple[FigureCells, ...], Field(max_length=MAX_FIGURES)] = ()

    def changed(self, values: Mapping[str, Any]) -> Self:
        """The same fact with other values in some of its fields; raises `ValidationError` for what is no field."""
        return self.model_validate(self.model_dump() | dict(values))

    def filled(self) -> dict[str, Any]:
        """The cells that are not empty."""
        figures = [{key: text for key, text in figure if text} for figure in self.figures]
        return {key: text for key, text in self if text and key != "figures"} | (
            {"figures": figures} if figures else {}
        )


class Fault(NamedTuple):
    """A wrong cell: its field, what is wrong, and the number of its figure from 0 (None for the fact's own)."""

    field: str
    message: str
    figure: int | None = None


def cells_of_rows(rows: Sequence[Row]) -> FactCells:
    """The fact that the rows of one id state, its terms in the vocabulary's own words."""
    first, *further = (in_terms({column: row.get(column, "") for column in COLUMNS}) for row in rows)
    figures = []
    if any(first[column] for column in FIGURE_COLUMNS):
        # The time of the first row is that of the fact.
        figures.append({name: first[name] for name in (*FIGURE_COLUMNS, "line", "span")})
    for row in further:
        own = {name: row[name] for name in ("status", "period") if row[name] != first[name]}
        figures.append({name: row[name] for name in (*FIGURE_COLUMNS, "line", "span")} | own)
    return FactCells.model_validate({name: first[name] for name in ("id", *FACT_FIELDS)} | {"figures": figures})


def in_vocabulary(cells: FactCells) -> FactCells:
    """The fact with Chinese words for terms (目标, 不低于) replaced by the terms."""
    head = in_terms(_row(cells))
    figures = [
        {name: row[name] for name in FIGURE_FIELDS} for row in map(in_terms, (_figure_row(f) for f in cells.figures))
    ]
    return FactCells.model_validate({name: head[name] for name in ("id", *FACT_FIELDS)} | {"figures": figures})


def cells_of_record(record: PlanRecord) -> FactCells:
    """The cells of a record."""
    figures = [_figure_of(quantity) for quantity in record.quantities]
    return FactCells(
        id=record.id, kind=record.kind.value, theme=record.theme, name=record.name,
        places=";".join(map(str, record.places)), region=record.region, status=record.status.value,
        period=record.period, part_of=record.part_of, seq=str(record.seq or ""), duplicate_of=record.duplicate_of,
        line=str(record.citation.line), span=span_text(record.citation.start, record.citation.end),
        note=record.note, figures=tuple(figures),
    )  # fmt: skip


def faults(cells: FactCells) -> list[Fault]:
    """Every wrong cell, a field of the fact or of a figure at most once."""
    found = list(_once([*fact_faults(_row(cells)), *citation_faults(_row(cells))]))
    for number, figure in enumerate(cells.figures):
        row = _figure_row(figure)
        told = list(_once([*figure_faults(row), *citation_faults(row)], number))
        if not any(row[column] for column in FIGURE_COLUMNS):
            told = [Fault("value", "a figure needs measure, value and unit; its cells are empty.", number)]
        found += told or _figure_faults_together(figure, number)
    if not found:
        try:
            record_of(cells)
        except ValidationError as error:
            found += [Fault("id", text) for text in _messages(error)]
    return found


def record_of(cells: FactCells) -> PlanRecord:
    """The record of faultless cells; its plan is the one its id begins with.

    Raises
    ------
    ValueError
        If a cell is wrong.
    """
    row = _row(cells)
    plan = cells.id.partition("-")[0]
    texts = ("id", "kind", "theme", "name", "region", "status", "period", "part_of", "duplicate_of", "note")
    values: dict[str, Any] = {name: row[name] for name in texts}
    return PlanRecord(
        **values,
        seq=int(cells.seq) if cells.seq else None,
        citation=_citation(cells, plan),
        places=tuple(PlaceRef.parse(item) for item in place_items(cells.places)),
        quantities=tuple(_quantity(figure, cells, plan) for figure in cells.figures),
    )


def span_text(start: int, end: int) -> str:
    """A span as a cell has it."""
    return f"{start}..{end}"


def _quantity(figure: FigureCells, fact: FactCells, plan: str) -> Quantity:
    optional: dict[str, Any] = {
        name: text for name in ("qualifier", "change", "per") if (text := getattr(figure, name))
    }
    for name in ("status", "period"):
        own = getattr(figure, name)
        if own and own != getattr(fact, name):
            optional[name] = own
    value, value_max = parse_value(figure.value)
    return Quantity(
        measure=Measure(figure.measure), value=value, value_max=value_max, unit=figure.unit,
        citation=_citation(figure, plan), **optional,
    )  # fmt: skip


def _citation(cells: FactCells | FigureCells, plan: str) -> Citation:
    return Citation(plan, int(cells.line), *parse_span(cells.span))


def _figure_faults_together(figure: FigureCells, number: int) -> list[Fault]:
    """Faults that only several cells of a figure show: the two ends of a range."""
    try:
        _quantity(figure, FactCells(), "plan")
    except ValidationError as error:
        return [Fault("value", text, number) for text in _messages(error)]
    return []


def _once(found: Iterable[tuple[str, str]], figure: int | None = None) -> Iterator[Fault]:
    told: dict[str, str] = {}
    for field, message in found:
        told.setdefault(field, message)
    yield from (Fault(field, message, figure) for field, message in told.items())


def _messages(error: ValidationError) -> list[str]:
    texts = (str(item["msg"]) for item in error.errors(include_url=False, include_context=False))
    return [f"{text.removeprefix('Value error, ').rstrip('.')}." for text in texts]


def _row(cells: FactCells) -> Row:
    """The fact's own cells as a row without a figure."""
    return dict.fromkeys(COLUMNS, "") | {name: getattr(cells, name) for name in ("id", *FACT_FIELDS)}


def _figure_row(figure: FigureCells) -> Row:
    return dict.fromkeys(COLUMNS, "") | {name: getattr(figure, name) for name in FIGURE_FIELDS}


def _figure_of(quantity: Quantity) -> FigureCells:
    value = f"{quantity.value:f}"
    if quantity.value_max is not None:
        value += f"..{quantity.value_max:f}"
    return FigureCells(
        measure=quantity.measure.value, value=value, unit=quantity.unit,
        qualifier="" if quantity.qualifier == "exact" else quantity.qualifier.value,
        change=quantity.change or "", per=quantity.per or "", status=quantity.status or "", period=quantity.period,
        line=str(quantity.citation.line), span=span_text(quantity.citation.start, quantity.citation.end),
    )  # fmt: skip
