"""geoplan: administrative boundaries joined with what regional plans promise.

The names below are loaded on first use, so that ``import geoplan`` stays light:
it imports neither geopandas, rasterio, folium nor fastapi.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geoplan.notebook import cite, list_layers, read_layer, read_report, resolve_place

__version__ = "0.1.0"

__all__ = ["__version__", "cite", "list_layers", "read_layer", "read_report", "resolve_place"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'geoplan' has no attribute {name!r}")
    return getattr(import_module("geoplan.notebook"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
