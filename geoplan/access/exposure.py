"""An open service stays on its machine."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from geoplan.errors import SettingsError


def check_exposure(host: str, *, auth_configured: bool, allow_open: bool) -> None:
    """Refuse to listen where others can reach the service while nobody is asked who they are.

    Parameters
    ----------
    host
        Address or name to listen on; empty is every address.
    auth_configured
        Whether GEOPLAN_AUTH names a key file.
    allow_open
        Whether the operator insists (``--insecure-open``).

    Raises
    ------
    SettingsError
        If it would be open to others.
    """
    if auth_configured or allow_open or is_local_name(host):
        return
    raise SettingsError(
        f"--host {host or '(all addresses)'} opens the service to other machines, and anyone there could read it. "
        "Set GEOPLAN_AUTH to a key file (`geoplan keys create` makes one), listen on 127.0.0.1, "
        "or give --insecure-open if that is what you want."
    )


def is_local_name(host: str) -> bool:
    """Whether a host name or address, without port, is this machine and cannot be another."""
    return host.lower().rstrip(".") == "localhost" or is_loopback(host.strip("[]"))


@lru_cache(maxsize=4096)
def is_loopback(address: str) -> bool:
    """Whether a text is a loopback address; False for names."""
    found = _parsed(address)
    if found is None:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return (mapped or found).is_loopback


@lru_cache(maxsize=4096)
def is_remote(address: str) -> bool:
    """Whether a text is an address, and not a loopback one; False for names."""
    return _parsed(address) is not None and not is_loopback(address)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
