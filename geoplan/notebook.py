"""The layers of a project for notebooks and scripts: what ``import geoplan`` offers.

An edge of the library like the command line: the project is the folder one works in or one above it, or what
``GEOPLAN_PROJECT`` and ``GEOPLAN_BUILD`` name.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan import gazetteer
from geoplan.errors import DocumentError
from geoplan.layers import store
from geoplan.provenance import Citation
from geoplan.records import PlanRecord, read_records
from geoplan.reports.citations import OpenedCitation, open_citation
from geoplan.settings import Settings, find_settings

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd


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


def cite(
    record: str | Citation | PlanRecord | Mapping[str, Any] | pd.Series[Any], project: Path | str | None = None
) -> OpenedCitation:
    """The citation of a fact, opened at its sentence where a copy of the plan is kept (`geoplan plans add`).

    A notebook shows it with the cited words marked; without a copy it says plan, chapter, line and characters.

    Parameters
    ----------
    record
        A record's id (``xinzhou-377-01``), a record, a citation, or a row of a fact layer (plan, line, span).

    Raises
    ------
    DocumentError
        If the plan or the record is not known, or the plan's text has no such line.
    """
    settings = _settings(project)
    build = store.open_build(settings.build_dir)
    return open_citation(settings, build, _citation(record, settings))


def _citation(record: str | Citation | PlanRecord | Mapping[str, Any] | pd.Series[Any], settings: Settings) -> Citation:
    if isinstance(record, Citation):
        return record
    if isinstance(record, PlanRecord):
        return record.citation
    if isinstance(record, str):
        path = settings.layers_dir / "records" / f"{Path(record).name.rsplit('-', 2)[0]}.csv"
        records = read_records(path).records if path.is_file() else []
        found = next((one.citation for one in records if one.id == record), None)
        if found is None:
            raise DocumentError(f"there is no record {record!r} in layers/records.")
        return found
    try:
        start, _, end = str(record["span"]).partition("-")
        return Citation(str(record["plan"]), int(record["line"]), int(start), int(end))
    except (KeyError, ValueError):
        raise DocumentError("this row has no plan, line and span; give a row of a fact layer.") from None


def _build(project: Path | str | None) -> store.Build:
    return store.open_build(_settings(project).build_dir)


def _settings(project: Path | str | None) -> Settings:
    """Settings of the project; the copies of plans are the user's, whichever project is named."""
    if project is None:
        return find_settings(os.environ, Path.cwd())
    kept = {name: os.environ[name] for name in ("GEOPLAN_PLANS", "XDG_DATA_HOME") if name in os.environ}
    return find_settings(kept, Path(project))
