"""Texts in filters: patterns of ``like``, and comparison without case or accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=256)
def like_matcher(pattern: str) -> Callable[[str], bool]:
    r"""Whether a text matches a pattern: ``%`` any characters, ``_`` one, ``\\`` before one that means itself.

    The pieces between the ``%`` are looked for one after the other, so that no pattern takes long.
    """
    pieces = _pieces(pattern)
    if len(pieces) == 1:
        whole = pieces[0]
        return lambda text: whole.fullmatch(text) is not None
    first, *between, last = pieces
    width = _width(pattern)

    def matches(text: str) -> bool:
        found = first.match(text)
        if found is None:
            return False
        place = found.end()
        for piece in between:
            found = piece.search(text, place)
            if found is None:
                return False
            place = found.end()
        return len(text) - width >= place and last.match(text, len(text) - width) is not None

    return matches


def _tokens(pattern: str) -> list[tuple[str, bool]]:
    """Characters of a pattern, and whether each means itself."""
    letters = iter(pattern)
    return [(next(letters, letter), True) if letter == "\\" else (letter, letter not in "%_") for letter in letters]


def _pieces(pattern: str) -> list[re.Pattern[str]]:
    texts = [""]
    for letter, itself in _tokens(pattern):
        if itself:
            texts[-1] += re.escape(letter)
        elif letter == "_":
            texts[-1] += "."
        else:
            texts.append("")
    return [re.compile(text, re.DOTALL) for text in texts]


def _width(pattern: str) -> int:
    """How many characters follow the last ``%``."""
    width = 0
    for letter, itself in _tokens(pattern):
        width = 0 if letter == "%" and not itself else width + 1
    return width


def fold_accents(text: str) -> str:
    """A text without accents: marks dropped, letters with a stroke and the like as their plain letter."""
    return "".join(_plain(letter) for letter in unicodedata.normalize("NFD", text))


@lru_cache(maxsize=4096)
def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if unicodedata.combining(letter):
        return ""
    name, has, _ = unicodedata.name(letter, "").partition(" WITH ")
    try:
        return unicodedata.lookup(name) if has else letter
    except KeyError:
        return letter


FOLDS: dict[str, Callable[[str], str]] = {"casei": str.casefold, "accenti": fold_accents}
"""What the functions on texts do."""
