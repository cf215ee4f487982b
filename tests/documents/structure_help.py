"""What the tests of structure and tables share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from geoplan.documents.document import Block, Passage, Table
from geoplan.documents.reading.mending import clean
from geoplan.documents.reading.structure import Role, read_structure
from tests.plan_texts import plan_text

BODY = "到二〇三五年全域建成一批集中连片的示范园区，带动农户稳定增收，形成稳固的发展格局。"


def plan(name: str) -> tuple[str, ...]:
    """The lines of a real plan, where it is at hand."""
    return tuple(plan_text(name).read_text("utf-8").split("\n"))


def passages(blocks: Sequence[Block]) -> Iterator[Passage]:
    """Every passage, those of cells included."""
    for block in blocks:
        if isinstance(block, Table):
            for row in block.rows:
                for cell in row:
                    yield cell.passage
        else:
            yield block


def tables(blocks: Sequence[Block]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def texts(blocks: Sequence[Block]) -> list[str]:
    return [block.text for block in blocks if isinstance(block, Passage)]


def check_positions(lines: Sequence[str], blocks: Sequence[Block]) -> None:
    """Every character leads back to itself, pieces ascend, and blocks stand in order."""
    seen: set[tuple[int, int]] = set()
    for passage in passages(blocks):
        assert passage.text
        assert passage.pieces[0].start == 0
        ends = [*[piece.start for piece in passage.pieces[1:]], len(passage.text)]
        for piece, end in zip(passage.pieces, ends, strict=True):
            assert piece.start < end
            line = lines[piece.line - 1]
            assert line[piece.column : piece.column + end - piece.start] == passage.text[piece.start : end]
            places = {(piece.line, piece.column + i) for i in range(end - piece.start)}
            assert not places & seen
            seen |= places
        assert list(passage.pieces) == sorted(passage.pieces, key=lambda piece: (piece.line, piece.column))
    firsts = [next(passages([block])).pieces[0].line for block in blocks]
    assert firsts == sorted(firsts)


def check_account(lines: Sequence[str]) -> None:
    """No text is lost: a line's characters stand in one block, or the line has another role."""
    blocks, roles = read_structure(lines)
    held: dict[int, list[str]] = {}
    for passage in passages(blocks):
        ends = [*[piece.start for piece in passage.pieces[1:]], len(passage.text)]
        for piece, end in zip(passage.pieces, ends, strict=True):
            held.setdefault(piece.line, []).append(passage.text[piece.start : end])
    headings = {heading.line for passage in passages(blocks) for heading in passage.headings}
    for number, (raw, role) in enumerate(zip(lines, roles, strict=True), 1):
        text = clean(raw, number).text
        if role in (Role.TEXT, Role.CELL):
            bars = "|│┃" if role is Role.CELL else ""
            found = "".join(held[number])
            kept, stands = ([c for c in whole if c not in bars and not c.isspace()] for whole in (found, text))
            assert kept == stands
        else:
            assert number not in held
            assert bool(text) <= (role is not Role.BLANK)
        if number in headings:
            # A run-in heading is the first clause of a passage.
            assert role in (Role.HEADING, Role.TEXT)
