"""Reading a plan document of any format into lines, passages and tables."""

from __future__ import annotations

import hashlib
from pathlib import Path

from geoplan.documents.document import Document
from geoplan.documents.reading.headings import find_title
from geoplan.documents.reading.markup import read_markup
from geoplan.documents.reading.pages import read_pages
from geoplan.documents.reading.plain import read_markdown, read_plain, without_marks
from geoplan.documents.reading.source import Source, read_source
from geoplan.documents.reading.structure import structure
from geoplan.documents.reading.transcript import Transcript
from geoplan.documents.reading.word import read_word
from geoplan.errors import DocumentError

__all__ = ["document_from_text", "read_document", "read_transcript"]

_READERS = {"txt": read_plain, "md": read_markdown, "html": read_markup, "docx": read_word, "pdf": read_pages}


def read_document(path: Path, doc_id: str = "") -> Document:
    """Read a plan: its lines, its passages under their headings, and its tables.

    Parameters
    ----------
    path
        A txt, md, html, docx or text pdf file of up to 32 MB; content decides where the suffix says otherwise.
    doc_id
        The document's id; by default the name of the file without its suffix.

    Raises
    ------
    DocumentError
        If the file cannot be read as it stands; the message says what, where and what to do.
    """
    path = Path(path)
    source = read_source(path)
    transcript = read_transcript(source)
    lines = tuple(transcript.lines)
    read = tuple(without_marks(line) for line in lines) if source.format == "md" else lines
    return Document(
        id=doc_id or path.stem,
        sha256=hashlib.sha256(source.data).hexdigest(),
        format=source.format,
        lines=lines,
        blocks=structure(read, transcript.grids),
        title=find_title(read) or transcript.title,
    )


def document_from_text(text: str, doc_id: str) -> Document:
    """A document made of a text that is at hand, as `read_document` makes it of a txt file."""
    lines = tuple(text.split("\n"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Document(doc_id, digest, "txt", lines, structure(lines), find_title(lines))


def read_transcript(source: Source) -> Transcript:
    """The lines and native tables of a file, not yet understood.

    Raises
    ------
    DocumentError
        If the file cannot be read as it stands, or holds no text.
    """
    transcript = _READERS[source.format](source)
    if not any(line.strip() for line in transcript.lines):
        raise DocumentError(f"{source.name}: holds no text. Fetch or save the plan again.")
    return transcript
