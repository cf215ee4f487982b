"""The tree of errors, problems as text, and what importing geoplan costs."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import geoplan
from geoplan import errors
from geoplan.errors import GeoplanError, ImportRefusedError, Problem, RecordError

HEAVY = ("geopandas", "rasterio", "folium", "fastapi", "pandas", "shapely")
CLASSES = {
    name: cls for name, cls in inspect.getmembers(errors, inspect.isclass)
    if issubclass(cls, Exception) and not name.startswith("_")
}  # fmt: skip


@pytest.mark.parametrize("cls", CLASSES.values(), ids=str)
def test_every_error_descends_from_the_one_base_and_is_documented(cls: type[Exception]) -> None:
    assert issubclass(cls, GeoplanError)
    assert cls.__doc__


def test_the_tree_that_is_drawn_is_the_tree_there_is() -> None:
    drawn = set(re.findall(r"\b\w+Error\b", (errors.__doc__ or "").split("Exceptions are")[0]))
    assert drawn == set(CLASSES)


def test_the_module_imports_nothing_of_geoplan() -> None:
    tree = ast.parse(Path(errors.__file__).read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not [name for name in imported if str(name).startswith("geoplan")]


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("a", "It broke."), "It broke."),
        (Problem("a", "It broke.", remedy="Mend it."), "It broke. Mend it."),
        (Problem("a", "It broke.", "x.csv"), "x.csv: It broke."),
        (Problem("a", "It broke.", "x.csv", 3), "x.csv, row 3: It broke."),
        (Problem("a", "It broke.", "x.csv", 3, "unit", "Mend it."), "x.csv, row 3, column unit: It broke. Mend it."),
        (Problem("a", "It broke.", "x.csv", 0, "unit"), "x.csv, column unit: It broke."),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(problem: Problem, text: str) -> None:
    assert str(problem) == text


@pytest.mark.parametrize("cls", [RecordError, ImportRefusedError])
def test_an_error_carries_all_its_problems(cls: type[RecordError]) -> None:
    problems = [Problem("a", "One.", "x.csv", 2), Problem("b", "Two.", "x.csv", 3)]
    error = cls("Two faults:", problems)
    assert error.problems == tuple(problems)
    assert str(error).split("\n") == ["Two faults:", "  x.csv, row 2: One.", "  x.csv, row 3: Two."]
    assert str(cls("Alone.")) == "Alone."


def loaded_by(code: str) -> list[str]:
    """Heavy modules in a fresh interpreter after `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found: list[str] = json.loads(run.stdout.splitlines()[-1])
    return found


def test_import_geoplan_loads_nothing_heavy() -> None:
    assert loaded_by("import geoplan; geoplan.__version__, dir(geoplan)") == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["layers", "--help"], ["boundaries", "--help"], []])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        f"sys.argv = ['geoplan', *{arguments!r}]\nfrom geoplan.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert stop.code in (0, 2, None), stop.code\nprint()"
    )
    assert loaded_by(code) == []


def test_the_probe_would_see_a_heavy_module() -> None:
    assert {"geopandas", "pandas", "shapely"} <= set(loaded_by("import geoplan.boundaries.load"))


def test_every_public_name_of_the_package_is_there() -> None:
    assert dir(geoplan) == sorted(geoplan.__all__)
    for name in geoplan.__all__:
        assert getattr(geoplan, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        geoplan.nothing  # noqa: B018
