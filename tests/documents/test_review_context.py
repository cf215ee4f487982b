"""The sentence beside a draft, with its marks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.document import Document, Heading, Passage, Piece
from geoplan.documents.review.context import PlanText, plan_text, shown_lines
from tests.documents.review_help import draft


def test_marks_lead_back_to_the_characters() -> None:
    text = "在甲县子镇、乙县建粮田3万亩，甲县另建果园。"
    span = f"0..{text.index('，')}"
    cells = draft(1, span, places="甲县/子镇;乙县").cells
    (line,) = shown_lines(PlanText((text,)), cells)
    assert [(line.text[m.start : m.end], m.role) for m in line.marks] == [
        ("在甲县子镇、乙县建粮田3万亩", "fact"), ("甲县", "place"), ("子镇", "place"), ("乙县", "place"),
        ("3万亩", "figure"),
    ]  # fmt: skip


def test_a_place_named_before_the_fact_is_marked_there() -> None:
    text = "甲县：建设高标准粮田3万亩"
    (line,) = shown_lines(PlanText((text,)), draft(1, f"3..{len(text)}").cells)
    assert [line.text[m.start : m.end] for m in line.marks if m.role == "place"] == ["甲县"]


@given(st.integers(0, 5000), st.integers(1, 400), st.text(max_size=40))
def test_of_a_long_line_a_part_is_shown_and_the_marks_fit_it(start: int, length: int, filler: str) -> None:
    text = ("天" * start) + "甲县粮田30万亩" + "地" * (length + 3000) + filler.replace("\n", "")
    cells = draft(1, f"{start}..{start + 8}").cells
    (line,) = shown_lines(PlanText((text,)), cells)
    assert len(line.text) <= 5000
    assert line.text == text[line.offset : line.offset + len(line.text)]
    assert line.cut
    fact = next(mark for mark in line.marks if mark.role == "fact")
    assert line.text[fact.start : fact.end] == "甲县粮田30万亩"


def test_headings_come_from_the_block_a_line_stands_in() -> None:
    heads = (Heading("第一章 总则", 1, 1), Heading("第二章 布局", 1, 4))
    blocks = (
        Passage("甲", (Piece(0, 2, 0),), heads[:1]),
        Passage("乙丙", (Piece(0, 5, 0), Piece(1, 6, 0)), heads[1:]),
    )
    text = plan_text(Document("plan", "", "txt", ("",) * 7, blocks))
    assert [[h.text for h in text.headings_of(line)] for line in (1, 2, 3, 6)] == [
        [], ["第一章 总则"], ["第一章 总则"], ["第二章 布局"],
    ]  # fmt: skip
    assert not text.holds(draft(1).cells)


def test_a_little_is_shown_of_the_lines_around() -> None:
    lines = ("一、标题", "", "长" * 500, "甲县粮田3万亩", "", "短", "短" * 3, "长" * 500, "远")
    text = PlanText(lines, ((3, (Heading("一、标题", 3, 1),)),))
    shown = shown_lines(text, draft(4, "0..7").cells)
    assert [(line.number, len(line.text), line.offset, line.cut) for line in shown] == [
        (3, 90, 410, False), (4, 7, 0, False), (6, 1, 0, False), (7, 3, 0, False), (8, 90, 0, True),
    ]  # fmt: skip
