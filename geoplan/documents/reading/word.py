"""Word files (docx): paragraphs and tables in the order of the body, with the labels that Word itself would set.

The parts are read from the archive directly: tracked deletions, text boxes, footnotes, nested tables and automatic
numbers, none of which a paragraph's plain text shows, then come in their places, and no part is unpacked unseen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from geoplan.documents.reading.numbering import (
    Numbering,
    attribute,
    child,
    children,
    load_numbering,
    local,
    value,
)
from geoplan.documents.reading.package import open_package
from geoplan.documents.reading.source import Source
from geoplan.documents.reading.transcript import MAX_COLUMNS, RawCell, Transcript
from geoplan.errors import DocumentError

_BROKEN_TABLE = "Open the file in Word or WPS, mend or remake the table, and save it again."
# What is deleted, moved away, hidden behind another form of the same (Fallback), or a reading aid.
_SKIPPED = {
    "del",
    "moveFrom",
    "Fallback",
    "rt",
    "instrText",
    "delText",
    "pPr",
    "rPr",
    "sectPr",
    "tblPr",
    "tcPr",
    "trPr",
}
_SIGNS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}


@dataclass(slots=True)
class _Word:
    """What is needed while the body is walked: where text goes, the lists, the footnotes."""

    transcript: Transcript
    numbering: Numbering
    notes: dict[tuple[str, str], Any]
    tables: int = 0


@dataclass(slots=True)
class _Said:
    """Text of a paragraph, with the text boxes and notes that hang on it."""

    parts: list[str] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)


def read_word(source: Source) -> Transcript:
    """The paragraphs and table rows of a docx, one a line.

    Raises
    ------
    DocumentError
        If the file is damaged, is no docx, swells when unpacked, or has a table whose shape makes no sense.
    """
    try:
        import lxml.etree  # noqa: F401
    except ImportError:
        raise DocumentError(f"{source.name}: docx is read with lxml. Run pip install 'geoplan[text]'.") from None
    package = open_package(source)
    root = package.root(package.main)
    body = child(root, "body")
    if body is None:
        raise DocumentError(f"{source.name}: the part {package.main} has no body. Save the plan again as docx.")
    numbering = load_numbering(package.part("numbering.xml"), package.part("styles.xml"))
    notes = {
        (kind, attribute(note, "id")): note
        for kind in ("footnote", "endnote")
        for note in children(package.part(f"{kind}s.xml"), kind)
        if attribute(note, "type") in {"", "normal"}
    }
    transcript = Transcript(source.name)
    _walk(_Word(transcript, numbering, notes), body)
    return transcript


def _walk(word: _Word, parent: Any) -> None:
    """Read out the paragraphs and tables under `parent`, those inside content controls too."""
    for element in parent:
        name = local(element)
        if name == "p":
            _paragraph(word, element)
        elif name == "tbl":
            _table(word, element)
        elif name == "sdt":
            # A table of contents repeats the headings.
            if not _is_contents(element):
                _walk(word, element)
        elif name not in _SKIPPED and name != "sdtPr":
            _walk(word, element)


def _is_contents(control: Any) -> bool:
    properties = child(control, "sdtPr")
    return properties is not None and any(
        value(one).lower() == "table of contents" for one in properties.iter() if local(one) == "docPartGallery"
    )


def _paragraph(word: _Word, paragraph: Any) -> None:
    said = _Said()
    _say(said, paragraph)
    text = "".join(said.parts)
    if text.strip():
        word.transcript.write(word.numbering.label(child(paragraph, "pPr")) + text)
    for box in said.boxes:
        _walk(word, box)
    for key in said.notes:
        note = word.notes.pop(key, None)
        if note is not None:
            inner = _Word(Transcript(""), word.numbering, {})
            _walk(inner, note)
            word.transcript.write("注：" + " ".join(line.strip() for line in inner.transcript.lines))


def _say(said: _Said, element: Any) -> None:
    """Gather the text of a paragraph or of a part of it."""
    for one in element:
        name = local(one)
        if name == "t":
            said.parts.append(one.text or "")
        elif name in _SIGNS:
            said.parts.append(_SIGNS[name])
        elif name == "txbxContent":
            said.boxes.append(one)
        elif name in {"footnoteReference", "endnoteReference"}:
            said.notes.append((name.removesuffix("Reference"), attribute(one, "id")))
        elif name == "r":
            if not _is_hidden(one):
                _say(said, one)
        elif name not in _SKIPPED:
            _say(said, one)


def _is_hidden(run: Any) -> bool:
    hidden = child(child(run, "rPr"), "vanish")
    return hidden is not None and value(hidden) not in {"0", "false", "off"}


def _descend(parent: Any, name: str) -> list[Any]:
    """Children of that name, content controls and tracked insertions around them opened."""
    found: list[Any] = []
    for one in parent:
        if local(one) == name:
            found.append(one)
        elif local(one) in {"sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"}:
            found.extend(_descend(one, name))
    return found


def _table(word: _Word, table: Any) -> None:
    word.tables += 1
    number = word.tables
    nested: list[Any] = []
    rows: list[list[RawCell]] = []
    # For each column the row and place in it of the cell that a merge downwards goes on from.
    above: dict[int, tuple[int, int]] = {}
    for row in _descend(table, "tr"):
        if child(child(row, "trPr"), "del") is not None:
            continue
        rows.append(_row(word, row, rows, above, nested, f"table {number}, row {len(rows) + 1}"))
    word.transcript.write_table(rows)
    for inner in nested:
        _table(word, inner)


def _row(
    word: _Word,
    row: Any,
    rows: list[list[RawCell]],
    above: dict[int, tuple[int, int]],
    nested: list[Any],
    where: str,
) -> list[RawCell]:
    cells: list[RawCell] = []
    column = _count(word, child(child(row, "trPr"), "gridBefore"), where, "gridBefore", least=0)
    if column:
        cells.append(RawCell("", columns=column))
        for at in range(column):
            above.pop(at, None)
    for cell in _descend(row, "tc"):
        properties = child(cell, "tcPr")
        width = _count(word, child(properties, "gridSpan"), where, "gridSpan")
        merge = child(properties, "vMerge")
        if merge is not None and value(merge) in {"", "continue"} and column in above:
            at, place = above[column]
            first = rows[at][place]
            rows[at][place] = RawCell(first.text, len(rows) - at + 1, first.columns)
        else:
            for covered in range(column, column + width):
                above.pop(covered, None)
            if merge is not None:
                above[column] = (len(rows), len(cells))
            cells.append(RawCell(_cell_text(word, cell, nested), columns=width))
        column += width
    return cells


def _count(word: _Word, element: Any, where: str, name: str, least: int = 1) -> int:
    """A number of columns; Word's own files never hold one below 1 or over a thousand."""
    if element is None:
        return least
    text = value(element)
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and least <= int(text) <= MAX_COLUMNS):
        raise DocumentError(f"{word.transcript.name}: {where}: {name} is {text[:20]!r}. {_BROKEN_TABLE}")
    return int(text)


def _cell_text(word: _Word, cell: Any, nested: list[Any]) -> str:
    """The text of a cell; tables inside it are put aside, to be read after the table."""
    inner = _Word(Transcript(""), word.numbering, word.notes)
    for one in cell:
        if local(one) == "tbl":
            nested.append(one)
        elif local(one) == "p":
            _paragraph(inner, one)
        elif local(one) not in _SKIPPED:
            nested.extend(each for each in one.iter() if local(each) == "tbl")
            for each in _descend(one, "p"):
                _paragraph(inner, each)
    return "\n".join(inner.transcript.lines)
