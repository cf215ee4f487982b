"""Chapter numbers by line: read from a plan, kept without its words."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoplan.documents.document import Document, Heading, Passage, Piece
from geoplan.documents.outline import (
    Outline,
    heading_number,
    headings_above,
    load_outline,
    outline_of,
    outline_text,
)
from geoplan.errors import LayerError
from geoplan.settings import Settings

CHAPTER = Heading("第一章 总则", 1, 2)
SECTION = Heading("第二节　目标", 2, 5)
ITEM = Heading("（一）粮食", 4, 7)
BOX = Heading("专栏3 重点工程", 3, 10, box=True)
PREFACE = Heading("前言", 1, 1)


def document(*blocks: tuple[int, tuple[Heading, ...]]) -> Document:
    passages = tuple(Passage("正文", (Piece(0, line, 0),), headings) for line, headings in blocks)
    return Document("p", "", "txt", ("文",) * 20, passages)


READ = document((3, (CHAPTER,)), (6, (CHAPTER, SECTION)), (8, (CHAPTER, SECTION, ITEM)), (11, (CHAPTER, BOX)))


def test_a_line_has_the_numbers_of_its_headings() -> None:
    outline = outline_of(READ)
    found = {line: outline.at(line) for line in (1, 2, 4, 5, 7, 9, 10, 20)}
    assert found == {
        1: "", 2: "第一章", 4: "第一章", 5: "第一章 第二节", 7: "第一章 第二节（一）", 9: "第一章 第二节（一）",
        10: "第一章 专栏3", 20: "第一章 专栏3",
    }  # fmt: skip


def test_headings_stand_above_a_line_and_under_themselves() -> None:
    assert headings_above(READ, 1) == ()
    assert headings_above(READ, 2) == (CHAPTER,)
    assert headings_above(READ, 8) == (CHAPTER, SECTION, ITEM)
    assert headings_above(READ, 15) == (CHAPTER, BOX)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("第十二章 保障", "第十二章"), ("第3节 目标", "第3节"), ("一、总则", "一"), ("（三）林果", "（三）"),
        ("专栏 7 项目", "专栏7"),
        ("1.粮食", "1"), ("表2：分解", "表2"), ("前言", ""), ("一个目标", ""), ("第三产业", ""), ("2025年", ""),
    ],
)  # fmt: skip
def test_only_the_number_is_taken_of_a_heading(text: str, number: str) -> None:
    assert heading_number(Heading(text, 1, 1)) == number


def test_a_heading_without_number_adds_nothing() -> None:
    assert outline_of(document((2, (PREFACE,)))) == Outline()


PLACES = st.sampled_from(["", "第一章", "第一章 第二节（一）", "三 专栏2"])


@given(st.dictionaries(st.integers(1, 999), PLACES))
def test_a_written_outline_reads_back(places: dict[int, str]) -> None:
    lines = tuple(sorted(places))
    outline = Outline(lines, tuple(places[line] for line in lines))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "p.csv"
        path.write_text(outline_text(outline), "utf-8")
        assert load_outline(path) == outline
    assert all(outline.at(line) == places[line] for line in lines)
    assert outline.at(0) == ""


def test_an_outline_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(outline_text(outline_of(READ)), "utf-8")
    assert load_outline(path) == outline_of(READ)
    assert load_outline(tmp_path / "none.csv") == Outline()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "row 1"), ("line,place\n1,第一章\n", "row 1"), ("line,where\nx,第一章\n", "row 2"),
        ("line,where\n1,第一章 农业的目标\n", "row 2"), ("line,where\n5,第一章\n5,第二章\n", "do not rise"),
        ("line,where\n1,第一章,x\n", "row 2"), ('line,where\n"1', "not a CSV"),
    ],
)  # fmt: skip
def test_a_broken_outline_names_file_and_row(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "p.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(LayerError, match=rf"outlines/p\.csv.*{said}"):
        load_outline(path)


def test_the_outlines_of_the_repository_hold_numbers_only(settings: Settings) -> None:
    for path in (settings.layers_dir / "outlines").glob("*.csv"):
        places = set(load_outline(path).places)
        letters = set(re.sub(r"[〇零一二三四五六七八九十百0-9（） ]", "", "".join(places)))
        assert letters <= set("第编篇章节条部专栏表"), path.name
