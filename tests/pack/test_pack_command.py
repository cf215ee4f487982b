"""`geoplan pack`: build, info, verify."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from geoplan.cli.pack import pack_app
from geoplan.errors import PackError
from geoplan.pack.format import FULL
from geoplan.pack.open import open_pack
from tests.pack.parcels import parcels


def run(*arguments: str) -> str:
    result = CliRunner().invoke(pack_app, list(arguments), env={"COLUMNS": "160"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "parcels.parquet"
    parcels(200).to_parquet(path)
    return path


def test_build_info_verify(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    options = ["--id-column", "fid", "--columns", "use,year,day", "--datetime", "day", "--title", "地块"]
    output = run("build", str(file), "-o", str(target), *options)
    assert "200 features" in output
    assert "features have no shape" in output
    pack = open_pack(target)
    assert (pack.manifest.id, pack.manifest.datetime, pack.manifest.title) == ("out", "day", {"zh": "地块"})
    assert "all sound" in run("verify", str(target))
    output = run("info", str(target))
    for word in ("地块", "200 (Polygon)", "fid", "112.5", "use", "string", "yes", "0-22"):
        assert word in output


def test_a_damaged_pack_is_named(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    run("build", str(file), "-o", str(target))
    path = target / FULL / "tree.arrow"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackError, match=r"tree\.arrow"):
        run("verify", str(target))


def test_an_id_puts_the_pack_in_use(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPLAN_PROJECT", str(Path(__file__).parents[2]))
    monkeypatch.setenv("GEOPLAN_BUILD", str(tmp_path))
    run("build", str(file), "--id", "parcels")
    assert open_pack(tmp_path / "packs" / "parcels").manifest.count == 200


def test_shapes_of_low_zooms_are_merged_as_told(file: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    told = ["--dissolve", "use", "--dissolve-zoom", "10", "--statistic", "price=sum", "--statistic", "number = count"]
    run("build", str(file), "-o", str(target), *told)
    pack = open_pack(target)
    part = pack.part_at(10)
    assert part is not None
    names = [column.name for column in part.columns if column.in_tiles]
    assert names == ["use", "count", "number_count", "price_sum"]
    assert "use" in run("info", str(target)).split("kept apart")[1]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ([], "--id parcels"),
        (["--id", "../x"], "no id"),
        (["--id", "a", "--min-zoom", "9", "--max-zoom", "3"], "above"),
        (["--id", "a", "--statistic", "price=median"], "'price=median': write COLUMN=STATISTIC, with one of sum, mean"),
        (["--id", "a", "--statistic", "=sum"], "write COLUMN=STATISTIC"),
        (["--id", "a", "--statistic", "cost=sum"], "level rule: there is no column 'cost'; there are day"),
        (["--id", "a", "--dissolve", "number,cost"], "level rule: there is no column 'cost'; there are day"),
        (["--id", "a", "--no-levels", "--dissolve", "use"], "--no-levels leaves nothing to merge"),
    ],
)
def test_what_cannot_be_is_said(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], what: str
) -> None:
    monkeypatch.setenv("GEOPLAN_PROJECT", str(Path(__file__).parents[2]))
    monkeypatch.setenv("GEOPLAN_BUILD", str(tmp_path))
    with pytest.raises(PackError, match=what):
        run("build", str(file), *arguments)
