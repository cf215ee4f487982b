"""An open service stays on its machine; the settings of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoplan.access.exposure import check_exposure, is_local_name, is_loopback, is_remote
from geoplan.access.settings import AccessSettings, find_access
from geoplan.errors import SettingsError

LOCAL = ["127.0.0.1", "127.8.9.1", "::1", "[::1]", "localhost", "LOCALHOST.", "::ffff:127.0.0.1"]
EXPOSED = [
    "0.0.0.0",  # noqa: S104 - what has to be refused
    "::",
    "",
    "192.168.1.5",
    "planning.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "::ffff:192.0.2.1",
    "2130706433",
    "0",
]


@pytest.mark.parametrize("host", LOCAL)
def test_this_machine_needs_no_keys(host: str) -> None:
    check_exposure(host, auth_configured=False, allow_open=False)
    assert is_local_name(host)


@pytest.mark.parametrize("host", EXPOSED)
def test_other_machines_need_keys(host: str) -> None:
    with pytest.raises(SettingsError, match="GEOPLAN_AUTH") as told:
        check_exposure(host, auth_configured=False, allow_open=False)
    assert "--insecure-open" in str(told.value)
    check_exposure(host, auth_configured=True, allow_open=False)
    check_exposure(host, auth_configured=False, allow_open=True)
    assert not is_loopback(host)


def test_names_are_not_addresses() -> None:
    assert [is_remote(text) for text in ("10.0.0.1", "::2", "127.0.0.1", "planning.test", "/run/x.sock", "")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip


def test_settings_of_the_environment() -> None:
    assert find_access({}) == AccessSettings()
    made = find_access(
        {
            "GEOPLAN_AUTH": "/etc/geoplan/keys.json",
            "GEOPLAN_CORS_ORIGINS": " https://map.example, http://[::1]:8080 ,",
            "GEOPLAN_HOSTS": "Planning.Example",
            "GEOPLAN_INSECURE_OPEN": "1",
        },
        Path("/var/audit.jsonl"),
    )
    assert made == AccessSettings(
        Path("/etc/geoplan/keys.json"), Path("/var/audit.jsonl"), Path("/var/rates.bin"),
        ("https://map.example", "http://[::1]:8080"), ("planning.example",), insecure_open=True,
    )  # fmt: skip
    assert find_access({"GEOPLAN_RATES": "/r"}, Path("/b")).rates == Path("/r")
    assert find_access({"GEOPLAN_AUDIT": "/a"}, Path("/b")).audit == Path("/a")
    assert find_access({"GEOPLAN_CORS_ORIGINS": "*"}).origins == ("*",)
    assert not find_access({"GEOPLAN_INSECURE_OPEN": "0"}).insecure_open


@pytest.mark.parametrize(
    "origins", ["*,https://a.example", "https://a.example/", "null", "a.example", "https://*.example", "file://"]
)
def test_wrong_origins_are_refused(origins: str) -> None:
    with pytest.raises(SettingsError, match="GEOPLAN_CORS_ORIGINS"):
        find_access({"GEOPLAN_CORS_ORIGINS": origins})


@pytest.mark.parametrize("hosts", ["https://a.example", "a b", "*"])
def test_wrong_hosts_are_refused(hosts: str) -> None:
    with pytest.raises(SettingsError, match="GEOPLAN_HOSTS"):
        find_access({"GEOPLAN_HOSTS": hosts})
