"""Plan files of every format as lines and native tables."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoplan.documents.document import Passage, Table
from geoplan.documents.reading import find_title, read_document, read_transcript
from geoplan.documents.reading.grid import Grid
from geoplan.documents.reading.plain import without_marks
from geoplan.documents.reading.source import Source, detect_format, read_source
from geoplan.documents.reading.table_heads import column_label, column_unit
from geoplan.documents.reading.transcript import RawCell, Transcript, clean
from geoplan.errors import DocumentError
from tests.documents import files

PLAN = "第一章 总则\n　　到2025年，平湾县建成高标准农田20万亩。\n\n一、目标\n"


def read(path: Path) -> Transcript:
    return read_transcript(read_source(path))


def text(lines: str, name: str = "a.txt", encoding: str = "utf-8") -> Transcript:
    return read_transcript(Source(name, lines.encode(encoding), detect_format(name, lines.encode(encoding))))


def cells(grid: Grid) -> list[tuple[int, int, str, int, int]]:
    return [(cell.row, cell.column, cell.passage.text, cell.rows, cell.columns) for cell in grid.cells]


def check(transcript: Transcript) -> None:
    """Every cell leads back to its line."""
    for grid in transcript.grids:
        assert 1 <= grid.first_line <= grid.last_line <= len(transcript.lines)
        for cell in grid.cells:
            for span in cell.passage.spans(0, len(cell.passage.text)):
                assert grid.first_line <= span.line <= grid.last_line
                assert transcript.lines[span.line - 1][span.start : span.end] == cell.passage.text


# --- plain text -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_in_every_encoding(encoding: str, end: str) -> None:
    assert text(PLAN.replace("\n", end), encoding=encoding).lines == PLAN.split("\n")


def test_characters_that_no_reader_sees_become_spaces() -> None:
    line = "甲\x00县\x0c\x0b乙\u2028县\ufeff丙\r县\x85" + "正文" * 200
    assert text(f"{line}\n尾").lines[0] == "甲 县  乙 县 丙 县 " + "正文" * 200


@given(st.text(alphabet=st.sampled_from("山川田亩2025 \t\u3000，。\n\r"), min_size=1).filter(str.strip))
def test_lines_are_those_of_the_file(written_text: str) -> None:
    # A character or two alone can be valid in both encodings.
    written_text = "正文在此。" + written_text
    unified = written_text.replace("\r\n", "\n")
    unified = unified.replace("\r", " " if "\n" in unified else "\n")
    for encoding in ("utf-8", "gb18030", "utf-16"):
        assert text(written_text, encoding=encoding).lines == unified.split("\n")


@given(st.text())
def test_cleaning_moves_no_column(any_text: str) -> None:
    cleaned = clean(any_text)
    assert len(cleaned) == len(any_text)
    assert len(cleaned.splitlines()) <= cleaned.count("\n") + 1
    assert clean(cleaned) == cleaned


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(min_size=1, max_size=400), st.sampled_from(["a.txt", "a.md", "a.html", "a.docx", "a.pdf"]))
def test_any_bytes_read_or_are_refused(data: bytes, name: str) -> None:
    with suppress(DocumentError):
        check(read_transcript(Source(name, data, detect_format(name, data))))


def test_a_line_of_three_million_characters() -> None:
    begin = time.perf_counter()
    for filler in ("田", " ", "|", "-", "*", "1"):
        for name in ("a.txt", "a.md"):
            transcript = text("首" + filler * 3_000_000, name)
            assert len(transcript.lines) == 1
            without_marks(transcript.lines[0])
            find_title(tuple(transcript.lines))
    assert time.perf_counter() - begin < 20


def test_the_content_decides_the_format() -> None:
    page = "<!DOCTYPE html><html><p>甲县"
    assert detect_format("a.doc", page.encode()) == "html"
    assert detect_format("a.txt", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- x --><HTML>") == "html"
    assert detect_format("a.txt", b"%PDF-1.4") == "pdf"
    assert detect_format("plan", "甲县".encode()) == "txt"
    assert detect_format("PLAN.MD", "甲县".encode()) == "md"


# --- Markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_tables_lead_back_to_line_and_column() -> None:
    source = "# 甲市规划\n\n| 县 | 面积\\|亩 |\n|:--|--:|\n| **乙县** | 20 |\n丙县 | 30\n\n正文 | 不是表\n"
    transcript = text(source, "a.md")
    assert transcript.lines == source.split("\n")
    assert [(grid.first_line, grid.last_line) for grid in transcript.grids] == [(3, 6)]
    assert [cell[:3] for cell in cells(transcript.grids[0])] == [
        (0, 0, "县"), (0, 1, "面积\\|亩"), (1, 0, "**乙县**"), (1, 1, "20"), (2, 0, "丙县"), (2, 1, "30"),
    ]  # fmt: skip
    check(transcript)


def test_a_markdown_head_of_two_rows_spans_its_blank_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(
        "# 绵阳市规划\n\n| 序号 | 县 | 任务（万亩） |  |\n| --- | --- | --- | --- |\n|  |  | 新增 | 改造 |\n"
        "| 1 | 三台县 | 30.5 | 8.0 |\n| 2 | 盐亭县 | 16.3 | 3.6 |\n| 合计 |  | 46.8 | 11.6 |\n",
        "utf-8",
    )
    (table,) = (block for block in read_document(path).blocks if isinstance(block, Table))
    assert table.heads == 2
    assert [column_label(table, column) for column in range(4)] == [
        "序号",
        "县",
        "任务（万亩）新增",
        "任务（万亩）改造",
    ]
    assert [column_unit(table, column) for column in (2, 3)] == ["万亩", "万亩"]


@given(st.lists(st.sampled_from(["| a | 县 |", "|---|---|", "|-|", "--|--", "", "甲|乙|丙", "|", "正文"]), max_size=12))
def test_markdown_cells_always_slice(lines: list[str]) -> None:
    check(text("首\n" + "\n".join(lines), "a.md"))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("## 第一章 总则 ##", "   第一章 总则   "), ("**一、目标**", "  一、目标  "), ("- 甲县", "  甲县"),
        ("> 引文", "  引文"), ("建成**20万亩**。", "建成**20万亩**。"), ("**甲**和**乙**", "  甲**和**乙  "),
        ("***", "***"), ("", ""), ("#", " "),
    ],
)  # fmt: skip
def test_marks_around_the_text_are_spaces(line: str, shown: str) -> None:
    assert without_marks(line) == shown
    assert len(shown) == len(line)


# --- HTML -------------------------------------------------------------------------------------------------------------


def test_html_blocks_are_lines() -> None:
    page = """<html><head><title>甲市规划</title><style>p{}</style></head><body><nav>首页</nav><script>var a</script>
    <h1>甲市<b>农业</b>规划</h1><div>引言<p>第一段
    还是第一段&nbsp;&amp;</p>尾</div><ul><li>一</li><li>二<ul><li>三</li></ul></li></ul>一行<br>二行
    <p style="display: none">不见</p><!-- 注 --><pre>甲\n乙</pre><ruby>盂<rt>yú</rt></ruby>县&xxe;</body></html>"""
    transcript = text(page, "a.html")
    assert transcript.lines == [
        "甲市农业规划", "引言", "第一段 还是第一段 &", "尾", "一", "二", "三", "一行", "二行", "甲", "乙", "盂县&xxe;",
    ]  # fmt: skip
    assert transcript.title == "甲市规划"


def test_html_tables_with_merged_cells() -> None:
    page = """<p>表</p><table><caption>表一</caption><tr><th rowspan=2>县<th colspan="2">面积（万亩）</tr>
    <tr><th>2020</th><th>2025</th></tr><tr><td>甲县<td><p>20</p><td>30</tr>
    <tr><td>乙县</td><td></td><td rowspan=0>4<br>0</td></tr><tr><td>丙县</td><td>1</td></tr></table><p>后</p>"""
    transcript = text("<html><body>" + page, "a.html")
    assert transcript.lines == [
        "表", "表一", "县\t面积（万亩）", "\t2020\t2025", "甲县\t20\t30", "乙县\t\t4 0", "丙县\t1", "后",
    ]  # fmt: skip
    assert cells(transcript.grids[0]) == [
        (0, 0, "县", 2, 1), (0, 1, "面积（万亩）", 1, 2), (1, 1, "2020", 1, 1), (1, 2, "2025", 1, 1),
        (2, 0, "甲县", 1, 1), (2, 1, "20", 1, 1), (2, 2, "30", 1, 1),
        (3, 0, "乙县", 1, 1), (3, 2, "4 0", 2, 1), (4, 0, "丙县", 1, 1), (4, 1, "1", 1, 1),
    ]  # fmt: skip
    check(transcript)


def test_html_layout_tables_are_text() -> None:
    inner = "<table><tr><td>县</td><td>亩</td></tr></table>"
    page = f"<html><table><tr><td>导语</td><td><p>第一段</p><p>第二段</p>{inner}</td></tr></table>"
    transcript = text(page, "a.html")
    assert transcript.lines == ["导语", "第一段", "第二段", "县\t亩"]
    assert len(transcript.grids) == 1
    assert text("<html><table><tr><td><p>专栏1</p><p>甲县项目</p></td></tr></table>", "a.html").grids == []


def test_html_goes_on_after_its_end() -> None:
    page = "<html><head><title>一</title></head><body><p>甲县</p></body></html>"
    assert text(page + "<p>乙县</p>" + page, "a.html").lines == ["甲县", "乙县", "甲县"]


def test_html_saved_in_gbk() -> None:
    page = '<html><head><meta charset="gb2312"></head><body><p>甲县高标准农田</p></body></html>'
    assert text(page, "a.htm", "gb18030").lines == ["甲县高标准农田"]
    assert text('<?xml version="1.0" encoding="gbk"?>' + page, "a.htm").lines == ["甲县高标准农田"]


@given(
    st.lists(
        st.lists(
            st.tuples(st.sampled_from(["", "甲县", "20 万", "a\nb"]), st.integers(0, 4), st.integers(1, 4)), max_size=4
        ),
        max_size=6,
    )
)
def test_tables_of_any_shape_lead_back(rows: list[list[tuple[str, int, int]]]) -> None:
    transcript = Transcript("a")
    transcript.write("前")
    transcript.write_table([[RawCell(*raw) for raw in row] for row in rows])
    check(transcript)
    shown = sorted(re.sub(r"\s+", "", raw[0]) for row in rows for raw in row)
    assert "".join(shown) == "".join(sorted(re.sub(r"\s+", "", part) for part in _parts(transcript)))
    taken = [
        (row, column)
        for grid in transcript.grids
        for cell in grid.cells
        for row in range(cell.row, cell.row + cell.rows)
        for column in range(cell.column, cell.column + cell.columns)
    ]
    assert len(taken) == len(set(taken))


def _parts(transcript: Transcript) -> list[str]:
    if transcript.grids:
        return [cell.passage.text for cell in transcript.grids[0].cells]
    return ["".join(transcript.lines[1:])] if "a" not in transcript.lines else _joined(transcript.lines[1:])


def _joined(lines: list[str]) -> list[str]:
    return "\n".join(lines).replace("a\nb", "ab").split("\n")


# --- titles and speed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "title"),
    [
        (
            ("", "甲市人民政府文件", "甲政发〔2021〕1号", "甲市“十四五”农业", "农村现代化规划"),
            "甲市“十四五”农业农村现代化规划",
        ),
        (("甲市人民政府", "", "关于印发《甲市规划》的通知"), "甲市规划"),
        (("本段是正文，说到规划。",), ""),
        (("规划",), ""),
    ],
)
def test_title(lines: tuple[str, ...], title: str) -> None:
    assert find_title(lines) == title


def test_fifty_plans_in_one_take_less_than_sixty_times_as_long() -> None:
    plan = "".join(f"（{number}）到2025年，平湾县建成高标准农田{number}万亩。\n" * 2 for number in range(1100))

    def seconds(body: str) -> float:
        best = 9.0
        for _ in range(3):
            begin = time.perf_counter()
            text(body)
            best = min(best, time.perf_counter() - begin)
        return best

    assert 55_000 < len(plan) < 70_000
    assert seconds(plan * 50) < 60 * max(seconds(plan), 0.002)


# --- the document -----------------------------------------------------------------------------------------------------


def test_document_of_every_format(tmp_path: Path) -> None:
    rows = [["县", "面积（万亩）"], ["甲县", "20"], ["乙县", "30"]]
    (tmp_path / "p.txt").write_text("甲市农业规划\n\n一、目标\n到2025年建成农田20万亩。\n", "utf-8")
    (tmp_path / "p.md").write_text(
        "# 甲市农业规划\n\n到2025年建成农田20万亩。\n\n"
        + "\n".join(f"| {a} | {b} |" for a, b in [rows[0], ("-", "-"), *rows[1:]]),
        "utf-8",
    )
    html_rows = "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows)
    (tmp_path / "p.html").write_text(
        f"<html><body><h1>甲市农业规划</h1><p>到2025年建成农田20万亩。</p><table>{html_rows}</table>", "utf-8"
    )
    body = files.paragraph("甲市农业规划") + files.paragraph("到2025年建成农田20万亩。")
    files.make_docx(tmp_path / "p.docx", body + files.table(*[[files.cell(a), files.cell(b)] for a, b in rows]))
    files.make_pdf(tmp_path / "p.pdf", [[(200.0, 130.0, "甲市农业规划"), (100.0, 160.0, "到2025年建成农田20万亩。")]])
    for suffix in ("txt", "md", "html", "docx", "pdf"):
        document = read_document(tmp_path / f"p.{suffix}")
        assert (document.id, document.format, document.title) == ("p", suffix, "甲市农业规划")
        assert len(document.sha256) == 64
        said = [block.text for block in document.blocks if isinstance(block, Passage)]
        assert any("建成农田20万亩" in passage for passage in said)
        tables = [block for block in document.blocks if isinstance(block, Table)]
        assert len(tables) == (suffix in {"md", "html", "docx"})
        for block in tables:
            for cell in [cell for row in block.rows for cell in row]:
                for span in cell.passage.spans(0, len(cell.text)):
                    assert document.lines[span.line - 1][span.start : span.end] == cell.text
        assert read_document(tmp_path / f"p.{suffix}", "x") == read_document(tmp_path / f"p.{suffix}", "x")
