"""`geoplan keys`: the keys that open a service which others can reach."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from geoplan.errors import SettingsError

keys_app = typer.Typer(help="Keys for a service that others can reach.", no_args_is_help=True)

File = Annotated[Path | None, typer.Option("--file", help="Key file; else the one that GEOPLAN_AUTH names.")]
_MAX_KEYS = 10_000


@keys_app.command("create", epilog="Example: geoplan keys create --name 国土所 --scope read --expires 90d")
def create(
    name: Annotated[str, typer.Option(help="Whose key it is; shown in the list.")],
    scope: Annotated[Literal["read", "edit", "admin"], typer.Option(help="The most that it allows.")] = "read",
    expires: Annotated[str, typer.Option(help="Days (90d), a date (2027-06-30) or never.")] = "365d",
    rate: Annotated[
        float | None, typer.Option(min=0.01, max=1e6, help="Requests a second and process; 0.01 to 1e6 (100).")
    ] = None,
    layer: Annotated[list[str] | None, typer.Option(help="Layer that it opens, and no other; may be repeated.")] = None,
    file: File = None,
) -> None:
    """Make a key and print it, once: the file keeps only its hash."""
    from geoplan.access.authfile import AuthFile, AuthFileError
    from geoplan.access.grant import Scope
    from geoplan.access.keys import DEFAULT_RATE_PER_S, new_key
    from geoplan.access.store import changing, read_auth_file

    path, now = _path(file), datetime.now(UTC).replace(microsecond=0)
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise SettingsError("--name is a text of 1 to 200 characters, on one line.")
    until = _expiry(expires, now)
    key, token = new_key(
        name.strip(), Scope[scope.upper()], created=now, expires=until,
        rate_per_s=rate or DEFAULT_RATE_PER_S, layers=frozenset(layer) if layer else None,
    )  # fmt: skip
    with changing(path) as write:
        content = read_auth_file(path) if path.exists() else AuthFile()
        if len(content.keys) >= _MAX_KEYS:
            raise AuthFileError(f"{path} has {_MAX_KEYS} keys already; remove revoked ones from it.")
        write(replace(content, keys={**content.keys, key.id: key}))
    ends = f"until {until:%Y-%m-%d}" if until else "without end"
    print(f"Key {key.id} for {key.name}: {scope}, {ends}. It is shown this once:")
    print(token)


@keys_app.command("list", epilog="Example: geoplan keys list --format json")
def list_(
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="How to print.")] = "table",
    file: File = None,
) -> None:
    """List the keys; what opens anything is not in the file."""
    from geoplan.access.store import read_auth_file

    now = datetime.now(UTC)
    keys = read_auth_file(_path(file)).keys.values()
    rows = [
        {
            "id": key.id,
            "name": key.name,
            "scope": key.scope.name.lower(),
            "created": key.created.isoformat(),
            "expires": key.expires.isoformat() if key.expires else None,
            "revoked": key.revoked.isoformat() if key.revoked else None,
            "rate_per_s": key.rate_per_s,
            "layers": None if key.layers is None else sorted(key.layers),
            "usable": key.fault_at(now.timestamp()) is None,
        }
        for key in keys
    ]
    if format_ == "json":
        print(json.dumps({"keys": rows}, ensure_ascii=False, indent=1))
        return
    table = Table("id", "name", "scope", "expires", "layers", "state")
    for key, row in zip(keys, rows, strict=True):
        state = "usable" if row["usable"] else "revoked" if key.revoked else "expired"
        layers = "all" if key.layers is None else ", ".join(sorted(key.layers))
        table.add_row(key.id, key.name, str(row["scope"]), f"{key.expires:%Y-%m-%d}" if key.expires else "never",
                      layers, state)  # fmt: skip
    Console().print(table)


@keys_app.command("revoke", epilog="Example: geoplan keys revoke k3vq2n7zxw4a")
def revoke(key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the key.")], file: File = None) -> None:
    """Make a key open nothing any more; running services notice within a second."""
    from geoplan.access.authfile import AuthFileError
    from geoplan.access.store import changing, read_auth_file

    path = _path(file)
    with changing(path) as write:
        content = read_auth_file(path)
        key = content.keys.get(key_id)
        if key is None:
            raise AuthFileError(f"{path} has no key {key_id[:40]!r}; `geoplan keys list` shows them.")
        if key.revoked is None:
            revoked = replace(key, revoked=datetime.now(UTC).replace(microsecond=0))
            write(replace(content, keys={**content.keys, key_id: revoked}))
    print(f"Key {key.id} of {key.name} is revoked.")


def _path(file: Path | None) -> Path:
    named = os.environ.get("GEOPLAN_AUTH")
    if file is None and not named:
        raise SettingsError("no key file is named: set GEOPLAN_AUTH, or give --file.")
    return (file or Path(str(named))).expanduser().absolute()


def _expiry(text: str, now: datetime) -> datetime | None:
    if text == "never":
        return None
    days = re.fullmatch(r"([1-9][0-9]{0,4})d", text)
    try:
        # A date ends with its day, by this machine's clock.
        until = now + timedelta(days=int(days[1])) if days else datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise SettingsError(f"--expires {text!r} is neither days (90d) nor a date (2027-06-30) nor never.") from None
    if not days and len(text) == len("2027-06-30"):
        until += timedelta(days=1)
    if until <= now:
        raise SettingsError(f"--expires {text} is past.")
    return until
