"""The file that declares tables as layers."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.errors import SettingsError
from geoplan.sources.postgis.declaration import read_declaration
from tests.sources.declared import declared, written

GOOD = declared(
    parcels={"table": "cadastre.parcels", "columns": ["dlbm"]},
    zones={"query": "select * from zones", "mode": "pull"},
)


def test_a_file_declares_databases_and_layers(tmp_path: Path) -> None:
    found = read_declaration(written(tmp_path, GOOD))
    assert found.entry("parcels").wanted.table == "cadastre.parcels"
    assert found.entry("zones").wanted.query == "select * from zones"
    assert found.address(found.entry("zones"), {"LAND_DATABASE": "postgresql://db/land"}).shown == "land at db"
    live = found.live_layers({"LAND_DATABASE": "postgresql://db/land"})
    assert list(live) == ["parcels"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "parcels"', 'id = "../parcels"', "layer.0.id"),
        ('id = "zones"', 'id = "parcels"', "two layers have the id parcels"),
        ('database = "land"', 'database = "sea"', r"there is no \[database.sea\]"),
        ('mode = "pull"', 'mode = "push"', "layer.1.mode"),
        ('table = "cadastre.parcels"', "", "either a table or a query"),
        ('mode = "live"', 'mode = "live"\nmax_rows = 10000000', "max_rows"),
        ('mode = "live"', 'mode = "live"\nowner = "x"', "owner"),
        ("LAND_DATABASE", "postgresql://planner:s3cret@db/land", "database.land.address"),
        ("[[layer]]", "[[layer", "is no TOML"),
    ],
)
def test_a_fault_is_told_with_its_place_and_without_a_secret(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(SettingsError, match=said) as caught:
        read_declaration(path)
    assert str(path) in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_there_or_is_no_declaration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_declaration(tmp_path / "none.toml")
    with pytest.raises(SettingsError, match="larger than"):
        read_declaration(written(tmp_path, "#" * (2**20 + 1)))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="no TOML"):
        read_declaration(tmp_path / "bytes.toml")


def test_an_unknown_layer_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there are: parcels, zones"):
        read_declaration(written(tmp_path, GOOD)).entry("roads")
