"""The bytes of a plan file: how large they may be, which format they are, and in which encoding their text is."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from geoplan.errors import DocumentError

MAX_BYTES = 32 * 2**20

_SUFFIXES = {
    "": "txt", ".txt": "txt", ".text": "txt", ".md": "md", ".markdown": "md",
    ".html": "html", ".htm": "html", ".xhtml": "html", ".docx": "docx", ".docm": "docx", ".pdf": "pdf",
}  # fmt: skip
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*")
_MARKUP = re.compile(rb"(?is)(?:<\?xml[^>]{0,200}\?>)?\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b")
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip

# Four and more Chinese characters in UTF-8, one after another: read as GB18030 they would be rare characters.
_UTF8_RUN = re.compile(rb"(?:[\xe2-\xef][\x80-\xbf]{2}){4,}")
_CONTROL_BYTES = bytes([*range(9), 11, *range(14, 32), 127])
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
# Of the five measured plans over 99 % of the characters are of the common 3,755; of a text in traditional characters
# 55 %; of UTF-8 taken for GB18030 13 %, of Big5 taken for it 24 %.
_LEAST_COMMON = 0.4
_FEW_HANZI, _ENOUGH_HANZI = 10, 20


@dataclass(frozen=True, slots=True)
class Source:
    """A plan file as it was read: `name` for messages, `data` its bytes, `format` one of txt, md, html, docx, pdf."""

    name: str
    data: bytes
    format: str


def read_source(path: Path) -> Source:
    """The file's bytes and its format, decided by content where content tells.

    Raises
    ------
    DocumentError
        If there is no such file, if it is empty or over 32 MB, or if its format is none that is read.
    """
    name = path.name or str(path)
    try:
        if path.is_dir():
            raise DocumentError(f"{name}: is a folder, not a plan. Name the file in it.")
        if not path.is_file():
            raise DocumentError(f"{name}: there is no such file. Check the name and the folder.")
        _check_size(name, path.stat().st_size)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or error
        raise DocumentError(f"{name}: cannot be opened: {reason}. Check the name and the permissions.") from None
    _check_size(name, len(data))
    return Source(name, data, detect_format(name, data))


def _check_size(name: str, size: int) -> None:
    if size == 0:
        raise DocumentError(f"{name}: the file is empty. Fetch or save the plan again.")
    if size > MAX_BYTES:
        raise DocumentError(
            f"{name}: {size / 2**20:.0f} MB; plans up to {MAX_BYTES // 2**20} MB are read. "
            "Save the text without its pictures, or split it by chapters."
        )


def detect_format(name: str, data: bytes) -> str:
    """The format of `data`: what its first bytes say, else what the suffix of `name` says.

    Raises
    ------
    DocumentError
        If it is a format that is not read, or not the one that its suffix names.
    """
    _refuse_others(name, data)
    if b"%PDF-" in data[:1024]:
        return "pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "docx"
    suffix = Path(name).suffix.lower()
    if _MARKUP.match(data.removeprefix(codecs.BOM_UTF8)[:4096].lstrip()):
        return "html"
    found = _SUFFIXES.get(suffix)
    if found is None:
        raise DocumentError(f"{name}: {suffix} is not read. Save the plan as txt, md, html, docx or a text pdf.")
    if found in {"docx", "pdf"}:
        raise DocumentError(f"{name}: is named {suffix} but its content is not. Fetch it again, or correct the suffix.")
    return found


def _refuse_others(name: str, data: bytes) -> None:
    start = data[:16]
    if start.startswith(_OLE):
        raise DocumentError(
            f"{name}: an old Word or WPS file (.doc, .wps), or a docx with a password. "
            "Open it and save it as .docx without a password."
        )
    if start.startswith(b"{\\rtf"):
        raise DocumentError(f"{name}: an RTF file. Open it in Word or WPS and save it as .docx.")
    if start.startswith(b"MIME-Version:"):
        raise DocumentError(f"{name}: a web archive (mht). Open it and save it as .docx or .html.")
    if start.startswith(_PICTURES):
        raise DocumentError(f"{name}: a picture, not text. Run character recognition (OCR) and save the text.")


def decode_text(source: Source) -> str:
    r"""The file's text: by its byte order mark, else strict UTF-8, else strict GB18030; never a guess by statistics.

    Line ends are made ``\n``.

    Raises
    ------
    DocumentError
        If it is binary, of mixed or unknown encoding, saved under a wrong encoding, or blank.
    """
    text = _decode(source)
    # One form for all line ends; a file of the classic Mac has \r alone.
    text = text.replace("\r\n", "\n")
    if "\n" not in text:
        text = text.replace("\r", "\n")
    if not text.strip("\x00\ufeff \t\n\r\u3000\xa0\u200b"):
        raise DocumentError(f"{source.name}: the file holds only blanks. Fetch or save the plan again.")
    if len(_CONTROLS.findall(text)) > len(text) // 100:
        raise DocumentError(f"{source.name}: binary data, not text. Save the plan as UTF-8 text, docx or a text pdf.")
    _refuse_garbled(source.name, text)
    return text


def _decode(source: Source) -> str:
    data = source.data
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise _broken(source, encoding.removesuffix("-sig").upper(), error.start) from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        first = error.start
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        if len(data) - len(data.translate(None, _CONTROL_BYTES)) > len(data) // 100:
            raise DocumentError(
                f"{source.name}: binary data, or UTF-16 without a mark. Save the plan as UTF-8 text."
            ) from None
        # The encoding that goes further is the file's; it stops where the other begins.
        encoding, stop = ("UTF-8", first) if first >= error.start else ("GB18030", error.start)
        raise _broken(source, encoding, stop) from None
    for run in _UTF8_RUN.finditer(data):
        if _common_share(run.group().decode("gb18030", "replace"))[0] < _LEAST_COMMON:
            raise _broken(source, "GB18030", run.start())
    share, hanzi = _common_share(text)
    if share < _LEAST_COMMON and hanzi >= _FEW_HANZI:
        raise _broken(source, "UTF-8", first)
    return text


def _broken(source: Source, encoding: str, start: int) -> DocumentError:
    line = source.data.count(b"\n", 0, start) + 1
    return DocumentError(
        f"{source.name}: line {line} (byte {start + 1}) is not {encoding}, as the text before it is; "
        "the file is damaged or mixes encodings. Open it in an editor, correct that line and save the file as UTF-8."
    )


def _refuse_garbled(name: str, text: str) -> None:
    """Text that was saved after having been read in a wrong encoding cannot be mended here."""
    share, hanzi = _common_share(text)
    counts = Counter(text[: 2**20])
    latin = sum(count for character, count in counts.items() if "\x80" <= character <= "\u017f")
    other = sum(count for character, count in counts.items() if character > "\u017f")
    if (hanzi >= _ENOUGH_HANZI and share < _LEAST_COMMON) or (latin >= _ENOUGH_HANZI and latin > 2 * other):
        raise DocumentError(
            f"{name}: the characters are garbled (the file was once saved in a wrong encoding). "
            "Fetch the plan again and save it as UTF-8."
        )


def _common_share(text: str) -> tuple[float, int]:
    """Share of the Chinese characters of `text` that are of the first level of GB 2312, and how many there are."""
    common = hanzi = 0
    for character, count in Counter(text).items():
        if "\u3400" <= character <= "\u9fff" or "\ue000" <= character <= "\uf8ff":
            hanzi += count
            code = character.encode("gb2312", "ignore")
            common += count if len(code) == 2 and 0xB0 <= code[0] <= 0xD7 else 0
    return (common / hanzi if hanzi else 1.0), hanzi
