"""Small plan files made for a test: docx out of XML, pdf out of hand-written objects."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def part(inner: str, root: str = "document") -> str:
    """A part of a docx, with the namespace declared."""
    return f'<?xml version="1.0" encoding="UTF-8"?><w:{root} xmlns:w="{_W}">{inner}</w:{root}>'


def paragraph(text: str, properties: str = "") -> str:
    """A paragraph of one run."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def cell(text: str, properties: str = "") -> str:
    """A cell with one paragraph for each line of the text."""
    inner = "".join(paragraph(line) for line in text.split("\n"))
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inner}</w:tc>"


def table(*rows: Sequence[str]) -> str:
    """A table of ready cells."""
    return "<w:tbl>" + "".join(f"<w:tr>{''.join(row)}</w:tr>" for row in rows) + "</w:tbl>"


def make_docx(path: Path, body: str, parts: Mapping[str, str | bytes] | None = None) -> Path:
    """A docx with this body; `parts` are further parts by path, or replace what is there."""
    content: dict[str, str | bytes] = {
        "[Content_Types].xml": _TYPES,
        "word/document.xml": part(f"<w:body>{body}</w:body>"),
        **(parts or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


Placed = tuple[float, float, str]


def make_pdf(
    path: Path,
    pages: Sequence[Sequence[Placed]],
    *,
    rules: Sequence[tuple[float, float, float, float]] = (),
    size: int = 12,
    mapped: bool = True,
) -> Path:
    """A pdf of A4 pages: texts at (x, y) from the top left, and ruling lines (x0, y0, x1, y1) on every page."""
    letters = sorted({letter for page in pages for _, _, text in page for letter in text})
    codes = {letter: number for number, letter in enumerate(letters, 1)}
    ranges = "\n".join(f"<{code:04x}> <{letter.encode('utf-16-be').hex()}>" for letter, code in codes.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{ranges}\nendbfchar\nendcmap end end"
    )
    objects = [
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"",
        b"<</Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /DescendantFonts [4 0 R]"
        + (b" /ToUnicode 6 0 R>>" if mapped else b">>"),
        b"<</Type /Font /Subtype /CIDFontType0 /BaseFont /X /DW 1000 /FontDescriptor 5 0 R /CIDSystemInfo 7 0 R>>",
        b"<</Type /FontDescriptor /FontName /X /Flags 4 /Ascent 880 /Descent -120 /FontBBox [0 -120 1000 880]>>",
        stream(cmap.encode()),
        b"<</Registry (Adobe) /Ordering (Identity) /Supplement 0>>",
    ]
    kids: list[int] = []
    for page in pages:
        lines = [f"{x0} {842 - y0} m {x1} {842 - y1} l S" for x0, y0, x1, y1 in rules]
        texts = [
            f"BT /F {size} Tf {x} {842 - y} Td <{''.join(f'{codes[letter]:04x}' for letter in text)}> Tj ET"
            for x, y, text in page
        ]
        objects.append(stream("\n".join(lines + texts).encode()))
        objects.append(
            f"<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources <</Font <</F 3 0 R>>>>"
            f" /Contents {len(objects)} 0 R>>".encode()
        )
        kids.append(len(objects))
    objects[1] = f"<</Type /Pages /Count {len(kids)} /Kids [{' '.join(f'{kid} 0 R' for kid in kids)}]>>".encode()
    path.write_bytes(_pdf(objects))
    return path


def stream(data: bytes, *, packed: bytes | None = None) -> bytes:
    """A deflated stream object; `packed` in place of what deflating gives."""
    raw = zlib.compress(data, 9) if packed is None else packed
    return f"<</Length {len(raw)} /Filter /FlateDecode>>\nstream\n".encode() + raw + b"\nendstream"


def _pdf(objects: Sequence[bytes], trailer: str = "") -> bytes:
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
    begin = out.tell()
    out.write(f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode())
    out.write(b"".join(f"{offset:010d} 00000 n \n".encode() for offset in offsets))
    out.write(f"trailer <</Size {len(objects) + 1} /Root 1 0 R {trailer}>>\nstartxref\n{begin}\n%%EOF".encode())
    return out.getvalue()


def encrypt(path: Path) -> Path:
    """The pdf with a trailer that names a password's key, as an encrypted one has."""
    data = path.read_bytes()
    key = b"<</Filter /Standard /V 1 /R 2 /O <" + b"ab" * 32 + b"> /U <" + b"cd" * 32 + b"> /P -4>>"
    path.write_bytes(data.replace(b"/Root 1 0 R ", b"/Root 1 0 R /Encrypt " + key + b" /ID [<00><00>] "))
    return path
