"""Headings of a plan: their numbering and depth, captions of boxes, tables and figures, the contents, the title."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from geoplan.documents.reading.mending import Line, clean, is_finished, is_unclosed

_HAN = "[一二三四五六七八九十百零〇]{1,4}"
SECTION = 2
"""Depth down to which a heading is a chapter or a section."""

_CHAPTER, _FIRST, _SECOND, _THIRD, _FOURTH = 1, 3, 4, 5, 6
_LABELS: tuple[tuple[int, re.Pattern[str]], ...] = (
    (_CHAPTER, re.compile(rf"第\s?(?:{_HAN}|\d{{1,3}})\s?(?:[章篇编]|部分)(?![节程])")),
    (SECTION, re.compile(rf"第\s?(?:{_HAN}|\d{{1,3}})\s?节")),
    (_FIRST, re.compile(r"[一二三四五六七八九十]{1,3}\s?、")),
    (_SECOND, re.compile(r"[（(]\s?[一二三四五六七八九十]{1,3}\s?[）)]")),
    (_FOURTH, re.compile(r"[（(]\s?\d{1,2}\s?[）)]|\d{1,2}[）)]")),
    (_THIRD, re.compile(r"\d{1,2}(?:\s?、|[.．](?!\d))")),
)
_OPENINGS = frozenset("第一二三四五六七八九十（(#0123456789")
"""Characters that a numbering can begin with."""
_HASHES = re.compile(r"(#{1,6})\s+(?=\S)")
_CAPTION = re.compile(rf"(子?专栏|附?表|附?图)\s{{0,3}}(?:({_HAN}|\d{{1,3}}(?:[-—.]\d{{1,3}})?)(?=$|\W)|(?=[：:]))")
_LOOSE_CAPTION = re.compile(rf"(附?表)\s{{0,3}}({_HAN}|\d{{1,3}}(?:-\d{{1,3}})?)")
_FRONT = re.compile(r"(?:前\s{0,4}言|序\s{0,4}言|引\s{0,4}言|附\s{0,4}则|附\s{0,4}录|结\s{0,4}语|后\s{0,4}记)")
_CONTENTS = re.compile(r"目\s{0,6}[录次]")
_LEADER = re.compile(r"(?:[.．…·]{2,}|\s)\s{0,40}\d{1,4}$")
_KIND = "规划|规划纲要|纲要|意见|方案|计划|办法|要点|报告|决定|规定|行动"
_TITLE_END = re.compile(rf"(?:{_KIND})(?:（[^（）]{{1,20}}）)?$")
_ISSUED = re.compile(r"印发.{0,12}《([^《》]{4,80})》|印发([^《》]{6,80}?)的通知")
LONGEST = 60
"""Characters beyond which a line is no heading."""


class Caption(Enum):
    """What a caption stands above."""

    BOX = "box"
    INNER_BOX = "inner box"
    TABLE = "table"
    FIGURE = "figure"


@dataclass(frozen=True, slots=True)
class Label:
    """The numbering at the beginning of a line: its depth, and where the words after it begin."""

    depth: int
    end: int


def label(text: str) -> Label | None:
    """The numbering that the line begins with, or None."""
    if text[:1] not in _OPENINGS:
        return None
    hashes = _HASHES.match(text)
    if hashes:
        inner = label(text[hashes.end() : hashes.end() + LONGEST])
        return Label(inner.depth if inner else len(hashes[1]), hashes.end() + (inner.end if inner else 0))
    for depth, pattern in _LABELS:
        match = pattern.match(text)
        if match:
            return Label(depth, match.end())
    return None


def caption(text: str) -> Caption | None:
    """What a short line announces by its first word: 专栏3, 表二, 图 5."""
    if len(text) > LONGEST or text.endswith(("。", "；", "，", "、")):
        return None
    match = _CAPTION.match(text) or _LOOSE_CAPTION.match(text)
    if not match:
        return None
    if match[1].endswith("表"):
        return Caption.TABLE
    if match[1].endswith("图"):
        return Caption.FIGURE
    return Caption.INNER_BOX if match[1].startswith("子") else Caption.BOX


def is_heading_line(text: str, found: Label) -> bool:
    """Whether a numbered line is a heading only: short, and no sentence follows its words."""
    words = text[found.end :].strip()
    if len(text) > LONGEST:
        return False
    if found.depth <= SECTION:
        return not words.endswith(("。", "；", "，")) and "。" not in words
    if not words or len(words) > 40 or words.endswith(("；", "：", "，", "、", ":", ";")):
        return False
    if words.endswith("。"):
        # （一）打造酿品产业集群。 has a stop and nothing else; a figure makes it a statement.
        body = words[:-1]
        return len(body) <= 24 and not re.search(r"[。，；：\d]", body)
    return not re.search("[。；：]", words) and not is_finished(words)


def is_front_word(text: str) -> bool:
    """Whether the line is one of the words that head an unnumbered part (前言, 附则)."""
    return len(text) <= 8 and bool(_FRONT.fullmatch(text))


def run_in(text: str, found: Label) -> str:
    """The heading that a long numbered line begins with: its first clause, with the number."""
    window = text[: found.end + LONGEST]
    for position in range(found.end, len(window)):
        if window[position] in "。：:；":
            return window[:position]
    return ""


def contents_lines(lines: Sequence[Line]) -> frozenset[int]:
    """Numbers of the lines of a table of contents."""
    found: set[int] = set()
    index = 0
    while index < len(lines):
        line = lines[index]
        if len(line.text) <= 8 and _CONTENTS.fullmatch(line.text):
            entries = _entries(lines, index + 1)
            if entries:
                found.update((line.number, *entries))
                index = entries[-1]
                continue
        elif len(line.text) <= 120 and re.search(r"[.．…·]{3,}\s{0,20}\d{1,4}$", line.text):
            found.add(line.number)
        index += 1
    return frozenset(found)


def _entries(lines: Sequence[Line], start: int) -> list[int]:
    found: list[int] = []
    first = ""
    for index in range(start, len(lines)):
        line = lines[index]
        if not line.text:
            continue
        body = line.text.lstrip("-—•· ")
        mark = label(body)
        paged = bool(_LEADER.search(body[-60:]))
        if len(body) > 80 or not (paged or (mark and mark.depth <= _SECOND) or is_front_word(body)):
            break
        name = re.sub(r"\s", "", body[: mark.end] if mark else "")
        if name and name == first and not paged:
            break
        if name and not first:
            first = name
        found.append(line.number)
    return found


def find_title(lines: Sequence[str]) -> str:
    """The plan's own title, from the lines before its first heading, or empty.

    Examples
    --------
    >>> find_title(["某市人民政府", "关于印发《某市农业发展", "规划》的通知", "", "某市农业发展规划", "第一章 总则"])
    '某市农业发展规划'
    """
    front = _front(lines)
    issued = ""
    for text in front:
        match = _ISSUED.search(text[:400])
        if match and not issued:
            issued = (match[1] or match[2]).strip()
    title = next((text for text in front if _is_title(text)), issued)
    return re.sub(r"(?<=[一-鿿])\s{1,9}(?=[一-鿿])", "", title)


def _front(lines: Sequence[str]) -> list[str]:
    """The first lines, those of one title put together."""
    front: list[str] = []
    joined = False
    for index, raw in enumerate(lines[:120]):
        line = clean(raw, index + 1)
        text = _HASHES.sub("", line.text, count=1)
        found = label(text)
        if _CONTENTS.fullmatch(text[:9]) or (found and found.depth <= _FIRST):
            break
        if not text:
            joined = False
        elif front and joined and (is_unclosed(front[-1]) or _continues_title(front[-1], text)):
            front[-1] += text
        else:
            front.append(text)
            joined = True
    return front


def _continues_title(before: str, text: str) -> bool:
    short = len(before) <= 40 and len(text) <= 40
    return short and not is_finished(before) and not _is_title(before) and _is_title(text)


def _is_title(text: str) -> bool:
    if not 6 <= len(text) <= 80 or re.search("[，。；：《]", text):
        return False
    return bool(_TITLE_END.search(text[-30:])) and not text.startswith(("关于印发", "目"))
