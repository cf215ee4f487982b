"""The parts of a docx file, inflated no further than a plan can need: never trusting what the file declares."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from geoplan.documents.reading.source import Source
from geoplan.errors import DocumentError

MAX_ENTRIES = 5000
MAX_PART = 64 * 2**20
# Inflated size over stored size: 8 to 30 in the XML of Word and WPS, up to 1,030 in what deflate can do.
MAX_RATIO = 200
_SMALL = 8 * 2**20
_STEP = 2**16

_BROKEN = "The file is damaged: open it in Word or WPS, let it be repaired and save it again."
_OTHERS = {"xl": "a spreadsheet (xlsx)", "ppt": "a presentation (pptx)", "mimetype": "an OpenDocument or epub file"}


@dataclass(frozen=True, slots=True)
class Package:
    """An opened docx: the zip archive and the name of its main part."""

    name: str
    archive: zipfile.ZipFile
    main: str

    def part(self, beside: str) -> Any:
        """The root element of the part of that name in the main part's folder (``styles.xml``), or None."""
        path = self.main.rpartition("/")[0] + "/" + beside
        return self.root(path) if path in self.archive.NameToInfo else None

    def root(self, path: str) -> Any:
        """The root element of a part."""
        return parse(self.name, path, inflate(self.name, self.archive, path))


def open_package(source: Source) -> Package:
    """Open a docx from memory, after a look at how large its parts would be.

    Raises
    ------
    DocumentError
        If it is no zip archive, no docx, or made to swell.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(source.data))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, NotImplementedError, OSError, EOFError) as error:
        raise DocumentError(f"{source.name}: the docx cannot be opened ({error}). {_BROKEN}") from None
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise DocumentError(
            f"{source.name}: the archive has {len(entries)} entries; a docx of up to {MAX_ENTRIES} is read. "
            "Save the plan's text as a new docx."
        )
    names = archive.NameToInfo
    for prefix, what in _OTHERS.items():
        if "word/document.xml" not in names and any(name.split("/")[0] == prefix for name in names):
            raise DocumentError(f"{source.name}: {what}, not a docx. Save the plan as docx, pdf or txt.")
    if any(entry.flag_bits & 1 for entry in entries):
        raise DocumentError(f"{source.name}: the archive is encrypted. Save the plan without a password.")
    return Package(source.name, archive, _main_part(source.name, archive))


def _main_part(name: str, archive: zipfile.ZipFile) -> str:
    """The part that the package's relations name as its document."""
    path = "word/document.xml"
    if path in archive.NameToInfo:
        return path
    if "_rels/.rels" in archive.NameToInfo:
        relations = parse(name, "_rels/.rels", inflate(name, archive, "_rels/.rels"))
        for relation in relations:
            if str(relation.get("Type", "")).endswith("/officeDocument"):
                path = str(relation.get("Target", "")).lstrip("/")
    if path not in archive.NameToInfo:
        raise DocumentError(f"{name}: a zip archive without a Word document. Name the plan's own file, not an archive.")
    return path


def inflate(name: str, archive: zipfile.ZipFile, path: str) -> bytes:
    """The bytes of a part, inflated piece by piece until a limit is passed.

    Raises
    ------
    DocumentError
        If the part grows over 64 MB or over 200 times its stored size, or its bytes are damaged.
    """
    entry = archive.getinfo(path)
    limit = min(MAX_PART, max(_SMALL, entry.compress_size * MAX_RATIO))
    try:
        # In small steps: one large read would unpack as much as it was asked for, whatever size is declared.
        pieces: list[bytes] = []
        size = 0
        with archive.open(entry) as file:
            while size <= limit and (piece := file.read(_STEP)):
                pieces.append(piece)
                size += len(piece)
        if size <= limit:
            return b"".join(pieces)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError) as error:
        raise DocumentError(f"{name}: the part {path} cannot be unpacked ({error}). {_BROKEN}") from None
    raise DocumentError(
        f"{name}: the part {path} swells to over {limit // 2**20} MB from {entry.compress_size} bytes; "
        "it looks like a zip bomb and is not read. Save the plan's text as a new docx or as txt."
    )


def parse(name: str, path: str, data: bytes) -> Any:
    """The root element of XML, with no entity resolved, nothing fetched and no declaration of types allowed.

    Raises
    ------
    DocumentError
        If it is not well-formed or declares a document type (no docx does; it is how entities swell).
    """
    from lxml import etree

    # Looked for before parsing: what the entities of a declared type swell to, the parser would find out by trying.
    if b"<!DOCTYPE" in data:
        raise DocumentError(f"{name}: the part {path} declares a document type, as no docx does; it is not read.")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DocumentError(f"{name}: the part {path} is broken XML: {error}. {_BROKEN}") from None
