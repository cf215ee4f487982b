"""Facts of tables: every row (in a sideways table every column) is one fact, or one for each of its places."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from geoplan.documents.document import Cell, Table
from geoplan.documents.facts.confidence import confidence
from geoplan.documents.facts.draft import Draft, DraftPlace, DraftQuantity
from geoplan.documents.facts.lines import draft_places, draft_quantity, precision_of, reasons_of
from geoplan.documents.facts.naming import MAX_NAME
from geoplan.documents.facts.statements import place_groups
from geoplan.documents.facts.vocabulary import KIND_PATTERNS, kind_of, theme_of
from geoplan.documents.places import PlaceFinder, find_mentions
from geoplan.documents.places.mention import Mention
from geoplan.documents.quantities import find_amounts, read_cell
from geoplan.documents.quantities.amount import Amount
from geoplan.documents.reading.table_heads import column_label, column_unit, column_year, is_total_row, is_unit, unit_in
from geoplan.documents.reading.table_shape import is_figure
from geoplan.errors import UnitError
from geoplan.terms import Change, Kind, Measure, Status

_PLACE_HEAD = re.compile(
    r"县|^市|市、区|区、|^区$|区域|地区|地点|位置|范围|乡镇|镇村|所在地|所属|布局|行政村|村名|覆盖"
)
_FINE_HEAD = re.compile(r"乡|镇|村|地点|位置|所在地")
_NAME_HEAD = re.compile(r"名称|项目|指标|类别|品种|产业|任务|工程|园区|基地|线路|景区|发展区")
_TEXT_HEAD = re.compile(r"内容|规模|任务|措施|重点|目标|方向|做法|说明")
_UNIT_HEAD = re.compile(r"(?:计量)?单\s*位")
_SKIP_HEAD = re.compile(r"序号|编号|备注|责任|牵头|主管|属性|性质|^年均|增速|增长|累计")
_TABLE_NUMBER = re.compile(r"^\s*(?:附?表|专栏)[一二三四五六七八九十\d]*[：:\s]*")
_FLOW_TITLE = re.compile(r"任务|新建|新增|建设")


@dataclass(frozen=True, slots=True)
class _Row:
    """A row (or column) of a table as one thing: its cells by column."""

    cells: dict[int, Cell]


def table_drafts(table: Table, finder: PlaceFinder, area: str, within: str = "") -> list[Draft]:
    """Drafts of a table's rows, in order.

    Parameters
    ----------
    area
        Name of the document's own area: what rows without a place are about.
    within
        Code of the place that the table's headings set, or empty.
    """
    if table.sideways:
        return _sideways_drafts(table, finder, within)
    columns = sorted({cell.column for row in table.rows for cell in row})
    labels = {column: column_label(table, column) for column in columns}
    drafts = []
    for row in _filled(table):
        if is_total_row(tuple(row.cells.values())):
            continue
        draft = _row_draft(row, table, labels, finder, area, within)
        if draft is not None:
            drafts.append(draft)
    return drafts


def _filled(table: Table) -> list[_Row]:
    """Rows below the head, merged cells repeated in every row they cover."""
    found = []
    open_cells: dict[int, tuple[Cell, int]] = {}
    for number, row in enumerate(table.rows):
        cells = {column: cell for column, (cell, last) in open_cells.items() if last >= number}
        for cell in row:
            cells[cell.column] = cell
            if cell.rows > 1:
                open_cells[cell.column] = (cell, number + cell.rows - 1)
        if number >= table.heads and any(cell.row == number for cell in cells.values()):
            found.append(_Row(dict(sorted(cells.items()))))
    return found


def _row_draft(
    row: _Row, table: Table, labels: dict[int, str], finder: PlaceFinder, area: str, within: str
) -> Draft | None:
    name_cell = _name_cell(row, labels)
    quantities = _row_quantities(row, table, labels, name_cell)
    places, source = _row_places(row, labels, name_cell, finder, within)
    if not quantities and not places:
        return None
    name = re.sub(r"[（(][^（）()]*[）)]", "", name_cell.text if name_cell else "").strip() or table.title or "—"
    if any(name in {place.mention.text, place.mention.name} for place in places):
        name = _TABLE_NUMBER.sub("", table.title) or name  # a county's own name says nothing of its quota
    kind, how = _row_kind(name, table, labels, has_places=bool(places), has_figures=bool(quantities))
    anchor = quantities[0].span if quantities else source.passage.span(0, len(source.text)) if source else None
    if anchor is None:
        return None
    scope = "" if places else area
    reasons = (how, "table", *reasons_of(places), *(() if places else ("scope-assumed",)))
    if not quantities and any(is_figure(c.text) for c in row.cells.values() if not _SKIP_HEAD.search(labels[c.column])):
        reasons += ("no-unit",)
    years = [q.amount.period for q in quantities if q.amount.period]
    baseline_only = bool(quantities) and all(q.amount.status is Status.BASELINE for q in quantities)
    return Draft(
        span=anchor, kind=kind, theme=theme_of(name, table.title, *(h.text for h in reversed(table.headings))),
        name=name[:MAX_NAME], places=places, quantities=tuple(quantities),
        status=Status.BASELINE if baseline_only else Status.TARGET,
        precision=precision_of(places), confidence=confidence(reasons), reasons=reasons, scope=scope,
        period=years[0] if years else "", headings=tuple(h.text for h in table.headings),
    )  # fmt: skip


def _name_cell(row: _Row, labels: dict[int, str]) -> Cell | None:
    named = [c for c in row.cells.values() if _NAME_HEAD.search(labels[c.column]) and not _number(c.text)]
    if named:
        return named[-1] if "指标" in labels[named[-1].column] else named[0]
    texts = [c for c in row.cells.values() if not _number(c.text) and not _SKIP_HEAD.search(labels[c.column])]
    return texts[0] if texts else None


def _number(text: str) -> bool:
    return bool(re.fullmatch(r"[\[\]〔〕\d.．,，%％—\-–/\s]*", text))


def _row_places(
    row: _Row, labels: dict[int, str], name_cell: Cell | None, finder: PlaceFinder, within: str
) -> tuple[tuple[DraftPlace, ...], Cell | None]:
    """Places of a row: from its place column, else its name, else its text; with the cell they stand in."""
    heads = [c for c in row.cells.values() if _PLACE_HEAD.search(labels[c.column]) and not _number(c.text)]
    heads.sort(key=lambda c: bool(_FINE_HEAD.search(labels[c.column])))  # a county's column leads to its townships'
    texts = [c for c in row.cells.values() if _TEXT_HEAD.search(labels[c.column]) and c not in heads]
    context = within
    found: tuple[DraftPlace, ...] = ()
    source: Cell | None = None
    for cell in [*heads, *([name_cell] if name_cell else []), *texts]:
        if found and cell not in heads:
            break
        mentions = find_mentions(finder, cell.text, within=context)
        groups = place_groups(cell.text, mentions)
        if not groups:
            continue
        taken = groups if cell in heads else groups[:1]
        found = draft_places(cell.passage, [place for group in taken for place in group.places])
        source = cell
        if len(found) == 1 and found[0].mention.code:
            context = found[0].mention.code
    return found, source


def _row_quantities(row: _Row, table: Table, labels: dict[int, str], name_cell: Cell | None) -> list[DraftQuantity]:
    """Figures of a row: those of its columns, the last year first, then those that its texts tell."""
    years = sorted({year for column in labels if (year := column_year(table, column))})
    own_unit = _own_unit(row, labels, name_cell)
    figures: list[tuple[int, DraftQuantity]] = []
    told: list[DraftQuantity] = []
    for column, cell in row.cells.items():
        label = labels[column]
        if cell is name_cell or _SKIP_HEAD.search(label) or (_PLACE_HEAD.search(label) and not _number(cell.text)):
            continue
        if _TEXT_HEAD.search(label) and not _number(cell.text):
            told += [draft_quantity(cell.passage, amount) for amount in find_amounts(cell.text)]
            continue
        unit = own_unit or column_unit(table, column)
        amount = _figure(cell.text, unit, f"{name_cell.text if name_cell else ''}{label}")
        if amount is None:
            continue
        year = column_year(table, column)
        if year:
            status = Status.BASELINE if len(years) > 1 and year == years[0] else Status.TARGET
            # What a table gives for a year is what is there in that year.
            amount = replace(amount, status=status, period=str(year), change=amount.change or Change.STOCK)
        figures.append((-(year or 0), draft_quantity(cell.passage, amount)))
    return [quantity for _, quantity in sorted(figures, key=lambda item: item[0])] + told


def _own_unit(row: _Row, labels: dict[int, str], name_cell: Cell | None) -> str:
    """The unit that a row gives itself: in its column 单位, or in brackets behind its name."""
    units = [cell.text.strip() for column, cell in row.cells.items() if _UNIT_HEAD.fullmatch(labels[column].strip())]
    named = unit_in(name_cell.text) if name_cell else ""
    return next((unit for unit in units if is_unit(unit)), named)


def _figure(text: str, unit: str, noun: str) -> Amount | None:
    """The figure of a cell; None where it has none, or a bare number whose unit nothing tells."""
    try:
        return read_cell(text, unit, noun=noun)
    except UnitError:
        return None


def _row_kind(
    name: str, table: Table, labels: dict[int, str], *, has_places: bool, has_figures: bool
) -> tuple[Kind, str]:
    heads = "".join(labels.values())
    farmland = KIND_PATTERNS[0][1]
    if farmland.search(name) or (farmland.search(table.title) and has_places):
        return Kind.FARMLAND, "kind-noun"
    if "指标" in table.title + heads and not has_places:
        return Kind.INDICATOR, "kind-of-title"
    if re.search(r"项目|工程", table.title + heads):
        return Kind.PROJECT, "kind-of-title"
    for text in (name, table.title):
        found = kind_of(text)
        if found:
            return found[0], "kind-noun" if text is name else "kind-of-title"
    return (Kind.INDICATOR if has_figures else Kind.ZONE), "kind-by-measure"


def _sideways_drafts(table: Table, finder: PlaceFinder, within: str) -> list[Draft]:
    """A table with one place a column: every figure below it is that place's."""
    drafts = []
    heads: dict[int, tuple[DraftPlace, ...]] = {}
    for row in table.rows:
        by_column = {cell.column: cell for cell in row}
        label = by_column[min(by_column)].text if by_column else ""
        mentions = {
            column: draft_places(cell.passage, _cell_places(cell, finder, within))
            for column, cell in by_column.items()
            if column > 0
        }
        if sum(map(bool, mentions.values())) > len(mentions) / 2:
            heads = mentions
            continue
        for column, cell in by_column.items():
            if column == 0 or not heads.get(column):
                continue
            drafts += _column_draft(table, label, cell, heads[column])
    return drafts


def _cell_places(cell: Cell, finder: PlaceFinder, within: str) -> Sequence[Mention]:
    groups = place_groups(cell.text, find_mentions(finder, cell.text, within=within))
    return groups[0].places if groups else ()


def _column_draft(table: Table, label: str, cell: Cell, places: tuple[DraftPlace, ...]) -> list[Draft]:
    amount = _figure(cell.text, unit_in(label) or table.unit, f"{table.title}{label}")
    if amount is None:
        return []
    if amount.change is None and amount.measure is Measure.AREA and _FLOW_TITLE.search(table.title):
        amount = replace(amount, change=Change.FLOW)
    quantity = draft_quantity(cell.passage, amount)
    found = kind_of(table.title)
    kind, how = (found[0], "kind-noun") if found else (Kind.INDICATOR, "kind-by-measure")
    reasons = (how, "table", *reasons_of(places))
    title = _TABLE_NUMBER.sub("", table.title)
    return [
        Draft(
            span=quantity.span, kind=kind, theme=theme_of(table.title), name=(title or label)[:MAX_NAME] or "—",
            places=places, quantities=(quantity,), status=Status.TARGET, precision=precision_of(places),
            confidence=confidence(reasons), reasons=reasons, period=amount.period,
            headings=tuple(h.text for h in table.headings),
        )
    ]  # fmt: skip
