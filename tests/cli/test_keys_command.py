"""`geoplan keys`: a key is made and shown once, listed without its secret, revoked for running services."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geoplan.access.keys import id_of, proves
from geoplan.access.store import read_auth_file
from geoplan.cli.keys import keys_app
from geoplan.errors import SettingsError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "keys.json"
    monkeypatch.setenv("GEOPLAN_AUTH", str(path))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(keys_app, arguments)


def said(*arguments: str) -> str:
    result = run(*arguments)
    assert (result.exit_code, result.exception) == (0, None)
    return result.output


def made(*arguments: str) -> bytes:
    return said("create", *arguments).splitlines()[-1].encode()


def test_a_key_is_made_listed_and_revoked(file: Path) -> None:
    token = made("--name", "国土所", "--scope", "edit", "--expires", "90d", "--layer", "farmland", "--rate", "5")
    key_id = id_of(token)
    assert key_id is not None
    key = read_auth_file(file).keys[key_id]
    assert proves(key, token)
    assert (key.scope.name, key.layers, key.rate_per_s) == ("EDIT", frozenset({"farmland"}), 5.0)
    assert key.expires is not None
    assert (key.expires - key.created).days == 90
    assert file.stat().st_mode & 0o777 == 0o600
    listed = json.loads(said("list", "--format", "json"))["keys"]
    assert [(row["id"], row["name"], row["usable"]) for row in listed] == [(key_id, "国土所", True)]
    secret = token.decode().rpartition("_")[2]
    for text in (said("list"), said("list", "--format", "json"), file.read_text("utf-8")):
        assert secret not in text
        assert token.decode() not in text
    assert "revoked" in said("revoke", key_id)
    first = read_auth_file(file).keys[key_id].revoked
    assert first is not None
    said("revoke", key_id)
    assert read_auth_file(file).keys[key_id].revoked == first
    assert "revoked" in said("list")


def test_a_key_keeps_the_rest_of_the_file(file: Path) -> None:
    made("--name", "a")
    document = json.loads(file.read_text("utf-8"))
    document["layers"]["counties"] = "public"
    document["oidc"] = {"issuer": "https://i", "audience": "g", "jwks": "https://i/k", "scopes": {"x": "read"}}
    file.write_text(json.dumps(document), "utf-8")
    made("--name", "b", "--expires", "never")
    content = read_auth_file(file)
    assert [key.name for key in content.keys.values()] == ["a", "b"]
    assert content.visibility["counties"] == "public"
    assert content.oidc is not None


def test_another_file_may_be_named(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    made("--name", "a", "--file", str(other))
    assert other.exists()
    assert not file.exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--name", "a", "--expires", "soon"), "neither days"),
        (("create", "--name", "a", "--expires", "2020-01-01"), "is past"),
        (("create", "--name", "a", "--expires", "0d"), "neither days"),
        (("create", "--name", "a\nb"), "on one line"),
        (("create", "--name", " "), "1 to 200"),
        (("list",), "cannot be used: No such file"),
        (("revoke", "nothing"), "cannot be used"),
    ],
)
@pytest.mark.usefixtures("file")
def test_faults_are_told_in_a_sentence(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, SettingsError)
    assert re.search(words, str(result.exception))


def test_an_unknown_key_is_told(file: Path) -> None:
    made("--name", "a")
    result = run("revoke", "nothing")
    assert "has no key 'nothing'" in str(result.exception)
    assert file.exists()


def test_a_broken_file_is_not_written_over(file: Path) -> None:
    file.write_text('{"format": "geoplan-access/1", "kies": []}', "utf-8")
    file.chmod(0o600)
    result = run("create", "--name", "a")
    assert "unknown field 'kies'" in str(result.exception)
    assert "kies" in file.read_text("utf-8")


def test_without_a_file_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEOPLAN_AUTH", raising=False)
    assert "set GEOPLAN_AUTH" in str(run("list").exception)
