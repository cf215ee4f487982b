"""The packs of a build: every layer in the form in which tiles and queries read it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoplan.layers.build import LIST_COLUMNS
from geoplan.pack.build import PackOptions, build_pack
from geoplan.pack.columns import ColumnSpec
from geoplan.pack.format import Approximate
from geoplan.pack.levels import build_levels
from geoplan.terms import GeometrySource

if TYPE_CHECKING:
    import geopandas as gpd

ID = "fid"
PACKS = "packs"
"""Folder of a build with a pack for each layer, by its id."""
TILE_COLUMNS = (
    "name",
    "division_name",
    "division_code",
    "precision",
    "geometry_source",
    "class",
    "fill",
    "plan",
    "line",
    "theme",
    "status",
    "period",
    "value",
    "unit",
    "value_si",
    "unit_si",
    "qualifier",
)
"""Columns that tiles carry; the whole record is behind ``/collections/{id}/items/{fid}``."""
_APPROXIMATE = Approximate(column="geometry_source", values=(GeometrySource.SCHEMATIC.value,))


def write_layer_pack(frame: gpd.GeoDataFrame, metadata: dict[str, Any], target: Path) -> None:
    """Write the pack of a layer's frame (EPSG:4490, in drawing order) into the folder `target`.

    Schematic shapes are marked: they answer no question about a point.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    columns = [
        ColumnSpec(
            name,
            "json" if name in LIST_COLUMNS else None,
            in_tiles=name in TILE_COLUMNS,
        )
        for name in frame.columns
        if name not in (frame.geometry.name, ID)
    ]
    build_pack(
        frame,
        target,
        PackOptions(
            id=metadata["id"],
            title=metadata["title"],
            description=metadata["description"].get("zh", "") if metadata.get("description") else "",
            columns=columns,
            id_column=ID,
            ordered=True,
            approximate=_APPROXIMATE if "geometry_source" in frame.columns else None,
            sources=metadata["sources"],
        ),
        levels=build_levels,
    )
