"""Lines made clean, and the decision whether a line carries on the paragraph before it.

A line is cut into the stretches that are text; bookmarks, image marks and invisible characters lie between them.
Passages are put together from such stretches, so every character of a passage leads back to its line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from geoplan.documents.document import Heading, Passage, Piece

# Bounded, so that a long line of opening brackets stays linear.
_MARK = re.compile(r"\[(?:bookmark|image|图片|书签)[:：][^\[\]]{0,300}\]|[\u200b-\u200d\u2060\ufeff\u00ad\x0c]")
# The blanks inside a justified word of two characters (代  县).
_JUSTIFIED = re.compile(r"(?<![一-鿿])[一-鿿]([ \t\u00a0\u2002\u2003\u3000]{1,8})(?=[一-鿿](?![一-鿿]))")
_BETWEEN_HAN = re.compile(r"(?<=[一-鿿])([ \t\u00a0\u2002\u2003\u3000]{1,20})(?=[一-鿿])")
_PAGE = re.compile(
    r"[-—–－·•~ \t]{0,8}\d{1,4}[-—–－·•~ \t]{0,8}|[-—–－]\s{0,3}[ivxIVX]{1,6}\s{0,3}[-—–－]"
    r"|第\s{0,3}\d{1,4}\s{0,3}页(?:\s{0,3}[,，/]?\s{0,3}共\s{0,3}\d{1,4}\s{0,3}页)?|\d{1,4}\s{0,2}/\s{0,2}\d{1,4}"
)
_CLOSERS = "”’）》】」』)\"'"
_STOPS = "。；！？：…!?;:."
_ITEM = re.compile(r"[—－-]{2}|[•●■◆◇▪▲★○·*]\s{0,2}\S|[①-⑳]|[（(](?:[一二三四五六七八九十]{1,3}|\d{1,2})[）)]")
_NUMBERED = re.compile(
    r"第[一二三四五六七八九十百零〇\d]{1,4}[章节篇编条]|[一二三四五六七八九十]{1,3}、"
    r"|\d{1,2}(?:、|[.．](?!\d))|\d{1,2}[）)]"
)
_PROSE = re.compile("[，。；！？]")
_NO_NAME = re.compile("[，。；：、]")
_LONG_LINE = 20_000
_UNCLOSED = (("《", "》"), ("（", "）"), ("“", "”"))
_DOC_NUMBER = re.compile(r"\S{1,12}[〔\[（(]\d{4}[〕\]）)]\d{1,4}号")
_DATE = re.compile(r"\s{0,4}\d{4}年\d{1,2}月\d{1,2}日")
LONG = 20
"""Characters from which an unfinished line may be prose rather than a title, a name or a label."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the document without its marks: `kept` are the stretches of it that `text` is made of."""

    number: int
    text: str
    kept: tuple[tuple[int, int], ...]
    indented: bool
    tab: bool
    marked: bool

    def cut(self, start: int, end: int) -> Line:
        """The part of the line whose columns lie in ``[start, end)``, without blanks at its ends."""
        kept = tuple((max(a, start), min(b, end)) for a, b in self.kept if max(a, start) < min(b, end))
        return Line(self.number, "", kept, indented=False, tab=False, marked=False)


def clean(raw: str, number: int) -> Line:
    """The line with what is no text taken out and the blanks at its ends dropped."""
    marks = [match.span() for match in _MARK.finditer(raw)]
    kept = trim(raw, _without((0, len(raw)), marks))
    text = "".join(raw[a:b] for a, b in kept)
    if kept and len(raw) <= _LONG_LINE:
        holes = [match.span(1) for match in _JUSTIFIED.finditer(raw, kept[0][0], kept[-1][1])]
        if holes:
            kept = [part for stretch in kept for part in _without(stretch, holes)]
            text = "".join(raw[a:b] for a, b in kept)
    first = kept[0][0] if kept else 0
    indented = any(character.isspace() for character in raw[:first])
    return Line(number, text, tuple(kept), indented, raw.startswith("\t"), bool(marks))


def trim(raw: str, stretches: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches without the blanks at the very beginning and the very end."""
    kept = list(stretches)
    while kept:
        start, end = kept[0]
        lead = end - start - len(raw[start:end].lstrip())
        if lead < end - start:
            kept[0] = (start + lead, end)
            break
        kept.pop(0)
    while kept:
        start, end = kept[-1]
        tail = end - start - len(raw[start:end].rstrip())
        if tail < end - start:
            kept[-1] = (start, end - tail)
            break
        kept.pop()
    return kept


def _without(stretch: tuple[int, int], holes: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    start, end = stretch
    left: list[tuple[int, int]] = []
    for a, b in holes:
        if b <= start or a >= end:
            continue
        if a > start:
            left.append((start, a))
        start = max(start, b)
    if start < end:
        left.append((start, end))
    return left


def passage(
    parts: Sequence[Line], lines: Sequence[str], headings: tuple[Heading, ...] = (), *, cell: bool = False
) -> Passage:
    """The lines joined, nothing between them; in a cell the blanks between Chinese characters are dropped too."""
    text: list[str] = []
    pieces: list[Piece] = []
    length = 0
    for part in parts:
        raw = lines[part.number - 1]
        stretches: Sequence[tuple[int, int]] = trim(raw, part.kept)
        if cell and stretches and len(raw) <= _LONG_LINE:
            holes = [match.span(1) for match in _BETWEEN_HAN.finditer(raw, stretches[0][0], stretches[-1][1])]
            stretches = [left for stretch in stretches for left in _without(stretch, holes)] if holes else stretches
        for start, end in stretches:
            pieces.append(Piece(length, part.number, start))
            text.append(raw[start:end])
            length += end - start
    return Passage("".join(text), tuple(pieces), headings)


def is_page_number(line: Line) -> bool:
    """Whether the line is a bare page number; a bare year is none."""
    if not line.text or len(line.text) > 24 or line.tab or not _PAGE.fullmatch(line.text):
        return False
    digits = line.text.strip("-—–－·•~ \t")
    return not (digits == line.text and digits.isdigit() and 1900 <= int(digits) <= 2100)


def is_finished(text: str) -> bool:
    """Whether a line ends as a paragraph may end: with a stop, or with brackets around a whole remark."""
    body = text.rstrip()
    core = body.rstrip(_CLOSERS)
    if not core:
        return True
    if core[-1] in _STOPS:
        # A figure cut at its decimal point is not finished.
        return not (core[-1] == "." and core[-2:-1].isdigit())
    if body[-1] in "）)":
        opening = max(body.rfind("（"), body.rfind("("))
        return opening >= 0 and ("：" in body[opening:] or body[opening - 1 : opening] in ("。", "；"))
    return False


def is_prose(text: str) -> bool:
    """Whether a line reads as part of a sentence rather than as a title, a name or a label."""
    return bool(_PROSE.search(text)) or (len(text) >= LONG and bool(_ITEM.match(text)))


def starts_item(text: str) -> bool:
    """Whether a line begins as a heading or an item of a list does."""
    return bool(_NUMBERED.match(text) or _ITEM.match(text))


def is_unclosed(text: str) -> bool:
    """Whether a bracket that was opened is still open at the line's end."""
    return any(text.rfind(opening) > text.rfind(closing) for opening, closing in _UNCLOSED)


def width(text: str) -> float:
    """Width in full characters: a Latin letter or digit takes half of one."""
    narrow = sum(1 for character in text if character < "\u0100")
    return len(text) - narrow / 2


@dataclass(frozen=True, slots=True)
class Setting:
    """How a document is set: the width its lines are broken at (0: not broken), and whether indents tell anything."""

    wrap: float
    indents_tell: bool


def find_setting(lines: Sequence[Line]) -> Setting:
    """The setting of the text lines given (no headings, no cells)."""
    texts = [line for line in lines if line.text]
    if not texts:
        return Setting(0, indents_tell=False)
    widths = sorted(width(line.text) for line in texts if len(line.text) <= 400)
    wrap = 0.0
    if len(widths) == len(texts) and len(widths) >= 4:
        top = widths[int(len(widths) * 0.98)]
        full = [line for line in texts if top - 3 <= width(line.text) <= top + 1]
        # Lines broken at a width end in the middle of sentences; short paragraphs of like length do not.
        broken = sum(not is_finished(line.text) for line in full)
        if top <= 62 and len(full) >= 0.3 * len(widths) and 2 * broken >= len(full):
            wrap = top
    share = sum(line.indented for line in texts) / len(texts)
    return Setting(wrap, indents_tell=share <= 0.8)


def carries_on(before: Line, line: Line, *, apart: bool, prose: bool, setting: Setting) -> bool:
    """Whether `line` goes on with the paragraph that ends in `before`.

    Parameters
    ----------
    apart
        Whether blank lines, page numbers or marks stand between the two.
    prose
        Whether the paragraph so far reads as a sentence.
    setting
        How the document is set.
    """
    if starts_item(line.text) or _DOC_NUMBER.match(line.text):
        return False
    if setting.indents_tell and line.indented and not before.text.endswith(("，", "、", "《")):
        return False
    full = bool(setting.wrap) and width(before.text) >= setting.wrap - 3
    if is_finished(before.text):
        # A sentence may end just where the line is full; only an indent can then tell a new paragraph.
        return full and not apart and setting.indents_tell
    if is_unclosed(before.text) or before.text.endswith(("，", "、")):
        return True
    if setting.wrap and not apart:
        return full
    return prose and len(before.text) >= LONG and not _DATE.match(line.text)


def running_heads(candidates: Sequence[Line], lines: Sequence[Line]) -> frozenset[int]:
    """Numbers of the candidates that page ends repeat: a title or a name, amid sentences or beside page numbers."""
    keys = {line.number: _head_key(line) for line in candidates}
    counts = Counter(key for key in keys.values() if key)
    texts = [line for line in lines if line.text]
    found: dict[str, list[int]] = {}
    paged: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for index, line in enumerate(texts):
        key = keys.get(line.number, "")
        if not key or counts[key] < 2:
            continue
        found.setdefault(key, []).append(line.number)
        beside = any(is_page_number(texts[i]) for i in (index - 1, index + 1) if 0 <= i < len(texts))
        paged[key] += beside
        broken[key] += not beside and _breaks_sentence(texts, index)
    # Amid sentences alone, a line repeated once may be a line of a paragraph that is printed twice.
    heads = {key for key in found if paged[key] == counts[key] or 2 * (paged[key] + broken[key]) >= counts[key] > 2}
    return frozenset(number for key, numbers in found.items() if key in heads for number in numbers)


def _head_key(line: Line) -> str:
    if (
        not 2 < len(line.text) <= 40
        or line.tab
        or is_finished(line.text)
        or starts_item(line.text)
        or _NO_NAME.search(line.text)
    ):
        return ""
    return re.sub(r"[\d\s—–-]+", "", line.text)


def _breaks_sentence(texts: Sequence[Line], index: int) -> bool:
    if index == 0 or index + 1 == len(texts):
        return False
    before, after = texts[index - 1], texts[index + 1]
    cut_off = is_prose(before.text) and len(before.text) >= LONG and not is_finished(before.text)
    return cut_off and not starts_item(after.text) and len(texts[index].text) * 5 < len(before.text) * 4
