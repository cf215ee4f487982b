"""`geoplan postgis` as its users run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from geoplan.cli.postgis import postgis_app
from geoplan.errors import GeoplanError, SettingsError, SourceError
from geoplan.pack.open import open_pack
from tests.postgis_land import SIDE, Land
from tests.sources.declared import VARIABLE, declared, written

DECLARED = declared(cells={"table": "parcels", "columns": ["class"], "mode": "pull", "zh": "地块"})


def run(*arguments: str) -> str:
    """What a command prints; its error is raised, as the command line's own `main` gets it."""
    told = CliRunner(env={"COLUMNS": "200"}).invoke(postgis_app, list(arguments))
    if isinstance(told.exception, GeoplanError):
        raise told.exception
    assert told.exit_code == 0, told.output
    return told.output


@pytest.fixture
def variable(land: Land, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(VARIABLE, land.address.dsn.replace("postgres@", "postgres:s3cret@"))
    monkeypatch.delenv("GEOPLAN_POSTGIS", raising=False)
    return VARIABLE


def test_a_table_is_pulled_into_a_folder(variable: str, tmp_path: Path) -> None:
    told = run("pull", "cells", "--database", variable, "--table", "public.parcels", "-o", str(tmp_path / "cells"))
    assert f"{SIDE * SIDE} features of the table public.parcels" in told
    assert "s3cret" not in told
    assert len(open_pack(tmp_path / "cells").source) == SIDE * SIDE


def test_a_declared_layer_is_pulled(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert variable == VARIABLE
    monkeypatch.setenv("GEOPLAN_POSTGIS", str(written(tmp_path, DECLARED)))
    run("pull", "cells", "-o", str(tmp_path / "cells"))
    manifest = open_pack(tmp_path / "cells").manifest
    assert manifest.title == {"zh": "地块", "en": "cells"}
    assert [column.name for column in manifest.columns] == ["class"]
    with pytest.raises(SettingsError, match="no layer 'roads' is declared; there are: cells"):
        run("pull", "roads")


def test_a_table_is_shown(variable: str) -> None:
    told = run("show", "cells", "--database", variable, "--table", "parcels")
    assert f"about {SIDE * SIDE} rows, EPSG:4326, ids: fid" in told
    assert "updated" in told
    assert "datetime" in told
    assert "s3cret" not in told


def test_what_is_missing_is_told(variable: str) -> None:
    with pytest.raises(SettingsError, match="belong together"):
        run("pull", "cells", "--database", variable)
    with pytest.raises(SettingsError, match="set GEOPLAN_POSTGIS to the file"):
        run("pull", "cells")
    with pytest.raises(SourceError, match="there is no table roads"):
        run("show", "cells", "--database", variable, "--table", "roads")
    with pytest.raises(SourceError, match="there is no table roads"):
        run("pull", "cells", "--database", variable, "--table", "roads", "-o", "nowhere")
