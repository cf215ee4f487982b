"""Which character encoding the attribute table of a Shapefile is in.

Chinese Shapefiles are in UTF-8 or in GBK (read as GB18030, which contains it and GB2312), and the
``.cpg`` file that should say so is often missing. The bytes themselves tell the two apart.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from geoplan.errors import VectorError

# What .cpg files say, in lower case without separators.
_CODE_PAGES = {
    "936": "GB18030", "cp936": "GB18030", "ansi936": "GB18030", "oem936": "GB18030", "ms936": "GB18030",
    "gbk": "GB18030", "gb2312": "GB18030", "gb18030": "GB18030", "utf8": "UTF-8", "65001": "UTF-8",
}  # fmt: skip


def table_encoding(table: Path, declared: str, asked: str | None = None) -> str:
    """Encoding in which every text of a dBASE table can be read.

    Parameters
    ----------
    table
        The ``.dbf`` file.
    declared
        What the ``.cpg`` file says; empty where there is none.
    asked
        What the user says, which goes first.

    Returns
    -------
    str
        `asked`, else `declared`, else UTF-8 if all texts are, else GB18030.

    Raises
    ------
    VectorError
        If a text does not decode, or the table is cut off.
    """
    texts = set(_texts(table))
    name = asked or _CODE_PAGES.get(declared.lower().translate({ord(c): None for c in "-_ "}), declared)
    if name:
        if not _decodes(texts, name):
            who = "the given encoding" if asked else "the .cpg file"
            raise VectorError(
                f"{table.name}: {who} says {asked or declared[:20]!r}, but the attributes are not readable in it. "
                "Name the right encoding, e.g. --encoding GB18030 or --encoding UTF-8."
            )
        return name
    for guess in ("UTF-8", "GB18030"):
        if _decodes(texts, guess):
            return guess
    raise VectorError(f"{table.name}: the attributes are neither UTF-8 nor GB18030 (GBK); name theirs with --encoding.")


def _texts(path: Path) -> Iterator[bytes]:
    """Raw bytes of the column names and text fields, padding removed."""
    with path.open("rb") as stream:
        head = stream.read(32)
        if len(head) < 32:
            raise VectorError(f"{path.name}: the attribute table is cut off; copy the file again.")
        count, start, width = struct.unpack_from("<IHH", head, 4)
        fields, offset = [], 1
        while len(descriptor := stream.read(32)) == 32 and descriptor[0] != 0x0D:
            yield descriptor[:11].split(b"\0")[0]
            if descriptor[11:12] == b"C":
                fields.append((offset, offset + descriptor[16]))
            offset += descriptor[16]
        stream.seek(start)
        for _ in range(count):
            record = stream.read(width)
            if len(record) < width or not width:
                raise VectorError(f"{path.name}: the attribute table is cut off; copy the file again.")
            yield from (record[a:b].rstrip(b" \0") for a, b in fields)


def _decodes(texts: Collection[bytes], encoding: str) -> bool:
    """Whether all texts decode; a character cut in two by the end of its field is forgiven."""
    try:
        make = codecs.getincrementaldecoder(encoding)
        for text in texts:
            make("strict").decode(text, final=False)
    except (LookupError, ValueError):
        return False
    return True
