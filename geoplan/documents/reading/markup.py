"""HTML: one line for each block of the page, and its tables."""

from __future__ import annotations

import re
from typing import Any

from geoplan.documents.reading.source import Source, decode_text
from geoplan.documents.reading.transcript import RawCell, Transcript, clean
from geoplan.errors import DocumentError

MAX_DEPTH = 200
MAX_TAGS = 1_500_000

_DROPPED = {
    "script", "style", "head", "nav", "noscript", "template", "iframe", "object", "svg", "math", "canvas", "video",
    "audio", "aside", "footer", "button", "select", "input", "textarea", "option", "link", "meta", "title", "rt", "rp",
}  # fmt: skip
_INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "label", "mark", "o:p", "q", "ruby", "rb", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
    "tt", "u", "var", "wbr", "img",
}  # fmt: skip
_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_ENDS = re.compile(r"</(?:body|html)\s{0,9}>", re.IGNORECASE)
_DIGITS = re.compile(r"\s*(\d{1,6})")


def read_markup(source: Source) -> Transcript:
    """The blocks of an HTML page, one a line; scripts, styles, menus and what is not shown are left out.

    Nothing is fetched and no entity beyond HTML's own characters is resolved.

    Raises
    ------
    DocumentError
        If the page has over 1.5 million tags or is nested over 200 elements deep, or holds no text.
    """
    try:
        import lxml.html
        from lxml import etree
    except ImportError:
        raise DocumentError(f"{source.name}: html is read with lxml. Run pip install 'geoplan[text]'.") from None
    # The parser ends at the first of these tags; pages of many editors go on after it.
    text = _ENDS.sub(" ", clean(decode_text(source)))
    if text.count("<") > MAX_TAGS:
        raise DocumentError(f"{source.name}: over {MAX_TAGS} tags; it is no page of a plan. Save its text as txt.")
    parser = lxml.html.HTMLParser(no_network=True, encoding="utf-8", huge_tree=False, remove_comments=True)
    try:
        root = lxml.html.document_fromstring(text.encode(), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):
        raise DocumentError(f"{source.name}: holds no HTML that can be read. Save the plan's text as txt.") from None
    # The parser drops what is deeper than its own limit and goes on: what is left would be a part of the plan.
    too_deep = any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log)
    if too_deep or _depth(root) > MAX_DEPTH:
        raise DocumentError(
            f"{source.name}: elements are nested over {MAX_DEPTH} deep; it is no page of a plan. Save its text as txt."
        )
    transcript = Transcript(source.name, title=_SPACE.sub(" ", root.findtext(".//title") or "").strip())
    page = _Page(transcript)
    page.walk(root)
    page.end_block()
    return transcript


def _depth(root: Any) -> int:
    from lxml import etree

    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


class _Page:
    """Gathers the text of a block until the block ends."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._parts: list[str] = []

    def end_block(self) -> None:
        self._transcript.write("".join(self._parts))
        self._parts = []

    def walk(self, element: Any, *, kept: bool = False) -> None:
        """Read `element` out; `kept` says that its line ends count (pre)."""
        tag = element.tag if isinstance(element.tag, str) else ""
        if not tag or tag in _DROPPED or "hidden" in element.attrib or _UNSEEN.search(element.get("style", "")):
            return
        if tag == "table" and not _is_layout(element):
            self._table(element)
            return
        if tag == "br":
            self.end_block()
            return
        block = tag not in _INLINE
        if block:
            self.end_block()
        kept = kept or tag == "pre"
        self._say(element.text, kept=kept)
        for child in element:
            self.walk(child, kept=kept)
            self._say(child.tail, kept=kept)
        if block:
            self.end_block()

    def _say(self, text: str | None, *, kept: bool) -> None:
        if text:
            self._parts.append(text if kept else _SPACE.sub(" ", text))

    def _table(self, table: Any) -> None:
        self.end_block()
        for caption in table.iterchildren("caption"):
            self.walk(caption)
        rows = [
            [RawCell(_cell_text(cell), _span(cell, "rowspan"), _span(cell, "colspan")) for cell in _cells(row)]
            for row in table.iter("tr")
        ]
        self._transcript.write_table(rows)


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in {"td", "th"}]


def _is_layout(table: Any) -> bool:
    """Whether the table only arranges the page: it holds other tables."""
    return next(table.iterdescendants("table"), None) is not None


def _cell_text(cell: Any) -> str:
    inner = Transcript("")
    page = _Page(inner)
    page.walk(cell)
    page.end_block()
    return "\n".join(inner.lines)


def _span(cell: Any, name: str) -> int:
    """The rows or columns that a cell takes up; 0 rows means all that follow."""
    digits = _DIGITS.match(cell.get(name, "1"))
    if digits is None:
        return 1
    count = int(digits.group(1))
    return count or (10**6 if name == "rowspan" else 1)
