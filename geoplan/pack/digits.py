"""Numbers and strings as JSON text, compiled: whole numbers are written as decimal fractions, exactly.

Positions are whole 1e-7 degrees or grid units, so the text of a number is as short as it can be and
nothing is rounded on the way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoplan.pack.compiled import compiled
from geoplan.pack.mercator import DEGREE_UNITS
from geoplan.pack.words import CHUNK, copy_chunk, store_half

Bytes = NDArray[np.uint8]
_Whole = int | np.signedinteger[Any]


def _texts(texts: list[str]) -> NDArray[np.uint32]:
    """Texts of up to four characters as words, the first character lowest."""
    return np.array([int.from_bytes(text.encode().ljust(4, b"0"), "little") for text in texts], np.uint32)


_FOUR = _texts([f"{number:04d}" for number in range(10_000)])
_THREE = _texts([f"{number:03d}" for number in range(1000)])
_WHOLE = _texts([f"{number}."[:4] for number in range(215)])
_HEX = np.frombuffer(b"0123456789abcdef", np.uint8).copy()


def padded(text: bytes) -> Bytes:
    """A text that can be copied a chunk at a time, with what is read behind its end."""
    return np.frombuffer(text + bytes(CHUNK), np.uint8).copy()


@compiled
def write_text(buffer: Bytes, position: int, text: Bytes, start: int, stop: int) -> int:
    """Copy ``text[start:stop]`` of a `padded` text; returns the position after it.

    Up to 31 bytes behind the copy are overwritten: `buffer` has them to spare.
    """
    length = stop - start
    for index in range(0, length, CHUNK):
        copy_chunk(buffer, position + index, text, start + index)
    return position + length


@compiled
def write_bytes(buffer: Bytes, position: int, text: Bytes, start: int, stop: int) -> int:
    """As `write_text`, of a text that may end at once."""
    length = stop - start
    if start + length + CHUNK > len(text):
        for index in range(length):
            buffer[position + index] = text[start + index]
        return position + length
    return write_text(buffer, position, text, start, stop)


@compiled
def write_integer(buffer: Bytes, position: int, value: _Whole) -> int:
    """Write a whole number from 0 to 2^63 - 1 in decimal; returns the position after it."""
    digits = 1
    rest = value // 10
    while rest > 0:
        digits += 1
        rest //= 10
    end = position + digits
    at = end
    while value > 9:
        at -= 1
        buffer[at] = 48 + value % 10
        value //= 10
    buffer[at - 1] = 48 + value
    return end


@compiled
def write_units(buffer: Bytes, position: int, units: int) -> int:
    """Write whole 1e-7 degrees as decimal degrees, trailing zeros dropped; returns the position after it.

    Parameters
    ----------
    buffer
        uint8 with at least 16 bytes free.
    position
        Where to begin.
    units
        1e-7 degrees, an int32.
    """
    rest: Any = np.int64(units)
    if rest < 0:
        buffer[position] = 45
        position += 1
        rest = -rest
    whole = rest // DEGREE_UNITS
    fraction = rest - whole * DEGREE_UNITS
    store_half(buffer, position, _WHOLE[whole])
    position += 1 + (whole > 9) + (whole > 99)
    if fraction == 0:
        return position
    high = fraction // 1000
    store_half(buffer, position + 1, _FOUR[high])
    store_half(buffer, position + 5, _THREE[fraction - high * 1000])
    position += 8
    while buffer[position - 1] == 48:
        position -= 1
    return position


@compiled
def write_millimetres(buffer: Bytes, position: int, value: _Whole) -> int:
    """Write whole millimetres as metres, trailing zeros dropped; returns the position after it."""
    rest = np.int64(value)
    if rest < 0:
        buffer[position] = 45
        position += 1
        rest = -rest
    whole = rest // 1000
    fraction = rest - whole * 1000
    position = write_integer(buffer, position, whole)
    if fraction == 0:
        return position
    buffer[position] = 46
    store_half(buffer, position + 1, _THREE[fraction])
    position += 4
    while buffer[position - 1] == 48:
        position -= 1
    return position


@compiled
def write_json_string(buffer: Bytes, position: int, text: Bytes) -> int:
    """Write UTF-8 bytes as a JSON string with its quotes; needs 6 bytes a byte and 2; returns the position after it."""
    buffer[position] = 34
    position += 1
    for byte in text:
        if byte in (34, 92):
            buffer[position] = 92
            buffer[position + 1] = byte
            position += 2
        elif byte < 32:
            buffer[position] = 92
            buffer[position + 1] = 117
            buffer[position + 2] = 48
            buffer[position + 3] = 48
            buffer[position + 4] = _HEX[byte >> 4]
            buffer[position + 5] = _HEX[byte & 15]
            position += 6
        else:
            buffer[position] = byte
            position += 1
    buffer[position] = 34
    return position + 1
