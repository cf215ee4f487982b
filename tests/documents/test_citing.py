"""A citation opened in a copy: the span in its line, what is around it, and nothing when there is no copy."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.citing import AROUND, MAX_LINE, citation_words, cited_text, open_copy
from geoplan.documents.document import Cell, Document, Heading, Passage, Piece, Table
from geoplan.documents.library import add_copy
from geoplan.documents.plans import PlanDocument
from geoplan.errors import DocumentError
from geoplan.settings import Settings
from tests.documents.test_library import PLANS, SHA, TEXT

LINES = tuple(f"第{number}行的文字" if number % 2 else "" for number in range(1, 200))


def document(lines: tuple[str, ...] = LINES) -> Document:
    return Document("p", "", "txt", lines, ())


def passage(text: str, line: int) -> Passage:
    return Passage(text, (Piece(0, line, 0),), (Heading("第一章", 1, 1),))


@given(st.text(max_size=40), st.data())
def test_the_three_parts_are_the_line(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    end = data.draw(st.integers(start + 1, max(start + 1, len(text))))
    if end > len(text):
        with pytest.raises(DocumentError, match="has no span"):
            cited_text(document((text,)), 1, (start, end))
        return
    cited = cited_text(document((text,)), 1, (start, end))
    assert (cited.before, cited.marked, cited.after) == (text[:start], text[start:end], text[end:])


def test_a_line_without_span_is_marked_nowhere() -> None:
    cited = cited_text(document(), 3)
    assert (cited.before, cited.marked, cited.after) == ("", "", LINES[2])


def test_lines_with_text_around_are_shown_and_no_more_than_a_page() -> None:
    cited = cited_text(document(), 101, (0, 2))
    assert [line.line for line in cited.above][-2:] == [97, 99]
    assert [line.line for line in cited.below][:2] == [103, 105]
    assert AROUND <= len(cited.above) <= 30
    assert all(line.text for line in (*cited.above, *cited.below))
    assert cited_text(document(), 1).above == cited_text(document(), 199).below == ()


def test_a_line_as_long_as_a_book_is_cut_around_the_span() -> None:
    text = "农" * 3_000_000
    cited = cited_text(document(("上" * 9_000, text)), 2, (1_000_000, 1_500_000))
    assert (len(cited.before), len(cited.marked), len(cited.after)) == (MAX_LINE, MAX_LINE, MAX_LINE)
    assert cited.cut_before
    assert cited.cut_after
    assert (len(cited.above[0].text), cited.above[0].cut) == (MAX_LINE, True)


@pytest.mark.parametrize("line", [0, -1, 200, 10**9])
def test_a_line_that_is_not_there_is_said(line: int) -> None:
    with pytest.raises(DocumentError, match="has no line"):
        cited_text(document(), line)


def test_a_cell_is_named_by_its_heads() -> None:
    rows = (
        (Cell(0, 0, passage("县", 2)), Cell(0, 1, passage("任务", 3))),
        (Cell(1, 0, passage("甲县", 4)), Cell(1, 1, passage("30", 5))),
    )
    read = Document("p", "", "txt", ("",) * 6, (Table("表二", "万亩", rows, 1, (Heading("第一章", 1, 1),)),))
    assert cited_text(read, 5).cell == ("表二", "任务", "甲县")
    assert cited_text(read, 4).cell == ("表二", "县")
    assert cited_text(read, 6).cell == ()
    assert [heading.text for heading in cited_text(read, 5).headings] == ["第一章"]


def test_a_row_is_named_by_its_first_words_not_by_its_number() -> None:
    row = (Cell(1, 0, passage("7", 2)), Cell(1, 1, passage("甲" * 99, 3)), Cell(1, 2, passage("30", 4)))
    head = (Cell(0, 0, passage("序号", 1)), Cell(0, 1, passage("项目", 1), columns=2))
    read = Document("p", "", "txt", ("",) * 6, (Table("", "", (head, row), 1),))
    assert cited_text(read, 4).cell == ("项目", "甲" * 39 + "…")


def test_citations_in_words() -> None:
    assert citation_words("某规划", "第三章 第一节", 7, "0-12") == "「某规划」第三章 第一节，第 7 行（第 1-12 字）"
    assert citation_words("某规划", "", 7, "3-4") == "「某规划」第 7 行（第 4 字）"
    assert citation_words("某规划", "", 7) == "「某规划」第 7 行"


def test_a_copy_is_opened_and_only_the_registered_one(tmp_path: Path) -> None:
    (tmp_path / "project" / "layers").mkdir(parents=True)
    (tmp_path / "project" / "layers" / "plans.toml").write_text(PLANS, "utf-8")
    settings = Settings(tmp_path / "project", tmp_path / "build", plans_dir=tmp_path / "plans")
    plan = PlanDocument(id="jia", title="甲市农业规划", issuer="", area="省/甲市", lines=4, sha256=SHA)
    assert open_copy(settings, plan) is None
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    kept = add_copy(settings, tmp_path / "a.txt")
    opened = open_copy(settings, plan)
    assert opened is not None
    assert (opened.sha256, opened.lines[2]) == (hashlib.sha256(TEXT.encode()).hexdigest(), "到2025年建成农田30万亩。")
    assert [heading.text for heading in cited_text(opened, 3, (0, 2)).headings] == ["第一章 总则"]
    kept.path.write_bytes(TEXT.replace("30", "90").encode())
    assert open_copy(settings, plan) is None
