"""Numbers and ready-made texts as bytes of JSON.

The same as `geoplan.pack.writer` does, compiled without reference counts (`geoplan.tiles.compiled`): numba keeps
one compiled form of a function of a module, so one function cannot be compiled in both ways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.words import load_word, store_half, store_word
from geoplan.tiles.compiled import inner, int64

_COMMA, _MINUS, _ZERO, _OPEN, _SHUT = b",-0[]"
LONGEST_POSITION = 32
"""Bytes that a position takes at most, those written beyond its end included."""


def _table(texts: list[str]) -> NDArray[np.uint32]:
    """Texts of up to four characters as words, the first character lowest."""
    return np.array([int.from_bytes(text.encode().ljust(4, b"0"), "little") for text in texts], np.uint32)


_FOUR = _table([f"{number:04d}" for number in range(10_000)])
_THREE = _table([f"{number:03d}" for number in range(1000)])
_WHOLE = _table([f"{number}."[:4] for number in range(215)])


def padded(text: bytes) -> NDArray[np.uint8]:
    """A text with eight bytes to spare, so that it is copied eight at a time."""
    return np.frombuffer(text + bytes(8), np.uint8).copy()


@inner
def copy_text(out: NDArray[np.uint8], at: int, text: NDArray[np.uint8], start: int, stop: int) -> int:
    """Copy ``text[start:stop]``; up to seven bytes behind the copy are overwritten."""
    length = stop - start
    if start + length + 7 > len(text):
        for i in range(length):
            out[at + i] = text[start + i]
        return at + length
    i = 0
    while i < length:
        store_word(out, at + i, load_word(text, start + i))
        i += 8
    return at + length


@inner
def put_whole(out: NDArray[np.uint8], at: int, value: int) -> int:
    """A whole number that is not negative."""
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    end = at + digits
    i = end
    while i > at:
        i -= 1
        out[i] = _ZERO + value % 10
        value //= 10
    return end


@inner
def _put_degrees(out: NDArray[np.uint8], at: int, units: int) -> int:
    """Whole 1e-7 degrees as degrees, trailing zeros dropped."""
    if units < 0:
        out[at] = _MINUS
        at += 1
        units = -units
    # Unsigned 32 bits divide fastest.
    rest = np.uint32(units)
    whole = rest // np.uint32(DEGREE_UNITS)
    fraction = rest - whole * np.uint32(DEGREE_UNITS)
    store_half(out, at, _WHOLE[int64(whole)])
    at += 1
    if whole > np.uint32(9):
        at += 1
    if whole > np.uint32(99):
        at += 1
    if fraction == np.uint32(0):
        return at
    high = fraction // np.uint32(1000)
    store_half(out, at + 1, _FOUR[int64(high)])
    store_half(out, at + 5, _THREE[int64(fraction - high * np.uint32(1000))])
    at += 8
    while out[at - 1] == _ZERO:
        at -= 1
    return at


@inner
def put_position(out: NDArray[np.uint8], at: int, x: int, y: int) -> int:
    """A longitude and a latitude in whole 1e-7 degrees as a position, and a comma."""
    out[at] = _OPEN
    at = _put_degrees(out, at + 1, int64(x))
    out[at] = _COMMA
    at = _put_degrees(out, at + 1, int64(y))
    out[at] = _SHUT
    out[at + 1] = _COMMA
    return at + 2
