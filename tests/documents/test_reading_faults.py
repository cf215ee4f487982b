"""Files that cannot be read: each gives one clear message, quickly and in bounded memory."""

from __future__ import annotations

import builtins
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from geoplan.documents.reading import read_transcript
from geoplan.documents.reading.source import MAX_BYTES, read_source
from geoplan.errors import DocumentError
from tests.documents import files

PLAN = "到2025年，平湾县建成高标准农田20万亩，农产品加工产值达到15亿元。\n"


def refusal(path: Path) -> str:
    """The message that the file is refused with; no longer than some lines, and within seconds."""
    begin = time.perf_counter()
    with pytest.raises(DocumentError) as caught:
        read_transcript(read_source(path))
    assert time.perf_counter() - begin < 5
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert len(message) < 500
    assert "\n" not in message
    return message


@contextmanager
def at_most(mebibytes: int) -> Iterator[None]:
    """Memory that the block takes in Python's own count."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * 2**20
    finally:
        tracemalloc.stop()


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_missing_folder_empty_and_blank(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "a.txt")
    (tmp_path / "dir.txt").mkdir()
    assert "is a folder" in refusal(tmp_path / "dir.txt")
    assert "is empty" in refusal(written(tmp_path, "b.txt", b""))
    assert "only blanks" in refusal(written(tmp_path, "c.txt", " \n\u3000\t\r\n".encode()))
    assert "only blanks" in refusal(written(tmp_path, "d.txt", b"\xef\xbb\xbf\n"))
    assert "no text" in refusal(written(tmp_path, "e.html", b"<html><body><script>1</script></body></html>"))
    assert "no text" in refusal(files.make_docx(tmp_path / "f.docx", ""))


def test_a_file_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)
    with at_most(1):
        assert "100 MB; plans up to 32 MB" in refusal(path)
    assert MAX_BYTES == 32 * 2**20


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.doc", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "save it as .docx"),
        ("a.wps", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "save it as .docx"),
        ("a.docx", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "password"),
        ("a.docx", PLAN.encode(), "is named .docx but its content is not"),
        ("a.pdf", PLAN.encode(), "is named .pdf but its content is not"),
        ("a.txt", b"{\\rtf1\\ansi}", "RTF"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + bytes(50), "a picture"),
        ("a.docx", b"PK\x03\x04" + bytes(200), "cannot be opened"),
        ("a.csv", PLAN.encode(), ".csv is not read"),
        ("a.txt", bytes(range(256)) * 40, "binary data"),
        ("a.txt", b"\x00" * 5000 + b"abc", "binary data"),
        ("a.pdf", b"%PDF-1.7\n" + bytes(500), "damaged"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj\n<</Type /Catalog", "damaged"),
    ],
)  # fmt: skip
def test_formats_that_are_not_read(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    assert says in refusal(written(tmp_path, name, data))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((PLAN * 3).encode() + PLAN.encode("gb18030"), "line 4 (byte 280) is not UTF-8"),
        ((PLAN * 3).encode("gb18030") + PLAN.encode(), "line 4"),
        (PLAN.encode("gb18030") + PLAN.encode() + PLAN.encode("gb18030"), "line 2"),
        ((PLAN * 3).encode()[:-3] + b"\xe4\n", "line 3"),
        (PLAN.encode("utf-16")[:-1], "is not UTF-16"),
        ("發展農業機械化與現代農業產業園區建設規劃".encode("big5"), "line 1"),
    ],
)
def test_mixed_and_broken_encodings_name_the_line(tmp_path: Path, data: bytes, says: str) -> None:
    message = refusal(written(tmp_path, "mixed.txt", data))
    assert says in message
    assert "save the file as UTF-8" in message


def test_garbled_text_is_refused(tmp_path: Path) -> None:
    as_gbk = PLAN.encode().decode("gb18030", "replace") * 3
    as_latin = PLAN.encode().decode("latin-1") * 3
    assert "garbled" in refusal(written(tmp_path, "g.txt", as_gbk.encode()))
    assert "garbled" in refusal(written(tmp_path, "l.txt", as_latin.encode()))


def test_zip_that_is_no_docx(tmp_path: Path) -> None:
    for entry, says in (("xl/workbook.xml", "xlsx"), ("ppt/presentation.xml", "pptx"), ("a.txt", "without a Word")):
        with zipfile.ZipFile(tmp_path / "a.docx", "w") as archive:
            archive.writestr(entry, "x")
        assert says in refusal(tmp_path / "a.docx")
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as archive:
        for number in range(6000):
            archive.writestr(f"word/{number}.xml", "")
    assert "6000 entries" in refusal(tmp_path / "b.docx")


def test_zip_bombs_are_not_unpacked(tmp_path: Path) -> None:
    bomb = b"<a>" + b" " * (300 * 2**20)
    honest = files.make_docx(tmp_path / "bomb.docx", "", {"word/document.xml": bomb})
    with at_most(90):
        assert "zip bomb" in refusal(honest)
    # The size that the archive declares is a lie: 100 bytes.
    data = bytearray(honest.read_bytes())
    size = len(bomb).to_bytes(4, "little")
    assert data.count(size) == 2
    liar = written(tmp_path, "liar.docx", bytes(data).replace(size, (100).to_bytes(4, "little")))
    with at_most(90):
        assert "cannot be unpacked" in refusal(liar)
    # A part that nobody reads may be as large as it likes.
    unread = files.make_docx(tmp_path / "unread.docx", files.paragraph("正文"), {"word/media/a.bmp": bytes(2**24)})
    assert read_transcript(read_source(unread)).lines == ["正文"]


def test_broken_word_files(tmp_path: Path) -> None:
    good = files.part("<w:body>" + files.paragraph("正文") * 50 + "</w:body>")
    cut = files.make_docx(tmp_path / "cut.docx", "", {"word/document.xml": good[:1000]})
    assert "word/document.xml is broken XML" in refusal(cut)
    laughs = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
    )
    laughs += "]><a>&j;</a>"
    assert "document type" in refusal(files.make_docx(tmp_path / "l.docx", "", {"word/document.xml": laughs}))
    outside = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
    assert "document type" in refusal(files.make_docx(tmp_path / "x.docx", "", {"word/document.xml": outside}))
    deep = files.part("<w:body>" + "<w:sdt>" * 10**4 + "</w:sdt>" * 10**4 + "</w:body>")
    assert "broken XML" in refusal(files.make_docx(tmp_path / "d.docx", "", {"word/document.xml": deep}))
    damaged = bytearray(files.make_docx(tmp_path / "e.docx", files.paragraph("正文")).read_bytes())
    at = damaged.index(b"word/document.xml") + 30
    damaged[at : at + 20] = bytes(20)
    assert "cannot be unpacked" in refusal(written(tmp_path, "e.docx", bytes(damaged)))


@pytest.mark.parametrize("span", ["-3", "abc", "0", "1000000", "９"])
def test_a_broken_table_is_named(tmp_path: Path, span: str) -> None:
    rows = [[files.cell("县"), files.cell("面积")], [files.cell("甲县", f'<w:gridSpan w:val="{span}"/>')]]
    path = files.make_docx(tmp_path / "t.docx", files.table(*rows))
    assert "table 1, row 2: gridSpan" in refusal(path)
    assert "mend or remake the table" in refusal(path)


def test_a_table_swollen_by_its_spans(tmp_path: Path) -> None:
    wide = '<td colspan="999">甲</td><td>乙</td>'
    path = written(tmp_path, "w.html", f"<html><body><table><tr>{wide}{wide}</tr></table>".encode())
    assert "over 1000 columns" in refusal(path)
    many = "<tr><td colspan=1000>甲</td></tr>" * 2000
    path = written(tmp_path, "m.html", f"<html><body><table>{many}</table>".encode())
    assert "1000000 places" in refusal(path)


def test_html_nested_a_million_deep(tmp_path: Path) -> None:
    page = "<html><body>" + "<div>" * 10**6 + "甲县"
    assert "nested over 200 deep" in refusal(written(tmp_path, "deep.html", page.encode()))
    page = "<html><body>" + "<b>" * 230 + "甲县"
    assert "nested over 200 deep" in refusal(written(tmp_path, "deep.html", page.encode()))


def test_html_of_too_many_tags(tmp_path: Path) -> None:
    page = b"<html><body>" + b"<p></p>" * 800_000
    assert "over 1500000 tags" in refusal(written(tmp_path, "many.html", page))


def test_pdf_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = files.make_pdf(tmp_path / "scan.pdf", [[], []])
    assert "no text on its 2 page(s); it is a scan" in refusal(scan)
    locked = files.encrypt(files.make_pdf(tmp_path / "locked.pdf", [[(60, 100, PLAN.strip())]]))
    assert "password" in refusal(locked)
    unmapped = files.make_pdf(tmp_path / "u.pdf", [[(60, 100, PLAN.strip())]], mapped=False)
    assert "do not say which characters" in refusal(unmapped)
    monkeypatch.setattr("geoplan.documents.reading.pages.MAX_PAGES", 3)
    assert "over 3 pages" in refusal(files.make_pdf(tmp_path / "p.pdf", [[(60, 100, "甲县")]] * 4))


@pytest.mark.parametrize("layers", [1, 2])
def test_pdf_bomb(tmp_path: Path, layers: int) -> None:
    packed = zlib.compress(bytes(100 * 2**20), 9)
    if layers == 2:
        packed = zlib.compress(packed, 9)
    path = files.make_pdf(tmp_path / "b.pdf", [[(60, 100, "甲县")]])
    path.write_bytes(path.read_bytes() + b"\n9 0 obj\n" + files.stream(b"", packed=packed) + b"\nendobj")
    with at_most(60):
        assert "swells" in refusal(path)


def test_pdf_of_streams_without_end(tmp_path: Path) -> None:
    """Every one of them would run to the end of the file."""
    path = tmp_path / "b.pdf"
    path.write_bytes(b"%PDF-1.4\n" + b"stream\n" * 400_000)
    with at_most(60):
        assert "swells" in refusal(path)


@pytest.mark.parametrize(("missing", "name"), [("lxml", "a.html"), ("lxml", "a.docx"), ("pdfplumber", "a.pdf")])
def test_without_the_text_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, name: str) -> None:
    real = builtins.__import__

    def importing(module: str, *rest: Any, **options: Any) -> Any:
        if module.split(".", maxsplit=1)[0] == missing:
            raise ImportError(module)
        return real(module, *rest, **options)

    path = tmp_path / name
    if name == "a.html":
        path.write_text("<html><p>甲县", "utf-8")
    elif name == "a.docx":
        files.make_docx(path, files.paragraph("甲县"))
    else:
        files.make_pdf(path, [[(60, 100, "甲县")]])
    monkeypatch.setattr(builtins, "__import__", importing)
    assert "geoplan[text]" in refusal(path)


def test_a_stream_of_random_damage_never_ends_in_a_traceback(tmp_path: Path) -> None:
    pdf = files.make_pdf(tmp_path / "r.pdf", [[(60, 100, PLAN.strip())]]).read_bytes()
    docx = files.make_docx(tmp_path / "r.docx", files.table([files.cell("甲"), files.cell("乙")])).read_bytes()
    for name, data in (("r.pdf", pdf), ("r.docx", docx)):
        for at in range(9, len(data), max(1, len(data) // 60)):
            path = written(tmp_path, name, data[:at] + bytes([data[at] ^ 0x15]) + data[at + 1 :])
            for damaged in (path, written(tmp_path, "cut-" + name, data[:at])):
                with suppress(DocumentError):
                    read_transcript(read_source(damaged))
