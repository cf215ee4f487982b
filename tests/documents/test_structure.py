from __future__ import annotations

import pytest

from geoplan.documents.document import Passage, Piece
from geoplan.documents.reading.grid import Grid, GridCell
from geoplan.documents.reading.headings import Caption, caption, find_title, label
from geoplan.documents.reading.mending import clean, is_finished, is_page_number
from geoplan.documents.reading.structure import Role, read_structure, structure
from tests.documents.structure_help import BODY, check_positions, tables, texts


def chain(passage: Passage) -> list[tuple[int, str, bool]]:
    return [(heading.depth, heading.text, heading.box) for heading in passage.headings]


def only(lines: list[str]) -> Passage:
    (block,) = structure(lines)
    assert isinstance(block, Passage)
    return block


# Mending


def test_a_sentence_cut_at_a_page_end_is_one_passage() -> None:
    lines = ["重点在河东县建设万亩蔬菜基地，在河西县柳林乡、大槐", "", "— 12 —", "", "树镇发展设施果业。"]
    passage = only(lines)
    assert passage.text == "重点在河东县建设万亩蔬菜基地，在河西县柳林乡、大槐树镇发展设施果业。"
    start = passage.text.index("大槐树镇")
    assert [(span.line, span.start, span.end) for span in passage.spans(start, start + 4)] == [(1, 23, 25), (5, 0, 2)]
    assert read_structure(lines).roles[2] is Role.MARK


def test_marks_inside_a_sentence_are_taken_out() -> None:
    line = "[bookmark: _Toc1][bookmark: _Toc22]建设粮食[image: 图_1]产能区，面积20万亩。"
    passage = only([line])
    assert passage.text == "建设粮食产能区，面积20万亩。"
    assert [line[piece.column] for piece in passage.pieces] == ["建", "产"]
    start = passage.text.index("粮食产能")
    assert passage.span(start, start + 4).line == 1


def test_a_figure_caption_amid_a_sentence_is_passed_over() -> None:
    lines = [
        "大力发展黄瓜、番茄、豆角等本地蔬菜，以及玉米和西葫芦等",
        " 图5  果蔬产业布局图",
        "特色品种，产量达到5万吨。",
    ]
    assert only(lines).text.endswith("西葫芦等特色品种，产量达到5万吨。")


@pytest.mark.parametrize("indent", ["\u3000\u3000", "    ", "\t"])
def test_indents_are_no_text_and_columns_stay(indent: str) -> None:
    passage = only([indent + "建设基地20万亩。"])
    assert passage.pieces == (Piece(0, 1, len(indent)),)


def test_lines_broken_at_one_width_are_joined() -> None:
    text = "围绕粮食安全建设高产稳产农田二十万亩，完善灌溉设施与田间道路，配套农机具三百台套并推广节水技术，"
    text = text * 3 + "建成示范区五处。"
    body = [("\u3000\u3000" if i == 0 else "") + text[i : i + 36] for i in range(0, len(text), 36)]
    blocks = structure([*body, *body])
    assert texts(blocks) == [text, text]


def test_a_page_head_amid_sentences_is_dropped() -> None:
    head = "某某市农业农村发展规划"
    lines = [head, "第一章 总则"]
    for _ in range(3):
        lines += ["各县要统筹推进高标准农田建设，到规划期末完成建设任", head, "务二十万亩，实现旱涝保收。"]
    reading = read_structure(lines)
    assert [role for role in reading.roles if role is Role.RUNNING]
    assert all("任务二十万亩" in text for text in texts(reading.blocks) if text.startswith("各县"))


def test_a_line_of_a_paragraph_that_stands_twice_is_kept() -> None:
    lines = [
        "各县要统筹推进高标准农田建设，到规划期末按照统一部署全部",
        "完成高效节水灌溉和宜机化改造以及田间道路配套建设等主要",
        "工程，实现旱涝保收。",
    ]
    assert texts(structure([*lines, "", *lines])) == ["".join(lines)] * 2


@pytest.mark.parametrize(
    "lines",
    [
        ["某某市人民政府", "2021年8月16日"],
        ["某政发〔2021〕17号", "某某市人民政府"],
        ["某某市人民政府关于印发某某市农业农村现代化发展规划的通知", "", "各县（市、区）人民政府："],
        ["各县（市、区）人民政府：", "现将规划印发给你们，请认真执行。"],
        ["建设规模为五百亩，其中", "（1）河东县三百亩；", "（2）河西县二百亩。"],
        ["——建成三个园区。", "——建成五个基地。"],
    ],
)
def test_what_is_no_sentence_is_not_joined(lines: list[str]) -> None:
    assert texts(structure(lines)) == [line for line in lines if line]


@pytest.mark.parametrize("text", ["- 3 -", "— 12 —", "12", "第 3 页 共 20 页", "3/20"])
def test_page_numbers(text: str) -> None:
    assert is_page_number(clean(text, 1))


@pytest.mark.parametrize("text", ["2025", "12亩", "\t12", "3.5", "1、", "第三章"])
def test_no_page_numbers(text: str) -> None:
    assert not is_page_number(clean(text, 1))


def test_a_figure_cut_at_its_point_is_not_finished() -> None:
    assert not is_finished("面积达到3.")
    assert is_finished("面积达到3万亩。")
    assert is_finished("（责任单位：某某局）")


# Headings


def test_the_chain_of_headings() -> None:
    lines = [
        "第一章 总则",
        "",
        "第一节 基础",
        "一、条件",
        "（一）耕地",
        "1. 面积",
        "（1）河东县",
        BODY,
        "2、质量",
        BODY,
        "二、目标",
        BODY,
        "第二章 任务",
        BODY,
    ]
    chains = [chain(block) for block in structure(lines) if isinstance(block, Passage)]
    assert chains[0] == [
        (1, "第一章 总则", False),
        (2, "第一节 基础", False),
        (3, "一、条件", False),
        (4, "（一）耕地", False),
        (5, "1. 面积", False),
        (6, "（1）河东县", False),
    ]
    assert [entry[1] for entry in chains[1]][-1] == "2、质量"
    assert [entry[1] for entry in chains[2]] == ["第一章 总则", "第一节 基础", "二、目标"]
    assert [entry[1] for entry in chains[3]] == ["第二章 任务"]


def test_a_heading_over_two_lines() -> None:
    lines = ["第三章  实施产业提质行动", "", "加快建设现代农业", "", BODY]
    assert chain(only(lines)) == [(1, "第三章  实施产业提质行动加快建设现代农业", False)]


def test_a_heading_with_a_stop_and_a_run_in_heading() -> None:
    lines = ["（一）打造果品集群。", BODY, "1、建基地。" + BODY, "（1）扩规模。" + BODY, BODY]
    blocks = [block for block in structure(lines) if isinstance(block, Passage)]
    assert [entry[1] for entry in chain(blocks[0])] == ["（一）打造果品集群。"]
    assert blocks[1].text.startswith("1、建基地。")
    assert [entry[1] for entry in chain(blocks[2])] == ["（一）打造果品集群。", "1、建基地"]
    assert [entry[1] for entry in chain(blocks[3])] == ["（一）打造果品集群。"]


def test_items_of_a_list_are_text() -> None:
    lines = ["一、基地名单", "1. 河东县蔬菜基地500亩", "2. 河西县果业基地300亩", "二、保障", BODY]
    assert texts(structure(lines))[:2] == ["1. 河东县蔬菜基地500亩", "2. 河西县果业基地300亩"]


def test_a_box_in_a_frame_ends_with_it() -> None:
    lines = [
        "第一节 工程",
        BODY,
        "\t专栏1：重点工程",
        "",
        "\t1、建设基地。" + BODY,
        "2、培育企业。" + BODY,
        "",
        "",
        BODY,
    ]
    blocks = [block for block in structure(lines) if isinstance(block, Passage)]
    assert [entry[2] for entry in chain(blocks[1])] == [False, True]
    assert chain(blocks[2])[1] == (2 + 1, "专栏1：重点工程", True)
    assert [entry[2] for entry in chain(blocks[3])] == [False]


def test_a_box_without_a_frame() -> None:
    tight = ["第一节 旅游", BODY, "", "专栏4  旅游线路", "景点：东山、西山。", "村落：南庄、北庄。", "", BODY]
    blocks = [block for block in structure(tight) if isinstance(block, Passage)]
    assert [any(entry[2] for entry in chain(block)) for block in blocks] == [False, True, True, False]
    loose = [
        "一、旱作",
        "",
        BODY,
        "",
        "专栏：提质工程",
        "",
        "1. 提升工程。" + BODY[:-1],
        "",
        "专栏：提质工程",
        "",
        "实施面积",
        "",
        "二、科技",
        "",
        BODY,
    ]
    reading = read_structure(loose)
    boxed = [any(heading.box for heading in block.headings) for block in reading.blocks if isinstance(block, Passage)]
    assert boxed[0] is False
    assert boxed[1] is True
    assert boxed[-1] is False
    assert reading.roles[8] is Role.RUNNING


def test_a_box_inside_a_box() -> None:
    lines = [
        "第一节 乡村",
        "\t专栏1：分类",
        "",
        "\t" + BODY,
        "",
        "\t子专栏1：集聚",
        "",
        "\t" + BODY,
        "",
        "\t子专栏2：保护",
        "",
        "\t" + BODY,
        "",
        "",
        BODY,
    ]
    depths = [[heading.depth for heading in block.headings] for block in structure(lines) if isinstance(block, Passage)]
    assert depths == [[2, 3], [2, 3, 4], [2, 3, 4], [2]]


def test_contents_are_no_text() -> None:
    lines = [
        "目 录",
        "",
        "第一章 总则",
        "- 第一节 基础 5",
        "第二章 任务",
        "- 第一节 粮食 .... 8",
        "",
        "第一章 总则",
        BODY,
    ]
    reading = read_structure(lines)
    assert [role for role in reading.roles if role is Role.CONTENTS] == [Role.CONTENTS] * 5
    assert texts(reading.blocks) == [BODY]


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("第十二章 保障", 1),
        ("第3节 基础", 2),
        ("十一、保障", 3),
        ("(二)保障", 4),
        ("3．保障", 5),
        ("（12）保障", 6),
        ("## 二、保障", 3),
        ("# 总则", 1),
    ],
)
def test_numbering(text: str, depth: int) -> None:
    found = label(text)
    assert found is not None
    assert found.depth == depth


@pytest.mark.parametrize("text", ["30 个基地", "3.5万亩", "一二三产业融合", "第一产业增加值", "2021年", "第三节课"])
def test_no_numbering(text: str) -> None:
    assert label(text) is None or text == "第三节课"


def test_captions() -> None:
    assert caption("专栏3：工程") is Caption.BOX
    assert caption("专栏：工程") is Caption.BOX
    assert caption("表十一：分布表") is Caption.TABLE
    assert caption("表1  “十四五”指标") is Caption.TABLE
    assert caption("图 5 布局图") is Caption.FIGURE
    assert caption("表现优异") is None
    assert caption("表1所列项目全部开工。") is None


def test_find_title() -> None:
    assert find_title(["某市“十四五”农业", "及乡村发展规划", "", BODY]) == "某市“十四五”农业及乡村发展规划"
    assert find_title(["某市人民政府", "关于印发《某市农业", "发展规划》的通知", "", "各县："]) == "某市农业发展规划"
    assert find_title([BODY]) == ""


def test_tables_of_the_format_are_taken_over() -> None:
    def cell(row: int, column: int, line: int, start: int, text: str) -> GridCell:
        return GridCell(row, column, Passage(text, (Piece(0, line, start),)))

    lines = ["第一章 总则", "表1 面积（单位：万亩）", "县 面积", "甲县 3", BODY]
    grid = Grid(
        3, 4, (cell(0, 0, 3, 0, "县"), cell(0, 1, 3, 2, "面积"), cell(1, 0, 4, 0, "甲县"), cell(1, 1, 4, 3, "3"))
    )
    blocks = structure(lines, [grid])
    (table,) = tables(blocks)
    assert (table.title, table.unit, table.heads) == ("表1 面积（单位：万亩）", "万亩", 1)
    assert texts(blocks) == [BODY]
    check_positions(lines, blocks)
