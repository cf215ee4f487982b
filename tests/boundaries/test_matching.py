"""Features are matched by (parent, name); what differs is noted, what matches nothing refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from official_files import counties, refused, renamed, run, townships, write

from geoplan.boundaries.importer import read_imports
from geoplan.boundaries.matching import same_spelling
from geoplan.errors import ImportRefusedError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    folder.mkdir()
    return folder


def test_spelling_and_code_differences_are_noted(tmp_path: Path, store: Path) -> None:
    frame = townships()
    row = frame.index[frame["XZQMC"].eq("巨城镇")][0]
    other = frame.index[frame["XZQMC"].eq("东回镇")][0]
    frame = renamed(int(other), "东回镇", "140321999")(renamed(int(row), "钜城镇")(frame))
    report = run(write(frame, tmp_path), store)
    assert sorted(w.code for w in report.warnings) == ["other-code", "spelling"]
    stored = read_imports(store, "township")
    assert stored is not None
    assert {"巨城镇", "东回镇"} <= set(stored["name"])


@pytest.mark.parametrize(
    ("columns", "drop"),
    [
        ({"区划码": "XZQDM", "地名": "XZQMC"}, []),
        ({"地名": "XZQMC"}, []),
        ({"gb": "XZQDM", "name": "XZQMC"}, []),
        ({"CODE": "XZQDM"}, ["XZQMC"]),
    ],
)
def test_column_names_of_other_publishers(
    tmp_path: Path, store: Path, columns: dict[str, str], drop: list[str]
) -> None:
    frame = townships().rename(columns={old: new for new, old in columns.items()})
    frame = frame[[*columns, "geometry"]]
    if "CODE" in frame:
        frame["CODE"] = frame["CODE"].astype(float)
    report = run(write(frame, tmp_path), store)
    assert report.count == 10
    assert {w.code for w in report.warnings} == ({"code-only"} if drop else set())


def test_columns_unknown(tmp_path: Path, store: Path) -> None:
    frame = townships().rename(columns={"XZQDM": "a", "XZQMC": "b"})
    with pytest.raises(ImportRefusedError, match=r"no column holds codes .* its columns are a, b"):
        run(write(frame, tmp_path), store)


def test_ambiguous_county_name_is_resolved_by_place(tmp_path: Path, store: Path) -> None:
    frame = counties("140302", "140502")[["NAME", "geometry"]]
    assert set(frame["NAME"]) == {"城区"}
    run(write(frame, tmp_path), store, level="county")
    stored = read_imports(store, "county")
    assert stored is not None
    assert list(stored["code"]) == ["140302", "140502"]


def test_former_name_through_the_alias_table(tmp_path: Path, store: Path) -> None:
    frame = counties("140703").assign(PAC="140726", NAME="太谷县")
    path = write(frame, tmp_path)
    assert "太谷区" in str(refused(path, store, level="county"))
    aliases = pd.DataFrame({"alias": ["太谷县"], "target_code": ["140703"]})
    report = run(path, store, level="county", aliases=aliases)
    assert "alias" in {w.code for w in report.warnings}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("阎庄镇", "闫庄镇", True),
        ("三十里铺镇", "卅里铺镇", True),
        ("东冶头镇", "冶头镇", True),
        ("北城街道", "北城街街道", True),
        ("宋古乡", "宋𦙶乡", True),
        ("东关街道", "西关街道", False),
        ("五里庄乡", "三里庄乡", False),
        ("新胜街道", "西花园街道", False),
    ],
)
def test_spellings(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert same_spelling(one, other) is same
