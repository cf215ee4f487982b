"""The `geoplan` command."""

from geoplan.cli.app import main

__all__ = ["main"]
