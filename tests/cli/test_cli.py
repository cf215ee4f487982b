"""The commands: help that works, answers that programs can read, and one message when something is wrong."""

from __future__ import annotations

import io
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import geopandas as gpd
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from geoplan import __version__
from geoplan.cli.app import app
from geoplan.layers import store
from geoplan.layers.store import Build
from geoplan.settings import Settings
from tests.commands import ROOT, copy_project
from tests.commands import geoplan as run_geoplan

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT_COMMAND = typer.main.get_command(app)


@pytest.fixture
def geoplan(settings: Settings, build: Build) -> Run:
    """The command over the project and its build."""
    assert build
    return lambda *arguments: run_geoplan(*arguments, project=ROOT, build_dir=settings.build_dir)


def answer(ended: subprocess.CompletedProcess[str]) -> Any:
    assert (ended.returncode, ended.stderr) == (0, "")
    return json.loads(ended.stdout)


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield from commands(command, (*path, name)) if hasattr(command, "commands") else [(*path, name)]


ALL = sorted(commands(ROOT_COMMAND))


def test_there_is_a_command_for_every_task() -> None:
    assert {path[0] for path in ALL} >= {
        "build",
        "serve",
        "check",
        "map",
        "layers",
        "places",
        "boundaries",
        "extract",
        "review",
        "diff",
        "plans",
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_has_an_example_that_the_command_understands(path: tuple[str, ...]) -> None:
    command: Any = ROOT_COMMAND
    for name in path:
        command = command.commands[name]
    assert command.help
    assert command.epilog.startswith(f"Example: geoplan {' '.join(path)}")
    told = CliRunner().invoke(app, [*path, "--help"])
    assert told.exit_code == 0
    assert "Example: geoplan" in told.output
    example = shlex.split(command.epilog.removeprefix("Example: geoplan "))
    try:
        command.make_context(path[-1], example[len(path) :]).close()
    except (click.ClickException, SystemExit) as error:  # pragma: no cover
        pytest.fail(f"{command.epilog}: {error}")


def test_help_and_import_load_nothing_heavy() -> None:
    code = "import sys, geoplan, geoplan.cli.app; print([m for m in {!r} if m in sys.modules])".format(
        ["geopandas", "pandas", "pyproj", "rasterio", "folium", "fastapi", "shapely", "numpy"],
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_version(geoplan: Run) -> None:
    assert geoplan("--version").stdout.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "status", "codes"),
    [
        (["平定东回"], "unique", ["140321104"]),
        (["忻府区"], "unique", ["140902"]),
        (["城关镇", "--within", "阳泉市"], "unknown", []),
        (["无此地"], "unknown", []),
    ],
)
def test_resolving_a_place(geoplan: Run, arguments: list[str], status: str, codes: list[str]) -> None:
    found = answer(geoplan("places", "resolve", *arguments, "--format", "json"))
    assert found["status"] == status
    assert [candidate["code"] for candidate in found["candidates"]] == codes
    for candidate in found["candidates"]:
        assert {"name", "code", "level", "parent", "as_of"} <= set(candidate)


def test_a_name_of_many_places_lists_them_and_narrows(geoplan: Run) -> None:
    wide = answer(geoplan("places", "resolve", "城区", "--format", "json"))
    assert wide["status"] == "ambiguous"
    assert len(wide["candidates"]) > 1
    narrow = answer(geoplan("places", "resolve", "城区", "--within", "阳泉市", "--format", "json"))
    assert (narrow["status"], narrow["candidates"][0]["parent"]) == ("unique", "山西省/阳泉市")
    assert "城区" in geoplan("places", "resolve", "城区", "--within", "阳泉市").stdout


def test_searching_places(geoplan: Run) -> None:
    found = answer(geoplan("places", "search", "hongtong", "--limit", "3", "--format", "json"))
    assert "洪洞县" in {candidate["name"] for candidate in found["candidates"]}
    assert len(found["candidates"]) <= 3


def test_listing_layers(geoplan: Run, build: Build) -> None:
    listed = answer(geoplan("layers", "list", "--format", "json"))
    assert [layer["id"] for layer in listed] == store.layer_ids(build)
    for layer in listed:
        assert {"title", "count", "unplaced", "bounds", "legend", "sources", "report"} <= set(layer)
    table = geoplan("layers", "list").stdout
    assert all(f" {layer['id']} " in table for layer in listed)


def test_reporting_a_layer(geoplan: Run, build: Build) -> None:
    assert answer(geoplan("layers", "report", "stops", "--format", "json")) == store.layer_report(build, "stops")
    text = geoplan("layers", "report", "stops").stdout
    report = store.layer_report(build, "stops")
    assert f"{report['selected']} selected = {report['joined']} joined + {report['unmatched']} unmatched" in text
    assert text.count(report["rows"][0]["reason"]) >= 2


def test_exporting_a_layer(geoplan: Run, tmp_path: Path) -> None:
    path = tmp_path / "田.geojson"
    ended = geoplan("layers", "export", "farmland", "--format", "geojson", "-o", str(path))
    assert ended.returncode == 0, ended.stderr
    collection = json.loads(path.read_text("utf-8"))
    frame = gpd.read_file(io.BytesIO(path.read_bytes()))
    assert len(frame) == len(collection["features"]) > 40
    quotas = [f["properties"] for f in collection["features"] if f["properties"]["part_of"] == "xinzhou-330-01"]
    assert (round(sum(p["value"] for p in quotas), 6), {p["plan_title"] != "" for p in quotas}) == (173.6, {True})
    geoplan("layers", "export", "farmland", "--format", "csv", "-o", str(tmp_path / "a.csv"))
    assert len(pd.read_csv(tmp_path / "a.csv")) == len(frame)
    geoplan("layers", "export", "farmland", "--format", "parquet", "-o", str(tmp_path / "a.parquet"))
    assert gpd.read_parquet(tmp_path / "a.parquet").crs.to_epsg() == 4490


def test_checking_the_records(geoplan: Run, build: Build, tmp_path: Path) -> None:
    clean = answer(geoplan("check", "--format", "json"))
    assert clean["problems"] == []
    assert clean["records"] > 1500
    project = copy_project(tmp_path / "project", build)
    records = project / "layers" / "records" / "xinzhou.csv"
    records.write_text(records.read_text("utf-8").replace(",area,173.6,", ",area,much,", 1), "utf-8")
    ended = run_geoplan("check", "--format", "json", project=project)
    assert ended.returncode == 1
    (problem,) = json.loads(ended.stdout)["problems"]
    assert [problem[key] for key in ("code", "file", "column")] == ["bad-cell", "xinzhou.csv", "value"]
    table = run_geoplan("check", project=project)
    assert f"xinzhou.csv, row {problem['row']}, column value: 'much' is no number" in table.stdout
    assert " 1 faults" in table.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["layers", "report", "farm"], "there is no layer 'farm'; the layers are counties, "),
        (["layers", "export", "farm", "-o", "x"], "there is no layer 'farm'"),
        (
            ["layers", "export", "farmland", "-o", "/no/such/folder/x"],
            "/no/such/folder/x cannot be written: ",
        ),
        (["map", "-o", "x", "--layer", "farm"], "there is no layer 'farm'"),
        (["places", "resolve", "东回", "--within", "无此县"], "无此县"),
        (["places", "resolve", "东" * 200], "at most 100 characters"),
        (["serve", "--port", "70000"], "'70000' is no port; use a number from 1 to 65535."),
        (["boundaries", "import", "nothing.shp", "--level", "county"], "nothing.shp"),
        (["boundaries", "remove", "county-0123456789ab"], "county-0123456789ab"),
    ],
)
def test_a_fault_is_one_message(geoplan: Run, arguments: list[str], message: str) -> None:
    ended = geoplan(*arguments)
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith(("Drawing", "Importing"))]
    assert line.startswith("geoplan: ")
    assert message in line


@pytest.mark.parametrize("arguments", ["layers list", "places resolve 东回", "check", "serve", "map -o x"])
def test_without_a_build_the_command_says_how_to_make_one(tmp_path: Path, arguments: str) -> None:
    ended = run_geoplan(*arguments.split(), project=ROOT, build_dir=tmp_path)
    assert (ended.returncode, ended.stderr) == (1, "geoplan: nothing is built yet; run `geoplan build`.\n")


def test_outside_a_project_the_command_says_so(tmp_path: Path) -> None:
    ended = run_geoplan("layers", "list", project=tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"geoplan: {tmp_path} is no geoplan project")
