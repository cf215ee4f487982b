"""PDF files with a text layer: the text lines of each page without running heads and feet, and the ruled tables."""

from __future__ import annotations

import io
import logging
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

from geoplan.documents.reading.source import Source
from geoplan.documents.reading.streams import refuse_swelling
from geoplan.documents.reading.transcript import RawCell, Transcript
from geoplan.errors import DocumentError

MAX_PAGES = 800
# A page with more ruling lines than this is a map or a chart; looking for tables in it would take minutes.
_MAX_EDGES = 4000
_MAX_CHARS = 100_000

_OUTER = 0.12
_FEW = 3
_TOLERANCE = 3.0
_SPACE_RATIO = 0.35
_NUMBER = re.compile(
    r"[\s\-—–－·•~～|]{0,6}(?:第\s?)?(?:\d{1,4}|[ivxlcIVXLC]{1,6})(?:\s?页)?(?:\s?[,，/／]?\s?共?\s?\d{1,4}\s?页)?[\s\-—–－·•~～|]{0,6}"
)
_DIGITS = re.compile(r"\d+")
_UNMAPPED = re.compile(r"\(cid:\d+\)")
_ASCII_EDGE = re.compile(r"[!-~]\n[!-~]")


@dataclass(frozen=True, slots=True)
class _Line:
    """A text line of a page, with its place in points from the page's top left."""

    text: str
    left: float
    top: float
    bottom: float


@dataclass(frozen=True, slots=True)
class _Ruled:
    """A ruled table of a page: its rows, and where it begins."""

    rows: list[list[RawCell]]
    top: float


@dataclass(slots=True)
class _Page:
    """What a page holds, from top to bottom."""

    height: float
    items: list[_Line | _Ruled] = field(default_factory=list)
    characters: int = 0
    unmapped: int = 0


def read_pages(source: Source) -> Transcript:
    """The text lines of a PDF, and its tables with drawn rules.

    A line that begins two characters further right than the page's text gets two ideographic spaces, as in plain text.

    Raises
    ------
    DocumentError
        If the file is damaged, has a password, over 800 pages, or no text layer.
    """
    try:
        import pdfplumber
        from pdfminer.pdfdocument import PDFPasswordIncorrect
    except ImportError:
        raise DocumentError(f"{source.name}: pdf is read with pdfplumber. Run pip install 'geoplan[text]'.") from None
    refuse_swelling(source)
    # Its warnings (a missing crop box, an odd font) are about drawing, not about text.
    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    try:
        with pdfplumber.open(io.BytesIO(source.data)) as pdf:
            pages = _read(source.name, pdf)
    except DocumentError:
        raise
    except Exception as error:  # noqa: BLE001  the parser lets KeyError, struct.error and the like of broken files through
        cause = error.args[0] if error.args else error
        if isinstance(cause, PDFPasswordIncorrect) or isinstance(error, PDFPasswordIncorrect):
            raise DocumentError(f"{source.name}: the pdf has a password. Save a copy without it.") from None
        raise DocumentError(
            f"{source.name}: the pdf is damaged ({type(cause).__name__}). Fetch it again, or print it to a new pdf."
        ) from None
    return _compose(source.name, pages)


def _read(name: str, pdf: Any) -> list[_Page]:
    from pdfminer.pdfpage import PDFPage

    count = sum(1 for _ in islice(PDFPage.create_pages(pdf.doc), MAX_PAGES + 1))
    if count > MAX_PAGES:
        raise DocumentError(
            f"{name}: the pdf has over {MAX_PAGES} pages, more than any plan. Save the plan's own pages as a new pdf."
        )
    pages: list[_Page] = []
    for page in pdf.pages:
        pages.append(_read_page(name, page))
        page.close()
    return pages


def _read_page(name: str, page: Any) -> _Page:
    found = _Page(float(page.height))
    if len(page.chars) > _MAX_CHARS:
        raise DocumentError(
            f"{name}: page {page.page_number} has over {_MAX_CHARS} characters; it is no page of a plan. Take it out."
        )
    for char in page.chars:
        found.characters += not char["text"].isspace()
        found.unmapped += bool(_UNMAPPED.fullmatch(char["text"]))
    # Letters drawn twice for a bold look count once; looking closely for them is slow, so only where there are some.
    spots = {(char["text"], round(char["x0"] / 2), round(char["top"] / 2)) for char in page.chars}
    page = page.dedupe_chars() if len(spots) < len(page.chars) else page
    chars = page.chars
    tables = page.find_tables() if 0 < len(page.edges) <= _MAX_EDGES else []
    for table in sorted(tables, key=lambda table: table.bbox[1]):
        inside = [char for char in chars if _is_in(char, table.bbox)]
        rows = _rows(table.cells, inside)
        if sum(any(cell.text for cell in row) for row in rows) > 1 and max(len(row) for row in rows) > 1:
            found.items.append(_Ruled(rows, table.bbox[1]))
            taken = {id(char) for char in inside}
            chars = [char for char in chars if id(char) not in taken]
    found.items.extend(_lines(chars))
    found.items.sort(key=lambda item: item.top)
    return found


def _is_in(char: Any, box: Sequence[float]) -> bool:
    across, down = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
    return bool(box[0] <= across < box[2] and box[1] <= down < box[3])


def _lines(chars: list[Any]) -> list[_Line]:
    """Text lines of the characters, from the top."""
    if not chars:
        return []
    from pdfplumber.utils.clustering import cluster_objects
    from pdfplumber.utils.text import extract_words

    words = extract_words(chars, x_tolerance_ratio=_SPACE_RATIO, y_tolerance=_TOLERANCE, keep_blank_chars=False)
    found: list[_Line] = []
    for group in cluster_objects(words, "bottom", _TOLERANCE):
        row = sorted(group, key=lambda word: word["x0"])
        text = _UNMAPPED.sub("\ufffd", " ".join(word["text"] for word in row))
        found.append(_Line(text, row[0]["x0"], min(w["top"] for w in row), max(w["bottom"] for w in row)))
    return sorted(found, key=lambda line: line.top)


def _rows(boxes: Sequence[Sequence[float]], chars: list[Any]) -> list[list[RawCell]]:
    """Rows of a ruled table: its boxes ranked by their edges, holes filled with empty cells."""
    across = _edges([edge for box in boxes for edge in (box[0], box[2])])
    down = _edges([edge for box in boxes for edge in (box[1], box[3])])
    placed: dict[tuple[int, int], RawCell] = {}
    covered: set[tuple[int, int]] = set()
    for box in sorted(boxes, key=lambda box: (box[1], box[0])):
        left, right = _rank(across, box[0]), _rank(across, box[2])
        top, bottom = _rank(down, box[1]), _rank(down, box[3])
        spots = {(row, column) for row in range(top, bottom) for column in range(left, right)}
        if not spots or spots & covered:
            continue
        covered |= spots
        text = _unwrap([line.text for line in _lines([char for char in chars if _is_in(char, box)])])
        placed[top, left] = RawCell(text, bottom - top, right - left)
    for row in range(len(down) - 1):
        for column in range(len(across) - 1):
            if (row, column) not in covered:
                placed[row, column] = RawCell("")
    rows: list[list[RawCell]] = [[] for _ in range(max(1, len(down) - 1))]
    for (row, _), cell in sorted(placed.items(), key=lambda item: item[0]):
        rows[row].append(cell)
    return rows


def _edges(values: list[float]) -> list[float]:
    """The distinct edges; those closer than the tolerance are one."""
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _TOLERANCE:
            found.append(value)
    return found


def _rank(edges: list[float], value: float) -> int:
    at = bisect_left(edges, value - _TOLERANCE)
    return min(at, len(edges) - 1)


def _unwrap(lines: list[str]) -> str:
    """The lines of a cell as one text: Chinese runs on, words and figures of two lines stay apart."""
    text = "\n".join(lines)
    # Twice, for a cell of one figure a line: matches do not overlap.
    for _ in range(2):
        text = _ASCII_EDGE.sub(lambda match: match.group().replace("\n", " "), text)
    return text.replace("\n", "")


def _compose(name: str, pages: list[_Page]) -> Transcript:
    """The document's lines, running over all pages."""
    if 10 * sum(page.unmapped for page in pages) > sum(page.characters for page in pages) > 0:
        raise DocumentError(
            f"{name}: the pdf's fonts do not say which characters they draw, so its text cannot be read. "
            "Run character recognition (OCR), or get the plan as docx or html."
        )
    running = _running_lines(pages)
    transcript = Transcript(name)
    for page in pages:
        body = [
            item
            for item in page.items
            if isinstance(item, _Ruled) or not _is_marginal(item, page, running, bare=len(pages) < _FEW)
        ]
        margin = _margin(body)
        for item in body:
            if isinstance(item, _Ruled):
                transcript.write_table(item.rows)
            else:
                size = item.bottom - item.top
                indented = 1.5 * size <= item.left - margin <= 4 * size
                transcript.write("\u3000\u3000" * indented + item.text)
    if not transcript.lines:
        raise DocumentError(
            f"{name}: the pdf has no text on its {len(pages)} page(s); it is a scan or drawn as pictures. "
            "Run character recognition (OCR) and read the result, or get the plan as docx or html."
        )
    return transcript


def _margin(items: Sequence[_Line | _Ruled]) -> float:
    """Where the page's text lines begin: the leftmost edge that more than one line shares, else the leftmost."""
    lefts = sorted(item.left for item in items if isinstance(item, _Line))
    shared = [one for one, other in pairwise(lefts) if other - one < _TOLERANCE]
    return (shared or lefts or [0.0])[0]


def _marginal(page: _Page) -> list[tuple[str, _Line]]:
    """The first and last two text lines of a page that stand in its outer parts, with a key of text and place."""
    lines = [item for item in page.items if isinstance(item, _Line)]
    found: list[tuple[str, _Line]] = []
    for line in lines[:2] + lines[max(2, len(lines) - 2) :]:
        place = line.top / page.height
        if place < _OUTER or place > 1 - _OUTER:
            found.append((f"{_DIGITS.sub('#', line.text)}@{'head' if place < _OUTER else 'foot'}", line))
    return found


def _running_lines(pages: list[_Page]) -> set[str]:
    """Keys of the lines that stand at the head or foot of at least 40 % of the pages, and of three."""
    counts = Counter(key for page in pages for key in {key for key, _ in _marginal(page)})
    return {key for key, count in counts.items() if count >= max(_FEW, 0.4 * len(pages))}


def _is_marginal(line: _Line, page: _Page, running: set[str], *, bare: bool) -> bool:
    """Whether the line is a running one, or a page's number; `bare` where the pages are too few to see it run."""
    for key, other in _marginal(page):
        if other is line:
            return key in running or (bare and _NUMBER.fullmatch(line.text) is not None)
    return False
