"""CSV sheets: how a spreadsheet may write them, and what cannot be read at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import RecordError
from geoplan.records import COLUMNS, read_records
from geoplan.records.sheet import MAX_BYTES
from tests.records.sheets import FACT, NEXT, OTHER, text_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "p.csv"


def test_columns_may_stand_in_another_order_and_rows_may_be_blank(path: Path) -> None:
    text = text_of(FACT, {}, NEXT, columns=tuple(reversed(COLUMNS)))
    path.write_bytes(text.encode("utf-8-sig").replace(b"\n", b"\r\n"))
    (record,) = read_records(path).records
    assert len(record.quantities) == 2


def test_cells_without_text_make_a_blank_row_however_many_there_are(path: Path) -> None:
    path.write_bytes(text_of(FACT, OTHER).encode() + b",,\n,\n\n")
    assert len(read_records(path).records) == 2


def test_a_byte_order_mark_is_accepted(path: Path) -> None:
    path.write_bytes(text_of(FACT).encode("utf-8-sig"))
    assert len(read_records(path).records) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (text_of(FACT).encode("gb18030"), r"byte \d+ is not UTF-8. Save the file as 'CSV UTF-8'"),
        (text_of(FACT).encode("utf-16"), "byte 0 is not UTF-8"),
        (b"", "row 1: the columns are not those"),
        (text_of(FACT).replace("theme", "topic").encode(), "missing: theme; unknown: topic"),
        (text_of(FACT).replace("theme,", "theme,theme,").encode(), "row 1: the columns are not those"),
        (text_of(FACT).replace(",note", "").encode(), "missing: note; unknown: none"),
        (text_of(FACT).encode() + b"p-7-01,base\n", "row 3: 2 cells where the header has 20"),
        (text_of(FACT).encode() + b"p-7-01" + b"," * 20 + b"x\n", "row 3: 21 cells where the header has 20"),
        (text_of(FACT).encode() + b'"unfinished', "not a CSV file"),
        (text_of(FACT).encode() + b'"a"b,c\n', "not a CSV file"),
    ],
)
def test_a_file_that_is_no_record_file_is_refused_with_the_reason(path: Path, content: bytes, said: str) -> None:
    path.write_bytes(content)
    with pytest.raises(RecordError, match=said) as error:
        read_records(path)
    assert str(error.value).startswith("p.csv")


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(RecordError, match=r"p\.csv: there is no such record file"):
        read_records(path)


def test_a_file_too_large_is_refused_before_it_is_read(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(RecordError, match="larger than 32 MB"):
        read_records(path)
