"""The layers of a project for notebooks and scripts: what ``import geoplan`` offers.

An edge of the library like the command line: the project is the folder one works in or one above it, or what
``GEOPLAN_PROJECT`` and ``GEOPLAN_BUILD`` name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan import gazetteer
from geoplan.layers import store
from geoplan.settings import find_settings

if TYPE_CHECKING:
    import geopandas as gpd


def list_layers(project: Path | str | None = None) -> list[dict[str, Any]]:
    """Metadata of all layers of the current build: title, legend, sources, fields, counts, join report.

    Parameters
    ----------
    project
        The project folder, when it is not the one worked in.

    Raises
    ------
    SettingsError
        If no project is found.
    BuildError
        If nothing is built yet.
    """
    build = _build(project)
    return [store.layer_metadata(build, layer_id) for layer_id in store.layer_ids(build)]


def read_layer(layer_id: str, project: Path | str | None = None) -> gpd.GeoDataFrame:
    """A layer of the current build, EPSG:4490, RangeIndex; errors as for `list_layers`, and `LayerError`."""
    return store.read_layer_frame(_build(project), layer_id)


def read_report(layer_id: str, project: Path | str | None = None) -> dict[str, Any]:
    """Join report of a layer of the current build; errors as for `read_layer`."""
    return store.layer_report(_build(project), layer_id)


def resolve_place(text: str, within: str | None = None, project: Path | str | None = None) -> gazetteer.Resolution:
    """What a place name or code means: one division, several, or none; see `geoplan.gazetteer.resolve_place`."""
    return gazetteer.resolve_place(store.gazetteer(_build(project)), text, within)


def _build(project: Path | str | None) -> store.Build:
    settings = find_settings(os.environ if project is None else {}, Path(project or Path.cwd()))
    return store.open_build(settings.build_dir)
