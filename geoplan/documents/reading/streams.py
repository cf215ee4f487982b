"""How large the packed streams of a PDF would grow, found out without unpacking them to memory."""

from __future__ import annotations

import base64
import binascii
import re
import zlib

from geoplan.documents.reading.source import Source
from geoplan.errors import DocumentError

MAX_STREAM = 48 * 2**20
MAX_TOTAL = 512 * 2**20
_SLOW = 2**20
_STEP = 2**16
# How far before a stream its dictionary is looked for.
_ABOUT = 2000
# Streams do not lie in one another: those of a sound file together are no longer than the file.
_OVERLAP = 4

_STREAM = re.compile(rb"\bstream\r?\n")


def refuse_swelling(source: Source) -> None:
    """Refuse a PDF of which a stream, or all together, would swell beyond what a plan's pages can need.

    Raises
    ------
    DocumentError
        With the byte where the stream begins.
    """
    data = source.data
    total = packed = 0
    for match in _STREAM.finditer(data):
        start = match.end()
        stop = data.find(b"endstream", start)
        stop = len(data) if stop < 0 else stop
        packed += stop - start
        earliest = max(0, match.start() - _ABOUT)
        about = data[max(data.rfind(b"obj", earliest, match.start()), earliest) : match.start()]
        size = _inflated(_unarmoured(data[start:stop], about)) if packed <= _OVERLAP * len(data) else MAX_STREAM + 1
        if (b"LZW" in about or b"RunLength" in about) and stop - start > _SLOW:
            size = MAX_STREAM + 1
        total += size
        if size > MAX_STREAM or total > MAX_TOTAL:
            raise DocumentError(
                f"{source.name}: the stream at byte {match.start() + 1} swells beyond what a plan can need; "
                "the pdf is not read. Print it to a new pdf, or get the plan as docx or html."
            )


def _unarmoured(raw: bytes, about: bytes) -> bytes:
    """The stream out of the text form that it may be wrapped in."""
    try:
        if b"ASCII85" in about or b"/A85" in about:
            return base64.a85decode(raw.strip().removesuffix(b"~>").removeprefix(b"<~"))
        if b"ASCIIHex" in about or b"/AHx" in about:
            return bytes.fromhex(raw.split(b">")[0].decode("ascii", "replace"))
    except (ValueError, binascii.Error):
        return raw
    return raw


def _inflated(raw: bytes, depth: int = 0) -> int:
    """Size after inflating, and inflating again where the outcome is packed; a little over the limit at most."""
    unpack = zlib.decompressobj()
    size, first, rest = 0, b"", raw
    try:
        while rest and not unpack.eof and size <= MAX_STREAM:
            part = unpack.decompress(rest, _STEP)
            rest = unpack.unconsumed_tail
            first = first or part
            size += len(part)
    except zlib.error:
        return size
    if (
        len(first) > 1
        and first[0] == 0x78
        and (first[0] * 256 + first[1]) % 31 == 0
        and size <= MAX_STREAM
        and depth < 4
    ):
        return max(size, _inflated(zlib.decompress(raw), depth + 1)) if unpack.eof else size
    return size
