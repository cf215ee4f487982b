"""The labels that Word sets before numbered paragraphs (第一章, 一、, 1.); no text of the file has them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_DIGITS = "〇一二三四五六七八九"
_CHINESE = {
    "chineseCounting", "chineseCountingThousand", "japaneseCounting", "taiwaneseCounting", "taiwaneseCountingThousand",
    "ideographTraditional", "chineseLegalSimplified", "koreanDigital2",
}  # fmt: skip
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a list: form of its number, first number, text around it (第%1章), and what follows the label."""

    form: str = "decimal"
    start: int = 1
    text: str = ""
    suffix: str = "tab"
    legal: bool = False


@dataclass(slots=True)
class Numbering:
    """The lists of a document, and how far each has been counted."""

    levels: dict[str, dict[int, Level]] = field(default_factory=dict)
    lists: dict[str, str] = field(default_factory=dict)
    restarts: dict[tuple[str, int], int] = field(default_factory=dict)
    styles: dict[str, tuple[str, int]] = field(default_factory=dict)
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)

    def label(self, properties: Any) -> str:
        """The label of the paragraph with these properties (``w:pPr``), counting on; empty where it has none."""
        number, depth = self._place(properties)
        abstract = self.lists.get(number, "")
        level = self.levels.get(abstract, {}).get(depth)
        if level is None:
            return ""
        counts = self.counts.setdefault(abstract, {})
        if number not in self.begun:
            self.begun.add(number)
            for (owner, at), start in self.restarts.items():
                if owner == number:
                    counts[at] = start - 1
        counts[depth] = counts.get(depth, level.start - 1) + 1
        for deeper in [at for at in counts if at > depth]:
            del counts[deeper]
        return self._written(abstract, level, counts)

    def _place(self, properties: Any) -> tuple[str, int]:
        """List and level of a paragraph: its own, else its style's."""
        own = child(properties, "numPr")
        style = self.styles.get(value(child(properties, "pStyle")), ("", 0))
        if own is None:
            return style
        number = value(child(own, "numId")) or style[0]
        return number, whole(value(child(own, "ilvl")), style[1])

    def _written(self, abstract: str, level: Level, counts: dict[int, int]) -> str:
        if level.form in {"bullet", "none"} and not _PLACE.search(level.text):
            return ""

        def figure(match: re.Match[str]) -> str:
            at = int(match.group(1)) - 1
            other = self.levels[abstract].get(at, Level())
            return written(counts.get(at, other.start), "decimal" if level.legal else other.form)

        label = _PLACE.sub(figure, level.text)
        return label if level.suffix == "nothing" or label.endswith(("、", "）", "．")) else label + " "


def written(number: int, form: str) -> str:
    """A number in the form of a list: Chinese, circled, Roman, a letter, else in digits."""
    if form in _CHINESE:
        return chinese(number)
    if form.startswith("decimalEnclosedCircle") and 1 <= number <= 20:
        return chr(0x2460 + number - 1)
    if form in {"lowerLetter", "upperLetter"} and 1 <= number <= 26:
        return chr((97 if form == "lowerLetter" else 65) + number - 1)
    if form in {"lowerRoman", "upperRoman"} and 1 <= number <= 20:
        text = "X" * (number // 10) + ["", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX"][number % 10]
        return text if form == "upperRoman" else text.lower()
    return str(number)


def chinese(number: int) -> str:
    """A whole number up to 999 in Chinese counting (十一, 一百零二); above it in digits."""
    if not 0 < number < 1000:
        return str(number)
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = f"{_DIGITS[hundreds]}百" if hundreds else ""
    if tens:
        text += ("" if tens == 1 and not hundreds else _DIGITS[tens]) + "十"
    elif hundreds and ones:
        text += "零"
    return text + (_DIGITS[ones] if ones else "")


def load_numbering(numbering: Any, styles: Any) -> Numbering:
    """The lists of ``numbering.xml`` and the styles of ``styles.xml`` that are numbered; either may be missing."""
    found = Numbering()
    for abstract in children(numbering, "abstractNum"):
        key = attribute(abstract, "abstractNumId")
        found.levels[key] = {whole(attribute(one, "ilvl"), 0): _level(one) for one in children(abstract, "lvl")}
    for one in children(numbering, "num"):
        number = attribute(one, "numId")
        found.lists[number] = value(child(one, "abstractNumId"))
        for override in children(one, "lvlOverride"):
            start = child(override, "startOverride")
            if start is not None:
                found.restarts[number, whole(attribute(override, "ilvl"), 0)] = whole(value(start), 1)
    _load_styles(found, styles)
    return found


def _level(element: Any) -> Level:
    return Level(
        form=value(child(element, "numFmt")) or "decimal",
        start=whole(value(child(element, "start")), 1),
        text=value(child(element, "lvlText")),
        suffix=value(child(element, "suff")) or "tab",
        legal=child(element, "isLgl") is not None,
    )


def _load_styles(found: Numbering, styles: Any) -> None:
    """Lists of the paragraph styles, those inherited from the style that each is based on included."""
    own: dict[str, tuple[str, int]] = {}
    bases: dict[str, str] = {}
    for style in children(styles, "style"):
        key = attribute(style, "styleId")
        bases[key] = value(child(style, "basedOn"))
        numbers = child(child(style, "pPr"), "numPr")
        if numbers is not None:
            own[key] = (value(child(numbers, "numId")), whole(value(child(numbers, "ilvl")), 0))
    for key in bases:
        at, seen = key, set[str]()
        while at in bases and at not in own and at not in seen:
            seen.add(at)
            at = bases[at]
        if at in own:
            found.styles[key] = own[at]


def local(element: Any) -> str:
    """The element's name without its namespace (strict and transitional OOXML differ in it only)."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: Any, name: str) -> list[Any]:
    """Children of that name; none of a missing element."""
    return [] if element is None else [one for one in element if local(one) == name]


def child(element: Any, name: str) -> Any:
    """The first child of that name, or None."""
    return next(iter(children(element, name)), None)


def attribute(element: Any, name: str) -> str:
    """The attribute of that name in whatever namespace, or empty."""
    if element is None:
        return ""
    return next((text for key, text in element.attrib.items() if key.rpartition("}")[2] == name), "")


def value(element: Any) -> str:
    """The attribute ``w:val``, or empty."""
    return attribute(element, "val")


def whole(text: str, default: int) -> int:
    """A whole number of up to six digits, or the default."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else default
