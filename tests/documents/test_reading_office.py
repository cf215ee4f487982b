"""Word and PDF files as lines and native tables."""

from __future__ import annotations

from pathlib import Path

from geoplan.documents.reading.numbering import chinese, written
from tests.documents import files
from tests.documents.test_reading import cells, check, read

# --- docx -------------------------------------------------------------------------------------------------------------


def test_docx_in_the_order_of_the_body(tmp_path: Path) -> None:
    body = (
        files.paragraph("甲市规划")
        + files.table([files.cell("县"), files.cell("面积")], [files.cell("乙县\n丙县"), files.cell("20")])
        + "<w:p><w:r><w:t>到2025年</w:t></w:r><w:del><w:r><w:delText>删</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>，建成</w:t><w:br/><w:t>下行</w:t></w:r></w:ins>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>藏</w:t></w:r></w:p>" + files.paragraph("")
    )
    transcript = read(files.make_docx(tmp_path / "a.docx", body))
    assert transcript.lines == ["甲市规划", "县\t面积", "乙县 丙县\t20", "到2025年，建成", "下行"]
    check(transcript)


def test_docx_merged_and_nested_tables(tmp_path: Path) -> None:
    begin, on, wide = '<w:vMerge w:val="restart"/>', "<w:vMerge/>", '<w:gridSpan w:val="2"/>'
    nested = f"<w:tc>{files.paragraph('外')}{files.table([files.cell('内'), files.cell('里')])}</w:tc>"
    body = files.table(
        [files.cell("县", begin), files.cell("面积", wide)],
        [files.cell("", on), files.cell("2020"), files.cell("2025")],
        [files.cell("甲县"), files.cell("20"), nested],
    )
    transcript = read(files.make_docx(tmp_path / "a.docx", body))
    assert transcript.lines == ["县\t面积", "\t2020\t2025", "甲县\t20\t外", "内\t里"]
    assert cells(transcript.grids[0])[:3] == [(0, 0, "县", 2, 1), (0, 1, "面积", 1, 2), (1, 1, "2020", 1, 1)]
    assert cells(transcript.grids[1]) == [(0, 0, "内", 1, 1), (0, 1, "里", 1, 1)]
    check(transcript)


def test_docx_boxes_notes_contents_and_numbers(tmp_path: Path) -> None:
    def numbered(depth: int) -> str:
        return f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="1"/></w:numPr>'

    levels = (("chineseCounting", "第%1章"), ("chineseCounting", "%2、"), ("decimal", "%3."), ("bullet", "*"))
    forms = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{label}"/></w:lvl>'
        for depth, (form, label) in enumerate(levels)
    )
    numbering = files.part(
        f'<w:abstractNum w:abstractNumId="7">{forms}</w:abstractNum>'
        '<w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>',
        "numbering",
    )
    styles = files.part(
        f'<w:style w:styleId="1"><w:pPr>{numbered(0)}</w:pPr></w:style>'
        '<w:style w:styleId="2"><w:basedOn w:val="1"/></w:style>',
        "styles",
    )
    note = files.part(f'<w:footnote w:id="2">{files.paragraph("指粮田")}</w:footnote>', "footnotes")
    contents = (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr>'
        f"<w:sdtContent>{files.paragraph('总则 1')}</w:sdtContent></w:sdt>"
    )
    body = (
        contents
        + files.paragraph("总则", '<w:pStyle w:val="2"/>')
        + files.paragraph("基础", numbered(1))
        + files.paragraph("目标", numbered(1))
        + files.paragraph("点", numbered(3))
        + files.paragraph("任务", '<w:pStyle w:val="1"/>')
        + files.paragraph("布局", numbered(1))
        + files.paragraph("粮食", numbered(2))
        + '<w:p><w:r><w:t>建田</w:t><w:footnoteReference w:id="2"/></w:r><w:r><w:pict><w:txbxContent>'
        + files.paragraph("专栏")
        + "</w:txbxContent></w:pict></w:r></w:p>"
    )
    parts = {"word/numbering.xml": numbering, "word/styles.xml": styles, "word/footnotes.xml": note}
    transcript = read(files.make_docx(tmp_path / "a.docx", body, parts))
    assert transcript.lines == [
        "第一章 总则", "一、基础", "二、目标", "点", "第二章 任务", "一、布局", "1. 粮食", "建田", "专栏", "注：指粮田",
    ]  # fmt: skip


def test_docx_written_by_python_docx(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_heading("甲市规划", 0)
    document.add_paragraph("到2025年建成农田20万亩。")
    table = document.add_table(rows=3, cols=3)
    table.cell(0, 0).merge(table.cell(1, 0)).text = "县"
    table.cell(0, 1).merge(table.cell(0, 2)).text = "面积"
    table.cell(2, 0).text, table.cell(2, 2).text = "乙县", "20"
    document.save(str(tmp_path / "a.docx"))
    transcript = read(tmp_path / "a.docx")
    assert transcript.lines == ["甲市规划", "到2025年建成农田20万亩。", "县\t面积", "", "乙县\t\t20"]
    assert cells(transcript.grids[0])[0] == (0, 0, "县", 2, 1)
    check(transcript)


def test_numbers_of_lists() -> None:
    assert [chinese(number) for number in (1, 10, 11, 20, 21, 101, 110, 999)] == [
        "一", "十", "十一", "二十", "二十一", "一百零一", "一百一十", "九百九十九",
    ]  # fmt: skip
    assert [written(4, form) for form in ("upperRoman", "lowerLetter", "decimalEnclosedCircle", "x")] == [
        "IV", "d", "④", "4",
    ]  # fmt: skip


# --- pdf --------------------------------------------------------------------------------------------------------------


def test_pdf_lines_without_running_heads_and_numbers(tmp_path: Path) -> None:
    pages = [
        [
            (220.0, 40.0, "甲市农业规划"), (114.0, 130.0, f"第{number}段开头到行末的文字共十余字"),
            (90.0, 150.0, "续行的文字"), (290.0, 800.0, f"— {number} —"),
        ]
        for number in range(1, 5)
    ]  # fmt: skip
    transcript = read(files.make_pdf(tmp_path / "a.pdf", pages))
    assert transcript.lines == [
        line for number in range(1, 5) for line in (f"　　第{number}段开头到行末的文字共十余字", "续行的文字")
    ]


def test_pdf_letters_drawn_twice_count_once(tmp_path: Path) -> None:
    page = [(100.0, 200.0, "甲县农田"), (100.3, 200.0, "甲县农田"), (280.0, 810.0, "1")]
    assert read(files.make_pdf(tmp_path / "a.pdf", [page])).lines == ["甲县农田"]


def test_pdf_keeps_a_figure_at_the_head_of_one_page(tmp_path: Path) -> None:
    pages = [[(100.0, 90.0, text), (100.0, 400.0, "乙县")] for text in ("甲县", "21", "丙县", "丁县")]
    assert read(files.make_pdf(tmp_path / "a.pdf", pages)).lines == [
        "甲县",
        "乙县",
        "21",
        "乙县",
        "丙县",
        "乙县",
        "丁县",
        "乙县",
    ]


def test_pdf_ruled_table(tmp_path: Path) -> None:
    rules = [(x, 200.0, x, 290.0) for x in (100.0, 300.0)] + [(200.0, 230.0, 200.0, 290.0)]
    rules += [(100.0, y, 300.0, y) for y in (200.0, 230.0, 260.0, 290.0)]
    page = [
        (100.0, 150.0, "表前"), (150.0, 220.0, "面积表"), (110.0, 245.0, "甲县高"), (110.0, 258.0, "标准田"),
        (210.0, 250.0, "20"), (110.0, 280.0, "乙县"), (210.0, 272.0, "30"), (210.0, 286.0, "40"),
        (100.0, 350.0, "表后"),
    ]  # fmt: skip
    transcript = read(files.make_pdf(tmp_path / "a.pdf", [page], rules=rules))
    assert transcript.lines == ["表前", "面积表", "甲县高标准田\t20", "乙县\t30 40", "表后"]
    assert cells(transcript.grids[0]) == [
        (0, 0, "面积表", 1, 2), (1, 0, "甲县高标准田", 1, 1), (1, 1, "20", 1, 1),
        (2, 0, "乙县", 1, 1), (2, 1, "30 40", 1, 1),
    ]  # fmt: skip
    check(transcript)
