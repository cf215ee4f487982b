"""What the environment says about access; read once, at the edge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from geoplan.errors import SettingsError

_ORIGIN = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """How the service is guarded.

    Attributes
    ----------
    auth
        The key file; None: reading is open to this machine, writing to its own pages and commands.
    audit
        The log of writes; None keeps none.
    rates
        File in which all workers count requests together; None: each counts its own.
    origins
        Web origins whose pages may read answers (CORS); ``*`` is all of them.
    hosts
        Names, besides those of this machine, under which it is reached without a key file (behind a proxy).
    insecure_open
        Without a key file, answer other machines as well.
    """

    auth: Path | None = None
    audit: Path | None = None
    rates: Path | None = None
    origins: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    insecure_open: bool = False


RATES = "rates.bin"


def find_access(environ: Mapping[str, str], audit: Path | None = None) -> AccessSettings:
    """The settings that the environment makes.

    ``GEOPLAN_AUTH`` names the key file, ``GEOPLAN_AUDIT`` the log of writes (`audit` unless it is set),
    ``GEOPLAN_RATES`` the file in which workers count requests together (`RATES` beside `audit` unless it is set),
    ``GEOPLAN_CORS_ORIGINS`` and ``GEOPLAN_HOSTS`` are lists with commas, ``GEOPLAN_INSECURE_OPEN=1`` is set by
    ``geoplan serve --insecure-open``.

    Raises
    ------
    SettingsError
        If one of them is not usable.
    """
    origins = _listed(environ, "GEOPLAN_CORS_ORIGINS")
    if "*" in origins and len(origins) > 1:
        raise SettingsError("GEOPLAN_CORS_ORIGINS: give * alone, or a list of origins.")
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise SettingsError(
                f"GEOPLAN_CORS_ORIGINS: {origin[:100]!r} is no origin; write https://planning.example, without a path."
            )
    hosts = _listed(environ, "GEOPLAN_HOSTS")
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise SettingsError(f"GEOPLAN_HOSTS: {host[:100]!r} is no host name.")
    return AccessSettings(
        auth=_path(environ.get("GEOPLAN_AUTH")),
        audit=_path(environ.get("GEOPLAN_AUDIT")) or audit,
        rates=_path(environ.get("GEOPLAN_RATES")) or (audit and audit.with_name(RATES)),
        origins=origins,
        hosts=tuple(host.lower() for host in hosts),
        insecure_open=environ.get("GEOPLAN_INSECURE_OPEN", "") == "1",
    )


def _path(named: str | None) -> Path | None:
    return Path(named).expanduser().absolute() if named else None


def _listed(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for text in environ.get(name, "").split(",") if (part := text.strip()))
